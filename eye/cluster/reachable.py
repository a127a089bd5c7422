"""The address that a node tells others: one that they can reach.

Where it listens is not always that: `0.0.0.0` is every address of this machine and nobody's to dial, and in a
container the address is another outside. What is told is a hint; whoever is dialled says who it is.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from eye.cluster.interfaces import list_interfaces
from eye.cluster.node import Address

if TYPE_CHECKING:
    from collections.abc import Callable

_ELSEWHERE = {"0.0.0.0": "192.0.2.1", "::": "2001:db8::1"}  # for documentation (RFC 5737, RFC 3849): nobody's


def address_to_tell(
    listen: Address, advertise: str | None = None, primary: Callable[[str], str | None] | None = None
) -> str:
    """Say where others reach a node that listens there.

    Args:
        listen: with its real port.
        advertise: what its owner says; a port 0 in it stands for the one that is listened at.
        primary: finds this machine's own address of the family that a wildcard stands for.
    """
    if advertise is not None:
        told = Address.parse(advertise)
        return str(Address(told.host, told.port or listen.port))
    if not listen.is_wildcard:
        return str(listen)
    own = (primary or primary_address)(listen.host)
    return str(Address(own or socket.gethostname(), listen.port))


def primary_address(wildcard: str) -> str | None:
    """Find the address by which this machine would go elsewhere. Sends nothing: `connect` of UDP only routes.

    A machine on a network that leads nowhere has no such way; there it is the first address it has.
    """
    family = socket.AF_INET6 if ":" in wildcard else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            sock.connect((_ELSEWHERE.get(wildcard, "192.0.2.1"), 9))
            return str(sock.getsockname()[0])
    except OSError:
        own = [address for address, _ in list_interfaces() if not Address(address, 0).is_loopback]
        return next((one for one in own if one != "::"), None)
