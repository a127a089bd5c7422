"""Names that stand for many nodes: the headless service of Kubernetes, the service of Docker Compose, SRV records.

A name server may be slow, or away, or for a moment know nobody. It is asked on a thread of its own, with a
deadline; an empty answer or none changes nothing: what was found last is still given. Whether a node is there,
membership finds out; a name server never ends one.

Pitfalls: a Kubernetes service names only pods that are ready, unless it says `publishNotReadyAddresses`; what the
resolver caches is as old as its TTL; a large answer may be cut to what fits into a packet.
"""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING, Any

from eye.cluster.node import Address
from eye.errors import ConfigError, EyeError

if TYPE_CHECKING:
    from collections.abc import Callable

    from eye.cluster.node import NodeInfo

PATIENCE = 5.0
"""Seconds that one look waits for the name server."""


class _Asked:
    """Asks a name server, and keeps the last answer that was one."""

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._last: frozenset[str] = frozenset()
        self._thread: threading.Thread | None = None
        self._error: Exception | None = None
        self._is_withdrawn = False

    def ask(self) -> frozenset[str]:
        """Look the name up. On a thread that may hang.

        Raises:
            OSError: it cannot be looked up now. EyeError: it never can, as things are.
        """
        raise NotImplementedError

    def announce(self, info: NodeInfo) -> None:
        """Nothing to do: whoever runs the nodes has entered them there."""

    def find(self) -> frozenset[str]:
        """Look the name up, for some seconds at most, and give what is known.

        Raises:
            OSError: the name server did not answer, or knows no such name; what was found before still counts.
        """
        if self._is_withdrawn:
            return frozenset()
        if self._thread is None or not self._thread.is_alive():
            self._error = None
            self._thread = threading.Thread(target=self._look, name="eye-dns", daemon=True)
            self._thread.start()
        self._thread.join(self._patience)
        if self._error is not None and not self._last:
            raise self._error
        return self._last

    def withdraw(self) -> None:
        """Ask no more. A look that hangs ends when the resolver gives up."""
        self._is_withdrawn = True

    def _look(self) -> None:
        try:
            found = self.ask()
        except (OSError, EyeError) as error:
            self._error = error
            return
        if found and not self._is_withdrawn:
            self._last = found


class DnsDiscovery(_Asked):
    """Finds every address (A and AAAA) of a name, each with the same port."""

    def __init__(
        self,
        name: str,
        port: int,
        *,
        patience: float = PATIENCE,
        resolve: Callable[..., list[Any]] = socket.getaddrinfo,
    ) -> None:
        super().__init__(patience)
        self._name, self._port, self._resolve = name, port, resolve

    def __str__(self) -> str:
        return f"dns discovery of {self._name}"

    def ask(self) -> frozenset[str]:
        try:
            places = self._resolve(self._name, self._port, type=socket.SOCK_STREAM)
        except UnicodeError as error:
            raise socket.gaierror(socket.EAI_NONAME, "not a host name") from error
        return frozenset(str(Address(str(place[4][0]), self._port)) for place in places)


class SrvDiscovery(_Asked):
    """Finds the hosts and ports of an SRV record (RFC 2782). Needs dnspython, of the extra `dns`."""

    def __init__(self, name: str, *, patience: float = PATIENCE, resolver: Any = None) -> None:
        super().__init__(patience)
        self._name, self._resolver = name, resolver

    def __str__(self) -> str:
        return f"dns discovery of {self._name}"

    def ask(self) -> frozenset[str]:
        try:
            from dns import exception, resolver
        except ImportError:
            raise ConfigError("dns:srv: needs dnspython; pip install 'sorcerers-eye[dns]'") from None
        asked = self._resolver or resolver.Resolver()
        try:
            answer = asked.resolve(self._name, "SRV", lifetime=self._patience)
        except exception.DNSException as error:
            raise OSError(f"no SRV record of {self._name}: {error}") from None
        return frozenset(str(Address(str(one.target).rstrip("."), int(one.port))) for one in answer)
