"""Alerts in a node: what the rules are asked about, and where they run. Loaded only where rules are asked.

    alerts                one_for_one
    |-- evaluator         asks the rules about every node, once a beat
    '-- sinks             one_for_one
        |-- log           a process for each
        '-- ops

The rules are asked where somebody looks: a node that serves a page, or an observer. It sees all nodes, so rules
stand in one place for the whole cluster.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eye.alerts.evaluator import Evaluator, sink_name
from eye.alerts.kept import Kept
from eye.alerts.outbox import Outbox
from eye.alerts.sink import Sink
from eye.alerts.sinks import sender
from eye.alerts.verdict import Facts
from eye.monitor.alert_service import silence_file
from eye.monitor.config import data_folder
from eye.supervision.child_spec import ChildSpec
from eye.supervision.delay import Delay
from eye.supervision.supervisor import Supervisor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from eye.alerts.rules import Rule, RuleSet
    from eye.clock import Clock
    from eye.monitor.board import Board
    from eye.monitor.node_view import NodeView
    from eye.monitor.parts import Parts

# One that crashes again and again, over a rule or a sink, is no reason for anything else to.
_UNHURRIED = Delay(first=1.0, longest=60.0)

_FRESH = 5.0  # seconds after which a figure says nothing of now, unless the node is asked more seldom
_LOOK = 5.0  # seconds for which one look has the nodes asked


def asking(
    parts: Parts, rules: RuleSet, clock: Clock, look: Callable[[float, tuple[()]], None]
) -> list[ChildSpec]:
    """Say what runs in a node that asks rules.

    Args:
        parts: of the node.
        rules: what to ask, and whom to tell.
        clock: the node's.
        look: has the nodes asked for so many seconds, none of them closely (`View.look`).
    """
    outboxes = {sink.name: Outbox() for sink in rules.sinks}
    kept = Kept(_kept_in(parts), parts.alerts, clock)
    kept.restore(rules.rules)
    parts.alerts.evaluates = True
    reader = Reader(parts.board, rules.rules, clock.now, parts.config.interval)

    def read() -> list[Facts]:
        # At all nodes, at none closely: beyond some tens of them once in five seconds is enough for a rule.
        look(max(_LOOK, 3 * parts.config.interval), ())
        return reader.facts()

    evaluator = ChildSpec(
        Evaluator,
        id="evaluator",
        name="eye.evaluator",
        args=(parts.alerts, rules, outboxes, read, silence_file(parts.environ).read, kept.save),
        kwargs={"interval": parts.config.interval},
        delay=_UNHURRIED,
    )
    sinks = [
        ChildSpec(
            Sink,
            id=sink.name,
            name=sink_name(sink.name),
            args=(sink, outboxes[sink.name], sender(sink, parts.info.name, parts.environ)),
            delay=_UNHURRIED,
        )
        for sink in rules.sinks
    ]
    return [evaluator, ChildSpec(Supervisor, id="sinks", args=(sinks,), kwargs={"max_restarts": 30})]


def _kept_in(parts: Parts) -> Path | None:
    folder = data_folder(parts.environ)
    # An observer has another name each time it is started: nobody would ever read its file.
    return None if folder is None or parts.is_hidden else folder / "alerts" / f"{parts.info.name}.json"


class Reader:
    """Reads from the board what rules want to know."""

    def __init__(
        self, board: Board, rules: Iterable[Rule], now: Callable[[], float], interval: float = 1.0
    ) -> None:
        self._board, self._now, self._interval = board, now, interval
        self._metrics = [(one.key, one.read) for one in {one for rule in rules for one in rule.needs[0]}]

    def facts(self) -> list[Facts]:
        """Answer what is known of each node. Never waits."""
        return [self._of(node) for node in self._board.nodes()]

    def _of(self, node: NodeView) -> Facts:
        limit = max(_FRESH, 3 * (node.every or self._interval))
        is_stale = node.status == "down" or self._board.age(node.name) > limit
        host = node.host
        return Facts(
            node.name,
            node.status,
            # What an old sample says is not so now: better nothing.
            {} if is_stale else {key: read(node) for key, read in self._metrics},
            # One that has only just come up has not had the time to say anything.
            node.status == "down" or (is_stale and self._now() - node.since > limit),
            node.address,
            "" if host is None else host.name,
            node.reason or "",
        )
