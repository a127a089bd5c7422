// Who sees whom: each node's own view of the others, side by side, so that a half-broken network is seen as one.

import { later, make, pairs, setText, sign } from "./dom.js";
import { NONE, SHAPES, counted, plain, shortSpan } from "./format.js";

const SHOWN_NODES = 16; // of more, only those about which there are two opinions
const ASKED_EVERY = 3_000; // milliseconds

// What of the sightings is worth a look: { nodes, rows, cells, quarrels }. A cell is { status, age, odd }, odd where it
// is not what most say; a quarrel is { node, by: { status: [who says so] } }. Pure.
export function compare({ nodes, rows }) {
  const cells = new Map(rows.map((row) => [row.node, new Map()]));
  const quarrels = [];
  const odd = new Set(rows.filter((row) => row.error).map((row) => row.node));
  for (const node of nodes) {
    const by = {};
    const tellers = rows.filter((row) => row.node !== node && !row.error);
    for (const { node: who, sees } of tellers) (by[sees[node]?.status ?? "unknown"] ??= []).push(who);
    const [most, ...others] = Object.keys(by).sort((a, b) => by[b].length - by[a].length || (b === "up") - (a === "up"));
    for (const { node: who, sees } of tellers) {
      const { status = "unknown", age } = sees[node] ?? {};
      cells.get(who).set(node, { status, age, odd: status !== most });
    }
    if (!others.length) continue;
    quarrels.push({ node, by });
    for (const one of [node, ...others.flatMap((status) => by[status])]) odd.add(one);
  }
  if (nodes.length <= SHOWN_NODES) return { nodes, rows, cells, quarrels };
  return { nodes: nodes.filter((node) => odd.has(node)).slice(0, SHOWN_NODES), rows: rows.filter((row) => odd.has(row.node)), cells, quarrels };
}

export function makeSightings(server, moment) {
  let timer = 0;
  let shown = false;
  const words = make("p.state");
  const list = make("ul");
  const table = make("table", { label: "who sees whom" });
  const element = make("section.panel.sightings", { label: "who sees whom" }, make("h2", { text: "Who sees whom" }), words, list, make("div.list", { tabindex: 0 }, table));

  async function ask() {
    const said = await server.ask("sightings");
    clearTimeout(timer);
    if (shown) timer = later(ask, ASKED_EVERY);
    element.classList.toggle("old", !said.ok);
    if (said.ok) show(said);
    else setText(words, plain(said.error));
  }

  function show(said) {
    const { nodes, rows, cells, quarrels } = compare(said);
    const number = (node) => make("span.number", { text: said.nodes.indexOf(node) + 1 || "" });
    const silent = said.rows.filter((row) => row.error).length;
    setText(words, [
      quarrels.length ? `There are two opinions about ${counted(quarrels.length, "node")}` : `${counted(said.rows.length - silent, "node")} asked, and all see the same`,
      silent && `${silent} did not answer`,
      said.left_out && `${said.left_out} were not asked`,
      moment() !== null && "this is as it is now",
      nodes.length < said.nodes.length && `of ${said.nodes.length}, only those that stand out are shown`,
    ].filter(Boolean).join("; "));
    list.replaceChildren(...quarrels.slice(0, SHOWN_NODES).map(({ node, by }) => make("li", make("b", { text: plain(node) }), `: ${pairs(by).map(opinion).join(" · ")}`)));
    const head = nodes.map((node) => make("th", { scope: "col", title: plain(node), label: plain(node) }, number(node)));
    const lines = rows.map(({ node: who, error }) => make("tr", make("th", { scope: "row" }, number(who), make("span.name", { text: plain(who) })),
      ...(error ? [make("td.error", { colspan: nodes.length || 1, text: plain(error) })] : nodes.map((node) => cellOf(who, node, cells.get(who).get(node))))));
    table.replaceChildren(make("thead", make("tr", make("th", { scope: "col", text: "sees" }), ...head)), make("tbody", ...lines));
  }

  return {
    element,
    start() {
      if (shown) return;
      shown = true;
      ask();
    },
    stop() {
      shown = false;
      clearTimeout(timer);
    },
  };
}

const shapeOf = (status) => SHAPES[status] ?? "?";

const opinion = ([status, who]) => `${shapeOf(status)} ${plain(status)} for ${who.length > 3 ? counted(who.length, "node") : who.map((each) => plain(each)).join(", ")}`;

function cellOf(who, node, cell) {
  if (!cell) return make("td", { text: who === node ? "·" : NONE });
  const { status, age, odd } = cell;
  const title = `${plain(who)} sees ${plain(node)} ${plain(status)}${age == null ? "" : `, last heard ${shortSpan(age)} ago`}`;
  return make(`td.${shapeOf(status) === "?" ? "unknown" : status}${odd ? ".odd" : ""}`, { title }, sign(shapeOf(status)), make(`span${odd ? "" : ".spoken"}`, { text: plain(status) }));
}
