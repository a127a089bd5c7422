// The table of nodes: only the rows that can be seen exist, and of those only the cells that differ are touched.

import { chosen, held, ordered, stateOf } from "./columns.js";
import { button, make, setAttribute, setText } from "./dom.js";

const PHONE = 670; // pixels; below, a row is two lines
const SPARE = 4; // rows above and below the visible ones

export class Table {
  constructor({ columns, scope, onOpen, onOrder }) {
    this.columns = chosen(columns);
    this.onOpen = onOpen;
    this.onOrder = onOrder;
    this.scope = scope;
    this.means = () => true;
    this.sort = { column: this.columns[0], falling: false };
    this.order = [];
    this.selected = null; // a node's name, not a row: rows move
    this.holding = new Set(); // why the order must not change now: "pointer", "focus"
    this.drawn = []; // row elements, reused
    this.element = this.build();
    new ResizeObserver(() => this.fit()).observe(this.element);
  }

  build() {
    this.head = make("div.head", { role: "row", "aria-rowindex": 1 });
    this.space = make("div.space", { role: "presentation" });
    this.rows = make("div.rows", { role: "rowgroup" }, this.space);
    this.empty = make("p.empty", { hidden: "" });
    this.grid = make("div.grid", { role: "grid", tabindex: 0, "aria-label": "nodes" }, this.head, this.rows);
    this.grid.addEventListener("keydown", (event) => this.onKey(event));
    this.grid.addEventListener("focusin", () => this.hold("focus", true));
    this.grid.addEventListener("focusout", () => this.hold("focus", false));
    this.rows.addEventListener("pointerenter", (event) => event.pointerType === "mouse" && this.hold("pointer", true));
    this.rows.addEventListener("pointerleave", () => this.hold("pointer", false));
    this.rows.addEventListener("scroll", () => this.draw(), { passive: true });
    this.rows.addEventListener("click", (event) => {
      const row = event.target.closest(".row");
      if (row) this.select(row.name, true);
    });
    return make("div.table", {}, this.grid, this.empty);
  }

  // Take what is known now. `time` is the server's.
  show(nodes, time) {
    this.nodes = new Map(nodes.map((node) => [node.node, node]));
    this.time = time;
    const wanted = ordered(nodes, { ...this.sort, means: this.means, scope: this.scope, time });
    this.order = this.holding.size && this.order.length ? held(this.order, wanted) : wanted;
    const paused = this.order.some((name, place) => name !== wanted[place]);
    this.onOrder(paused, this.order.length);
    this.empty.hidden = this.order.length > 0;
    setText(this.empty, nodes.length ? "No node is meant by the filter. Esc clears it." : "No node is known yet. Start one: sorcerers_eye start --name mystic-node-1");
    this.draw();
  }

  again() {
    if (this.nodes) this.show([...this.nodes.values()], this.time);
  }

  hold(why, is) {
    const before = this.holding.size;
    if (is) this.holding.add(why);
    else this.holding.delete(why);
    if (before && !this.holding.size) this.again();
  }

  // Which columns there is room for, and how high a row is.
  fit() {
    const width = this.element.clientWidth;
    if (!width) return;
    const phone = width < PHONE;
    this.element.classList.toggle("phone", phone);
    const shown = this.columns.filter((column) => (phone ? column.phone !== false : width >= (column.from ?? 0)));
    if (this.shown?.map((column) => column.id).join() !== shown.map((column) => column.id).join()) {
      this.shown = shown;
      this.grid.style.setProperty("--columns", shown.map((column) => column.width).join(" "));
      this.grid.setAttribute("aria-colcount", shown.length);
      this.space.replaceChildren();
      this.drawn = [];
      this.drawHead();
    }
    this.rowHeight = parseFloat(getComputedStyle(this.grid).getPropertyValue("--row")) || 38;
    this.draw();
  }

  drawHead() {
    this.head.replaceChildren(...this.shown.map((column) => {
      const title = button(column.title, () => this.sortBy(column));
      return make("div", { class: `cell ${column.id}${column.number ? " number" : ""}`, role: "columnheader", "data-id": column.id }, title);
    }));
    this.markSorted();
  }

  sortBy(column) {
    this.sort = { column, falling: this.sort.column === column ? !this.sort.falling : column.number === true || column.id === "cpu" || column.id === "memory" };
    this.order = []; // asked for, so even while the order is held
    this.markSorted();
    this.again();
  }

  markSorted() {
    for (const header of this.head.children) {
      const mine = header.dataset.id === this.sort.column.id;
      setAttribute(header, "aria-sort", mine ? (this.sort.falling ? "descending" : "ascending") : null);
    }
  }

  draw() {
    if (!this.shown || !this.nodes) return;
    const height = this.rowHeight;
    const first = Math.max(0, Math.floor(this.rows.scrollTop / height) - SPARE);
    const room = Math.ceil((this.rows.clientHeight || 600) / height) + 2 * SPARE;
    const last = Math.min(this.order.length, first + room);
    this.space.style.height = `${this.order.length * height}px`;
    setAttribute(this.grid, "aria-rowcount", this.order.length + 1);
    while (this.drawn.length < last - first) this.addRow();
    const used = new Set();
    for (let place = first; place < last; place += 1) {
      const slot = place % this.drawn.length;
      used.add(slot);
      this.drawRow(this.drawn[slot], place);
    }
    this.drawn.forEach((row, slot) => (row.hidden = !used.has(slot)));
    const active = this.drawn.find((row) => !row.hidden && row.name === this.selected);
    setAttribute(this.grid, "aria-activedescendant", active?.id);
  }

  addRow() {
    const cells = this.shown.map((column) => {
      const cell = make("div", { class: `cell ${column.id}${column.number ? " number" : ""}`, role: column.id === "node" ? "rowheader" : "gridcell" });
      cell.shape = make("span.shape", { "aria-hidden": "true" });
      cell.words = make("span.words");
      cell.note = make("span.note");
      cell.append(cell.shape, cell.words, cell.note, make("span.bar"));
      return cell;
    });
    const row = make("div.row", { role: "row", id: `row-${this.drawn.length}` }, ...cells);
    this.drawn.push(row);
    this.space.append(row);
  }

  drawRow(row, place) {
    const node = this.nodes.get(this.order[place]);
    const state = stateOf(node);
    row.name = node.node;
    setAttribute(row, "class", `row ${state}${place % 2 ? " odd" : ""}`);
    setAttribute(row, "aria-rowindex", place + 2);
    setAttribute(row, "aria-selected", node.node === this.selected);
    row.style.transform = `translateY(${place * this.rowHeight}px)`;
    this.shown.forEach((column, at) => drawCell(row.children[at], column.cell(node, this.scope, this.time)));
  }

  select(name, opens = false) {
    this.selected = name;
    const place = this.order.indexOf(name);
    if (place >= 0) {
      const [top, view] = [place * this.rowHeight, this.rows];
      if (top < view.scrollTop) view.scrollTop = top;
      else if (top + this.rowHeight > view.scrollTop + view.clientHeight) view.scrollTop = top + this.rowHeight - view.clientHeight;
    }
    this.draw();
    if (opens && name) this.onOpen(name);
  }

  onKey(event) {
    if (event.target !== this.grid || event.ctrlKey || event.metaKey || event.altKey) return;
    const last = this.order.length - 1;
    const at = this.order.indexOf(this.selected);
    const page = Math.max(1, Math.floor(this.rows.clientHeight / this.rowHeight) - 1);
    const to = { ArrowDown: at + 1, ArrowUp: at < 0 ? last : at - 1, PageDown: at + page, PageUp: at - page, Home: 0, End: last }[event.key];
    if (to !== undefined && last >= 0) this.select(this.order[Math.min(last, Math.max(0, to))]);
    else if (event.key === "Enter" && this.selected) this.onOpen(this.selected);
    else return;
    event.preventDefault();
  }
}

function drawCell(cell, { shape = "", text, note, share, title }) {
  setText(cell.shape, shape);
  setText(cell.words, text);
  setText(cell.note, note ?? "");
  setAttribute(cell, "title", title ?? (text.length > 24 ? text : null));
  const level = share == null ? null : share >= 0.95 ? "full" : share >= 0.85 ? "high" : "calm";
  setAttribute(cell, "data-level", level);
  if (share != null) cell.style.setProperty("--share", Math.min(1, Math.max(0, share)).toFixed(3));
}
