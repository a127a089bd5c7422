"""Who sees whom: what each node thinks of the others, side by side.

So a network that is broken in part is seen as one. Each node keeps a registry of its own. Where the network is
whole they agree; where it is not, one sees as down what another sees as up. An age is reckoned by the clock of the
node that tells it, and by no other.

Not everybody is asked in a large cluster: `MOST` nodes are, first those that are not up as we see it, then others
evenly from the beginning to the end of the alphabet, the same ones each time. `left_out` says how many were not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from eye.cluster.node import Status
from eye.cluster.registry import NODES
from eye.monitor.methods import TREE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from eye.cluster.interconnect import Answer, Engine
    from eye.cluster.node import Member

MOST = 32
"""Nodes that are asked: as many as see each other without seeds, see `membership`."""

# Over the connection that a view has anyhow, where it looks at trees.
_NODES = msgspec.structs.replace(NODES, lane=TREE.lane)


def sightings(me: str, members: Mapping[str, Member], engine: Engine, at: float, timeout: float) -> dict[str, Any]:
    """Ask, and put side by side what they say. Blocks for at most `timeout` seconds.

    Args:
        me: the node that asks, which need not be a member.
        members: who there is, as this node sees it.
        engine: how the others are asked.
        at: now, by this node's clock.
    """
    first = [me] if me in members else []
    first += sorted(one.name for one in members.values() if one.status is not Status.UP and one.name != me)
    tellers = [members[name] for name in choose(members, first)]
    asked = {one.name: one.address for one in tellers if one.name != me and one.status is not Status.DOWN}
    answers = engine.request_all(asked.values(), _NODES, timeout=timeout)
    return {
        "version": 1,
        "at": at,
        "nodes": sorted(members),
        "rows": [
            sees(me, members.values(), at)
            if one.name == me
            else row(one.name, answers.get(asked.get(one.name, "")), one.reason)
            for one in tellers
        ],
        "left_out": len(members) - len(tellers),
    }


def choose(names: Iterable[str], first: Sequence[str], most: int = MOST) -> list[str]:
    """Choose whom to ask, in name order: those who come first, and others evenly as there is room."""
    ahead = list(first)[:most]
    others = sorted(set(names) - set(first))
    if len(others) > (room := most - len(ahead)):
        others = [others[number * len(others) // room] for number in range(room)]
    return sorted([*ahead, *others])


def row(teller: str, answer: Answer | None, reason: str | None = None) -> dict[str, Any]:
    """Write down what a node has told of the others, or why it has not; without an answer it was not asked."""
    if answer is None:
        return {"node": teller, "error": f"down: {reason or 'it does not answer'}", "sees": {}}
    if answer.error is not None:
        return {"node": teller, "error": str(answer.error), "sees": {}}
    return sees(teller, answer.value.members or (), answer.value.at)


def sees(teller: str, members: Iterable[Member], at: float) -> dict[str, Any]:
    """Write down how a node sees the others, by a clock that shows `at`."""
    return {
        "node": teller,
        "error": None,
        "sees": {one.name: _sight(one, at) for one in members if one.name != teller},
    }


def _sight(one: Member, at: float) -> dict[str, Any]:
    age = None if one.seen_at is None else round(max(at - one.seen_at, 0.0), 3)
    told = {"status": one.status.value, "age": age}
    return told if one.via is None else {**told, "via": one.via}
