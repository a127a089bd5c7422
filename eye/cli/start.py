"""`sorcerers_eye start`: one node in the foreground."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from eye.cli.keeping import history_option, keep_option, where
from eye.cli.options import Seconds, Shared, Whole, option
from eye.cli.options import command as make_command
from eye.cli.pacing import pacing_options
from eye.cli.ruling import DEFAULT, OFF, alerts_option, rules_of
from eye.cli.screen import hush, news
from eye.cli.serving import Serving, check, check_none, say_where, serve, serving, web_options
from eye.cluster.node import Address
from eye.errors import BadAddress, BadDiscovery
from eye.monitor.config import DISCOVERY, HISTORY_OFF, MOST_NODES, NodeConfig
from eye.monitor.methods import RIGHTS

if TYPE_CHECKING:
    from pathlib import Path

    from eye.alerts.rules import RuleSet
    from eye.monitor.node import Node

_EXAMPLE = """\
sorcerers_eye start --name mystic-node-1
sorcerers_eye start --name mystic-node-2 --web 8080 --allow kill
sorcerers_eye start --name far-away --listen 10.0.0.7:4711 --connect 10.0.0.5:4711
sorcerers_eye start --name in-a-container --listen 0.0.0.0:4711 --discover dns:workers:4711"""

_HELP = """Run one node in the foreground, until SIGTERM or Ctrl-C.

Nodes of one user on one machine find each other by themselves; others are told of each other with
--connect, or find each other with --discover. Whoever connects to one node gets to know its peers. What
goes to another machine is encrypted, and nobody without the cookie is let in.
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


class _Discovery(click.types.StringParamType):
    """A discovery strategy, with what it needs to know."""

    name = "strategy"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        from eye.cluster import discovery

        try:
            return discovery.check(str(value))
        except BadDiscovery as error:
            self.fail(str(error), param, ctx)


class _Wishes(NamedTuple):
    config: NodeConfig
    web: Address | None
    serving: Serving
    writes_events: bool
    rules: RuleSet | None = None
    otlp: str | None = None


@make_command("start", help=_HELP, example=_EXAMPLE)
@option("--name", required=True, metavar="NAME", help="What the node is called: a name of its own in the cluster.")
@option(
    "--listen",
    type=_Place(),
    default="127.0.0.1:0",
    metavar="[HOST:]PORT",
    show_default="this machine alone, a free port",
    help="Where other nodes reach it; unix:/PATH is a UNIX socket.",
)
@option(
    "--advertise", metavar="HOST:PORT", help="What others are told instead, where ports are published or mapped."
)
@option(
    "--discover",
    type=_Discovery(),
    multiple=True,
    default=DISCOVERY,
    show_default="local static",
    metavar="STRATEGY",
    help="How it finds other nodes: local, static, multicast[:GROUP[:PORT]], dns:NAME:PORT, dns:srv:NAME. May be "
    "repeated.",
)
@option(
    "--seed", "is_seed", is_flag=True, help="Keep the registry of a large cluster: name two or three of its nodes."
)
@option(
    "--max-nodes",
    type=Whole(1, 100_000),
    default=MOST_NODES,
    show_default=True,
    metavar="N",
    help="How many nodes it takes in.",
)
@option("--web", type=_Place(), metavar="[HOST:]PORT", help="Serve the web view there as well.")
@alerts_option("default with --web, else off")
@web_options
@option(
    "--allow",
    type=click.Choice(RIGHTS),
    multiple=True,
    help="What others may do to this node besides read, gc and silence. May be repeated.",
)
@option("--deny", type=click.Choice(RIGHTS), multiple=True, help="What others may not do to it. May be repeated.")
@option(
    "--interval",
    type=Seconds(min=0.1, max=3600),
    metavar="SECONDS",
    default=1.0,
    show_default=True,
    help="How long it is from one sample to the next.",
)
@history_option(
    "Where to keep what is seen, with --web unless told otherwise: a file, sqlite:///FILE, postgresql://…, or off."
)
@keep_option()
@option("--otlp", metavar="URL", help="Push its figures to an OpenTelemetry collector there: http://HOST:4318.")
@pacing_options
@option("--events", is_flag=True, hidden=True, help="Write what happens to stdout, a line of JSON for each.")
@option("--stop-with-parent", is_flag=True, hidden=True, help="Stop when stdin ends.")
def command(
    shared: Shared,
    name: str,
    listen: str,
    advertise: str | None,
    discover: tuple[str, ...],
    is_seed: bool,
    max_nodes: int,
    web: str | None,
    alerts: Path | str | None,
    allow: tuple[str, ...],
    deny: tuple[str, ...],
    interval: float,
    history: str | None,
    history_keep: str,
    otlp: str | None,
    events: bool,
    stop_with_parent: bool,
    pacing: dict[str, Any],
    **options: Any,
) -> int:
    from eye.cli.foreground import Foreground

    config = NodeConfig(
        name=name,
        listen=Address.parse(listen),
        connect=shared.connect,
        discover=tuple(dict.fromkeys((*discover, "static"))) if shared.connect else discover,
        advertise=advertise,
        is_seed=is_seed,
        max_nodes=max_nodes,
        tls=shared.tls,
        tls_cert=shared.tls_cert,
        tls_key=shared.tls_key,
        tls_ca=shared.tls_ca,
        cookie_file=shared.cookie_file,
        interval=interval,
        history=where(history) if web is not None else history or HISTORY_OFF,
        history_keep=history_keep,
        allow=frozenset(allow),
        deny=frozenset(deny),
        **pacing,
    )
    rules = rules_of(alerts, OFF if web is None else DEFAULT)
    address = None if web is None else Address.parse(web)
    wishes = _Wishes(config, address, serving(options), events, rules, otlp)
    if address is not None:
        check(wishes.serving, address)
    else:
        check_none(click.get_current_context())
    if otlp is not None:
        from eye.exporters.otel import endpoint_of

        endpoint_of(otlp)  # what is no address is told before anything is started
    foreground = Foreground(shared, stop_with_parent=stop_with_parent)
    from eye.monitor.node import Node

    return foreground.run(lambda: Node.start(config, environ=os.environ), lambda node: _came_up(node, wishes))


def _came_up(node: Node, wishes: _Wishes) -> None:
    if wishes.writes_events:
        from eye.monitor.chronicle import Chronicler

        # Beside the node's tree and not in it: it has to tell of the tree's fall, too.
        node.system.start(Chronicler, node.name, _write_event, name="events")
    if wishes.rules is not None:
        node.evaluate(wishes.rules)
    if wishes.otlp is not None:
        from eye.exporters.otel import push

        push(node, wishes.otlp)
    url = None
    if wishes.config.history != HISTORY_OFF:
        _ = node.view  # that somebody looks is what is written down
    if wishes.web is not None:
        url = serve(node, wishes.web, wishes.serving, is_late=True)  # most are never looked at
    news(f"node {node.name} is up at {node.address}")
    if url is not None:
        say_where(url, wishes.serving)


def _write_event(record: dict[str, Any]) -> None:
    """Write a line. Runs on the chronicler's thread; a reader that has gone is no reason for it to crash."""
    from eye.monitor.chronicle import as_line

    try:
        sys.stdout.write(as_line(record) + "\n")
        sys.stdout.flush()
    except OSError:
        hush()
