"""What lies in a mailbox.

Casts lie there as they are: whatever is no instance of a class below is somebody's cast. That makes the
commonest message also the cheapest. Everything else is wrapped (a cast *of* one of these values too), so
that no value that a user sends can be mistaken for a call, an exit or a death notice.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, NamedTuple

from eye.supervision.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Callable

    from eye.supervision.process import Inbox, Ref

_claims = threading.Lock()  # held for two instructions, to find out who answers first


class Caller:
    """One call: the question, the place for the answer, and the lock that the asker waits on.

    A server gets it as `caller`, and whoever holds it may answer, once, from any thread. An answer
    that comes second, or after the asker gave up, is dropped: it can never become another call's.
    """

    __slots__ = ("_answered", "error", "lock", "request", "sender", "server", "value")

    def __init__(self, request: Any, server: Ref, sender: Ref | None) -> None:
        self.request = request
        self.server = server
        self.sender = sender
        """The process that asks; None for plain code."""
        self.value: Any = None
        self.error: Reason | None = None
        self._answered = False
        self.lock = threading.Lock()
        self.lock.acquire()

    def reply(self, value: Any = None) -> bool:
        """Answer the call.

        Returns:
            Whether this was the answer; False where one was given before, or the asker gave up.
        """
        return self._settle(value, None)

    def fail(self, reason: Reason) -> bool:
        """Tell the asker that there will be no answer, and why."""
        return self._settle(None, reason)

    def _settle(self, value: Any, error: Reason | None) -> bool:
        with _claims:
            if self._answered:
                return False
            # Together with the flag: an asker that gives up at this very moment reads them next.
            self.value, self.error = value, error
            self._answered = True
        self.server.forget_caller(self)
        self.lock.release()
        return True

    @property
    def is_answered(self) -> bool:
        return self._answered


class Info:
    """Any other message: from `send`, or from a timer."""

    __slots__ = ("message",)

    def __init__(self, message: Any) -> None:
        self.message = message


class Exit(NamedTuple):
    """The exit of a process this one is linked to. Only a process that traps exits sees it."""

    sender: Ref | None
    reason: Reason


class Down(NamedTuple):
    """The one notice that a monitor gives. `ref` is None where a name had no holder."""

    monitor: Monitor
    ref: Ref | None
    reason: Reason


class IdleTimeout(NamedTuple):
    """Nothing arrived within the time limit that the last callback asked for."""

    seconds: float


class IdleCheck:
    """A timer's question to a server: is this still what you wait for? Told apart by identity."""

    __slots__ = ("seconds",)

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds


class Cast:
    """A cast of a value that would be taken for something else if it lay there bare: a `Caller`, a `Down`."""

    __slots__ = ("message",)

    def __init__(self, message: Any) -> None:
        self.message = message


class SystemRequest:
    """Something asked of the process itself, not of the server's code. Answered even while suspended."""

    __slots__ = ("caller", "what")

    def __init__(self, what: Callable[[Any], Any], caller: Caller) -> None:
        self.what = what
        self.caller = caller


class Wake:
    """Nothing to handle: a busy or sleeping process shall look at its exit signal."""

    __slots__ = ()


class Monitor:
    """A standing wish to be told, once, that a process has ended."""

    __slots__ = ("is_flushed", "target", "watcher")

    def __init__(self, target: Ref | None, watcher: Ref | Inbox) -> None:
        self.target = target
        self.watcher = watcher
        self.is_flushed = False
        """Whether a notice that is on its way already shall not be shown either."""


NOT_BARE: set[type] = {Caller, Info, Exit, Down, IdleCheck, Cast, SystemRequest, Wake}
"""What a cast may not be by itself; `Ref.cast` wraps it."""
