"""`observe` in a real terminal (tmux's), with real nodes: filtered, opened, a process crashed, left in order."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import psutil
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(shutil.which("tmux") is None, reason="there is no tmux on this machine: apt install tmux"),
]

EYE = [sys.executable, "-m", "eye.cli.main"]


class Terminal:
    """A terminal of 100 columns and 30 lines with a shell in it, and nobody else's tmux."""

    def __init__(self, folder: Path) -> None:
        self._tmux = ["tmux", "-S", str(folder / "tmux"), "-f", os.devnull]
        self._environ = {
            **{
                key: value
                for key, value in os.environ.items()
                if not key.startswith(("EYE_", "TMUX", "COLUMNS", "LINES"))
            },
            "EYE_FOLDER": str(folder / "run"),
            "XDG_CONFIG_HOME": str(folder / "config"),
            "TERM": "xterm-256color",
            "LC_ALL": "C.UTF-8",
            "PS1": "$ ",
        }
        self._folder = folder
        self.nodes: list[subprocess.Popen[str]] = []
        self._do("new-session", "-d", "-x", "100", "-y", "30", "sh")

    def node(self, name: str, *arguments: str) -> None:
        process = subprocess.Popen(
            [*EYE, "start", "--name", name, *arguments],
            env=self._environ, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.nodes.append(process)
        assert process.stderr is not None
        assert "is up at" in process.stderr.readline()

    def type(self, *keys: str) -> None:
        self._do("send-keys", *keys)

    def run(self, *arguments: str) -> None:
        self.type(shlex.join([*EYE, *arguments]) + "; echo ended with $?", "Enter")

    def screen(self) -> str:
        return self._do("capture-pane", "-p")

    def until(self, holds: Callable[[str], object]) -> str:
        deadline = time.monotonic() + 20.0
        while not holds(screen := self.screen()):
            assert time.monotonic() < deadline, screen
            time.sleep(0.02)
        return screen

    def observer(self) -> psutil.Process:
        shell = psutil.Process(int(self._do("display-message", "-p", "#{pane_pid}")))
        (observer,) = shell.children()
        return observer

    def close(self) -> None:
        self._do("kill-server")
        for node in self.nodes:
            node.terminate()
            node.communicate(timeout=20.0)

    def _do(self, *arguments: str) -> str:
        done = subprocess.run(
            [*self._tmux, *arguments], env=self._environ, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    terminal = Terminal(tmp_path)
    yield terminal
    terminal.close()


def test_a_walk_through_it(terminal: Terminal) -> None:
    terminal.node("web-1", "--allow", "kill")
    terminal.node("db-1")
    terminal.run("observe")
    terminal.until(lambda screen: "2 nodes  ● 2 up" in screen)

    terminal.type("/", "web", "Enter")
    terminal.until(lambda screen: "1 shown" in screen and "● up at" in screen)
    terminal.type("Enter")
    terminal.until(lambda screen: "CPU of the machine: " in screen and "%" in screen)
    terminal.type("2")
    terminal.until(lambda screen: "sampler" in screen)
    terminal.type("Down", "Down", "Down", "Down", "x")
    terminal.until(lambda screen: "Crash /eye/local/sampler on web-1?" in screen)
    terminal.type("y")
    terminal.until(lambda screen: "sampler#2" in screen and "restarted because it crashed" in screen)
    terminal.type("3")
    terminal.until(lambda screen: "HANDLED" in screen)
    terminal.type("Escape")
    terminal.until(lambda screen: "NODE" in screen)
    terminal.type("q")

    terminal.until(lambda screen: "ended with 0" in screen)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_signals_leave_the_terminal_in_order(terminal: Terminal, number: signal.Signals) -> None:
    terminal.node("web-1")
    terminal.run("observe")
    terminal.until(lambda screen: "1 node  ● 1 up" in screen)
    observer = terminal.observer()

    if number == signal.SIGINT:
        terminal.type("C-c")
    else:
        observer.send_signal(number)

    terminal.until(lambda screen: "ended with 0" in screen)
    terminal.type("echo it can be typed here", "Enter")
    terminal.until(lambda screen: screen.count("it can be typed here") >= 2)
    assert not observer.is_running()


def test_where_there_is_no_terminal_it_says_what_to_use_instead(terminal: Terminal) -> None:
    terminal.run("observe", "--interval", "0.5")
    terminal.until(lambda screen: "no node was found yet" in screen)
    terminal.type("q")
    terminal.until(lambda screen: "ended with 0" in screen)

    done = subprocess.run([*EYE, "observe"], capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "sorcerers_eye: observe needs a terminal; for scripts there is `sorcerers_eye fetch --watch 1`\n"
    )


def test_without_textual_it_names_the_extra() -> None:
    code = (
        "import sys; sys.modules['textual'] = None\n"
        "from eye.cli.main import execute\n"
        "sys.exit(execute(['observe']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (2, "")
    assert "pip install 'sorcerers-eye[observe]'" in done.stderr
