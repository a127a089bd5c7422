"""Nodes for benchmarks: OS processes in a folder of their own, so that no other node is met, and none is left.

    with Fleet(3) as fleet:
        fleet.await_up()
        ...

The folder takes the place of the user's: cookie, configuration, and where nodes meet. Each node is in a
process group of its own, so that Ctrl-C reaches the benchmark first, which then stops them.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from eye.clock import SystemClock
from eye.cluster.discovery.local import read_all
from eye.cluster.engines.manager import ManagerEngine
from eye.cluster.node import Status
from eye.cluster.registry import NODES
from eye.cluster.security import load_cookie
from eye.errors import ClusterError

if TYPE_CHECKING:
    from collections.abc import Sequence

# What the console script does, without asking where it was installed.
COMMAND = (sys.executable, "-c", "import sys; from eye.cli.main import run; sys.exit(run())")

_GOODBYE = 10.0  # seconds that the nodes get to stop


class Fleet:
    """So many nodes, named node-1, node-2, …; with `options` on their command lines."""

    def __init__(self, count: int, options: Sequence[str] = ()) -> None:
        self._home = Path(tempfile.mkdtemp(prefix="eye-benchmark-"))
        self.environ = isolated(self._home)
        self._options = list(options)
        self.names = [f"node-{number}" for number in range(1, count + 1)]
        self.nodes: dict[str, subprocess.Popen[bytes]] = {}
        self._engine: ManagerEngine | None = None

    def __enter__(self) -> Fleet:
        try:
            for name in self.names:
                self.start(name)
        except BaseException:
            self._stop()
            raise
        return self

    def start(self, name: str) -> None:
        """Start the node of that name; also again, when it has ended."""
        self.run(name, "start", "--name", name, *self._options)

    def run(self, name: str, *command: str) -> None:
        """Start a command that goes on until the fleet stops; `said` tells what it prints."""
        with (self._home / f"{name}.out").open("wb") as out, (self._home / f"{name}.err").open("wb") as err:
            self.nodes[name] = subprocess.Popen(
                [*COMMAND, *command],
                env=self.environ,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                process_group=0,
            )

    def __exit__(self, *_: object) -> None:
        self._stop()

    def said(self, name: str) -> str:
        """What a node has printed so far, on both streams."""
        return "".join((self._home / f"{name}.{stream}").read_text() for stream in ("out", "err"))

    def address_of(self, name: str) -> str:
        """Where a node listens."""
        return next(entry.address for entry in read_all(Path(self.environ["EYE_FOLDER"])) if entry.name == name)

    def await_up(self, timeout: float = 60.0) -> list[float]:
        """Wait until every registry has every node up.

        Returns:
            For each registry, how many seconds after the call it was seen to be so.
        """
        began = time.monotonic()
        self._wake()
        complete: dict[str, float] = {}
        while len(complete) < len(self.names):
            for name, node in self.nodes.items():
                if node.poll() is not None:
                    raise RuntimeError(f"{name} ended: {self.said(name)}")
            if time.monotonic() - began > timeout:
                late = sorted(set(self.names) - set(complete))
                raise TimeoutError(f"after {timeout:g} s these do not see everybody: {', '.join(late)}")
            for entry in read_all(Path(self.environ["EYE_FOLDER"])):
                if entry.name not in complete and self._sees_everybody(entry.address):
                    complete[entry.name] = time.monotonic() - began
            time.sleep(0.02)
        return list(complete.values())

    def await_status(self, name: str, status: Status, timeout: float = 60.0) -> None:
        """Wait until every other node's registry has that node in that status."""
        self._wake()
        deadline = time.monotonic() + timeout
        folder = Path(self.environ["EYE_FOLDER"])
        others = {entry.address for entry in read_all(folder) if entry.name != name and entry.name in self.names}
        while others:
            if time.monotonic() > deadline:
                raise TimeoutError(f"after {timeout:g} s these do not see {name} as {status.value}: {others}")
            others = {address for address in others if (name, status) not in self._statuses(address)}
            time.sleep(0.005)

    def _wake(self) -> None:
        cookie = load_cookie(Path(self.environ["XDG_CONFIG_HOME"]) / "sorcerers_eye" / "cookie")
        self._engine = self._engine or ManagerEngine(cookie, SystemClock())

    def _sees_everybody(self, address: str) -> bool:
        return sum(status is Status.UP for _, status in self._statuses(address)) == len(self.names)

    def _statuses(self, address: str) -> set[tuple[str, Status]]:
        assert self._engine is not None
        try:
            digest = self._engine.request(address, NODES, timeout=2.0)
        except ClusterError:
            return set()  # it is not that far yet
        return {(member.name, member.status) for member in digest.members or ()}

    def rest(self) -> None:
        """Let go of the connections that `await_up` opened: from now on nobody looks."""
        if self._engine is not None:
            self._engine.close()
            self._engine = None

    def _stop(self) -> None:
        self.rest()
        for node in self.nodes.values():
            if node.poll() is None:
                node.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + _GOODBYE
        for node in self.nodes.values():
            try:
                node.wait(max(deadline - time.monotonic(), 0.1))
            except subprocess.TimeoutExpired:
                node.kill()
                node.wait()
        self.left_behind = self._leftovers()
        shutil.rmtree(self._home, ignore_errors=True)

    def _leftovers(self) -> list[str]:
        folder = Path(self.environ["EYE_FOLDER"])
        files = [file.name for file in folder.iterdir()] if folder.exists() else []
        return [name for name in files if not name.startswith(".")]


def isolated(home: Path) -> dict[str, str]:
    """Make an environment in which this user has nothing of ours, no node and no history, but under `home`."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("EYE_")}
    folders = {
        "EYE_FOLDER": "run",
        "XDG_CONFIG_HOME": "config",
        "XDG_RUNTIME_DIR": "runtime",
        "XDG_DATA_HOME": "data",
    }
    for name, folder in folders.items():
        (home / folder).mkdir(mode=0o700, exist_ok=True)
        environ[name] = str(home / folder)
    return environ
