"""Our own (Listener, Client) pair for `multiprocessing.managers`, and the connection they give.

`multiprocessing.managers.listener_client` takes a pair under a name of its own; everything that the
module does with connections then goes through it. Ours speaks MessagePack in bounded frames instead of
pickle, knows IPv6, UNIX sockets and TLS, has a deadline for everything, and can be closed while somebody waits in
`accept`.
"""

from __future__ import annotations

import errno
import multiprocessing.managers
import os
import selectors
import socket
import stat
from typing import TYPE_CHECKING

from eye.clock import SystemClock
from eye.cluster import frames, sockets
from eye.cluster.channel import PlainChannel
from eye.cluster.conversation import Conversation, Stage
from eye.cluster.engines.wire import Wire
from eye.cluster.node import Address
from eye.cluster.security import Cookie
from eye.cluster.tls import Tls
from eye.errors import AddressInUse

if TYPE_CHECKING:
    from eye.clock import Clock
    from eye.cluster.channel import Channel

SERIALIZER = "eye-msgpack"  # our name in `listener_client`
BACKLOG = 1024  # connections that the kernel keeps for us; a fleet may start all at once


class Listener:
    """A listening socket whose `accept` can be ended by `close` from another thread.

    Raises:
        AddressInUse: when the address is taken, or is not this machine's.
    """

    def __init__(self, address: Address, backlog: int = BACKLOG, clock: Clock | None = None) -> None:
        del backlog  # BaseManager asks for 16, with which most of 500 simultaneous peers hang for ever
        self._clock = clock or SystemClock()
        self._socket = _listen_at_path(address) if address.is_unix else _listen(address)
        self.address = address if address.is_unix else Address(address.host, self._socket.getsockname()[1])
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
                sock, _ = self._socket.accept()
            except (BlockingIOError, ConnectionAbortedError):
                continue  # it has gone again
            try:
                return Wire(sock, self._clock)
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
        if self.address.is_unix:
            try:
                os.unlink(self.address.host)
            except OSError:
                pass  # somebody has tidied up


def _listen(address: Address) -> socket.socket:
    sock = None
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(
            address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        sock = sockets.keep(socket.socket(family, kind, protocol))
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


def _listen_at_path(address: Address) -> socket.socket:
    path = address.host
    sock = sockets.keep(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
    try:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        _remove_what_a_dead_node_left(path)
        sock.setblocking(False)
        sock.bind(path)
        os.chmod(path, 0o600)  # nobody can connect before we listen, so nobody came in before this
        sock.listen(BACKLOG)
    except OSError as error:
        sock.close()
        remedy = (
            "Choose another path" if error.errno == errno.EADDRINUSE else "Choose a path that you may write to"
        )
        raise AddressInUse(f"cannot listen at {address}: {sockets.say(error)}. {remedy}") from None
    return sock


def _remove_what_a_dead_node_left(path: str) -> None:
    """A UNIX socket outlives the process that listened at it, and nobody can listen there until it is removed."""
    try:
        if not stat.S_ISSOCK(os.lstat(path).st_mode):
            return
    except FileNotFoundError:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        if probe.connect_ex(path) == errno.ECONNREFUSED:
            os.unlink(path)


def _remedy(error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return "Choose another port, or port 0 for any free one"
    if error.errno == errno.EACCES:
        return "Ports below 1024 are the system's; choose a higher one"
    return "Choose an address of this machine, such as 127.0.0.1"


def dial(
    address: Address,
    authkey: bytes,
    clock: Clock | None = None,
    within: float = 5.0,
    tls: Tls | None = None,
) -> Wire:
    """Connect to a node, prove the cookie, and enter a session: BaseManager's `Client`. Blocks.

    Raises:
        AuthenticationRefused, NodeUnreachable, DecodeRefused, TimeoutError, OSError.
    """
    clock = clock or SystemClock()
    deadline = clock.monotonic() + within
    cookie = Cookie.from_authkey(authkey)
    tls = tls or Tls.from_cookie(cookie)
    sock = _connected(address, within)
    try:
        is_secret = tls.is_wanted(sock.family, sock.getpeername())
        channel: Channel = tls.dial(address.host) if is_secret else PlainChannel(dials=True)
        wire = Wire(sock, clock, channel)
    except BaseException:
        sock.close()
        raise
    try:
        wire.finish(deadline)
        talk = Conversation(str(address), cookie, os.urandom(32), binding=wire.binding)
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


def _connected(address: Address, within: float) -> socket.socket:
    if not address.is_unix:
        return socket.create_connection((address.host, address.port), within)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    sock.settimeout(within)
    try:
        sock.connect(address.host)
    except BaseException:
        sock.close()
        raise
    return sock


# The module's table is global and has no function to add to it (CPython 3.11 to 3.13).
multiprocessing.managers.listener_client[SERIALIZER] = (Listener, dial)  # type: ignore[attr-defined]
