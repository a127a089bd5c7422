"""Threads for processes: one that is parked if there is one, otherwise a new one.

Starting a thread is what a restart would mostly wait for. So the thread of a process that has ended is kept
for a while, and the next process that starts runs on it: a crashed child's replacement, as a rule, on the
thread of the child that crashed.

A process finds such a thread as new: with its own name, and no context variables. What code before it put
into a `threading.local` it does find there, for that cannot be emptied from outside; a program that minds
(a library of its keeps one connection a thread, say) makes its `System(parked_threads=0)`.
"""

from __future__ import annotations

import contextvars
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

MOST_PARKED = 8
"""How many threads a system keeps at most, unless told otherwise. Each holds some 16 kB."""

IDLE_SECONDS = 10.0
"""After so many seconds without work a parked thread ends."""


class Threads:
    """The threads of one system."""

    def __init__(self, most: int = MOST_PARKED, idle: float = IDLE_SECONDS) -> None:
        self.most = most
        self.idle = idle
        self._parked: list[Carrier] = []
        self._lock = threading.Lock()
        self._is_closed = False

    def run(self, work: Callable[[], bool], name: str) -> None:
        """Have `work` done on a thread of its own. It answers whether the thread may be used again.

        Raises:
            RuntimeError: a new thread was needed, and the operating system has none to give.
        """
        with self._lock:
            carrier = self._parked.pop() if self._parked else None  # the last one parked: still warm
        if carrier is None:
            Carrier(self, work, name).start()
        else:
            carrier.carry(work, name)

    @property
    def parked(self) -> int:
        """How many threads wait for work."""
        return len(self._parked)

    def park(self, carrier: Carrier) -> bool:
        """Keep a thread until there is work for it again; answer whether there is."""
        with self._lock:
            if self._is_closed or len(self._parked) >= self.most:
                return False
            self._parked.append(carrier)
        # Of real time, not of the system's clock: nothing that a process can notice depends on it.
        if carrier.bell.acquire(timeout=self.idle):
            return carrier.has_work
        with self._lock:
            if carrier in self._parked:
                self._parked.remove(carrier)
                return False
        carrier.bell.acquire()  # it was taken at the last moment
        return carrier.has_work

    def close(self, spared: Collection[threading.Thread | None] = ()) -> None:
        """Send the parked ones home, keep none from now on, and wait until all have ended but the spared."""
        with self._lock:
            self._is_closed = True
            parked, self._parked = self._parked, []
        for carrier in parked:
            carrier.bell.release()
        for carrier in self.alive():
            if carrier not in spared:
                carrier.join()

    def alive(self) -> list[Carrier]:
        """List those that have not ended."""
        carriers = [thread for thread in threading.enumerate() if isinstance(thread, Carrier)]
        return [carrier for carrier in carriers if carrier.threads is self]


class Carrier(threading.Thread):
    """A thread that does one work after the other."""

    bell: threading.Lock
    """Held while the thread is parked and there is nothing to do."""

    def __init__(self, threads: Threads, work: Callable[[], bool], name: str) -> None:
        super().__init__(name=name, daemon=True)  # a stuck process must not keep the program from exiting
        self.threads = threads
        self._work: Callable[[], bool] | None = work

    @property
    def has_work(self) -> bool:
        return self._work is not None

    def carry(self, work: Callable[[], bool], name: str) -> None:
        """Give a parked thread something to do."""
        self._work = work
        self.name = name
        self.bell.release()

    def run(self) -> None:
        may_park = self._take_work()()
        if not may_park or not self.threads.most:
            return
        self.bell = threading.Lock()
        self.bell.acquire()
        self.name = "eye-parked"
        while self.threads.park(self):
            # A new thread has no context variables either.
            if not contextvars.Context().run(self._take_work()):
                return
            self.name = "eye-parked"

    def _take_work(self) -> Callable[[], bool]:
        # Forgotten here, so that a parked thread does not keep the state of a process that is no more.
        work, self._work = self._work, None
        assert work is not None
        return work
