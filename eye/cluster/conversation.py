"""One connection, seen from the side that dialled: bytes in, replies out. No socket, no clock.

    GREETING --the server's greeting--> PROOF --its proof is right--> SESSION --'#RETURN'--> OPEN

It begins once its channel is open (`channel`), and its proof is for that channel alone.
Replies carry no number: the first reply belongs to the first request. So nobody may give up waiting
for a reply and go on; whoever gives up closes the connection.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Any

from eye.cluster import codec, frames
from eye.cluster.channel import WANTS_TLS
from eye.cluster.security import ClientHandshake
from eye.errors import AuthenticationRefused, ClusterError, DecodeRefused, NodeUnreachable

if TYPE_CHECKING:
    from eye.cluster.security import Cookie


class Stage(enum.Enum):
    """How far a conversation has come."""

    GREETING = "waits for the server's greeting"
    PROOF = "waits for the server's proof"
    SESSION = "waits to be let into a session"
    OPEN = "open"


class TlsWanted(Exception):
    """The other side speaks to nobody without TLS: dial again, with it."""


class Conversation:
    """What to send on one connection, and what it means that something came."""

    __slots__ = ("_address", "_handshake", "_lane", "_out", "_reader", "stage")

    def __init__(
        self, address: str, cookie: Cookie, nonce: bytes, lane: str = "calls", binding: bytes = b""
    ) -> None:
        self._address, self._lane = address, lane
        self._handshake = ClientHandshake(cookie, nonce, binding)
        self._reader = frames.FrameReader(frames.BEFORE_PROOF)
        self._out = bytearray()
        self.stage = Stage.GREETING

    def ask(self, request: bytes) -> None:
        """Say a request, once the conversation is open."""
        self._out += frames.frame(request)

    @property
    def outgoing(self) -> bytearray:
        """What waits to be sent. Whoever has sent a part of it deletes that part."""
        return self._out

    def receive(self, data: bytes) -> list[bytes]:
        """Take what came, and give the replies in it.

        Raises:
            AuthenticationRefused, DecodeRefused, FrameTooLarge, TlsWanted: the connection has to be closed.
        """
        self._reader.feed(data)
        replies = []
        while (body := self._reader.next()) is not None:
            if self.stage is Stage.OPEN:
                replies.append(body)
            else:
                self._advance(body)
        return replies

    def _advance(self, body: bytes) -> None:
        if self.stage is Stage.GREETING:
            if body == WANTS_TLS:
                raise TlsWanted
            self._out += frames.frame(self._handshake.answer(body))
            self.stage = Stage.PROOF
        elif self.stage is Stage.PROOF:
            self._handshake.check(body, self._address)
            self._reader.limit = frames.AFTER_PROOF
            # BaseManager's first request; it turns the connection into a session.
            self._out += frames.frame(codec.encode((None, "accept_connection", (self._lane,), {})))
            self.stage = Stage.SESSION
        else:
            kind, _ = codec.decode(body, tuple[str, Any])
            if kind != "#RETURN":
                raise DecodeRefused(f"the session was answered with {kind!r}")
            self.stage = Stage.OPEN

    def ended(self, cause: str) -> ClusterError:
        """Say what it means that the connection ended now, by that cause."""
        if self.stage is Stage.GREETING:
            return NodeUnreachable(self._address, "it closed the connection at once; it may be full or stopping")
        if self.stage is Stage.PROOF:
            return AuthenticationRefused(self._address)
        return NodeUnreachable(self._address, cause)
