"""Who sees whom: each node's own view of the others, so that a half-broken network is seen as one.

    gandalf sees saruman as down; 2 others see it up

     SEES ▸      1  2  3
     1 frodo     ·  ●  ●
     2 gandalf   ●  ·  ✖
     3 saruman   ●  ●  ·

A row is who sees, a column who is seen, by its number. Where not every column has room, those that are not seen
alike by all come first.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from eye.tui import cells

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from eye.tui.cells import Line, Span

    Document = dict[str, Any]

_LONGEST = 28  # columns of a name
_SELF, _BLANK = "·", " "
_MOST_SENTENCES = 8


def sentences(document: Document) -> list[str]:
    """Say what is not as it should be, each in one sentence: who does not answer, and where views differ."""
    found = [
        f"{row['node']} does not tell whom it sees: {row['error']}" for row in document["rows"] if row["error"]
    ]
    for name in document["nodes"]:
        seen = {row["node"]: row["sees"].get(name) for row in _answered(document) if row["node"] != name}
        words = Counter("nothing" if one is None else str(one["status"]) for one in seen.values())
        if len(words) <= 1:
            continue
        usual = max(words, key=lambda word: (words[word], word == "up"))
        others = f"{words[usual]} other{'s' * (words[usual] != 1)} see{'s' * (words[usual] == 1)} it "
        others += "not at all" if usual == "nothing" else usual
        for teller, one in seen.items():
            word = "nothing" if one is None else str(one["status"])
            if word != usual:
                sees = f"does not know {name}" if one is None else f"sees {name} as {word}"
                found.append(f"{teller} {sees}; {others}")
    return found


def rows(document: Document | None, columns: int, numbers_from: int = 0) -> tuple[list[Line], Line, list[Line]]:
    """Write the page: what is said above, the heading, and the rows. `numbers_from` is the first column shown."""
    if document is None:
        return [], (), [(("asks every node whom it sees …", "dim"),)]
    names = [str(name) for name in document["nodes"]]
    if not document["rows"]:
        return [], (), [(("there is nobody who could see anybody", "dim"),)]
    return _above(document, columns), *_matrix(document, names, columns, numbers_from)


def _above(document: Document, columns: int) -> list[Line]:
    told = sentences(document)
    if not told:
        count = len(document["nodes"])
        said = "one node, and nobody to see" if count == 1 else f"all {count} nodes see each other alike"
        return [((f"● {said}", "up"),), ()]
    lines: list[Line] = [
        cells.cut(((f"◆ {cells.tame(one)}", "suspect"),), columns) for one in told[:_MOST_SENTENCES]
    ]
    if len(told) > _MOST_SENTENCES:
        lines.append(((f"  and {len(told) - _MOST_SENTENCES} more", "dim"),))
    return [*lines, ()]


def _matrix(document: Document, names: list[str], columns: int, first: int) -> tuple[Line, list[Line]]:
    digits = len(str(len(names)))
    cell = digits + 1
    wide = min(max(_name_width(row["node"]) for row in document["rows"]), _LONGEST, max(columns - digits - 12, 4))
    room = max((columns - digits - wide - 18) // cell, 1)
    order = names if len(names) <= room else _most_telling_first(document, names)
    shown = order[min(first, len(order) - 1) :][:room]
    numbers = {name: at for at, name in enumerate(names, 1)}
    heading: list[Span] = [(cells.fit("SEES ▸", digits + 2 + wide), "title")]
    heading += [(f"{numbers[name]:>{cell}}", "title") for name in shown]
    if len(shown) < len(names):
        heading.append((f"  {len(names) - len(shown)} more: ← →", "dim"))
    rows = [cells.cut(_row(numbers, row, shown, (digits, wide, cell)), columns) for row in document["rows"]]
    if left_out := document.get("left_out"):
        rows.append(((f"  {left_out} others were not asked", "dim"),))
    return cells.cut(tuple(heading), columns), rows


def _most_telling_first(document: Document, names: list[str]) -> list[str]:
    views = {
        name: {(row["sees"].get(name) or {}).get("status") for row in _answered(document) if row["node"] != name}
        for name in names
    }
    return sorted(names, key=lambda name: (len(views[name]) <= 1, views[name] == {"up"}))


def _row(numbers: Mapping[str, int], row: Document, shown: Sequence[str], sizes: tuple[int, int, int]) -> Line:
    digits, wide, cell = sizes
    name = row["node"]
    number = str(numbers.get(name, "-"))
    spans: list[Span] = [(f"{number:>{digits}} ", "dim"), (cells.fit(name, wide) + " ", "text")]
    if row["error"]:
        return (*spans, (f"  ✖ {cells.tame(row['error'])}", "down"))
    for other in shown:
        one = row["sees"].get(other)
        status = None if one is None else str(one["status"])
        shape = _SELF if other == name else _BLANK if status is None else cells.SHAPES.get(status, "?")
        spans.append((f"{shape:>{cell}}", "dim" if other == name else status or "dim"))
    return tuple(spans)


def _answered(document: Document) -> list[Document]:
    return [row for row in document["rows"] if not row["error"]]


def _name_width(name: str) -> int:
    return cells.width(cells.tame(name[:_LONGEST]))
