"""What runs in an OS process of its own: one `GenServer`, and the loop that does what the parent says.

The mailbox, the links, the name, the exit reason, all that makes a process, is in the parent (`isolated`).
Here are only the callbacks. One message comes across at a time; what came of it goes back.
"""

from __future__ import annotations

import logging
import os
import pickle
import sys
from logging.handlers import QueueHandler
from typing import TYPE_CHECKING, Any, NamedTuple

from eye.clock import SystemClock
from eye.supervision import crossing as crossings
from eye.supervision.border import BEGIN, CALL, CAST, CONSULT, DONE, END, LOG, LOOKS, PROCEED, RAISE, VALUE, Frames
from eye.supervision.crossing import Crossing, dumps, loads
from eye.supervision.gen_server import HANDLERS
from eye.supervision.messages import Caller
from eye.supervision.process import IGNORED
from eye.supervision.reasons import Crash, ProcessExit, Reason, is_clean, uncaught
from eye.supervision.ref import here
from eye.supervision.shown import MESSAGE, show, show_server
from eye.supervision.standins import CallerStandIn, ClockStandIn

if TYPE_CHECKING:
    import socket

    from eye.supervision.gen_server import GenServer

_PLAIN = (str, int, float, bool, type(None))

HANDLERS[CallerStandIn] = HANDLERS[Caller]


class Beginning(NamedTuple):
    """Everything a child needs to begin."""

    behaviour: type
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    ref: Any
    system: Any
    topics: Any
    timers: Any
    has_system_clock: bool
    log_level: int


class Shown:
    """A value of a server that crashed, as a text."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text


def run(main: socket.socket, stray: socket.socket) -> None:
    """Do what the parent says, until it says that it is over or is gone."""
    crossing = crossings.crossing = Crossing(Frames(main, LOOKS), Frames(stray))
    child = _Child(crossing)
    while True:
        try:
            data = crossing.main.get()
        except EOFError:
            return
        crossing.is_busy = True
        answer = child.obey(data)
        crossing.is_busy = False
        parting, crossing.parting = crossing.parting, None
        released, crossing.released = crossing.released, []
        try:
            crossing.main.put(dumps((DONE, *answer, parting, released)))
        except EOFError:
            return
        if child.is_over:
            sys.stdout.flush()
            sys.stderr.flush()
            return


class _Child:
    def __init__(self, crossing: Crossing) -> None:
        self._crossing = crossing
        self._server: GenServer
        self.is_over = False
        self._doing: Any = None  # the last message, for the report of a crash

    def obey(self, data: bytes) -> tuple[Any, ...]:
        """Do one thing; answer what came of it, ready to be packed."""
        what: Any = None
        try:
            what, *parts = loads(data)
            reason = self._do(what, parts)
        except ProcessExit as signal:
            reason = signal.reason
        except BaseException as error:  # noqa: BLE001 - the process loop: a crash is a crash, SystemExit too
            if what == CONSULT:
                return RAISE, *packed_exception(error)
            reason = uncaught(error)
        if what == CONSULT:
            return VALUE, reason
        return (
            VALUE,
            reason is IGNORED,
            *self._outcome(reason, with_state=what != BEGIN and hasattr(self, "_server")),
        )

    def _do(self, what: int, parts: list[Any]) -> Any:
        if what == CAST:
            self._doing = parts[0]
            return self._server.receive_cast(*parts)
        if what == CALL:
            caller, request = parts
            self._doing = request
            caller.request = request
            return self._server.receive(caller)
        if what == BEGIN:
            return self._begin(*parts)
        if what == PROCEED:
            return self._server.proceed()
        if what == CONSULT:
            value = self._server.consult(*parts)
            dumps(value)  # whoever asked for something that cannot cross made the mistake
            return value
        if what == END:
            self.is_over = True
            return self._server.end(*parts)
        self._doing = getattr(parts[0], "message", parts[0])  # an `Info`, an `Exit`, …
        return self._server.receive(*parts)

    def _begin(self, start: Beginning) -> Reason | None:
        here.ref = start.ref
        system, crossing = start.system, self._crossing
        crossing.system = system
        system.topics, system.timers = start.topics, start.timers
        system.clock = SystemClock() if start.has_system_clock else ClockStandIn(system._number, crossing)
        _log_through(crossing, start.log_level)
        self._server = start.behaviour()
        self._server.attach(start.ref)
        return self._server.begin(start.args, start.kwargs)

    def _outcome(self, reason: Reason | None, *, with_state: bool) -> tuple[Any, ...]:
        if reason is None or reason is IGNORED or is_clean(reason):
            return as_it_crosses(reason), None, None
        state = {}
        if with_state:
            message, texts = show_server(self._server, self._doing, reason)
            state = {name: Shown(text) for name, text in texts.items()} | {MESSAGE: Shown(show(message))}
        if not isinstance(reason, Crash):
            return as_it_crosses(reason), None, state
        exception = None if reason.exception is None else packed_exception(reason.exception)[0]
        return reason, exception, state


def as_it_crosses(reason: Reason | None) -> Reason | None:
    """A reason whose detail cannot be copied goes as its text."""
    if reason is None:
        return None
    try:
        dumps(reason)
    except TypeError:
        return Reason(reason.word, show(reason.detail))
    return reason


def packed_exception(error: BaseException) -> tuple[bytes | None, str, str]:
    """The exception itself if it survives the way, its class and its text in any case."""
    text = Crash.of(error).traceback
    try:
        data = dumps(error)
        loads(data)
    except Exception:  # noqa: BLE001 - anything can go wrong in somebody else's exception
        return None, type(error).__name__, text
    return data, type(error).__name__, text


def _log_through(crossing: Crossing, level: int) -> None:
    root = logging.getLogger()
    for handler in root.handlers[:]:
        root.removeHandler(handler)
    root.addHandler(_ToParent(crossing))
    root.setLevel(level)


class _ToParent(QueueHandler):
    """Hands every log record to the parent, which treats it as one of its own."""

    def __init__(self, crossing: Crossing) -> None:
        super().__init__(None)  # type: ignore[arg-type]  # no queue: see `enqueue`
        self._crossing = crossing

    def enqueue(self, record: logging.LogRecord) -> None:
        fields = record.__dict__
        try:
            pickle.dumps(fields)
        except Exception:  # noqa: BLE001 - of `extra` only what can cross does
            fields = {
                name: value for name, value in fields.items() if isinstance(value, (str, int, float, type(None)))
            }
        self._crossing.tell(LOG, "log", fields)


def leave(code: int = 0) -> None:
    """End this OS process, without the finalisation of an interpreter that was forked in the middle of things."""
    os._exit(code)
