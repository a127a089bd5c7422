// The processes of a node, sorted and cut there: what crosses the network is what is shown.

import { held } from "./columns.js";
import { button, make, setAttribute, setText } from "./dom.js";
import { NONE, plain, shortSpan } from "./format.js";

const LIMIT = 200;
const SHOWN = [
  // what it is sorted by, title, what stands in the cell
  ["path", "process", (each) => plain(each.path)],
  ["mailbox", "waiting", (each) => each.mailbox],
  ["age", "oldest", (each) => (each.mailbox_age == null ? NONE : shortSpan(each.mailbox_age))],
  ["handled", "handled", (each) => each.handled],
  ["restarts", "restarts", (each) => each.restarts],
];

export class Processes {
  title = "Processes";
  every = 1_500;

  constructor({ onCrash }) {
    this.onCrash = onCrash;
    this.sort = "mailbox";
    this.headers = SHOWN.map(([sort, title]) => make("th", { scope: "col" }, button(title, () => this.sortBy(sort))));
    this.body = make("tbody");
    const hold = (is) => () => (this.holds = is); // no row may move away under a pointer
    this.element = make("div.list", { onpointerenter: hold(true), onpointerleave: hold(false), tabindex: 0 },
      make("table", { "aria-label": "processes" }, make("thead", {}, make("tr", {}, ...this.headers)), this.body));
    this.markSorted();
  }

  address(node) {
    return `processes/${node}?sort=${this.sort}&limit=${LIMIT}`;
  }

  clear() {
    this.rows = new Map(); // path -> row
    this.order = [];
    this.holds = false;
    this.body.replaceChildren();
  }

  sortBy(sort) {
    this.sort = sort;
    this.order = [];
    this.markSorted();
    this.again();
  }

  markSorted() {
    this.headers.forEach((header, at) => {
      const sort = SHOWN[at][0];
      setAttribute(header, "aria-sort", sort === this.sort ? (sort === "path" ? "ascending" : "descending") : null);
    });
  }

  show({ processes, count }, node) {
    const there = new Map(processes.map((each) => [`${each.path} ${each.kind}`, each]));
    this.order = this.holds ? held(this.order, [...there.keys()]) : [...there.keys()];
    this.order.forEach((key, place) => {
      const row = this.rows.get(key) ?? this.add(key, node);
      if (this.body.children[place] !== row) this.body.insertBefore(row, this.body.children[place] ?? null);
      const each = (row.process = there.get(key));
      row.className = each.status;
      SHOWN.forEach(([, , write], at) => setText(row.words[at], String(write(each) ?? NONE)));
      setText(row.word, each.status === "running" ? "" : plain(each.status));
      setAttribute(row.cells[0], "title", `${plain(each.path)} – ${plain(each.module)}`);
    });
    for (const [key, row] of this.rows) {
      if (there.has(key)) continue;
      row.remove();
      this.rows.delete(key);
    }
    const all = `${count} ${count === 1 ? "process" : "processes"}`;
    return processes.length < count ? `${all}, of which the first ${processes.length}` : all;
  }

  add(key, node) {
    const row = make("tr");
    row.words = SHOWN.map(() => make("span"));
    row.words[0].className = "name";
    row.word = make("span.word");
    const crash = button("crash", () => this.onCrash(node, row.process.path), { class: "crash" });
    crash.setAttribute("aria-label", `crash ${plain(key.split(" ")[0])}`);
    row.append(make("th", { scope: "row" }, row.words[0], row.word, crash), ...row.words.slice(1).map((words) => make("td", {}, words)));
    this.rows.set(key, row);
    return row;
  }
}
