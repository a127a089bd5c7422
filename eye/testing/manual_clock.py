"""A clock that stands still, and moves when a test says so."""

from __future__ import annotations

import threading

from eye.errors import Settling


class ManualClock:
    """A clock that moves only when it is told to.

    `acquire` with a timeout looks every millisecond of real time whether the hands were moved past the
    deadline; nothing is decided by that real time.
    """

    def __init__(self, start: float = 1_800_000_000.0) -> None:
        self._now = start
        self._monotonic = 1000.0
        self._deadlines: list[float] = []
        self._changed = threading.Condition()

    def now(self) -> float:
        with self._changed:
            return self._now

    def monotonic(self) -> float:
        with self._changed:
            return self._monotonic

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass."""
        if seconds < 0:
            raise ValueError(f"a clock does not go back by {seconds} s; `jump` sets the wall clock")
        with self._changed:
            self._now += seconds
            self._monotonic += seconds

    def jump(self, seconds: float) -> None:
        """Set the wall clock forward or back, as an administrator or NTP would: `monotonic` does not notice."""
        with self._changed:
            self._now += seconds

    def acquire(self, lock: threading.Lock, timeout: float | None) -> bool:
        if timeout is None:
            return lock.acquire()
        deadline = self._wait_for(timeout)
        try:
            while not lock.acquire(timeout=0.001):
                if self.monotonic() >= deadline:
                    return lock.acquire(blocking=False)
            return True
        finally:
            with self._changed:
                self._deadlines.remove(deadline)

    def _wait_for(self, timeout: float) -> float:
        with self._changed:
            deadline = self._monotonic + timeout
            self._deadlines.append(deadline)
            self._changed.notify_all()
            return deadline

    def await_waiter(self, seconds: float, timeout: float = 10.0) -> None:
        """Return once some thread waits on this clock for the moment `seconds` ahead.

        A time limit counts from when the waiting began: a test that starts a call in another thread and
        then lets time pass asks for this in between.

        Raises:
            Settling: nobody did within `timeout` seconds of real time.
        """
        with self._changed:
            moment = self._monotonic + seconds
            if not self._changed.wait_for(lambda: any(abs(at - moment) < 1e-6 for at in self._deadlines), timeout):
                raise Settling(timeout, f"nobody waits for the moment {seconds:g} s ahead")
