"""The socket of a viewer, with a count of what comes and one at a time who writes.

simple-websocket reads on a thread of its own, which answers every ping of the peer with a pong: whoever sends
nothing but pings keeps that thread busy for ever, and its pongs could fall into the middle of our own frames.
"""

from __future__ import annotations

import threading
from typing import Any

MOST = 16_384
"""Bytes that a peer may send between two looks. A pong has ten."""


class Meter:
    """Stands in the place of a socket."""

    def __init__(self, sock: Any) -> None:
        self._sock = sock
        self._came = 0
        self._writing = threading.Lock()
        self.is_flooded = False

    def recv(self, size: int) -> bytes:
        """Receive, unless too much has come since the last look: then the connection is over."""
        data: bytes = self._sock.recv(size)
        self._came += len(data)
        if self._came > MOST:
            self.is_flooded = True
            raise OSError("the peer sends more than anybody reads")
        return data

    def look(self) -> None:
        """Begin to count anew."""
        self._came = 0

    def send(self, data: bytes) -> int:
        """Send all of it."""
        with self._writing:
            self._sock.sendall(data)
        return len(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)
