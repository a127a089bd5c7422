// The table of nodes: only the rows that can be seen exist, and of those only the cells that differ are touched.

import { chosen, held, ordered, stateOf } from "./columns.js";
import { button, make, movedBy, setAttribute, setText } from "./dom.js";

const PHONE = 670; // pixels; below, a row is two lines
const SPARE = 4; // rows above and below the visible ones

// onOpen(name) is told which node is to be looked at, onOrder(paused, shown) whether the order is held, and of how many.
export function makeTable({ columns, scope, onOpen, onOrder }) {
  const all = chosen(columns);
  const holding = new Set(); // why the order must not change now: "pointer", "focus"
  let means = () => true;
  let sort = { column: all[0], falling: false };
  let nodes = null; // by name
  let time = 0; // the server's
  let order = [];
  let selected = null; // a node's name, not a row: rows move
  let shown = []; // the columns that there is room for
  let drawn = []; // row elements, reused
  let height = 38; // of a row

  const head = make("div.head", { role: "row", "aria-rowindex": 1 });
  const space = make("div.space", { role: "presentation" });
  const rows = make("div.rows", {
    role: "rowgroup",
    onpointerenter: ({ pointerType }) => pointerType === "mouse" && hold("pointer", true),
    onpointerleave: () => hold("pointer", false),
    onclick: ({ target }) => target.closest(".row") && select(target.closest(".row").name, true),
  }, space);
  const empty = make("p.empty", { hidden: "" });
  const grid = make("div.grid", {
    role: "grid",
    tabindex: 0,
    label: "nodes",
    onkeydown: onKey,
    onfocusin: () => hold("focus", true),
    onfocusout: () => hold("focus", false),
  }, head, rows);
  const element = make("div.table", { part: "table" }, grid, empty);
  const sizes = new ResizeObserver(fit);
  rows.addEventListener("scroll", draw, { passive: true });

  function show(known, now, none) {
    nodes = new Map(known.map((node) => [node.node, node]));
    time = now;
    const wanted = ordered(known, { ...sort, means, scope, time });
    order = holding.size && order.length ? held(order, wanted) : wanted;
    onOrder(order.some((name, place) => name !== wanted[place]), order.length);
    empty.hidden = order.length > 0;
    setText(empty, known.length ? "No node is meant by the filter. Esc clears it." : none ?? "No node is known yet. Start one: sorcerers_eye start --name mystic-node-1");
    draw();
  }

  // `anew`: what was asked for is shown, even while the order is held.
  function again(anew) {
    if (anew) order = [];
    if (nodes) show([...nodes.values()], time);
  }

  function hold(why, is) {
    const before = holding.size;
    if (is) holding.add(why);
    else holding.delete(why);
    if (before && !holding.size) again();
  }

  // Which columns there is room for, and how high a row is.
  function fit() {
    const width = element.clientWidth;
    if (!width) return;
    const phone = width < PHONE;
    element.classList.toggle("phone", phone);
    const fitting = all.filter((column) => (phone ? column.phone !== false : width >= (column.from ?? 0)));
    if (fitting.some((column, at) => column !== shown[at]) || fitting.length < shown.length) {
      shown = fitting;
      grid.style.setProperty("--columns", shown.map((column) => column.width).join(" "));
      setAttribute(grid, "aria-colcount", shown.length);
      space.replaceChildren();
      drawn = [];
      head.replaceChildren(...shown.map((column) => make(classOf(column), { role: "columnheader" }, button(column.title, () => sortBy(column)))));
      markSorted();
    }
    height = parseFloat(getComputedStyle(rows).getPropertyValue("--row")) || height;
    draw();
  }

  function sortBy(column) {
    sort = { column, falling: sort.column === column ? !sort.falling : column.falls === true };
    markSorted();
    again(true);
  }

  function markSorted() {
    shown.forEach((column, at) => setAttribute(head.children[at], "aria-sort", column === sort.column ? (sort.falling ? "descending" : "ascending") : null));
  }

  function draw() {
    if (!shown.length || !nodes) return;
    const first = Math.max(0, Math.floor(rows.scrollTop / height) - SPARE);
    const room = Math.ceil((rows.clientHeight || 600) / height) + 2 * SPARE;
    const last = Math.min(order.length, first + room);
    space.style.height = `${order.length * height}px`;
    setAttribute(grid, "aria-rowcount", order.length + 1);
    while (drawn.length < last - first) addRow();
    drawn.forEach((row, slot) => {
      const place = first + ((slot - first) % drawn.length + drawn.length) % drawn.length;
      row.hidden = place >= last;
      if (!row.hidden) drawRow(row, place);
    });
    setAttribute(grid, "aria-activedescendant", drawn.find((row) => !row.hidden && row.name === selected)?.id);
  }

  function addRow() {
    const row = make("div.row", { role: "row", id: `row-${drawn.length}` }, ...shown.map((column) => {
      const cell = make(classOf(column), { role: column.id === "node" ? "rowheader" : "gridcell" });
      cell.parts = ["shape", "words", "note", "bar"].map((part) => make(`span.${part}`));
      cell.parts[0].ariaHidden = "true";
      cell.append(...cell.parts);
      return cell;
    }));
    drawn.push(row);
    space.append(row);
  }

  function drawRow(row, place) {
    const node = nodes.get(order[place]);
    row.name = node.node;
    const state = stateOf(node);
    setAttribute(row, "class", `row ${state}${state === "up" ? "" : " off"}${place % 2 ? " odd" : ""}`);
    setAttribute(row, "aria-rowindex", place + 2);
    setAttribute(row, "aria-selected", node.node === selected);
    row.style.transform = `translateY(${place * height}px)`;
    shown.forEach((column, at) => drawCell(row.children[at], column.cell(node, scope, time)));
  }

  function select(name, opens) {
    selected = name;
    const top = order.indexOf(name) * height;
    if (top >= 0) rows.scrollTop = Math.max(top + height - rows.clientHeight, Math.min(rows.scrollTop, top));
    draw();
    if (opens) onOpen(name);
  }

  function onKey(event) {
    if (event.target !== grid || event.ctrlKey || event.metaKey || event.altKey) return;
    const to = movedBy(event.key, order.indexOf(selected), order.length, Math.max(1, Math.floor(rows.clientHeight / height) - 1));
    if (to !== undefined) select(order[to]);
    else if (event.key === "Enter" && selected) onOpen(selected);
    else return;
    event.preventDefault();
  }

  return {
    element,
    grid,
    show,
    start: () => sizes.observe(element),
    stop: () => sizes.disconnect(),
    filter(now) {
      means = now;
      rows.scrollTop = 0;
      again(true);
    },
    measure(now) {
      scope = now;
      again();
    },
  };
}

const classOf = ({ id, number }) => `div.cell.${id}${number ? ".number" : ""}`;

function drawCell(cell, { shape = "", text, note = "", share, title }) {
  [shape, text, note].forEach((words, at) => setText(cell.parts[at], words ?? ""));
  setAttribute(cell, "title", title ?? (text.length > 24 ? text : null));
  setAttribute(cell, "data-level", share == null ? null : share >= 0.95 ? "full" : share >= 0.85 ? "high" : "calm");
  if (share != null) cell.style.setProperty("--share", Math.min(1, Math.max(0, share)).toFixed(3));
}
