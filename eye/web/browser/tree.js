// Supervision trees as a list that can be searched and folded: who supervises whom, who was restarted, how often,
// why, and how much of each supervisor's restart budget is used up.

import { actButton, button, make, setAttribute, setText, sign } from "./dom.js";
import { SHAPES, counted, plain, shortSpan } from "./format.js";
import { GLOW, isCalm, makePicture } from "./picture.js";

const STATES = { ...SHAPES, running: "●", starting: "○", restarting: "◆", stopped: "✖", abandoned: "▲", suspended: "◌", departed: "✖" };

// Whether a process, by itself, is what somebody searches for.
export const isFound = ({ id, name, module, status }, text) => [id, name, module, status].join("\n").toLowerCase().includes(text);

// What a process's own line says, without those below it.
const ownPart = ({ children, departed, mailbox_age, handled, ...process }) => JSON.stringify(process);

const asChild = ({ id, ...left }) => ({ id, status: "departed", last_exit: left.reason, last_exit_at: left.at, not_restarted: left });

// A page of the panel. `act(node, process)` offers what may be done to a process.
export function makeTree(act) {
  const items = new Map(); // key of a process -> its <li>
  const folded = new Set();
  let told = []; // what is shown: an answer, and the node it is of
  let now = {}; // while it is laid out: { at, seen, text }
  let mayAct = false;
  const search = make("input.filter", { type: "search", placeholder: "search", label: "search in the tree", oninput: again });
  const list = make("ul.tree", { role: "tree", label: "supervision tree", onkeydown: onKey });
  const picture = makePicture((path) => {
    turn(false);
    const item = [...items.values()].find(({ process }) => process.path === path);
    if (item) focus(item.line);
  });
  const other = button("Picture", () => turn(picture.element.hidden));

  function turn(toPicture) {
    picture.element.hidden = !toPicture;
    list.hidden = toPicture;
    setAttribute(other, "aria-pressed", toPicture);
    again();
  }

  function again() {
    if (told[0]) show(...told);
  }

  function show(answer, node) {
    told = [answer, node];
    const { at: asked, as_of: at = asked, tree, others = [], roots = [tree, ...others] } = answer;
    if (list.hidden) picture.show(roots);
    else {
      now = { at, seen: new Set(), text: search.value.trim().toLowerCase() };
      place(list, roots, "", 1);
      for (const [key, item] of items) {
        if (now.seen.has(key)) continue;
        item.remove();
        items.delete(key);
      }
      if (!list.querySelector('[tabindex="0"]')) setAttribute(list.querySelector(".line"), "tabindex", 0);
    }
    const [processes, restarts] = count(roots);
    return `${counted(processes, "process")}, ${counted(restarts, "restart")}`;
  }

  // Puts the processes into the list in their order; tells whether any is found there.
  function place(inner, processes, above, level) {
    const times = {};
    const settled = inner.hasChildNodes(); // else nothing in it is news
    let found = false;
    processes.forEach((process, index) => {
      times[process.id] = (times[process.id] ?? 0) + 1;
      const key = `${above}/${process.id}#${times[process.id]}`;
      now.seen.add(key);
      const item = items.get(key) ?? add(key);
      if (inner.children[index] !== item) inner.insertBefore(item, inner.children[index] ?? null);
      if (item.process ? item.process.serial !== process.serial : settled) flash(item.line);
      const said = ownPart(process);
      if (item.said !== said || process.last_exit_at || process.next_try_at) describe(item, process, now.at, level);
      item.said = said;
      item.process = process;
      const below = [...(process.children ?? []), ...(process.departed ?? []).map(asChild)];
      const within = place(item.inner, below, key, level + 1);
      const mine = within || isFound(process, now.text);
      item.hidden = !mine;
      found ||= mine;
      const opens = now.text ? within : !folded.has(key);
      const state = below.length || process.folds ? opens : null;
      item.inner.hidden = !opens;
      setAttribute(item, "aria-expanded", state);
      setText(item.toggle, state === null ? "" : state ? "▾" : "▸");
    });
    return found;
  }

  function add(key) {
    const item = make("li", { role: "treeitem" });
    const part = (name) => (item[name] = make(`span.${name}`));
    item.toggle = make("span.toggle", { "aria-hidden": true, onclick: () => fold(key) });
    item.shape = sign();
    item.line = make("div.line", { tabindex: -1, onfocus: () => focus(item.line, true), ondblclick: () => acts(item) },
      item.toggle, item.shape, ...["name", "incarnation", "word", "facts", "gauge", "module"].map(part),
      actButton(() => acts(item)));
    item.line.key = key;
    item.why = make("div.why");
    item.inner = make("ul", { role: "group" });
    item.append(item.line, item.why, item.inner);
    items.set(key, item);
    return item;
  }

  function acts(item) {
    const { path } = item.process;
    if (mayAct && path) act(item.closest(".node")?.process.id ?? told[1], path);
  }

  function fold(key, folds = !folded.has(key)) {
    if (folds) folded.add(key);
    else folded.delete(key);
    again();
    if (!folds) page.again?.(); // what was folded away was not asked for
  }

  function focus(line, has) {
    for (const item of items.values()) item.line.tabIndex = item.line === line ? 0 : -1;
    if (!has) line.focus();
  }

  function onKey(event) {
    const lines = [...list.querySelectorAll(".line")].filter((line) => line.checkVisibility());
    const at = lines.indexOf(event.target);
    if (at < 0) return;
    const { key } = lines[at];
    const item = items.get(key);
    const state = item.ariaExpanded;
    const outer = item.parentElement.closest("li")?.line;
    const to = { ArrowDown: lines[at + 1], ArrowUp: lines[at - 1], Home: lines[0], End: lines.at(-1), ArrowRight: state === "true" && lines[at + 1], ArrowLeft: state !== "true" && outer }[event.key];
    if (to) focus(to);
    else if (event.key === "ArrowRight" && state === "false") fold(key, false);
    else if (event.key === "ArrowLeft" && state === "true") fold(key, true);
    else if (event.key === "Enter" && mayAct) acts(item);
    else if ("Enter ".includes(event.key)) state && fold(key);
    else if (!event.key.startsWith("Arrow")) return;
    event.preventDefault();
  }

  turn(false);
  const page = {
    title: "Tree",
    every: 2_000,
    past: true,
    element: make("div.trees", make("div.row-of", search, other), list, picture.element),
    address: (name, encoded) => `tree/${encoded}`,
    isFolded: (key) => folded.has(key),
    fold,
    show,
    clear() {
      items.clear();
      told = [];
      list.replaceChildren();
      picture.clear();
    },
    allow(deeds) {
      mayAct = deeds.size > 0;
      page.element.classList.toggle("may-act", mayAct);
    },
  };
  return page;
}

// How many live, and how often one was restarted.
function count(processes) {
  let [live, restarted] = [0, 0];
  for (const { status, restarts, children = [] } of processes) {
    const below = count(children);
    live += below[0] + (status === "running" || status === "suspended");
    restarted += below[1] + (restarts ?? 0);
  }
  return [live, restarted];
}

function describe(item, process, at, level) {
  const { id, kind, path, status, incarnation, restart, strategy, budget, mailbox, mailbox_age: age, os_process: pid, module = "" } = process;
  item.className = `${kind} ${plain(status)}`;
  setAttribute(item, "aria-level", level);
  setText(item.shape, STATES[status] ?? "?");
  setText(item.name, plain(id));
  setAttribute(item.name, "title", path && plain(path));
  setText(item.incarnation, incarnation > 1 ? `#${incarnation}` : "");
  setAttribute(item.incarnation, "title", `incarnation ${incarnation}: a new process, with fresh state`);
  setText(item.word, status === "running" ? "" : plain(status));
  setText(item.module, plain(module).split(".").at(-1));
  setAttribute(item.module, "title", plain(module));
  const waiting = mailbox && `${mailbox} waiting${age >= 1 ? ` for ${shortSpan(age)}` : ""}`;
  setText(item.facts, [strategy, restart, pid && `OS process ${pid}`, waiting].filter(Boolean).map((one) => plain(one)).join(" · "));
  describeBudget(item.gauge, budget);
  setText(item.why, why(process, at).join(", "));
}

// Cause and effect in one line. What an older node does not tell is not there.
export function why({ id, status, restarts, last_exit, last_exit_at, cause, next_try_at, not_restarted }, at) {
  const said = [];
  if (restarts) said.push(`restarted ${restarts === 1 ? "once" : `${restarts} times`}`);
  if (last_exit) said.push(`${said.length ? "last" : "exited"}${last_exit_at ? ` ${shortSpan(at - last_exit_at)} ago` : ""}: ${plain(last_exit)}`);
  if (status === "running" && cause && cause.child !== id) said.push(`because of ${plain(cause.child)}`);
  if (next_try_at) said.push(`next try in ${shortSpan(Math.max(0, next_try_at - at))}`);
  else if (not_restarted) said.push(plain(not_restarted.rule));
  return said;
}

// ■■□ 2 of 3 in 5 s: how many restarts of its budget a supervisor has used.
function describeBudget(gauge, budget) {
  const { max_restarts: most, max_seconds: seconds, used } = budget ?? {};
  gauge.hidden = !budget || (used === 0 && most > 20);
  if (gauge.hidden) return;
  const boxes = most <= 10 ? "■".repeat(Math.min(used, most)) + "□".repeat(Math.max(0, most - used)) : "";
  setText(gauge, boxes + (used || !boxes ? ` ${used} of ${most}` : ""));
  setAttribute(gauge, "data-level", used >= most ? "full" : used ? "high" : null);
  setAttribute(gauge, "title", `${used} of ${most} restarts used within ${seconds} s; one more than ${most} and this supervisor gives up`);
}

function flash(line) {
  line.classList.add("new");
  setTimeout(() => line.classList.remove("new"), GLOW);
  if (isCalm()) return; // the mark alone says it
  line.animate([{ backgroundColor: getComputedStyle(line).getPropertyValue("--flash") }, { backgroundColor: "transparent" }], GLOW);
}
