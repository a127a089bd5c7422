"""Collecting garbage on purpose, with a receipt: what was found, what came back, how long everybody stood still.

Python's collector stops every thread of the process while it runs, 0.12 to 0.16 ms for each 1,000 objects that
it tracks (measured, CPython 3.11). So there is an estimate before, at most one collection in some seconds, and
a receipt that names the pause that it really made: a thread that does nothing but look at the clock every
millisecond says for how long it could not (`Stall`). Memory that is free again stays with the C library, unless
that can be told to give it back (`malloc_trim`, glibc).
"""

from __future__ import annotations

import ctypes
import gc
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

from eye.errors import ActionTooSoon

if TYPE_CHECKING:
    from collections.abc import Callable

    from eye.clock import Clock

AT_MOST_EVERY = 5.0
"""Seconds between two collections that were asked for."""

_PER_OBJECT = 0.14e-6  # seconds, until the first collection has shown how long it takes here; see above
_REMEMBERED = (
    1.0  # seconds for which an estimate is not made anew: to count the objects takes a tenth of a collection
)


class Stall:
    """For how long a thread of this process could not run, though it wanted to.

    with Stall() as stall:
        gc.collect()
    stall.longest
    """

    def __init__(self) -> None:
        self.longest = 0.0
        """Seconds, exact to a millisecond or so."""
        self._began, self._ended = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._look_at_the_clock, name="eye-stall", daemon=True)

    def __enter__(self) -> Stall:
        self._thread.start()
        self._began.wait(_PATIENCE)
        return self

    def __exit__(self, *_error: object) -> None:
        self._ended.set()
        self._thread.join(_PATIENCE)

    def _look_at_the_clock(self) -> None:
        last = time.perf_counter()
        is_over = False
        while not is_over:
            is_over = self._ended.wait(_LOOK)
            now = time.perf_counter()
            self.longest = max(self.longest, now - last - _LOOK)
            last = now
            self._began.set()


_LOOK, _PATIENCE = 0.001, 5.0


class Collections:
    """Collects for whoever asks, one at a time. May be called from any thread; it is that thread that collects."""

    def __init__(self, node: str, clock: Clock, memory: Callable[[], int | None]) -> None:
        """`memory` tells how many bytes of this process are resident."""
        self._node, self._clock, self._memory = node, clock, memory
        self._lock = threading.Lock()
        self._last: float | None = None
        self._per_object = _PER_OBJECT
        self._estimate: dict[str, Any] | None = None
        self._estimated = float("-inf")

    def estimate(self) -> dict[str, Any]:
        """Say what a collection would be likely to cost.

        Returns:
            `version`, `node`, `at` (UTC seconds), `objects` (tracked), `estimate` (seconds that the node would
            stand still), `rss` (bytes, or None), `allowed_in` (seconds until it may be collected again; 0 is now).
        """
        now = self._clock.monotonic()
        if self._estimate is None or now - self._estimated >= _REMEMBERED:
            objects = len(gc.get_objects())
            self._estimated = now
            self._estimate = {
                "version": 1,
                "node": self._node,
                "at": self._clock.now(),
                "objects": objects,
                "estimate": objects * self._per_object,
                "rss": self._memory(),
            }
        return {**self._estimate, "allowed_in": self._allowed_in(now)}

    def _allowed_in(self, now: float) -> float:
        return 0.0 if self._last is None else max(AT_MOST_EVERY - (now - self._last), 0.0)

    def collect(self) -> dict[str, Any]:
        """Collect, and give the receipt.

        Returns:
            `version`, `node`, `at` (UTC seconds), `estimate` (seconds, before), `pause` (seconds for which another
            thread could not run, measured), `took` (seconds that it took in all), `collected` (objects found
            unreachable, for each generation, the youngest first), `uncollectable`, `objects_before` and
            `objects_after` (tracked), `rss_before` and `rss_after` (bytes, or None), `returned_to_system` (whether
            the C library could be told to give memory back).

        Raises:
            ActionTooSoon: one was made just now, or is being made.
        """
        if not self._lock.acquire(blocking=False):
            raise ActionTooSoon(self._node, "gc", AT_MOST_EVERY)
        try:
            now = self._clock.monotonic()
            if (seconds := self._allowed_in(now)) > 0:
                raise ActionTooSoon(self._node, "gc", seconds)
            try:
                return self._collect()
            finally:
                self._last = self._clock.monotonic()
        finally:
            self._lock.release()

    def _collect(self) -> dict[str, Any]:
        rss_before, uncollectable = self._memory(), _uncollectable()
        began = time.perf_counter()
        with Stall() as stall:
            objects_before = len(gc.get_objects())
            expected = objects_before * self._per_object
            collecting = time.perf_counter()
            collected = [gc.collect(generation) for generation in range(3)]
            took = time.perf_counter() - collecting
            was_returned = _give_back()
        objects_after = len(gc.get_objects())
        if objects_before >= max(_ENOUGH, 10 * sum(collected)):  # to free objects is not what an estimate knows of
            self._per_object = took / objects_before
        self._estimated = float("-inf")
        return {
            "version": 1,
            "node": self._node,
            "at": self._clock.now(),
            "estimate": expected,
            "pause": stall.longest,
            "took": time.perf_counter() - began,
            "collected": collected,
            "uncollectable": _uncollectable() - uncollectable,
            "objects_before": objects_before,
            "objects_after": objects_after,
            "rss_before": rss_before,
            "rss_after": self._memory(),
            "returned_to_system": was_returned,
        }


_ENOUGH = 10_000  # objects, of which the time it takes says something


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
