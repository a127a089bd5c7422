"""Who asks this node for its samples again and again, and how often: what others may know of the pace they cause.

How often a node is asked, whoever asks decides (`pace`). The node sees it: each connection asks at its own beat.
"""

from __future__ import annotations

import threading
from collections import deque
from itertools import pairwise

MOST = 256
"""Connections that are told apart; of more the one that has been silent longest is forgotten."""

_AT_ONCE = 0.05  # seconds: two questions that are so near are one
_GAPS = 3  # the longest of the last so many counts
_RARE = 60.0  # seconds: a gap so long may lie between two who had the same port, one long after the other
_SILENT = 5.0  # seconds after which whoever asked has stopped, unless it is asking more seldom anyhow


class Pollers:
    """When each asked last. Any number of threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._moments: dict[str, deque[float]] = {}

    def note(self, who: str, now: float) -> None:
        """Somebody asks for a sample."""
        with self._lock:
            moments = self._moments.pop(who, None) or deque(maxlen=_GAPS + 1)
            if moments and now - moments[-1] < _AT_ONCE:
                moments.pop()
            moments.append(now)
            self._moments[who] = moments  # the last is who asked last
            if len(self._moments) > MOST:
                del self._moments[next(iter(self._moments))]

    def every(self, now: float) -> float | None:
        """Answer how many seconds lie between two questions of whoever asks most often; None if nobody does."""
        with self._lock:
            series = [list(moments) for moments in self._moments.values()]
        paces = [(pace, now - one[-1]) for one in series if (pace := _pace(one)) is not None]
        return min((pace for pace, silent in paces if silent <= max(_SILENT, 2.5 * pace)), default=None)


def _pace(moments: list[float]) -> float | None:
    gaps = [later - earlier for earlier, later in pairwise(moments)]
    if len(gaps) < 2:  # at first a node may be asked twice in a row, however soon
        return None
    if sum(gap > _RARE for gap in gaps) == 1:
        return None
    return max(gaps)
