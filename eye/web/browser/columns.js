// What the table can show: of each column its title, how wide it is, what it sorts by, what its cell says. Pure.

import { isStale, reading, uptime } from "./cluster.js";
import { NONE, SHAPES, amount, percent, plain, shortSpan, size, span } from "./format.js";

// `scope` is "host" (the machine) or "node" (the node's own share of it).
const partOf = (scope) => (scope === "node" ? "process" : "host");
const said = (node, scope, field) => reading(node, partOf(scope))?.[field] ?? null;
const memory = (node, scope) => said(node, scope, scope === "node" ? "memory_rss" : "memory_used");
const RANK = { down: 0, suspect: 1, stale: 2, connecting: 3, up: 4 };

export const stateOf = (node) => (isStale(node) ? "stale" : node.status);

// A column of numbers, of which `write` makes a text.
const numbers = (id, by, more, write = (value) => String(value ?? NONE)) => ({ id, title: id, width: "5.5rem", number: true, falls: true, by, cell: (node, scope) => ({ text: write(by(node, scope)) }), ...more });

// Any other figure that a node tells: its program's own, or a field of its readings, as JSON has it.
const other = (id) => numbers(id, (node, scope) => node.custom?.[id] ?? said(node, scope, id) ?? said(node, "host", id) ?? said(node, "node", id), { width: "7rem" }, /_(used|total|rss|rate)$/.test(id) ? size : amount);

// from: the width of the table, in pixels, below which the column drops away (but see `phone`: there, a row
// has two lines, and all but a few columns are back). falls: the greatest first.
export const COLUMNS = [
  {
    id: "node",
    title: "node",
    width: "minmax(8rem, 1.7fr)",
    by: (node) => node.node,
    // Whose memory and CPU these are is said where it is not the machine's.
    cell: (node) => ({ text: plain(node.node), note: node.host?.source === "container" ? "container" : "" }),
  },
  {
    id: "status",
    title: "status",
    width: "minmax(10rem, 1fr)",
    by: (node) => RANK[stateOf(node)] ?? 9,
    cell(node, scope, time) {
      const state = stateOf(node);
      const shown = { shape: SHAPES[state] ?? "?", text: plain(state) };
      if (state === "up") return shown;
      const age = node.seen_at == null ? null : time - node.seen_at;
      const title = [age === null ? "never seen" : `last seen ${span(age)} ago`, node.reason && plain(node.reason)].filter(Boolean).join(": ");
      return { ...shown, title, note: age === null ? "" : `${shortSpan(age)} ago` };
    },
  },
  {
    id: "memory",
    title: "memory",
    width: "minmax(9.2rem, 1.2fr)",
    falls: true,
    by: memory,
    cell(node, scope) {
      const used = memory(node, scope);
      const total = said(node, "host", "memory_total");
      return used === null ? { text: NONE } : { text: size(used), note: scope === "node" ? "" : `of ${size(total)}`, share: total ? used / total : 0 };
    },
  },
  {
    id: "cpu",
    title: "CPU",
    width: "minmax(4.5rem, .8fr)",
    falls: true,
    by: (node, scope) => said(node, scope, "cpu_percent"),
    cell(node, scope) {
      const value = said(node, scope, "cpu_percent");
      return { text: percent(value), share: value === null ? null : value / 100 };
    },
  },
  numbers("processes", (node, scope) => said(node, scope, "process_count"), { from: 770 }),
  {
    id: "uptime",
    title: "uptime",
    width: "6rem",
    number: true,
    falls: true,
    by: (node, scope, time) => uptime(node, partOf(scope), time),
    cell: (node, scope, time) => ({ text: span(uptime(node, partOf(scope), time)) }),
  },
  numbers("restarts", (node) => said(node, "node", "restarts"), { width: "5rem", from: 870, phone: false }),
  {
    id: "address",
    title: "address",
    width: "minmax(8rem, .9fr)",
    from: 1010,
    phone: false,
    by: (node) => node.address,
    cell: (node) => ({ text: plain(node.address) }),
  },
];

// The columns named in "node cpu restarts", in that order; all when none is named.
export function chosen(names) {
  const found = (names ?? "").split(/[\s,]+/).filter((name) => /^\w+$/.test(name));
  return found.length ? found.map((name) => COLUMNS.find(({ id }) => id === name) ?? other(name)) : COLUMNS;
}

const { compare: byName } = new Intl.Collator(undefined, { numeric: true });

// The names of the nodes to show, in order. Equal nodes stand in name order, unknown values last.
export function ordered(nodes, { means, column, falling, scope, time }) {
  const shown = nodes.filter(means);
  const sign = falling ? -1 : 1;
  const keys = new Map(shown.map((node) => [node, column.by(node, scope, time)]));
  return shown.sort((a, b) => {
    const [x, y] = [keys.get(a), keys.get(b)];
    if (x == null || y == null) return (x == null) - (y == null) || byName(a.node, b.node);
    return (typeof x === "string" ? byName(x, y) : x - y) * sign || byName(a.node, b.node);
  }).map((node) => node.node);
}

// The order to show while rows must hold still: as before, without the gone, new ones at the end.
export function held(before, wanted) {
  const there = new Set(wanted);
  const known = new Set(before);
  return [...before.filter((name) => there.has(name)), ...wanted.filter((name) => !known.has(name))];
}
