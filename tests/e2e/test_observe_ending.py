"""`observe` when its terminal is taken away, or stands still: it ends, and leaves nothing running."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import termios
import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.e2e

PATIENCE = 30.0

# An application whose event loop waits for ever for whoever reads what is painted.
STUCK = """
import asyncio, queue
from eye.tui.ending import Ending

async def main(ending):
    ending.begin(lambda: None)
    full = queue.Queue(1)
    full.put("painted")
    print("stuck", flush=True)
    full.put("painted")

with Ending() as ending:
    asyncio.run(main(ending))
"""


class Terminal:
    """A terminal of which we are the far end, as a terminal's window or sshd is."""

    def __init__(self, folder: Path) -> None:
        self.ours, self._theirs = pty.openpty()
        termios.tcsetwinsize(self._theirs, (30, 100))
        self._folder = folder

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        environ = {key: value for key, value in os.environ.items() if not key.startswith("EYE_")}
        environ |= {
            "EYE_FOLDER": str(self._folder / "run"),
            "XDG_CONFIG_HOME": str(self._folder / "config"),
            "TERM": "xterm-256color",
        }
        return subprocess.Popen(
            [sys.executable, *arguments], env=environ, start_new_session=True,
            stdin=self._theirs, stdout=self._theirs, stderr=self._theirs,
        )  # fmt: skip

    def read_until(self, wanted: bytes) -> None:
        deadline, said = time.monotonic() + PATIENCE, b""
        while wanted not in said:
            assert time.monotonic() < deadline, said
            if select.select([self.ours], [], [], 0.1)[0]:
                said += os.read(self.ours, 65536)

    def attributes(self) -> list[object]:
        return termios.tcgetattr(self._theirs)

    def vanish(self) -> None:
        for end in (self._theirs, self.ours):
            if end >= 0:
                os.close(end)
        self._theirs = self.ours = -1


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    terminal = Terminal(tmp_path)
    yield terminal
    terminal.vanish()


def test_it_ends_when_its_terminal_vanishes_without_a_signal(terminal: Terminal) -> None:
    with terminal.start("-m", "eye.cli.main", "observe") as observer:
        try:
            terminal.read_until(b"no node was found yet")
            terminal.vanish()

            assert observer.wait(PATIENCE) in (0, 128 + signal.SIGHUP)
        finally:
            observer.kill()


def test_one_that_waits_for_whoever_reads_ends_by_a_signal_all_the_same(terminal: Terminal) -> None:
    before = terminal.attributes()
    with terminal.start("-c", STUCK) as stuck:
        try:
            terminal.read_until(b"stuck")
            raw = terminal.attributes()
            raw[3] = 0
            termios.tcsetattr(terminal.ours, termios.TCSANOW, raw)  # as Textual has left it
            stuck.send_signal(signal.SIGTERM)
            terminal.read_until(b"\x1b[?25h")

            assert stuck.wait(PATIENCE) == 128 + signal.SIGTERM
            assert terminal.attributes()[:6] == before[:6]
        finally:
            stuck.kill()
