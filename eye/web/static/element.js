// <sorcerers-eye src="/eye/" view="table|tree" node="…" columns="node status cpu" filter="…" theme="light|dark">
//
// The view as an element for any page. Its content in the page (a table made on the server, say) is shown until
// the live view has something to show; where this script does not run, it stays.

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

class SorcerersEye extends HTMLElement {
  static observedAttributes = ["src", "view", "node", "columns", "filter"];

  connectedCallback() {
    this.restart();
  }

  disconnectedCallback() {
    this.running?.close();
    this.running = null;
  }

  attributeChangedCallback(name, before, after) {
    if (!this.running || before === after) return;
    if (name === "filter") this.running.filter(after ?? "");
    else this.restart();
  }

  restart() {
    this.running?.close();
    const base = new URL(this.getAttribute("src") ?? "./", document.baseURI);
    if (!base.pathname.endsWith("/")) base.pathname += "/";
    const running = (this.running = start({
      base,
      view: this.getAttribute("view") ?? "table",
      node: this.getAttribute("node") ?? "",
      columns: this.getAttribute("columns"),
      filter: this.getAttribute("filter") ?? "",
      onReady: () => this.appear(running),
    }));
  }

  async appear(running) {
    // A file and not a <style>: a strict Content-Security-Policy drops the latter, even in here.
    const style = await sheet(new URL("eye.css", import.meta.url).href).catch(() => null);
    if (this.running !== running) return;
    const root = this.shadowRoot ?? this.attachShadow({ mode: "open" });
    if (style) root.adoptedStyleSheets = [style];
    root.replaceChildren(running.element);
  }
}

if (!customElements.get("sorcerers-eye")) customElements.define("sorcerers-eye", SorcerersEye);
