"""The table as it was: what this node saw of the others at a moment of the last hour, and what they measured then.

    how a node was     its status now, where it has had it since then; else what the event log says of that moment;
                       else up, if it measured itself then (this view may be younger than the node)
    what it measured   from the ring that each node keeps of its last hour; nothing where it does not answer
    its age            how long before that moment it was measured

Nothing is made up: a node of which nothing is known is left out if it was started later, and otherwise shown as it
would have been then, as one that has not been met. Moments are asked for as «so many seconds ago», since no two
clocks agree.
"""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from eye.cluster.node import Status
from eye.errors import NothingKept
from eye.metrics.catalogue import CATALOGUE, Unit
from eye.metrics.custom import PREFIX, allowed
from eye.metrics.recent import key
from eye.metrics.sample import HostReading, ProcessReading
from eye.monitor.album import HOUR
from eye.monitor.methods import PAST, SAMPLE_AFTER
from eye.monitor.node_view import NodeView

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from eye.cluster.interconnect import Engine
    from eye.cluster.node import Member
    from eye.monitor.agent import Agent
    from eye.monitor.board import Board
    from eye.monitor.methods import Figures

_FEW = 100  # nodes: of more, each is asked over the connection that its samples come by, instead of one more

_STATUS_AFTER = {
    "node_found": Status.CONNECTING,
    "node_up": Status.UP,
    "node_suspect": Status.SUSPECT,
    "node_down": Status.DOWN,
    "node_left": None,  # in the table no more
}


class Stood(NamedTuple):
    """How a node was seen at a moment."""

    status: str
    since: float
    reason: str | None
    address: str
    boot: str


def past(
    me: str, board: Board, agent: Agent, engine: Engine, at: float, now: float, timeout: float
) -> tuple[NodeView, ...]:
    """Answer every node as it was at `at`, in name order. Blocks for at most `timeout` seconds.

    Raises:
        NothingKept: that was more than an hour ago.
    """
    ago = max(now - at, 0.0)
    if ago > HOUR:
        raise NothingKept("figures", ago, HOUR)
    members = board.members()
    figures = _ask(me, members, engine, ago, timeout)
    if me in members:
        figures[me] = agent.past(ago)
    present = {node.name: node for node in board.nodes()}
    told = _by_node(board.events())
    views = []
    for name in sorted(members.keys() | told.keys()):
        member, of_node = members.get(name), figures.get(name)
        stood = stood_at(min(at, now), member, told.get(name, ()), of_node)
        if stood is not None:
            views.append(_view(name, stood, of_node, at=at, ago=ago, present=present.get(name)))
    return tuple(views)


def stood_at(
    at: float, member: Member | None, told: Iterable[Mapping[str, Any]], figures: Figures | None = None
) -> Stood | None:
    """Say how a node was seen at that moment; None if it was not in the table, as far as anybody knows.

    Args:
        member: how it is seen now; None if it is not any more.
        told: what the event log says of it, oldest first.
        figures: what it measured then.
    """
    if member is not None and member.since <= at:
        return Stood(member.status.value, member.since, member.reason, member.address, member.boot)
    before = [record for record in told if record["at"] <= at]
    if before:
        last = before[-1]
        status = _STATUS_AFTER[last["what"]]
        return status and Stood(status.value, last["at"], last["reason"], last["address"], last["boot"])
    if member is None:
        return None
    if figures is not None and figures.ago is not None:
        since = at - (figures.values.get("node.uptime") or 0.0)
        return Stood(Status.UP.value, since, None, member.address, member.boot)
    if member.started_at > at:
        return None
    return Stood(Status.CONNECTING.value, at, None, member.address, member.boot)


def _ask(me: str, members: Mapping[str, Member], engine: Engine, ago: float, timeout: float) -> dict[str, Figures]:
    asked = {one.name: one.address for one in members.values() if one.name != me and one.status is not Status.DOWN}
    method = PAST if len(asked) <= _FEW else msgspec.structs.replace(PAST, lane=SAMPLE_AFTER.lane)
    answers = engine.request_all(asked.values(), method, ago, timeout=timeout)
    answered = {name: answers[address] for name, address in asked.items()}
    return {
        name: answer.value
        for name, answer in answered.items()
        if answer.error is None and answer.value.boot == members[name].boot
    }


def _by_node(records: Iterable[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    told: dict[str, list[Mapping[str, Any]]] = {}
    for record in records:
        if record.get("what") in _STATUS_AFTER:
            told.setdefault(record["node"], []).append(record)
    return told


def _view(
    name: str, stood: Stood, figures: Figures | None, *, at: float, ago: float, present: NodeView | None
) -> NodeView:
    seen_at, host, process, custom = None, None, None, {}
    if figures is not None and figures.ago is not None and stood.status != Status.DOWN.value:
        seen_at = at - max(figures.ago - ago, 0.0)
        host, process = _readings(figures.values, present)
        told = ((name, value) for name, value in figures.values.items() if value is not None)
        custom = allowed({name.removeprefix(PREFIX): value for name, value in told if name.startswith(PREFIX)})
    if stood.status != Status.UP.value:  # it had not been heard from since at least then
        seen_at = stood.since if seen_at is None else min(seen_at, stood.since)
    if stood.status == Status.CONNECTING.value:
        seen_at = None
    return NodeView(
        name=name,
        status=stood.status,
        address=stood.address,
        seen_at=seen_at,
        since=stood.since,
        reason=stood.reason,
        boot=stood.boot,
        host=host,
        process=process,
        round_trip=None,
        custom=custom,
        about=None if present is None else present.about,
    )


def _readings(
    values: Mapping[str, float | None], present: NodeView | None
) -> tuple[HostReading | None, ProcessReading | None]:
    parts: dict[str, dict[str, Any]] = {"host": {}, "process": {}}
    for metric in CATALOGUE:
        value = values.get(key(metric))
        if value is not None and not isfinite(value):  # it comes from another program
            value = None
        if value is not None and metric.unit in (Unit.BYTES, Unit.COUNT):
            value = int(value)
        parts[metric.part][metric.field] = value
    # What does not change while a node lives, and is therefore in no ring.
    host = present.host if present is not None else None
    process = present.process if present is not None else None
    parts["host"]["name"] = "" if host is None else host.name
    parts["host"]["source"] = "host" if host is None else host.source
    parts["process"]["pid"] = 0 if process is None else process.pid
    return HostReading(**parts["host"]), ProcessReading(**parts["process"])
