"""What processes have done at other nodes: errands for the desk, and what a watcher of a node is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from eye.cluster.parcels import Parcel
    from eye.cluster.remote_words import Order, Target
    from eye.supervision.messages import Monitor
    from eye.supervision.outside import Outsider
    from eye.supervision.reasons import Reason


class NodeGone(NamedTuple):
    """What a watcher of a node is told, once: it is out of reach."""

    monitor: Monitor
    node: str
    reason: str


class Ask(NamedTuple):
    """Call a process; answers an `Answer`."""

    node: str
    target: Target
    parcel: Parcel
    shown: tuple[str, str]  # target and request, for errors


class Find(NamedTuple):
    """Find who has a name; answers an `Answer` with a `Target`, or None."""

    node: str
    name: str


class Tell(NamedTuple):
    """Give an order of which nothing comes back."""

    node: str
    order: Order


class Publish(NamedTuple):
    """Broadcast on every other node."""

    topic: str
    parcel: Parcel


class Watch(NamedTuple):
    """Monitor a process; `ref` is what the notice shows."""

    node: str
    target: Target
    monitor: Monitor
    ref: Any


class Tie(NamedTuple):
    """Link a process to the one that `outsider` stands for."""

    node: str
    target: Target
    outsider: Outsider


class WatchNode(NamedTuple):
    """Monitor a node."""

    node: str
    monitor: Monitor


class Untie(NamedTuple):
    """Take a monitor or a link back."""

    what: Monitor | Outsider


class Ended(NamedTuple):
    """A process of this node that is linked to somebody elsewhere has ended."""

    outsider: Outsider
    reason: Reason
