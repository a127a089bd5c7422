"""Alerts in a node: what the rules are asked about, where they run, and what other nodes may ask of them.

    alerts                one_for_one
    |-- evaluator         asks the rules about every node, once a beat
    '-- sinks             one_for_one
        |-- log           a process for each
        '-- ops

The rules are asked where somebody looks: a node that serves a page, or an observer. It sees all nodes, so rules
stand in one place for the whole cluster.
"""

from __future__ import annotations

import getpass
import logging
from typing import TYPE_CHECKING, Any, ClassVar

from eye.alerts.evaluator import Evaluator, sink_name
from eye.alerts.kept import Kept
from eye.alerts.outbox import Outbox
from eye.alerts.silences import Silence, SilenceFile
from eye.alerts.sink import Sink
from eye.alerts.sinks import sender
from eye.alerts.verdict import Facts
from eye.cluster.dispatch import asked_by
from eye.errors import ActionRefused, ConfigError
from eye.monitor.config import data_folder
from eye.monitor.methods import ALERTS, SILENCE
from eye.supervision.child_spec import ChildSpec
from eye.supervision.delay import Delay
from eye.supervision.supervisor import Supervisor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from eye.alerts.ledger import Ledger
    from eye.alerts.rules import Rule, RuleSet
    from eye.clock import Clock
    from eye.cluster.interconnect import Method
    from eye.monitor.board import Board
    from eye.monitor.node_view import NodeView
    from eye.monitor.parts import Parts

logger = logging.getLogger("eye.monitor")

# One that crashes again and again, over a rule or a sink, is no reason for anything else to.
_UNHURRIED = Delay(first=1.0, longest=60.0)

_FRESH = 5.0  # seconds after which a figure says nothing of now, unless the node is asked more seldom
_LOOK = 5.0  # seconds for which one look has the nodes asked
_LONGEST_SILENCE = 366 * 86400.0


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


def silence_file(environ: Mapping[str, str]) -> SilenceFile:
    """Give the silences of this user, which all their nodes on this machine heed."""
    folder = data_folder(environ)
    return SilenceFile(None if folder is None else folder / "silences.json")


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


class AlertService:
    """Answers other nodes about the alerts of this one."""

    exposed: ClassVar[tuple[Method, ...]] = (ALERTS, SILENCE)

    def __init__(
        self,
        name: str,
        ledger: Ledger,
        clock: Clock,
        allow: frozenset[str],
        silences: Callable[[], SilenceFile],
    ) -> None:
        """Take the node's name, its alerts, its clock, what others may do, and where silences are kept."""
        self._name, self._ledger, self._clock, self._allow = name, ledger, clock, allow
        self._silences = silences

    def alerts(self) -> dict[str, Any]:
        """Answer the alerts."""
        self._check("read")
        at = self._clock.now()
        return {
            "version": 1,
            "node": self._name,
            "at": at,
            "evaluates": self._ledger.evaluates,
            "alerts": self._ledger.records(at) if self._ledger.evaluates else [],
        }

    def silence(self, rule: str, node: str, seconds: float, reason: str) -> dict[str, Any]:
        """Have nobody told of a rule for so long; of no seconds, have them told again."""
        self._check("silence")
        at = self._clock.now()
        told = {"version": 1, "node": self._name, "evaluates": self._ledger.evaluates, "until": None}
        if not self._ledger.evaluates:
            return told
        add_silence(self._silences(), Silence(rule, node, at + seconds, reason, asked_by()), seconds, at)
        logger.warning("node %s: %s at %s is silenced by %s for %g s", self._name, rule, node, asked_by(), seconds)
        return {**told, "until": at + seconds}

    def _check(self, right: str) -> None:
        if right not in self._allow:
            refused = ActionRefused(self._name, right)
            logger.warning("%s was refused what it asked for: %s", asked_by(), refused)
            raise refused


def add_silence(file: SilenceFile, silence: Silence, seconds: float, at: float) -> None:
    """Write a silence of so many seconds into a file, or take it back.

    Raises:
        ConfigError: it makes no sense, or the file cannot be written.
    """
    if not 0 <= seconds <= _LONGEST_SILENCE:
        raise ConfigError(f"a silence lasts up to a year, not {seconds:g} s")
    if not all(0 < len(one) <= 200 and one.isprintable() for one in (silence.rule, silence.node)):
        raise ConfigError("a silence names a rule and nodes by globs of up to 200 characters")
    try:
        if seconds == 0:
            file.lift(silence.rule, silence.node, at)
        else:
            file.add(silence._replace(reason=silence.reason[:500]), at)
    except OSError as error:
        raise ConfigError(f"the silence cannot be kept: {(error.strerror or str(error)).lower()}") from None


def who_asks() -> str:
    """Name the person at this terminal, for whoever wonders about a silence."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "somebody"
