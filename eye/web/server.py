"""Serves the view by itself, on this machine: Werkzeug's threaded server, quiet, and with an end.

For more than a few people take gunicorn with gthread workers; this one is what `web` and `demo` run. It
differs from Werkzeug's own in what a monitor needs: a port that is taken is an error that can be
caught, foreign `Host` headers are refused, nothing is printed, and `close` takes less than two seconds and
tells every browser why.
"""

from __future__ import annotations

import logging
import socket
import sys
import threading
from typing import TYPE_CHECKING, Any

from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

from eye.errors import AddressInUse, ConfigError
from eye.web import guards

if TYPE_CHECKING:
    from collections.abc import Iterable

    from flask import Flask

_log = logging.getLogger("eye.web")
_IDLE = 30.0  # seconds that a client may take for its request
_FAREWELL = 1.3  # seconds that viewers get to say goodbye
_BACKLOG = 128


class WebServer:
    """Serves `app` (made by `create_app`) from the moment it is created until `close`.

    Args:
        host: the address to listen on. Names and addresses of this machine are accepted in `Host`.
        port: 0 takes a free one; `url` tells which.
        hosts: further names under which the view is reached.

    Raises:
        AddressInUse: somebody listens there, or this machine has no such address.
        ConfigError: `host` or `port` is not one.
    """

    def __init__(self, app: Flask, host: str = "127.0.0.1", port: int = 0, *, hosts: Iterable[str] = ()) -> None:
        self._blueprint = app.extensions["eye"]
        listener = _listen(host, port)
        names = {"localhost", socket.gethostname().lower(), host.lower(), *(name.lower() for name in hosts)}
        try:
            self._server = _Server(
                host, port, HostCheck(app.wsgi_app, names), handler=_Handler, fd=listener.fileno()
            )
        finally:
            listener.close()  # the server has a duplicate
        self.host, self.port = host, int(self._server.port)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.5,), name="eye-web-server", daemon=True
        )
        self._thread.start()

    @property
    def url(self) -> str:
        """Where the page is, as something to type into a browser on this machine."""
        shown = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}.get(self.host, self.host)
        return f"http://[{shown}]:{self.port}/" if ":" in shown else f"http://{shown}:{self.port}/"

    def close(self) -> None:
        """Stop listening, tell every browser that the view is closing, and end. Idempotent; under 2 s."""
        self._server.shutdown()
        self._blueprint.feed.close()
        self._blueprint.publisher.wait_until_empty(_FAREWELL)
        self._server.let_go()
        self._thread.join(timeout=1.0)


class HostCheck:
    """Refuses requests that were meant for somebody else: see `guards.goes_by`."""

    def __init__(self, app: Any, names: Iterable[str]) -> None:
        self._app = app
        self._names = frozenset(names)
        self._said = guards.Once()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        host = environ.get("HTTP_HOST", "")
        if guards.goes_by(host, self._names):
            return self._app(environ, start_response)  # type: ignore[no-any-return]
        if self._said.first("host", host):
            _log.warning(guards.FOREIGN_HOST, host, host)
        body = b'{"error":"this view does not go by that name","status":421}\n'
        headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
        start_response("421 Misdirected Request", headers)
        return [body]


def _listen(host: str, port: int) -> socket.socket:
    if not isinstance(port, int) or not 0 <= port <= 65535:
        raise ConfigError(f"the web view's port must be a whole number from 0 to 65535, not {port!r}")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        if sys.platform != "win32":  # there it means «take the port away from whoever has it»
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except socket.gaierror as error:
        listener.close()
        raise ConfigError(f"the web view cannot listen on {host!r}: {error.strerror}") from error
    except OSError as error:
        listener.close()
        raise AddressInUse(
            f"the web view cannot listen on {host}:{port}: {error.strerror}. "
            "Choose another --port (0 takes a free one), or stop whoever listens there"
        ) from error
    return listener


class _Server(ThreadedWSGIServer):
    """Werkzeug's server, which says to the log what it would say to the terminal, and knows who is connected."""

    def __init__(self, *args: Any, **options: Any) -> None:
        self._lock = threading.Lock()
        self._connected: set[Any] = set()
        super().__init__(*args, **options)

    def log(self, type: str, message: str, *args: Any) -> None:
        _log.log(logging.ERROR if type == "error" else logging.DEBUG, message, *args)

    def handle_error(self, request: Any, client_address: Any) -> None:
        # Whatever a client can cause: it went in the middle of a request, or sent no HTTP.
        _log.debug("dropped the connection of %s", client_address, exc_info=True)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self._connected.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._connected.discard(request)
        super().shutdown_request(request)

    def let_go(self) -> None:
        """Cut whoever is still connected; their threads end with that."""
        with self._lock:
            for connection in self._connected:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:  # it went by itself
                    pass


class _Handler(WSGIRequestHandler):
    timeout = _IDLE

    def run_wsgi(self) -> None:
        # A WebSocket may be silent for long, and simple-websocket's `send` is not made for a timeout.
        if "websocket" in self.headers.get("Upgrade", "").lower():
            self.connection.settimeout(None)
        super().run_wsgi()

    def log(self, type: str, message: str, *args: Any) -> None:
        _log.debug(message.rstrip(), *args)
