"""Finding the cluster from what the options say, and looking at it: what `fetch`, `nodes`, `tree` and `kill` share."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from eye.cli.options import PROGRAM
from eye.cli.screen import tell
from eye.clock import SystemClock
from eye.errors import AuthenticationRefused, BadAddress, ClusterError, NodeDown, UnknownNode
from eye.monitor.census import TIMEOUT, Observer, everybody

if TYPE_CHECKING:
    from collections.abc import Callable

    from eye.cli.options import Shared
    from eye.cluster.discovery.local import Entry
    from eye.cluster.interconnect import Method
    from eye.cluster.security import Cookie
    from eye.cluster.switchboard import Switchboard
    from eye.monitor.node_view import NodeView
    from eye.monitor.tally import Census


class NoCluster(ClusterError):
    """There is no node to be found, and nobody said where one should be."""

    def __str__(self) -> str:
        return (
            f"no node was found on this machine; start one with `{PROGRAM} start --name NAME`, or say where one "
            "is with --connect HOST:PORT"
        )


class Lookout:
    """Looks at the cluster, as often as one likes. It belongs to the thread that uses it."""

    def __init__(self, shared: Shared) -> None:
        self._cookie_file = shared.cookie_file
        self._connect = tuple(_checked(address) for address in shared.connect)
        self._clock = SystemClock()
        self._cookie: Cookie | None = None
        self._switchboard: Switchboard | None = None
        self._observer: Observer | None = None
        self._told: set[str] = set()

    def look(self, timeout: float = TIMEOUT, wants: Callable[[str], bool] = everybody) -> Census:
        """Take a census, and tell about what could not be reached.

        Raises:
            NoCluster: there is nobody to ask.
            ClusterError: there was, but nobody answered.
        """
        entries, strangers = self._entries()
        if entries or self._connect or (self._observer and self._observer.has_met_anybody):
            census = self._get_observer().take_census(entries, self._connect, timeout=timeout, wants=wants)
            if census.known:
                self._tell_troubles(census, strangers)
                return census
            if census.troubles:
                raise _nobody_answered(census.troubles, timeout)
        if strangers:
            raise AuthenticationRefused(strangers[0].address)
        raise NoCluster()

    def find(self, name: str, timeout: float = TIMEOUT) -> str:
        """Find the address of a node that is up.

        Raises:
            NodeDown: it does not answer. UnknownNode: nobody knows it. And what `look` raises.
        """
        census = self.look(timeout, wants=lambda other: other == name)
        if name not in census.known:
            raise UnknownNode(name, ", ".join(census.known))
        if name not in census.routes:
            raise NodeDown(name, census.nodes[0].reason or "it does not answer")
        return census.routes[name]

    def ask(self, address: str, method: Method, *args: Any, timeout: float) -> Any:
        """Ask a node that was found; see `Engine.request`."""
        return self._get_switchboard().request(address, method, *args, timeout=timeout)

    def ask_all(self, addresses: list[str], method: Method, timeout: float) -> dict[str, Any]:
        """Ask several at once; see `Engine.request_all`."""
        return self._get_switchboard().request_all(addresses, method, timeout=timeout)

    def monotonic(self) -> float:
        """Tell the time by which beats are kept."""
        return self._clock.monotonic()

    def rest(self, seconds: float) -> None:
        """Let time pass between two looks, without losing sight of the connections."""
        self._get_observer(needs_cookie=False).rest(seconds)

    # ------------------------------------------------------------------------------- parts

    def _entries(self) -> tuple[list[Entry], list[Entry]]:
        """What live nodes of this machine have left: those with our cookie, and the others."""
        from eye.cluster.discovery.local import read_all
        from eye.monitor.config import runtime_folder

        live = [entry for entry in read_all(runtime_folder(os.environ)) if entry.is_alive]
        if not live:
            return [], []
        digest = self._get_cookie().digest
        ours = [entry for entry in live if entry.cookie_digest == digest]
        return ours, [entry for entry in live if entry.cookie_digest != digest]
