// Whom the view asks, and with what: where it is mounted, the key of a signed link, and, for what changes something,
// a token, which stays in the memory of this page. Counts what comes over the wire.

import { milliseconds } from "./dom.js";

const WINDOW = 10; // seconds over which a rate is taken

export function makeServer(base, key) {
  const came = []; // [when, bytes] of what came lately

  function count(bytes) {
    came.push([milliseconds(), bytes]);
    while (came[0][0] < milliseconds() - WINDOW * 1000) came.shift();
  }

  const server = {
    base,
    token: "",
    count,

    url(path) {
      const url = new URL(path, base);
      if (key) url.searchParams.set("key", key);
      return url;
    },

    // The answer to one question, with `ok`; or { ok: false, error }. Only being called off is an error.
    async ask(path, settings) {
      try {
        const answer = await fetch(server.url(`api/v1/${path}`), { credentials: "include", ...settings });
        const text = await answer.text();
        count(text.length);
        return { ...JSON.parse(text), ok: answer.ok, code: answer.status };
      } catch (error) {
        if (error.name === "AbortError") throw error;
        return { ok: false, error: "the view does not answer" };
      }
    },

    async post(path, body) {
      const headers = { "Content-Type": "application/json", "X-Eye-Token": server.token };
      const said = await server.ask(path, { method: "POST", headers, body: JSON.stringify(body) });
      if (said.code === 403) server.token = ""; // perhaps it was wrong: it is asked for again
      return said;
    },

    // Bytes a second, lately.
    rate: () => came.reduce((sum, [, bytes]) => sum + bytes, 0) / WINDOW,
  };
  return server;
}
