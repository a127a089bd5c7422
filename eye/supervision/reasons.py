"""Why a process ended, as a value.

Every end has a reason. Three words are *clean*: `normal` (it was done), `shutdown` (it was asked to
stop), and `shutdown` with a detail. Everything else is a crash, and a crash is what a supervisor
restarts. The words are Erlang's:

    normal          it finished
    shutdown        its supervisor, or somebody in that role, asked it to stop
    kill, killed    sent to end it whatever it does; what its links and monitors then see
    noproc          there was nobody to link to, monitor or call
    timeout         an answer did not come in time
    noconnection    its node is out of reach
    ValueError, …   an exception nobody caught: a `Crash`, which keeps the traceback
"""

from __future__ import annotations

import traceback as tracebacks
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a process ended: a word, and what else there is to say."""

    word: str
    detail: Any = None

    def __str__(self) -> str:
        return self.word if self.detail is None else f"{self.word}: {self.detail}"


@dataclass(frozen=True, slots=True)
class Crash(Reason):
    """An exception that nobody caught. `word` is its class, `detail` its message.

    `exception` is the object itself where it happened in this OS process; `traceback` is its text,
    which also survives the way from one OS process to another.
    """

    traceback: str = field(default="", compare=False, repr=False)
    exception: BaseException | None = field(default=None, compare=False, repr=False)

    @classmethod
    def of(cls, exception: BaseException) -> Crash:
        """Make a reason of an exception that was caught at the edge of a process."""
        message = str(exception) or None
        text = "".join(tracebacks.format_exception(exception))
        return cls(type(exception).__name__, message, text, exception)


NORMAL = Reason("normal")
SHUTDOWN = Reason("shutdown")
KILL = Reason("kill")
KILLED = Reason("killed")
NOPROC = Reason("noproc")
TIMEOUT = Reason("timeout")
NOCONNECTION = Reason("noconnection")


def shutdown(detail: object) -> Reason:
    """Make a clean reason that says more than `shutdown`."""
    return Reason("shutdown", detail)


def is_clean(reason: Reason) -> bool:
    """Whether a process that ended with `reason` ended in good order."""
    return reason.word in ("normal", "shutdown") and not isinstance(reason, Crash)


def as_reason(value: object) -> Reason:
    """Read whatever somebody gave as an exit reason: a reason, a word, an exception, any other value."""
    if isinstance(value, Reason):
        return value
    if isinstance(value, BaseException):
        return Crash.of(value)
    if isinstance(value, str):
        return Reason(value)
    return Reason("exit", value)


class ProcessExit(BaseException):
    """Raised in a process to end it with a reason of one's choosing (Erlang's `exit/1`).

    It is no `Exception`, so that a broad `except Exception` on the way does not swallow it. The
    framework raises it too: in a process that waits for something and is told to exit meanwhile.
    """

    def __init__(self, reason: object) -> None:
        super().__init__(reason)
        self.reason = as_reason(reason)
