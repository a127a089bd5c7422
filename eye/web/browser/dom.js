// The few things that every panel does to the page. Text only ever goes in as text.

// make("p.note.big", { text: "hello", title: "…", onclick }, child, …)
export function make(kind, settings = {}, ...children) {
  const [tag, ...classes] = kind.split(".");
  return filled(document.createElement(tag), { ...(classes.length && { class: classes.join(" ") }), ...settings }, children);
}

export function svg(tag, settings, ...children) {
  return filled(document.createElementNS("http://www.w3.org/2000/svg", tag), settings, children);
}

function filled(element, settings, children) {
  for (const [key, value] of Object.entries(settings)) {
    if (key === "text") element.textContent = value;
    else if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else element.setAttribute(key, value);
  }
  element.append(...children);
  return element;
}

export const button = (text, onclick, more) => make("button", { type: "button", text, onclick, ...more });

// Touch the page only where it differs.
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function setAttribute(element, name, value) {
  if (value == null || value === false) element.removeAttribute(name);
  else if (element.getAttribute(name) !== String(value)) element.setAttribute(name, value);
}

// Some buttons of which one is pressed. `options` is value -> words.
export function choice(label, options, now, onChoose) {
  const buttons = Object.entries(options).map(([value, text]) => button(text, () => choose(value), { "aria-pressed": value === now }));
  function choose(value) {
    buttons.forEach((each, at) => setAttribute(each, "aria-pressed", Object.keys(options)[at] === value));
    onChoose(value);
  }
  return make("div.choice", { role: "group", "aria-label": label }, ...buttons);
}

// The server's answer to one question, with `ok`; or { ok: false, error }. Only being called off is an error.
export async function ask(url, settings) {
  try {
    const answer = await fetch(url, { credentials: "include", ...settings });
    return { ...(await answer.json()), ok: answer.ok };
  } catch (error) {
    if (error.name === "AbortError") throw error;
    return { ok: false, error: "the view does not answer" };
  }
}

// The eye in the corner: open while the view is live, its iris in the colour of the worst node; else shut.
export function eyeMark() {
  return svg("svg", { viewBox: "0 0 34 22", class: "mark", "aria-hidden": "true" },
    svg("path", { class: "lids", d: "M1.5 11C9 1.5 25 1.5 32.5 11 25 20.5 9 20.5 1.5 11Z" }),
    svg("circle", { class: "iris", cx: 17, cy: 11, r: 6 }),
    svg("ellipse", { class: "pupil", cx: 17, cy: 11, rx: 1.7, ry: 4.8 }),
    svg("path", { class: "shut", d: "M1.5 9C9 17 25 17 32.5 9M8 14l-2 3.5M17 15.5v4M26 14l2 3.5" }));
}
