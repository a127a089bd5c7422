"""How a web view is served: the options that `web` and `start` share, and what goes together and what does not.

Beyond this machine somebody has to say who may look. That is decided here, before a node starts.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click
from click.core import ParameterSource

from eye.cli.options import Whole, option
from eye.cli.screen import news, tell

if TYPE_CHECKING:
    from collections.abc import Callable

    from eye.cluster.node import Address
    from eye.monitor.node import Node


class Serving(NamedTuple):
    """What the options say."""

    login: str | None
    cert: Path | None
    key: Path | None
    name: tuple[str, ...]
    actions: Path | None
    links: bool
    clients: int
    proxies: int


def web_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of the web view; they come as `web_…`, for `serving`."""
    file = click.Path(path_type=Path)
    for each in reversed(
        (
            option(
                "--web-login",
                metavar="token:FILE|basic:FILE|none",
                show_default="none on this machine, to be given beyond it",
                help="Who may look: who has the token in FILE (made if there is none), who has a password in "
                "FILE (see passwd), or everybody.",
            ),
            option("--web-cert", type=file, metavar="FILE", help="Its certificate (PEM): it is https then."),
            option("--web-key", type=file, metavar="FILE", help="The key, if it is in a file of its own."),
            option(
                "--web-name",
                multiple=True,
                metavar="NAME",
                help="A further name it is reached by, as eye.example.org or *.example.org. May be repeated.",
            ),
            option(
                "--web-actions",
                type=file,
                metavar="FILE",
                help="Let who has the token in FILE (made if there is none) act on nodes that allow it.",
            ),
            option("--web-links", is_flag=True, help="Let them make links to one node or panel, for some time."),
            option(
                "--web-clients",
                type=Whole(1, 5000),
                default=200,
                show_default=True,
                metavar="N",
                help="How many may watch at a time.",
            ),
            option(
                "--web-proxies",
                type=Whole(0, 5),
                default=0,
                show_default=True,
                metavar="N",
                help="How many proxies stand before it, whose X-Forwarded headers are believed.",
            ),
        )
    ):
        function = each(function)
    return function


def serving(options: dict[str, Any]) -> Serving:
    """Take the options of the web view out of a command's."""
    return Serving(**{name: options.pop(f"web_{name}") for name in Serving._fields})


def check_none(ctx: click.Context) -> None:
    """Refuse options of the web view where none is served: who gives them believes that one is.

    Those of the environment and of the configuration file may be meant for other commands.

    Raises:
        click.UsageError: with what to do.
    """
    for name in Serving._fields:
        if ctx.get_parameter_source(f"web_{name}") is ParameterSource.COMMANDLINE:
            raise click.UsageError(f"--web-{name} goes with --web [HOST:]PORT: without it, no web view is served")


def check(wanted: Serving, address: Address) -> None:
    """Refuse what does not go together, or is not safe and was not asked for in so many words.

    Raises:
        click.UsageError: with what to do.
    """
    kind, _, file = (wanted.login or "").partition(":")
    if wanted.login not in (None, "none") and (kind not in ("token", "basic") or not file):
        raise click.UsageError(f"--web-login must be token:FILE, basic:FILE or none, not {wanted.login!r}")
    if wanted.name:
        from eye.web.options import is_host

        for name in (name for name in wanted.name if not is_host(name)):
            raise click.UsageError(f"--web-name must be as eye.example.org or *.example.org, not {name!r}")
    if wanted.key is not None and wanted.cert is None:
        raise click.UsageError("--web-key goes with --web-cert, the certificate of that key")
    if wanted.links and wanted.actions is None:
        raise click.UsageError("--web-links goes with --web-actions FILE: who has the token in it may make links")
    if address.is_loopback:
        return
    if wanted.login is None:
        raise click.UsageError(
            f"the web view at {address} is reached from other machines: say who may look with --web-login "
            "token:FILE or basic:FILE, or --web-login none if everybody may"
        )
    if wanted.cert is None and not wanted.proxies:
        tell(
            f"the web view at {address} is reached from other machines, unencrypted: give it --web-cert and "
            "--web-key, or put a proxy with TLS before it and say --web-proxies 1"
        )


def serve(node: Node, address: Address, wanted: Serving, *, is_late: bool = False) -> str:
    """Serve the view of a node; answer its address. `is_late`: most of it is loaded when somebody comes."""
    from eye.web import serve as serve_view
    from eye.web.secret_files import load_token

    actions = None if wanted.actions is None else load_token(wanted.actions.expanduser())
    return serve_view(
        node,
        address.host,
        address.port,
        hosts=wanted.name,
        cert=wanted.cert,
        key=wanted.key,
        proxies=wanted.proxies,
        is_late=is_late,
        login=wanted.login or "none",
        actions=actions,
        links=wanted.links,
        max_clients=wanted.clients,
    )


def say_where(url: str, wanted: Serving) -> None:
    """Tell the person where the page is, and which files open it."""
    news(f"the web view is at {url}")
    kind, _, file = (wanted.login or "none").partition(":")
    if kind == "token":
        news(f"who may look has the token in {file}")
    if wanted.actions is not None:
        news(f"who may act has the token in {wanted.actions}")
