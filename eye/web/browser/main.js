// Wires it together: socket -> next state -> panels. State flows one way.

import { makeActions } from "./actions.js";
import { makeAlerts } from "./alerts.js";
import { dataAge, nothing, serverTime } from "./cluster.js";
import { makeCost } from "./cost.js";
import { button, choice, make, milliseconds, pairs, setText } from "./dom.js";
import { makeEvents } from "./events.js";
import { makeFilter } from "./filter.js";
import { makeForest } from "./forest.js";
import { plain, shortSpan } from "./format.js";
import { makeGraphs } from "./graphs.js";
import { makeHeader } from "./header.js";
import { follow } from "./live.js";
import { makePanel } from "./panel.js";
import { makeProcesses } from "./processes.js";
import { makeSightings } from "./sightings.js";
import { makeTable } from "./table.js";
import { makeTimeline } from "./timeline.js";
import { makeTree } from "./tree.js";

const AREAS = { nodes: "Nodes", trees: "Trees", sightings: "Who sees whom" };
const HANDLE = ["suspend", "resume", "restart", "stop"];
const TOGETHER = 1_000; // milliseconds within which what is to be spoken is spoken in one go
const KEYS = { "↑ ↓": "choose a node", Enter: "look at it closely", "/": "filter", Esc: "back" };

const when = (is, ...them) => (is ? them : []);

// Builds the view and keeps it up to date. `base` is where the blueprint is mounted; `look` is how it is looked at:
// { view, show, node, panel, columns, filter, scope, range, metrics, key }. `onReady` is called once there is something
// to show, `onLook` with what has changed of the look, `tell` with what other scripts may want to know.
// Returns { element, filter(text), close() }.
export function start({ base, look, onReady, onLook, tell }) {
  let cluster = nothing;
  let past = null; // { at, nodes } while the slider is not at «now»
  let ready = false;
  let may = new Set();
  let area = look.show in AREAS ? look.show : "nodes";
  let saying = [];
  let timer = 0;
  const only = look.view === "tree" && !look.node ? "trees" : look.view === "table" ? "nodes" : look.view; // one panel, or ""
  const shows = (name) => !only || only === name;
  const feed = follow(base, look.key, take);
  const { server } = feed;
  const nodes = () => past?.nodes ?? cluster.nodes;
  const moment = () => timeline.at;

  const spoken = make("p.spoken", { role: "status" });
  const order = make("span.order");
  const header = makeHeader();
  const actions = makeActions(server);
  const alerts = makeAlerts(server, { node: look.key && look.node, hides: !only, onFire: say });
  const events = makeEvents(server, look.key && look.node);
  const scope = look.scope === "node" ? "node" : "host";
  const filter = makeFilter(server, { onText: (text) => onLook({ filter: text }), onMeaning: (means) => table.filter(means) });
  const table = makeTable({ columns: look.columns, scope, onOpen: open, onOrder(paused, shown) {
    setText(order, paused ? "order paused while you look" : "");
    filter.count(shown, nodes().length);
  } });
  const timeline = makeTimeline({ now: () => serverTime(cluster, milliseconds()), onMove: goTo });
  const pages = {
    graphs: makeGraphs({ range: look.range, metrics: look.metrics, onRange: (range) => onLook({ range }), own: (name) => Object.keys(cluster.nodes.find((each) => each.node === name)?.custom ?? {}) }),
    tree: makeTree(actions.choose),
    processes: makeProcesses(actions.choose),
    cost: makeCost(server),
  };
  const ofANode = only in pages;
  const gc = button("Collect garbage", () => actions.collect(panel.node));
  const share = button("Share", () => actions.share(null, area === "trees" ? "tree" : "nodes"));
  const shareNode = button("Share", () => actions.share(panel.node, panel.page));
  const leave = button("Log out", async () => {
    await fetch(server.url("logout"), { method: "POST" });
    location.reload();
  }, { hidden: "" });
  const panel = makePanel({ server, pages: look.key && ofANode ? { [only]: pages[only] } : pages, first: ofANode ? only : look.panel, moment, tools: [gc, shareNode], receipt: actions.receipt, onChange() {
    element.classList.toggle("with-panel", panel.node !== null);
    offer();
    if (!only) onLook({ node: panel.node, panel: panel.node && panel.page });
    if (panel.node === null) table.grid.focus({ preventScroll: true });
  } });
  const forest = makeForest({ server, nodes, moment, act: actions.choose });
  const areas = { nodes: table, trees: forest, sightings: makeSightings(server, moment) };
  const scopes = choice("figures of", { host: "machine", node: "node" }, scope, (chosen) => {
    table.measure(chosen);
    onLook({ scope: chosen === "host" ? "" : chosen });
  });
  const stage = make("main.panels");
  const hasTable = shows("nodes");
  const over = new AbortController();
  const element = make(`div.eye${only ? ".alone" : ""}`, { part: "view" }, header.element,
    ...when(hasTable, make("div.tools", { part: "tools" }, ...when(!only, choice("what is shown", AREAS, area, turn)), filter.element, order, scopes, timeline.element, share), filter.wrong, timeline.said),
    stage, ...when(shows("alerts"), alerts.element), ...when(shows("events"), events.element),
    ...when(!only, make("p.keys", ...pairs(KEYS).flatMap(([key, does]) => [make("kbd", { text: key }), ` ${does}   `]))), spoken, actions.element);
  header.element.append(alerts.badge, header.from, ...when(!only, leave), header.pulse);
  if (ofANode) stage.append(panel.element);
  else if (!only || only in AREAS) turn(only || area);

  element.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !event.defaultPrevented && panel.node && !only) panel.close();
    else onSlash(event, event.target.tagName !== "INPUT");
  });
  // On its own page the whole window listens; as a guest only what has the focus.
  document.addEventListener("keydown", (event) => onSlash(event, event.target === document.body), over);
  filter.onLeave(() => table.grid.focus());
  const clock = setInterval(show, 1_000);

  function onSlash(event, isOurs) {
    if (event.key !== "/" || !isOurs || !hasTable) return;
    event.preventDefault();
    filter.box.focus();
  }

  // Shows one of the AREAS.
  function turn(name) {
    areas[area].stop();
    area = name;
    filter.element.hidden = scopes.hidden = order.hidden = area !== "nodes";
    stage.replaceChildren(areas[area].element, ...when(!only, panel.element));
    if (!only) onLook({ show: area === "nodes" ? "" : area });
    offer();
    if (cluster.known) areas[area].start();
  }

  function open(node) {
    tell("select", { node });
    if (!only) panel.open(node);
  }

  async function goTo(at) {
    offer();
    const said = at === null ? null : await server.ask(`past?at=${at}`);
    if (at !== timeline.at) return; // moved on meanwhile
    const { nodes = [], error = "Nothing is remembered of that moment." } = said ?? {};
    if (said?.error) say(said.error);
    past = said && { at, none: plain(error), nodes: nodes.map((node) => ({ ...node, at })) };
    element.classList.toggle("past", past !== null);
    show();
    panel.again();
    if (area === "trees") forest.again();
  }

  function take(now, before) {
    cluster = now;
    if (!before.live && cluster.live) server.ask("me").then((said) => said.ok && allow(said));
    announce(before);
    show();
    if (shows("events")) events.upTo(cluster.events);
    if (shows("alerts")) alerts.upTo(cluster.alerts);
    const { live } = cluster;
    if (before.live !== live) tell("state", { live });
    tell("update", { nodes: cluster.nodes, live });
  }

  // What the server lets us do decides what is offered.
  function allow({ key, actions: allowed, history, login }) {
    may = new Set(allowed.flatMap((each) => (each === "handle" ? HANDLE : each)));
    leave.hidden = !login;
    pages.graphs.offer(history);
    offer();
    if (key) setText(header.from, `shared until ${new Date(key.expires * 1000).toLocaleString()}`);
  }

  // While the past is shown nothing is done to a node: it would be done to what is there now.
  function offer() {
    const is = moment() === null;
    const deeds = new Set([...may].filter((each) => is && each !== "gc" && each !== "links"));
    for (const each of [actions, pages.tree, pages.processes, forest]) each.allow(deeds);
    gc.hidden = !is || !may.has("gc");
    share.hidden = !may.has("links") || area === "sightings";
    shareNode.hidden = !may.has("links") || panel.page === "cost";
  }

  function show() {
    const now = milliseconds();
    const { known, live, refused } = cluster;
    if (known) {
      if (area === "nodes") table.show(nodes(), past?.at ?? serverTime(cluster, now), past?.none);
      header.show(cluster, nodes(), !only);
      alerts.tick(serverTime(cluster, now));
      if (ofANode && !panel.node) panel.open(look.node || cluster.nodes[0]?.node);
    }
    panel.tick();
    timeline.tick();
    element.classList.toggle("lost", !live);
    const why = [...when(known, `data is ${shortSpan(dataAge(cluster, now))} old`), ...when(refused || !known, plain(refused ?? "connecting…"))];
    setText(header.pulse, live ? (past ? "the past" : "live") : `not live – ${why.join(": ")}`);
    if (ready || !(known || refused)) return;
    ready = true;
    onReady();
    if (look.filter) filter.set(look.filter);
    if (look.node && !only) panel.open(look.node);
    if (!ofANode) areas[area].start();
  }

  // Only what is rare is spoken: a table that changes every second would never be silent.
  function announce(before) {
    if (before.known && before.live !== cluster.live) say(cluster.live ? "connected" : "connection lost");
    const was = new Map(before.nodes.map((each) => [each.node, each.status]));
    const fell = cluster.nodes.filter(({ node, status }) => status === "down" && was.has(node) && was.get(node) !== status);
    if (fell.length) say(fell.length > 3 ? `${fell.length} nodes down` : `${fell.map((each) => plain(each.node)).join(", ")} down`);
  }

  function say(text) {
    clearTimeout(timer);
    saying.push(plain(text));
    timer = setTimeout(() => {
      setText(spoken, saying.join(". "));
      saying = [];
    }, TOGETHER);
  }

  return {
    element,
    filter: filter.set,
    close() {
      clearInterval(clock);
      clearTimeout(timer);
      over.abort();
      for (const each of [feed, filter, panel, areas[area]]) each.stop();
    },
  };
}
