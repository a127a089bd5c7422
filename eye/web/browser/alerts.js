// What wants attention: the alerts that fire, are about to, or did lately. A badge at the top counts those that fire.

import { button, setText } from "./dom.js";
import { makeLog, logLine } from "./events.js";
import { counted, plain, shortSpan } from "./format.js";

const MARKS = { critical: ["▲", ".down"], warning: ["◆", ".suspect"], pending: ["○", ""], resolved: ["✓", ".up"] }; // the worst first
const RANKS = Object.keys(MARKS);
const BLIP = 3; // seconds that something may hold without being shown: most of that is over at once
const LASTS = / for \d[\w. ]*$/;
const wordOf = ({ state, severity }) => (state === "firing" ? severity : state);

// The worst first, then the newest. Pure.
export const byWeight = (alerts) => [...alerts].sort((a, b) => RANKS.indexOf(wordOf(a)) - RANKS.indexOf(wordOf(b)) || b.since - a.since);

// What it is about, and how long it has held at `now`: who told counted until then. Pure.
export function wordsOf({ rule, since, state, text }, now) {
  const lasts = now - since;
  return `${state === "resolved" ? text : text.replace(LASTS, "") + (lasts >= 1 ? ` for ${shortSpan(lasts)}` : "")} – ${rule}`;
}

// `hides` the list while there is no alert; onFire(text) is told of what newly fires.
export function makeAlerts(server, { node, hides, onFire }) {
  let version = null;
  let burning = null; // what fires: rule and node
  const { element, list, ready } = makeLog("Alerts", "No alert.");
  const badge = button("", () => list.focus(), { class: "badge", hidden: "" });

  async function upTo(number) {
    if (number == null || number === version) return;
    version = number;
    const said = await server.ask("alerts");
    if (number !== version) return; // an answer from before
    if (!said.ok) return (version = null); // asked again with the next message
    const alerts = byWeight(said.alerts.filter((each) => !node || each.node === node));
    list.replaceChildren(...alerts.map(line));
    tick(said.at);
    const fires = alerts.filter(({ state, silenced }) => state === "firing" && !silenced);
    const [shape, kind] = MARKS[fires[0]?.severity] ?? [];
    badge.hidden = !fires.length;
    badge.className = `badge ${kind?.slice(1)}`;
    setText(badge, `${shape} ${counted(fires.length, "alert")}`);
    const fresh = fires.filter((each) => burning && !burning.has(`${each.rule} ${each.node}`));
    burning = new Set(fires.map((each) => `${each.rule} ${each.node}`));
    if (fresh.length) onFire(fresh.length > 3 ? counted(fresh.length, "new alert") : fresh.map((each) => `${plain(each.node)}: ${plain(each.text)}`).join(", "));
  }

  function tick(now) {
    for (const item of list.children) {
      const { alert } = item;
      setText(item.lastChild, plain(wordsOf(alert, now), 300));
      item.hidden = alert.state === "pending" && now - alert.since < BLIP;
    }
    ready(hides);
  }

  return { element, badge, upTo, tick };
}

function line(alert) {
  const { node, since, state, fired_at, resolved_at, silenced } = alert;
  const word = wordOf(alert);
  const [shape, kind] = MARKS[word] ?? ["?", ""];
  const at = { firing: fired_at, resolved: resolved_at }[state] ?? since;
  return Object.assign(logLine({ at, shape, kind, node, word: plain(word) + (silenced ? ", silenced" : ""), text: "" }), { alert });
}
