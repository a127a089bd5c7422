// What may be done to a node from here, if the server says that it may: asked twice, and answered with a receipt.

import { ask, button, make, setText } from "./dom.js";
import { plain, size } from "./format.js";

const KEPT = "eye-token"; // for as long as the tab is open

export class Actions {
  constructor(api) {
    this.api = api;
    this.receipt = make("p.receipt", { role: "status" });
    this.title = make("h2");
    this.words = make("p");
    this.token = make("input", { type: "password", placeholder: "token", "aria-label": "token", autocomplete: "off" });
    this.yes = button("", () => this.sure());
    this.element = make("dialog", {
      onkeydown: (event) => {
        event.stopPropagation();
        if (event.key === "Enter" && event.target === this.token) this.sure();
      },
    }, this.title, this.words, this.token, make("div.row-of", {}, button("Cancel", () => this.element.close()), this.yes));
  }

  // Which actions there are; asked once. A server that tells no events is from before there were any.
  load() {
    if (!this.offered) return Promise.resolve(new Set());
    this.loaded ??= ask(new URL("actions", this.api)).then(({ actions = [], token }) => {
      this.needsToken = token;
      return new Set(actions);
    });
    return this.loaded;
  }

  collect(node) {
    this.confirm(node, "Collect garbage", "All threads of the node stand still for it.", `gc/${encodeURIComponent(node)}`, {}, (said) => {
      const memory = said.rss_before ? `, memory ${size(said.rss_before)} → ${size(said.rss_after)}` : "";
      return `${said.collected.reduce((sum, some) => sum + some, 0)} objects collected in ${(1000 * said.pause).toFixed(1)} ms${memory}`;
    });
  }

  crash(node, process) {
    this.confirm(node, `Crash ${plain(process)}`, "It ends at once; its supervisor decides what follows.",
      `crash/${encodeURIComponent(node)}`, { process, reason: "crashed from the web view" }, () => `${plain(process)} was crashed`);
  }

  confirm(node, title, words, address, body, receipt) {
    setText(this.title, `${title}?`);
    setText(this.words, `${plain(node)}: ${words}`);
    setText(this.yes, title.split(" ")[0]);
    this.token.hidden = !this.needsToken || Boolean(sessionStorage.getItem(KEPT));
    this.sure = () => {
      this.element.close();
      this.send(address, body, receipt);
    };
    this.element.showModal();
  }

  async send(address, body, receipt) {
    if (this.token.value) sessionStorage.setItem(KEPT, this.token.value);
    this.token.value = "";
    const headers = { "Content-Type": "application/json", "X-Eye-Token": sessionStorage.getItem(KEPT) ?? "" };
    setText(this.receipt, "…");
    const said = await ask(new URL(address, this.api), { method: "POST", headers, body: JSON.stringify(body) });
    if (!said.ok) sessionStorage.removeItem(KEPT); // perhaps it was wrong: it is asked for again
    setText(this.receipt, said.ok ? receipt(said) : plain(said.error));
  }
}
