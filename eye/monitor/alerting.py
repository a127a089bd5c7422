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
from eye.alerts.rule_book import RuleBook
from eye.alerts.sink import Sink
from eye.alerts.sinks import sender
from eye.alerts.verdict import Facts
from eye.errors import SupervisionError
from eye.monitor.alert_service import silence_file
from eye.monitor.config import data_folder
from eye.supervision.child_spec import ChildSpec
from eye.supervision.delay import Delay
from eye.supervision.supervisor import Supervisor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from eye.alerts.alert import Record
    from eye.alerts.rules import Rule, RuleSet, SinkSettings
    from eye.clock import Clock
    from eye.monitor.board import Board
    from eye.monitor.node_view import NodeView
    from eye.monitor.parts import Parts
    from eye.supervision.ref import Ref

    Send = Callable[[list[Record]], None]

# One that crashes again and again, over a rule or a sink, is no reason for anything else to.
_UNHURRIED = Delay(first=1.0, longest=60.0)

_SINKS = "eye.sinks"  # the supervisor of the sinks
_FRESH = 5.0  # seconds after which a figure says nothing of now, unless the node is asked more seldom
_LOOK = 5.0  # seconds for which one look has the nodes asked


def asking(
    parts: Parts,
    rules: RuleSet,
    clock: Clock,
    look: Callable[[float, tuple[()]], None],
    whereis: Callable[[str], Ref | None],
) -> list[ChildSpec]:
    """Say what runs in a node that asks rules.

    Args:
        parts: of the node.
        rules: what to ask, and whom to tell.
        clock: the node's.
        look: has the nodes asked for so many seconds, none of them closely (`View.look`).
        whereis: finds the processes of the node.
    """
    kept = Kept(_kept_in(parts), parts.alerts, clock)
    kept.restore(rules.rules)
    parts.alerts.evaluates = True
    reader = Reader(parts.board, rules.rules, clock.now, parts.config.interval)
    telling = Telling(lambda sink: sender(sink, parts.info.name, parts.environ), whereis)
    telling.use(rules.sinks)

    def read() -> list[Facts]:
        # At all nodes, at none closely: beyond some tens of them once in five seconds is enough for a rule.
        look(max(_LOOK, 3 * parts.config.interval), ())
        return reader.facts()

    def use(changed: RuleSet) -> None:
        telling.use(changed.sinks)
        reader.ask(changed.rules)

    evaluator = ChildSpec(
        Evaluator,
        id="evaluator",
        name="eye.evaluator",
        args=(
            parts.alerts,
            RuleBook(rules),
            telling.outboxes,
            read,
            silence_file(parts.environ).read,
            kept.save,
            use,
        ),
        kwargs={"interval": parts.config.interval},
        delay=_UNHURRIED,
    )
    sinks = ChildSpec(Supervisor, id="sinks", name=_SINKS, args=(telling.children,), kwargs={"max_restarts": 30})
    return [evaluator, sinks]


class Telling:
    """The sinks of now: what waits for each, and the processes that tell it. It outlives them."""

    def __init__(self, make: Callable[[SinkSettings], Send], whereis: Callable[[str], Ref | None]) -> None:
        """`make` makes what tells a sink, `whereis` finds a process."""
        self._make, self._whereis = make, whereis
        self._settings: dict[str, SinkSettings] = {}
        self.outboxes: dict[str, Outbox] = {}
        self.children: list[ChildSpec] = []
        """What their supervisor starts, also when it is restarted."""

    def use(self, sinks: Iterable[SinkSettings]) -> None:
        """Have these sinks from now on. What waits for one that stays, changed or not, is told by it.

        Called before they are started, and by the evaluator. Raises what `make` raises, and changes nothing then.
        """
        wanted = {sink.name: sink for sink in sinks}
        boxes = {name: self.outboxes[name] if name in self.outboxes else Outbox() for name in wanted}
        new = [_spec(sink, boxes[name], self._make(sink)) for name, sink in wanted.items() if self._is_new(sink)]
        gone = [name for name, sink in self._settings.items() if wanted.get(name) != sink]
        self._settings = wanted
        for name in self.outboxes.keys() - boxes.keys():
            del self.outboxes[name]
        self.outboxes.update(boxes)
        self.children[:] = [child for child in self.children if child.id not in gone] + new
        supervisor = self._whereis(_SINKS)
        if supervisor is not None:
            _replace(supervisor, gone, new)

    def _is_new(self, sink: SinkSettings) -> bool:
        return self._settings.get(sink.name) != sink


def _spec(sink: SinkSettings, outbox: Outbox, send: Send) -> ChildSpec:
    return ChildSpec(Sink, id=sink.name, name=sink_name(sink.name), args=(sink, outbox, send), delay=_UNHURRIED)


def _replace(supervisor: Ref, gone: Iterable[str], new: Iterable[ChildSpec]) -> None:
    try:
        for id_ in gone:
            Supervisor.stop_child(supervisor, id_)
            Supervisor.delete_child(supervisor, id_)
        for child in new:
            Supervisor.start_child(supervisor, child)
    except SupervisionError:
        supervisor.kill()  # it was in the middle of something; restarted, it has those of now and no others


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
        self.ask(rules)

    def ask(self, rules: Iterable[Rule]) -> None:
        """Read from now on what these rules want to know."""
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
