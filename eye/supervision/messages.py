"""What lies in a mailbox.

Casts lie there as they are: whatever is no instance of a class below is somebody's cast. That makes the
commonest message also the cheapest. Everything else is wrapped (a cast *of* one of these values too), so
that no value that a user sends can be mistaken for a call, an exit or a death notice.
"""

from __future__ import annotations

import itertools
import os
import threading
import weakref
from typing import TYPE_CHECKING, Any, ClassVar, Generic, NamedTuple, TypeVar

from eye.supervision.reasons import Reason
from eye.supervision.running import here, unheard

if TYPE_CHECKING:
    from collections.abc import Callable

    from eye.supervision.process import Inbox, Ref

_claims = threading.Lock()  # held for a few instructions, to find out who answers first


class Caller:
    """One call: the question, the place for the answer, and the lock that the asker waits on.

    The lock is made when somebody waits: most answers come while the asker still gives the server its
    turn (`Ref._wait`), and then nobody has to be put to sleep and woken again.

    A server gets it as `caller`, and whoever holds it may answer, once, from any thread. An answer
    that comes second, or after the asker gave up, is dropped: it can never become another call's.
    """

    __slots__ = ("_answered", "_lock", "error", "packed", "request", "sender", "server", "value")

    def __init__(self, request: Any, server: Ref, sender: Ref | None) -> None:
        self.request = request
        self.server = server
        self.sender = sender
        """The process that asks; None for plain code."""
        self.value: Any = None
        self.packed: bytes
        """The question, ready to cross into an OS process; only where it is to."""
        self.error: Reason | None = None
        self._answered = False
        self._lock: threading.Lock | None = None

    @property
    def lock(self) -> threading.Lock:
        """Whoever acquires this one has waited for the answer."""
        with _claims:
            lock = self._lock
            if lock is None:
                lock = self._lock = threading.Lock()
                if not self._answered:
                    lock.acquire()
            return lock

    def reply(self, value: Any = None) -> bool:
        """Answer the call.

        Returns:
            Whether this was the answer; False where one was given before, or the asker gave up.
        """
        if unheard and here.ref in unheard:
            return False  # what an abandoned process says is not heard
        return self._settle(value, None)

    give = reply
    """The same, as the last thing that a callback does; nobody wants to know what came of it."""

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
            lock = self._lock
        self.server.forget_caller(self)
        if lock is not None:
            lock.release()
        return True

    @property
    def is_answered(self) -> bool:
        return self._answered

    is_call: ClassVar[bool] = True
    """Whether it can be told that the wait would be in vain."""


class Asking(Caller):
    """A call of somebody who does not wait in this system: the answer goes to a function, `outside.ask`."""

    __slots__ = ("_settled",)

    def __init__(self, request: Any, server: Ref, settled: Callable[[Any, Reason | None], None]) -> None:
        super().__init__(request, server, None)
        self._settled = settled

    def _settle(self, value: Any, error: Reason | None) -> bool:
        if not super()._settle(value, error):
            return False
        self._settled(value, error)
        return True


class Waiter(Caller):
    """A wait for a start or an end: nothing is asked of anybody, so it lies in no mailbox."""

    __slots__ = ()

    is_call = False

    def settle(self) -> None:
        """It is over, whoever says so: a process that kills itself does."""
        self._settle(None, None)


R_co = TypeVar("R_co", covariant=True)


class Request(Generic[R_co]):
    """What a question may be, so that a type checker knows what its answer is.

        @dataclass(frozen=True)
        class Total(Request[int]):
            since: float

        total = server.call(Total(12.5))     # an int, says mypy --strict

    It is for the checker alone: what `handle_call` answers is not looked at. A question that is anything else, a
    `NamedTuple` for instance, is answered by `Any`.
    """

    __slots__ = ()


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

    __slots__ = ("__weakref__", "seconds", "serial")

    def __init__(self, seconds: float, serial: tuple[int, int] | None = None) -> None:
        self.seconds = seconds
        self.serial = serial
        """OS process and number; only where it crosses into another OS process and back."""

    def __reduce__(self) -> Any:
        if self.serial is None:
            self.serial = os.getpid(), next(_check_serials)
        _checks[self.serial] = self
        return _find_check, (self.serial, self.seconds)


_check_serials = itertools.count(1)
_checks: weakref.WeakValueDictionary[tuple[int, int], IdleCheck] = weakref.WeakValueDictionary()


def _find_check(serial: tuple[int, int], seconds: float) -> IdleCheck:
    """The very check, back where it was made; elsewhere one that stands for it."""
    return _checks.get(serial) or IdleCheck(seconds, serial)


class Cast:
    """A cast of a value that would be taken for something else if it lay there bare: a `Caller`, a `Down`."""

    __slots__ = ("message",)

    def __init__(self, message: Any) -> None:
        self.message = message


class PackedCast(Cast):
    """A cast on its way into an OS process: packed where it was sent, so that its sender hears if it cannot be."""

    __slots__ = ("packed",)
    packed: bytes


class PackedInfo(Info):
    """The same of any other message."""

    __slots__ = ("packed",)
    packed: bytes


class SystemRequest:
    """Something asked of the process itself, not of the server's code. Answered even while suspended."""

    __slots__ = ("caller", "what")

    def __init__(self, what: Callable[[Any], Any] | OfProcess, caller: Caller) -> None:
        self.what = what
        self.caller = caller


class OfProcess:
    """What a `SystemRequest` wants of the process itself, not of its server: done on this side of any border."""

    def do(self, ref: Ref) -> Any:
        """Do it; runs on the thread of the process."""
        raise NotImplementedError


class Stopping:
    """What `Ref.stop` has the process do: nothing but end."""

    def __init__(self, reason: Reason) -> None:
        self.reason = reason

    def __call__(self, _behaviour: Any) -> None: ...


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


NOT_BARE: set[type] = {
    Caller, Asking, Info, Exit, Down, IdleCheck, Cast, PackedCast, PackedInfo, SystemRequest, Wake,
}  # fmt: skip
"""What a cast may not be by itself; `Ref.cast` wraps it."""
