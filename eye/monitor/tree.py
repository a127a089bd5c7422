"""The application's own supervision tree, on one page.

    eye                       rest_for_one
    |-- local                 one_for_one     what this node knows of itself
    |   |-- pubsub
    |   |-- chronicler      keeps what happened
    |   |-- painter         keeps how this tree looked
    |   |-- sampler         measures, unless the node only looks at the others
    |   '-- figures         asks the program for its own figures, once it has any
    |-- cluster               rest_for_one    the other nodes, and the way to them
    |   |-- interconnect
    |   |-- members
    |   |-- discovery
    |   |-- remote          speaks for the processes here with those elsewhere
    |   '-- names           gives names away that one process of the cluster has
    |-- observing             rest_for_one    once somebody wants to see the others
    |   |-- nodes             a collector for each node, or for a batch of them
    |   '-- roster
    |-- history               writes down what they say, if it is to be kept
    |-- alerts                one_for_one     once rules are asked: see `alerting`
    |   |-- evaluator
    |   '-- sinks
    '-- views                 one_for_one     pages and the like

Further down stands on further up: a new interconnect needs members that know it, a new supervisor of
collectors somebody to fill it. Each process can be killed, and comes back; what must outlive it (the
board, the last sample, the port that is listened on) is handed to it from outside the tree.

Groups come back after a short delay, unlike their members, which come back at once. A group that was
killed has no time to stop its members, and a thread cannot be killed: for a moment they still have
their names and sockets, and a restart that met them would fail, ten times within milliseconds.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from eye.cluster.cluster_names import NAME as CLUSTER_NAMES
from eye.cluster.cluster_names import ClusterNames
from eye.cluster.exchange import Interconnect
from eye.cluster.finder import Finder
from eye.cluster.known import Settings
from eye.cluster.members import Members
from eye.cluster.remote_desk import NAME as REMOTE
from eye.cluster.remote_desk import RemoteDesk
from eye.history.writer import Writer
from eye.metrics.own_figures import group
from eye.metrics.sampler import Sampler
from eye.monitor.album import Painter
from eye.monitor.chronicle import Chronicler
from eye.monitor.collector import Collector
from eye.monitor.roster import Roster
from eye.monitor.samples import SAMPLES
from eye.supervision.child_spec import ChildSpec, Restart, Strategy
from eye.supervision.delay import Delay
from eye.supervision.dynamic_supervisor import DynamicSupervisor
from eye.supervision.pubsub import PubSub
from eye.supervision.supervisor import Supervisor

if TYPE_CHECKING:
    from eye.history.keeping import Keeping
    from eye.history.writer import Asking
    from eye.monitor.chronicle import Record
    from eye.monitor.parts import Parts
    from eye.monitor.roster import Crew

NODE_SUPERVISOR = "eye.nodes"

_UNTIL_NAMES_ARE_FREE = Delay(first=0.02, longest=1.0)
_UNHURRIED = Delay(first=1.0, longest=60.0)


def application(parts: Parts) -> list[ChildSpec]:
    """Say what runs on every node. `observing` and the views join when they are wanted."""
    parts.local[:] = [_pubsub(), _chronicler(parts), _painter(parts)]
    if not parts.is_hidden:  # nobody asks one who only looks how it is
        parts.local.append(_sampler(parts))
    cluster = [_interconnect(parts), _members(parts), _discovery(parts), _remote(parts), _names(parts)]
    return [
        _group("local", Strategy.ONE_FOR_ONE, parts.local),
        _group("cluster", Strategy.REST_FOR_ONE, cluster),
    ]


def observing(parts: Parts) -> ChildSpec:
    """Say what a node needs that looks at the others."""
    nodes = ChildSpec(DynamicSupervisor, id="nodes", name=NODE_SUPERVISOR, kwargs={"max_restarts": 30})
    roster = ChildSpec(
        Roster,
        id="roster",
        args=(parts.board, NODE_SUPERVISOR, lambda crew: collector(parts, crew)),
        kwargs={"alone": parts.config.alone, "batch": parts.config.batch},
    )
    return _group("observing", Strategy.REST_FOR_ONE, [nodes, roster])


def history(parts: Parts, keeping: Keeping, asking: Asking) -> ChildSpec:
    """Say what writes the history. However often it crashes, it is no reason for anything else to."""
    me = f"{parts.info.name}/{parts.info.boot}"
    return ChildSpec(
        Writer,
        id="history",
        name="eye.history",
        args=(keeping, SAMPLES, asking),
        kwargs={"me": me, "interval": parts.config.interval, "begin": 1.5},
        delay=_UNHURRIED,
    )


def alerts(children: list[ChildSpec]) -> ChildSpec:
    """Say what a node needs that asks alert rules: `alerting.asking` makes it."""
    return _group("alerts", Strategy.ONE_FOR_ONE, children)


def views(parts: Parts) -> ChildSpec:
    """Say where pages and the like are started: those that were asked for, also after a restart."""
    return _group("views", Strategy.ONE_FOR_ONE, parts.views)


def own_figures(parts: Parts) -> ChildSpec:
    """Say what a node needs whose program tells figures of its own."""
    return group(parts.own, parts.config.interval)


def collector(parts: Parts, crew: Crew) -> ChildSpec:
    """Say how nodes are watched. That is wanted for as long as the roster wants it, whatever it exits with."""
    return ChildSpec(
        Collector,
        id=crew.id,
        args=(crew, parts.board, parts.engine.get_or_none),
        kwargs={
            "interval": parts.config.interval,
            "jitter": parts.draw_jitter,
            "own": None if parts.is_hidden else (parts.info.name, parts.latest.get),
        },
        restart=Restart.PERMANENT,
    )


def _group(id_: str, strategy: Strategy, children: list[ChildSpec]) -> ChildSpec:
    return ChildSpec(
        Supervisor,
        id=id_,
        name=f"eye.{id_}",
        args=(children,),
        kwargs={"strategy": strategy},
        delay=_UNTIL_NAMES_ARE_FREE,
    )


def _pubsub() -> ChildSpec:
    return ChildSpec(PubSub, id="pubsub", name="eye.pubsub")


def _chronicler(parts: Parts) -> ChildSpec:
    def keep(record: Record) -> None:
        parts.events.put(record)
        parts.board.put_events([record])

    return ChildSpec(Chronicler, id="chronicler", name="eye.chronicler", args=(parts.info.name, keep))


def _painter(parts: Parts) -> ChildSpec:
    return ChildSpec(Painter, id="painter", name="eye.painter", args=(parts.info.name, parts.album))


def _sampler(parts: Parts) -> ChildSpec:
    kwargs: dict[str, Any] = {
        "started_at": parts.started_moment,
        "interval": parts.config.interval,
        "recent": parts.recent,
        "own": parts.own,
    }
    if parts.warm_up is not None:
        kwargs["warm_up"] = parts.warm_up
    return ChildSpec(
        Sampler,
        id="sampler",
        name="eye.sampler",
        args=(parts.info.name, parts.info.boot, parts.make_probe, parts.latest),
        kwargs=kwargs,
    )


def _interconnect(parts: Parts) -> ChildSpec:
    return ChildSpec(
        Interconnect,
        id="interconnect",
        name="eye.interconnect",
        args=(parts.engine, parts.make_engine, parts.config.listen, parts.services, parts.is_hidden),
    )


def _members(parts: Parts) -> ChildSpec:
    return ChildSpec(
        Members,
        id="members",
        name="eye.members",
        args=(parts.engine, parts.info, parts.standing),
        kwargs={
            "draw": parts.draw,
            "is_hidden": parts.is_hidden,
            "tell": parts.board.put_members,
            "advertise": parts.config.advertise,
            # Who only looks takes nobody in, and looks at however many there are.
            "settings": Settings(most=sys.maxsize if parts.is_hidden else parts.config.max_nodes),
        },
    )


def _discovery(parts: Parts) -> ChildSpec:
    return ChildSpec(
        Finder,
        id="discovery",
        name="eye.discovery",
        args=(parts.strategies, parts.engine, parts.info, parts.is_hidden),
        # Nobody tells an observer of a new node: it has to look for itself.
        kwargs={
            "draw": parts.draw,
            "interval": 1.0 if parts.is_hidden else 5.0,
            "advertise": parts.config.advertise,
        },
    )


def _remote(parts: Parts) -> ChildSpec:
    me = parts.info
    return ChildSpec(
        RemoteDesk,
        id="remote",
        name=REMOTE,
        args=(
            parts.engine,
            parts.standing,
            lambda: (parts.standing.name or me.name, me.boot),
            parts.sessions,
            parts.remote_service,
        ),
    )


def _names(parts: Parts) -> ChildSpec:
    me = parts.info
    return ChildSpec(
        ClusterNames,
        id="names",
        name=CLUSTER_NAMES,
        args=(parts.engine, parts.standing, lambda: (parts.standing.name or me.name, me.boot), parts.held),
    )
