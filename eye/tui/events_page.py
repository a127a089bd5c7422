"""The event log: what happened, the newest at the bottom, one line each with its cause and what followed.

12:31:07  mystic-node-2    ✖ local/sampler exited: ValueError: no such disk
12:31:07  mystic-node-2    ⟳ local/sampler#2 started in its place, because … (1 of 3 in 5 s)
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from eye.monitor.sayings import say
from eye.tui import cells

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from eye.tui.cells import Line

_ROLES = {"✖": "down", "⟳": "warn", "●": "up", "◆": "suspect", "○": "dim", "▲": "alarm"}
_NAME = 16


def rows(records: Sequence[dict[str, Any]], columns: int, most: int | None = None) -> list[Line]:
    """Write a line for each record that is worth one, in the order in which they came; of `most`, the last."""
    lines: list[Line] = []
    for record in reversed(records):
        if most is not None and len(lines) == most:
            break
        if (said := say(record)) is not None:
            lines.append(cells.cut(_row(record, *said), columns))
    return lines[::-1]


def log(records: Sequence[dict[str, Any]], columns: int, lines: int) -> list[Line]:
    """Write the last of them as so many lines, so that nothing else moves when one is added."""
    shown = rows(records, columns, lines) if lines else []
    if lines and not shown:
        shown = [(("  nothing has happened yet", "dim"),)]
    return [*shown, *([()] * (lines - len(shown)))]


def rule(columns: int) -> Line:
    """Write the line above them."""
    title, keys = "── events ", " e: more, less ──"
    return cells.cut(((title + "─" * max(columns - len(title) - len(keys), 0) + keys, "dim"),), columns)


def count(records: Iterable[dict[str, Any]]) -> int:
    """Count those that are worth a line."""
    return sum(say(record) is not None for record in records)


def _row(record: dict[str, Any], mark: str, text: str) -> Line:
    moment = time.strftime("%H:%M:%S", time.localtime(record["at"]))
    return (
        (f"{moment}  ", "dim"),
        (cells.fit(str(record["node"]), _NAME) + " ", "text"),
        (f"{mark} ", _ROLES.get(mark, "text")),
        (cells.tame(text), "text"),
    )
