"""Cutting a stream of bytes into frames: four bytes of length, big-endian, then the body.

Both ends use it, and neither reads or sends here: bytes in, frames out. A frame may have 256 bytes
until both sides have proved that they know the cookie, and 4 MiB from then on; more is refused
when the length is read, before any memory is set aside for it.
"""

from __future__ import annotations

from eye.errors import FrameTooLarge

BEFORE_PROOF = 256  # bytes
AFTER_PROOF = 4 * 1024 * 1024  # bytes
_HEADER = 4  # bytes


def frame(body: bytes, limit: int = AFTER_PROOF) -> bytes:
    """Put the length before the body.

    Raises:
        FrameTooLarge: when the body has more than `limit` bytes.
    """
    if len(body) > limit:
        raise FrameTooLarge(len(body), limit)
    return len(body).to_bytes(_HEADER, "big") + body


class FrameReader:
    """Collects bytes and gives out whole frames.

    `limit` may be raised between two frames. After `FrameTooLarge` the stream is out of step and
    the connection has to be closed.
    """

    __slots__ = ("_held", "limit")

    def __init__(self, limit: int = AFTER_PROOF) -> None:
        self.limit = limit
        self._held = bytearray()

    def feed(self, data: bytes) -> None:
        """Take what came."""
        self._held += data

    @property
    def is_inside(self) -> bool:
        """Whether a frame has begun that has not ended."""
        return bool(self._held)

    def next(self) -> bytes | None:
        """Take the next whole frame, or None until more bytes come.

        Raises:
            FrameTooLarge: when the frame announces more than `limit` bytes.
        """
        held = self._held
        if len(held) < _HEADER:
            return None
        size = int.from_bytes(held[:_HEADER], "big")
        if size > self.limit:
            raise FrameTooLarge(size, self.limit)
        end = _HEADER + size
        if len(held) < end:
            return None
        body = bytes(held[_HEADER:end])
        del held[:end]
        return body
