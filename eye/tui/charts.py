"""A graph in a terminal: dots of Braille, two columns and four rows to a character.

    100% ┤      ╎   ⢀⣀⡀
         │   ⣀⣠⣤⣤⣴⣾⣿⣿⣿⣦⣄
      0% ┤⣶⣾⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿⣷⣤
          17:29      18:29

Gaps stay gaps. The scale begins at zero, so that a small change looks small; its top is the first round number
that nothing exceeds, unless it is given. A dotted line marks the moment that is looked back to.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from eye.tui.cells import Line, fit, width

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_DOTS = " " + "".join(map(chr, range(0x2801, 0x2900)))  # nothing is a blank: not every font has the empty pattern
_LEAST = 1e-9  # what is less is nothing
_LEFT = (0x40, 0x44, 0x46, 0x47)  # a column of dots, filled from below: 1 to 4 of them
_RIGHT = (0x80, 0xA0, 0xB0, 0xB8)


def chart(
    values: Sequence[float | None],
    *,
    columns: int,
    rows: int,
    write: Callable[[float], str],
    top: float | None = None,
    role: str = "chart",
    mark: float | None = None,
    ends: tuple[str, str] | None = None,
) -> list[Line]:
    """Draw values, oldest first, over the whole width; `write` labels the scale.

    Args:
        mark: where a moment is marked, from 0.0 (the left end) to 1.0.
        ends: what is written below both ends, on a line of its own.

    Returns `rows` lines, each `columns` wide, and one more with `ends`.
    """
    most = top if top is not None else round_top(max(_figures(values), default=0.0))
    labels = [write(most), write(0.0)]
    margin = max(map(width, labels)) + 2
    wide = max(columns - margin, 1)
    heights = _heights(values, wide * 2, rows * 4, most)
    lines: list[Line] = []
    for row in range(rows):
        label = labels[0] if row == 0 else labels[1] if row == rows - 1 and rows > 1 else ""
        axis = "┤" if label else "│"
        floor = (rows - 1 - row) * 4
        dots = "".join(
            _DOTS[_dots(_LEFT, heights[at], floor) + _dots(_RIGHT, heights[at + 1], floor)]
            for at in range(0, wide * 2, 2)
        )
        lines.append(((fit(label, margin - 2, right=True) + " " + axis, "dim"), *_marked(dots, mark, role)))
    if ends is not None:
        lines.append(((" " * margin + fit(ends[0], wide - width(ends[1])) + ends[1], "dim"),))
    return lines


def _marked(dots: str, mark: float | None, role: str) -> list[tuple[str, str]]:
    if mark is None or not 0.0 <= mark <= 1.0:
        return [(dots, role)]
    at = min(int(mark * len(dots)), len(dots) - 1)
    return [(dots[:at], role), ("╎" if dots[at] == " " else dots[at], "alarm"), (dots[at + 1 :], role)]


def round_top(most: float) -> float:
    """Find the first of 1, 2, 5, 10, 20, … that is not exceeded; 1 for nothing."""
    if most < _LEAST or not math.isfinite(most):
        return 1.0
    power = 10.0 ** math.floor(math.log10(most))
    return next(step * power for step in (1.0, 2.0, 5.0, 10.0) if most <= step * power * (1 + 1e-9))


def _heights(values: Sequence[float | None], wide: int, high: int, most: float) -> list[int | None]:
    """Say how many dots high each column is; None for a gap. A column takes the greatest of its values."""
    heights: list[int | None] = [None] * wide
    for column in range(wide):
        first, last = column * len(values) // wide, (column + 1) * len(values) // wide
        if part := _figures(values[first : max(last, first + 1)]):
            share = max(part) / most if most > 0 else 0.0
            heights[column] = min(high, max(1, round(share * high)))
    return heights


def _dots(filled: tuple[int, ...], height: int | None, floor: int) -> int:
    if height is None or height <= floor:
        return 0
    return filled[min(height - floor, 4) - 1]


def _figures(values: Sequence[float | None]) -> list[float]:
    return [value for value in values if value is not None and math.isfinite(value)]
