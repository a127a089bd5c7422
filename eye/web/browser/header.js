// The line at the top: who we are, how many nodes there are, whose view it is, whether it is live.

import { countByStatus } from "./cluster.js";
import { make, setText, svg } from "./dom.js";
import { SHAPES, plain } from "./format.js";

export function makeHeader() {
  const mark = eyeMark();
  const counts = make("p.counts");
  const from = make("p.from");
  const pulse = make("p.pulse", { part: "pulse" });
  let said = "";

  function show(cluster, nodes, all) {
    if (cluster.node && !from.textContent) setText(from, `as seen by ${plain(cluster.node)}`);
    const by = countByStatus(nodes);
    mark.dataset.worst = by.down ? "down" : by.suspect ? "suspect" : "up";
    const shown = all ? Object.keys(SHAPES).filter((status) => by[status] || status === "up") : [];
    const texts = shown.map((status) => `${SHAPES[status]} ${by[status] ?? 0} ${status}`);
    if (said === texts.join()) return;
    said = texts.join();
    counts.replaceChildren(...shown.map((status, at) => make("span", { class: status, text: texts[at] })));
  }

  return { element: make("header.top", { part: "header" }, make("h1.brand", mark, make("span", { text: "Sorcerer’s Eye" })), counts), from, pulse, show };
}

// The eye in the corner: open while the view is live, its iris in the colour of the worst node; else shut.
function eyeMark() {
  return svg("svg", { viewBox: "0 0 34 22", class: "mark", "aria-hidden": "true" },
    svg("path", { class: "lids", d: "M1.5 11C9 1.5 25 1.5 32.5 11 25 20.5 9 20.5 1.5 11Z" }),
    svg("circle", { class: "iris", cx: 17, cy: 11, r: 6 }),
    svg("ellipse", { class: "pupil", cx: 17, cy: 11, rx: 1.7, ry: 4.8 }),
    svg("path", { class: "shut", d: "M1.5 9C9 17 25 17 32.5 9M8 14l-2 3.5M17 15.5v4M26 14l2 3.5" }));
}
