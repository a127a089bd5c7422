// The supervision tree of one node, as a list that can be folded: who supervises whom, who was restarted, how
// often, why, and how much of each supervisor's restart budget is used up.

import { make, setAttribute, setText } from "./dom.js";
import { counted, plain, shortSpan } from "./format.js";

const STATES = { running: "●", starting: "○", restarting: "◆", stopped: "✖", abandoned: "▲", suspended: "◌" };

export class Tree {
  title = "Tree";
  every = 2_000;

  constructor() {
    this.items = new Map(); // key of a process -> its <li>
    this.folded = new Set();
    this.element = make("ul.tree", { role: "tree", "aria-label": "supervision tree", onkeydown: (event) => this.onKey(event) });
  }

  address(node) {
    return `tree/${node}`;
  }

  clear() {
    this.items.clear();
    this.element.replaceChildren();
  }

  show({ at, tree }) {
    const first = !this.items.size;
    const seen = new Set();
    const total = { processes: 0, restarts: 0 };
    this.place(this.element, [tree], "", 1, { at, seen, total, first });
    for (const [key, item] of this.items) {
      if (seen.has(key)) continue;
      item.remove();
      this.items.delete(key);
    }
    const lines = [...this.items.values()].map((item) => item.line);
    if (!lines.some((line) => line.tabIndex === 0)) lines.find((line) => line.isConnected)?.setAttribute("tabindex", 0);
    return `${total.processes} ${total.processes === 1 ? "process" : "processes"}, ${counted(total.restarts, "restart")}`;
  }

  place(list, processes, above, level, now) {
    const times = {};
    processes.forEach((process, index) => {
      times[process.id] = (times[process.id] ?? 0) + 1;
      const key = `${above}/${process.id}#${times[process.id]}`;
      now.seen.add(key);
      now.total.processes += process.status === "running" ? 1 : 0;
      now.total.restarts += process.restarts ?? 0;
      const known = this.items.get(key);
      const item = known ?? this.add(key);
      if (list.children[index] !== item) list.insertBefore(item, list.children[index] ?? null);
      const fresh = item.serial !== undefined && item.serial !== process.serial;
      if (fresh || (!known && !now.first)) flash(item.line);
      item.serial = process.serial;
      describe(item, process, now.at, level);
      const inner = process.children ?? [];
      item.inner.hidden = !inner.length || this.folded.has(key);
      setAttribute(item, "aria-expanded", inner.length ? !this.folded.has(key) : null);
      setText(item.toggle, inner.length ? (this.folded.has(key) ? "▸" : "▾") : "");
      this.place(item.inner, inner, key, level + 1, now);
    });
  }

  add(key) {
    const item = make("li", { role: "treeitem" });
    item.toggle = make("span.toggle", { "aria-hidden": "true", onclick: () => this.fold(key) });
    item.shape = make("span.shape", { "aria-hidden": "true" });
    item.word = make("span.word");
    item.name = make("span.name");
    item.incarnation = make("span.incarnation");
    item.module = make("span.module");
    item.facts = make("span.facts");
    item.gauge = make("span.gauge");
    item.why = make("div.why");
    item.inner = make("ul", { role: "group" });
    item.line = make("div.line", { tabindex: -1 },
      item.toggle, item.shape, item.name, item.incarnation, item.word, item.facts, item.gauge, item.module);
    item.line.key = key;
    item.line.addEventListener("focus", () => this.focus(item.line, false));
    item.append(item.line, item.why, item.inner);
    this.items.set(key, item);
    return item;
  }

  fold(key, folds = !this.folded.has(key)) {
    const item = this.items.get(key);
    if (!item.inner.children.length) return;
    if (folds) this.folded.add(key);
    else this.folded.delete(key);
    item.inner.hidden = folds;
    setAttribute(item, "aria-expanded", !folds);
    setText(item.toggle, folds ? "▸" : "▾");
  }

  focus(line, moves = true) {
    for (const item of this.items.values()) item.line.tabIndex = item.line === line ? 0 : -1;
    if (moves) line.focus();
  }

  onKey(event) {
    const lines = [...this.element.querySelectorAll(".line")].filter((line) => line.checkVisibility());
    const at = lines.indexOf(event.target.closest?.(".line"));
    if (at < 0) return;
    const { key } = lines[at];
    const item = this.items.get(key);
    const open = item.inner.children.length > 0 && !item.inner.hidden;
    const outer = item.parentElement.closest("li")?.line;
    const to = { ArrowDown: lines[at + 1], ArrowUp: lines[at - 1], Home: lines[0], End: lines.at(-1) }[event.key];
    if (to) this.focus(to);
    else if (event.key === "ArrowRight") open ? this.focus(lines[at + 1]) : this.fold(key, false);
    else if (event.key === "ArrowLeft") open ? this.fold(key, true) : outer && this.focus(outer);
    else if (event.key === "Enter" || event.key === " ") this.fold(key);
    else if (!event.key.startsWith("Arrow")) return;
    event.preventDefault();
  }
}

function describe(item, process, at, level) {
  const supervises = process.kind === "supervisor";
  item.className = `${process.kind} ${process.status}`;
  setAttribute(item, "aria-level", level);
  setText(item.shape, STATES[process.status] ?? "?");
  setText(item.name, plain(process.id));
  setAttribute(item.name, "title", process.path && plain(process.path));
  setText(item.incarnation, process.incarnation > 1 ? `#${process.incarnation}` : "");
  setAttribute(item.incarnation, "title", `incarnation ${process.incarnation}: a new process, with fresh state`);
  setText(item.word, process.status === "running" ? "" : process.status);
  setText(item.module, plain(process.module ?? "").split(".").at(-1));
  setAttribute(item.module, "title", plain(process.module ?? ""));
  const facts = [];
  if (supervises && process.strategy) facts.push(plain(process.strategy));
  if (process.restart && process.restart !== "permanent") facts.push(plain(process.restart));
  if (process.mailbox) facts.push(`${process.mailbox} waiting`);
  setText(item.facts, facts.join(" · "));
  describeBudget(item.gauge, supervises ? process.budget : null);
  const why = [];
  if (process.restarts) why.push(`restarted ${process.restarts === 1 ? "once" : `${process.restarts} times`}`);
  if (process.last_exit) why.push(`${why.length ? "last" : "exited"}${process.last_exit_at ? ` ${shortSpan(at - process.last_exit_at)} ago` : ""}: ${plain(process.last_exit)}`);
  // What an older node does not tell is not there.
  if (process.status === "running" && process.cause && process.cause.child !== process.id) why.push(`because of ${plain(process.cause.child)}`);
  if (process.next_try_at) why.push(`next try in ${shortSpan(Math.max(0, process.next_try_at - at))}`);
  else if (process.not_restarted) why.push(plain(process.not_restarted.rule));
  setText(item.why, why.join(", "));
}

// ▮▮▯ 2 of 3 in 5 s: how many restarts of its budget a supervisor has used.
function describeBudget(gauge, budget) {
  gauge.hidden = !budget || (budget.used === 0 && budget.max_restarts > 20);
  if (gauge.hidden) return;
  const { max_restarts: most, max_seconds: seconds, used } = budget;
  const boxes = most <= 10 ? "▮".repeat(Math.min(used, most)) + "▯".repeat(Math.max(0, most - used)) : "";
  setText(gauge, `${boxes}${used || !boxes ? ` ${used} of ${most}` : ""}`);
  setAttribute(gauge, "data-level", used >= most ? "full" : used ? "high" : null);
  setAttribute(gauge, "title", `${used} of ${most} restarts used within ${seconds} s; one more than ${most} and this supervisor gives up`);
}

function flash(line) {
  line.classList.add("new");
  setTimeout(() => line.classList.remove("new"), 2_000);
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) return; // the mark alone says it
  line.animate([{ backgroundColor: getComputedStyle(line).getPropertyValue("--flash") }, { backgroundColor: "transparent" }], { duration: 2_000 });
}
