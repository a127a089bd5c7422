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
from dataclasses import dataclass
from typing import Any

from eye.errors import ServerExited


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a process ended: a word, and what else there is to say."""

    word: str
    detail: Any = None

    def __str__(self) -> str:
        return self.word if self.detail is None else f"{self.word}: {self.detail}"


class Crash(Reason):
    """An exception that nobody caught. `word` is its class, `detail` its message: two crashes are equal
    where these are.

    `exception` is the object itself where it happened in this OS process; `traceback` is its text,
    which also survives the way from one OS process to another. The text is written when somebody reads it
    for the first time: to write it takes longer than to start the replacement.
    """

    __slots__ = ("_text", "exception")

    exception: BaseException | None

    def __init__(
        self, word: str, detail: Any = None, traceback: str | None = None, exception: BaseException | None = None
    ) -> None:
        Reason.__init__(self, word, detail)
        object.__setattr__(self, "_text", traceback)
        object.__setattr__(self, "exception", exception)

    @classmethod
    def of(cls, exception: BaseException) -> Crash:
        """Make a reason of an exception that was caught at the edge of a process."""
        return cls(type(exception).__name__, _message_of(exception), None, exception)

    @property
    def traceback(self) -> str:
        text: str | None = self._text  # type: ignore[attr-defined]
        if text is None:
            text = "" if self.exception is None else "".join(tracebacks.format_exception(self.exception))
            object.__setattr__(self, "_text", text)
        return text

    def let_go(self) -> None:
        """Empty the frames of the traceback: whoever keeps the reason shall not keep the dead server's state.

        The text can still be written after that; the values of local variables are gone.
        """
        for error in _chain(self.exception):
            tracebacks.clear_frames(error.__traceback__)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.word, self.detail, self.traceback)


def _message_of(exception: BaseException) -> str | None:
    try:
        return str(exception) or None
    except Exception:  # noqa: BLE001 - part of the process loop: what a stranger's __str__ does must not stop an end
        return "<its message cannot be written>"


def _chain(error: BaseException | None) -> list[BaseException]:
    found: list[BaseException] = []
    while error is not None and all(error is not one for one in found):
        found.append(error)
        error = error.__cause__ or error.__context__
    return found


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


def uncaught(exception: BaseException) -> Reason:
    """Answer with which reason a process ends that did not catch `exception`.

    Who waited for somebody that was shut down goes down in good order too: the reason is `shutdown`, with
    the failed call as its detail (in OTP `{shutdown, {gen_server, call, …}}`, which is as clean).
    """
    if isinstance(exception, ServerExited) and exception.reason == SHUTDOWN:
        return shutdown(str(exception))
    return Crash.of(exception)


def as_reason(value: object) -> Reason:
    """Read whatever somebody gave as an exit reason: a reason, a word, an exception, any other value."""
    if isinstance(value, Reason):
        return value
    if isinstance(value, BaseException):
        return Crash.of(value)
    if isinstance(value, str):
        return Reason(value)
    return Reason("exit", value)


class RemoteTraceback(Exception):
    """The cause of an exception that came from another OS process: the text of its traceback there."""

    def __str__(self) -> str:
        return f"\n{self.args[0].rstrip()}"


class ProcessExit(BaseException):
    """Raised in a process to end it with a reason of one's choosing (Erlang's `exit/1`).

    It is no `Exception`, so that a broad `except Exception` on the way does not swallow it. The
    framework raises it too: in a process that waits for something and is told to exit meanwhile.
    """

    def __init__(self, reason: object) -> None:
        super().__init__(reason)
        self.reason = as_reason(reason)
