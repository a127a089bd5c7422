"""Finding addresses at which nodes may be, and nothing else: what is there, membership finds out.

Read in this order: static, local.

Several strategies may be used at once; `finder` asks them all, now and then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from eye.cluster.node import NodeInfo


class Strategy(Protocol):
    """One way of finding nodes. Its methods are called on one thread and may take a moment."""

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
