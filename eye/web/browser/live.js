// What all elements of a page that show the same source share: one connection, and what it has told so far.

import { next, nothing } from "./cluster.js";
import { milliseconds } from "./dom.js";
import { makeServer } from "./server.js";
import { connect } from "./socket.js";

const LINGER = 500; // milliseconds: an element that is only moved finds its connection as it was
const feeds = new Map(); // source and key -> what is shared

// Calls onChange(cluster, the one before) from now on, and once at the start if something is known already.
// Returns { server, stop() }; when nobody follows any more, the connection goes.
export function follow(base, key, onChange) {
  const name = `${base} ${key}`;
  if (!feeds.has(name)) feeds.set(name, makeFeed(makeServer(base, key)));
  const feed = feeds.get(name);
  const follower = (...told) => onChange(...told); // of its own, however often the same function follows
  feed.followers.add(follower);
  queueMicrotask(() => feed.cluster.known && feed.followers.has(follower) && onChange(feed.cluster, nothing));
  return {
    server: feed.server,
    stop() {
      feed.followers.delete(follower);
      setTimeout(() => {
        if (!feed.followers.size && feeds.delete(name)) feed.connection.close();
      }, LINGER);
    },
  };
}

function makeFeed(server) {
  const feed = { server, cluster: nothing, followers: new Set() };

  function take(message) {
    const before = feed.cluster;
    feed.cluster = next(before, message, milliseconds());
    if (feed.cluster.broken && !before.broken) feed.connection.retry();
    else if (feed.cluster !== before) for (const tell of feed.followers) tell(feed.cluster, before);
  }

  // Where neither a socket nor a stream passes there is still HTTP: one look, shown as what it is. Later on, whether
  // we may look at all: the server may be another by now, with another login.
  async function lose() {
    take({ type: "lost" });
    const { known } = feed.cluster;
    const said = await server.ask(known ? "me" : "nodes");
    if (feed.cluster.live || feed.cluster.known !== known) return;
    if (said.ok && !known) take({ ...said, type: "snapshot", seq: -1, fields: [] });
    take({ type: "lost", refused: said.code && said.error });
  }

  feed.connection = connect(server, { onMessage: take, onLost: lose });
  return feed;
}
