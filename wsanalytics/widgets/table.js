// A table of many rows: only those in view are drawn. Python sends the columns once; what is
// ticked and what its filters show travel as one bit a row. Texts are set as text, never as HTML.

const ROW = 28; // pixels; table.css knows it too
const TICK = 36; // the widths of the columns of boxes and of outcomes
const OUTCOME = 150;
const SPARE = 6; // rows drawn beyond what is in view
const PAUSE = 120; // milliseconds after a key before a search or a new row is told
const NOTHING = "–";
const money = new Intl.NumberFormat("en-US", { style: "currency", currency: "USD" });
const tenths = new Intl.NumberFormat("en-US", { maximumFractionDigits: 1 });
const whole = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
const order = new Intl.Collator("en", { numeric: true });

const written = {
  usd: (value) => money.format(value).replace("-$0.00", "$0.00"),
  number: (value) => tenths.format(value).replace(/^-0$/, "0"),
  count: (value) => whole.format(value),
  percent: (value) =>
    value > 0 && value < 0.005 ? "under 1 %" : `${whole.format(100 * value)} %`,
  text: (value) => value,
};

function cellText(kind, value) {
  return value === null || value === undefined ? NOTHING : (written[kind] ?? written.text)(value);
}

function bits(view, count) {
  const marks = new Uint8Array(count);
  for (let row = 0; row < count; row += 1) {
    const byte = row >> 3;
    marks[row] = byte < view.byteLength ? (view.getUint8(byte) >> (7 - (row & 7))) & 1 : 0;
  }
  return marks;
}

function packed(marks) {
  const bytes = new Uint8Array((marks.length + 7) >> 3);
  for (let row = 0; row < marks.length; row += 1) {
    if (marks[row]) bytes[row >> 3] |= 128 >> (row & 7);
  }
  return new DataView(bytes.buffer);
}

function made(name, properties = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key.includes("-") || key === "role") element.setAttribute(key, value);
    else element[key] = value;
  }
  element.append(...children);
  return element;
}

class Grid {
  constructor(model, el) {
    this.model = model;
    this.id = `wsa${Math.random().toString(36).slice(2, 9)}`;
    this.cursor = -1;
    this.drawn = "";
    this.timers = {};
    this.isWhole = false;
    this.isTight = false;
    this.place = el;
    this.build(el);
    this.listen();
    this.read();
  }

  // What Python says --------------------------------------------------------------------------

  read() {
    const bytes = this.model.get("data");
    const values = JSON.parse(new TextDecoder().decode(bytes));
    this.all = this.model.get("columns").map((column, place) => ({ ...column, values: values[place] }));
    this.columns = this.fitting();
    this.count = this.model.get("count");
    this.haystack = null;
    this.cursor = this.model.get("current");
    this.readMarks();
    this.head();
    this.arrange();
    this.about();
  }

  readMarks() {
    this.ticked = bits(this.model.get("ticked"), this.count);
    this.shown = bits(this.model.get("shown"), this.count);
  }

  get outcomes() {
    return this.model.get("outcomes");
  }

  get canTick() {
    return this.model.get("tickable") && !this.model.get("locked");
  }

  // What is there to see ----------------------------------------------------------------------

  keepFocus(then) {
    const had = document.activeElement;
    const inside = this.scroller.contains(had) && had !== this.scroller;
    const column = inside && had.closest("th[data-column]")?.dataset.column;
    then();
    if (!inside || this.scroller.contains(document.activeElement)) return;
    const again = column && this.thead.querySelector(`th[data-column="${column}"] button`);
    (again || this.scroller).focus({ preventScroll: true });
  }

  build(el) {
    const name = this.model.get("label");
    this.search = made("input", { type: "search", placeholder: "Search", "aria-label": `Search ${name}`, className: "wsa-search" });
    this.tickAll = made("button", { type: "button", textContent: "Tick all shown", className: "wsa-button" });
    this.tickNone = made("button", { type: "button", textContent: "Untick all shown", className: "wsa-button" });
    this.more = made("button", { type: "button", className: "wsa-button wsa-more", hidden: true });
    this.counts = made("span", { className: "wsa-counts", role: "status", "aria-live": "polite" });
    this.thead = made("thead");
    this.tbody = made("tbody");
    this.cols = made("colgroup");
    this.table = made("table", { role: "grid", "aria-label": name }, this.cols, this.thead, this.tbody);
    this.scroller = made("div", { className: "wsa-scroller", tabIndex: 0, role: "group", "aria-label": `${name}: arrow keys move, Space ticks` }, this.table);
    this.bar = made("div", { className: "wsa-bar" }, this.search, this.tickAll, this.tickNone, this.counts, this.more);
    this.said = made("div", { className: "wsa-said", role: "status", "aria-live": "polite" });
    this.root = made("div", { className: "wsa-table" }, this.bar, this.scroller, this.said);
    this.root.dataset.lmSuppressShortcuts = "true"; // the keys are for the table, not the notebook
    el.append(this.root);
  }

  // Which columns have room: those with the highest number leave first, those with 0 never ------

  widths(columns) {
    const all = columns.map((column) => column.width - (this.isTight ? (column.kind === "text" ? 26 : 72) : 0));
    if (Object.keys(this.outcomes).length) all.unshift(OUTCOME);
    if (this.model.get("tickable")) all.unshift(this.isTight ? TICK - 10 : TICK);
    return all;
  }

  sum(columns) {
    return this.widths(columns).reduce((sum, width) => sum + width, 0);
  }

  fitting() {
    const room = this.scroller.clientWidth;
    this.isTight = false;
    if (this.isWhole || !room) return this.all;
    let kept = this.all;
    this.isTight = this.sum(kept.filter((column) => column.leaves === 0)) > room; // smaller letters
    while (this.sum(kept) > room) {
      const most = Math.max(...kept.map((column) => column.leaves));
      if (most === 0) break;
      kept = kept.filter((column) => column.leaves < most);
    }
    return kept;
  }

  fit() {
    const was = this.isTight;
    const kept = this.fitting();
    if (kept.length === this.columns.length && was === this.isTight) return;
    this.columns = kept;
    this.head();
    this.redraw();
  }

  tellMore() {
    const away = this.all.filter((column) => !this.columns.includes(column));
    this.more.hidden = !away.length && !this.isWhole;
    this.more.setAttribute("aria-pressed", String(this.isWhole));
    this.more.textContent = this.isWhole ? "Fewer columns" : `${away.length} more column${away.length === 1 ? "" : "s"}`;
    this.more.title = this.isWhole ? "Show only the columns that fit" : `Show ${away.map((column) => column.title).join(", ")}`;
  }

  head() {
    const tickable = this.model.get("tickable");
    this.tickAll.hidden = this.tickNone.hidden = !tickable;
    this.scroller.style.maxHeight = `min(${this.model.get("height")}px, 45vh)`; // the details stay in view
    this.hasOutcomes = Object.keys(this.outcomes).length > 0;
    this.table.setAttribute("aria-colcount", this.columns.length + (tickable ? 1 : 0) + (this.hasOutcomes ? 1 : 0));
    const widths = this.widths(this.columns);
    this.table.style.width = `${this.sum(this.columns)}px`;
    this.table.classList.toggle("wsa-tight", this.isTight);
    this.cols.replaceChildren(...widths.map((width) => made("col", { style: `width:${width}px` })));
    const row = made("tr", { role: "row", "aria-rowindex": "1" });
    if (tickable) {
      this.every = made("input", { type: "checkbox", tabIndex: -1 });
      row.append(made("th", { scope: "col", className: "wsa-tick" }, this.every));
    }
    if (this.hasOutcomes) row.append(made("th", { scope: "col", textContent: "outcome" }));
    const [by, way] = this.model.get("sort");
    for (const column of this.columns) {
      const button = made("button", { type: "button", title: column.help || column.title }, made("span", { textContent: column.title }));
      if (column.name === by) button.append(made("span", { textContent: way === "descending" ? " ▼" : " ▲", "aria-hidden": "true" }));
      const cell = made("th", { scope: "col", className: `wsa-${column.kind}` }, button);
      cell.setAttribute("aria-sort", column.name === by ? way : "none");
      cell.dataset.column = column.name;
      row.append(cell);
    }
    this.keepFocus(() => this.thead.replaceChildren(row));
    this.tellMore();
  }

  // Which rows, in which order ----------------------------------------------------------------

  arrange() {
    const [by, way] = this.model.get("sort");
    const column = this.all.find((one) => one.name === by);
    const rows = [];
    const words = this.model.get("query").toLowerCase().split(/\s+/).filter(Boolean);
    if (words.length && !this.haystack) this.haystack = this.gathered();
    for (let row = 0; row < this.count; row += 1) {
      if (this.shown[row] && words.every((word) => this.haystack[row].includes(word))) rows.push(row);
    }
    if (column) {
      const { values } = column;
      const sign = way === "descending" ? -1 : 1;
      const numeric = column.kind !== "text";
      rows.sort((a, b) => {
        const [x, y] = [values[a], values[b]];
        if (x === null || y === null) return (x === null) - (y === null) || a - b;
        return sign * (numeric ? x - y : order.compare(x, y)) || a - b;
      });
    }
    this.rows = rows;
    if (this.search.value !== this.model.get("query")) this.search.value = this.model.get("query");
    this.drawn = "";
    this.draw();
  }

  gathered() {
    const texts = this.all.filter((column) => column.kind === "text");
    return Array.from({ length: this.count }, (_, row) =>
      texts.map((column) => column.values[row] ?? "").join("\n").toLowerCase());
  }

  draw() {
    const first = Math.max(0, Math.floor(this.scroller.scrollTop / ROW) - SPARE);
    const inView = Math.ceil((this.scroller.clientHeight || this.model.get("height")) / ROW);
    const last = Math.min(this.rows.length, first + inView + 2 * SPARE);
    const state = `${first}-${last}`;
    if (state !== this.drawn) {
      this.drawn = state;
      const pad = (count) => {
        const row = made("tr", { "aria-hidden": "true", className: "wsa-pad" });
        row.style.height = `${count * ROW}px`;
        return row;
      };
      const drawn = this.rows.slice(first, last).map((row, place) => this.row(row, first + place));
      this.keepFocus(() => this.tbody.replaceChildren(pad(first), ...drawn, pad(this.rows.length - last)));
      this.point();
    }
    this.table.setAttribute("aria-rowcount", this.rows.length + 1);
    this.tell();
  }

  row(row, place) {
    const tickable = this.model.get("tickable");
    const element = made("tr", { role: "row", id: `${this.id}-${row}`, "aria-rowindex": String(place + 2) });
    element.dataset.row = row;
    element.classList.toggle("wsa-current", row === this.cursor);
    element.setAttribute("aria-selected", String(row === this.cursor));
    if (tickable) {
      const box = made("input", { type: "checkbox", tabIndex: -1, checked: Boolean(this.ticked[row]), disabled: !this.canTick, "aria-label": `Tick ${this.name(row)}` });
      element.append(made("td", { role: "gridcell", className: "wsa-tick" }, box));
    }
    if (this.hasOutcomes) {
      const [outcome, message] = this.outcomes[row] ?? ["", ""];
      const cell = made("td", { role: "gridcell", className: "wsa-outcome", textContent: outcome, title: message || outcome });
      cell.dataset.outcome = outcome;
      element.append(cell);
    }
    for (const column of this.columns) {
      const text = cellText(column.kind, column.values[row]);
      element.append(made("td", { role: "gridcell", className: `wsa-${column.kind}`, title: text }, made("bdi", { textContent: text })));
    }
    return element;
  }

  name(row) {
    return ["workspace_id", "user_name"].map((name) => this.all.find((column) => column.name === name)?.values[row]).filter(Boolean).join(", ");
  }

  tell() {
    const ticked = this.rows.reduce((sum, row) => sum + this.ticked[row], 0);
    const shown = whole.format(this.rows.length);
    const all = this.rows.length === this.count ? `${shown} rows` : `${shown} of ${whole.format(this.count)} rows shown`;
    this.counts.textContent = this.rows.length ? all : "No row is like this";
    if (!this.model.get("tickable")) return;
    this.tickAll.textContent = `Tick all ${shown} shown`;
    this.tickAll.disabled = !this.canTick || ticked === this.rows.length;
    this.tickNone.disabled = !this.canTick || !ticked;
    this.every.checked = ticked > 0 && ticked === this.rows.length;
    this.every.indeterminate = ticked > 0 && ticked < this.rows.length;
    this.every.disabled = !this.canTick || !this.rows.length;
    this.every.setAttribute("aria-label", `Tick all ${shown} shown rows`);
  }

  // What people do ----------------------------------------------------------------------------

  listen() {
    this.scroller.addEventListener("scroll", () => requestAnimationFrame(() => this.draw()));
    this.search.addEventListener("input", () => this.later("query", () => this.say("query", this.search.value)));
    this.tickAll.addEventListener("click", () => this.tickShown(1));
    this.tickNone.addEventListener("click", () => this.tickShown(0));
    this.more.addEventListener("click", () => { this.isWhole = !this.isWhole; this.fit(); this.tellMore(); });
    this.watcher = new ResizeObserver(() => this.fit());
    this.watcher.observe(this.scroller);
    this.thead.addEventListener("click", (event) => {
      if (event.target === this.every) this.tickShown(this.every.checked ? 1 : 0);
      const cell = event.target.closest("th[data-column]");
      if (cell) this.sortBy(cell.dataset.column);
    });
    this.tbody.addEventListener("click", (event) => {
      const element = event.target.closest("tr[data-row]");
      if (!element) return;
      const row = Number(element.dataset.row);
      if (event.target.matches("input")) this.tick(row, event.target.checked);
      else if (!event.target.closest(".wsa-tick")) this.choose(row);
    });
    // Notebook 7 takes the arrow keys before they reach the table, unless somebody is before it
    this.onKey = (event) => {
      const { target } = event;
      if (this.scroller.contains(target) && !target.closest("button, input")) this.key(event);
    };
    this.scroller.addEventListener("focusin", () => window.addEventListener("keydown", this.onKey, true));
    this.scroller.addEventListener("focusout", () => window.removeEventListener("keydown", this.onKey, true));
    const on = (name, then) => this.model.on(`change:${name}`, then, this);
    on("data", () => this.read());
    on("shown", () => { this.readMarks(); this.arrange(); });
    on("ticked", () => { this.readMarks(); this.redraw(); });
    on("query", () => this.arrange());
    on("sort", () => { this.head(); this.arrange(); });
    on("locked", () => this.redraw());
    on("outcomes", () => { this.columns = this.fitting(); this.head(); this.redraw(); });
    on("current", () => this.follow());
    on("opened", () => this.about());
    on("hint", () => this.about());
  }

  say(name, value) {
    this.model.set(name, value);
    this.model.save_changes();
  }

  later(name, then, pause = PAUSE) {
    clearTimeout(this.timers[name]);
    this.timers[name] = setTimeout(then, pause);
  }

  redraw() {
    this.drawn = "";
    this.draw();
  }

  tick(row, on) {
    if (!this.model.get("tickable") || !this.canTick) return;
    this.ticked[row] = on ? 1 : 0;
    this.sendTicks();
  }

  tickShown(on) {
    if (!this.canTick) return;
    for (const row of this.rows) this.ticked[row] = on;
    this.sendTicks();
  }

  sendTicks() {
    this.say("ticked", packed(this.ticked));
    this.redraw();
  }

  sortBy(name) {
    const [by, way] = this.model.get("sort");
    const column = this.all.find((one) => one.name === name);
    const first = column.kind === "text" ? "ascending" : "descending";
    const other = first === "ascending" ? "descending" : "ascending";
    this.say("sort", [name, by === name && way === first ? other : first]);
    this.scroller.scrollTop = 0;
  }

  choose(row) {
    this.cursor = row;
    this.mark();
    this.about(true);
    clearTimeout(this.timers.current);
    this.say("current", row);
  }

  // Below the table stands what Python says of the chosen row; until it does, this line says so

  about(isAsked = false) {
    const hint = this.model.get("hint");
    const isChosen = this.cursor >= 0 && this.cursor < this.count;
    const isWorking = Boolean(hint) && isChosen && this.model.get("opened") !== this.cursor;
    this.said.hidden = !hint;
    this.said.textContent = isWorking ? `${this.name(this.cursor)}: being looked up …` : isChosen ? "" : hint;
    this.said.classList.toggle("wsa-busy", isWorking);
    this.place.classList.toggle("wsa-working", isWorking);
    if (hint && isAsked) this.said.scrollIntoView({ block: "nearest" }); // and some of what is below
  }

  follow() {
    if (this.model.get("current") === this.cursor) return;
    this.cursor = this.model.get("current");
    this.bringIntoView();
    this.mark();
    this.about();
  }

  mark() {
    for (const element of this.tbody.querySelectorAll("tr[data-row]")) {
      const is = Number(element.dataset.row) === this.cursor;
      element.classList.toggle("wsa-current", is);
      element.setAttribute("aria-selected", String(is));
    }
    this.point();
  }

  point() { // to the row that the keys are at, as long as it is drawn
    const id = `${this.id}-${this.cursor}`;
    if (this.tbody.querySelector(`#${id}`)) this.scroller.setAttribute("aria-activedescendant", id);
    else this.scroller.removeAttribute("aria-activedescendant");
  }

  bringIntoView() {
    const place = this.rows.indexOf(this.cursor);
    if (place < 0) return;
    const top = place * ROW;
    const room = this.scroller.clientHeight - this.thead.offsetHeight;
    if (top < this.scroller.scrollTop) this.scroller.scrollTop = top;
    else if (top + ROW > this.scroller.scrollTop + room) this.scroller.scrollTop = top + ROW - room;
    this.draw();
  }

  key(event) {
    const page = Math.max(1, Math.floor(this.scroller.clientHeight / ROW) - 2);
    const moves = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -this.rows.length, End: this.rows.length };
    if (event.key in moves && this.rows.length) {
      const place = this.rows.indexOf(this.cursor);
      const start = place < 0 && moves[event.key] > 0 ? -1 : Math.max(place, 0);
      this.cursor = this.rows[Math.min(this.rows.length - 1, Math.max(0, start + moves[event.key]))];
      this.bringIntoView();
      this.mark();
      this.about(true);
      this.later("current", () => this.say("current", this.cursor), 2 * PAUSE);
    } else if (event.key === " ") { // never a row that a search or a filter hides
      if (this.rows.includes(this.cursor)) this.tick(this.cursor, !this.ticked[this.cursor]);
    } else if (event.key === "Enter") {
      if (this.rows.includes(this.cursor)) this.choose(this.cursor);
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  }
}

export default {
  render({ model, el }) {
    const grid = new Grid(model, el);
    return () => {
      model.off(null, null, grid);
      grid.watcher.disconnect();
      window.removeEventListener("keydown", grid.onKey, true);
      Object.values(grid.timers).forEach(clearTimeout);
    };
  },
};
