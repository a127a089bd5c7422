// The processes of a node, sorted and cut there: what crosses the network is what is shown.

import { held } from "./columns.js";
import { actButton, button, make, movedBy, setAttribute, setText } from "./dom.js";
import { NONE, counted, plain, shortSpan } from "./format.js";

const LIMIT = 200;
const SHOWN = [
  // what it is sorted by, title, what stands in the cell
  ["path", "process", (each) => plain(each.path)],
  ["mailbox", "waiting", (each) => each.mailbox],
  ["age", "oldest", (each) => (each.mailbox_age == null ? NONE : shortSpan(each.mailbox_age))],
  ["handled", "handled", (each) => each.handled],
  ["restarts", "restarts", (each) => each.restarts],
];

// A page of the panel. `act(node, process)` offers what may be done to a process.
export function makeProcesses(act) {
  let sorted = "mailbox";
  let node = null;
  let holds = false; // no row may move away under a pointer
  let order = [];
  let chosen = null; // its key: rows move
  const rows = new Map(); // key of a process -> row
  let made = 0; // rows, ever: each has an id of its own
  const headers = SHOWN.map(([by, title]) => make("th", { scope: "col", role: "columnheader" }, button(title, () => sortBy(by))));
  const body = make("tbody", { role: "rowgroup" });
  const grid = make("table", { role: "grid", label: "processes", tabindex: 0, onkeydown: onKey },
    make("thead", { role: "rowgroup" }, make("tr", { role: "row" }, ...headers)), body);
  const element = make("div.list", { onpointerenter: () => (holds = true), onpointerleave: () => (holds = false) }, grid);

  function sortBy(by) {
    sorted = by;
    order = [];
    markSorted();
    page.again();
  }

  function markSorted() {
    headers.forEach((header, at) => {
      const by = SHOWN[at][0];
      setAttribute(header, "aria-sort", by === sorted ? (by === "path" ? "ascending" : "descending") : null);
    });
  }

  function show({ processes, count }, name) {
    node = name;
    const there = new Map(processes.map((each) => [`${each.path} ${each.kind}`, each]));
    order = holds ? held(order, [...there.keys()]) : [...there.keys()];
    order.forEach((key, place) => {
      const row = rows.get(key) ?? add(key);
      if (body.children[place] !== row) body.insertBefore(row, body.children[place] ?? null);
      const each = (row.process = there.get(key));
      setAttribute(row, "class", plain(each.status));
      SHOWN.forEach(([, , write], at) => setText(row.words[at], String(write(each) ?? NONE)));
      setText(row.word, each.status === "running" ? "" : plain(each.status));
      setAttribute(row.cells[0], "title", `${plain(each.path)} – ${plain(each.module)}`);
    });
    for (const [key, row] of rows) {
      if (there.has(key)) continue;
      row.remove();
      rows.delete(key);
    }
    choose(chosen);
    const all = counted(count, "process");
    return processes.length < count ? `${all}, of which the first ${processes.length}` : all;
  }

  function add(key) {
    const row = make("tr", { role: "row", id: `process-${made++}`, onclick: () => choose(key), ondblclick: () => acts(row) });
    row.words = SHOWN.map(() => make("span"));
    row.words[0].className = "name";
    row.word = make("span.word");
    row.append(
      make("th", { role: "rowheader" }, row.words[0], row.word, actButton(() => acts(row))),
      ...row.words.slice(1).map((words) => make("td", { role: "gridcell" }, words)));
    rows.set(key, row);
    return row;
  }

  function choose(key) {
    chosen = key;
    for (const [each, row] of rows) setAttribute(row, "aria-selected", each === chosen);
    setAttribute(grid, "aria-activedescendant", rows.get(chosen)?.id);
  }

  const acts = (row) => act(node, row.process.path);

  function onKey(event) {
    if (event.target !== grid) return;
    const to = movedBy(event.key, order.indexOf(chosen), order.length, 10);
    if (to !== undefined) {
      choose(order[to]);
      rows.get(chosen)?.scrollIntoView({ block: "nearest" });
    } else if (event.key === "Enter" && rows.has(chosen)) acts(rows.get(chosen));
    else return;
    event.preventDefault();
  }

  const page = {
    title: "Processes",
    every: 1_500,
    element,
    address: (name, encoded) => `processes/${encoded}?sort=${sorted}&limit=${LIMIT}`,
    clear() {
      rows.clear();
      order = [];
      holds = false;
      body.replaceChildren();
    },
    show,
    allow: (deeds) => element.classList.toggle("may-act", deeds.size > 0),
  };
  markSorted();
  return page;
}
