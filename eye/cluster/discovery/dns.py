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
from eye.errors import BadAddress, ConfigError, EyeError

if TYPE_CHECKING:
    from collections.abc import Callable

    from eye.cluster.node import NodeInfo

PATIENCE = 5.0
"""Seconds that one look waits for the name server."""


class _Asked:
    """Asks a name server, and keeps the last answer that was one."""

    def __init__(self, name: str, patience: float) -> None:
        self._name, self._patience = name, patience
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
        last, error = self._last, self._error
        if error is None and self._thread.is_alive():
            error = self._silence()
        if error is not None and not last:
            raise error
        return last

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

    def _silence(self) -> OSError:
        return TimeoutError(
            f"no name server answered for {self._name} within {self._patience:g} s. It is asked again at each "
            "look; is the network up, and are the servers of /etc/resolv.conf right?"
        )


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
        super().__init__(name, patience)
        self._port, self._resolve = port, resolve

    def __str__(self) -> str:
        return f"dns discovery of {self._name}:{self._port}"

    def ask(self) -> frozenset[str]:
        try:
            places = self._resolve(self._name, self._port, type=socket.SOCK_STREAM)
        except UnicodeError:  # a label of more than 63 characters, or of none
            raise OSError(f"{self._name!r} can be nobody's host name; correct --discover") from None
        except socket.gaierror as error:
            if error.errno == socket.EAI_AGAIN:
                raise self._silence() from None
            raise OSError(
                f"no addresses of {self._name} ({error.strerror}). Does a node run there, and is the name right? "
                f"To see what this machine finds: getent ahosts {self._name}"
            ) from None
        return frozenset(str(Address(str(place[4][0]), self._port)) for place in places)


class SrvDiscovery(_Asked):
    """Finds the hosts and ports of an SRV record (RFC 2782). Needs dnspython, of the extra `dns`."""

    def __init__(self, name: str, *, patience: float = PATIENCE, resolver: Any = None) -> None:
        super().__init__(name, patience)
        self._resolver = resolver

    def __str__(self) -> str:
        return f"dns discovery of SRV {self._name}"

    def ask(self) -> frozenset[str]:
        try:
            from dns import exception, resolver
        except ImportError:
            raise ConfigError("dns:srv: needs dnspython; pip install 'sorcerers-eye[dns]'") from None
        try:
            asked = self._resolver or resolver.Resolver()
            answer = asked.resolve(self._name, "SRV", lifetime=self._patience)
        # What dnspython says has seconds and ports in it, another each time, and would be logged each time.
        except exception.Timeout:
            raise self._silence() from None
        except (resolver.NXDOMAIN, resolver.NoAnswer):
            raise OSError(
                f"no SRV record of {self._name}. Does a node run there, and is the name right, with the name of "
                f"the port and the domain in full? To see what there is: dig SRV {self._name}"
            ) from None
        except resolver.NoNameservers:
            raise OSError(
                f"the name servers could not say anything of {self._name}; they are asked again at each look. To "
                f"see what they answer: dig SRV {self._name}"
            ) from None
        except exception.DNSException as error:
            raise OSError(f"no SRV record of {self._name}: {error}") from None
        return frozenset(address for one in answer if (address := _place(str(one.target), int(one.port))))


def _place(target: str, port: int) -> str | None:
    """Make an address of an SRV record; None for `.` (RFC 2782: nobody offers this) and what is no host name."""
    host = target.removesuffix(".")
    if not host or not port or any(char in "[]\\" for char in host):
        return None
    try:
        return str(Address.parse(f"{host}:{port}"))
    except BadAddress:
        return None
