"""Who asks this node for its samples again and again, and how often: what others may know of the pace they cause.

How often a node is asked, whoever asks decides (`pace`). The node sees it: each connection asks at its own beat.
"""

from __future__ import annotations

import threading
from collections import deque
from itertools import pairwise
from typing import Any

MOST = 256
"""Connections that asked again and again and are told apart; of more, who was silent longest is forgotten."""

MOST_ONCE = 4096
"""The same for those that have asked once: a program that asks in a loop makes a new connection each time, and
must not have those forgotten that stay."""

_AT_ONCE = 0.05  # seconds: two questions that are so near are one
_GAPS = 3  # the longest of the last so many counts
_RARE = 60.0  # seconds: a gap so long may lie between two who had the same port, one long after the other
_SILENT = 5.0  # seconds after which whoever asked has stopped, unless it is asking more seldom anyhow


class Pollers:
    """When each asked last. Any number of threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._once: dict[str, float] = {}  # when; the last is who asked last, here and there
        self._again: dict[str, deque[float]] = {}

    def note(self, who: str, now: float) -> None:
        """Somebody asks for a sample."""
        with self._lock:
            moments = self._again.pop(who, None)
            if moments is None:
                first = self._once.pop(who, None)
                if first is None or now - first < _AT_ONCE:
                    _keep(self._once, who, now, MOST_ONCE)
                    return
                moments = deque((first,), maxlen=_GAPS + 1)
            if now - moments[-1] < _AT_ONCE:
                moments.pop()
            moments.append(now)
            _keep(self._again, who, moments, MOST)

    def every(self, now: float) -> float | None:
        """Answer how many seconds lie between two questions of whoever asks most often; None if nobody does."""
        with self._lock:
            series = [list(moments) for moments in self._again.values()]
        paces = [(pace, now - one[-1]) for one in series if (pace := _pace(one)) is not None]
        return min((pace for pace, silent in paces if silent <= max(_SILENT, 2.5 * pace)), default=None)


def _pace(moments: list[float]) -> float | None:
    gaps = [later - earlier for earlier, later in pairwise(moments)]
    if len(gaps) < 2:  # at first a node may be asked twice in a row, however soon
        return None
    if sum(gap > _RARE for gap in gaps) == 1:
        return None
    return max(gaps)


def _keep(table: dict[str, Any], who: str, what: Any, most: int) -> None:
    table[who] = what
    if len(table) > most:
        del table[next(iter(table))]
