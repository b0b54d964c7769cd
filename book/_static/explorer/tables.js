/* Search box and tables of the gene explorer; the tables are Tabulator's. */
(function () {
  "use strict";
  const parts = window.lembasExplorerParts;
  const MOST_OFFERED = 10, TYPING_MS = 120;

  function later(action) {
    let waiting;
    const start = () => {
      clearTimeout(waiting);
      waiting = setTimeout(action, TYPING_MS);
    };
    start.stop = () => clearTimeout(waiting);
    return start;
  }

  /* A combobox as WAI-ARIA describes it: type, arrow keys, Enter, Escape. */
  parts.search = function (explorer, el) {
    const input = el("input", {
      id: "lx-name", type: "text", role: "combobox", autocomplete: "off", spellcheck: "false",
      "aria-expanded": "false", "aria-controls": "lx-offered", "aria-autocomplete": "list",
    });
    const list = el("ul", { id: "lx-offered", role: "listbox", "aria-label": "Genes and TFs" });
    list.hidden = true;
    const upper = Object.entries(explorer.kinds).flatMap(([kind, all]) =>
      all.names.map((name) => ({ kind, name, upper: name.toUpperCase() })));
    const offering = later(offer);
    let offered = [], at = -1;

    function mark(place) {
      at = place;
      [...list.children].forEach((item, i) => item.setAttribute("aria-selected", String(i === at)));
      if (at >= 0) input.setAttribute("aria-activedescendant", list.children[at].id);
      else input.removeAttribute("aria-activedescendant");
    }
    function close() {
      offering.stop();
      list.hidden = true;
      input.setAttribute("aria-expanded", "false");
      mark(-1);
    }
    function choose(one) {
      close();
      input.value = one.name;
      explorer.go(one.kind, one.name);
    }
    function offer() {
      offering.stop();  // Else what is said now would be said again, over what comes next.
      const text = input.value.trim().toUpperCase();
      const rank = (one) => (one.upper === text ? 0 : one.upper.startsWith(text) ? 1 : 2);
      offered = text === "" ? [] : upper.filter((one) => one.upper.includes(text))
        .sort((a, b) => rank(a) - rank(b)).slice(0, MOST_OFFERED);
      list.replaceChildren(...offered.map((one, i) => {
        const item = el("li", { id: `lx-offer-${i}`, role: "option", "aria-selected": "false" },
          one.name, " ", el("span", { class: "lx-kind" }, one.kind === "gene" ? "gene" : "TF"));
        item.addEventListener("mousedown", (event) => {
          event.preventDefault();
          choose(one);
        });
        return item;
      }));
      at = -1;
      input.removeAttribute("aria-activedescendant");
      list.hidden = offered.length === 0;
      input.setAttribute("aria-expanded", String(offered.length > 0));
      if (text !== "" && offered.length === 0) {
        explorer.say(`No gene or TF of this study has “${input.value.trim()}” in its name.`);
      } else {
        explorer.say("");
      }
    }
    input.addEventListener("input", offering);
    input.addEventListener("blur", close);
    input.addEventListener("keydown", (event) => {
      if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        if (list.hidden) offer();
        const n = offered.length, step = event.key === "ArrowDown" ? 1 : -1;
        if (n) mark(at < 0 ? (step > 0 ? 0 : n - 1) : (at + step + n) % n);
        event.preventDefault();
      } else if (event.key === "Enter") {
        const found = at >= 0 ? offered[at] : explorer.find(input.value);
        if (found) choose(found);
        else offer();
      } else if (event.key === "Escape") {
        close();
      }
    });
    return el("div", { class: "lx-search" },
      el("label", { for: "lx-name" }, "Gene or TF"), input, list);
  };

  function shownValue(column, value, models) {
    if (value === null) return "";
    if (column.kind === "model") return models[value].label;
    if (column.kind === "text") return column.names[value];
    if (column.kind === "count") return String(value);
    return parts.number(value, column.key === "q" ? 3 : 2);
  }

  const N_FIRST = { gene: 7, tf: 99 };

  /* Texts of cells and heads are nodes: Tabulator would read strings as mark-up. */
  function textNode(text) {
    const made = document.createElement("span");
    made.textContent = text;
    made.title = text;
    return made;
  }

  class NameTable {
    constructor(explorer, el, kind) {
      Object.assign(this, { explorer, el, kind, all: explorer.kinds[kind] });
      this.upper = this.all.names.map((name) => name.toUpperCase());
      this.seen = new Set(this.all.columns.map((_, i) => i).filter((i) => i < N_FIRST[kind]));
      this.host = el("div", { class: "lx-table" });
      this.count = el("p", { class: "lx-note", role: "status" });
      this.text = el("input", { type: "search", autocomplete: "off", spellcheck: "false" });
      this.which = el("select", {}, el("option", { value: "" }, "any value"),
        ...this.all.columns.map((one, i) => el("option", { value: i }, one.title)));
      this.limits = el("span", { class: "lx-limits" });
      this.filter = later(() => this.apply());
      this.text.addEventListener("input", this.filter);
      this.which.addEventListener("change", () => this.ask());
      this.body = el("div", {},
        el("div", { class: "lx-filters" },
          el("label", {}, "Name has ", this.text), el("label", {}, "Only rows where ", this.which),
          this.limits, this.chooser()),
        this.count, this.host);
    }

    chooser() {
      const el = this.el, list = el("div", { class: "lx-columns" });
      this.all.columns.forEach((column, i) => {
        const check = el("input", { type: "checkbox" });
        check.checked = this.seen.has(i);
        check.addEventListener("change", () => {
          if (check.checked) this.seen.add(i);
          else this.seen.delete(i);
          this.table.setColumns(this.columns());
          this.settle();
        });
        list.append(el("label", {}, check, column.title));
      });
      return el("details", {}, el("summary", {}, "Columns"), list);
    }

    /* Ask for limits of a number, or for one of a text's values. */
    ask() {
      const el = this.el, column = this.all.columns[this.which.value];
      this.limits.replaceChildren();
      this.chosen = column;
      if (column && (column.kind === "number" || column.kind === "count")) {
        this.from = el("input", { type: "number", step: "any" });
        this.to = el("input", { type: "number", step: "any" });
        this.limits.append(el("label", {}, "is at least ", this.from), el("label", {}, "and at most ", this.to));
        this.from.addEventListener("input", this.filter);
        this.to.addEventListener("input", this.filter);
      } else if (column) {
        const names = column.kind === "model" ? this.explorer.index.models.map((one) => one.label) : column.names;
        const used = new Set(column.values);
        this.value = el("select", {}, el("option", { value: "" }, "anything"),
          ...names.map((name, i) => (used.has(i) ? el("option", { value: i }, name) : null)).filter(Boolean));
        this.limits.append(el("label", {}, "is ", this.value));
        this.value.addEventListener("change", this.filter);
      }
      this.apply();
    }

    keeps() {
      const text = this.text.value.trim().toUpperCase(), upper = this.upper, column = this.chosen;
      const tests = text === "" ? [] : [(id) => upper[id].includes(text)];
      if (column && (column.kind === "number" || column.kind === "count")) {
        const scale = column.kind === "number" ? 1000 : 1, values = column.values;
        const low = this.from.value === "" ? null : Number(this.from.value) * scale;
        const high = this.to.value === "" ? null : Number(this.to.value) * scale;
        if (low !== null) tests.push((id) => values[id] !== null && values[id] >= low);
        if (high !== null) tests.push((id) => values[id] !== null && values[id] <= high);
      } else if (column && this.value.value !== "") {
        const wanted = Number(this.value.value), values = column.values;
        tests.push((id) => values[id] === wanted);
      }
      return tests;
    }

    apply() {
      const tests = this.keeps(), start = performance.now();
      if (tests.length) this.table.setFilter((row) => tests.every((test) => test(row.id)));
      else this.table.clearFilter();
      this.tell();
      // Told once it is painted: what a reader waits for.
      requestAnimationFrame(() => setTimeout(() => {
        this.host.dataset.filterMs = (performance.now() - start).toFixed(1);
      }, 0));
    }

    tell() {
      const n = this.table.getDataCount("active"), all = this.all.names.length;
      const noun = this.kind === "gene" ? "gene" : "TF";
      this.count.textContent = n === all ? parts.counted(all, noun)
        : `${n.toLocaleString("en")} of ${parts.counted(all, noun)}`;
    }

    /* The columns seen: Tabulator would make the cells of hidden ones too, at every turn. */
    columns() {
      const { all, kind, explorer } = this, models = explorer.index.models;
      const name = (cell) => {
        const own = all.names[cell.getValue()];
        return this.el("a", { href: parts.hash(kind, own) }, own);
      };
      // A button, for the keyboard: its click reaches the head, which sorts.
      const head = (title) => () => this.el("button", { type: "button", class: "lx-head" }, title);
      const columns = all.columns.map((column, i) => {
        const isText = column.kind === "model" || column.kind === "text";
        return {
          title: "", field: `c${i}`, titleFormatter: head(column.title),
          formatter: (cell) => textNode(shownValue(column, cell.getValue(), models)),
          sorter: "number", sorterParams: { alignEmptyValues: "bottom" },
          headerSortStartingDir: isText ? "asc" : "desc", hozAlign: isText ? "left" : "right",
          minWidth: isText ? 150 : 92, widthGrow: isText ? 2 : 1, headerWordWrap: true,
        };
      });
      return [{
        title: "", field: "id", titleFormatter: head(kind === "gene" ? "Gene" : "TF"),
        formatter: name, sorter: "number", frozen: true, minWidth: 108,
      }, ...columns.filter((_, i) => this.seen.has(i))];
    }

    /* A grid holds rows; the links in the rows take the focus, and arrow keys then scroll. */
    settle() {
      const holder = this.host.querySelector(".tabulator-tableholder");
      holder.removeAttribute("tabindex");
      holder.setAttribute("role", "presentation");
      this.host.setAttribute("aria-label", this.kind === "gene" ? "All genes" : "All TFs");
    }

    draw() {
      if (this.table) return;
      const all = this.all;
      const data = all.names.map((_, id) => {
        const row = { id };
        all.columns.forEach((column, i) => {
          row[`c${i}`] = column.values[id];
        });
        return row;
      });
      this.table = new window.Tabulator(this.host, {
        data, index: "id", height: 420, layout: "fitColumns", nestedFieldSeparator: false,
        renderVerticalBuffer: 100, columnDefaults: { resizable: false }, columns: this.columns(),
      });
      this.table.on("tableBuilt", () => {
        this.settle();
        this.host.dataset.ready = "yes";
        window.lembasExplorer.readyMs = Math.round(performance.now());
        this.tell();
      });
    }
  }

  parts.tables = function (explorer, el) {
    const views = { gene: new NameTable(explorer, el, "gene"), tf: new NameTable(explorer, el, "tf") };
    const buttons = {};
    function show(kind) {
      for (const [name, view] of Object.entries(views)) {
        view.body.hidden = name !== kind;
        buttons[name].setAttribute("aria-pressed", String(name === kind));
      }
      views[kind].draw();
    }
    for (const [kind, text] of [["gene", "Genes"], ["tf", "TFs"]]) {
      buttons[kind] = el("button", { type: "button" }, text);
      buttons[kind].addEventListener("click", () => show(kind));
    }
    const section = el("section", { class: "lx-all" }, el("h3", {}, "All genes and TFs"),
      el("p", { class: "lx-tabs" }, buttons.gene, " ", buttons.tf), views.gene.body, views.tf.body);
    // Tabulator measures its place: it must be in the page, and the record is drawn first.
    requestAnimationFrame(() => setTimeout(() => show("gene"), 0));
    return section;
  };
})();
