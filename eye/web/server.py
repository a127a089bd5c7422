"""Serves the view by itself: who comes waits in the `lobby`, and each request is answered on a thread of its own.

Why not a WSGI server from a shelf? This one runs as a process of the node's own tree, in the node's OS process: it
ends with it, and is restarted by its supervisor. gunicorn would put a second OS process around the node, and reads
a request on the thread that will answer it, however slowly it comes (gthread of 27.0); Werkzeug's own has no limit
of connections, shakes hands for TLS in the loop that accepts, and closes after each answer. And neither is made
for a WebSocket over TLS with two threads: see `relay`. What HTTP is, `h11` knows. In an application of yours,
gunicorn serves well: see `gunicorn_settings`.

A port that is taken is an error that can be caught, foreign `Host` headers are refused, nothing is printed, and
`close` takes less than two seconds and tells every browser why.
"""

from __future__ import annotations

import contextlib
import logging
import socket
import sys
from typing import TYPE_CHECKING, Any

from eye.errors import AddressInUse, ConfigError
from eye.web import guards
from eye.web.exchange import Answer, Refused, environ_of
from eye.web.late import LateApp
from eye.web.lobby import Lobby
from eye.web.options import check_hosts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from flask import Flask

    from eye.web.certificate import Certificate
    from eye.web.line import Line

_log = logging.getLogger("eye.web")
_SLOW = 15.0  # seconds that a browser may take for one piece of an answer
_FAREWELL = 1.3  # seconds that viewers get to say goodbye
_BACKLOG = 128
_SPARE = 32  # requests that are answered besides those that watch


class WebServer:
    """Serves `app` (made by `create_app`, or when it is needed) from the moment it is created until `close`.

    Args:
        host: the address to listen on. Names and addresses of this machine are accepted in `Host`.
        port: 0 takes a free one; `url` tells which.
        hosts: further names under which the view is reached.
        certificate: speaks https with it.
        proxies: how many proxies stand before it, whose `X-Forwarded-…` headers are believed.
        crashed: told, on a thread of the server's, when it has ended by a mistake of its own.

    Raises:
        AddressInUse: somebody listens there, or this machine has no such address.
        ConfigError: `host`, `port` or one of `hosts` is none.
    """

    def __init__(
        self,
        app: Flask | LateApp,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        hosts: Iterable[str] = (),
        certificate: Certificate | None = None,
        proxies: int = 0,
        crashed: Callable[[Exception], object] = lambda error: None,
    ) -> None:
        hosts = tuple(hosts)
        check_hosts(hosts)
        self._late = app if isinstance(app, LateApp) else LateApp.of(app)
        self._is_secure = certificate is not None
        names = {"localhost", socket.gethostname().lower(), host.lower(), *(name.lower() for name in hosts)}
        self._app: Any = HostCheck(self._late, names)
        if proxies:
            from werkzeug.middleware.proxy_fix import ProxyFix

            self._app = ProxyFix(
                self._app, x_for=proxies, x_proto=proxies, x_host=proxies, x_port=proxies, x_prefix=proxies
            )
        listener = _listen(host, port)
        self.host, self.port = host, int(listener.getsockname()[1])
        most = self._late.max_viewers + _SPARE
        self._lobby = Lobby(listener, self._serve, most_threads=most, certificate=certificate, crashed=crashed)

    @property
    def url(self) -> str:
        """Where the page is, as something to type into a browser on this machine."""
        shown = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}.get(self.host, self.host)
        scheme = "https" if self._is_secure else "http"
        return f"{scheme}://[{shown}]:{self.port}/" if ":" in shown else f"{scheme}://{shown}:{self.port}/"

    def close(self) -> None:
        """Stop listening, tell every browser that the view is closing, and end. Idempotent; under 2 s."""
        self._lobby.stop_accepting()
        if (app := self._late.made) is not None:
            app.extensions["eye"].feed.close()
            app.extensions["eye"].publisher.wait_until_empty(_FAREWELL)
        self._lobby.stop(timeout=0.5)

    def _serve(self, line: Line) -> bool:
        """Answer one request, on its own thread; tell whether the connection may be used again."""
        asked = line.asked
        assert asked is not None
        line.sock.settimeout(_SLOW)
        sock: Any = line.sock
        if asked.wants_upgrade:
            sock = self._lobby.relay(line) if line.is_secure else line.sock
            sock.settimeout(None)  # a WebSocket may be silent for long
        answer = Answer(line.talk, asked, sock.sendall)
        try:
            here = (self.host, self.port)
            answer.run(self._app, environ_of(asked, line.peer, here, is_secure=line.is_secure, sock=sock))
        except StopIteration:  # it was a WebSocket, and has ended
            return False
        except OSError as error:  # whatever a client can cause: it went, or did not read
            _log.debug("dropped the connection of %s: %s", line.peer, error)
            return False
        # The last place before the thread ends: what an application raises must not be lost without a word.
        except Exception:  # noqa: BLE001
            _log.exception("%.100r could not be answered", asked.target)
            if not answer.is_begun:
                with contextlib.suppress(OSError):
                    sock.sendall(line.talk.refusal(Refused(500, "this view made a mistake; its log says which")))
            return False
        finally:
            if sock is not line.sock:
                sock.close()
        return line.talk.goes_on() and not asked.wants_upgrade


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
            "Choose another port (0 takes a free one), or stop whoever listens there"
        ) from error
    return listener
