"""The end of a process: it happens once, and everybody concerned is told once, in a fixed order."""

from __future__ import annotations

import queue
from typing import TYPE_CHECKING, Any

from eye.supervision.messages import Caller, Down, SystemRequest

if TYPE_CHECKING:
    from eye.supervision.reasons import Reason
    from eye.supervision.ref import Ref


def finish(ref: Ref, reason: Reason, *, abandon: bool) -> bool:
    """End: free the name, fail the waiting, tell links and monitors, in that order."""
    with ref._lock:
        if ref.exit_reason is not None:
            return False
        ref.exited_at = ref.system.clock.now()
        ref.exit_reason = reason
        links, ref._links = ref._links, set()
        if abandon:
            ref.system.abandon(ref)
    ref._put = _discard  # nothing piles up behind a reference that somebody keeps
    ref.system.free_name(ref)
    if ref._stopped is not None:
        ref._stopped.set()
    ref.published = None
    if ref._current is not None:
        ref._current.fail(reason)
    for caller in list(ref._callers):
        caller.fail(reason)
    sweep(ref, reason)
    # As in OTP, who is linked and watches hears of the exit first. Its supervisor hears last: what it does
    # next shall not be seen before the end is.
    for other in links:
        if other is not ref.parent:
            _tell_link(ref, other, reason)
    _tell_monitors(ref, reason)
    if ref.parent in links:
        _tell_link(ref, ref.parent, reason)
    with ref._lock:
        ref._has_ended = True
        ref.status = "exited"
        joiners = list(ref._joiners)
    ref.system.forget(ref)
    for waiter in joiners:
        waiter.settle()
    return True


def sweep(ref: Ref, reason: Reason) -> None:
    """Fail whoever waits for an answer from a mailbox that nobody empties any more."""
    while True:
        try:
            item = ref._inbox.get_nowait()
        except queue.Empty:
            break
        fail(item, reason)
    while ref._attention is not None and (set_aside := ref._attention.set_aside):
        try:
            item = set_aside.popleft()
        except IndexError:  # another thread sweeps, too
            break
        fail(item, reason)


def fail(item: Any, reason: Reason) -> None:
    """Tell whoever asked, if this item of a mailbox is a question, that there will be no answer."""
    if isinstance(item, SystemRequest):
        item.caller.fail(reason)
    elif isinstance(item, Caller):
        item.fail(reason)


def _tell_monitors(ref: Ref, reason: Reason) -> None:
    # Under the lock that `demonitor` takes: once that has returned, no notice comes.
    with ref._lock:
        monitors, ref._monitors = ref._monitors, {}
        for monitor in monitors:
            monitor.watcher.deliver(Down(monitor, ref, reason))


def _tell_link(ref: Ref, other: Ref, reason: Reason) -> None:
    # Under the lock that `unlink` takes, for the same reason.
    with other._lock:
        if ref in other._links:
            other._links.discard(ref)
            other.signal(ref, reason, from_link=True)


def _discard(_item: Any) -> None:
    """The mailbox of a process that is gone."""
