// One slider over table and tree: the last minutes, which nodes keep in memory. What is live goes on behind it.

import { button, make, setText } from "./dom.js";
import { momentOf, shortSpan } from "./format.js";

const BACK = 3600; // seconds
const MOVING = 150; // milliseconds without a move before the past is asked for

// onMove(at) is told the moment that is looked at, in the server's UTC seconds; null is now. `now()` tells that time.
export function makeTimeline({ now, onMove }) {
  let at = null;
  let waiting = 0;
  const slider = make("input", { type: "range", min: -BACK, max: 0, step: 5, value: 0, label: "moment that is shown", oninput: () => move(+slider.value) });
  const words = make("span", { text: "now" });
  const back = button("Now", () => move(0));
  const said = make("p.then", { hidden: "" }, make("strong"), back);
  const element = make("label.timeline", { title: "the last hour, as the nodes remember it" }, slider, words);

  function move(seconds) {
    at = seconds < 0 ? Math.round(now() + seconds) : null;
    slider.value = seconds;
    tick();
    clearTimeout(waiting);
    waiting = setTimeout(onMove, at === null ? 0 : MOVING, at);
  }

  // The moment stays; how long ago it is does not.
  function tick() {
    const ago = at === null ? 0 : now() - at;
    const text = at === null ? "now" : `${shortSpan(ago)} ago`;
    setText(words, text);
    slider.ariaValueText = text;
    if (at !== null) slider.value = -ago;
    said.hidden = at === null;
    setText(said.firstChild, at === null ? "" : `This is the past: ${momentOf(at, now())}, ${text}`);
  }

  return {
    element,
    said,
    tick,
    get at() {
      return at;
    },
  };
}
