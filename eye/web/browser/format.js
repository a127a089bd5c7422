// Numbers and names as people read them; the same words and units as `sorcerers_eye fetch`. Pure.

export const NONE = "–";
export const SHAPES = { up: "●", suspect: "◆", down: "✖", connecting: "○", stale: "◆" };

const SIZES = ["B", "KB", "MB", "GB", "TB", "PB", "EB"];
const SPANS = [[86400, "day"], [3600, "hour"], [60, "minute"], [1, "second"]];
const LONGEST = 120; // characters of a name; more is cut

// 536870912 -> "512MB", 1610612736 -> "1.5GB": the largest unit of 1024 that fits, one decimal at most.
export function size(bytes) {
  if (bytes == null) return NONE;
  let power = 0;
  let tenths = Math.round(bytes * 10);
  while (tenths >= 10240 && power < SIZES.length - 1) {
    power += 1;
    tenths = Math.floor((bytes * 10) / 1024 ** power + 0.5);
  }
  return `${tenths / 10}${SIZES[power]}`;
}

export function percent(value) {
  return value == null ? NONE : `${Math.floor(Math.min(Math.max(value, 0), 100) + 0.5)}%`;
}

// 7260 -> "2 hours": one unit, cut off.
export function span(seconds) {
  if (seconds == null) return NONE;
  const whole = Math.max(0, Math.floor(seconds));
  const [length, unit] = SPANS.find(([each]) => whole >= each) ?? SPANS.at(-1);
  return counted(Math.floor(whole / length), unit);
}

// 7260 -> "2 h": where there is little room.
export function shortSpan(seconds) {
  const [number, unit] = span(seconds).split(" ");
  return unit ? `${number} ${unit.startsWith("minute") ? "min" : unit[0]}` : number;
}

export function counted(number, word) {
  return `${number} ${word}${number === 1 ? "" : word.endsWith("s") ? "es" : "s"}`;
}

// A name that a node gave itself, harmless: no control characters, none that turn the text around, not endless.
export function plain(text, most = LONGEST) {
  const clean = String(text).replace(/[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g, "\ufffd");
  return clean.length > most ? `${clean.slice(0, most)}…` : clean;
}

// 12345.678 -> "12 346", 0.01234 -> "0.0123": a number of which nobody knows what it counts.
export function amount(value) {
  return value == null ? NONE : Math.abs(value) >= 1000 ? Math.round(value).toLocaleString() : String(+value.toPrecision(3));
}

// The time of day; with its date where it was another day.
export function momentOf(at, now = Date.now() / 1000) {
  const [then, today] = [new Date(at * 1000), new Date(now * 1000)];
  return then.toDateString() === today.toDateString() ? then.toLocaleTimeString() : then.toLocaleString();
}
