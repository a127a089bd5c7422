"""Time and chance, as something you are handed.

Nothing in `eye` asks the operating system for the time. Whatever waits or measures
takes a `Clock`; the application hands it `SystemClock`, a test hands it
`eye.testing.ManualClock` and moves the hands itself. The same with chance: whatever
has to draw a number is handed a function that does; `system_chance` is the real one.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from random import Random
    from threading import Lock


_FOREVER = 4e6  # seconds (46 days): threading.TIMEOUT_MAX is 4.29e6 on Windows, far more elsewhere


Chance = Callable[[], float]
"""Draws a number from 0.0 up to (not including) 1.0."""


def system_chance() -> float:
    """Draw by a generator of our own: a program that has seeded Python's draws what it would have without us."""
    global _generator
    if _generator is None:
        import random  # 5 ms that a command which only asks need not pay

        _generator = random.Random()
    return _generator.random()


_generator: Random | None = None


class Clock(Protocol):
    """What a process needs of time: to read it, and to wait no longer than so."""

    def now(self) -> float:
        """Tell the time, in UTC seconds since 1970. It may jump when somebody sets the machine's clock."""
        ...

    def monotonic(self) -> float:
        """Tell how many seconds have passed since some fixed moment. It never goes back."""
        ...

    def acquire(self, lock: Lock, timeout: float | None) -> bool:
        """Acquire `lock`, waiting for at most `timeout` seconds of this clock (None: for as long as it takes).

        Returns:
            Whether the lock was acquired.
        """
        ...


class SystemClock:
    """The operating system's time. The one place that asks for it."""

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()

    def acquire(self, lock: Lock, timeout: float | None) -> bool:
        # threading.TIMEOUT_MAX bounds what a lock accepts; beyond it waiting for ever is the same.
        if timeout is None or timeout > _FOREVER:
            return lock.acquire()
        return lock.acquire(timeout=max(timeout, 0.0))
