// Keeps one connection open: connects, notices silence, backs off, tries again, and rests while nobody looks. Where
// no WebSocket passes (a proxy, a server without sockets) the same messages come as server-sent events.

const SILENCE = 7_000; // milliseconds; the server speaks every two seconds, if only to say that it is alive
const FIRST_WAIT = 500;
const LONGEST_WAIT = 15_000;

// How long to wait before the next try. Half of it is chance, so that a thousand tabs do not come at once.
export function waitBefore(attempt, chance) {
  const most = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** attempt);
  return most / 2 + (most / 2) * chance;
}

// Calls onMessage(object) for every message and onLost() whenever the connection is gone or silent.
// Returns { retry(), close() }.
export function connect(server, { onMessage, onLost }) {
  let streams = false;
  let heard = true;
  let socket = null;
  let attempt = 0;
  let timer = 0;
  const over = new AbortController();

  const open = () => {
    drop();
    if (over.signal.aborted || document.hidden) return;
    if (!heard) streams = !streams; // what never spoke is not tried twice in a row
    heard = false;
    const url = server.url(streams ? "api/v1/stream" : "ws");
    if (!streams) url.protocol = url.protocol.replace("http", "ws");
    const mine = streams ? new EventSource(url, { withCredentials: true }) : new WebSocket(url);
    socket = mine;
    listenFor(SILENCE);
    mine.onmessage = (event) => {
      heard = true;
      attempt = 0;
      listenFor(SILENCE);
      server.count(event.data.length);
      let message;
      try {
        message = JSON.parse(event.data);
      } catch {
        return; // not for us
      }
      onMessage(message);
    };
    mine.onclose = mine.onerror = () => {
      if (socket === mine) again();
    };
  };

  const again = () => {
    drop();
    onLost();
    timer = setTimeout(open, waitBefore(attempt++, Math.random()));
  };

  const listenFor = (milliseconds) => {
    clearTimeout(timer);
    timer = setTimeout(again, milliseconds);
  };

  const drop = () => {
    clearTimeout(timer);
    const old = socket;
    socket = null;
    if (!old) return;
    old.onmessage = old.onclose = old.onerror = null;
    old.close();
  };

  // A browser slows down what is hidden; a table that nobody sees needs no news.
  const onVisibility = () => {
    heard = true;
    if (document.hidden) {
      drop();
      onLost();
    } else {
      attempt = 0;
      open();
    }
  };
  document.addEventListener("visibilitychange", onVisibility, over);
  addEventListener("online", open, over);
  open();

  return {
    retry: again,
    close() {
      over.abort();
      drop();
    },
  };
}
