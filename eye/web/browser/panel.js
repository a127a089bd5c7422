// One node, looked at closely: pages behind tabs, of which the open one asks the node again and again. Nobody pays
// for what nobody looks at.
//
// A page is { title, every, address(node), show(answer) -> one line of words, clear(), element }.

import { ask, button, make, setAttribute, setText } from "./dom.js";
import { plain, shortSpan } from "./format.js";

const PATIENCE = 6_000; // milliseconds that an answer may take

export class Panel {
  constructor({ api, pages, actions, page, onChange }) {
    Object.assign(this, { api, pages, actions, onChange, node: null, page: page in pages ? page : "tree" });
    this.title = make("h2");
    this.state = make("p.state");
    this.gc = button("Collect garbage", () => actions.collect(this.node), { hidden: "" });
    this.tabs = Object.entries(pages).map(([name, each]) => {
      each.again = () => this.node && this.page === name && this.ask();
      return button(each.title, () => this.turn(name), { role: "tab", "data-page": name });
    });
    const tabs = make("div.tabs", { role: "tablist", "aria-label": "what of the node" }, ...this.tabs);
    tabs.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      const to = this.tabs.at((this.tabs.indexOf(event.target) + step) % this.tabs.length);
      to.focus();
      to.click();
    });
    this.sheet = make("div.sheet", { role: "tabpanel" });
    this.element = make("section.panel", { hidden: "", "aria-label": "node" },
      make("header", {}, this.title, this.gc, button("Close", () => this.close(), { class: "close", title: "Esc" })),
      tabs, actions.receipt, this.state, this.sheet);
  }

  open(node) {
    if (node === this.node) return;
    this.node = node;
    this.element.hidden = false;
    setText(this.title, plain(node));
    setText(this.actions.receipt, "");
    this.showActions();
    this.turn(this.page);
  }

  async showActions() {
    if (!this.node) return;
    const may = await this.actions.load();
    this.gc.hidden = !may.has("gc");
    this.element.classList.toggle("may-crash", may.has("crash"));
  }

  turn(name) {
    this.page = name;
    for (const tab of this.tabs) {
      const is = tab.dataset.page === name;
      setAttribute(tab, "aria-selected", is ? "true" : "false");
      tab.tabIndex = is ? 0 : -1;
    }
    const page = this.pages[name];
    page.clear();
    this.known = null;
    this.failure = null;
    setAttribute(this.sheet, "aria-label", page.title);
    this.sheet.replaceChildren(page.element);
    setText(this.state, "asking…");
    this.onChange();
    this.ask();
  }

  close() {
    this.stop();
    this.node = null;
    this.element.hidden = true;
    this.onChange();
  }

  stop() {
    clearTimeout(this.timer);
    this.asking?.abort();
  }

  async ask() {
    this.stop();
    const asking = (this.asking = new AbortController());
    const late = setTimeout(() => {
      this.failure = "no answer yet";
      this.tick();
    }, PATIENCE);
    const page = this.pages[this.page];
    const said = await ask(new URL(page.address(encodeURIComponent(this.node)), this.api), { signal: asking.signal }).catch(() => null);
    clearTimeout(late);
    if (asking.signal.aborted) return;
    this.failure = said.ok ? null : said.error;
    if (said.ok) {
      const words = page.show(said, this.node);
      this.known = performance.now();
      setText(this.state, words);
    }
    this.tick();
    this.timer = setTimeout(() => this.ask(), page.every);
  }

  // What is old says so, and how old it is.
  tick() {
    this.element.classList.toggle("old", this.failure != null);
    if (this.failure == null) return;
    const age = this.known && ` – shown as it was ${shortSpan((performance.now() - this.known) / 1000)} ago`;
    setText(this.state, plain(this.failure) + (age ?? ""));
  }
}
