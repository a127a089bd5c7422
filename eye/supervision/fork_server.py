"""The program's end of its fork server (`zygote`): asks for children, and hears of their ends.

One for the whole program, started when the first isolated child is, shared by all its systems, and ended
with the last of them that used it. One thread listens: to the fork server, and to whatever children say
outside of their callbacks.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import pickle
import select
import selectors
import signal
import socket
import subprocess
import sys
import threading
from multiprocessing import spawn, util
from typing import TYPE_CHECKING, Protocol

from eye.errors import IsolationUnavailable
from eye.supervision.affinity import give_back_cpus
from eye.supervision.border import Frames, met
from eye.supervision.zygote import ENDED, FORK, FORKED, PREPARE, REAP, REFUSED, SPOILED

if TYPE_CHECKING:
    from collections.abc import Callable

    from eye.supervision.system import System


class Listener(Protocol):
    """Who asked for a child, and is told of what it says and of its end."""

    def on_stray(self) -> None: ...
    def on_end(self, status: int | None) -> None: ...


class _Wish:
    """A child that somebody waits for."""

    def __init__(self, listener: Listener) -> None:
        self.listener = listener
        self.came = threading.Event()
        self.pid: int | None = None
        self.is_spoiled = False
        self.cause = "the fork server ended; what it said stands on stderr"


class ForkServer:
    """One fork server, and the thread that listens to it."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        code = (
            f"import sys; sys.path[:] = {sys.path!r}; "
            f"from eye.supervision.zygote import main; main({theirs.fileno()}, {os.getpid()})"
        )
        flags = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined]  # as multiprocessing does
        command = [os.fsencode(spawn.get_executable()), *flags, "-c", code]
        try:
            self._pid = util.spawnv_passfds(command[0], command, [theirs.fileno()])
        except OSError as error:
            ours.close()
            raise IsolationUnavailable(str(error)) from error
        finally:
            theirs.close()
        give_back_cpus(self._pid)
        self.is_usable = True
        self._has_spoken = False
        self._path = sys.path[:]
        self._frames = Frames(ours)
        self._numbers = itertools.count(1)
        self._wishes: dict[int, _Wish] = {}
        self._children: dict[int, Listener] = {}
        self._lock = threading.Lock()
        self._selector = selectors.DefaultSelector()
        self._selector.register(ours, selectors.EVENT_READ, self._hear)
        preparation = spawn.get_preparation_data("eye-zygote")
        preparation.pop("authkey", None)  # cannot be pickled, and nothing here is authenticated by it
        with contextlib.suppress(EOFError):  # it ended at once; `fork` will say so
            self._frames.put(pickle.dumps((PREPARE, preparation)))
        self._thread = threading.Thread(target=self._listen, name="eye-isolated", daemon=True)
        self._thread.start()

    def fork(
        self, modules: list[str], main: socket.socket, stray: socket.socket, listener: Listener
    ) -> int | None:
        """Have a child forked that serves the two sockets; waits until it is there.

        Returns:
            Its number; None where this fork server has become unusable, and another one will do.

        Raises:
            IsolationUnavailable: there cannot be another OS process.
        """
        number, wish = next(self._numbers), _Wish(listener)
        with self._lock:
            data = pickle.dumps((FORK, number, modules, self._path_if_new()))
            if not self.is_usable:
                return self._none_for(wish)
            self._wishes[number] = wish
            try:
                socket.send_fds(
                    self._frames.socket, [len(data).to_bytes(8, "big") + data], [main.fileno(), stray.fileno()]
                )
            except OSError:
                self._wishes.pop(number)
                self.is_usable = False
                return self._none_for(wish)
        wish.came.wait()
        return wish.pid if wish.pid is not None or wish.is_spoiled else self._none_for(wish)

    def _path_if_new(self) -> list[str] | None:
        path, known = sys.path[:], self._path
        self._path = path
        return None if path == known else path

    def _none_for(self, wish: _Wish) -> int | None:
        if self.is_usable or not self._has_spoken:
            # Refused; or the fork server could not even begin, and another one would not either.
            raise IsolationUnavailable(wish.cause)
        return None

    def watch(self, stray: socket.socket, listener: Listener) -> None:
        """Listen to what a child says outside of its callbacks."""
        self._selector.register(stray, selectors.EVENT_READ, listener.on_stray)

    def unwatch(self, stray: socket.socket) -> None:
        with contextlib.suppress(KeyError, ValueError):
            self._selector.unregister(stray)

    def close(self) -> None:
        """End the fork server, and any child that is left."""
        self.is_usable = False
        with contextlib.suppress(OSError):
            self._frames.socket.shutdown(socket.SHUT_RDWR)
        if self._thread is not threading.current_thread():
            self._thread.join()

    # --------------------------------------------------------------- on the listening thread

    def _listen(self) -> None:
        try:
            while True:
                for key, _ in self._selector.select():
                    handle: Callable[[], None] = key.data
                    handle()
        except EOFError:
            self._give_up()

    def _hear(self) -> None:
        self._frames.fill()
        self._has_spoken = True
        while (frame := self._frames.pop()) is not None:
            what, number, *more = pickle.loads(frame)
            if what == ENDED:
                self._on_end(number, *more)
                continue
            wish = self._wishes.pop(number)
            if what == FORKED:
                wish.pid = more[0]
                self._children[more[0]] = wish.listener
            elif what == REFUSED:
                wish.cause = more[0]
            elif what == SPOILED:
                wish.is_spoiled, self.is_usable = True, False
                _unfit.add(more[0])
            wish.came.set()

    def _on_end(self, pid: int, status: int) -> None:
        self._children.pop(pid).on_end(status)
        with self._lock, contextlib.suppress(EOFError):
            self._frames.put(pickle.dumps((REAP, pid)))

    def _give_up(self) -> None:
        """The fork server is gone, and its children with it."""
        with self._lock:
            self.is_usable = False
            wishes, self._wishes = self._wishes, {}
        self._frames.socket.close()
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self._pid, 0)
        for wish in wishes.values():
            wish.came.set()
        for pid, listener in self._children.items():
            _end_group(pid)
            listener.on_end(None)
        self._children.clear()
        self._selector.close()


def _end_group(pid: int) -> None:
    """Kill a child whose fork server is gone, and what it started; wait until the child is no more.

    Linux kills the child too, but only a moment after the fork server's socket is seen to be closed.
    """
    with contextlib.suppress(OSError):
        os.killpg(pid, signal.SIGKILL)
    try:
        descriptor = os.pidfd_open(pid)
    except (AttributeError, OSError):
        return
    try:
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        poll.poll(_GRACE * 1000)
    finally:
        os.close(descriptor)


_GRACE = 5.0
"""Real seconds that the operating system gets to end what was killed."""

_lock = threading.Lock()
_users: set[int] = set()
_servers: list[ForkServer] = []
"""The last one is the one in use; those before it have become unusable, but children of theirs still live."""
_unfit: set[str] = set()
"""Modules that start threads when they are imported: each child imports them for itself."""


def fork(
    system: System, module: str, main: socket.socket, stray: socket.socket, listener: Listener
) -> tuple[ForkServer, int]:
    """Have a child forked for a process of `system`, by a fork server that is started if need be.

    Raises:
        IsolationUnavailable: there cannot be one here and now.
    """
    if not hasattr(os, "fork") or not hasattr(socket, "send_fds"):
        raise IsolationUnavailable("this platform has no fork; use isolation='thread'")
    while True:
        with _lock:
            _users.add(id(system))
            if not _servers or not _servers[-1].is_usable:
                _servers.append(ForkServer())
            server = _servers[-1]
        pid = server.fork([one for one in (module, *list(met)) if one not in _unfit], main, stray, listener)
        if pid is not None:
            return server, pid


def release(system: System) -> None:
    """Note that a system has stopped; with the last one that had isolated children the fork server ends."""
    with _lock:
        _users.discard(id(system))
        servers = [] if _users else _servers[:]
        if not _users:
            _servers.clear()
    for server in servers:
        server.close()
