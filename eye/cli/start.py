"""`sorcerers_eye start`: one node in the foreground."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from eye.cli.options import Seconds, Shared, option
from eye.cli.options import command as make_command
from eye.cli.screen import hush, news, tell
from eye.cluster.node import Address
from eye.errors import BadAddress
from eye.monitor.config import ACTIONS, DISCOVERY, NodeConfig

if TYPE_CHECKING:
    from eye.monitor.node import Node

_EXAMPLE = """\
sorcerers_eye start --name mystic-node-1
sorcerers_eye start --name mystic-node-2 --web 8080 --allow kill
sorcerers_eye start --name far-away --listen 10.0.0.7:4711 --connect 10.0.0.5:4711"""

_HELP = """Run one node in the foreground, until SIGTERM or Ctrl-C.

Nodes of one user on one machine find each other by themselves; others are told of each other with
--connect. Whoever connects to one node gets to know its peers.
"""


class _Place(click.types.StringParamType):
    """An address of which the host may be missing: `8080`, `:8080`, `0.0.0.0:8080`."""

    name = "place"
    takes_numbers = True

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        text = f":{value}" if str(value).isdigit() else str(value)
        try:
            Address.parse(text)
        except BadAddress as error:
            self.fail(str(error), param, ctx)
        return text


class _Wishes(NamedTuple):
    config: NodeConfig
    web: Address | None
    writes_events: bool


@make_command("start", help=_HELP, example=_EXAMPLE)
@option("--name", required=True, metavar="NAME", help="What the node is called: a name of its own in the cluster.")
@option(
    "--listen",
    type=_Place(),
    default="127.0.0.1:0",
    metavar="[HOST:]PORT",
    show_default="this machine alone, a free port",
    help="Where other nodes reach it.",
)
@option(
    "--discover",
    type=click.Choice(DISCOVERY),
    multiple=True,
    default=DISCOVERY,
    show_default="all",
    help="How it finds other nodes. May be repeated.",
)
@option("--web", type=_Place(), metavar="[HOST:]PORT", help="Serve the web view there as well.")
@option(
    "--allow",
    type=click.Choice(ACTIONS),
    multiple=True,
    help="What others may do to this node besides reading it. May be repeated.",
)
@option(
    "--interval",
    type=Seconds(min=0.1, max=3600),
    metavar="SECONDS",
    default=1.0,
    show_default=True,
    help="How long it is from one sample to the next.",
)
@option("--events", is_flag=True, hidden=True, help="Write what happens to stdout, a line of JSON for each.")
@option("--stop-with-parent", is_flag=True, hidden=True, help="Stop when stdin ends.")
def command(
    shared: Shared,
    name: str,
    listen: str,
    discover: tuple[str, ...],
    web: str | None,
    allow: tuple[str, ...],
    interval: float,
    events: bool,
    stop_with_parent: bool,
) -> int:
    from eye.cli.foreground import Foreground

    config = NodeConfig(
        name=name,
        listen=Address.parse(listen),
        connect=shared.connect,
        discover=tuple(dict.fromkeys((*discover, "static"))) if shared.connect else discover,
        cookie_file=shared.cookie_file,
        interval=interval,
        allow=frozenset(allow),
    )
    wishes = _Wishes(config, None if web is None else Address.parse(web), events)
    _warn(wishes)
    foreground = Foreground(shared, stop_with_parent=stop_with_parent)
    from eye.monitor.node import Node

    return foreground.run(lambda: Node.start(config, environ=os.environ), lambda node: _came_up(node, wishes))


def _warn(wishes: _Wishes) -> None:
    for what, address in (("nodes are", wishes.config.listen), ("the web view is", wishes.web)):
        if address is not None and not address.is_loopback:
            tell(
                f"{what} reached at {address} from other machines: what is said there is not encrypted yet"
                + ("" if what == "the web view is" else ", though nobody is let in without the cookie")
            )


def _came_up(node: Node, wishes: _Wishes) -> None:
    if wishes.writes_events:
        from eye.monitor.chronicle import Chronicler

        # Beside the node's tree and not in it: it has to tell of the tree's fall, too.
        node.system.start(Chronicler, node.name, _write_event, name="events")
    url = None
    if wishes.web is not None:
        from eye.web import serve

        url = serve(node, wishes.web.host, wishes.web.port)
    news(f"node {node.name} is up at {node.address}")
    if url is not None:
        news(f"the web view is at {url}")


def _write_event(record: dict[str, Any]) -> None:
    """Write a line. Runs on the chronicler's thread; a reader that has gone is no reason for it to crash."""
    from eye.monitor.chronicle import as_line

    try:
        sys.stdout.write(as_line(record) + "\n")
        sys.stdout.flush()
    except OSError:
        hush()
