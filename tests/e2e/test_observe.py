"""`observe` in a real terminal (tmux's), with real nodes: filtered, opened, a process crashed, left in order."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from eye.tui import cells

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(shutil.which("tmux") is None, reason="there is no tmux on this machine: apt install tmux"),
]

ROOT = Path(__file__).parents[2]
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

    def program(self, code: str) -> None:
        """Run a program of which a node is a part, until its stdin ends."""
        process = subprocess.Popen(
            [sys.executable, "-c", code], env=self._environ,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.nodes.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"

    def resize(self, columns: int, lines: int) -> None:
        self._do("resize-window", "-x", str(columns), "-y", str(lines))

    def title(self) -> str:
        return self._do("display-message", "-p", "#{pane_title}").strip()

    def type(self, *keys: str) -> None:
        self._do("send-keys", *keys)

    def run(self, *arguments: str, before: str = "") -> None:
        self.type(before + shlex.join([*EYE, *arguments]) + "; echo ended with $?", "Enter")

    def screen(self, *how: str) -> str:
        return self._do("capture-pane", "-p", *how)

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
    terminal.type("/", "sampler", "Enter", "End", "x")
    terminal.until(lambda screen: "Crash /eye/local/sampler on web-1?" in screen)
    terminal.type("y")
    terminal.until(lambda screen: "sampler#2" in screen and "ago because it crashed" in screen)
    terminal.type("3")
    terminal.until(lambda screen: "HANDLED" in screen)
    terminal.type("Escape", "Escape")
    terminal.until(lambda screen: "NODE" in screen)
    terminal.type("q")

    terminal.until(lambda screen: "ended with 0" in screen)


SHOP = """
import sys, eye
from eye import ChildSpec, GenServer, Supervisor

class Orders(GenServer):
    def init(self):
        self.kept = {17: "ring"}

node = eye.start_node("shop", allow=("kill", "state"))
specs = [ChildSpec(Orders, id="orders"), ChildSpec(Orders, id="r\\x1b[31m\\u202ed")]
node.system.start(Supervisor, specs, name="shop")
print("ready", flush=True)
sys.stdin.read()
"""


def test_what_can_be_done_to_a_process(terminal: Terminal) -> None:
    terminal.program(SHOP)
    terminal.run("observe", "--page", "tree")
    terminal.until(lambda screen: "shop" in screen and "r�[31m�d" in screen)

    terminal.type("/", "orders", "Enter", "Down")
    terminal.until(lambda screen: "search: orders" in screen and "sampler" not in screen)
    terminal.type("z")
    terminal.until(lambda screen: "Suspend /shop/orders on shop?" in screen)
    terminal.type("y")
    terminal.until(lambda screen: "suspended" in screen.partition("── events")[0])
    terminal.type("z")
    terminal.until(lambda screen: "suspended" not in screen.partition("── events")[0])
    terminal.type("i")
    terminal.until(lambda screen: "{17: 'ring'}" in screen)
    terminal.type("R", "y")
    terminal.until(lambda screen: "/shop/orders was started again" in screen)
    terminal.type("S", "y")
    terminal.until(lambda screen: "○ stopped" in screen)
    terminal.type("Escape", "Escape", "Home", "Down", "z", "y")
    terminal.until(lambda screen: "the node lives by it" in screen)
    terminal.type("[")
    terminal.until(lambda screen: "LOOKING BACK" in screen and "1 min 0 s ago" in screen)
    terminal.type("q")

    terminal.until(lambda screen: "ended with 0" in screen)


def test_nothing_of_what_a_node_says_reaches_the_terminal_as_a_command(terminal: Terminal) -> None:
    before = terminal.title()
    terminal.resize(140, 40)
    terminal.type(f"cd {shlex.quote(str(ROOT))}; {sys.executable} -m tests.tui.hostile; echo ended", "Enter")

    screen = terminal.until(lambda screen: "10 nodes  ● 10 up" in screen)
    rows = [line for line in screen.splitlines() if "● up  " in line and "%" in line]
    assert len(rows) == 10
    assert len({cells.width(row.partition("● up")[0]) for row in rows}) == 1
    for keys, expected in (
        (["2"], "SEES"),
        (["3"], "firing"),
        (["4"], "down: "),
        (["1", "Enter"], "CPU of the machine: "),
        (["2"], "rest_for_one"),
        (["3"], "HANDLED"),
        (["Down", "i"], "STATE of a "),
        (["x"], "y: yes"),
        (["n", "["], "LOOKING BACK"),
    ):
        terminal.type(*keys)
        screen = terminal.until(lambda screen, expected=expected: expected in screen)  # type: ignore[misc]
        assert "Sorcerer's Eye" in screen.splitlines()[0], screen
        assert terminal.title() == before
    terminal.type("q")
    terminal.until(lambda screen: "Sorcerer" not in screen and screen.count("ended") == 2)


def test_ctrl_z_and_back_and_another_size(terminal: Terminal) -> None:
    terminal.node("web-1")
    terminal.run("observe")
    terminal.until(lambda screen: "1 node  ● 1 up" in screen)

    terminal.type("C-z")
    terminal.until(lambda screen: "Sorcerer" not in screen and "$" in screen)
    terminal.type("fg", "Enter")
    terminal.until(lambda screen: "1 node  ● 1 up" in screen and "── events" in screen)
    for columns, lines in ((200, 50), (80, 24), (30, 8)):
        terminal.resize(columns, lines)
        terminal.until(lambda screen, lines=lines: "web-1" in screen and len(screen.splitlines()) == lines)  # type: ignore[misc]
    terminal.type("q")
    terminal.resize(100, 30)

    terminal.until(lambda screen: "ended with" in screen)


def test_without_colour_there_is_none(terminal: Terminal) -> None:
    terminal.node("web-1")
    terminal.run("observe", before="NO_COLOR=1 ")
    terminal.until(lambda screen: "● up" in screen and "%" in screen)

    assert not re.search(r"\x1b\[[0-9;]*(3[1-7]|4[1-7]|9[1-7]|38|48)[;m]", terminal.screen("-e"))

    terminal.type("q")
    terminal.until(lambda screen: "ended with 0" in screen)


def test_a_terminal_that_cannot_be_painted_on_is_told(terminal: Terminal) -> None:
    terminal.run("observe", before="TERM=dumb ")

    screen = terminal.until(lambda screen: "ended with 2" in screen)
    assert "observe needs a terminal" in screen.replace("\n", "")


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
