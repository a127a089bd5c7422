"""What nodes say to each other about who is there: the words, typed.

Each node serves the registry of the nodes that it knows. A node announces itself to its peers every
few seconds; the answer introduces the others. An observer that is no member, such as `fetch`, only asks.
"""

from __future__ import annotations

import msgspec

from eye.cluster.interconnect import Method
from eye.cluster.node import Member, NodeInfo


class Digest(msgspec.Struct, frozen=True):
    """What a registry tells whoever announces itself, or asks.

    `members` has everybody whom the registry knows, itself included, by the clock of the teller, which
    showed `at`; ages are differences of the two. It is None when nothing has changed since `version`,
    the one that the asker named; versions count anew with each boot of the teller. `taken_by` is the
    address of the live node that already has the announced name: the announcement was refused. It was refused,
    too, where `full` says how many nodes there are, and how many the registry takes.
    """

    me: NodeInfo
    at: float
    version: int
    members: tuple[Member, ...] | None = None
    taken_by: str | None = None
    full: tuple[int, int] | None = None

    @property
    def accepted(self) -> bool:
        """Whether the announced name is the asker's."""
        return self.taken_by is None and self.full is None


REGISTRY = "registry"

# Announcements have a lane of their own: they tell who is alive, and must not wait behind a tree.
ANNOUNCE = Method(REGISTRY, "announce", (NodeInfo, int), Digest, lane="registry")
"""I am here, and knew your version so-and-so. Gives what has changed."""

LEAVE = Method(REGISTRY, "leave", (str, str), None, lane="registry")
"""The node of this name and boot id stops now: do not wait for it."""

FORGET = Method(REGISTRY, "forget", (str,), bool, lane="actions")
"""Forget a node that is down, and say whether it was known. One that is not down is not forgotten."""

NODES_SINCE = Method(REGISTRY, "nodes_since", (int,), Digest, lane="registry")
"""Who is there, as far as it has changed since that version? For observers that ask again and again."""

NODES = Method(REGISTRY, "nodes", (), Digest)
"""Who is there? For observers that are no members themselves."""
