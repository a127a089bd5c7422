"""What answering others costs a node: how many questions, bytes and CPU seconds, by whom, over the last seconds.

A monitor is paid for by those who are looked at, and they should see the bill. Counted where requests are
carried out, at a microsecond each; the clock is the thread's own, so waiting for a sample costs nothing here.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from eye.clock import Clock

WINDOW = 10.0
"""Seconds that are counted together."""

MOST = 64
"""Askers told apart in a window; all others are one, called `others`."""


class Cost(NamedTuple):
    """What one asker costs: rates, each a second. `cpu` is a share of one core."""

    who: str
    requests: float
    received: float
    sent: float
    cpu: float


class Traffic:
    """Counts. Any number of threads."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._began = clock.monotonic()
        self._now: dict[str, list[float]] = {}
        self._last: tuple[Cost, ...] = ()

    def note(self, who: str, received: int, sent: int, cpu: float) -> None:
        """Count a request that was carried out for `who`: bytes of both frames, CPU seconds."""
        with self._lock:
            self._turn()
            row = self._now.get(who)
            if row is None:
                row = self._now.setdefault(who if len(self._now) < MOST else "others", [0, 0, 0, 0.0])
            row[0] += 1
            row[1] += received
            row[2] += sent
            row[3] += cpu

    def last(self) -> tuple[Cost, ...]:
        """Answer what the last whole window cost, the dearest asker first; nothing if nobody asked."""
        with self._lock:
            self._turn()
            return self._last

    def _turn(self) -> None:
        took = self._clock.monotonic() - self._began
        if took < WINDOW:
            return
        if took < 2 * WINDOW:
            rows = (Cost(who, *(figure / took for figure in row)) for who, row in self._now.items())
            self._last = tuple(sorted(rows, key=lambda cost: (-cost.cpu, -cost.sent, cost.who)))
        else:
            self._last = ()  # nobody has asked for a whole window
        self._began += took
        self._now = {}


class Meter:
    """Measures the CPU time of this thread from one moment to another."""

    __slots__ = ("_began",)

    def __init__(self) -> None:
        self._began = time.thread_time()

    def read(self) -> float:
        """Answer the seconds so far."""
        return time.thread_time() - self._began
