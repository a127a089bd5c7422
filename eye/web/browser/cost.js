// The price of looking: what answering costs the node, by asker, and what this view takes from the wire.

import { make, setText } from "./dom.js";
import { NONE, plain, size } from "./format.js";

const pace = (bytes) => (bytes == null ? NONE : `${size(Math.round(bytes))}/s`);
const COSTS = [
  ["CPU of a core", ({ cpu_percent: cpu }) => (cpu == null ? NONE : `${+cpu.toFixed(2)}%`)],
  ["questions", ({ requests }) => (requests == null ? NONE : `${+requests.toFixed(1)}/s`)],
  ["asked", ({ received }) => pace(received)],
  ["answered", ({ sent }) => pace(sent)],
];

// A page of the panel.
export function makeCost(server) {
  const own = make("strong");
  const body = make("tbody");
  const row = (name, said) => make("tr", make("th", { scope: "row" }, make("span.name", { text: name })), ...COSTS.map(([, write]) => make("td", { text: write(said) })));
  return {
    title: "Cost",
    every: 5_000,
    element: make("div.list", {},
      make("table", { label: "what looking costs" }, make("thead", make("tr", ...["asker", ...COSTS.map(([title]) => title)].map((text) => make("th", { scope: "col", text })))), body),
      make("p.state", "This page takes ", own, " from the view. All who watch share one look at the nodes.")),
    address: (name, encoded) => `cost/${encoded}`,
    clear: () => body.replaceChildren(),
    show(said) {
      const askers = said.askers.sort((a, b) => b.sent - a.sent);
      body.replaceChildren(...askers.map((each) => row(plain(each.who), each)), row("all together", said));
      setText(own, pace(server.rate()));
      return "What answering others costs this node, over its last ten seconds";
    },
  };
}
