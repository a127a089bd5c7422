"""`sorcerers_eye web`: the web view alone, of a cluster that runs elsewhere."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from eye.cli.keeping import history_option, keep_option, where
from eye.cli.options import Shared, Whole, option
from eye.cli.options import command as make_command
from eye.cli.pacing import pacing_options
from eye.cli.ruling import alerts_option, rules_of
from eye.cli.screen import news
from eye.cli.serving import check, say_where, serve, serving, web_options

if TYPE_CHECKING:
    from pathlib import Path

    from eye.monitor.node import Node

_EXAMPLE = """\
sorcerers_eye web
sorcerers_eye web --port 8080 --no-browser
sorcerers_eye web --host 0.0.0.0 --web-login token:look --web-cert cert.pem --web-key key.pem"""

_HELP = """The web view alone, in a browser.

It only looks: it is no node, and no other node sees it. Ctrl-C ends it.
"""


@make_command("web", help=_HELP, example=_EXAMPLE)
@option(
    "--port",
    type=Whole(0, 65535),
    default=0,
    show_default="a free one",
    metavar="PORT",
    help="Where to serve it.",
)
@option("--host", default="127.0.0.1", show_default=True, metavar="HOST", help="On which address of this machine.")
@history_option("Where to keep what is seen: a file, sqlite:///FILE, postgresql://USER@HOST/DATABASE, or off.")
@keep_option()
@option("--no-browser", is_flag=True, help="Do not open a browser.")
@alerts_option("default")
@web_options
@pacing_options
def command(
    shared: Shared,
    port: int,
    host: str,
    history: str | None,
    history_keep: str,
    no_browser: bool,
    alerts: Path | str | None,
    pacing: dict[str, Any],
    **options: Any,
) -> int:
    from eye.cli.foreground import Foreground
    from eye.cluster.node import Address
    from eye.monitor.config import NodeConfig, default_node_name
    from eye.monitor.node import Node

    address, wanted = Address(host, port), serving(options)
    check(wanted, address)
    rules = rules_of(alerts)
    config = NodeConfig(
        name=default_node_name(os.environ),
        connect=shared.connect,
        cookie_file=shared.cookie_file,
        tls=shared.tls,
        tls_cert=shared.tls_cert,
        tls_key=shared.tls_key,
        tls_ca=shared.tls_ca,
        history=where(history),
        history_keep=history_keep,
        **pacing,
    )

    def came_up(node: Node) -> None:
        if rules is not None:
            node.evaluate(rules)
        url = serve(node, address, wanted)
        say_where(url, wanted)
        if not node.view.nodes():
            news("no node was found yet; the page shows them as they come")
        if not no_browser:
            open_browser(url)

    return Foreground(shared).run(lambda: Node.start(config, environ=os.environ, observer=True), came_up)


def open_browser(url: str) -> None:
    """Open a page in the person's browser, where there is a screen for one."""
    if sys.platform not in ("win32", "darwin") and not (
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    ):
        return  # `webbrowser` would fall back on a browser in text mode, and take this terminal
    import webbrowser

    webbrowser.open(url)
