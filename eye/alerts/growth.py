"""By how much a counter grew lately: a small ring for each counter of each node, of the steps alone.

A counter that stands still, as most do at most times, costs nothing but the look. One that is smaller than before
has begun anew, with its node: what it counted since then is added.
"""

from __future__ import annotations

from collections import deque

_MOST_STEPS = 1000  # of one counter, in its window; beyond that the oldest are taken to be over


class Risen:
    """How far one counter has risen, and when it did."""

    __slots__ = ("_before", "_last", "_seconds", "_steps", "_total")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._last: float | None = None  # what the counter said
        self._total = 0.0  # how far it has risen since we look
        self._before = 0.0  # what of that is longer ago than `seconds`
        self._steps: deque[tuple[float, float]] = deque()  # (moment, total from then on)

    def look(self, count: float, now: float) -> float:
        """Take note of the counter; answer by how much it grew in the last `seconds`."""
        last, self._last = self._last, count
        if last is not None and count != last:
            self._total += count - last if count > last else count
            self._steps.append((now, self._total))
        while self._steps and (self._steps[0][0] <= now - self._seconds or len(self._steps) > _MOST_STEPS):
            self._before = self._steps.popleft()[1]
        return self._total - self._before
