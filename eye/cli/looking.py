"""Finding the cluster from what the options say, and looking at it: what most commands begin with."""

from __future__ import annotations

import os
import time
from functools import cached_property
from typing import TYPE_CHECKING, Any

from eye.cli.options import PROGRAM
from eye.cli.screen import tell
from eye.clock import SystemClock
from eye.cluster.discovery.local import read_all
from eye.cluster.node import Address
from eye.cluster.security import load_cookie
from eye.cluster.switchboard import Switchboard
from eye.errors import (
    AuthenticationRefused,
    BadAddress,
    ClusterError,
    DeadlineExceeded,
    NodeDown,
    NodeUnreachable,
    UnknownNode,
)
from eye.monitor.census import TIMEOUT, Observer, everybody
from eye.monitor.config import cookie_path, make_tls, runtime_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from eye.cli.options import Shared
    from eye.cluster.discovery.local import Entry
    from eye.cluster.interconnect import Answer, Method
    from eye.cluster.security import Cookie
    from eye.monitor.tally import Census

_NO_CLUSTER = (
    f"no node was found on this machine; start one with `{PROGRAM} start --name NAME`, or say where one is with "
    "--connect HOST:PORT"
)


class Lookout:
    """Looks at the cluster, as often as one likes. It belongs to the thread that uses it."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._cookie_file = shared.cookie_file
        self._connect = tuple(_checked(address) for address in shared.connect)
        self._clock = SystemClock()
        self._switchboard: Switchboard | None = None
        self._has_looked = False
        self._told: set[str] = set()

    def __enter__(self) -> Lookout:
        return self

    def __exit__(self, *raised: object) -> None:
        if self._switchboard is not None:
            self._switchboard.close()

    def look(self, timeout: float = TIMEOUT, wants: Callable[[str], bool] = everybody) -> Census | None:
        """Take a census, and tell about what could not be reached; None where there is nobody to ask.

        Raises:
            ClusterError: there was somebody to ask, and nobody answered.
        """
        entries, strangers = self._entries()
        if entries or self._connect or self._has_looked:
            census = self._observer.take_census(entries, self._connect, timeout=timeout, wants=wants)
            self._has_looked = True
            if census.known:
                self._tell_troubles(census.troubles, strangers)
                return census
            if census.troubles:
                raise _nobody_answered(census.troubles)
        if strangers:
            raise AuthenticationRefused(f"node {strangers[0].name!r} at {strangers[0].address}")
        return None

    def must_look(self, timeout: float = TIMEOUT, wants: Callable[[str], bool] = everybody) -> Census:
        """Take a census where there has to be a cluster.

        Raises:
            ClusterError: there is none; and what `look` raises.
        """
        census = self.look(timeout, wants)
        if census is None:
            raise ClusterError(_NO_CLUSTER)
        return census

    def find(self, name: str, timeout: float = TIMEOUT) -> str:
        """Find the address of a node that is up.

        Raises:
            NodeDown: it does not answer. UnknownNode: nobody knows it. And what `must_look` raises.
        """
        census = self.must_look(timeout, wants=lambda other: other == name)
        if name not in census.known:
            raise UnknownNode(name, ", ".join(census.known))
        if name not in census.routes:
            raise NodeDown(name, census.nodes[0].reason or "it does not answer")
        return census.routes[name]

    def ask(self, address: str, method: Method, *args: Any, timeout: float) -> Any:
        """Ask a node that was found; see `Engine.request`."""
        return self._asker.request(address, method, *args, timeout=timeout)

    def ask_all(self, addresses: Iterable[str], method: Method, *args: Any, timeout: float) -> dict[str, Answer]:
        """Ask several at once; see `Engine.request_all`."""
        return self._asker.request_all(addresses, method, *args, timeout=timeout)

    def ask_each(
        self, addresses: Iterable[str], method: Method, *args: Any, timeout: float
    ) -> Iterator[tuple[str, Answer]]:
        """Ask several at once, and give each answer as it comes; see `request_each`."""
        from eye.cluster.each import request_each  # few commands need it

        asker = self._asker
        return request_each(asker, addresses, method, *args, timeout=timeout, move=asker.run_until)

    def monotonic(self) -> float:
        """Tell the time by which beats are kept."""
        return self._clock.monotonic()

    def rest(self, seconds: float) -> None:
        """Let time pass between two looks, without losing sight of the connections."""
        if self._has_looked:
            self._observer.rest(seconds)
        else:
            time.sleep(seconds)

    # ------------------------------------------------------------------------------- parts

    def _entries(self) -> tuple[list[Entry], list[Entry]]:
        """What live nodes of this machine have left: those with our cookie, and the others."""
        live = [entry for entry in read_all(runtime_folder(os.environ)) if entry.is_alive]
        if not live:
            return [], []
        ours = [entry for entry in live if entry.cookie_digest == self._cookie.digest]
        return ours, [entry for entry in live if entry.cookie_digest != self._cookie.digest]

    @cached_property
    def _cookie(self) -> Cookie:
        # A cookie that were made only now could be nobody else's.
        return load_cookie(cookie_path(os.environ, self._cookie_file), create=False)

    @cached_property
    def _asker(self) -> Switchboard:
        shared = self._shared
        tls = make_tls(self._cookie, shared.tls, shared.tls_cert, shared.tls_key, shared.tls_ca)
        self._switchboard = Switchboard(self._cookie, self._clock, tls=tls)
        return self._switchboard

    @cached_property
    def _observer(self) -> Observer:
        return Observer(self._asker, self._clock)

    def _tell_troubles(self, troubles: Mapping[str, ClusterError], strangers: list[Entry]) -> None:
        said = [str(error) for error in troubles.values()]
        if strangers:
            names = ", ".join(entry.name for entry in strangers)
            said.append(f"not shown, for they have another cookie than ours: {names}")
        for sentence in said:
            if sentence not in self._told:  # once is enough when looks are repeated
                self._told.add(sentence)
                tell(sentence)


def _checked(address: str) -> str:
    """Refuse an address where nobody can be."""
    parsed = Address.parse(address)
    if parsed.port == 0 and not parsed.is_unix:
        raise BadAddress(f"--connect {address}: nobody listens on port 0")
    return str(parsed)


def _nobody_answered(troubles: Mapping[str, ClusterError]) -> ClusterError:
    if len(troubles) == 1:
        (error,) = troubles.values()
        if not isinstance(error, NodeUnreachable | DeadlineExceeded):
            return error
    tried = "; ".join(_tried(address, error) for address, error in troubles.items())
    return ClusterError(f"no node answered: tried {tried}. Is `{PROGRAM} start` running there?")


def _tried(address: str, error: ClusterError) -> str:
    if isinstance(error, NodeUnreachable):
        return f"{address} ({error.cause})"
    return f"{address} (silent)" if isinstance(error, DeadlineExceeded) else str(error)
