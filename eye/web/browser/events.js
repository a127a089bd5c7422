// What happened lately in the cluster, the newest first. Each message of the live view says how far the log goes;
// only what is missing is asked for.

import { make, sign } from "./dom.js";
import { momentOf, plain } from "./format.js";

const LINES = 200; // at most

// A list of what stands at a time: alerts, events.
export function makeLog(label, none, settings) {
  const list = make("ol", { tabindex: 0, label: label.toLowerCase(), ...settings });
  const empty = make("p.state", { text: none });
  const element = make("section.events", { hidden: "", label: label.toLowerCase() }, make("h2", { text: label }), empty, list);
  return {
    element,
    list,
    // `hides` a list with nothing in it.
    ready(hides) {
      empty.hidden = list.querySelector("li:not([hidden])") !== null;
      element.hidden = hides && !empty.hidden;
    },
  };
}

export const logLine = ({ at, shape, node, text, kind = "", word = "" }) => make(`li${kind}`,
  make("time", { text: momentOf(at), datetime: new Date(at * 1000).toISOString() }), sign(plain(shape)),
  make("span.word", { text: word }), make("b", { text: plain(node) }), make("span.words", { text: plain(text, 300) }));

// `node` limits the list to one.
export function makeEvents(server, node) {
  let last = 0;
  let asking = false;
  const { element, list, ready } = makeLog("Events", "Nothing has happened yet.", { role: "log", "aria-live": "off" });

  async function upTo(number) {
    if (number == null || number === last || asking) return;
    asking = true;
    if (number < last) {
      last = 0; // the server started anew
      list.replaceChildren();
    }
    const said = await server.ask(`events?after=${last}`);
    asking = false;
    if (!said.ok) return;
    for (const each of said.events) if (each.number > last && (!node || each.node === node)) list.prepend(logLine({ ...each, shape: each.mark }));
    while (list.children.length > LINES) list.lastChild.remove();
    last = said.last;
    ready();
  }

  return { element, upTo };
}
