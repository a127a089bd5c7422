"""`sorcerers_eye demo`: a cluster on this machine, things to break, a narrator."""

from __future__ import annotations

import signal
import sys
import threading
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from pathlib import Path


def play(
    nodes: int,
    port: int,
    no_browser: bool,
    script: bool,
    seconds: float | None,
    cookie_file: Path | None,
    colour: bool,
) -> int:
    """Play the demo in the foreground; answer its exit code."""
    from eye.demo.show import Wishes
    from eye.demo.show import play as play_demo

    stop = threading.Event()

    def on_signal(_number: int, _frame: Any) -> None:
        if stop.is_set():
            raise KeyboardInterrupt  # the second Ctrl-C means it
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, on_signal)
    wishes = Wishes(nodes, port, not no_browser and not script, script, seconds, cookie_file)
    return play_demo(wishes, stop, _write, colour=colour)


def _write(line: str) -> None:
    click.echo(line, file=sys.stdout)
    sys.stdout.flush()
