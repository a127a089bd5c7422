// Wires it together: socket -> next state -> panels. State flows one way.

import { Actions } from "./actions.js";
import { countByStatus, dataAge, next, nothing, serverTime } from "./cluster.js";
import { ask, choice, eyeMark, make, setAttribute, setText } from "./dom.js";
import { Events } from "./events.js";
import { SHAPES, plain, shortSpan } from "./format.js";
import { Graphs } from "./graphs.js";
import { meaning } from "./meaning.js";
import { Panel } from "./panel.js";
import { Processes } from "./processes.js";
import { connect } from "./socket.js";
import { Table } from "./table.js";
import { Tree } from "./tree.js";

const PAUSE = 250; // milliseconds without a key before a filter is read

// Builds the view and keeps it up to date. `base` is where the blueprint is mounted; `look` is how it is looked at:
// { view, node, panel, columns, filter, scope, span }. `onReady` is called once there is something to show, `onLook`
// with what has changed of the look, `tell` with what other scripts may want to know.
// Returns { element, filter(text), close() }.
export function start({ base, look, onReady, onLook, tell }) {
  const api = new URL("api/v1/", base);
  const alone = ["graphs", "tree", "processes"].includes(look.view);
  let cluster = nothing;
  let ready = false;
  let asked = 0;
  let waiting = 0;

  const mark = eyeMark();
  const counts = make("p.counts");
  const from = make("p.from");
  const pulse = make("p.pulse");
  const spoken = make("p.spoken", { role: "status" });
  const order = make("span.order");
  const matches = make("span.matches");
  const wrong = make("p.wrong", { id: "wrong", role: "alert" });
  const box = make("input.filter", { type: "search", placeholder: "filter: web-* cpu>80 status:up", "aria-label": "filter", "aria-describedby": "wrong", title: "press / to filter", spellcheck: "false", autocomplete: "off" });
  const scope = look.scope === "node" ? "node" : "host";
  const scopes = choice("figures of", { host: "machine", node: "node" }, scope, (chosen) => {
    table.scope = chosen;
    onLook({ scope: chosen === "host" ? "" : chosen });
    table.again();
  });

  const table = new Table({ columns: look.columns, scope, onOpen: open, onOrder: (paused, shown) => {
    setText(order, paused ? "order paused while you look" : "");
    setText(matches, box.value.trim() ? `${shown} of ${cluster.nodes.length}` : "");
  } });
  const actions = new Actions(api);
  const graphs = new Graphs({ span: look.span, onSpan: () => onLook({ span: graphs.span }) });
  const pages = { graphs, tree: new Tree(), processes: new Processes({ onCrash: (node, path) => actions.crash(node, path) }) };
  const panel = new Panel({ api, pages, actions, page: alone ? look.view : look.panel, onChange: () => {
    element.classList.toggle("with-panel", panel.node !== null);
    onLook({ node: panel.node, panel: panel.node && panel.page });
    if (panel.node === null) table.grid.focus({ preventScroll: true });
  } });
  const events = new Events(api);

  const element = make(`div.eye.app${alone ? ".alone" : ""}`, {},
    make("header.top", {}, make("h1.brand", {}, mark, " Sorcerer’s Eye"), counts, from, pulse),
    make("div.tools", {}, box, matches, order, scopes), wrong,
    make("main.panels", {}, table.element, panel.element), events.element, keys(), spoken, actions.element);

  box.addEventListener("input", () => setFilter(box.value, PAUSE));
  box.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === "ArrowDown") table.grid.focus();
    else if (event.key === "Escape" && box.value) setFilter("");
    else if (event.key === "Escape") table.grid.focus();
    else return;
    event.preventDefault();
  });
  element.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !event.defaultPrevented && panel.node && !alone) panel.close();
    else if (event.key === "/" && event.target !== box) {
      event.preventDefault();
      box.focus();
    }
  });
  // On its own page the whole window listens; as a guest only what has the focus.
  const onPageKey = (event) => {
    if (event.key === "/" && event.target === document.body) {
      event.preventDefault();
      box.focus();
    }
  };
  document.addEventListener("keydown", onPageKey);

  function open(name) {
    panel.open(name);
    tell("select", { node: name });
  }

  function setFilter(text, wait = 0) {
    if (box.value !== text) box.value = text;
    clearTimeout(waiting);
    waiting = setTimeout(understand, wait, text);
  }

  // The server reads the text; until it has, the filter from before holds.
  async function understand(text) {
    const mine = (asked += 1);
    onLook({ filter: text });
    const said = text.trim() ? await ask(new URL(`filter?text=${encodeURIComponent(text)}`, api)) : { data: ["true"] };
    if (mine !== asked) return;
    setAttribute(box, "aria-invalid", said.data ? null : "true");
    wrong.replaceChildren(...(said.data ? [] : pointed(text, said)));
    if (!said.data) return;
    table.means = meaning(said.data);
    table.order = []; // what was asked for is shown, even while the order is held
    table.rows.scrollTop = 0;
    table.again();
  }

  function take(message) {
    const before = cluster;
    cluster = next(cluster, message, performance.now());
    if (cluster.broken && !before.broken) socket.retry();
    else if (cluster !== before) {
      announce(before);
      show();
      if (message.events != null && !actions.offered) {
        actions.offered = true;
        panel.showActions();
      }
      events.upTo(message.events);
      if (before.live !== cluster.live) tell("state", { live: cluster.live });
      tell("update", { nodes: cluster.nodes, live: cluster.live });
    }
  }

  function show() {
    const now = performance.now();
    if (cluster.known) {
      table.show(cluster.nodes, serverTime(cluster, now));
      showCounts();
      if (alone && !panel.node) panel.open(look.node || cluster.nodes[0]?.node);
    }
    panel.tick();
    element.classList.toggle("lost", !cluster.live);
    setText(pulse, cluster.live ? "live" : cluster.known ? `not live – data is ${shortSpan(dataAge(cluster, now))} old` : "not live – connecting…");
    if (cluster.known && !ready) {
      ready = true;
      onReady?.();
      if (look.filter) setFilter(look.filter);
      if (look.node && !alone) open(look.node);
    }
  }

  function showCounts() {
    setText(from, cluster.node ? `as seen by ${plain(cluster.node)}` : "");
    const by = countByStatus(cluster.nodes);
    const said = ["up", "connecting", "suspect", "down"].filter((status) => by[status] || status === "up");
    mark.dataset.worst = by.down ? "down" : by.suspect ? "suspect" : "up";
    const text = said.map((status) => `${SHAPES[status]} ${by[status] ?? 0} ${status}`);
    if (counts.said === text.join()) return;
    counts.said = text.join();
    counts.replaceChildren(...said.map((status, at) => make("span", { class: status, text: text[at] })));
  }

  // Only what is rare is spoken: a table that changes every second would never be silent.
  function announce(before) {
    if (before.known && before.live !== cluster.live) setText(spoken, cluster.live ? "connected" : "connection lost");
    const was = new Map(before.nodes.map((each) => [each.node, each.status]));
    const fell = cluster.nodes.filter((each) => each.status === "down" && was.has(each.node) && was.get(each.node) !== "down");
    if (fell.length) setText(spoken, fell.length > 3 ? `${fell.length} nodes down` : `${fell.map((each) => plain(each.node)).join(", ")} down`);
  }

  // Where no WebSocket passes there is still HTTP: one look, shown as what it is.
  async function lookOnce() {
    const said = await ask(new URL("nodes", api));
    if (!said.ok || cluster.known) return;
    cluster = { ...next(nothing, { ...said, type: "snapshot", seq: -1, fields: [] }, performance.now()), live: false };
    show();
  }

  const socket = connect(base, {
    onMessage: take,
    onLost() {
      take({ type: "lost" });
      if (!cluster.known) lookOnce();
    },
  });
  const clock = setInterval(show, 1_000);

  return {
    element,
    filter: setFilter,
    close() {
      clearInterval(clock);
      clearTimeout(waiting);
      document.removeEventListener("keydown", onPageKey);
      socket.close();
      panel.stop();
    },
  };
}

// A filter that is wrong, with the character that is.
function pointed(text, { at, problem, error }) {
  if (problem == null) return [plain(error)];
  const letters = Array.from(text); // the server counts characters, not halves of them
  const [before, here, after] = [letters.slice(Math.max(0, at - 30), at), letters[at] ?? " ", letters.slice(at + 1, at + 20)];
  return [make("code", {}, plain(before.join("")), make("mark", { text: plain(here) }), plain(after.join(""))), ` ${plain(problem)}`];
}

function keys() {
  const known = [["↑ ↓", "choose a node"], ["Enter", "look at it closely"], ["/", "filter"], ["Esc", "back"]];
  return make("p.keys", {}, ...known.flatMap(([key, does]) => [make("kbd", { text: key }), ` ${does}   `]));
}
