"""`sorcerers_eye demo`: a cluster on this machine, things to break, a narrator."""

from __future__ import annotations

import os
import signal
import sys
import threading
from typing import TYPE_CHECKING, Any

import click

from eye.cli.keeping import history_option, where
from eye.cli.options import Seconds, Whole, command, option
from eye.cli.ruling import alerts_option, rules_of

if TYPE_CHECKING:
    from pathlib import Path

    from eye.cli.options import Shared


@command(
    "demo",
    help="Start a cluster on this machine, a page that shows it, and a narrator; then break things.\n\n"
    "The nodes are OS processes, and everything that happens to them is real. Ctrl-C stops all of it.",
    example="sorcerers_eye demo --nodes 5\nsorcerers_eye demo --script --no-browser",
)
@option("--nodes", type=Whole(1, 50), default=3, show_default=True, help="How many nodes.")
@option(
    "--port",
    type=Whole(0, 65535),
    default=0,
    show_default="a free one",
    help="The port of the page, on this machine.",
)
@option("--no-browser", is_flag=True, help="Do not open a browser.")
@option("--script", is_flag=True, help="Play the whole story by itself, say what the tree did, and end.")
@option("--for", "seconds", type=Seconds(min=0.1), metavar="SECONDS", help="End by itself after so long.")
@history_option("Where to keep what is seen: a file, sqlite:///FILE, postgresql://USER@HOST/DATABASE, or off.")
@alerts_option("default")
def command_(
    shared: Shared,
    nodes: int,
    port: int,
    no_browser: bool,
    script: bool,
    seconds: float | None,
    history: str | None,
    alerts: Path | str | None,
) -> int:
    from eye.cli.logs import set_up
    from eye.demo.show import Wishes, play

    set_up(shared.log_level if shared.log_level_is_given else "critical")
    rules = rules_of(alerts)
    wishes = Wishes(
        nodes, port, not no_browser and not script, script, seconds, shared.cookie_file, where(history), rules
    )
    return play(wishes, _stop_on_signals(), _write, colour=_wants_colour())


def _stop_on_signals() -> threading.Event:
    stop = threading.Event()

    def on_signal(_number: int, _frame: Any) -> None:
        if stop.is_set():
            raise KeyboardInterrupt  # the second Ctrl-C means it
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, on_signal)
    return stop


def _wants_colour() -> bool:
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def _write(line: str) -> None:
    click.echo(line)


command = command_
