"""What crosses the border between a node and an OS process of its own: messages by value, processes by identity.

Everything is pickled; this pipe is not the wire between nodes, both ends run the same program. A `Ref`, an
`Inbox`, a `Caller`, a `Monitor`, a `Timer` and the `System` itself do not travel. They stay here, in the
parent; across goes a number, which becomes a stand-in over there (see `standins`) and the very object again
on the way back. What is lent is kept until the other side has let go of it.
"""

from __future__ import annotations

import io
import itertools
import os
import pickle
import socket
import threading
from types import FunctionType
from typing import TYPE_CHECKING, Any

from eye.errors import CannotCross
from eye.supervision.inbox import Inbox
from eye.supervision.messages import Asking, Caller, Monitor
from eye.supervision.process import PykkaCaller
from eye.supervision.pubsub import Topics
from eye.supervision.ref import Ref, shorten
from eye.supervision.system import System
from eye.supervision.task import Task
from eye.supervision.timers import Timer, Timers

if TYPE_CHECKING:
    from collections.abc import Callable

_KINDS: dict[type, str] = {
    Ref: "ref",
    Inbox: "inbox",
    Caller: "caller",
    PykkaCaller: "caller",
    Asking: "caller",
    Monitor: "monitor",
    Timer: "timer",
    Timers: "timers",
    Topics: "topics",
    Task: "task",
    System: "system",
}


met: dict[str, None] = {}
"""Modules of whatever functions and classes have crossed: the fork server imports them once for all children."""

_NAMED = (type, FunctionType)

LOOKS = 20
"""How often is a few times, between a server and its parent: some 30 us."""

_AT_ONCE = getattr(socket, "MSG_DONTWAIT", 0)
_give_way: Callable[[], object] = getattr(os, "sched_yield", lambda: None)


class Frames:
    """Byte strings over a stream socket, each behind its length. One thread reads, one at a time writes.

    Whoever reads looks a few times, `looks`, before it goes to sleep: to be woken takes longer than most
    answers (where both sides do, a call to another OS process and back takes 55 instead of 150 us).
    """

    def __init__(self, sock: socket.socket, looks: int = 0) -> None:
        self.socket = sock
        self._looks = looks
        self._buffer = bytearray()

    def put(self, data: bytes) -> None:
        """Send one; blocks while the other side does not read.

        Raises:
            EOFError: there is no other side any more.
        """
        try:
            self.socket.sendall(len(data).to_bytes(8, "big") + data)
        except OSError as error:
            raise EOFError(str(error)) from None

    def get(self) -> bytes:
        """Wait for the next one.

        Raises:
            EOFError: there is no other side any more.
        """
        while (data := self.pop()) is None:
            self.fill()
        return data

    def fill(self) -> None:
        """Read what has come, waiting for something if need be; `EOFError` where nothing ever will."""
        try:
            chunk = self._look() or self.socket.recv(65536)
        except OSError as error:
            raise EOFError(str(error)) from None
        if not chunk:
            raise EOFError("the other side is gone")
        self.feed(chunk)

    def _look(self) -> bytes | None:
        for _ in range(self._looks):
            try:
                return self.socket.recv(65536, _AT_ONCE)
            except BlockingIOError:
                _give_way()
        return None

    def feed(self, chunk: bytes) -> None:
        """Take in what was read."""
        self._buffer += chunk

    def pop(self) -> bytes | None:
        """Take the next one that has come completely."""
        buffer = self._buffer
        if len(buffer) < 8:
            return None
        end = 8 + int.from_bytes(buffer[:8], "big")
        if len(buffer) < end:
            return None
        data = bytes(buffer[8:end])
        del buffer[:end]
        return data


class Border:
    """The parent's side of the border to one child: what it has lent out, by number."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._number_of: dict[int, int] = {}  # by id(object), which is unique as long as the object is kept below
        self._lent: dict[int, list[Any]] = {}  # number: the object, how many times it was sent across
        self._lock = threading.Lock()

    def dumps(self, value: Any, *, about: Any = None) -> bytes:
        """Turn a value into bytes; any thread may. An error speaks of `about`, the part that somebody knows.

        Raises:
            CannotCross: something in it can be neither copied nor lent.
        """
        file = io.BytesIO()
        try:
            _Outgoing(file, self).dump(value)
        except Exception as error:
            what = shorten(value if about is None else about)
            raise CannotCross(what, f"{type(error).__name__}: {error}") from error
        return file.getvalue()

    def loads(self, data: bytes) -> Any:
        """Turn bytes that came from the child into a value."""
        _reading.border = self
        try:
            return pickle.loads(data)
        finally:
            _reading.border = None

    def lend(self, thing: Any) -> int:
        """Answer the number by which the child knows `thing` from now on."""
        with self._lock:
            number = self._number_of.get(id(thing))
            if number is None:
                number = self._number_of[id(thing)] = next(self._numbers)
                self._lent[number] = [thing, 0]
            self._lent[number][1] += 1
            return number

    def find(self, number: int) -> Any:
        """Answer what was lent under this number."""
        return self._lent[number][0]

    def take_back(self, released: list[tuple[int, int]]) -> None:
        """Forget what the child has let go of: (number, how many times it had arrived there)."""
        with self._lock:
            for number, arrived in released:
                entry = self._lent[number]
                entry[1] -= arrived
                if entry[1] == 0:  # otherwise it is on its way there once more
                    del self._number_of[id(entry[0])], self._lent[number]

    @property
    def lent(self) -> int:
        """How many things are lent out."""
        return len(self._lent)


class _Outgoing(pickle.Pickler):
    def __init__(self, file: io.BytesIO, border: Border) -> None:
        super().__init__(file, pickle.HIGHEST_PROTOCOL)
        self._border = border

    def reducer_override(self, thing: Any) -> Any:
        # Not `persistent_id`: that one is asked about every number and every string, too.
        kind = _KINDS.get(type(thing))
        if kind is None:
            if type(thing) in _NAMED and thing.__module__ not in met:
                met[thing.__module__] = None
            return NotImplemented
        more = (thing.serial, thing.id, thing.name) if kind == "ref" else ()
        return arrive, (kind, self._border.lend(thing), *more)


class _Reading(threading.local):
    border: Border | None = None


_reading = _Reading()


def come_back(number: int) -> Any:
    """What a stand-in becomes on its way back: the very object."""
    assert _reading.border is not None
    return _reading.border.find(number)


def arrive(kind: str, number: int, *more: Any) -> Any:
    """What something that was lent becomes in the child: a stand-in."""
    from eye.supervision import crossing  # only ever called where that one is in use

    return crossing.arrive(kind, number, *more)


# --------------------------------------------------------------------------------- what is said

# The parent to its child: what its server is to do.
BEGIN, PROCEED, CALL, CAST, ITEM, CONSULT, END = range(7)
# The child to its parent: it is done; or, while it still works, a wish concerning something that was lent.
DONE, ASK, TELL = range(7, 10)
# The parent's answer to `ASK`.
VALUE, RAISE = range(10, 12)

LOG = 0
"""The number under which a child reaches its parent's logging."""
