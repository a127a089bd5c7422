"""What membership is told, what it wants done, and what it makes known: all of it as values."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from eye.cluster.node import Member, NodeInfo
    from eye.cluster.registry import Digest


class Moment(NamedTuple):
    """Now, on both clocks: `at` is UTC seconds, to be shown; `steady` never jumps, and decides."""

    at: float
    steady: float


# ------------------------------------------------------------------------- events: it was told


class AddressFound(NamedTuple):
    """Discovery, or a person, says that a node may be there."""

    address: str


class Announced(NamedTuple):
    """A node has announced itself to us."""

    info: NodeInfo


class Answered(NamedTuple):
    """The node at that address has answered our announcement."""

    address: str
    digest: Digest


class CallFailed(NamedTuple):
    """Our announcement got no answer. `was_silent`: nothing came in time, nor was it refused."""

    address: str
    reason: str
    was_silent: bool


class ConnectionLost(NamedTuple):
    """A standing connection to that address has closed."""

    address: str
    reason: str


class Introduced(NamedTuple):
    """Somebody has told us whom they know."""

    members: tuple[Member, ...]


class Left(NamedTuple):
    """A node has said that it stops."""

    name: str
    boot: str


class Dismissed(NamedTuple):
    """A person says that a node that is down will not come back."""

    name: str


class Tick(NamedTuple):
    """Time has passed. It comes every `Settings.tick` seconds; if it is late, we have slept."""


Event = AddressFound | Announced | Answered | CallFailed | ConnectionLost | Introduced | Left | Dismissed | Tick


# ---------------------------------------------------------------------- changes: it makes known


class NodeFound(NamedTuple):
    """We have heard of a node, and try to reach it."""

    member: Member


class NodeUp(NamedTuple):
    """We have heard from a node that was not up before."""

    member: Member
    reason: str = "heard from"


class NodeSuspect(NamedTuple):
    """A node is silent for longer than it should be."""

    member: Member


class NodeDown(NamedTuple):
    """A node is down; `member.reason` says why we think so."""

    member: Member


class NodeLeft(NamedTuple):
    """A node is no longer a member: it said goodbye, or was down for so long that it is forgotten."""

    member: Member
    reason: str


class NameConflict(NamedTuple):
    """Two live nodes have one name; the other is at `address`. `we_yield`: it is ours, and we are the younger.

    From then on we go by the name `new_name`, unless that is None: this node is only just starting.
    """

    name: str
    address: str
    we_yield: bool
    new_name: str | None = None


class Full(NamedTuple):
    """There are more nodes than a registry takes: ours, if `refused` is the name of another, else theirs."""

    nodes: int
    most: int
    refused: str | None = None


class Crowded(NamedTuple):
    """There are more nodes than are comfortable without seeds."""

    nodes: int


Change = NodeFound | NodeUp | NodeSuspect | NodeDown | NodeLeft | NameConflict | Full | Crowded


# -------------------------------------------------------------------------- steps: it wants done


class Announce(NamedTuple):
    """Ask the registry at that address to take us in; we know its version so-and-so.

    It ends in one event: `Answered` or `CallFailed`.
    """

    address: str
    known_version: int


class Forget(NamedTuple):
    """Close the standing connections to that address."""

    address: str


class Publish(NamedTuple):
    """Tell everybody here."""

    change: Change


Step = Announce | Forget | Publish
