"""Says in one line what happened and what follows, from the records of `eye.monitor.chronicle`.

12:31:07  mystic-node-2   ✖ sampler crashed: crashed on purpose
12:31:07  mystic-node-2   ⟳ sampler#2 started in its place: the failure stayed where it happened
12:31:15  mystic-node-3   ✖ down: connection refused. Nobody says goodbye; absence is a guess
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from eye.monitor.clean import clean

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
        teller = _SENTENCES.get(record["what"])
        told = None if teller is None else teller(record)
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


def _short(path: str) -> str:
    return path.removeprefix("/eye/")


def _exited(record: Record) -> tuple[str, str]:
    rule = f": {record['rule']}" if record.get("rule") else ""
    follows = "" if record["will_restart"] else f"; it is not restarted{rule}"
    return "✖", f"{_short(record['path'])} exited: {record['reason']}{follows}"


def _started(record: Record) -> tuple[str, str] | None:
    if record["incarnation"] == 1:
        return None  # the first start of everything is no news
    because = f", because {record['cause']}" if record["cause"] else ""
    return "⟳", f"{_short(record['path'])}#{record['incarnation']} started in its place{because}"


def _delayed(record: Record) -> tuple[str, str]:
    return "⟳", f"{_short(record['path'])} waits {record['seconds']:.3g} s before its next try"


def _gave_up(record: Record) -> tuple[str, str]:
    limit = f"more than {record['max_restarts']} restarts in {record['max_seconds']:g} s"
    return "▲", f"supervisor {_short(record['path'])} gives up: {limit}. Its own supervisor takes over"


def _abandoned(record: Record) -> tuple[str, str]:
    return "✖", f"{_short(record['path'])} {record['why']} and is abandoned: a thread cannot be killed"


_SENTENCES: dict[str, Callable[[Any], tuple[str, str] | None]] = {
    "child_exited": _exited,
    "child_started": _started,
    "child_abandoned": _abandoned,
    "restart_delayed": _delayed,
    "gave_up": _gave_up,
    "node_up": lambda record: ("●", f"up at {record['address']}"),
    "node_suspect": lambda record: ("◆", f"suspect: {record['reason']}"),
    "node_down": lambda record: ("✖", f"down: {record['reason']}"),
    "node_left": lambda record: ("○", f"left: {record['reason']}"),
}
