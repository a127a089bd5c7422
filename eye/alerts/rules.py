"""A rule as it was written, and as it is asked; and what a rule file says besides its rules."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from eye.alerts.rule import Terms, Verdict
from eye.alerts.verdict import compile_test, leaves, needs

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from eye.alerts.silences import Silence
    from eye.alerts.verdict import Facts, Growth, Leaf
    from eye.metrics.catalogue import Metric
    from eye.metrics.filters import Condition, Filter

Stamp = tuple[int, ...]
"""What is another when a file is."""

SEVERITIES = ("warning", "critical")

KEEP = 30.0
"""Seconds for which an alert must be clear before it is over, unless its rule says otherwise."""


@dataclass(frozen=True)
class Rule:
    """One rule. Times are seconds; `clear` None is: `when` is no longer so; `sinks` None: all there are."""

    name: str
    when: Condition
    clear: Condition | None = None
    wait: float = 0.0
    keep: float = KEEP
    severity: str = "warning"
    nodes: Filter | None = None
    sinks: tuple[str, ...] | None = None
    help: str = ""

    @cached_property
    def terms(self) -> Terms:
        return Terms(self.wait, self.keep)

    @cached_property
    def concerns(self) -> Callable[[Facts], bool]:
        """Make the question whether the rule is about a node."""
        if self.nodes is None or self.nodes.is_empty:
            return lambda facts: True
        test = compile_test(self.nodes.data)
        return lambda facts: test(facts) is True

    @cached_property
    def see(self) -> Callable[[Facts], Verdict]:
        """Make the question what is seen of a node, in the eyes of this rule."""
        when = compile_test(self.when.data)
        clear = None if self.clear is None else compile_test(self.clear.data)
        raise_, between, is_clear, unknown = Verdict.RAISE, Verdict.BETWEEN, Verdict.CLEAR, Verdict.UNKNOWN

        def see(facts: Facts) -> Verdict:
            is_so = when(facts)
            if is_so:
                return raise_
            if is_so is None:
                return unknown
            if clear is None:
                return is_clear
            is_over = clear(facts)
            return is_clear if is_over else unknown if is_over is None else between

        return see

    @cached_property
    def needs(self) -> tuple[set[Metric], set[Growth]]:
        """The metrics that have to be known, and the counters whose growth has to be."""
        metrics, growths = needs(self.when.data)
        more = needs(self.clear.data) if self.clear is not None else (set(), set())
        return metrics | more[0], growths | more[1]

    @cached_property
    def _leaves(self) -> list[Leaf]:
        return leaves(self.when.data)

    def words(self, facts: Facts) -> tuple[float | None, str]:
        """Say what is seen of a node: the figure that counts, and it in words: `CPU Load 96 %`."""
        told = [leaf for leaf in self._leaves if leaf.holds(facts)]
        told = told or [leaf for leaf in self._leaves if not leaf.is_state]
        if not told:
            return None, facts.status
        figures = [leaf.figure(facts) for leaf in told]
        said = [words for leaf in told if (words := leaf.say(facts))]
        return next((one for one in figures if one is not None), None), ", ".join(said)


@dataclass(frozen=True)
class SinkSettings:
    """One sink of a rule file: its name, its kind, and what its kind wants to know."""

    name: str
    kind: str
    options: Mapping[str, Any] = field(default_factory=dict)


class Origin(NamedTuple):
    """The file that rules are from, and how it was when it was read."""

    path: str
    stamp: Stamp | None


@dataclass(frozen=True)
class RuleSet:
    """All that a rule file says.

    `origin` is the file, where it was one; `left_out` are kinds of sinks of which it has none, whatever the file
    says.
    """

    rules: tuple[Rule, ...] = ()
    sinks: tuple[SinkSettings, ...] = ()
    silences: tuple[Silence, ...] = ()
    origin: Origin | None = field(default=None, compare=False)
    left_out: frozenset[str] = field(default=frozenset(), compare=False)

    def without(self, kinds: Collection[str]) -> RuleSet:
        """Leave out the sinks of some kinds."""
        sinks = tuple(sink for sink in self.sinks if sink.kind not in kinds)
        return replace(self, sinks=sinks, left_out=self.left_out | frozenset(kinds))
