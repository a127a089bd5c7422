// The few things that every panel does to the page. Text only ever goes in as text.

// make("p.note.big", { text: "hello", label: "…", onclick }, child, …); the settings may be left out.
export function make(kind, settings, ...children) {
  const [tag, ...classes] = kind.split(".");
  const element = document.createElement(tag);
  if (classes.length) element.className = classes.join(" ");
  return filled(element, settings, children);
}

export const svg = (tag, settings, ...children) => filled(document.createElementNS("http://www.w3.org/2000/svg", tag), settings, children);

function filled(element, settings = {}, children) {
  if (settings instanceof Node || typeof settings === "string") element.append(settings);
  else {
    for (const [key, value] of pairs(settings)) {
      if (key === "text") element.textContent = value;
      else if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
      else element.setAttribute(key === "label" ? "aria-label" : key, value);
    }
  }
  element.append(...children);
  return element;
}

export const button = (text, onclick, more) => make("button", { type: "button", text, onclick, ...more });

// What leads to what can be done to a process.
export const actButton = (onclick) => button("⋯", onclick, { class: "act", tabindex: -1, label: "what can be done to it" });

export const pairs = Object.entries;

// A sign that says with a shape what words beside it say.
export const sign = (text = "") => make("span.shape", { text, "aria-hidden": true });

// Touch the page only where it differs.
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function setAttribute(element, name, value) {
  if (value == null) element.removeAttribute(name);
  else if (element.getAttribute(name) !== String(value)) element.setAttribute(name, value);
}

// Some buttons of which one is pressed. `options` is value -> words.
export function choice(label, options, now, onChoose) {
  const buttons = pairs(options).map(([value, text]) => {
    const one = button(text, () => {
      for (const each of buttons) setAttribute(each, "aria-pressed", each === one);
      onChoose(value);
    }, { "aria-pressed": value === now });
    return one;
  });
  return make("div.choice", { role: "group", label }, ...buttons);
}

// Where a key leads in a list of so many rows, from the row `at` (-1: none is chosen); undefined if nowhere.
export function movedBy(key, at, rows, page) {
  const to = { ArrowDown: at + 1, ArrowUp: at < 0 ? rows - 1 : at - 1, PageDown: at + page, PageUp: at - page, Home: 0, End: rows - 1 }[key];
  return rows && to !== undefined ? Math.min(rows - 1, Math.max(0, to)) : undefined;
}

// As setTimeout, but not while the page is hidden: nobody pays for what nobody looks at.
export function later(act, wait) {
  const timer = setInterval(() => {
    if (document.hidden) return;
    clearInterval(timer);
    act();
  }, wait);
  return timer;
}

export const milliseconds = () => performance.now();

export const inPath = encodeURIComponent;
