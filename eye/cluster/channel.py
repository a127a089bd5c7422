"""What lies between a socket and the frames: nothing, or TLS. Bytes in, bytes out; no socket, no clock.

    socket <== outgoing, receive ==> channel <== send, (what receive gives) ==> frames

Both ends use these classes, the one that dials and the one that answers. Whoever dials speaks first, so that
whoever answers can tell by the first byte what it is spoken to: 0x16 begins a TLS handshake, `E` the preface of
a plain conversation. `binding` names the channel: both ends of one channel have the same, and nobody who sits
between two channels can make them alike. The cookie's proof signs it.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Protocol

from eye.errors import DecodeRefused

if TYPE_CHECKING:
    import ssl

PREFACE = b"EYE2"
WANTS_TLS = b"EYE2 wants TLS"
"""The only frame that a plain conversation gets where TLS is demanded; nobody has proved anything by then."""
_TLS_BEGINS = 0x16  # a record of type handshake (RFC 8446, section 5.1)
_CHUNK = 64 * 1024


class Channel(Protocol):
    """One end of a connection, between its socket and its frames."""

    outgoing: bytearray
    """What is to be sent. Whoever has sent a part of it deletes that part."""

    @property
    def is_open(self) -> bool:
        """Whether frames may be sent, and `binding` is known."""
        ...

    @property
    def binding(self) -> bytes:
        """What tells this channel from all others."""
        ...

    def receive(self, data: bytes) -> bytes:
        """Take what the socket gave, and give what is in it for the frames.

        Raises:
            DecodeRefused: it is not what a channel sends.
            ssl.SSLError: the other side is not who it has to be.
        """
        ...

    def send(self, data: bytes | bytearray) -> None:
        """Put this into `outgoing`. Only once the channel is open."""
        ...


class PlainChannel:
    """No channel at all, but for the preface that the dialling side sends."""

    __slots__ = ("_preface", "outgoing")

    def __init__(self, *, dials: bool) -> None:
        self.outgoing = bytearray(PREFACE if dials else b"")
        self._preface = bytearray() if not dials else None  # what has come of the other side's

    @property
    def is_open(self) -> bool:
        return self._preface is None

    @property
    def binding(self) -> bytes:
        return b""

    def receive(self, data: bytes) -> bytes:
        if self._preface is None:
            return data
        self._preface += data
        if not PREFACE.startswith(bytes(self._preface[: len(PREFACE)])):
            raise DecodeRefused("it does not begin as a node does")
        if len(self._preface) < len(PREFACE):
            return b""
        rest = bytes(self._preface[len(PREFACE) :])
        self._preface = None
        return rest

    def send(self, data: bytes | bytearray) -> None:
        self.outgoing += data


class TlsChannel:
    """TLS, both sides of which show a certificate."""

    __slots__ = ("_binding", "_dials", "_in", "_object", "_out", "_own", "outgoing")

    def __init__(self, context: ssl.SSLContext, own: bytes, *, dials: bool, host: str | None = None) -> None:
        """Begin.

        Args:
            context: which certificates are believed.
            own: this side's certificate, DER.
            dials: whether this side dialled, and so begins.
            host: the name that the other side's certificate has to be for, if the context checks that.
        """
        import ssl

        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._object = context.wrap_bio(self._in, self._out, server_side=not dials, server_hostname=host)
        self._binding: bytes | None = None
        self._own, self._dials = own, dials
        self.outgoing = bytearray()
        if dials:
            self._shake_hands()

    @property
    def is_open(self) -> bool:
        return self._binding is not None

    @property
    def binding(self) -> bytes:
        assert self._binding is not None
        return self._binding

    def receive(self, data: bytes) -> bytes:
        import ssl

        found = bytearray()
        self._in.write(data)
        if self._binding is None:
            self._shake_hands()
        try:
            while self._binding is not None and (part := self._object.read(_CHUNK)):
                found += part
        except ssl.SSLWantReadError:
            pass
        finally:
            self.outgoing += self._out.read()
        return bytes(found)

    def send(self, data: bytes | bytearray) -> None:
        view = memoryview(data)
        while view:
            view = view[self._object.write(view) :]
        self.outgoing += self._out.read()

    def _shake_hands(self) -> None:
        import ssl

        try:
            self._object.do_handshake()
        except ssl.SSLWantReadError:
            pass
        else:
            theirs = self._object.getpeercert(binary_form=True) or b""
            in_order = (theirs, self._own) if self._dials else (self._own, theirs)  # the answering side's first
            self._binding = hashlib.sha256(b"".join(hashlib.sha256(one).digest() for one in in_order)).digest()
        finally:
            self.outgoing += self._out.read()


def begins_tls(data: bytes) -> bool:
    """Whether what a dialling side said first is TLS."""
    return data[:1] == bytes([_TLS_BEGINS])
