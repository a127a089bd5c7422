"""What is looked at more rarely than it is asked for: in between, the last answer is repeated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from eye.metrics.catalogue import SLOW

if TYPE_CHECKING:
    from collections.abc import Callable

    from eye.clock import Clock

T = TypeVar("T")

SOON = 1.0
"""Seconds from the first look to the second: a rate needs two, and nobody wants to wait `SLOW` for it."""


class Rarely(Generic[T]):
    """Asks a function every `SLOW` seconds at most. For one thread at a time."""

    def __init__(self, clock: Clock, look: Callable[[], T]) -> None:
        self._clock, self._look = clock, look
        self._looks = 0
        self._next = float("-inf")
        self._last: T | None = None

    def read(self) -> T:
        """Answer what the function said last, or says now."""
        now = self._clock.monotonic()
        if self._last is None or now >= self._next:
            self._last = self._look()
            self._looks += 1
            self._next = now + (SOON if self._looks == 1 else SLOW) - _EARLY
        return self._last


_EARLY = 0.1  # a beat is never quite on time: one that comes a little early counts
