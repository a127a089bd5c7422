// What may be done from here, where the server says that it may: asked twice where it can do harm, and answered
// with a receipt. The token is asked for once.

import { button, inPath, make, setText } from "./dom.js";
import { plain, size, span } from "./format.js";

const DEEDS = {
  // name: what the button says, what follows, whether it is done without asking again
  state: ["Look at its state", "It is asked between two messages.", true],
  suspend: ["Suspend", "It takes no message until it is resumed; they wait."],
  resume: ["Resume", "It takes messages again.", true],
  restart: ["Restart", "Its supervisor ends it and starts a new one, with fresh state."],
  stop: ["Stop", "Its supervisor ends it, and does not start it again."],
  crash: ["Crash", "It ends at once; its supervisor decides what follows."],
};
const DONE = { suspend: "suspended", resume: "resumed", restart: "restarted", stop: "stopped" };
const LINKS_LAST = [3600, 86400, 604800]; // seconds

const pause = (seconds) => `${(1000 * seconds).toFixed(1)} ms`;

function receiptOf({ collected, pause: took, rss_before: before, rss_after: after }) {
  const memory = before ? `, memory ${size(before)} → ${size(after)}` : "";
  return `${collected.reduce?.((sum, some) => sum + some, 0) ?? collected} objects collected in ${pause(took)}${memory}`;
}

// `element` is the dialog; `receipt` says what came of it.
export function makeActions(server) {
  let deeds = new Set();
  let sure = null; // what Enter and the last button do
  const receipt = make("p.receipt", { role: "status" });
  const title = make("h2");
  const words = make("p");
  const body = make("div.deeds");
  const token = make("input", { type: "password", placeholder: "token", label: "token", autocomplete: "off" });
  const no = button("Cancel", () => element.close());
  const yes = button("", () => sure());
  const element = make("dialog", {
    label: "action",
    onkeydown: (event) => {
      event.stopPropagation();
      if (event.key === "Enter" && event.target === token) sure();
    },
  }, title, words, body, token, make("div.row-of", no, yes));

  function say(head, text, ...inside) {
    setText(title, head);
    setText(words, text);
    body.replaceChildren(...inside);
    yes.hidden = token.hidden = true;
    setText(no, "Close");
    if (!element.open) element.showModal();
  }

  // Asks for the token if there is none, and, unless `asks` is false, whether it is meant.
  function confirm(head, text, verb, act, asks = true, ...inside) {
    sure = () => {
      if (!token.hidden) server.token = token.value;
      token.value = "";
      element.close();
      act();
    };
    if (server.token && !asks) return sure();
    say(head, text, ...inside);
    setText(no, "Cancel");
    setText(yes, verb);
    yes.hidden = false;
    token.hidden = Boolean(server.token);
    (token.hidden ? yes : token).focus();
  }

  async function send(path, content, write) {
    setText(receipt, "…");
    const said = await server.post(path, content);
    setText(receipt, said.ok ? write(said) : plain(said.error));
    receipt.classList.toggle("down", !said.ok);
    return said;
  }

  // The node says first how long it would stand still for it.
  function collect(node) {
    const [path, head] = [`gc/${inPath(node)}`, "Collect garbage?"];
    confirm(head, `${plain(node)} is asked first how long it would stand still for it.`, "Ask", async () => {
      const said = await send(path, { estimate: true }, () => "");
      if (said.ok) confirm(head, `${plain(node)}: all threads of the node stand still for it, for about ${pause(said.estimate)}.`, "Collect", () => send(path, {}, receiptOf));
    }, false);
  }

  // Offer what may be done to a process.
  function choose(node, process) {
    const offered = Object.keys(DEEDS).filter((deed) => deeds.has(deed));
    if (offered.length) say(plain(process), `on ${plain(node)}`, ...offered.map((deed) => make("p", button(DEEDS[deed][0], () => meant(node, process, deed)), ` ${DEEDS[deed][1]}`)));
  }

  function meant(node, process, deed) {
    const [verb, follows, harmless] = DEEDS[deed];
    confirm(`${verb}: ${plain(process)}?`, `${plain(node)}: ${follows}`, verb, () => act(node, process, deed), !harmless);
  }

  async function act(node, process, deed) {
    const name = inPath(node);
    if (deed === "crash") send(`crash/${name}`, { process, reason: "crashed from the web view" }, () => `${plain(process)} was crashed`);
    else if (deed !== "state") send(`handle/${name}`, { process, deed }, ({ path }) => `${plain(path)} was ${DONE[deed]}`);
    else {
      const said = await send(`state/${name}`, { process }, () => "");
      if (!said.ok) return;
      say(plain(process), `${plain(said.behaviour)}, ${plain(said.status)}`,
        make("dl", ...said.state.flatMap(([of, text]) => [make("dt", { text: plain(of) || "state" }), make("dd", { text: plain(text, 2_000) })])));
    }
  }

  // A link that shows a panel of a node (null: of all) and nothing else, for a stated time.
  function share(node, panel) {
    const seconds = make("select", { label: "for how long" }, ...LINKS_LAST.map((value) => make("option", { value, text: span(value) })));
    confirm("Share", `A link that shows ${node === null ? `the ${panel === "tree" ? "trees" : "table"} of all nodes` : `the ${panel} of ${plain(node)}`} and nothing else, to everybody who has it, for`, "Make the link", async () => {
      const said = await send("links", { node, panel, seconds: +seconds.value }, () => "");
      if (!said.ok) return;
      const link = make("input", { readonly: "", value: new URL(said.url, server.base).href, label: "link", onfocus: () => link.select() });
      const copy = button("Copy", () => navigator.clipboard?.writeText(link.value).then(() => setText(copy, "Copied"), () => link.select()));
      say("Share", `Good until ${new Date(said.expires * 1000).toLocaleString()}`, make("div.row-of", link, copy));
      link.focus();
    }, true, seconds);
  }

  return {
    element,
    receipt,
    collect,
    choose,
    share,
    allow: (may) => (deeds = may),
  };
}
