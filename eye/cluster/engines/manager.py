"""The default engine: each node serves a `multiprocessing` BaseManager, and asks those of the others.

No server to install, no process to look after: the BaseManager runs on threads of the node itself
(`server`), with our own connections (`listener`). The asking half is a `Switchboard`: one thread for
all the peers. Comfortable to about 200 nodes; a larger fleet takes another engine.
"""

from __future__ import annotations

import multiprocessing
import multiprocessing.managers
import threading
from typing import TYPE_CHECKING, Any

from eye.cluster import dispatch
from eye.cluster.engines.listener import SERIALIZER
from eye.cluster.engines.server import Limits, Server
from eye.cluster.switchboard import Switchboard
from eye.cluster.tls import Tls
from eye.cluster.traffic import Traffic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from eye.clock import Clock
    from eye.cluster.interconnect import Answer, Method, Service
    from eye.cluster.node import Address
    from eye.cluster.security import Cookie


class NodeManager(multiprocessing.managers.BaseManager):
    """The BaseManager of one node: its shared objects are the node's services, under their own names."""

    def __init__(
        self,
        address: Address,
        cookie: Cookie,
        services: Sequence[Service],
        clock: Clock,
        limits: Limits,
        tls: Tls,
        traffic: Traffic,
    ) -> None:
        # A context of its own: asking for the usual one settles it, and the program's `set_start_method` fails.
        own = multiprocessing.get_context("spawn")
        super().__init__(address, cookie.authkey, SERIALIZER, own)  # type: ignore[arg-type]
        self._node_cookie, self._clock, self._limits, self._tls = cookie, clock, limits, tls
        self._traffic = traffic
        self._table = dispatch.table_of(services)
        self._listen_at = address

    def get_server(self) -> Server:
        """Make the server, which listens from now on and answers once it is started.

        Raises:
            AddressInUse: when the address is taken, or is not this machine's.
        """
        limits, tls, traffic = self._limits, self._tls, self._traffic
        return Server(self._listen_at, self._node_cookie, self._table, self._clock, limits, tls, traffic)


class ManagerEngine:
    """The `Engine` over `multiprocessing.managers`. See `interconnect` for what it promises."""

    def __init__(
        self,
        cookie: Cookie,
        clock: Clock,
        limits: Limits | None = None,
        tls: Tls | None = None,
        traffic: Traffic | None = None,
    ) -> None:
        """`tls` is the cookie's own, beyond loopback, unless given; `traffic` counts what answering costs."""
        self._cookie, self._clock, self._limits = cookie, clock, limits or Limits()
        self._tls = tls or Tls.from_cookie(cookie)
        self._traffic = traffic or Traffic(clock)
        self._switchboard = Switchboard(cookie, clock, tls=self._tls)
        self._servers: list[Server] = []
        self._lock = threading.Lock()
        self._is_closed = False

    def serve(self, address: Address, services: Sequence[Service]) -> Address:
        """Begin to answer; see `Engine.serve`."""
        if self._is_closed:
            raise RuntimeError("this engine is closed; make another")
        manager = NodeManager(address, self._cookie, services, self._clock, self._limits, self._tls, self._traffic)
        server = manager.get_server()
        with self._lock:
            server.start()
            self._servers.append(server)
        return server.listener.address

    def request(self, address: str, method: Method, *args: Any, timeout: float) -> Any:
        """Ask and wait; see `Engine.request`."""
        self._switchboard.start()
        return self._switchboard.request(address, method, *args, timeout=timeout)

    def request_all(
        self, addresses: Iterable[str], method: Method, *args: Any, timeout: float
    ) -> dict[str, Answer]:
        """Ask all at once and wait; see `Engine.request_all`."""
        self._switchboard.start()
        return self._switchboard.request_all(addresses, method, *args, timeout=timeout)

    def submit(
        self,
        address: str,
        method: Method,
        args: tuple[Any, ...],
        *,
        timeout: float,
        done: Callable[[Answer], None],
    ) -> None:
        """Ask without waiting; see `Engine.submit`."""
        self._switchboard.start()
        self._switchboard.submit(address, method, args, timeout=timeout, done=done)

    def on_lost(self, callback: Callable[[str, str], None]) -> None:
        """Be told of lost connections; see `Engine.on_lost`."""
        self._switchboard.on_lost(callback)

    def forget(self, address: str) -> None:
        """Drop the connections to an address; see `Engine.forget`."""
        self._switchboard.forget(address)

    def close(self) -> None:
        """Stop answering and asking; see `Engine.close`."""
        with self._lock:
            self._is_closed = True
            servers, self._servers = self._servers, []
        for server in servers:
            server.stop()
        self._switchboard.close()
