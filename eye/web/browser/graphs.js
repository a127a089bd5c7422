// What a node measured, drawn: from zero, with the least and the greatest around the mean, and with gaps where
// nothing was measured. The moment that is looked at is the same in all graphs.

import { choice, inPath, make, setAttribute, setText, svg } from "./dom.js";
import { NONE, amount, momentOf, percent, plain, shortSpan, size } from "./format.js";

const RANGES = { 60: 2, 600: 5, 3600: 30, 21600: 180, 86400: 600, 604800: 3600, 2592000: 14400 }; // seconds: of a point
const KEPT = 3600; // seconds that nodes keep by themselves
const share = (value) => (value < 0.0995 ? `${Math.round(value * 1000) / 10}%` : percent(value * 100));
const whole = (value) => String(Math.round(value));
const WHOLE_MEMORY = "host.memory_total";
const KNOWN = {
  // metric: words, how a value is written, the least height
  "host.cpu": ["machine CPU", share, 0.1],
  "host.memory": ["machine memory", size, 1],
  "node.cpu": ["node CPU", share, 0.01],
  "node.memory": ["node memory", size, 1024],
  "host.processes": ["machine processes", whole, 10],
  "node.restarts": ["node restarts", whole, 2],
  "node.mailbox": ["longest mailbox", whole, 5],
};
const USUAL = Object.keys(KNOWN).slice(0, 6);

// The round value at the top: 1, 2 or 5 times a power of ten; of sizes a power of two.
export function ceiling(value, binary) {
  if (!(value > 0)) return 1;
  if (binary) return 2 ** Math.ceil(Math.log2(value));
  const ten = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((each) => each * ten).find((each) => each >= value * 0.9999);
}

const heightOf = (value, top) => (100 - 100 * Math.min(1, value / top)).toFixed(1);

// The line and the band around it, as paths in a box that is 100 high.
export function paths(points, top) {
  const at = (x, value) => `${x} ${heightOf(value, top)}`;
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

// A page of the panel. `metrics` names what is drawn ("host.cpu orders"; all that is usual if nothing), `own(node)`
// what the program of that node measures besides. onRange(seconds) is told what was chosen.
export function makeGraphs({ range, metrics, own, onRange }) {
  let seconds = range in RANGES ? range : "600";
  let node = null;
  let said = null;
  let place = null; // of the point that is looked at; null is the newest
  const named = (metrics ?? "").split(/[\s,]+/).filter(Boolean);
  const figures = new Map(); // metric -> its figure, in order
  const moment = make("span.moment");
  const ranges = make("div");
  // A slider is the cursor: the keyboard, a finger and a screen reader know how to move it.
  const slider = make("input", { type: "range", min: 0, label: "moment", oninput: () => look(+slider.value) });
  const field = make("div.field", {
    onpointermove: ({ target, clientX }) => {
      const box = target.closest("figure")?.getBoundingClientRect();
      if (box && said) look(Math.round((last() * (clientX - box.left)) / box.width));
    },
    onpointerleave: () => look(last()),
  });
  const last = () => (said ? said.starts.length - 1 : 0);
  const shown = () => (named.length ? named : [...USUAL, ...own(node)]);

  function figureOf(metric) {
    if (!figures.has(metric)) {
      const [words, write, least] = KNOWN[metric] ?? [plain(metric), amount, 0];
      const figure = { words, write, least, value: make("strong"), top: make("span.scale"), from: make("span"), between: make("span") };
      figure.parts = ["band", "mean", "cursor", "dot"].map((part) => svg("path", { class: part }));
      figure.box = svg("svg", { preserveAspectRatio: "none", role: "img" }, ...figure.parts);
      figure.element = make("figure", make("figcaption", make("span", { text: words }), figure.value), figure.box, figure.top,
        make("div.axis", { "aria-hidden": true }, figure.from, figure.between, make("span", { text: "now" })));
      figures.set(metric, figure);
    }
    return figures.get(metric);
  }

  function show(answer) {
    said = answer;
    const length = shortSpan(seconds);
    setAttribute(slider, "max", last());
    const drawn = shown().map((metric) => {
      const figure = figureOf(metric);
      const { words, write } = figure;
      const points = said.points[metric] ?? [];
      const known = points.filter(Boolean);
      const total = metric === "host.memory" && said.points[WHOLE_MEMORY]?.findLast(Boolean)?.[2];
      const low = Math.min(...known.map((point) => point[1]));
      const most = Math.max(...known.map((point) => point[2]));
      figure.height = total || Math.min(ceiling(Math.max(figure.least, most), write === size), write === share ? 1 : Infinity);
      const { line, band } = paths(points, figure.height);
      setAttribute(figure.box, "viewBox", `0 0 ${Math.max(1, last())} 100`);
      setAttribute(figure.parts[0], "d", band);
      setAttribute(figure.parts[1], "d", line);
      setText(figure.top, known.length ? write(figure.height) : "not measured");
      setText(figure.from, `${length} ago`);
      setAttribute(figure.box, "aria-label", known.length
        ? `${words}: between ${write(low)} and ${write(most)} in the last ${length}` : `${words}: not measured`);
      return figure.element;
    });
    if (drawn.some((one, at) => field.children[at] !== one)) field.replaceChildren(...drawn);
    look(place ?? last());
    return "";
  }

  function look(wanted) {
    if (!said) return;
    const { starts, points, at } = said;
    const x = Math.min(last(), Math.max(0, wanted));
    place = x === last() ? null : x;
    slider.value = x;
    const words = shown().map((metric) => {
      const figure = figureOf(metric);
      const of = points[metric] ?? [];
      // The newest point has only just begun: the one before it stands for now.
      const point = of[x] ?? (place === null ? of[x - 1] : null);
      const [mean, low, high] = (point ?? []).map(figure.write);
      setText(figure.value, mean ?? NONE);
      setText(figure.between, place === null || low === high ? "" : `${low} – ${high}`);
      setAttribute(figure.parts[2], "d", place === null ? null : `M${x} 0V100`);
      setAttribute(figure.parts[3], "d", place === null || !point ? null : `M${x} ${heightOf(point[0], figure.height)}h0`);
      return `${figure.words} ${mean ?? NONE}`;
    });
    const when = place === null ? "now" : `${momentOf(starts[x], at)}, ${shortSpan(at - starts[x])} ago`;
    setText(moment, when);
    setAttribute(slider, "aria-valuetext", [when, ...words].join(", "));
  }

  const page = {
    title: "Graphs",
    element: make("div.graphs", make("div.row-of", ranges, moment), field, slider),
    get every() {
      return Math.min(60, RANGES[seconds]) * 1000;
    },
    address(name, encoded) {
      node = name;
      const asked = [...shown(), WHOLE_MEMORY].map((one) => inPath(one)).join();
      return `recent/${encoded}?metrics=${asked}&seconds=${seconds}&step=${RANGES[seconds]}`;
    },
    clear() {
      said = place = null;
      figures.clear();
      field.replaceChildren();
    },
    show,
    // Offer the ranges that there are: beyond an hour somebody must have kept what was measured.
    offer(history) {
      if (seconds > KEPT && !history) seconds = String(KEPT);
      const offered = Object.keys(RANGES).filter((each) => history || each <= KEPT);
      ranges.replaceChildren(choice("how far back", Object.fromEntries(offered.map((each) => [each, shortSpan(each)])), seconds, (chosen) => {
        seconds = chosen;
        page.clear();
        onRange(chosen);
        page.again();
      }));
    },
  };
  page.offer(true);
  return page;
}
