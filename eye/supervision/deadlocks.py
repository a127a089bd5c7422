"""Who waits for whom: a circle of processes that wait for each other is found when it closes.

    a ── call ──▶ b ── call ──▶ c ── call ──▶ a          nobody in it can ever answer

Whoever is about to wait notes down for what, *first*, and looks around, *second*. So of several that close
a circle at the same moment at least one sees all of it. It is told by an error; the others get their answer,
or hear of its crash.

One wait stands for one question, put to one process. It counts as long as nobody has answered, and as the
one who was asked has not promised a later answer (`NoReply`): that one may come from anybody. A callback
that hands its caller to somebody else, and then waits for that very caller before it returns, is taken for a
deadlock and may be none; `System(detects_deadlocks=False)` is for it.

Whoever only waits for an end (a start, a stop, a join) is part of a circle, but never the one that is told:
a supervisor that stops a child goes on with it, and the child that was calling it gets the error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eye.supervision.reasons import Reason

if TYPE_CHECKING:
    from eye.supervision.messages import Caller
    from eye.supervision.ref import Ref

DEADLOCK = "deadlock"
"""The word of the reason that a call fails with which would have closed a circle."""


def break_deadlock(caller: Caller) -> None:
    """Fail one call, if the wait for `caller` closes a circle: this one, if it is a call."""
    circle = find_circle(caller)
    # Found by looking at one after the other, while they run. A wait that is over never comes back: those that
    # are still on now have all been on at once.
    if circle is None or not all(_lasts(wait) for wait in circle):
        return
    told = next((wait for wait in circle if wait.is_call), None)
    if told is not None:
        told.fail(Reason(DEADLOCK, spell_out(circle, told)))


def find_circle(caller: Caller) -> list[Caller] | None:
    """Follow who waits for whom from this wait on; answer the waits of the circle, if it leads back."""
    waits = [caller]
    while True:
        further = waits[-1].server._waiting
        if further is None or not _lasts(further) or further in waits[1:]:
            return None
        if further is caller:
            return waits
        waits.append(further)


def _lasts(wait: Caller) -> bool:
    server = wait.server
    # The one question that a process which is still starting has promised to answer is how its start went.
    is_promised = wait in server._callers and server.status != "starting"
    return not wait.is_answered and not is_promised


def spell_out(circle: list[Caller], first: Caller) -> str:
    """Write who waits for whom, beginning with the one that is told."""
    at = circle.index(first)
    refs: list[Ref] = [wait.server for wait in circle[at:] + circle[:at]]
    pairs = zip([refs[-1], *refs], refs, strict=False)
    return ", ".join(f"{one} waits for {other}" for one, other in pairs)
