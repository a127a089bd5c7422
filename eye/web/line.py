"""One connection to our own server, from its first byte to its last, whoever it is with at the moment."""

from __future__ import annotations

import contextlib
import socket
from typing import TYPE_CHECKING

from eye.web.exchange import Asked, Talk

if TYPE_CHECKING:
    from eye.web.relay import Relay


class Line:
    """One connection."""

    def __init__(self, sock: socket.socket, peer: tuple[str, int], deadline: float, *, is_secure: bool) -> None:
        self.sock, self.peer, self.deadline = sock, peer, deadline
        self.is_secure = is_secure
        self.has_greeted = not is_secure  # TLS's handshake is done
        self.talk = Talk()
        self.asked: Asked | None = None
        self.relay: Relay | None = None

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self.sock.close()

    def cut(self) -> None:
        """End the connection from another thread than the one that uses it, which notices at once."""
        with contextlib.suppress(OSError):
            socket.socket.shutdown(self.sock, socket.SHUT_RDWR)
