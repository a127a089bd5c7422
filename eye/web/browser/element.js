// <sorcerers-eye src="/eye/" view="nodes|graphs|tree|processes|cost|trees|sightings|events|alerts" node="…"
//   panel="graphs|tree|processes|cost" show="nodes|trees|sightings" columns="node status cpu" filter="cpu>80"
//   metrics="host.cpu orders" range="600" scope="host|node" theme="light|dark" key="…">
//
// It tells its page with the events eye-update, eye-select and eye-state. With the attribute `linked`, as on its own
// page, how it is looked at stands in the page's address, so that a view can be sent to somebody.
//
// The view as an element for any page. Its content in the page (a table made on the server, say) is shown until
// the live view has something to show; where this script does not run, it stays.

import { pairs } from "./dom.js";
import { start } from "./main.js";

const sheets = new Map(); // address -> promise of a stylesheet, shared by all elements of a page

function sheet(url) {
  if (!sheets.has(url)) {
    const loading = fetch(url).then((answer) => answer.text()).then((text) => new CSSStyleSheet().replace(text));
    loading.catch(() => sheets.delete(url));
    sheets.set(url, loading);
  }
  return sheets.get(url);
}

const LOOK = "view show node panel columns filter scope range metrics key".split(" ");

class SorcerersEye extends HTMLElement {
  static observedAttributes = ["src", ...LOOK];
  #running = null;
  #changed = false;

  connectedCallback() {
    this.#restart();
  }

  disconnectedCallback() {
    this.#running?.close();
    this.#running = null;
  }

  // Several attributes that change at once are one change.
  attributeChangedCallback(name, before, after) {
    if (!this.#running || before === after) return;
    if (name === "filter") this.#running.filter(after ?? "");
    else if (!this.#changed) {
      this.#changed = true;
      queueMicrotask(() => {
        this.#changed = false;
        if (this.#running) this.#restart();
      });
    }
  }

  #restart() {
    this.#running?.close();
    const base = new URL(this.getAttribute("src") ?? "./", document.baseURI);
    if (!base.pathname.endsWith("/")) base.pathname += "/";
    const linked = this.hasAttribute("linked") ? new URLSearchParams(location.search) : null;
    const look = Object.fromEntries(LOOK.map((name) => [name, linked?.get(name) ?? this.getAttribute(name) ?? ""]));
    if (look.key) look.view ||= look.panel; // a signed link shows one panel, and its server no other
    const running = (this.#running = start({
      base,
      look,
      onReady: () => this.#appear(running),
      onLook: (said) => linked && remember(said),
      tell: (what, detail) => this.dispatchEvent(new CustomEvent(`eye-${what}`, { detail, bubbles: true, composed: true })),
    }));
  }

  async #appear(running) {
    // A file and not a <style>: a strict Content-Security-Policy drops the latter, even in here.
    const style = await sheet(new URL("eye.css", import.meta.url).href).catch(() => null);
    if (this.#running !== running) return;
    const root = this.shadowRoot ?? this.attachShadow({ mode: "open" });
    if (style) root.adoptedStyleSheets = [style];
    root.replaceChildren(running.element);
  }
}

function remember(said) {
  const url = new URL(location.href);
  for (const [name, value] of pairs(said)) {
    if (value) url.searchParams.set(name, value);
    else url.searchParams.delete(name);
  }
  history.replaceState(history.state, "", url);
}

if (!customElements.get("sorcerers-eye")) customElements.define("sorcerers-eye", SorcerersEye);
