// The supervision trees of all nodes, one below the other. Only what is unfolded is asked for.

import { inPath, later, make, setText } from "./dom.js";
import { makeTree } from "./tree.js";

const TREES_EVERY = 3_000; // milliseconds
const OPEN = 6; // nodes; of more, all are folded at first

// `nodes()` are those that are known now, `moment()` is the time that is looked at, null for now.
export function makeForest({ server, nodes, moment, act }) {
  const tree = makeTree(act);
  const answers = new Map(); // node -> its last answer
  let timer = 0;
  let runs = 0;
  const words = make("p.state");
  const element = make("section.panel", { label: "supervision trees of all nodes" }, make("h2", { text: "Supervision trees" }), words, tree.element);
  const keyOf = (node) => `/${node}#1`;

  async function ask() {
    const mine = (runs += 1);
    clearTimeout(timer);
    const at = moment();
    const open = nodes().filter(({ node, status }) => status !== "down" && !tree.isFolded(keyOf(node)));
    await Promise.all(open.map(async ({ node }) => {
      const said = await server.ask(`tree/${inPath(node)}${at === null ? "" : `?at=${at}`}`);
      answers.set(node, said.ok ? said : { ...answers.get(node), error: said.error });
    }));
    if (mine !== runs) return;
    show();
    if (at === null) timer = later(ask, TREES_EVERY);
  }

  function show() {
    const roots = nodes().map(({ node, status }) => {
      const { tree: root, others = [], error } = answers.get(node) ?? {};
      return { id: node, kind: "node", status, folds: true, serial: 0, children: root ? [root, ...others] : [], not_restarted: error && { rule: error } };
    });
    const times = [...answers.values()].map((each) => each.at ?? 0);
    const said = tree.show({ roots, at: Math.max(0, ...times) }, "");
    setText(words, times.length ? said : "Unfold a node to see its processes.");
  }

  tree.again = ask;
  return {
    element,
    allow: tree.allow,
    again: ask,
    start() {
      if (!answers.size && nodes().length > OPEN) for (const { node } of nodes()) tree.fold(keyOf(node), true);
      ask();
    },
    stop() {
      runs += 1;
      clearTimeout(timer);
    },
  };
}
