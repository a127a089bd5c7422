// The cluster as the browser knows it: a plain object, and one function that answers each message from
// the server with the next one. No DOM, no socket, no clock: `now` is handed in, in milliseconds that only grow.

export const STALE_AFTER = 5; // seconds without a new reading; eye/web/encoder.py has the same rule

export const nothing = {
  known: false, // whether a snapshot ever came
  live: false, // whether what we know is what is
  broken: false, // whether a message was missed, so that we must ask again
  node: "", // whose view this is
  sequence: -1,
  at: 0, // the server's time, in seconds, of the newest message
  heard: 0, // our time, in milliseconds, when it came
  fields: [],
  nodes: [],
  events: null, // the number of the last event; null where nobody tells
  refused: undefined, // why the server tells nothing
  alerts: null, // another number whenever an alert changes
};

export function next(cluster, message, now) {
  const { events = cluster.events, alerts = cluster.alerts } = message;
  const after = step(cluster, message, now);
  return after === cluster || (events === cluster.events && alerts === cluster.alerts) ? after : { ...after, events, alerts };
}

function step(cluster, message, now) {
  switch (message.type) {
    case "snapshot":
      return {
        ...cluster,
        known: true,
        live: true,
        broken: false,
        node: message.node ?? cluster.node,
        sequence: message.seq,
        at: message.at,
        heard: now,
        fields: message.fields.map((path) => path.split(".")),
        nodes: message.nodes.map((node) => ({ ...node, at: message.at })),
      };
    case "changes":
      return follows(cluster, message, now, (nodes) => withRows(nodes, message, cluster.fields));
    case "alive":
      return follows(cluster, message, now, (nodes) => nodes);
    case "lost":
      return { ...cluster, live: false, refused: message.refused }; // keep what we last knew
    default:
      return cluster; // a newer server may say more
  }
}

function follows(cluster, message, now, change) {
  if (!cluster.known || message.seq !== cluster.sequence + 1) {
    return { ...cluster, live: false, broken: true };
  }
  const nodes = change(cluster.nodes);
  return { ...cluster, live: true, sequence: message.seq, at: message.at, heard: now, nodes };
}

function withRows(nodes, message, fields) {
  const changed = nodes.slice();
  for (const [index, ...values] of message.rows) {
    if (index in changed) changed[index] = withValues(changed[index], fields, values, message.at);
  }
  return changed;
}

function withValues(node, fields, values, at) {
  const said = { host: {}, process: {} };
  const changed = { ...node, at };
  fields.slice(0, values.length).forEach(([part, key], place) => { // the rest is as it was
    if (key === undefined) changed[part] = values[place];
    else if (part in said) said[part][key] = values[place];
  });
  for (const part of ["host", "process"]) {
    const silent = Object.values(said[part]).every((value) => value === null);
    changed[part] = silent ? null : { ...(node[part] ?? node.last?.[part]), ...said[part] };
  }
  if (changed.host) delete changed.last;
  else if (node.host) changed.last = { host: node.host, process: node.process };
  return changed;
}

// What time it is on the server. It stands still while we are not live, and with it everything that counts on.
export function serverTime(cluster, now) {
  return cluster.live ? cluster.at + (now - cluster.heard) / 1000 : cluster.at;
}

export function dataAge(cluster, now) {
  return Math.max(0, (now - cluster.heard) / 1000);
}

// A node that is asked less often may be silent for longer.
export function isStale(node) {
  const longest = Math.max(STALE_AFTER, 2.5 * (node.every ?? 0));
  return node.status === "up" && (node.seen_at == null || node.at - node.seen_at > longest);
}

// Up, and its figures are of now.
export function isCurrent(node) {
  return node.status === "up" && !isStale(node);
}

// The reading to show of a node: what it says, or what it said last. `part` is "host" or "process".
export function reading(node, part) {
  return node[part] ?? node.last?.[part] ?? null;
}

export function uptime(node, part, time) {
  const said = reading(node, part);
  if (said?.uptime == null) return null;
  return said.uptime + (isCurrent(node) ? Math.max(0, time - node.at) : 0);
}

export function countByStatus(nodes) {
  const counts = {};
  for (const node of nodes) counts[node.status] = (counts[node.status] ?? 0) + 1;
  return counts;
}
