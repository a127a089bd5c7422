"""What our own tests use, and yours need too: a clock that stands still, and a way to let things settle.

    clock = ManualClock()
    with System(clock=clock) as system:
        beats = system.start(Heartbeats)
        clock.advance(3)
        drain(system)          # every message is handled, every timer that is due has fired
        assert ...

No sleeping: a test that waits for a duration is slow when it passes and wrong when the machine is busy.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from eye.errors import Settling
from eye.supervision.process import is_busy

if TYPE_CHECKING:
    from eye.supervision.process import Ref
    from eye.supervision.system import System


class ManualClock:
    """A clock that moves only when it is told to.

    `acquire` with a timeout looks every millisecond of real time whether the hands were moved past the
    deadline; nothing is decided by that real time.
    """

    def __init__(self, start: float = 1_800_000_000.0) -> None:
        self._now = start
        self._monotonic = 1000.0
        self._lock = threading.Lock()

    def now(self) -> float:
        with self._lock:
            return self._now

    def monotonic(self) -> float:
        with self._lock:
            return self._monotonic

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass."""
        if seconds < 0:
            raise ValueError(f"a clock does not go back by {seconds} s; `jump` sets the wall clock")
        with self._lock:
            self._now += seconds
            self._monotonic += seconds

    def jump(self, seconds: float) -> None:
        """Set the wall clock forward or back, as an administrator or NTP would: `monotonic` does not notice."""
        with self._lock:
            self._now += seconds

    def acquire(self, lock: threading.Lock, timeout: float | None) -> bool:
        if timeout is None:
            return lock.acquire()
        deadline = self.monotonic() + timeout
        while not lock.acquire(timeout=0.001):
            if self.monotonic() >= deadline:
                return lock.acquire(blocking=False)
        return True


def drain(system: System, timeout: float = 10.0) -> None:
    """Return once no process of `system` has a message left and no timer is due.

    Each round asks every process for a sign of life, which it gives after all that lies before it in
    its mailbox. When a whole round goes by in which nobody handled anything else, nothing moves any
    more: whatever was still running would have been counted.

    Raises:
        Settling: processes are still busy after `timeout` seconds of real time.
    """
    deadline = time.monotonic() + timeout
    while True:
        before = _work_done(system)
        busy = [ref for ref in system.processes() if not _answers(ref, deadline)]
        if not busy and system.timers.is_settled and before == _work_done(system):
            return
        if time.monotonic() > deadline:
            names = ", ".join(str(ref) for ref in busy if is_busy(ref)) or "messages keep coming"
            raise Settling(timeout, names)


def _work_done(system: System) -> dict[Ref, int]:
    return {ref: ref.handled for ref in system.processes()}


def _answers(ref: Ref, deadline: float) -> bool:
    sign_of_life = ref.inquire(lambda _behaviour: None)
    return sign_of_life.lock.acquire(timeout=max(deadline - time.monotonic(), 0.0))
