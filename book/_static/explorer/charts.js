/* Charts of the gene explorer: plain SVG, made from elements and text, never from mark-up. */
(function () {
  "use strict";
  const SVG = "http://www.w3.org/2000/svg";
  const MARKS = ["circle", "square", "triangle", "diamond", "cross", "down"];

  function node(kind, attributes, text) {
    const made = document.createElementNS(SVG, kind);
    for (const [name, value] of Object.entries(attributes || {})) made.setAttribute(name, value);
    if (text !== undefined) made.textContent = text;
    return made;
  }

  function picture(width, height, label) {
    return node("svg", {
      viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label, class: "lx-chart",
    });
  }

  /* A model's colour in either theme. */
  function coloured(made, colours) {
    made.style.setProperty("--lx-light", colours.colour);
    made.style.setProperty("--lx-dark", colours.dark);
    return made;
  }

  /* A few round numbers within a range. */
  function ticks(low, high, count) {
    const rough = (high - low) / count || 1;
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 2.5, 5, 10].map((n) => n * power).find((n) => n >= rough);
    const first = Math.ceil(low / step - 1e-9);
    const digits = Math.max(0, Math.ceil(-Math.log10(step) - 1e-9) + (step / power === 2.5 ? 1 : 0));
    const found = [];
    for (let n = first; n * step <= high + step * 1e-9; n += 1) {
      found.push({ value: n * step, text: (n * step).toFixed(digits) });
    }
    return found;
  }

  function mark(shape, x, y) {
    const d = {
      square: `M${x - 2.2} ${y - 2.2}h4.4v4.4h-4.4z`,
      triangle: `M${x} ${y - 2.8}l2.6 4.6h-5.2z`,
      down: `M${x} ${y + 2.8}l2.6 -4.6h-5.2z`,
      diamond: `M${x} ${y - 3.1}l2.7 3.1l-2.7 3.1l-2.7 -3.1z`,
      cross: `M${x - 2.3} ${y - 2.3}l4.6 4.6m0 -4.6l-4.6 4.6`,
    }[shape];
    return d ? node("path", { d }) : node("circle", { cx: x, cy: y, r: 2.4 });
  }

  /* Predicted against observed values of one gene in one cohort.
     given: label, observed, nullAt, unit, samples, series: [{name, colours, mark, predicted}] */
  function scatter(given) {
    const width = 270, height = 250, left = 42, right = 8, top = 8, bottom = 40;
    const svg = picture(width, height, given.label);
    const all = [given.nullAt, ...given.observed, ...given.series.flatMap((one) => one.predicted)];
    const known = all.filter(Number.isFinite);
    let low = Math.min(...known), high = Math.max(...known);
    const margin = (high - low) * 0.05 || 0.05;
    low -= margin;
    high += margin;
    const x = (value) => left + ((value - low) / (high - low)) * (width - left - right);
    const y = (value) => height - bottom - ((value - low) / (high - low)) * (height - top - bottom);
    const axes = node("g", { class: "lx-axes" });
    for (const tick of ticks(low, high, 5)) {
      axes.append(node("line", { x1: x(tick.value), x2: x(tick.value), y1: top, y2: height - bottom }));
      axes.append(node("line", { x1: left, x2: width - right, y1: y(tick.value), y2: y(tick.value) }));
      axes.append(node("text", { x: x(tick.value), y: height - bottom + 13, "text-anchor": "middle" }, tick.text));
      axes.append(node("text", { x: left - 4, y: y(tick.value) + 3.5, "text-anchor": "end" }, tick.text));
    }
    axes.append(node("text", { x: (left + width) / 2, y: height - 6, "text-anchor": "middle" },
      `observed, ${given.unit}`));
    axes.append(node("text", {
      x: 10, y: (height - bottom) / 2, "text-anchor": "middle",
      transform: `rotate(-90 10 ${(height - bottom) / 2})`,
    }, "predicted"));
    svg.append(axes);
    svg.append(node("line", { class: "lx-perfect", x1: x(low), y1: y(low), x2: x(high), y2: y(high) }));
    if (Number.isFinite(given.nullAt)) {
      svg.append(node("line", {
        class: "lx-null", x1: left, x2: width - right, y1: y(given.nullAt), y2: y(given.nullAt),
      }));
    }
    for (const one of given.series) {
      const group = coloured(node("g", { class: `lx-points lx-${one.mark}` }), one.colours);
      one.predicted.forEach((value, i) => {
        const point = mark(one.mark, x(given.observed[i]), y(value));
        point.append(node("title", {}, `${given.samples[i]}, ${one.name}: observed ` +
          `${given.observed[i].toFixed(2)}, predicted ${value.toFixed(2)}`));
        group.append(point);
      });
      svg.append(group);
    }
    return svg;
  }

  /* The mark of a model, for a legend. */
  function swatch(shape, colours) {
    const svg = node("svg", { viewBox: "0 0 10 10", "aria-hidden": "true", class: "lx-swatch" });
    const group = coloured(node("g", { class: `lx-mark lx-${shape}` }), colours);
    const one = mark(shape, 5, 5);
    one.setAttribute("transform", "translate(-2.5 -2.5) scale(1.5)");
    group.append(one);
    svg.append(group);
    return svg;
  }

  /* Where a TF's expression lies: rows: [{label, values: [p5, p25, p50, p75, p95, mean]}] */
  function spans(given) {
    const width = 420, left = 130, right = 14, each = 30;
    const height = given.rows.length * each + 40;
    const svg = picture(width, height, given.label);
    const known = given.rows.flatMap((row) => row.values);
    let low = Math.min(...known), high = Math.max(...known);
    const margin = (high - low) * 0.05 || 0.05;
    low -= margin;
    high += margin;
    const x = (value) => left + ((value - low) / (high - low)) * (width - left - right);
    const axes = node("g", { class: "lx-axes" });
    for (const tick of ticks(low, high, 5)) {
      axes.append(node("line", { x1: x(tick.value), x2: x(tick.value), y1: 4, y2: height - 36 }));
      axes.append(node("text", { x: x(tick.value), y: height - 22, "text-anchor": "middle" }, tick.text));
    }
    axes.append(node("text", { x: (left + width) / 2, y: height - 6, "text-anchor": "middle" },
      `expression, ${given.unit}`));
    svg.append(axes);
    given.rows.forEach((row, i) => {
      const at = i * each + 18, [p5, p25, p50, p75, p95, mean] = row.values;
      svg.append(node("text", { class: "lx-row", x: left - 8, y: at + 4, "text-anchor": "end" }, row.label));
      const box = node("g", { class: "lx-box" });
      box.append(node("line", { x1: x(p5), x2: x(p95), y1: at, y2: at }));
      box.append(node("rect", { x: x(p25), y: at - 7, width: Math.max(x(p75) - x(p25), 0.5), height: 14 }));
      box.append(node("line", { class: "lx-median", x1: x(p50), x2: x(p50), y1: at - 7, y2: at + 7 }));
      box.append(node("circle", { cx: x(mean), cy: at, r: 2.6 }));
      svg.append(box);
    });
    return svg;
  }

  window.lembasCharts = { MARKS, scatter, spans, swatch };
})();
