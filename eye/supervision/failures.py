"""Why a call got no answer, as the error that its caller sees."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eye.errors import CallDeadlock, CallFailed, MailboxFull, NoProcess, ServerExited
from eye.supervision.deadlocks import DEADLOCK
from eye.supervision.mailbox import MAILBOX_FULL
from eye.supervision.reasons import NOPROC, Crash, Reason, RemoteTraceback

if TYPE_CHECKING:
    from eye.supervision.messages import Caller


def failure_of(caller: Caller) -> CallFailed:
    """Make the error of a call that was failed."""
    target, request, reason = str(caller.server), shorten(caller.request), caller.error
    if reason is NOPROC:
        return NoProcess(target, request, NOPROC)
    if reason is MAILBOX_FULL:
        return MailboxFull(target, request, MAILBOX_FULL)
    if reason is not None and reason.word == DEADLOCK:
        return CallDeadlock(target, request, reason)
    return exited(target, request, reason)


def exited(target: str, request: str, reason: Reason | None) -> ServerExited:
    """Make the error of a call to somebody that exited; if it crashed, the traceback there is the cause."""
    failure = ServerExited(target, request, reason)
    if isinstance(reason, Crash):
        # Of a crash in another OS process there may be only the text of its traceback.
        failure.__cause__ = reason.exception or RemoteTraceback(reason.traceback)
    return failure


def shorten(value: Any) -> str:
    """Show a value in an error or a report, cut where it gets long."""
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:197]}..."
