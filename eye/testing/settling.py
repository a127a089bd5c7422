"""Waiting until nothing moves any more, rather than for a while."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from eye.errors import Settling
from eye.supervision.process import is_busy

if TYPE_CHECKING:
    from collections.abc import Callable

    from eye.supervision.ref import Ref
    from eye.supervision.system import System

PATIENCE = 10.0
"""Real seconds that a test waits for something that is bound to happen."""


def drain(system: System, timeout: float = PATIENCE) -> None:
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
    sign_of_life = ref.inquire(_sign_of_life)
    answered = sign_of_life.lock.acquire(timeout=max(deadline - time.monotonic(), 0.0))
    return answered and ref.is_alive  # one that has ended still has to tell others so


def _sign_of_life(_behaviour: Any) -> None:
    """What each process is asked to do. It has a name because it crosses into other OS processes, too."""


def until(is_so: Callable[[], object], timeout: float = PATIENCE) -> None:
    """Return once `is_so()`, for what nobody tells us of: a thread that is gone, a file that is there.

    Raises:
        Settling: it did not come to be within `timeout` seconds of real time.
    """
    deadline = time.monotonic() + timeout
    while not is_so():
        if time.monotonic() > deadline:
            raise Settling(timeout, "what was waited for never came to be")
        time.sleep(0.0005)
