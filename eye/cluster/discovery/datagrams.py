"""What multicast discovery says, as bytes: short, signed with the cookie, and true for half a minute.

    EYED | 16 bytes of signature | MessagePack: kind, address, boot id, moment

A datagram is only a hint that somebody may be there; still, nobody without the cookie is to make nodes dial
where he likes. So what is not signed, too old, from too far in the future, or was heard before is dropped.
"""

from __future__ import annotations

import hmac
from collections import OrderedDict
from typing import TYPE_CHECKING

import msgspec

from eye.cluster.node import Address

if TYPE_CHECKING:
    from eye.cluster.security import Cookie

LONGEST = 1200  # bytes; more might be cut to pieces on the way
FRESH = 30.0
"""Seconds that a datagram counts, by the clocks of two machines that may differ by as much."""

_MAGIC = b"EYED"
_SIGNATURE = 16  # bytes
_REMEMBERED = 4096  # datagrams


class Hint(msgspec.Struct, frozen=True, array_like=True):
    """`kind` is `here`, `gone`, or `who` (from somebody who has just come, and wants to know). `at` is UTC."""

    kind: str
    address: str
    boot: str
    at: float


class Signed:
    """Writes datagrams, and reads those of others. For one thread."""

    def __init__(self, cookie: Cookie) -> None:
        self._cookie = cookie
        self._heard: OrderedDict[bytes, float] = OrderedDict()

    def write(self, hint: Hint) -> bytes:
        """Write a datagram."""
        body = msgspec.msgpack.encode(hint)
        return _MAGIC + self._sign(body) + body

    def read(self, datagram: bytes, now: float) -> Hint | None:
        """Read a datagram; None if it does not count."""
        start = len(_MAGIC) + _SIGNATURE
        if len(datagram) > LONGEST or not datagram.startswith(_MAGIC):
            return None
        signature, body = datagram[len(_MAGIC) : start], datagram[start:]
        if not hmac.compare_digest(signature, self._sign(body)) or signature in self._heard:
            return None
        try:
            hint = msgspec.msgpack.decode(body, type=Hint)
            Address.parse(hint.address)
        except (msgspec.DecodeError, ValueError, RecursionError):
            return None  # msgspec lets UnicodeDecodeError through, and walks what it skips; BadAddress is one, too
        if not abs(hint.at - now) <= FRESH:  # nor is what is not a number
            return None
        self._remember(signature, now)
        return hint

    def _sign(self, body: bytes) -> bytes:
        return self._cookie.sign(b"multicast discovery\0", body)[:_SIGNATURE]

    def _remember(self, signature: bytes, now: float) -> None:
        self._heard[signature] = now
        while self._heard and (
            len(self._heard) > _REMEMBERED or now - next(iter(self._heard.values())) > 2 * FRESH
        ):
            self._heard.popitem(last=False)
