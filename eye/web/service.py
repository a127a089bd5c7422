"""A web view that a node serves by itself, as a process of its own tree.

The sockets are not the process's own: a replacement finds what its predecessor left open, closes it, and
listens on the same port again. The pages in the browsers reconnect by themselves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from eye.supervision.child_spec import ChildSpec
from eye.supervision.gen_server import GenServer
from eye.web.certificate import LOOK, Certificate
from eye.web.late import LateApp
from eye.web.options import MOST_VIEWERS
from eye.web.server import WebServer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from flask import Flask

    from eye.supervision.reasons import Reason

    Listen = Callable[[LateApp, int, Callable[[Exception], object]], WebServer]

_PLAIN = {"login": "none", "actions": None, "links": False}
"""Options with which nothing can be wrong."""


class ServerSlot:
    """Where the web server lies that outlives the process which owns it, and which port it has."""

    def __init__(self) -> None:
        self.server: WebServer | None = None
        self.port = 0


class ServerCrashed(NamedTuple):
    """Info: the server's own thread has ended by a mistake."""

    error: Exception


class Look(NamedTuple):
    """It is time to look at the certificate, which nobody else does while nobody comes."""


class Pages(GenServer):
    """Serves an application: it listens when it starts, and lets everybody go when it stops."""

    def init(
        self,
        slot: ServerSlot,
        make_app: Callable[[], LateApp],
        listen: Listen,
        certificate: Certificate | None = None,
    ) -> None:
        """Close what a predecessor left open, and listen where it did.

        Raises:
            AddressInUse: somebody else listens there.
        """
        self.trap_exit = True
        self._slot = slot
        if slot.server is not None:
            slot.server.close()
            slot.server = None
        slot.server = listen(make_app(), slot.port, lambda error: self.ref.send(ServerCrashed(error)))
        slot.port = slot.server.port
        self._certificate = certificate
        if certificate is not None:
            self.send_after(LOOK, Look())

    def handle_info(self, message: Any) -> Any:
        if isinstance(message, ServerCrashed):
            raise message.error
        if isinstance(message, Look) and self._certificate is not None:
            self._certificate.look()
            self.send_after(LOOK, Look())
            return None
        return super().handle_info(message)

    def terminate(self, reason: Reason) -> None:
        server, self._slot.server = self._slot.server, None
        if server is not None:
            server.close()


def serve(
    node: Any,
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    hosts: tuple[str, ...] = (),
    cert: Path | None = None,
    key: Path | None = None,
    proxies: int = 0,
    is_late: bool = False,
    **options: Any,
) -> str:
    """Serve a node's web view from within its own tree, until the node stops.

    Args:
        node: a running `Node`.
        host, port: where; port 0 takes a free one.
        hosts: further names under which it is reached.
        cert, key: files (PEM) with which it speaks https; the key may be in the file of the certificate.
        proxies: how many proxies stand before it, whose `X-Forwarded-…` headers are believed.
        is_late: whether the application is made for whoever comes first, and not already now: see `late`.
        options: those of `create_blueprint`.

    Returns:
        The address of the page.

    Raises:
        AddressInUse, ConfigError, TlsUnusable, SecretUnusable
    """
    slot = ServerSlot()
    clock = node.system.clock
    certificate = None if cert is None else Certificate(cert, key, clock.monotonic, clock.now)

    def listen(app: LateApp, last_port: int, crashed: Callable[[Exception], object]) -> WebServer:
        return WebServer(
            app,
            host,
            last_port or port,
            hosts=hosts,
            certificate=certificate,
            proxies=proxies,
            crashed=crashed,
        )

    view = node.view  # the collectors are started now, so that the first page is not empty
    assert view is not None
    node.add_view(
        ChildSpec(
            Pages, id="web", args=(slot, lambda: _app(node, options, is_late), listen, certificate), shutdown=5.0
        )
    )
    server = slot.server
    assert server is not None
    return server.url


def _app(node: Any, options: dict[str, Any], is_late: bool) -> LateApp:
    """Have the application made, at once where something could be wrong with what it is told."""

    def make() -> Flask:
        from eye.web.blueprint import create_app

        return create_app(node, **options)

    others = dict(options)
    most = others.pop("max_clients", MOST_VIEWERS)
    is_plain = others.items() <= _PLAIN.items() and type(most) is int and most >= 1
    return LateApp(make, most) if is_late and is_plain else LateApp.of(make())
