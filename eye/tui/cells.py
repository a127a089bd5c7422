"""Lines of text for a terminal: what a cell is, how wide it is, and numbers that never change their width.

A line is spans, each a text with a role: what it *is* (`up`, `dim`, `title`), not how it looks. One table in
`pane` gives roles their colours; a role that matters is told by a word or a shape as well, so that nothing is
lost where there are no colours.
"""

from __future__ import annotations

import math
from unicodedata import category, east_asian_width, normalize

from eye.monitor.clean import clean

Span = tuple[str, str]
Line = tuple[Span, ...]

SHAPES = {"up": "●", "stale": "◇", "suspect": "◆", "down": "✖", "connecting": "○"}

_SPARKS = "▁▂▃▄▅▆▇█"
_SIZES = "BKMGTPEZY"


def tame(text: str) -> str:
    """Make a text that came from a node harmless for columns as well as for the terminal: see `clean`.

    Of the marks that stand on one character only the first is left: a terminal would pile up thousands. Those that
    make a character another (of an emoji its colour) are left out, since terminals differ in what they take.
    """
    text = clean(text)
    if text.isascii():
        return text
    kept: list[str] = []
    for char in normalize("NFC", text):
        if "\U0001f3fb" <= char <= "\U0001f3ff" or "\ufe00" <= char <= "\ufe0f":
            continue
        if not _is_mark(char) or (kept and not _is_mark(kept[-1])):
            kept.append(char)
    return "".join(kept)


def _is_mark(char: str) -> bool:
    return char > "\u02ff" and category(char)[0] == "M"


def width(text: str) -> int:
    """Count the columns that a text takes: two for a wide character, none for an accent."""
    if text.isascii():
        return len(text)
    return sum(0 if _is_mark(char) else 2 if east_asian_width(char) in "WF" else 1 for char in text)


def fit(text: str, columns: int, *, right: bool = False) -> str:
    """Make a text exactly so wide: harmless, cut in its middle (its ends tell it apart), or padded."""
    text = tame(text)
    if width(text) > columns:
        text = shorten(text, columns)
    space = " " * (columns - width(text))
    return space + text if right else text + space


def shorten(text: str, columns: int) -> str:
    """Leave out the middle of a text that is too wide; a `…` says so."""
    if width(text) <= columns:
        return text
    if columns < 3:
        return "…"[:columns]
    tail = (columns - 1) // 2
    return f"{_begin(text, columns - 1 - tail)}…{_begin(text[::-1], tail)[::-1]}"


def _begin(text: str, columns: int) -> str:
    """Take what fits of the beginning. Goes through each character once: a name may have very many."""
    used = 0
    for at, char in enumerate(text):
        used += width(char)
        if used > columns:
            return text[:at]
    return text


def cut(line: Line, columns: int) -> Line:
    """Cut a line at its end, so that it takes no more than so many columns; a `…` says that it was cut."""
    if sum(width(text) for text, _ in line) <= columns:
        return line
    left, kept = columns - 1, []
    for text, role in line:
        if (wide := width(text)) > left:
            kept.append((_begin(text, left) + "…" * (columns > 0), role))
            break
        kept.append((text, role))
        left -= wide
    return tuple(kept)


def wrap(text: str, columns: int, most: int = 3) -> list[str]:
    """Break a sentence into lines at its blanks, or in a word that is too long; `…` ends what has no room."""
    lines: list[str] = []
    left = tame(text).strip()
    while left and columns > 0:
        part = _begin(left, columns)
        if part != left and " " in part[1:] and left[len(part)] != " ":
            part = part[: part.rindex(" ")]
        if len(lines) == most - 1 and part != left:
            return [*lines, plain(cut(((left, ""),), columns))]
        lines.append(part.rstrip())
        left = left[len(part) or 1 :].lstrip()
    return lines


def across(left: Line, right: Line, columns: int) -> Line:
    """Put two texts on one line, the second at its right end; the first gives way."""
    room = columns - sum(width(text) for text, _ in right)
    if room <= 0:
        return cut(right, columns)
    begun = cut(left, room)
    return (*begun, (" " * (room - sum(width(text) for text, _ in begun)), "text"), *right)


def plain(line: Line) -> str:
    """Read a line without its roles."""
    return "".join(text for text, _ in line).rstrip()


def size(count: float | None) -> str:
    """Write bytes in five columns: ` 512M`, `1.5G`, `  12K`; a dash where there is no figure."""
    if count is None or not math.isfinite(count):
        return "    -"
    power = 0
    while count >= 999.5 and power < len(_SIZES) - 1:
        count /= 1024
        power += 1
    digits = f"{count:.1f}" if power and count < 9.95 else f"{count:.0f}"
    return f"{digits + _SIZES[power]:>5}"


def percent(share: float | None) -> str:
    """Write a share in four columns: ` 20%`, `100%`."""
    if share is None or not math.isfinite(share):
        return "   -"
    return f"{min(max(share, 0.0), 1.0) * 100:3.0f}%"


def count(number: float | None) -> str:
    """Write a count in six columns; from a million on in millions."""
    if number is None or not math.isfinite(number):
        return "     -"
    if number < 1e6:
        return f"{number:6.0f}"
    return f"{number / 1e6:5.1f}M" if number < 1e10 else "  many"


def span(seconds: float | None) -> str:
    """Write a time span in four columns, in its largest unit: ` 45s`, `  2h`, ` 12d`."""
    if seconds is None or not math.isfinite(seconds):
        return "   -"
    seconds = max(seconds, 0.0)
    for length, letter in ((86400, "d"), (3600, "h"), (60, "m")):
        if seconds >= length:
            return f"{min(int(seconds // length), 999):3d}{letter}"
    return f"{int(seconds):3d}s"


def spark(values: list[float | None], columns: int, top: float | None = None) -> str:
    """Draw the last values as little bars, the newest at the right; a gap where nothing was measured.

    `top` is what the tallest bar stands for; the greatest value unless given.
    """
    shown = values[-columns:]
    known = [value for value in shown if value is not None and math.isfinite(value)]
    most = max(known, default=0.0) if top is None else top
    bars = "".join(
        " "
        if value is None or not math.isfinite(value)
        else _SPARKS[min(int(value / most * 8), 7) if most > 0 and value > 0 else 0]
        for value in shown
    )
    return bars.rjust(columns)


def gauge(used: float, of: float, columns: int) -> str:
    """Draw how much of something is used up: `▮▮▯`."""
    full = columns if of <= 0 else min(columns, math.ceil(used / of * columns) if used > 0 else 0)
    return "▮" * full + "▯" * (columns - full)
