"""Nodes as OS processes of this machine, started and broken from here.

None of them outlives the process that started it, however that one ends: each node holds the reading end
of a pipe whose writing end is only here, and stops in good order when it closes; on Linux the kernel sends
a signal besides. Each is in a process group of its own, so that Ctrl-C in the terminal reaches the
demo, which then stops them one after the other, and not all of them at once.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

from eye.errors import StartFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_PATIENCE = 20.0  # seconds that a node may take to come up on a busy machine
_GOODBYE = 5.0  # seconds that it may take to stop


class NodeProcess:
    """One node, its name, and the OS process of its present life."""

    def __init__(self, name: str, arguments: Sequence[str], environ: Mapping[str, str]) -> None:
        self.name = name
        self._arguments = list(arguments)
        self._environ = dict(environ)
        self._process: subprocess.Popen[str] | None = None
        self._said: list[str] = []
        self.is_frozen = False

    @property
    def pid(self) -> int:
        """The OS process; 0 while there is none."""
        return self._process.pid if self._process is not None and self.is_alive else 0

    @property
    def is_alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self, heard: Callable[[str, str], None]) -> None:
        """Start the node, and have `heard(name, line)` called with each line that it says of itself."""
        command = [sys.executable, "-m", "eye.cli.main", "start", "--name", self.name, *self._arguments]
        self._said.clear()
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self._environ,
            process_group=0,
        )
        for stream in (self._process.stdout, self._process.stderr):
            threading.Thread(target=self._listen, args=(stream, heard), daemon=True).start()

    def _listen(self, stream: object, heard: Callable[[str, str], None]) -> None:
        with stream:  # type: ignore[attr-defined]  # a pipe, closed when the node has ended
            for line in stream:  # type: ignore[attr-defined]
                self._said.append(line.rstrip())
                heard(self.name, line.rstrip())

    def last_words(self) -> str:
        """Answer what the node said last, for when it did not come up."""
        return self._said[-1] if self._said else f"exit code {self._process.poll() if self._process else None}"

    def kill(self) -> None:
        """SIGKILL: the node says goodbye to nobody."""
        if self._process is not None and self.is_alive:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
        self.is_frozen = False

    def freeze(self) -> None:
        """SIGSTOP: the node is there, and does nothing."""
        if self._process is not None and self.is_alive:
            self._process.send_signal(signal.SIGSTOP)
            self.is_frozen = True

    def thaw(self) -> None:
        """SIGCONT: the node goes on as if nothing had been."""
        if self._process is not None and self.is_alive:
            self._process.send_signal(signal.SIGCONT)
        self.is_frozen = False

    def ask_to_stop(self) -> None:
        """Close the pipe: the node stops in good order."""
        self.thaw()
        if self._process is not None and self._process.stdin is not None:
            try:
                self._process.stdin.close()
            except OSError:
                pass  # it is gone already, and the pipe with it

    def await_end(self, timeout: float) -> bool:
        """Wait until the OS process is gone, kill it after `timeout` seconds; answer whether it went itself."""
        if self._process is None:
            return True
        try:
            self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            return False
        return True


class LocalCluster:
    """The nodes of one demo."""

    def __init__(
        self,
        names: Sequence[str],
        heard: Callable[[str, str], None],
        arguments: Sequence[str] = (),
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        self._heard = heard
        environ = {**environ, "PYTHONUNBUFFERED": "1"}
        self.nodes = {name: NodeProcess(name, arguments, environ) for name in names}

    def __getitem__(self, name: str) -> NodeProcess:
        return self.nodes[name]

    def start(self) -> None:
        """Start all nodes at once; they find each other by themselves."""
        for node in self.nodes.values():
            node.start(self._heard)

    def restart(self, name: str) -> None:
        """Start a node again that has ended."""
        self.nodes[name].start(self._heard)

    def await_up(self, is_up: Callable[[str], bool]) -> None:
        """Wait until `is_up(name)` says so of every node.

        Raises:
            StartFailed: with what the node said last, where one did not come up.
        """
        deadline = time.monotonic() + _PATIENCE
        for node in self.nodes.values():
            while not is_up(node.name):
                if not node.is_alive or time.monotonic() > deadline:
                    raise StartFailed(f"node {node.name}", node.last_words())
                time.sleep(0.02)

    def stop(self) -> list[str]:
        """Stop all nodes, the last first; answer the names in the order in which they were asked."""
        order = list(reversed(self.nodes.values()))
        for node in order:
            node.ask_to_stop()
        deadline = time.monotonic() + _GOODBYE
        for node in order:
            node.await_end(max(deadline - time.monotonic(), 0.1))
        return [node.name for node in order]
