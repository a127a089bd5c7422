"""A WebSocket over TLS, for an application whose two threads must not meet in one TLS connection.

OpenSSL's connections are not made for one thread that reads while another writes, and with a WebSocket that is
what happens. So the application gets one end of a pair of plain sockets, and the thread of the lobby carries the
bytes between the other end and the network, never waiting:

    application == near | far == Relay == TLS == browser

What waits to be carried is bounded: to who does not read, nothing more is taken from the application, whose own
`send` then waits, until the kernel gives the browser up (TCP_USER_TIMEOUT) and both sides are closed.
"""

from __future__ import annotations

import selectors
import socket
import ssl
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from eye.web.line import Line

_MOST = 65_536  # bytes that wait, each way
_PIECE = 16_384
_READ, _WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
_WAITS = (ssl.SSLWantReadError, ssl.SSLWantWriteError, BlockingIOError, InterruptedError)


class Relay:
    """Carries bytes between a TLS connection and a plain socket. All but `near` belongs to the lobby's thread."""

    def __init__(self, line: Line) -> None:
        self.line = line
        self.near, self._far = socket.socketpair()
        for end in (self.near, self._far):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _MOST)
        self._far.setblocking(False)
        self._out, self._in = bytearray(), bytearray()
        self._has_ended = False  # the application has said all
        self._watched: dict[socket.socket, int] = {}

    def watch(self, selector: selectors.BaseSelector) -> None:
        """Have the selector look at what can be done now."""
        outer = self.line.sock
        wanted = {
            outer: (_READ if len(self._in) < _MOST else 0) | (_WRITE if self._out else 0),
            self._far: (_READ if len(self._out) < _MOST and not self._has_ended else 0)
            | (_WRITE if self._in else 0),
        }
        for sock, events in wanted.items():
            before = self._watched.get(sock, 0)
            if events and not before:
                selector.register(sock, events, self)
            elif before and not events:
                selector.unregister(sock)
            elif events != before:
                selector.modify(sock, events, self)
        self._watched = wanted

    def carry(self) -> bool:
        """Carry what can be carried; answer whether there may be more to come."""
        outer = self.line.sock
        try:
            while len(self._in) < _MOST and (data := _take(outer)) is not None:
                if not data:
                    return False
                self._in += data
            while not self._has_ended and len(self._out) < _MOST and (data := _take(self._far)) is not None:
                self._has_ended = not data
                self._out += data
            _give(outer, self._out)
            _give(self._far, self._in)
            if self._has_ended and not self._out:
                socket.socket.shutdown(outer, socket.SHUT_WR)
        except (OSError, ValueError):  # either side has gone
            return False
        return True

    def close(self, selector: selectors.BaseSelector) -> None:
        for sock, events in self._watched.items():
            if events:
                selector.unregister(sock)
        self._watched = {}
        self._far.close()
        self.line.close()


def _take(sock: socket.socket) -> bytes | None:
    try:
        return sock.recv(_PIECE)
    except _WAITS:
        return None


def _give(sock: socket.socket, waiting: bytearray) -> None:
    while waiting:
        try:
            sent = sock.send(bytes(waiting[:_PIECE]))
        except _WAITS:
            return
        del waiting[:sent]
