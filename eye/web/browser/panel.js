// One node, looked at closely: pages behind tabs, of which the open one asks the node again and again. Nobody pays
// for what nobody looks at.
//
// A page is { title, every, past, address(node, encoded), show(answer, node) -> one line of words, clear(), element };
// `past` says that it can show a moment that is gone. It is given again(), to be asked at once.

import { button, inPath, later, make, milliseconds, pairs, setAttribute, setText } from "./dom.js";
import { plain, shortSpan } from "./format.js";

const PATIENCE = 6_000; // milliseconds that an answer may take

// `moment()` is the time that is looked at, null for now. `tools` are buttons for the panel's head.
export function makePanel({ server, pages, first, moment, tools, receipt, onChange }) {
  let page = first in pages ? first : "tree";
  let node = null;
  let known = null; // when the last answer came
  let failure = null;
  let timer = 0;
  let asking = null;

  const title = make("h2");
  const state = make("p.state");
  const tabs = pairs(pages).map(([name, each]) => {
    each.again = () => node && page === name && ask();
    return button(each.title, () => turn(name), { role: "tab", "data-page": name });
  });
  const list = make("div.tabs", { role: "tablist", label: "what of the node", onkeydown: (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const to = tabs.at((tabs.indexOf(event.target) + step) % tabs.length);
    to.focus();
    to.click();
  } }, ...tabs);
  const sheet = make("div.sheet", { role: "tabpanel" });
  const element = make("section.panel", { hidden: "", label: "node" },
    make("header.title", title, ...tools, button("Close", close, { class: "close", title: "Esc" })), list, receipt, state, sheet);

  function open(name) {
    if (name === node) return;
    node = name;
    element.hidden = false;
    setText(title, plain(node));
    setText(receipt, "");
    turn(page);
  }

  function turn(name) {
    page = name;
    for (const tab of tabs) {
      const is = tab.dataset.page === name;
      setAttribute(tab, "aria-selected", String(is));
      tab.tabIndex = is ? 0 : -1;
    }
    clear();
    setAttribute(sheet, "aria-label", pages[page].title);
    sheet.replaceChildren(pages[page].element);
    onChange();
    ask();
  }

  function clear() {
    pages[page].clear();
    known = failure = null;
    setText(state, "asking…");
  }

  function close() {
    stop();
    node = null;
    element.hidden = true;
    onChange();
  }

  function stop() {
    clearTimeout(timer);
    asking?.abort();
  }

  async function ask() {
    stop();
    const mine = (asking = new AbortController());
    const late = setTimeout(() => {
      failure = "no answer yet";
      tick();
    }, PATIENCE);
    const open = pages[page];
    const at = open.past ? moment() : null;
    const said = await server.ask(open.address(node, inPath(node)) + (at === null ? "" : `?at=${at}`), { signal: mine.signal }).catch(() => null);
    clearTimeout(late);
    if (mine.signal.aborted) return;
    failure = said.ok ? null : said.error;
    if (said.ok) {
      setText(state, [open.show(said, node), moment() !== null && (at === null ? "as it is now" : `as of ${new Date((said.as_of ?? at) * 1000).toLocaleTimeString()}`)].filter(Boolean).join(", "));
      known = milliseconds();
    }
    tick();
    if (at === null) timer = later(ask, open.every);
  }

  // What is old says so, and how old it is.
  function tick() {
    element.classList.toggle("old", failure != null);
    if (failure == null) return;
    const age = known && ` – shown as it was ${shortSpan((milliseconds() - known) / 1000)} ago`;
    setText(state, plain(failure) + (age ?? ""));
  }

  return {
    element,
    open,
    close,
    stop,
    tick,
    again: () => node && ask(),
    get node() {
      return node;
    },
    get page() {
      return page;
    },
  };
}
