"""The fork server: a small OS process that has imported everything already, and forks a child when told to.

It has one thread, so that to fork it is safe, which of a program with threads it is not. It belongs to one
program and ends with it, in whatever way that one ends, and then takes its children along: each child leads
a process group of its own, and what a child started itself ends with the group.

    program                               zygote                      child
      |-- fork, module, two sockets ------->|                           |
      |                                     |-- fork ------------------>| one server
      |<------------------------- forked ---|                           |
      |<==================== the two sockets, straight ================>|
      |                                     |<------------- it ends ----|
      |<--------------- ended, and how -----|
      |-- reap ---------------------------->|   only now may its number be used again

Once it has forked a child it keeps a spare one: forked, started and waiting for its sockets. The replacement
of a child that was killed is that one, and the next spare is forked when things have calmed down.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import os
import pickle
import selectors
import signal
import socket
import sys
import threading
from multiprocessing import spawn
from typing import TYPE_CHECKING, Any

from eye.supervision import crossing, isolated_child
from eye.supervision.border import Frames

if TYPE_CHECKING:
    from collections.abc import Callable

PREPARE, FORK, REAP = range(3)
"""What the program says: prepare (as multiprocessing does); fork (number, modules, path) and two sockets;
reap (pid)."""
FORKED, REFUSED, SPOILED, ENDED = range(3, 7)
"""What the zygote says: forked (number, pid); refused (number, why); spoiled (number, module);
ended (pid, status)."""

_PR_SET_PDEATHSIG = 1

_CALM = 0.001
"""Seconds without a word, after which there is time to fork a spare child."""


def main(control_fd: int, parent: int) -> None:
    """Serve until the program that started us is gone."""
    with contextlib.suppress(OSError):
        os.setsid()  # Ctrl-C in the terminal is for the program; it tells us what it wants
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _freeze()
    zygote = _Zygote(Frames(socket.socket(fileno=control_fd)), parent)
    try:
        zygote.serve()
    finally:
        # Only the zygote itself comes here: a child never returns from `run`.
        zygote.end_children()
        os._exit(0)


class _Zygote:
    def __init__(self, frames: Frames, parent: int) -> None:
        self._frames = frames
        self._fds: list[int] = []  # sockets that came along with what has not been read yet
        self._children: set[int] = set()
        self._ended: set[int] = set()
        self._spare: tuple[int, socket.socket] | None = None
        self._wants_spare = False
        self._selector = selectors.DefaultSelector()
        self._wake, self._woken = socket.socketpair()
        for end in (self._wake, self._woken):
            end.setblocking(False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._wake.fileno(), warn_on_full_buffer=False)
        self._selector.register(frames.socket, selectors.EVENT_READ, self._hear)
        self._selector.register(self._woken, selectors.EVENT_READ, self._look_for_ended)
        self._parent_fd = _watch(parent)
        if self._parent_fd is not None:
            # Its end of the socket may have been inherited by something that outlives it.
            self._selector.register(self._parent_fd, selectors.EVENT_READ, self._parent_is_gone)

    def serve(self) -> None:
        try:
            while True:
                heard = self._selector.select(_CALM if self._wants_spare else None)
                for key, _ in heard:
                    key.data()
                if not heard:
                    self._make_spare()
        except (EOFError, OSError):
            return

    def end_children(self) -> None:
        for pid in self._children:
            _kill_group(pid)
        self._give_up_spare()

    def _parent_is_gone(self) -> None:
        raise EOFError

    def _hear(self) -> None:
        data, fds, _flags, _address = socket.recv_fds(self._frames.socket, 65536, 16)
        if not data:
            raise EOFError
        self._fds += fds
        self._frames.feed(data)
        while (frame := self._frames.pop()) is not None:
            what, *parts = pickle.loads(frame)
            if what == FORK:
                self._fork(*parts)
            elif what == PREPARE:
                _prepare(*parts)
            else:
                self._reap(*parts)

    def _say(self, *message: Any) -> None:
        self._frames.put(pickle.dumps(message))

    def _fork(self, number: int, modules: list[str], path: list[str] | None) -> None:
        main_fd, stray_fd = self._fds[:2]
        del self._fds[:2]
        if path is not None:
            sys.path[:] = path
            importlib.invalidate_caches()
        if path is not None or any(_is_new(module) for module in modules):
            self._give_up_spare()  # it would have to look, and import, for itself
        spoiler = next((module for module in modules if not _import(module)), None)
        if spoiler is not None:
            self._say(SPOILED, number, spoiler)
        else:
            try:
                pid = self._use_spare(main_fd, stray_fd) or self._make_child(main_fd, stray_fd)
            except OSError as error:
                self._say(REFUSED, number, str(error))
            else:
                self._children.add(pid)
                self._say(FORKED, number, pid)
                self._wants_spare = True
        os.close(main_fd)
        os.close(stray_fd)

    def _make_child(self, main_fd: int, stray_fd: int) -> int:
        pid = os.fork()
        if pid == 0:
            self._become_child(lambda: (main_fd, stray_fd))
        return pid

    def _make_spare(self) -> None:
        self._wants_spare = False
        ours, theirs = socket.socketpair()
        try:
            pid = os.fork()
        except OSError:  # there is no room for one that is only spare
            ours.close()
        else:
            if pid == 0:
                ours.close()
                self._become_child(lambda: _await_sockets(theirs))
            self._spare = pid, ours
        theirs.close()

    def _use_spare(self, main_fd: int, stray_fd: int) -> int | None:
        if self._spare is None:
            return None
        (pid, way), self._spare = self._spare, None
        try:
            socket.send_fds(way, [b"."], [main_fd, stray_fd])
        except OSError:  # somebody killed it
            os.waitpid(pid, 0)
            return None
        finally:
            way.close()
        return pid

    def _give_up_spare(self) -> None:
        if self._spare is not None:
            (pid, way), self._spare = self._spare, None
            way.close()
            _kill_group(pid)
            os.waitpid(pid, 0)

    def _become_child(self, find_sockets: Callable[[], tuple[int, ...]]) -> None:
        try:
            zygote = os.getppid()
            _end_with_parent()
            os.setpgid(0, 0)
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            self._selector.close()
            for ours in (self._frames.socket, self._wake, self._woken):
                ours.close()
            if self._parent_fd is not None:
                os.close(self._parent_fd)
            if self._spare is not None:
                self._spare[1].close()
            if os.getppid() == zygote:  # or it ended before we asked to end with it
                main_fd, stray_fd = find_sockets()
                isolated_child.run(socket.socket(fileno=main_fd), socket.socket(fileno=stray_fd))
        except BaseException:  # noqa: BLE001 - the edge of an OS process: nothing may return into the zygote's code
            sys.excepthook(*sys.exc_info())
            isolated_child.leave(1)
        isolated_child.leave()

    def _look_for_ended(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self._woken.recv(4096)
        for pid in self._children - self._ended:
            # Not reaped yet: its number must mean nobody else until the program knows.
            found = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            if found is not None:
                self._ended.add(pid)
                _kill_group(pid)
                was_killed = found.si_code != os.CLD_EXITED
                self._say(ENDED, pid, -found.si_status if was_killed else found.si_status)

    def _reap(self, pid: int) -> None:
        os.waitpid(pid, 0)
        self._children.discard(pid)
        self._ended.discard(pid)


def _prepare(preparation: dict[str, Any]) -> None:
    """Take on the program's search path, working directory and so on; its script waits until it is needed."""
    crossing.main.update(
        {name: preparation.pop(name) for name in list(preparation) if name.startswith("init_main")}
    )
    spawn.prepare(preparation)


def _kill_group(pid: int) -> None:
    with contextlib.suppress(OSError):
        os.killpg(pid, signal.SIGKILL)


def _await_sockets(way: socket.socket) -> tuple[int, ...]:
    """As a spare child, wait to be needed."""
    _data, fds, _flags, _address = socket.recv_fds(way, 1, 2)
    way.close()
    if len(fds) < 2:
        isolated_child.leave()  # nobody needs us any more
    return fds[0], fds[1]


def _is_new(module: str) -> bool:
    return module not in sys.modules or (module == "__main__" and bool(crossing.main))


def _import(module: str) -> bool:
    """Import a server's module here, once, instead of in each child; answer whether that started no thread."""
    if not _is_new(module):
        return True
    try:
        if module == "__main__":
            crossing.import_main()
        else:
            importlib.import_module(module)
    except BaseException:  # noqa: BLE001 - somebody's module; the child meets the same, and its parent is told there
        return _thread_count() == 1
    _freeze()
    return _thread_count() == 1


def _freeze() -> None:
    """Take what there is out of the garbage collector's sight: a child's collection would copy all its pages."""
    gc.collect()
    gc.freeze()


def _thread_count() -> int:
    try:
        return len(os.listdir("/proc/self/task"))
    except OSError:
        return threading.active_count()


def _watch(pid: int) -> int | None:
    try:
        return os.pidfd_open(pid)
    except (AttributeError, OSError):
        return None


def _end_with_parent() -> None:
    """Ask Linux to kill this OS process when the zygote ends. Elsewhere the end of the sockets has to do."""
    if sys.platform == "linux":
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


_libc = ctypes.CDLL(None)
