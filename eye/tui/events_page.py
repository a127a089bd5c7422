"""The event log: what happened, the newest at the bottom, one line each with its cause and what followed.

12:31:07  mystic-node-2    ✖ local/sampler exited: ValueError: no such disk
12:31:07  mystic-node-2    ⟳ local/sampler#2 started in its place, because … (1 of 3 in 5 s)
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from eye.monitor.clean import clean
from eye.monitor.sayings import say
from eye.tui import cells

if TYPE_CHECKING:
    from collections.abc import Iterable

    from eye.tui.cells import Line

_ROLES = {"✖": "down", "⟳": "warn", "●": "up", "◆": "suspect", "○": "dim", "▲": "alarm"}
_NAME = 16


def rows(records: Iterable[dict[str, Any]], columns: int) -> list[Line]:
    """Write a line for each record that is worth one, in the order in which they came."""
    lines: list[Line] = []
    for record in records:
        if (said := say(record)) is not None:
            mark, text = said
            moment = time.strftime("%H:%M:%S", time.localtime(record["at"]))
            lines.append(
                cells.cut(
                    (
                        (f"{moment}  ", "dim"),
                        (cells.fit(str(record["node"]), _NAME) + " ", "text"),
                        (f"{mark} ", _ROLES.get(mark, "text")),
                        (clean(text), "text"),
                    ),
                    columns,
                )
            )
    return lines
