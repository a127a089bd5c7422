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


def drain(system: System, timeout: float = 10.0) -> None:
    """Return once no process of `system` has a message left and no timer is due.

    Each round asks every process for a sign of life, which it gives after all that lies before it in
    its mailbox. After the first round, everything that was under way when it began is either done or
    lies in a mailbox; when in the next round nobody has handled anything, started, ended or fired,
    there was nothing in them. A process that was abandoned is not waited for.

    Raises:
        Settling: processes are still busy after `timeout` seconds of real time.
    """
    deadline = time.monotonic() + timeout
    earlier = None
    while True:
        busy = [ref for ref in system.present() if not _answers(ref, deadline)]
        work = _work_done(system)
        if not busy and work == earlier and system.timers.is_settled:
            return
        earlier = work if system.timers.is_settled else None
        if time.monotonic() > deadline:
            names = ", ".join(str(ref) for ref in busy if is_busy(ref)) or "messages keep coming"
            raise Settling(timeout, names)


def _work_done(system: System) -> tuple[dict[Ref, tuple[int, str]], int]:
    return {ref: (ref.handled, ref.status) for ref in system.present()}, system.timers.fired


def _answers(ref: Ref, deadline: float) -> bool:
    sign_of_life = ref.inquire(lambda _behaviour: None)
    answered = sign_of_life.lock.acquire(timeout=max(deadline - time.monotonic(), 0.0))
    return answered and ref.is_alive  # one that has ended still has to tell others so
