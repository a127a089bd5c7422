"""Messages that arrive later: one thread for all the timers of a system, however many.

A timer belongs to nobody. It fires although its maker is gone, and what it sends to a process that is
gone vanishes. One that is made for a *name* looks the name up when it fires, and so reaches whoever
holds it by then.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from eye.clock import Clock

logger = logging.getLogger("eye.supervision")


class Timer:
    """A message that is on its way, as long as nobody cancels it."""

    __slots__ = ("_arguments", "_fire", "_timers", "deadline", "sequence")

    def __init__(
        self,
        timers: Timers,
        deadline: float,
        sequence: int,
        fire: Callable[..., object],
        arguments: tuple[Any, ...],
    ) -> None:
        self._timers = timers
        self.deadline = deadline
        self.sequence = sequence
        self._fire: Callable[..., object] | None = fire
        self._arguments = arguments

    def cancel(self) -> float | None:
        """Call the timer off.

        Returns:
            The seconds that were left; None if it had fired, or was cancelled before. Then its
            message may be in the mailbox already.
        """
        return self._timers.cancel(self)

    @property
    def remaining(self) -> float | None:
        """The seconds that are left; None if it has fired or been cancelled."""
        return self._timers.remaining(self) if self.is_pending else None

    @property
    def is_pending(self) -> bool:
        """Whether it has neither fired nor been cancelled."""
        return self._fire is not None

    def take(self) -> tuple[Callable[..., object], tuple[Any, ...]] | None:
        """Answer what to do, once."""
        if self._fire is None:
            return None
        work = self._fire, self._arguments
        self._fire, self._arguments = None, ()
        return work

    def __lt__(self, other: Timer) -> bool:
        return (self.deadline, self.sequence) < (other.deadline, other.sequence)


class Timers:
    """The timers of one system. Its thread starts with the first timer and sleeps until the next is due."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._heap: list[Timer] = []
        self._cancelled = 0
        self._sequence = itertools.count()
        self._lock = threading.Lock()
        self._wake = threading.Lock()
        self._wake.acquire()
        self._thread: threading.Thread | None = None
        self._stopped = False
        self._is_firing = False
        self.fired = 0
        """How many timers have fired."""

    def after(self, delay: float, fire: Callable[..., object], *arguments: Any) -> Timer:
        """Have `fire(*arguments)` called in `delay` seconds, on the timer thread: it must not block."""
        return self.at(self._clock.monotonic() + delay, fire, *arguments)

    def at(self, deadline: float, fire: Callable[..., object], *arguments: Any) -> Timer:
        """The same, at a moment of the clock's `monotonic`. Periodic work keeps its beat this way."""
        with self._lock:
            timer = Timer(self, deadline, next(self._sequence), fire, arguments)
            if self._stopped:
                timer.take()  # as if cancelled: nothing fires any more
                return timer
            heapq.heappush(self._heap, timer)
            is_next = self._heap[0] is timer
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="eye-timers", daemon=True)
                self._thread.start()
        if is_next:
            self._rouse()
        return timer

    def cancel(self, timer: Timer) -> float | None:
        with self._lock:
            if timer.take() is None:
                return None
            self._cancelled += 1
            if self._cancelled > len(self._heap) // 2 > 16:
                self._throw_out_cancelled()
        return max(timer.deadline - self._clock.monotonic(), 0.0)

    def remaining(self, timer: Timer) -> float:
        """Tell how many seconds a timer has before it is due."""
        return max(timer.deadline - self._clock.monotonic(), 0.0)

    def _throw_out_cancelled(self) -> None:
        # They stay in the heap until they are due, or until they are many: then all go at once.
        self._heap = [kept for kept in self._heap if kept.is_pending]
        heapq.heapify(self._heap)
        self._cancelled = 0

    @property
    def pending(self) -> int:
        """How many timers are on their way."""
        with self._lock:
            return sum(timer.is_pending for timer in self._heap)

    @property
    def is_settled(self) -> bool:
        """Whether no timer is due or about to fire."""
        with self._lock:
            due = bool(self._heap) and self._heap[0].deadline <= self._clock.monotonic()
            return not due and not self._is_firing

    def stop(self) -> None:
        """End the thread. Timers that have not fired never will."""
        with self._lock:
            self._stopped = True
            self._heap.clear()
            thread = self._thread
        self._rouse()
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def _rouse(self) -> None:
        with self._lock:
            if self._wake.locked():
                self._wake.release()

    def _run(self) -> None:
        while True:
            with self._lock:
                self._is_firing = False
                if self._stopped:
                    return
                now = self._clock.monotonic()
                timer = heapq.heappop(self._heap) if self._heap and self._heap[0].deadline <= now else None
                work = timer.take() if timer is not None else None
                if work is not None:
                    self._is_firing = True
                    self.fired += 1
                elif timer is not None:
                    self._cancelled -= 1
                wait = self._heap[0].deadline - now if self._heap else None
            if work is not None:
                _call(*work)
            elif timer is None:
                self._clock.acquire(self._wake, wait)


def _call(fire: Callable[..., object], arguments: tuple[Any, ...]) -> None:
    try:
        fire(*arguments)
    except Exception:
        # What one timer does wrong must not take all the others along.
        logger.exception("a timer's function raised; the other timers go on")
