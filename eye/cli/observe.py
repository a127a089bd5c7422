"""`sorcerers_eye observe`: the live terminal view."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from eye.cli.filtering import filter_option
from eye.cli.globs import Glob, matcher
from eye.cli.keeping import history_option, where
from eye.cli.logs import hold
from eye.cli.options import Seconds, Shared, option
from eye.cli.options import command as make_command
from eye.cli.ruling import alerts_option, rules_of, without_log
from eye.cli.screen import takes_a_screen
from eye.errors import ConfigError, EyeError

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

    from eye.metrics.filters import Filter

_EXAMPLE = """\
sorcerers_eye observe
sorcerers_eye observe --filter 'web-* (cpu>80 or status:down)' --interval 0.5"""

_HELP = """The live terminal view of the cluster.

It only looks: it is no node, and no other node sees it. `?` shows the keys, `q` ends it.
"""
_STOP = 5.0  # seconds that leaving may take


@make_command("observe", help=_HELP, example=_EXAMPLE)
@option("--node", multiple=True, type=Glob(), metavar="GLOB", help="Only nodes of such names. May be repeated.")
@filter_option()
@option(
    "--interval",
    type=Seconds(min=0.1, max=3600),
    default=1.0,
    show_default=True,
    metavar="SECONDS",
    help="How often figures are taken and painted.",
)
@history_option("Where to keep what is seen: a file, sqlite:///FILE, postgresql://USER@HOST/DATABASE, or off.")
@alerts_option("default")
def command(
    shared: Shared,
    node: tuple[str, ...],
    filter: Filter | None,
    interval: float,
    history: str | None,
    alerts: Path | str | None,
) -> int:
    app = _import_app()
    _check_terminal()
    from eye.clock import SystemClock
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
    )
    rules = without_log(rules_of(alerts))
    # What is logged would be painted over; it is printed when the terminal is the person's again.
    held = hold(shared.log_level)
    try:
        observer = Node.start(config, environ=os.environ, observer=True)
        try:
            if rules is not None:
                observer.evaluate(rules)
            screen = app.Observe(
                observer.view, SystemClock(), wants=matcher(node), wanted=filter, interval=interval
            )
            screen.run()
            if screen.return_code:  # Textual has shown what is wrong by now
                raise EyeError("the terminal view has given up; what is above says why. Please report it")
        finally:
            observer.stop(_STOP)
    finally:
        held.let_out()
    return 0


def _import_app() -> ModuleType:
    try:
        import textual  # noqa: F401
    except ImportError:
        raise ConfigError("observe needs Textual; pip install 'sorcerers-eye[observe]'") from None
    from eye.tui import app

    return app


def _check_terminal() -> None:
    if not takes_a_screen():
        raise ConfigError("observe needs a terminal; for scripts there is `sorcerers_eye fetch --watch 1`")
