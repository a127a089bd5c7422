"""A node in the foreground: until SIGTERM, Ctrl-C or the end of whoever started it, then an orderly stop.

Signals are caught before the node starts, so that one that comes early is not lost. A signal handler only
puts a word into a queue (`SimpleQueue.put` may be interrupted by itself, a lock may not).
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from eye.cli.logs import hold, set_up
from eye.cli.screen import hush
from eye.errors import EyeError

if TYPE_CHECKING:
    from collections.abc import Callable

    from eye.cli.logs import Held
    from eye.cli.options import Shared
    from eye.monitor.node import Node

_STOP = 5.0  # seconds that the node may take to stop
_EXIT = 3.0  # seconds more that threads may take which nobody can end
_LOOK = 1.0  # seconds between two looks at whether the node still stands
_MANY_FILES = 65_536, 10_240  # more than any node needs, and what macOS always allows
_PR_SET_PDEATHSIG = 1  # prctl(2)


class Foreground:
    """Runs one node, and knows when it is to stop."""

    def __init__(self, shared: Shared, *, stop_with_parent: bool = False) -> None:
        self._shared = shared
        self._stops: SimpleQueue[str] = SimpleQueue()
        self._interrupts = 0
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)
        if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # not under nohup
            signal.signal(signal.SIGHUP, self._on_signal)
        if stop_with_parent:
            self._watch_parent()

    def run(self, start: Callable[[], Node], came_up: Callable[[Node], None]) -> int:
        """Start a node, call `came_up`, wait, stop it. Blocks; answers the exit code."""
        held = self._set_up_logs()
        _allow_many_files()
        try:
            node = start()
        except BaseException:
            _leave_within(_EXIT)
            raise
        try:
            came_up(node)
            if held is not None:
                held.let_out()
            ended_by_itself = self._wait(node)
        finally:
            _leave_within(_STOP + _EXIT)
            node.stop(_STOP)
        if ended_by_itself:
            raise EyeError(f"node {node.name!r} has given up: its processes crashed more often than they may")
        return 0

    def _set_up_logs(self) -> Held | None:
        if self._shared.log_level_is_given:
            set_up(self._shared.log_level)
            return None
        return hold(self._shared.log_level)

    def _wait(self, node: Node) -> bool:
        while True:
            try:
                self._stops.get(timeout=_LOOK)
            except Empty:
                if node.wait(0):
                    return True
            else:
                return False

    def _on_signal(self, number: int, frame: Any) -> None:
        del frame
        self._interrupts += number == signal.SIGINT
        if self._interrupts > 1:  # the second Ctrl-C means it
            os._exit(128 + number)
        self._stops.put(signal.Signals(number).name)

    def _watch_parent(self) -> None:
        # The pipe closes however the parent ends. A node that is stopped (SIGSTOP) at that moment would not
        # notice: the kernel is asked to send SIGCONT then, which does nothing to a node that runs.
        if sys.platform == "linux":
            import ctypes

            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGCONT), 0, 0, 0)
        threading.Thread(target=self._read_stdin, name="eye-parent", daemon=True).start()

    def _read_stdin(self) -> None:
        try:
            while os.read(0, 4096):
                pass
        except OSError:
            pass  # there was none to begin with
        self._stops.put("the parent has ended")


def _allow_many_files() -> None:
    """Raise the soft limit of open files: a node of a large cluster has some connections with each other node."""
    try:
        import resource
    except ImportError:
        return  # not POSIX
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for many in _MANY_FILES:
        wanted = many if hard == resource.RLIM_INFINITY else min(hard, many)
        if soft == resource.RLIM_INFINITY or soft >= wanted:
            return
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
            return
        except (ValueError, OSError):
            pass  # not allowed; who has too few is told when it matters


def _leave_within(seconds: float) -> None:
    """End this process in so many seconds, come what may: a thread that hangs must not keep it."""

    def leave() -> None:
        hush()
        os._exit(1)

    timer = threading.Timer(seconds, leave)
    timer.daemon = True
    timer.start()
