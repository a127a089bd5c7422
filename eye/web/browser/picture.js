// Supervision trees as a picture: each supervisor a line, its workers small squares beside it. Two canvases, so that
// what glows does not make everything else be painted again.

import { make, milliseconds, setText } from "./dom.js";
import { counted, plain } from "./format.js";

const [SIDE, GAP, LINE, STEP, NAME] = [9, 3, 18, 14, 150]; // pixels
export const GLOW = 2_000; // milliseconds
const [FINE, WARN, BAD] = ["--accent", "--suspect", "--down"];
const COLOURS = { restarting: WARN, starting: WARN, suspended: WARN, suspect: WARN, stopped: BAD, abandoned: BAD, down: BAD };

export const isCalm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
const HINT = "Each square is a process: point at it.";
const keyOf = ({ path, id }) => path ?? id;

// Where everything stands: { height, boxes: [{ x, y, process, named }] }. Who supervises has a name beside it.
export function layout(roots, width) {
  const boxes = [];
  let y = GAP;
  const add = (process, depth) => {
    boxes.push({ x: GAP + depth * STEP, y, process, named: true });
    const [workers, supervisors] = [[], []];
    for (const each of process.children ?? []) (each.children?.length ? supervisors : workers).push(each);
    const from = depth * STEP + NAME;
    let x = from;
    for (const worker of workers) {
      if (x + SIDE > width && x > from) [x, y] = [from, y + SIDE + GAP];
      boxes.push({ x, y, process: worker });
      x += SIDE + GAP;
    }
    y += LINE;
    for (const each of supervisors) add(each, depth + 1);
  };
  for (const root of roots) add(root, 0);
  return { height: y, boxes };
}

// onChoose(path) is told what was clicked on.
export function makePicture(onChoose) {
  let drawn = { boxes: [] };
  let serials = null; // of what was drawn before
  let frame = 0;
  const glowing = new Map(); // key -> until when
  const [still, glow] = [make("canvas"), make("canvas")];
  const words = make("p.moment", HINT);
  const sheet = make("div.canvas", {
    role: "img",
    onpointermove(event) {
      const { path, id, status, restarts } = under(event) ?? {};
      setText(words, status ? `${plain(path ?? id)} – ${plain(status)}, ${counted(restarts ?? 0, "restart")}` : HINT);
    },
    onclick: (event) => under(event)?.path && onChoose(under(event).path),
  }, still, glow);
  const element = make("div.picture", words, sheet);

  // As a canvas understands it: a variable may hold two colours, for light and for dark.
  function colourOf(name) {
    sheet.style.color = `var(${name})`;
    return getComputedStyle(sheet).color;
  }

  function under({ offsetX: x, offsetY: y }) {
    return drawn.boxes.find((box) => x >= box.x && x < box.x + (box.named ? NAME - 2 * GAP : SIDE) + GAP && y >= box.y && y < box.y + SIDE + GAP)?.process;
  }

  function opened(canvas) {
    const [wide, high] = [element.clientWidth, drawn.height];
    const dots = devicePixelRatio;
    canvas.width = wide * dots;
    canvas.height = high * dots;
    canvas.style.width = `${wide}px`;
    const pen = canvas.getContext("2d");
    pen.scale(dots, dots);
    return pen;
  }

  function show(roots) {
    drawn = layout(roots, element.clientWidth - GAP);
    sheet.style.height = `${drawn.height}px`;
    sheet.ariaLabel = `picture of ${counted(drawn.boxes.length, "process")}`;
    const pen = opened(still);
    const colours = Object.fromEntries([FINE, WARN, BAD, "--fg", "--bg"].map((name) => [name, colourOf(name)]));
    pen.font = `12px ${getComputedStyle(element).fontFamily}`;
    const seen = new Map();
    for (const { x, y, process, named } of drawn.boxes) {
      const { id, status, serial, restarts } = process;
      const colour = COLOURS[status] ?? FINE;
      pen.fillStyle = colours[colour];
      pen.fillRect(x, y, SIDE, SIDE);
      pen.fillStyle = colours["--bg"]; // marks that need no colour: a bar across what is down, a dot in what was restarted
      if (colour === BAD) pen.fillRect(x + 1, y + 4, SIDE - 2, 1);
      else if (restarts || named) pen.fillRect(x + 3, y + 3, 3, 3);
      pen.fillStyle = colours["--fg"];
      if (named) pen.fillText(plain(id, 24) + (restarts ? ` ↻${restarts}` : ""), x + SIDE + 5, y + SIDE, NAME - SIDE - 12);
      seen.set(keyOf(process), serial);
      if (serials && serials.get(keyOf(process)) !== serial) glowing.set(keyOf(process), milliseconds() + GLOW);
    }
    serials = seen;
    if (glowing.size && !frame) frame = requestAnimationFrame(shine);
  }

  function shine(now) {
    const pen = opened(glow);
    pen.strokeStyle = colourOf(WARN);
    pen.lineWidth = 2;
    for (const { x, y, process } of drawn.boxes) {
      const left = (glowing.get(keyOf(process)) - now) / GLOW;
      if (!(left > 0)) continue;
      const wide = isCalm() ? 2 : 8 - 7 * left;
      pen.globalAlpha = isCalm() ? 1 : left;
      pen.strokeRect(x - wide, y - wide, SIDE + 2 * wide, SIDE + 2 * wide);
    }
    for (const [key, until] of glowing) if (until < now) glowing.delete(key);
    frame = glowing.size ? requestAnimationFrame(shine) : opened(glow) && 0;
  }

  return {
    element,
    show,
    clear() {
      serials = null;
      glowing.clear();
    },
  };
}
