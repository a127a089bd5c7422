// The last minutes of a node, drawn: from zero, with the least and the greatest around the mean, and with gaps
// where nothing was measured. The moment that is looked at is the same in all graphs.

import { choice, make, setAttribute, setText, svg } from "./dom.js";
import { NONE, percent, shortSpan, size } from "./format.js";

const RANGES = { 60: ["1 min", 2], 600: ["10 min", 5], 3600: ["1 h", 30] }; // seconds: words, seconds a point
const share = (value) => (value < 0.0995 ? `${Math.round(value * 1000) / 10}%` : percent(value * 100));
const rounded = (value) => String(Math.round(value));
const GRAPHS = [
  // metric, words, how a value is written, the least height, the metric that is the height
  ["host.cpu", "machine CPU", share, 0.1],
  ["host.memory", "machine memory", size, 1, "host.memory_total"],
  ["node.cpu", "node CPU", share, 0.01],
  ["node.memory", "node memory", size, 1024],
  ["host.processes", "machine processes", rounded, 10],
  ["node.restarts", "node restarts", rounded, 2],
];
const METRICS = [...GRAPHS.map(([metric]) => metric), "host.memory_total"].join();

// The round value at the top: 1, 2 or 5 times a power of ten; of sizes a power of two.
export function ceiling(value, binary) {
  if (binary) return 2 ** Math.ceil(Math.log2(value));
  const ten = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((each) => each * ten).find((each) => each >= value * 0.9999);
}

// The line and the band around it, as paths in a box that is 100 high.
export function paths(points, top) {
  const at = (x, value) => `${x} ${(100 - 100 * Math.min(1, value / top)).toFixed(1)}`;
  const stretches = [];
  points.forEach((point, x) => {
    if (!point) return;
    if (!points[x - 1]) stretches.push([]);
    stretches.at(-1).push([x, point]);
  });
  return {
    line: stretches.map((each) => `M${each.map(([x, [mean]]) => at(x, mean)).join("L")}${each.length > 1 ? "" : "h0"}`).join(""),
    band: stretches.map((each) => {
      const most = each.map(([x, point]) => at(x, point[2]));
      const least = each.map(([x, point]) => at(x, point[1])).reverse();
      return `M${[...most, ...least].join("L")}Z`;
    }).join(""),
  };
}

export class Graphs {
  title = "Graphs";

  constructor({ span, onSpan }) {
    this.span = span in RANGES ? span : "600";
    this.moment = make("span.moment");
    // A slider is the cursor: the keyboard, a finger and a screen reader know how to move it.
    this.slider = make("input", { type: "range", min: 0, "aria-label": "moment", oninput: () => this.look(+this.slider.value) });
    this.drawn = GRAPHS.map(([, words]) => {
      const graph = { value: make("strong"), top: make("span.scale") };
      graph.parts = ["band", "mean", "cursor"].map((part) => svg("path", { class: part }));
      graph.box = svg("svg", { preserveAspectRatio: "none", role: "img" }, ...graph.parts);
      graph.element = make("figure", {}, make("figcaption", { text: `${words} ` }, graph.value), graph.box, graph.top);
      return graph;
    });
    const field = make("div.field", {
      onpointermove: (event) => {
        const box = event.target.closest("figure")?.getBoundingClientRect();
        if (box && this.said) this.look(Math.round((this.last * (event.clientX - box.left)) / box.width));
      },
      onpointerleave: () => this.look(this.last),
    }, ...this.drawn.map((graph) => graph.element));
    const spans = Object.fromEntries(Object.entries(RANGES).map(([seconds, [words]]) => [seconds, words]));
    this.element = make("div.graphs", {}, make("div.row-of", {},
      choice("how far back", spans, this.span, (seconds) => {
        this.span = seconds;
        this.clear();
        onSpan();
        this.again();
      }), this.moment), field, this.slider);
  }

  get every() {
    return RANGES[this.span][1] * 1000;
  }

  get last() {
    return this.said ? this.said.starts.length - 1 : 0;
  }

  address(node) {
    return `recent/${node}?metrics=${METRICS}&seconds=${this.span}&step=${RANGES[this.span][1]}`;
  }

  clear() {
    this.said = null;
    this.at = null; // the point that is looked at; null is the newest
    for (const { parts, value } of this.drawn) {
      parts.forEach((part) => part.removeAttribute("d"));
      setText(value, "");
    }
  }

  show(said) {
    this.said = said;
    setAttribute(this.slider, "max", this.last);
    GRAPHS.forEach(([metric, words, write, least, whole], number) => {
      const graph = this.drawn[number];
      const points = said.points[metric] ?? [];
      const known = points.filter(Boolean);
      const total = whole && said.points[whole]?.findLast(Boolean)?.[2];
      const most = Math.max(least, ...known.map((point) => point[2]));
      graph.height = total || Math.min(ceiling(most, write === size), write === share ? 1 : Infinity);
      const { line, band } = paths(points, graph.height);
      setAttribute(graph.box, "viewBox", `0 0 ${Math.max(1, this.last)} 100`);
      setAttribute(graph.parts[0], "d", band);
      setAttribute(graph.parts[1], "d", line);
      setText(graph.top, known.length ? write(graph.height) : "not measured");
      const low = Math.min(...known.map((point) => point[1]));
      setAttribute(graph.box, "aria-label", known.length
        ? `${words}: between ${write(low)} and ${write(most)} in the last ${RANGES[this.span][0]}` : `${words}: not measured`);
    });
    this.look(this.at ?? this.last);
    return "";
  }

  look(place) {
    if (!this.said) return;
    const { starts, points, at } = this.said;
    const x = Math.min(this.last, Math.max(0, place));
    this.at = x === this.last ? null : x;
    this.slider.value = x;
    const words = GRAPHS.map(([metric, name, write], number) => {
      const of = points[metric] ?? [];
      // The newest point has only just begun: the one before it stands for now.
      const point = of[x] ?? (this.at === null ? of[x - 1] : null);
      const text = point ? write(point[0]) : NONE;
      const graph = this.drawn[number];
      setText(graph.value, text);
      setAttribute(graph.parts[2], "d", this.at === null ? null : `M${x} 0V100`);
      return `${name} ${text}`;
    });
    const when = this.at === null ? "now" : `${new Date(starts[x] * 1000).toLocaleTimeString()}, ${shortSpan(at - starts[x])} ago`;
    setText(this.moment, when);
    setAttribute(this.slider, "aria-valuetext", [when, ...words].join(", "));
  }
}
