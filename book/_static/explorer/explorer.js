/* The gene explorer: loads a run's explorer files, follows the address, shows genes and TFs.
   Names come from data: they are put in as text or through encodeURIComponent, never as mark-up. */
(function () {
  "use strict";
  const FOLDER = new URL("../../explorer/", document.currentScript.src).href;
  const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const ARROWS = { 1: " ↑", "-1": " ↓", 0: "" };
  const SIGNS = { 1: "activates", "-1": "inhibits", 0: "unknown" };
  const charts = window.lembasCharts;

  /* Files: a page opened from a folder may load scripts, and nothing else. */
  const received = new Map(), asked = new Map();
  let version = "";
  function load(name) {
    if (!asked.has(name)) {
      asked.set(name, new Promise((resolve, reject) => {
        const script = document.createElement("script");
        script.src = `${FOLDER}${name}.js${version}`;
        script.addEventListener("load", () => {
          script.remove();
          if (received.has(name)) resolve(received.get(name));
          else reject(new Error(name));
        });
        script.addEventListener("error", () => {
          script.remove();
          asked.delete(name);
          reject(new Error(name));
        });
        document.head.append(script);
      }));
    }
    return asked.get(name);
  }

  function el(kind, attributes, ...children) {
    const made = document.createElement(kind);
    for (const [name, value] of Object.entries(attributes || {})) {
      if (value !== null) made.setAttribute(name, value);
    }
    made.append(...children.filter((child) => child !== null));
    return made;
  }

  const number = (value, digits = 2) =>
    value === null ? "not defined" : (value / 1000).toFixed(digits);
  const signed = (value, digits = 3) =>
    value === null ? "none" : (value > 0 ? "+" : "") + (value / 1000).toFixed(digits);
  const percent = (value) => (value === null ? "none" : `${(value / 10).toFixed(1)} %`);
  const counted = (n, noun) => `${n.toLocaleString("en")} ${noun}${n === 1 ? "" : "s"}`;
  const hash = (kind, name) => `#${kind}=${encodeURIComponent(name)}`;
  const link = (kind, name) => el("a", { href: hash(kind, name) }, name);

  function unpack(text, low, step) {
    if (text === null) return null;
    const values = new Array(text.length / 2);
    for (let i = 0; i < values.length; i += 1) {
      const code = ALPHABET.indexOf(text[2 * i]) * 64 + ALPHABET.indexOf(text[2 * i + 1]);
      values[i] = low + code * step;
    }
    return values;
  }

  function table(caption, head, rows, rowHeads = true) {
    const made = el("table", {}, el("caption", {}, caption),
      el("thead", {}, el("tr", {}, ...head.map((text) => el("th", { scope: "col" }, text)))));
    const body = el("tbody");
    for (const row of rows) {
      body.append(el("tr", {}, ...row.map((cell, i) =>
        i === 0 && rowHeads ? el("th", { scope: "row" }, cell) : el("td", {}, cell))));
    }
    made.append(body);
    return el("div", { class: "lx-scroll", tabindex: "0", role: "region", "aria-label": caption }, made);
  }

  class Explorer {
    constructor(root, index) {
      this.root = root;
      this.index = index;
      this.kinds = {
        gene: { ...index.genes, file: "genes", place: new Map(index.genes.names.map((n, i) => [n, i])) },
        tf: { ...index.tfs, file: "tfs", place: new Map(index.tfs.names.map((n, i) => [n, i])) },
      };
      this.drawn = new Set(index.shown.slice(0, 2));
      this.metric = 0;
      this.record = el("section", { class: "lx-record", "aria-live": "off" });
      this.status = root.querySelector(".lembas-explorer-status");
    }

    start() {
      const search = window.lembasExplorerParts.search(this, el);
      const tables = window.lembasExplorerParts.tables(this, el);
      this.root.append(search, this.record, tables);
      window.addEventListener("hashchange", () => this.follow());
      this.follow();
    }

    name(kind, place) {
      return this.kinds[kind].names[place];
    }

    label(model) {
      return this.index.models[model].label;
    }

    value(kind, key, place) {
      const column = this.kinds[kind].columns.find((one) => one.key === key);
      if (!column || column.values[place] === null) return null;
      return column.names ? column.names[column.values[place]] : column.values[place];
    }

    go(kind, name) {
      if (window.location.hash === hash(kind, name)) this.follow();
      else window.location.hash = hash(kind, name);
    }

    /* Find what a text names: as written, else in other letters; a gene before a TF. */
    find(text, kinds = ["gene", "tf"]) {
      const wanted = text.trim();
      for (const kind of kinds) {
        if (this.kinds[kind].place.has(wanted)) return { kind, name: wanted };
      }
      for (const kind of kinds) {
        const name = this.kinds[kind].names.find((n) => n.toUpperCase() === wanted.toUpperCase());
        if (name !== undefined) return { kind, name };
      }
      return null;
    }

    /* Show what the address asks for; without a part behind the page's name, the first gene. */
    async follow() {
      const parts = /^#(gene|tf)=(.*)$/.exec(window.location.hash);
      let text = parts ? parts[2] : "";
      try {
        text = decodeURIComponent(text);
      } catch (error) {
        if (!(error instanceof URIError)) throw error;
      }
      // The address of a section of the page.
      if (!parts && window.location.hash !== "" && this.current) return;
      const kinds = parts && parts[1] === "tf" ? ["tf", "gene"] : ["gene", "tf"];
      const found = parts ? this.find(text, kinds) : { kind: "gene", name: this.name("gene", this.index.first) };
      if (found === null) {
        this.say(`There is no gene or TF called ${text} in this study.`);
        return;
      }
      await this.show(found.kind, found.name, parts !== null);
    }

    say(text) {
      this.status.textContent = text;
      this.status.classList.toggle("lx-quiet", text === "");
    }

    async show(kind, name, moves) {
      const all = this.kinds[kind], place = all.place.get(name);
      const file = `${all.file}-${Math.floor(place / this.index.per_file)}`;
      this.wanted = `${kind} ${name}`;
      let records;
      try {
        records = await load(file);
      } catch (error) {
        this.say(`The file explorer/${file}.js is missing or damaged (${error.message}); build the pages again.`);
        return;
      }
      // Another name was asked for while this one's file was on its way.
      if (this.wanted !== `${kind} ${name}`) return;
      const record = records[place % this.index.per_file];
      if (record.name !== name) {
        this.say("The pages were built anew while this one was open; reload it.");
        return;
      }
      this.current = { kind, place, record };
      const heading = el("h3", { tabindex: "-1" }, name, " ",
        el("span", { class: "lx-kind" }, kind === "gene" ? "gene" : "TF"));
      const parts = kind === "gene" ? this.gene(place, record) : this.tf(place, record);
      this.record.replaceChildren(heading, ...parts);
      this.say("");
      if (moves) {
        heading.focus({ preventScroll: true });
        this.root.querySelector(".lx-search").scrollIntoView({ block: "start" });
      }
    }

    gene(place, record) {
      const facts = [];
      const mean = this.value("gene", "mean", place), sd = this.value("gene", "sd", place);
      if (mean !== null) facts.push(`mean ${number(mean)}, SD ${number(sd)} (${this.index.unit}, training samples)`);
      const n = this.value("gene", "in_degree_measured", place);
      if (n !== null) facts.push(counted(n, "measured regulator"));
      const hops = this.value("gene", "hops", place);
      facts.push(hops === null ? "no measured TF reaches it" : `${counted(hops, "step")} from a measured TF`);
      const stratum = this.value("gene", "expression_stratum", place);
      if (stratum !== null) facts.push(stratum);
      const twin = this.kinds.tf.place.has(record.name)
        ? el("p", {}, "It is a TF too: ", link("tf", record.name), ".") : null;
      return [
        el("p", { class: "lx-facts" }, `${facts.join("; ")}.`), twin,
        el("h4", {}, "Prediction against observation"), this.legend(record), this.panels(place, record),
        el("h4", {}, "Scores"), this.scores(record),
        el("h4", {}, "Regulators in the prior"), ...this.edges(record.regulators, "gene", record.name),
        el("h4", {}, "Attributions"), ...this.attributionsOfGene(record),
        el("h4", {}, "Genes of like difficulty"), this.like(record),
      ].filter((part) => part !== null);
    }

    /* The legend chooses which models are drawn. */
    legend(record) {
      const predicted = this.index.shown.filter((_, i) =>
        record.points.some((one) => one !== null && one.p[i] !== null));
      const box = el("fieldset", { class: "lx-legend" }, el("legend", {}, "Models drawn"));
      for (const model of predicted) {
        const check = el("input", { type: "checkbox" });
        check.checked = this.drawn.has(model);
        check.addEventListener("change", () => {
          if (check.checked) this.drawn.add(model);
          else this.drawn.delete(model);
          const { place, record: own } = this.current;
          this.record.querySelector(".lx-panels").replaceWith(this.panels(place, own));
        });
        const shape = charts.MARKS[this.index.shown.indexOf(model) % charts.MARKS.length];
        box.append(el("label", {}, check, charts.swatch(shape, this.index.models[model]),
          this.label(model)));
      }
      return predicted.length ? box : el("p", {}, "No model that is drawn here predicts this gene.");
    }

    panels(place, record) {
      const panels = el("div", { class: "lx-panels" });
      const nullAt = this.value("gene", "mean", place);
      const absent = [];
      this.index.cohorts.forEach((cohort, c) => {
        const own = record.points[c];
        if (own === null) {
          absent.push(cohort.label);
          return;
        }
        const series = this.index.shown.map((model, i) => ({
          model, name: this.label(model), colours: this.index.models[model],
          mark: charts.MARKS[i % charts.MARKS.length], predicted: unpack(own.p[i], own.low, own.step),
        })).filter((one) => one.predicted !== null && this.drawn.has(one.model));
        const words = series.map((one) => {
          const scored = record.scores[c][one.model];
          return `${one.name}${scored ? ` skill ${number(scored[0])}` : ""}`;
        });
        const drawn = cohort.samples.length;
        const label = `Observed against predicted expression of ${record.name} in ` +
          `${counted(drawn, "sample")} of ${cohort.label}: ${words.join(", ") || "no model drawn"}.`;
        panels.append(el("figure", {},
          charts.scatter({
            label, series, observed: unpack(own.y, own.low, own.step), samples: cohort.samples,
            nullAt: nullAt === null ? NaN : nullAt / 1000, unit: this.index.unit,
          }),
          el("figcaption", {}, `${cohort.label}: ${drawn < cohort.n ? `${drawn} of ` : ""}${counted(cohort.n, "sample")}`)));
      });
      const key = "Dashed: a perfect prediction; dotted: the training mean, which is the null.";
      panels.append(el("p", { class: "lx-note" }, absent.length
        ? `${key} Not measured in ${absent.join(", ")}.` : key));
      return panels;
    }

    scores(record) {
      const select = el("select", {}, ...this.index.metrics.map((text, i) => el("option", { value: i }, text)));
      select.value = String(this.metric);
      const holder = el("div");
      const draw = () => {
        this.metric = Number(select.value);
        const digits = this.metric === 2 ? 3 : 2;
        const cohorts = this.index.cohorts.map((one, c) => ({ ...one, c }))
          .filter((one) => record.scores[one.c].some((own) => own !== null));
        const rows = this.index.models.map((model, m) => {
          const cells = cohorts.map(({ c }) => {
            const own = record.scores[c][m];
            if (own === null) return null;
            if (this.metric < 3) return number(own[this.metric], digits);
            return own[3] === null ? "not defined" : String(own[3]);
          });
          const name = el("span", { class: "lx-model" }, charts.swatch("circle", model), model.label);
          return cells.some((cell) => cell !== null)
            ? [name, ...cells.map((cell) => cell === null ? "not predicted" : cell)] : null;
        }).filter((row) => row !== null);
        const absent = this.index.models.filter((_, m) => record.scores.every((own) => own[m] === null));
        const metric = this.index.metrics[this.metric];
        holder.replaceChildren(rows.length
          ? table(`${metric[0].toUpperCase()}${metric.slice(1)} of ${record.name}, all samples`,
            ["Model", ...cohorts.map((one) => one.label)], rows)
          : el("p", {}, "No model was scored on this gene."));
        if (rows.length && absent.length) {
          holder.append(el("p", { class: "lx-note" },
            `Not predicted by ${absent.map((one) => one.label).join(", ")}.`));
        }
      };
      select.addEventListener("change", draw);
      draw();
      return el("div", {}, el("p", {}, el("label", {}, "Shown: ", select)), holder);
    }

    edges(own, kind, name) {
      const other = kind === "gene" ? "tf" : "gene";
      const noun = kind === "gene" ? "regulator" : "target";
      if (own.n === 0) {
        return [el("p", {}, kind === "gene" ? "It has none in the prior."
          : "None of the genes that are predicted is its target in the prior.")];
      }
      const all = own.rows.length < own.n
        ? `The ${own.rows.length} of ${counted(own.n, noun)} with the largest weights` : counted(own.n, noun);
      const sorted = this.index.weights.length
        ? `, sorted by the size of the weight in ${this.label(this.index.weights[0])}` : "";
      const rows = own.rows.map(([place, sign, ...weights]) => [
        link(other, this.name(other, place)), SIGNS[sign], ...weights.map((value) => signed(value)),
      ]);
      return [
        el("p", {}, `${all}${sorted}. Weights are SDs of the gene for one SD of the TF; ` +
          "none: the TF was not measured, or the gene does not vary."),
        table(`${kind === "gene" ? "Regulators" : "Targets"} of ${name}`,
          [kind === "gene" ? "TF" : "Gene", "Sign in the prior",
            ...this.index.weights.map((model) => this.label(model))], rows),
      ];
    }

    attributionsOfGene(record) {
      if (!record.attributions.length) {
        return [el("p", {}, "No attributions were computed for this gene.")];
      }
      return [
        el("p", {}, "Each TF's share of the gene's whole attribution, for the TFs that matter most to each " +
          "model (less: not among them); ↑: the gene rises with the TF, ↓: it falls."),
        this.byModel(`TFs that the predictions of ${record.name} rest on most`, "tf",
          this.shares(record, "tf")),
      ];
    }

    shares(record, kind) {
      return record.attributions.map(([model, place, share, direction]) => ({
        model, name: this.name(kind, place), size: share, text: `${percent(share)}${ARROWS[direction]}`,
      }));
    }

    /* One row a name, one column a model, the largest first. */
    byModel(caption, kind, cells) {
      const models = [...new Set(cells.map((cell) => cell.model))];
      const rows = new Map();
      for (const cell of cells) {
        if (!rows.has(cell.name)) rows.set(cell.name, { size: 0, texts: new Map() });
        const row = rows.get(cell.name);
        row.size = Math.max(row.size, Math.abs(cell.size));
        row.texts.set(cell.model, cell.text);
      }
      const ordered = [...rows].sort((a, b) => b[1].size - a[1].size);
      return table(caption, [kind === "tf" ? "TF" : "Gene", ...models.map((model) => this.label(model))],
        ordered.map(([name, row]) => [link(kind, name), ...models.map((model) => row.texts.get(model) || "less")]));
    }

    like(record) {
      if (!record.like.length) return el("p", {}, "This gene was not scored on the test samples.");
      const list = el("ul", { class: "lx-like" });
      for (const place of record.like) {
        const key = `skill.test.${this.index.models[this.index.model].name}`;
        list.append(el("li", {}, link("gene", this.name("gene", place)),
          ` (skill ${number(this.value("gene", key, place))})`));
      }
      return list;
    }

    tf(place, record) {
      const twin = this.kinds.gene.place.has(record.name)
        ? el("p", {}, "It is predicted as a gene too: ", link("gene", record.name), ".") : null;
      return [
        twin,
        el("h4", {}, "Expression"), ...this.expression(record),
        el("h4", {}, "Targets in the prior"), ...this.edges(record.targets, "tf", record.name),
        el("h4", {}, "Where it matters"), ...this.matters(record),
      ].filter((part) => part !== null);
    }

    expression(record) {
      const rows = this.index.cohorts.map((cohort, c) => ({ label: cohort.label, values: record.expression[c] }));
      const known = rows.filter((row) => row.values !== null);
      if (!known.length) {
        return [el("p", {}, "It was not measured in this study, or is no input: the models do not see it.")];
      }
      const absent = rows.filter((row) => row.values === null).map((row) => row.label);
      const label = `Expression of ${record.name}: ` +
        known.map((row) => `median ${number(row.values[2])} in ${row.label}`).join(", ");
      const values = known.map((row) => ({ ...row, values: row.values.map((value) => value / 1000) }));
      const note = "Box: the middle half of the samples; line: 5 to 95 %; dot: the mean.";
      return [
        el("figure", {}, charts.spans({ label, rows: values, unit: this.index.unit }),
          el("figcaption", {}, absent.length
            ? `${note} Not measured in ${absent.join(", ")}, where a fill stands in for it.` : note)),
      ];
    }

    matters(record) {
      const parts = [];
      if (record.attributions.length) {
        parts.push(el("p", {}, "Its share of the attribution of the genes that were explained (less: not among the " +
          "largest of this model); ↑: the gene rises with the TF, ↓: it falls."),
          this.byModel(`Explained genes that rest on ${record.name} most`, "gene",
            this.shares(record, "gene")));
      } else {
        parts.push(el("p", {}, "No attribution to it was computed."));
      }
      if (record.responses.length) {
        const cells = record.responses.map(([model, gene, value]) => ({
          model, name: this.name("gene", gene), size: value, text: signed(value),
        }));
        parts.push(el("p", {}, `What happens to the predictions when it is knocked out, ${this.index.unit} (less: not ` +
          "among those that move most in this model)."),
          this.byModel(`Genes that move most without ${record.name}`, "gene", cells));
      } else {
        parts.push(el("p", {}, "It was not among the TFs knocked out, or its loss moves no gene."));
      }
      return parts;
    }
  }

  window.lembasExplorer = {
    receive(name, content) {
      received.set(name, content);
    },
  };
  window.lembasExplorerParts = { hash, number, counted };

  document.addEventListener("DOMContentLoaded", async () => {
    const root = document.querySelector(".lembas-explorer");
    if (!root) return;
    const status = root.querySelector(".lembas-explorer-status");
    let index;
    try {
      index = await load("index");
    } catch (error) {
      status.textContent = "The explorer's data are not here " +
        `(${error.message}.js): run chapter 15_genes, then build the pages.`;
      return;
    }
    version = `?${index.version}`;
    new Explorer(root, index).start();
  });
})();
