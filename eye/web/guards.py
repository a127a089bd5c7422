"""What stands between a WebSocket and the outside: who may open one, and how long it may be a burden.

flask-sock and simple-websocket accept any page, any message and any wait. Each guard here answers a failure
that was reproduced without it:

    any page on the web opens a socket with the user's cookies ... `is_same_origin`
    a page that has its own name lead to us reads the answers .... `goes_by`
    who is refused for ever fills the log for ever ............... `Once`
    every client gets a compressor of its own (300 kB each) ...... `strip_compression`
    one message of a gigabyte is taken into memory ............... MAX_MESSAGE
    messages that nobody reads pile up ........................... MAX_UNREAD
    a peer that stops reading blocks its thread for ever ......... `protect` (TCP_USER_TIMEOUT)
    a peer that is gone is never noticed ......................... `Pulse`
    a peer sends pings as fast as it can ......................... `Meter`
    Werkzeug writes an HTTP answer after the close frame ......... `close_cleanly`
"""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import threading
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from eye.web.meter import Meter

if TYPE_CHECKING:
    from collections.abc import Iterable, MutableMapping

MAX_MESSAGE = 4096
"""Bytes that one message from a browser may have. Ours sends none."""

MAX_UNREAD = 8
"""Messages that a browser may send between two looks."""

STUCK_AFTER = 10.0
"""Seconds that sent bytes may stay unacknowledged. The kernel may fire early, so not fewer."""

PING_EVERY, PONG_WITHIN = 8.0, 4.0
"""Seconds between pings, and for the answer: who is gone is noticed within 15, and no proxy finds us idle."""

GOING_AWAY = 1001
POLICY_VIOLATION = 1008

FOREIGN_HOST = (
    "refused a request for %.200r: a page that has its own name lead here could read this view otherwise. "
    "If the view does go by that name, say so: --web-name %.200s, or hosts= in a program"
)
"""What the log says, with the name twice."""

_SEND_BUFFER = 65536  # what one stuck peer may hold in the kernel: 0.3 MB instead of 4 MB
_PORTS = {"http": 80, "https": 443}


def origin_of(text: str) -> tuple[str, str, int] | None:
    """Read an origin: scheme, host and port; None if the text is none («null» of a sandboxed frame is none)."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in _PORTS or not parts.hostname:
        return None
    return parts.scheme, parts.hostname.lower(), port or _PORTS[parts.scheme]


def is_same_origin(origin: str, host_url: str, allowed: Iterable[str] = ()) -> bool:
    """Tell whether a page from `origin` may open a socket of the view at `host_url`.

    Cookies do not help here: in Chromium a page on another port of the same host opens a socket with the
    SameSite=Strict cookies attached, because ports are no part of a site.
    """
    asked = origin_of(origin)
    return asked is not None and (asked == origin_of(host_url) or any(asked == origin_of(one) for one in allowed))


def goes_by(host: str, names: Iterable[str]) -> bool:
    """Tell whether a `Host` header names us: the answer to DNS rebinding.

    A hostile page can point its own name at this machine; then our data would be of its origin. What it cannot
    do is have the browser send another name than its own. So an address is fine, and so are our `names`, of which
    one such as `*.example.org` stands for all of that domain.
    """
    name = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
    name = name.rstrip(".").lower()
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return any(name == one or (one.startswith("*.") and name.endswith(one[1:])) for one in names)
    return True


class Once:
    """Says each thing to the log once, so that who tries for ever has filled his share of it."""

    _MOST = 64  # things of a kind
    _LONGEST = 200  # characters of one

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._said: dict[str, set[str]] = {}

    def first(self, kind: str, thing: str) -> bool:
        """Tell whether this thing has not been said yet, and may be."""
        thing = thing[: self._LONGEST]
        with self._lock:
            said = self._said.setdefault(kind, set())
            if thing in said or len(said) >= self._MOST:
                return False
            said.add(thing)
            return True


def strip_compression(environ: MutableMapping[str, Any]) -> None:
    """Have the handshake know nothing of permessage-deflate, which simple-websocket always accepts."""
    environ.pop("HTTP_SEC_WEBSOCKET_EXTENSIONS", None)


def limit(sock: Any) -> None:
    """Set the limits on the socket of a peer that may not read: how much waits for it, and for how long."""
    options = [(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1), (socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)]
    if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux
        options.append((socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(STUCK_AFTER * 1000)))
    for option in options:
        with contextlib.suppress(OSError):  # a peer that is gone already is noticed at the first send
            sock.setsockopt(*option)


def protect(ws: Any) -> None:
    """Set the limits on a WebSocket that was just opened (a `simple_websocket.Server`).

    flask-sock takes such limits only from the whole application's configuration, and that is the host's.
    """
    ws.max_message_size = MAX_MESSAGE
    limit(ws.sock)
    ws.sock = Meter(ws.sock)


def limit_unsent(environ: MutableMapping[str, Any]) -> None:
    """Set the limits on the socket below a response that never ends, where the server shows it."""
    sock = environ.get("werkzeug.socket") or environ.get("gunicorn.socket")
    if sock is not None:
        limit(sock)


def is_flooding(ws: Any) -> bool:
    """Throw away what the peer sent; tell whether it was more than a peer may send between two looks."""
    unread = len(ws.input_buffer)
    del ws.input_buffer[:unread]
    ws.sock.look()
    return unread > MAX_UNREAD or ws.sock.is_flooded


class Pulse:
    """Pings a peer from the thread that sends, and tells when it does not answer any more.

    simple-websocket can ping by itself, from its reading thread; then two threads write to one socket.
    """

    def __init__(self, now: float, every: float = PING_EVERY, patience: float = PONG_WITHIN) -> None:
        self._every, self._patience = every, patience
        self._next = now + every
        self._asked_at: float | None = None

    def beat(self, ws: Any, now: float) -> bool:
        """Ping if it is time to.

        Returns:
            Whether the peer is still there: False once a ping was not answered in time.
        """
        if self._asked_at is not None and not ws.pong_received:
            return now - self._asked_at < self._patience
        self._asked_at = None
        if now < self._next:
            return True
        from wsproto.events import Ping

        self._next, self._asked_at = now + self._every, now
        ws.pong_received = False
        ws.sock.send(ws.ws.send(Ping()))
        return True


def close_cleanly(ws: Any, code: int, sentence: str) -> None:
    """Say goodbye, so that the browser sees this code and not a broken connection.

    Werkzeug answers the request with «HTTP/1.1 200 OK» once the handler returns, and a browser that
    reads it calls the whole connection invalid. So nothing can be written any more after the close frame.
    The peer has a second to say goodbye too; then its reading thread is let go in any case.
    """
    with contextlib.suppress(Exception):  # closed already, in one of the many ways a socket can be
        ws.close(code, sentence)
    with contextlib.suppress(OSError):
        ws.sock.shutdown(socket.SHUT_WR)
    ws.thread.join(timeout=1.0)
    with contextlib.suppress(OSError):
        ws.sock.shutdown(socket.SHUT_RDWR)
