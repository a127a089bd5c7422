// Wires it together: socket -> next state -> panels. State flows one way.

import { countByStatus, dataAge, next, nothing, serverTime } from "./cluster.js";
import { eyeMark, make, setAttribute, setText } from "./dom.js";
import { SHAPES, plain, shortSpan } from "./format.js";
import { connect } from "./socket.js";
import { Table } from "./table.js";
import { Tree } from "./tree.js";

// Builds the view and keeps it up to date. `base` is where the blueprint is mounted; `onReady` is called once there is
// something to show. Returns { element, filter(text), close() }.
export function start({ base, columns, filter = "", view = "table", node = "", onReady }) {
  let cluster = nothing;
  let ready = false;
  const alone = view === "tree";

  const mark = eyeMark();
  const counts = make("p", { class: "counts" });
  const from = make("p", { class: "from" });
  const pulse = make("p", { class: "pulse" });
  const spoken = make("p", { class: "spoken", role: "status" });
  const order = make("span", { class: "order" });
  const matches = make("span", { class: "matches" });
  const box = make("input", { type: "search", class: "filter", placeholder: "filter by name", "aria-label": "filter by name", title: "press / to filter", spellcheck: "false", autocomplete: "off" });
  const scopes = ["host", "node"].map((scope) => make("button", {
    type: "button", text: scope === "host" ? "machine" : "node", "aria-pressed": scope === "host", onclick: () => setScope(scope),
    title: scope === "host" ? "figures of the whole machine" : "the node's own share of its machine",
  }));

  const table = new Table({ columns, onOpen: open, onOrder: (paused, shown) => {
    setText(order, paused ? "order paused while you look" : "");
    setText(matches, table.filter ? `${shown} of ${cluster.nodes.length}` : "");
  } });
  const tree = new Tree({ api: new URL("api/v1/", base), onClose: () => {
    element.classList.remove("with-tree");
    table.grid.focus({ preventScroll: true });
  } });

  const element = make("div", { class: `eye app${alone ? " alone" : ""}` },
    make("header", { class: "top" },
      make("h1", { class: "brand" }, mark, " Sorcerer’s Eye"), counts, from, pulse),
    make("div", { class: "tools" }, box, matches, order,
      make("div", { class: "scope", role: "group", "aria-label": "figures of" }, ...scopes)),
    make("main", { class: "panels" }, table.element, tree.element), keys(), spoken);

  box.addEventListener("input", () => setFilter(box.value));
  box.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === "ArrowDown") table.grid.focus();
    else if (event.key === "Escape" && box.value) setFilter("");
    else if (event.key === "Escape") table.grid.focus();
    else return;
    event.preventDefault();
  });
  element.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !event.defaultPrevented && tree.node && !alone) tree.close();
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
    element.classList.add("with-tree");
    tree.open(name);
  }

  function setFilter(text) {
    if (box.value !== text) box.value = text;
    table.filter = text;
    table.order = []; // what was asked for is shown, even while the order is held
    table.rows.scrollTop = 0;
    table.again();
  }

  function setScope(scope) {
    table.scope = scope;
    scopes.forEach((button, at) => setAttribute(button, "aria-pressed", (at === 0) === (scope === "host")));
    table.again();
  }

  function take(message) {
    const before = cluster;
    cluster = next(cluster, message, performance.now());
    if (cluster.broken && !before.broken) socket.retry();
    else if (cluster !== before) {
      announce(before);
      show();
    }
  }

  function show() {
    const now = performance.now();
    if (cluster.known) {
      table.show(cluster.nodes, serverTime(cluster, now));
      showCounts();
      if (alone && !tree.node) open(node || cluster.nodes[0]?.node);
    }
    element.classList.toggle("lost", !cluster.live);
    setText(pulse, cluster.live ? "live" : cluster.known ? `not live – data is ${shortSpan(dataAge(cluster, now))} old` : "not live – connecting…");
    if (cluster.known && !ready) {
      ready = true;
      onReady?.();
      setFilter(filter);
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
    try {
      const answer = await fetch(new URL("api/v1/nodes", base), { credentials: "include" });
      if (!answer.ok || cluster.known) return;
      const said = await answer.json();
      cluster = { ...next(nothing, { ...said, type: "snapshot", seq: -1, fields: [] }, performance.now()), live: false };
      show();
    } catch {
      // nobody there; the socket goes on trying
    }
  }

  const url = new URL("ws", base);
  url.protocol = url.protocol.replace("http", "ws");
  const socket = connect(url.href, {
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
      document.removeEventListener("keydown", onPageKey);
      socket.close();
      tree.stop();
    },
  };
}

function keys() {
  const known = [["↑ ↓", "choose a node"], ["Enter", "its supervision tree"], ["/", "filter"], ["Esc", "back"]];
  return make("p", { class: "keys" }, ...known.flatMap(([key, does]) => [make("kbd", { text: key }), ` ${does}   `]));
}
