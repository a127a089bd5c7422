"""The demo from beginning to end: nodes start, a page opens, things break, everything is cleared away."""

from __future__ import annotations

import os
import secrets
import select
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eye.cluster.discovery.local import read_all
from eye.demo.narrator import Narrator
from eye.demo.stage import Stage
from eye.demo.story import SAMPLER, the_whole_story
from eye.monitor.config import NodeConfig, cookie_path, runtime_folder
from eye.monitor.node import Node

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable
    from pathlib import Path

    from eye.alerts.rules import RuleSet

_MENU = """
  Break something, and watch the page:
    1  crash a process            2  crash it again and again     3  crash a collector of this eye
    4  kill -9 a node / start it  5  freeze a node / thaw it      q  quit
"""

_RIGHTS = ("kill", "state")
"""What may be done to the demo's nodes that others do not allow unless told to."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the person asked for."""

    nodes: int = 3
    port: int = 0
    opens_browser: bool = True
    plays_script: bool = False
    ends_after: float | None = None  # seconds
    cookie_file: Path | None = None
    history: str = "off"
    rules: RuleSet | None = None


def play(wishes: Wishes, stop: threading.Event, write: Callable[[str], None], *, colour: bool) -> int:
    """Run the demo until `stop` is set, its time is up, or the script has been played.

    Returns:
        The exit code: 0, or 1 where something the script expected did not come to pass.
    """
    environ = os.environ
    narrator = Narrator(write, colour=colour)
    names = _free_names(wishes.nodes)
    eye = Node.start(
        NodeConfig(
            name=f"demo-{os.getpid()}",
            cookie_file=wishes.cookie_file,
            allow=frozenset(_RIGHTS),
            history=wishes.history,
        ),
        environ=environ,
        observer=True,
    )
    arguments = [word for right in _RIGHTS for word in ("--allow", right)]
    if wishes.cookie_file is not None:
        arguments += ["--cookie-file", str(cookie_path(environ, wishes.cookie_file))]
    stage = Stage(names, eye, narrator, arguments)
    try:
        began = time.monotonic()
        stage.start()
        if wishes.rules is not None:
            eye.evaluate(wishes.rules)
        token = secrets.token_urlsafe(12)
        url = _serve(eye, wishes.port, token)
        narrator.say("")
        count = "1 node is up" if len(names) == 1 else f"{len(names)} nodes are up"
        narrator.say(f"{count} after {time.monotonic() - began:.1f} s: {', '.join(names)}")
        narrator.say(f"Watch them:  {url}")
        narrator.say(f"Its buttons break things, too, for who has this token:  {token}")
        narrator.say("In another terminal:  sorcerers_eye fetch")
        if wishes.opens_browser:
            _open(url)
        if wishes.plays_script:
            return _play_script(stage, narrator, stop)
        _play_by_hand(stage, narrator, stop, wishes.ends_after)
        return 0
    finally:
        _clear_away(stage, eye, narrator)


def _free_names(count: int) -> list[str]:
    """Choose `mystic-node-1` and so on, but none that a live node of this machine has."""
    taken = {entry.name for entry in read_all(runtime_folder(os.environ))}
    number = 0
    names: list[str] = []
    while len(names) < count:
        number += 1
        if f"mystic-node-{number}" not in taken:
            names.append(f"mystic-node-{number}")
    return names


def _serve(eye: Node, port: int, token: str) -> str:
    from eye.web.service import serve

    return serve(eye, "127.0.0.1", port, actions=token)


def _open(url: str) -> None:
    import webbrowser

    # A machine without a screen has none to open; then a text browser would take the terminal.
    if os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY") or sys.platform in ("darwin", "win32"):
        webbrowser.open(url)


def _play_script(stage: Stage, narrator: Narrator, stop: threading.Event) -> int:
    failures = 0
    for number, step in enumerate(the_whole_story(stage.names), start=1):
        if stop.is_set():
            break
        narrator.say("")
        narrator.say(f"{number}. {step.title}")
        since, began = stage.heard, time.monotonic()
        step.do(stage)
        missing = stage.await_step(step, since)
        failures += len(missing)
        for says in missing:
            narrator.line("", "▲", f"did not happen in time: {says}")
        if not missing:
            narrator.line("", "●", f"as expected, {time.monotonic() - began:.1f} s. {step.moral}")
    narrator.say("")
    narrator.say("The end: everything that broke came back." if not failures else f"Not as expected: {failures}.")
    return 1 if failures else 0


def _play_by_hand(stage: Stage, narrator: Narrator, stop: threading.Event, ends_after: float | None) -> None:
    keys = _Keys()
    if keys.works:
        narrator.say(_MENU)
    else:
        narrator.say("Ctrl-C stops everything.")
    deadline = None if ends_after is None else time.monotonic() + ends_after
    last = stage.names[-1]
    with keys:
        while not stop.is_set() and (deadline is None or time.monotonic() < deadline):
            key = keys.read(0.2, stop)
            if key == "q":
                return
            if key in _ACTIONS:
                _ACTIONS[key](stage, last)


def _kill_or_start(stage: Stage, node: str) -> None:
    if stage.cluster[node].is_alive:
        stage.kill_node(node)
    else:
        stage.restart_node(node)


def _freeze_or_thaw(stage: Stage, node: str) -> None:
    if stage.cluster[node].is_frozen:
        stage.thaw_node(node)
    else:
        stage.freeze_node(node)


_ACTIONS: dict[str, Callable[[Stage, str], None]] = {
    "1": lambda stage, node: stage.crash(node, SAMPLER),
    "2": lambda stage, node: stage.crash_often(node, SAMPLER, 4),
    "3": lambda stage, _node: stage.crash_collector(),
    "4": _kill_or_start,
    "5": _freeze_or_thaw,
}


class _Keys:
    """Single keys of the terminal, without Enter; nothing where stdin is no terminal."""

    def __init__(self) -> None:
        self.works = sys.stdin is not None and sys.stdin.isatty()
        self._before: Any = None

    def __enter__(self) -> _Keys:
        if self.works:
            import termios
            import tty

            self._before = termios.tcgetattr(sys.stdin)
            tty.setcbreak(sys.stdin)
        return self

    def __exit__(self, *_: object) -> None:
        if self._before is not None:
            import termios

            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, self._before)

    def read(self, seconds: float, stop: threading.Event) -> str:
        """Wait for a key for at most so long; empty if there was none."""
        if not self.works:
            stop.wait(seconds)
            return ""
        ready, _, _ = select.select([sys.stdin], [], [], seconds)
        return os.read(sys.stdin.fileno(), 1).decode("ascii", "replace") if ready else ""


def _clear_away(stage: Stage, eye: Node, narrator: Narrator) -> None:
    narrator.say("")
    narrator.say("Stopping, the last started first:")
    for name in stage.stop():
        narrator.line(name, "○", "stopped")
    eye.stop()
