"""A connected socket of the answering side: frames, each with a deadline, through the channel the peer chose."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

from eye.cluster import codec, frames, sockets
from eye.cluster.channel import WANTS_TLS, PlainChannel, begins_tls

if TYPE_CHECKING:
    from eye.clock import Clock
    from eye.cluster.channel import Channel
    from eye.cluster.tls import Tls

_CHUNK = 64 * 1024  # bytes read at once
_A_LONG_TIME = 3600.0  # seconds


class Wire:
    """A connected socket that carries frames, each with a deadline.

    One thread reads and writes; any thread may `abort`, which ends its waiting.
    """

    def __init__(self, sock: socket.socket, clock: Clock, channel: Channel | None = None) -> None:
        """Take a connected socket; the answering side finds out by `open` what channel it is."""
        self._socket, self._clock = sock, clock
        self._channel = channel
        self._reader = frames.FrameReader(frames.BEFORE_PROOF)
        sockets.tune(sock)
        self.who = sockets.who_is(sock)
        """Who is at the other end, with its port or process."""
        self.peer = self.who.rpartition(":")[0].strip("[]") or self.who
        """The same, as an address that stays from one connection to the next."""

    @property
    def binding(self) -> bytes:
        """What tells this channel from all others."""
        assert self._channel is not None
        return self._channel.binding

    def open(self, tls: Tls, within: float) -> bool:
        """Find out whether the peer speaks TLS, and see it through; answer whether it is to be spoken to at all.

        It is not when it speaks without TLS where TLS is wanted, which it is told.

        Raises:
            DecodeRefused, ssl.SSLError, and what `recv_bytes` raises.
        """
        deadline = self._clock.monotonic() + within
        data = self._receive(deadline)
        self._channel = tls.answer() if begins_tls(data) and not tls.is_off else PlainChannel(dials=False)
        try:
            self._reader.feed(self._channel.receive(data))
            while not self._channel.is_open:
                self._flush(deadline)
                self._reader.feed(self._channel.receive(self._receive(deadline)))
        finally:
            self._flush(deadline)  # an alert that says what is wrong, too
        if isinstance(self._channel, PlainChannel) and tls.is_wanted(
            self._socket.family, self._socket.getsockname()
        ):
            self.send_bytes(WANTS_TLS, self._left(deadline))
            return False
        return True

    def finish(self, deadline: float) -> None:
        """See the channel through from the dialling side."""
        assert self._channel is not None
        self._flush(deadline)
        while not self._channel.is_open:
            self._reader.feed(self._channel.receive(self._receive(deadline)))
            self._flush(deadline)

    def _receive(self, deadline: float) -> bytes:
        self._socket.settimeout(self._left(deadline))
        data = self._socket.recv(_CHUNK)
        if not data:
            raise EOFError
        return data

    def _flush(self, deadline: float) -> None:
        assert self._channel is not None
        out = self._channel.outgoing
        while out:
            self._socket.settimeout(self._left(deadline))
            del out[: self._socket.send(out)]

    def trust(self) -> None:
        """Let frames be as long as they may be between nodes that know each other's cookie."""
        self._reader.limit = frames.AFTER_PROOF

    def recv_bytes(self, within: float, *, idle: bool = False) -> bytes:
        """Wait for a frame.

        Args:
            within: seconds that the whole frame may take.
            idle: whether they count only from its first byte; until then it may take for ever.

        Raises:
            EOFError: the other side has closed the connection.
            TimeoutError: the frame was not there in time.
            FrameTooLarge: it announces more bytes than it may have.
            OSError: the connection was lost, or aborted.
        """
        deadline = None if idle and not self._reader.is_inside else self._clock.monotonic() + within
        while (body := self._reader.next()) is None:
            self._socket.settimeout(_A_LONG_TIME if deadline is None else self._left(deadline))
            try:
                data = self._socket.recv(_CHUNK)
            except TimeoutError:
                if deadline is None:
                    continue
                raise
            if not data:
                raise EOFError
            if deadline is None:
                deadline = self._clock.monotonic() + within
            self._take(data)
            self._flush(deadline)
        return body

    def _take(self, data: bytes) -> None:
        assert self._channel is not None
        self._reader.feed(self._channel.receive(data))

    def send_bytes(self, body: bytes, within: float) -> None:
        """Send a frame.

        Raises:
            TimeoutError: the other side did not take it in time.
            OSError: the connection was lost, or aborted.
        """
        self.send_framed(frames.frame(body), within)

    def send_framed(self, data: bytes, within: float) -> None:
        """Send what is cut into frames already; as `send_bytes`."""
        assert self._channel is not None
        self._channel.send(data)
        self._flush(self._clock.monotonic() + within)

    def send(self, value: Any) -> None:
        """Send a value, as a connection of `multiprocessing` does."""
        self.send_bytes(codec.encode(value), 10.0)

    def recv(self) -> Any:
        """Wait for a value, as a connection of `multiprocessing` does."""
        return codec.decode(self.recv_bytes(10.0))

    def abort(self) -> None:
        """End the connection under whoever waits on it. Does not block."""
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # it was gone already

    def close(self) -> None:
        """Give the descriptor back."""
        self._socket.close()

    def _left(self, deadline: float) -> float:
        left = deadline - self._clock.monotonic()
        if left <= 0.0:
            raise TimeoutError
        return left
