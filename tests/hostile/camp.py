"""Where the nodes of one test live: real processes in a folder of their own, all gone when the test ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any, NamedTuple

import psutil

from eye.clock import SystemClock
from eye.cluster.security import Cookie, load_cookie
from eye.cluster.switchboard import Switchboard

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SOON = 20.0  # seconds


def eventually(true: Callable[[], Any], seconds: float = SOON, what: str = "it") -> None:
    """Wait until something is true, looking often."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"{what} did not come to pass within {seconds:g} s"
        time.sleep(0.02)


class Ran(NamedTuple):
    """How a command line ended."""

    code: int
    out: str
    err: str
    seconds: float


class Running:
    """A process, with all that it has said so far."""

    def __init__(self, command: list[str], environ: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            command,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.out: list[str] = []
        self.err: list[str] = []
        self._readers = [
            threading.Thread(target=self._read, args=(stream, lines), daemon=True)
            for stream, lines in ((self.process.stdout, self.out), (self.process.stderr, self.err))
        ]
        for reader in self._readers:
            reader.start()

    @staticmethod
    def _read(stream: Any, lines: list[str]) -> None:
        with stream:
            lines.extend(iter(stream.readline, ""))

    @property
    def records(self) -> list[dict[str, Any]]:
        """What happened, as far as `--events` has told."""
        return [json.loads(line) for line in list(self.out)]

    def address(self) -> str:
        """Wait until the node is up, and answer where."""
        eventually(lambda: self.err or self.process.poll() is not None, what="the first line of a node")
        assert self.err, f"it ended with {self.process.poll()}"
        assert " is up at " in self.err[0], "".join(self.err)
        return self.err[0].split()[-1]

    def rss(self) -> int:
        return int(psutil.Process(self.process.pid).memory_info().rss)

    def threads(self) -> int:
        return int(psutil.Process(self.process.pid).num_threads())

    def descriptors(self) -> int:
        return int(psutil.Process(self.process.pid).num_fds())

    def end(self, how: int = signal.SIGKILL) -> str:
        """End it, and answer all that it has said on stderr."""
        if self.process.poll() is None:
            self.process.send_signal(how)
            if how == signal.SIGKILL:
                self.process.send_signal(signal.SIGCONT)
        self.process.wait(SOON)
        for reader in self._readers:
            reader.join(SOON)
        return "".join(self.err)


class Camp:
    """One home and one meeting place, and whoever was started there."""

    def __init__(self, home: Path) -> None:
        self.home = home
        usual = {key: value for key, value in os.environ.items() if not key.startswith(("EYE_", "XDG_"))}
        self.environ = {
            **usual,
            "HOME": str(home),
            "XDG_CONFIG_HOME": str(home / "config"),
            "EYE_FOLDER": str(home / "run"),
        }
        self.cookie_file = home / "config" / "sorcerers_eye" / "cookie"
        self._running: list[Running] = []
        self._switchboards: list[Switchboard] = []

    def start(self, *arguments: str, within: tuple[str, ...] = ()) -> Running:
        """Start a command line; `within` is a command that runs it, such as `ip netns exec NS`."""
        command = [*within, sys.executable, "-W", "error", "-m", "eye.cli.main", *arguments]
        running = Running(command, self.environ)
        self._running.append(running)
        return running

    def node(self, name: str, *arguments: str) -> Running:
        """Start a node, and wait until it is up."""
        running = self.start("start", "--name", name, *arguments)
        running.address()
        return running

    def run(self, *arguments: str, seconds: float = 30.0) -> Ran:
        """Run a command line to its end."""
        begun = time.monotonic()
        command = [sys.executable, "-W", "error", "-m", "eye.cli.main", *arguments]
        ran = subprocess.run(
            command, env=self.environ, capture_output=True, text=True, timeout=seconds, check=False
        )
        return Ran(ran.returncode, ran.stdout, ran.stderr, time.monotonic() - begun)

    @property
    def cookie(self) -> Cookie:
        return load_cookie(self.cookie_file, create=False)

    def asker(self) -> Switchboard:
        """Somebody who asks the nodes, on the thread that uses it."""
        switchboard = Switchboard(self.cookie, SystemClock())
        self._switchboards.append(switchboard)
        return switchboard

    def close(self) -> None:
        for running in self._running:
            running.end()
        for switchboard in self._switchboards:
            switchboard.close()
