"""Collecting garbage on purpose, with a receipt: what was found, what came back, how long everybody stood still.

Python's collector stops every thread of the process while it runs, 0.12 to 0.16 ms for each 1,000 objects that
it tracks (measured, CPython 3.11). So there is an estimate before, at most one collection in some seconds, and
a receipt that names the pause that it really made. Memory that is free again stays with the C library, unless
that can be told to give it back (`malloc_trim`, glibc).
"""

from __future__ import annotations

import ctypes
import gc
import sys
import threading
from typing import TYPE_CHECKING, Any

from eye.errors import ActionTooSoon

if TYPE_CHECKING:
    from collections.abc import Callable

    from eye.clock import Clock

AT_MOST_EVERY = 5.0
"""Seconds between two collections that were asked for."""

_PER_OBJECT = 0.14e-6  # seconds; see above


def estimate() -> tuple[int, float]:
    """Say how many objects the collector tracks, and how many seconds a collection is likely to take."""
    tracked = len(gc.get_objects())
    return tracked, tracked * _PER_OBJECT


class Collections:
    """Collects for whoever asks, one at a time. May be called from any thread; it is that thread that collects."""

    def __init__(self, node: str, clock: Clock, memory: Callable[[], int | None]) -> None:
        """`memory` tells how many bytes of this process are resident."""
        self._node, self._clock, self._memory = node, clock, memory
        self._lock = threading.Lock()
        self._last: float | None = None

    def collect(self) -> dict[str, Any]:
        """Collect, and give the receipt.

        Returns:
            `version`, `node`, `at` (UTC seconds), `estimate` (seconds, before), `pause` (seconds, measured),
            `collected` (objects found unreachable, for each generation, the youngest first), `uncollectable`,
            `objects_before` and `objects_after` (tracked), `rss_before` and `rss_after` (bytes, or None),
            `returned_to_system` (whether the C library could be told to give memory back).

        Raises:
            ActionTooSoon: one was made just now, or is being made.
        """
        if not self._lock.acquire(blocking=False):
            raise ActionTooSoon(self._node, "gc", AT_MOST_EVERY)
        try:
            now = self._clock.monotonic()
            if self._last is not None and now - self._last < AT_MOST_EVERY:
                raise ActionTooSoon(self._node, "gc", AT_MOST_EVERY - (now - self._last))
            try:
                return self._collect()
            finally:
                self._last = self._clock.monotonic()
        finally:
            self._lock.release()

    def _collect(self) -> dict[str, Any]:
        rss_before = self._memory()
        objects_before, expected = estimate()
        uncollectable = _uncollectable()
        began = self._clock.monotonic()
        collected = [gc.collect(generation) for generation in range(3)]
        pause = self._clock.monotonic() - began
        was_returned = _give_back()
        return {
            "version": 1,
            "node": self._node,
            "at": self._clock.now(),
            "estimate": expected,
            "pause": pause,
            "collected": collected,
            "uncollectable": _uncollectable() - uncollectable,
            "objects_before": objects_before,
            "objects_after": estimate()[0],
            "rss_before": rss_before,
            "rss_after": self._memory(),
            "returned_to_system": was_returned,
        }


def _uncollectable() -> int:
    return sum(generation["uncollectable"] for generation in gc.get_stats())


def _give_back() -> bool:
    if not sys.platform.startswith("linux"):
        return False
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (OSError, AttributeError):
        return False  # musl has none
    return True
