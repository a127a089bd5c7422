"""Addresses that a person wrote down: `--connect 10.0.0.5:4711`.

They are dialled as long as the node lives, whoever answers there or does not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eye.cluster.node import Address

if TYPE_CHECKING:
    from collections.abc import Iterable

    from eye.cluster.node import NodeInfo


class StaticDiscovery:
    """Finds what it was given.

    Raises:
        BadAddress: when one of them is none.
    """

    def __init__(self, addresses: Iterable[str]) -> None:
        self._addresses = frozenset(str(Address.parse(address)) for address in addresses)

    def __str__(self) -> str:
        return "static discovery"

    def announce(self, info: NodeInfo) -> None:
        """Nothing to do: those that are dialled get to know us."""

    def find(self) -> frozenset[str]:
        """Give them all, always."""
        return self._addresses

    def withdraw(self) -> None:
        """Nothing to do."""
