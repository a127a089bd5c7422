"""The command line, run in this process or in one of its own, in folders of the test's own."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, NamedTuple

import pytest

from eye.cli.main import execute
from eye.monitor.config import NodeConfig
from eye.monitor.node import Node

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


class Ran(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home, a configuration and a meeting place of nodes that nobody else has."""
    for name in [
        name for name in os.environ if name.startswith(("EYE_", "XDG_")) or name in ("NO_COLOR", "COLUMNS")
    ]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("EYE_FOLDER", str(tmp_path / "run"))
    return tmp_path


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    """Run a command line in this process."""

    def run(*arguments: str) -> Ran:
        capfd.readouterr()
        code = execute(arguments)
        return Ran(code, *capfd.readouterr())

    return run


@pytest.fixture
def start() -> Callable[..., subprocess.Popen[str]]:
    """Start a command line in a process of its own."""

    def start(*arguments: str, code: str = "") -> subprocess.Popen[str]:
        command = ["-c", code] if code else ["-m", "eye.cli.main"]
        return subprocess.Popen(
            [sys.executable, "-W", "error", *command, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return start


@pytest.fixture
def node(home: Path) -> Iterator[Node]:
    """A real node, mystic-node-1, in this process."""
    node = Node.start(NodeConfig(name="mystic-node-1", allow=frozenset({"kill"})), environ=os.environ)
    yield node
    node.stop()
