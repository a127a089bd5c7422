"""Our own (Listener, Client) pair for `multiprocessing.managers`, and the connection they give.

`multiprocessing.managers.listener_client` takes a pair under a name of its own; everything that the
module does with connections then goes through it. Ours speaks MessagePack in bounded frames instead of
pickle, knows IPv6, has a deadline for everything, and can be closed while somebody waits in `accept`.
"""

from __future__ import annotations

import errno
import multiprocessing.managers
import os
import selectors
import socket
from typing import TYPE_CHECKING, Any

from eye.clock import SystemClock
from eye.cluster import codec, frames, sockets
from eye.cluster.conversation import Conversation, Stage
from eye.cluster.node import Address
from eye.cluster.security import Cookie
from eye.errors import AddressInUse

if TYPE_CHECKING:
    from eye.clock import Clock

SERIALIZER = "eye-msgpack"  # our name in `listener_client`
BACKLOG = 1024  # connections that the kernel keeps for us; a fleet may start all at once
_CHUNK = 64 * 1024  # bytes read at once
_A_LONG_TIME = 3600.0  # seconds


class Wire:
    """A connected socket that carries frames, each with a deadline.

    One thread reads and writes; any thread may `abort`, which ends its waiting.
    """

    def __init__(self, sock: socket.socket, peer: str, clock: Clock) -> None:
        self._socket, self.peer, self._clock = sock, peer, clock
        self._reader = frames.FrameReader(frames.BEFORE_PROOF)
        sockets.tune(sock)

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
            self._reader.feed(data)
        return body

    def send_bytes(self, body: bytes, within: float) -> None:
        """Send a frame.

        Raises:
            TimeoutError: the other side did not take it in time.
            OSError: the connection was lost, or aborted.
        """
        self.send_framed(frames.frame(body), within)

    def send_framed(self, data: bytes, within: float) -> None:
        """Send what is cut into frames already; as `send_bytes`."""
        deadline = self._clock.monotonic() + within
        rest = memoryview(data)
        while rest:
            self._socket.settimeout(self._left(deadline))
            rest = rest[self._socket.send(rest) :]

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


class Listener:
    """A listening socket whose `accept` can be ended by `close` from another thread.

    Raises:
        AddressInUse: when the address is taken, or is not this machine's.
    """

    def __init__(self, address: Address, backlog: int = BACKLOG, clock: Clock | None = None) -> None:
        del backlog  # BaseManager asks for 16, with which most of 500 simultaneous peers hang for ever
        self._clock = clock or SystemClock()
        self._socket = _listen(address)
        self.address = Address(address.host, self._socket.getsockname()[1])
        self._ears, self._bell = socket.socketpair()
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._socket, selectors.EVENT_READ)
        self._selector.register(self._ears, selectors.EVENT_READ)

    def accept(self) -> Wire:
        """Wait for a peer. It has not proved anything yet.

        Raises:
            OSError: with ECANCELED after `close`; otherwise the system's, such as EMFILE.
        """
        while True:
            ready = {key.fileobj for key, _ in self._selector.select()}
            if self._ears in ready:
                raise OSError(errno.ECANCELED, "the listener is closed")
            try:
                sock, place = self._socket.accept()
            except (BlockingIOError, ConnectionAbortedError):
                continue  # it has gone again
            try:
                return Wire(sock, place[0], self._clock)
            except OSError:  # gone before its options were set
                sock.close()

    def wake(self) -> None:
        """End `accept` for good. Does not block."""
        self._bell.send(b"!")

    def close(self) -> None:
        """Give the port back. Nobody may be in `accept` any more: `wake` them, and wait, first."""
        self._selector.close()
        for sock in (self._socket, self._ears, self._bell):
            sock.close()


def _listen(address: Address) -> socket.socket:
    sock = None
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(
            address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        sock = socket.socket(family, kind, protocol)
        if os.name == "posix":  # there it lets us have the port back at once, and does not share it
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setblocking(False)
        sock.bind(place)
        sock.listen(BACKLOG)
    except OSError as error:
        if sock is not None:
            sock.close()
        raise AddressInUse(f"cannot listen at {address}: {sockets.say(error)}. {_remedy(error)}") from None
    return sock


def _remedy(error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return "Choose another port, or port 0 for any free one"
    if error.errno == errno.EACCES:
        return "Ports below 1024 are the system's; choose a higher one"
    return "Choose an address of this machine, such as 127.0.0.1"


def dial(address: Address, authkey: bytes, clock: Clock | None = None, within: float = 5.0) -> Wire:
    """Connect to a node, prove the cookie, and enter a session: BaseManager's `Client`. Blocks.

    Raises:
        AuthenticationRefused, NodeUnreachable, DecodeRefused, TimeoutError, OSError.
    """
    clock = clock or SystemClock()
    deadline = clock.monotonic() + within
    wire = Wire(socket.create_connection((address.host, address.port), within), str(address), clock)
    talk = Conversation(str(address), Cookie.from_authkey(authkey), os.urandom(32))
    try:
        while talk.stage is not Stage.OPEN:
            try:
                body = wire.recv_bytes(deadline - clock.monotonic())
            except (EOFError, ConnectionError):
                raise talk.ended("the connection was closed") from None
            talk.receive(frames.frame(body))
            wire.send_framed(bytes(talk.outgoing), deadline - clock.monotonic())
            talk.outgoing.clear()
            if talk.stage is Stage.SESSION:
                wire.trust()
    except BaseException:
        wire.close()
        raise
    return wire


# The module's table is global and has no function to add to it (CPython 3.11 to 3.13).
multiprocessing.managers.listener_client[SERIALIZER] = (Listener, dial)  # type: ignore[attr-defined]
