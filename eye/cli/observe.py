"""`sorcerers_eye observe`: the live terminal view."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any

import click

from eye.cli.filtering import filter_option
from eye.cli.globs import Glob, matcher
from eye.cli.keeping import history_option, keep_option, where
from eye.cli.logs import hold
from eye.cli.options import Seconds, Shared, option
from eye.cli.options import command as make_command
from eye.cli.pacing import pacing_options
from eye.cli.ruling import alerts_option, rules_of, without_log
from eye.cli.screen import takes_a_screen
from eye.errors import ConfigError, EyeError

if TYPE_CHECKING:
    from pathlib import Path

    from eye.metrics.filters import Filter
    from eye.monitor.node import Node

_EXAMPLE = """\
sorcerers_eye observe
sorcerers_eye observe --filter 'web-* (cpu>80 or status:down)' --sort cpu
sorcerers_eye observe --node mystic-node-1 --page tree"""

_HELP = """The live terminal view of the cluster.

It only looks: it is no node, and no other node sees it. `?` shows the keys, `q` ends it.
"""
_STOP = 5.0  # seconds that leaving may take
_LOADING = 2.0  # seconds that it takes, at the most, until the screen says by itself what it looks at

# Named here again, since their own files bring Textual or much else along; a test compares.
PAGES = {
    "nodes": "nodes", "sight": "who sees whom", "alerts": "alerts", "events": "events",
    "graphs": None, "tree": None, "processes": None,
}  # fmt: skip
SORTS = ("node", "status", "cpu", "memory", "mem%", "procs", "rss", "super", "restarts", "uptime", "seen")


@make_command("observe", help=_HELP, example=_EXAMPLE)
@option("--node", multiple=True, type=Glob(), metavar="GLOB", help="Only nodes of such names. May be repeated.")
@filter_option()
@option(
    "--page",
    type=click.Choice(tuple(PAGES)),
    default="nodes",
    show_default=True,
    help="What is shown first; graphs, tree and processes are those of the first node.",
)
@option(
    "--sort",
    type=click.Choice(SORTS),
    default="node",
    show_default=True,
    help="What the nodes are sorted by: the most of it first.",
)
@option("--bell", is_flag=True, help="Ring the terminal's bell when an alert fires.")
@option(
    "--interval",
    type=Seconds(min=0.1, max=3600),
    default=1.0,
    show_default=True,
    metavar="SECONDS",
    help="How often figures are taken and painted.",
)
@history_option(
    "Keep what is seen there: a file, sqlite:///FILE, postgresql://USER@HOST/DATABASE. Not given, what others "
    "have kept is only read; off does not even look."
)
@keep_option()
@alerts_option("default")
@pacing_options
def command(
    shared: Shared,
    node: tuple[str, ...],
    filter: Filter | None,
    page: str,
    sort: str,
    bell: bool,
    interval: float,
    history: str | None,
    history_keep: str,
    alerts: Path | str | None,
    pacing: dict[str, Any],
) -> int:
    _check_textual()
    _check_terminal()
    from eye.monitor.config import NodeConfig, default_node_name
    from eye.monitor.node import Node

    config = NodeConfig(
        name=default_node_name(os.environ),
        connect=shared.connect,
        cookie_file=shared.cookie_file,
        tls=shared.tls,
        tls_cert=shared.tls_cert,
        tls_key=shared.tls_key,
        tls_ca=shared.tls_ca,
        interval=interval,
        history=where(history),
        writes_history=history is not None,
        history_keep=history_keep,
        **pacing,
    )
    rules = without_log(rules_of(alerts))
    # What is logged would be painted over; it is printed when the terminal is the person's again.
    held = hold(shared.log_level)
    try:
        # While the nodes answer, Textual is loaded.
        threading.Thread(target=_load_textual, name="eye-observe-load", daemon=True).start()
        observer = Node.start(config, environ=os.environ, observer=True)
        try:
            if rules is not None:
                observer.evaluate(rules)
            observer.view.look(_LOADING)
            _show(observer, node, filter, page, sort, bell, interval)
        finally:
            observer.stop(_STOP)
    finally:
        held.let_out()
    return 0


def _show(
    observer: Node, node: tuple[str, ...], wanted: Filter | None, page: str, sort: str, bell: bool, interval: float
) -> None:
    from eye.clock import SystemClock
    from eye.tui.app import Observe
    from eye.tui.ending import Ending
    from eye.tui.nodes_page import Order
    from eye.tui.watching import Start

    tab = PAGES[page]
    with Ending() as ending:
        screen = Observe(
            observer.view,
            SystemClock(),
            wants=matcher(node),
            wanted=wanted,
            interval=interval,
            start=Start(Order(sort), tab or "nodes", None if tab else page),
            rings=bell,
            ending=ending,
        )
        screen.run()
    if screen.return_code:  # Textual has shown what is wrong by now
        raise EyeError("the terminal view has given up; what is above says why. Please report it")


def _load_textual() -> None:
    """Load what takes longest. Nothing of ours, of which the first thread loads other parts at the same time."""
    from textual.app import App  # noqa: F401
    from textual.scroll_view import ScrollView  # noqa: F401
    from textual.widgets import Input  # noqa: F401


def _check_textual() -> None:
    from importlib.util import find_spec

    try:
        is_there = find_spec("textual") is not None
    except ValueError:  # somebody has put a None in its place
        is_there = False
    if not is_there:
        raise ConfigError("observe needs Textual; pip install 'sorcerers-eye[observe]'")


def _check_terminal() -> None:
    if not takes_a_screen():
        raise ConfigError("observe needs a terminal; for scripts there is `sorcerers_eye fetch --watch 1`")
