"""Finding addresses at which nodes may be, and nothing else: what is there, membership finds out.

Read in this order: static, local, datagrams, multicast, dns.

Several strategies may be used at once; `finder` asks them all, now and then. `make` makes them of what a person
wrote:

    local                       nodes of this user on this machine, in a folder
    static                      the addresses of `--connect`
    multicast[:GROUP[:PORT]]    nodes on the same network segment, by signed datagrams
    dns:NAME:PORT               every address of a name: a headless service, a compose service
    dns:srv:NAME                every host and port of an SRV record
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Protocol

from eye.errors import BadDiscovery

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from eye.cluster.node import NodeInfo
    from eye.cluster.security import Cookie

_GROUP = re.compile(r"(?:\[(?P<six>[0-9a-f:.]+)\]|(?P<four>[0-9.]+))(?::(?P<port>[0-9]+))?", re.I | re.ASCII)


class Strategy(Protocol):
    """One way of finding nodes. Its methods are called on one thread and may take a moment.

    One that learns of nodes by itself has a method `start(found)` as well: it is called once, and `found` may be
    called, from any thread, whenever it is worth asking `find` at once.
    """

    def announce(self, info: NodeInfo) -> None:
        """Let others find this node. Called again when something about it changes.

        Raises:
            NameTaken: when another live node is found under this name.
        """
        ...

    def find(self) -> frozenset[str]:
        """Give the addresses at which nodes may be now.

        One that is missing says nothing: an empty answer of a name server ends no node.
        """
        ...

    def withdraw(self) -> None:
        """Let nobody find this node any more: it stops. Comes before it says goodbye."""
        ...


def check(text: str) -> str:
    """Give the text of a strategy back, if there is such a strategy. Does nothing else.

    Raises:
        BadDiscovery: there is none.
    """
    _parse(text)
    return text


def make(texts: Iterable[str], *, cookie: Cookie, folder: Path, connect: tuple[str, ...]) -> tuple[Strategy, ...]:
    """Make the strategies of their texts. `static` without addresses is none.

    Raises:
        BadDiscovery: there is no such strategy. FolderUnusable: see `local`.
    """
    strategies: list[Strategy] = []
    for kind, args in [_parse(text) for text in dict.fromkeys(texts)]:
        if kind == "local":
            from eye.cluster.discovery.local import LocalDiscovery

            strategies.append(LocalDiscovery(folder, cookie.digest))
        elif kind == "static" and connect:
            from eye.cluster.discovery.static import StaticDiscovery

            strategies.append(StaticDiscovery(connect))
        elif kind == "multicast":
            from eye.cluster.discovery.multicast import MulticastDiscovery

            strategies.append(MulticastDiscovery(cookie, *args))
        elif kind in ("dns", "srv"):
            from eye.cluster.discovery.dns import DnsDiscovery, SrvDiscovery

            strategies.append(DnsDiscovery(args[0], int(args[1])) if kind == "dns" else SrvDiscovery(args[0]))
    return tuple(strategies)


def _parse(text: str) -> tuple[str, tuple[str, ...]]:
    kind, colon, rest = text.partition(":")
    if kind in ("local", "static"):
        if colon:
            raise BadDiscovery(text, f"{kind} takes nothing after it")
        return kind, ()
    if kind == "multicast":
        return kind, _group(text, rest) if colon else ()
    if kind == "dns" and rest.startswith("srv:"):
        name = rest.removeprefix("srv:")
        if name.isdigit():
            raise BadDiscovery(text, "that is no SRV record; a host that is called srv is written dns:srv.:PORT")
        if not _is_host(name):
            raise BadDiscovery(text, "after dns:srv: comes the name of an SRV record, _eye._tcp.example.org")
        return "srv", (name,)
    if kind == "dns":
        name, _, port = rest.rpartition(":")
        if not _is_host(name) or not _is_port(port):
            raise BadDiscovery(text, "after dns: come a host name and the port that the nodes listen at")
        return "dns", (name, port)
    raise BadDiscovery(text, "there is no such way of finding nodes")


def _group(text: str, rest: str) -> tuple[str, ...]:
    """Check a multicast group and its port: `239.1.2.3`, `[ff02::1234]:45892`."""
    import ipaddress

    written = _GROUP.fullmatch(rest)
    try:
        if written is None or (written["port"] and not _is_port(written["port"])):
            raise ValueError
        group = ipaddress.ip_address(written["six"] or written["four"])
    except ValueError:
        raise BadDiscovery(
            text, "after multicast: comes a group such as 239.255.77.69 or [ff02::4d45], and perhaps its port"
        ) from None
    if not group.is_multicast:
        raise BadDiscovery(text, f"{group} is no multicast group: those begin with 224 to 239, or ff")
    return (str(group), written["port"]) if written["port"] else (str(group),)


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 5 and 0 < int(text) < 65536


def _is_host(name: str) -> bool:
    return 0 < len(name) <= 253 and name.isprintable() and not any(char in " :/[]@" for char in name)
