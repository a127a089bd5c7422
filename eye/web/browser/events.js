// What happened lately in the cluster, the newest first. Each message of the live view says how far the log goes;
// only what is missing is asked for.

import { ask, make } from "./dom.js";
import { plain } from "./format.js";

const MOST = 200; // lines

export class Events {
  constructor(api) {
    this.api = api;
    this.last = 0;
    this.list = make("ol", { tabindex: 0, role: "log", "aria-live": "off", "aria-label": "events" });
    this.element = make("section.events", { hidden: "", "aria-label": "events" }, make("h2", { text: "Events" }), this.list);
  }

  async upTo(number) {
    if (number == null || number === this.last || this.asking) return;
    this.asking = true;
    if (number < this.last) this.forget(); // the server started anew
    const said = await ask(new URL(`events?after=${this.last}`, this.api));
    this.asking = false;
    if (!said.ok) return;
    for (const each of said.events) if (each.number > this.last) this.list.prepend(line(each));
    while (this.list.children.length > MOST) this.list.lastChild.remove();
    this.element.hidden = !this.list.children.length;
    this.last = said.last;
  }

  forget() {
    this.last = 0;
    this.list.replaceChildren();
  }
}

function line({ at, node, mark, text }) {
  return make("li", { "data-mark": plain(mark) },
    make("time", { text: new Date(at * 1000).toLocaleTimeString(), datetime: new Date(at * 1000).toISOString() }),
    make("span.shape", { text: plain(mark), "aria-hidden": "true" }),
    make("b", { text: plain(node) }),
    make("span.words", { text: plain(text) }));
}
