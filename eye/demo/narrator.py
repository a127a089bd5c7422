"""Says in one line what happened and what follows, from the records of `eye.monitor.chronicle`.

12:31:07  mystic-node-2   ✖ sampler crashed: crashed on purpose
12:31:07  mystic-node-2   ⟳ sampler#2 started in its place: the failure stayed where it happened
12:31:15  mystic-node-3   ✖ down: connection refused. Nobody says goodbye; absence is a guess
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from eye.monitor.clean import clean
from eye.monitor.sayings import say

if TYPE_CHECKING:
    from collections.abc import Callable

    from eye.monitor.chronicle import Record

_COLOURS = {"✖": "31", "⟳": "33", "●": "32", "◆": "33", "○": "2", "▲": "31"}


class Narrator:
    """Tells a story line by line, as it happens. May be told things from any thread."""

    def __init__(self, write: Callable[[str], None], *, colour: bool = False) -> None:
        self._write = write
        self._colour = colour

    def hear(self, record: Record) -> None:
        """Tell of one record, if it is worth telling."""
        told = say(record)
        if told is not None:
            self.line(record["node"], *told, at=record["at"])

    def line(self, who: str, mark: str, text: str, at: float | None = None) -> None:
        """Tell of something that is in no record."""
        clock = time.strftime("%H:%M:%S", time.localtime(at))
        mark = f"\x1b[{_COLOURS[mark]}m{mark}\x1b[0m" if self._colour and mark in _COLOURS else mark
        self._write(f"  {clock}  {clean(who):<15} {mark} {clean(text)}")

    def say(self, text: str) -> None:
        """Say a sentence of one's own."""
        self._write(f"\x1b[1m{text}\x1b[0m" if self._colour and text else text)
