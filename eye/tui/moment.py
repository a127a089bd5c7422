"""The moment that is shown: now, or one of the last hour, which the nodes keep in memory.

    LOOKING BACK  18:29:15, 5 min 12 s ago   1 h ├──────────────────●─┤ now

Who looks back sees the table, the tree, the graphs and the events of one moment; nothing moves there, and nothing
can be done there.
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

from eye.tui import cells

if TYPE_CHECKING:
    from eye.tui.cells import Line

REACH = 3600.0
"""Seconds that one can look back."""

_LIVE = 1.0  # seconds: what is nearer than that is now
_SAID = 44  # columns, about, of what stands before the slider
_LEFT, _RIGHT = "1 h ├", "┤ now"


def step(at: float | None, by: float, now: float) -> float | None:
    """Go so many seconds on, or back; None is now."""
    moment = math.floor((now if at is None else at) + by)
    return None if moment > now - _LIVE else max(moment, math.ceil(now - REACH))


def slider(at: float, now: float, columns: int) -> Line:
    """Write the line that says what is shown, and how old it is."""
    said = f"  {clock_of(at)}, {ago(now - at)} ago  "
    first, wide = _track(columns)
    if wide < 8:
        return cells.cut(((" LOOKING BACK ", "bar"), (said, "alarm")), columns)
    place = min(max(round((1 - (now - at) / REACH) * (wide - 1)), 0), wide - 2)  # the right end is now
    track = f"{'─' * place}●{'─' * (wide - 1 - place)}"
    room = first - len(_LEFT) - len(" LOOKING BACK ")
    return ((" LOOKING BACK ", "bar"), (cells.fit(said, room), "alarm"), (f"{_LEFT}{track}{_RIGHT}", "text"))


def at_column(x: int, now: float, columns: int) -> float | None:
    """Say which moment a click on the slider means; None is now."""
    first, wide = _track(columns)
    if wide < 8 or x >= first + wide:
        return None
    return step(None, -(1 - max(x - first, 0) / (wide - 1)) * REACH, now)


def clock_of(at: float) -> str:
    """Write a moment as the local clock shows it."""
    return time.strftime("%H:%M:%S", time.localtime(at))


def ago(seconds: float) -> str:
    """Write an age exactly: `12 s`, `5 min 12 s`."""
    minutes, rest = divmod(max(int(seconds), 0), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _track(columns: int) -> tuple[int, int]:
    first = _SAID + len(_LEFT)
    return first, columns - first - len(_RIGHT)
