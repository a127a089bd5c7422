// The filter: a line of text that the server reads, and that is asked of each node here.

import { inPath, make, setAttribute, setText } from "./dom.js";
import { plain } from "./format.js";
import { meaning } from "./meaning.js";

const TYPING = 250; // milliseconds without a key before a filter is read

// onText(text) is told what stands there, onMeaning(node => true or false) what it means.
export function makeFilter(server, { onText, onMeaning }) {
  let asked = 0;
  let waiting = 0;
  const wrong = make("p.wrong", { id: "wrong", role: "alert" });
  const matches = make("span.matches");
  const box = make("input.filter", { type: "search", placeholder: "filter: web-* cpu>80 status:up", label: "filter", "aria-describedby": "wrong", spellcheck: "false", autocomplete: "off", oninput: () => set(box.value, TYPING) });

  function set(text, wait = 0) {
    if (box.value !== text) box.value = text;
    clearTimeout(waiting);
    waiting = setTimeout(understand, wait, text);
  }

  // The server reads the text; until it has, the filter from before holds.
  async function understand(text) {
    const mine = (asked += 1);
    onText(text);
    const said = text.trim() ? await server.ask(`filter?text=${inPath(text)}`) : { data: ["true"] };
    if (mine !== asked) return;
    setAttribute(box, "aria-invalid", said.data ? null : "true");
    wrong.replaceChildren(...(said.data ? [] : pointed(text, said)));
    if (said.data) onMeaning(meaning(said.data));
  }

  return {
    element: make("div.filtering", box, matches),
    box,
    wrong,
    set,
    count: (shown, all) => setText(matches, box.value.trim() ? `${shown} of ${all}` : ""),
    // Calls leave() when the keyboard wants to go back to what is filtered.
    onLeave(leave) {
      box.addEventListener("keydown", (event) => {
        if (event.key === "Escape" && box.value) set("");
        else if (["Enter", "ArrowDown", "Escape"].includes(event.key)) leave();
        else return;
        event.preventDefault();
      });
    },
    stop: () => clearTimeout(waiting),
  };
}

// A filter that is wrong, with the character that is.
function pointed(text, { at, problem, error }) {
  if (problem == null) return [plain(error)];
  const letters = Array.from(text); // the server counts characters, not halves of them
  const [before, here, after] = [letters.slice(Math.max(0, at - 30), at), letters[at] ?? " ", letters.slice(at + 1, at + 20)];
  return [make("code", plain(before.join("")), make("mark", { text: plain(here) }), plain(after.join(""))), ` ${plain(problem)}`];
}
