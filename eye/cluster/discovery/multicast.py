"""Nodes on one network segment find each other by multicast: no server, no list of addresses.

Each node says every few seconds that it is there, and at once when somebody new asks. It works within one
segment (TTL 1): a LAN, the bridge of one Docker host. It does not work in most clouds, on overlay networks, in
most Kubernetes clusters, and is unreliable over Wi-Fi; `dns` is for those.

Where there is no route for a group, joining fails (ENODEV): then this strategy is off, says so once, and tries
again at each look. Interfaces come and go, so they are looked up anew each time, too.

What a node says that only its own machine can reach (127.0.0.1, a UNIX socket) stays there (TTL 0): elsewhere its
address is somebody else's.
"""

from __future__ import annotations

import errno
import ipaddress
import logging
import os
import selectors
import socket
import struct
import sys
import threading
import time
from typing import TYPE_CHECKING

from eye.cluster.discovery.datagrams import FRESH, LONGEST, Hint, Signed
from eye.cluster.interfaces import list_interfaces
from eye.cluster.node import Address

if TYPE_CHECKING:
    from collections.abc import Callable

    from eye.cluster.node import NodeInfo
    from eye.cluster.security import Cookie

log = logging.getLogger("eye.cluster")

GROUP, GROUP6, PORT = "239.255.77.69", "ff02::4d45", "45892"
"""Where nodes meet unless told otherwise: in the organization-local scope (RFC 2365), and on the link."""

_REPLY_AT_MOST_EVERY = 1.0  # seconds
_MOST = 1000  # addresses remembered
_ONLY_OWN_GROUPS = ((socket.IPPROTO_IP, 49), (socket.IPPROTO_IPV6, 29))  # IP_MULTICAST_ALL, IPV6_… of Linux
_KEPT = 3 * FRESH  # seconds that an address is given after it was last heard of
_FOR_THIS_MACHINE = (
    "multicast discovery: only this machine can reach %s, so other machines are not told of it; to be found by "
    "them, listen at --listen 0.0.0.0:PORT"
)


class MulticastDiscovery:
    """Finds nodes of the same cookie by signed datagrams.

    `group` may be of either family; without one both are used, as far as the machine has them.
    """

    def __init__(
        self,
        cookie: Cookie,
        group: str | None = None,
        port: str = PORT,
        *,
        now: Callable[[], float] = time.time,
        interfaces: Callable[[], list[tuple[str, int]]] | None = None,
    ) -> None:
        groups = [group] if group is not None else [GROUP, GROUP6]
        self._groups = [(ipaddress.ip_address(one), int(port)) for one in groups]
        self._signed = Signed(cookie)
        self._now = now
        self._interfaces = interfaces or list_interfaces
        self._lock = threading.Lock()  # for `_known`
        self._talking = threading.Lock()  # for the sockets, on which a look and a reply may meet
        self._known: dict[str, float] = {}  # address -> when it was last heard of
        self._info: NodeInfo | None = None
        self._hops = 1  # how far what we say may go
        self._found: Callable[[], None] = lambda: None
        self._sockets: dict[int, socket.socket] = {}  # by family
        self._joined: set[tuple[int, str, int]] = set()
        self._troubles: set[str] = set()
        self._replied_at = float("-inf")
        self._selector: selectors.BaseSelector | None = None
        self._ears: socket.socket | None = None  # where the thread hears `_bell`, the other end
        self._bell: socket.socket | None = None
        self._thread: threading.Thread | None = None
        self._stops = False

    def __str__(self) -> str:
        return "multicast discovery"

    def start(self, found: Callable[[], None]) -> None:
        """Listen from now on, on a thread of its own; `found` is called when somebody new is heard of."""
        self._found = found

    def announce(self, info: NodeInfo) -> None:
        """Say that this node is here, at the next look and at each one after it."""
        self._info, self._hops = info, 1
        if Address.parse(info.address).is_loopback:
            self._hops = 0
            log.warning(_FOR_THIS_MACHINE, info.address)

    def find(self) -> frozenset[str]:
        """Say that we are here, and give the addresses that were heard of lately.

        Raises:
            OSError: no interface takes part, and nobody was heard of.
        """
        with self._talking:
            if self._stops:
                return frozenset()
            self._listen()
            self._say("who" if self._thread is None else "here")
            self._start_thread()
            is_off = not self._joined
        with self._lock:
            now = self._now()
            self._known = {one: at for one, at in self._known.items() if now - at < _KEPT}
            found = frozenset(self._known) - {self._info.address if self._info is not None else ""}
        if is_off and not found:
            raise OSError(self._why_off())
        return found

    def withdraw(self) -> None:
        """Say that we go, and stop listening."""
        with self._talking:
            if self._stops:
                return
            self._say("gone")
            self._info, self._stops = None, True
        if self._thread is not None and self._bell is not None:
            self._bell.send(b"!")
            if self._thread is not threading.current_thread():
                self._thread.join()
        for one in (*self._sockets.values(), self._ears, self._bell, self._selector):
            if one is not None:
                one.close()

    # -------------------------------------------------------------------------- joining

    def _listen(self) -> None:
        present = self._interfaces()
        for group, port in self._groups:
            family = socket.AF_INET if group.version == 4 else socket.AF_INET6
            try:
                sock = self._sockets.get(family) or self._open(family, port)
            except OSError as error:
                self._trouble(f"no {group}: {error.strerror}")
                continue
            for address, index in present:
                if (":" in address) == (family == socket.AF_INET6):
                    self._join(sock, family, str(group), address, index)

    def _open(self, family: int, port: int) -> socket.socket:
        sock = socket.socket(family, socket.SOCK_DGRAM)
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if hasattr(socket, "SO_REUSEPORT"):
                # Several nodes of one machine listen at one port, and each of them gets each multicast datagram.
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            if family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_LOOP, 1)
            else:
                sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 1)
            _hear_only_own_groups(sock, family)
            sock.setblocking(False)
            sock.bind(("", port))
        except OSError:
            sock.close()
            raise
        self._sockets[family] = sock
        if self._selector is not None:
            self._selector.register(sock, selectors.EVENT_READ)
        return sock

    def _join(self, sock: socket.socket, family: int, group: str, address: str, index: int) -> None:
        if (family, address, index) in self._joined:
            return
        try:
            if family == socket.AF_INET:
                wish = socket.inet_aton(group) + socket.inet_aton(address)
                sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, wish)
            else:
                wish = socket.inet_pton(socket.AF_INET6, group) + struct.pack("@I", index)
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, wish)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:  # joined already, by another address of the interface
                self._trouble(f"{group} cannot be joined on {_called(address, index)}: {error.strerror}")
                return
        self._joined.add((family, address, index))

    def _trouble(self, said: str) -> None:
        if said not in self._troubles and len(self._troubles) < 100:
            self._troubles.add(said)
            log.info("multicast discovery: %s", said)

    def _why_off(self) -> str:
        why = f" ({'; '.join(sorted(self._troubles)[:3])})" if self._troubles else ""
        return (
            f"no network interface of this machine takes part{why}. It is tried again at each look; where there "
            "is no multicast, use --connect HOST:PORT or --discover dns:NAME:PORT"
        )

    # -------------------------------------------------------------------------- talking

    def _say(self, kind: str) -> None:
        """Send a datagram by each interface. The caller holds `_talking`."""
        info = self._info
        if info is None and kind != "who":
            return
        address, boot = (info.address, info.boot) if info is not None else ("127.0.0.1:1", os.urandom(8).hex())
        if info is None:
            kind = "ask"  # from somebody who only looks
        datagram = self._signed.write(Hint(kind, address, boot, self._now()))
        for place in list(self._joined):
            self._send(datagram, *place)

    def _send(self, datagram: bytes, family: int, address: str, index: int) -> None:
        sock = self._sockets[family]
        for group, port in self._groups:
            if (group.version == 6) != (family == socket.AF_INET6):
                continue
            try:
                if family == socket.AF_INET:
                    sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(address))
                    sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, self._hops)
                    sock.sendto(datagram, (str(group), port))
                else:
                    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, index)
                    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, self._hops)
                    sock.sendto(datagram, (str(group), port, 0, index))
            except OSError as error:
                self._joined.discard((family, address, index))  # gone, it seems; joined again when it is back
                self._trouble(f"{group} cannot be reached on {_called(address, index)}: {error.strerror}")

    def _start_thread(self) -> None:
        if self._thread is None and self._sockets:
            self._selector = selectors.DefaultSelector()
            self._ears, self._bell = socket.socketpair()
            for sock in (*self._sockets.values(), self._ears):
                self._selector.register(sock, selectors.EVENT_READ)
            self._thread = threading.Thread(target=self._hear_all, name="eye-multicast", daemon=True)
            self._thread.start()

    def _hear_all(self) -> None:
        assert self._selector is not None
        while not self._stops:
            for key, _ in self._selector.select():
                if key.fileobj is not self._ears:
                    self._hear(key.fileobj)  # type: ignore[arg-type]

    def _hear(self, sock: socket.socket) -> None:
        try:
            datagram, _ = sock.recvfrom(LONGEST + 1)
        except OSError:
            return
        hint = self._signed.read(datagram, self._now())
        if hint is None or (self._info is not None and hint.boot == self._info.boot):
            return
        is_new = self._note(hint)
        # A clock that was set back is no reason to be silent.
        if hint.kind in ("who", "ask") and abs(self._now() - self._replied_at) >= _REPLY_AT_MOST_EVERY:
            self._replied_at = self._now()
            with self._talking:
                if not self._stops:
                    self._say("here")
        if is_new:
            self._found()

    def _note(self, hint: Hint) -> bool:
        """Remember what was heard; answer whether somebody is known now who was not."""
        with self._lock:
            if hint.kind == "gone":
                self._known.pop(hint.address, None)
            if hint.kind not in ("here", "who"):
                return False
            is_new = hint.address not in self._known
            # Whoever has no room any more must not be new each time: each look of ours is heard by all of them.
            if is_new and len(self._known) >= _MOST:
                return False
            self._known[hint.address] = self._now()
            return is_new


def _hear_only_own_groups(sock: socket.socket, family: int) -> None:
    """Have no datagrams of groups that others have joined; Linux gives a socket those of the whole machine."""
    try:
        if sys.platform == "linux":
            sock.setsockopt(*_ONLY_OWN_GROUPS[family == socket.AF_INET6], 0)
    except OSError:
        pass  # before Linux 4.20, of IPv6: it hears more, and nothing is lost


def _called(address: str, index: int) -> str:
    """Name an interface as a person knows it."""
    try:
        return address if address != "::" else socket.if_indextoname(index)
    except OSError:
        return f"interface {index}"  # gone meanwhile
