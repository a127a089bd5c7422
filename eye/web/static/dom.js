// The few things that every panel does to the page. Text only ever goes in as text.

// make("p", { class: "note", text: "hello", title: "…", onclick }, child, …)
export function make(tag, settings = {}, ...children) {
  const element = document.createElement(tag);
  for (const [key, value] of Object.entries(settings)) {
    if (key === "text") element.textContent = value;
    else if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else element.setAttribute(key, value);
  }
  element.append(...children);
  return element;
}

// Touch the page only where it differs.
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function setAttribute(element, name, value) {
  if (value == null || value === false) element.removeAttribute(name);
  else if (element.getAttribute(name) !== String(value)) element.setAttribute(name, value);
}

const SVG = "http://www.w3.org/2000/svg";

function shape(tag, attributes) {
  const element = document.createElementNS(SVG, tag);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}

// The eye in the corner: open while the view is live, its iris in the colour of the worst node; else shut.
export function eyeMark() {
  const mark = shape("svg", { viewBox: "0 0 34 22", class: "mark", "aria-hidden": "true" });
  mark.append(
    shape("path", { class: "lids", d: "M1.5 11C9 1.5 25 1.5 32.5 11 25 20.5 9 20.5 1.5 11Z" }),
    shape("circle", { class: "iris", cx: 17, cy: 11, r: 6 }),
    shape("ellipse", { class: "pupil", cx: 17, cy: 11, rx: 1.7, ry: 4.8 }),
    shape("path", { class: "shut", d: "M1.5 9C9 17 25 17 32.5 9M8 14l-2 3.5M17 15.5v4M26 14l2 3.5" }),
  );
  return mark;
}
