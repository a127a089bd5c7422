"""What a test and the servers it watches have in common, also where those live in OS processes of their own."""

from __future__ import annotations

import os
import select
import shutil
import tempfile
import weakref
from typing import TYPE_CHECKING, Any

from eye.errors import Settling
from eye.testing.settling import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Callable

    from eye.supervision.inbox import Inbox
    from eye.supervision.system import System


class Log:
    """What servers note down, in the order in which it was written, wherever they live."""

    def __init__(self, system: System) -> None:
        self._inbox: Inbox = system.inbox()
        self._read: list[Any] = []

    def append(self, entry: Any) -> None:
        """Note something down; for servers."""
        self._inbox.send(entry)

    @property
    def entries(self) -> list[Any]:
        """Everything so far."""
        self._read += self._inbox.drain()
        return list(self._read)

    def await_entry(self, entry: Any) -> None:
        """Return once somebody has written this.

        Raises:
            Settling: nobody did.
        """
        while entry not in self._read:
            try:
                self._read.append(self._inbox.get(PATIENCE))
            except TimeoutError:
                raise Settling(PATIENCE, f"nobody wrote {entry!r}") from None

    def clear(self) -> None:
        """Forget what was written so far."""
        self._inbox.drain()
        self._read.clear()


class Gate:
    """Holds whoever comes until it is opened, in whatever OS process; tells when somebody has come.

    A test puts one where a server is to be held in the middle of something:

        gate = Gate()
        server.cast(gate)          # of an `Obedient`; others call `gate()` themselves
        gate.await_somebody()
        ...                        # what happens to a server that is busy
        gate.open()

    Two named pipes: a byte in the one says that somebody has come, a byte in the other that it is open.
    Nobody takes the bytes out, so both stay true.
    """

    def __init__(self) -> None:
        self._folder = tempfile.mkdtemp(prefix="eye-gate-")
        held = []
        for name in ("came", "open"):
            path = os.path.join(self._folder, name)
            os.mkfifo(path)
            held.append(os.open(path, os.O_RDWR))  # both ends: the pipe keeps its byte while we live
        weakref.finalize(self, _clear_away, self._folder, held)

    def __call__(self, _server: Any = None) -> None:
        """Come to the gate, and wait until it is open.

        Raises:
            Settling: nobody opened it.
        """
        self._put("came")
        if not self._is_there("open", PATIENCE):
            raise Settling(PATIENCE, "nobody opened the gate")

    def await_somebody(self) -> None:
        """Return once somebody has come.

        Raises:
            Settling: nobody did.
        """
        if not self._is_there("came", PATIENCE):
            raise Settling(PATIENCE, "nobody came to the gate")

    def open(self) -> None:
        """Let everybody through, from now on."""
        self._put("open")

    @property
    def is_open(self) -> bool:
        return self._is_there("open", 0)

    def _put(self, name: str) -> None:
        pipe = os.open(os.path.join(self._folder, name), os.O_WRONLY)
        try:
            os.write(pipe, b".")
        finally:
            os.close(pipe)

    def _is_there(self, name: str, timeout: float) -> bool:
        pipe = os.open(os.path.join(self._folder, name), os.O_RDONLY)
        try:
            return bool(select.select([pipe], [], [], timeout)[0])
        finally:
            os.close(pipe)

    def __getstate__(self) -> dict[str, Any]:
        return {"_folder": self._folder}  # a copy is the same gate; only the original clears it away


class Turns:
    """Does the first thing the first time it is called, and so on; the last one from then on.

    The count is the size of a file, so that it outlives whoever counts.
    """

    def __init__(self, *steps: Callable[[Any], Any]) -> None:
        self.steps = steps
        self._folder = tempfile.mkdtemp(prefix="eye-turns-")
        weakref.finalize(self, _clear_away, self._folder, [])

    def __call__(self, me: Any) -> Any:
        with open(os.path.join(self._folder, "taken"), "ab") as taken:
            taken.write(b".")
        return self.steps[min(self.taken, len(self.steps)) - 1](me)

    @property
    def taken(self) -> int:
        """How many turns there have been."""
        path = os.path.join(self._folder, "taken")
        return os.path.getsize(path) if os.path.exists(path) else 0

    def __getstate__(self) -> dict[str, Any]:
        return {"steps": self.steps, "_folder": self._folder}


def _clear_away(folder: str, pipes: list[int]) -> None:
    for pipe in pipes:
        os.close(pipe)
    shutil.rmtree(folder, ignore_errors=True)
