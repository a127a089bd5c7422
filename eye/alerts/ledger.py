"""The ledger of alerts: what every rule says of every node, where anybody can read it without asking a process.

The evaluator looks, once a beat; views read. The ledger outlives the evaluator: one that crashes forgets no alert,
fires none anew, and its successor tells how long they lasted in all. It knows no clock: who looks says when.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple

from eye.alerts.alert import Alert, Changes, Notice, Record, in_order
from eye.alerts.growth import Risen
from eye.alerts.rule import Phase, Standing, Verdict, begin_again, decide

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from eye.alerts.rules import Rule
    from eye.alerts.silences import Silence
    from eye.alerts.verdict import Facts, Growth

GAP = 30.0
"""Seconds without a look, after which what was being timed is timed anew: nobody saw what was meanwhile."""

GONE = 30.0
"""Seconds after which an alert about a node that nobody knows any more is over."""

_MOST_RESOLVED = 200
_REMEMBERED = 3600.0  # seconds for which what is over is listed
_FIGURES_EVERY = 10.0  # seconds: that a figure is another is a new version this often at most
_LAST_SEEN = " (when last seen)"


class _Look(NamedTuple):
    """One look: when it is, what is not to be told, and what came of it so far."""

    now: float
    at: float
    heed: Callable[[Alert], bool]
    changes: Changes


class Ledger:
    """All alerts of one evaluating node. One writer, any number of readers."""

    def __init__(self, gap: float = 0.0) -> None:
        """`gap`: how long nobody may look, where that is longer than `GAP`."""
        self._gap = max(gap, GAP)
        self._lock = threading.Lock()
        self._alerts: dict[str, dict[str, Alert]] = {}  # by rule, then by node; none that is ok
        self._resolved: deque[Alert] = deque(maxlen=_MOST_RESOLVED)
        self._rules: Sequence[Rule] = ()  # of the last look
        self._risen: dict[str, dict[Growth, Risen]] = {}  # by node
        self._looked: float | None = None
        self._version = 0
        self._changed = float("-inf")  # when the version last changed
        self.evaluates = False
        """Whether there are rules at all, and somebody who asks them."""

    @property
    def version(self) -> int:
        """A number that is another after every change that a person would see."""
        return self._version

    def records(self, at: float) -> list[Record]:
        """Answer all alerts as they are at the moment `at` (UTC seconds), what fires first."""
        with self._lock:
            live = [alert.record(at) for of_rule in self._alerts.values() for alert in of_rule.values()]
            over = [one.record(at) for one in self._resolved if at - (one.resolved_at or 0.0) < _REMEMBERED]
        return in_order(live + over)

    # ----------------------------------------------------------------------------- looking

    def look(
        self,
        rules: Sequence[Rule],
        facts: Collection[Facts],
        now: float,
        at: float,
        silences: Iterable[Silence] = (),
    ) -> Changes:
        """Ask every rule about every node, and answer what changed.

        Args:
            rules: the rules. What others fired is over; of one that is another than before, what is pending
                begins anew, and what fires goes on.
            facts: what is known of each node; the growth of counters is added to its figures.
            now: the moment, by the monotonic clock: what durations are reckoned from.
            at: the same in UTC seconds: what is written down.
            silences: of which alerts nobody is to be told.
        """
        with self._lock:
            look = _Look(now, at, _heeder(silences, at), Changes([], []))
            self._begin(rules, look)
            self._measure_growth(rules, facts, now)
            known = {one.node for one in facts}
            for rule in rules:
                self._ask(rule, facts, look)
                self._look_for_the_gone(rule, known, look)
            return look.changes

    def _begin(self, rules: Sequence[Rule], look: _Look) -> None:
        now = look.now
        if rules is not self._rules:
            self._take_up(rules, look)
        if self._looked is not None and now - self._looked > self._gap:
            for of_rule in self._alerts.values():
                for alert in of_rule.values():
                    alert.standing = begin_again(alert.standing, now)
        self._looked = now

    def _take_up(self, rules: Sequence[Rule], look: _Look) -> None:
        """Have other rules than before: what is no longer asked is over."""
        before, after = ({rule.name: rule for rule in one} for one in (self._rules, rules))
        self._rules = rules
        for name in self._alerts.keys() - after.keys():
            for alert in self._alerts[name].values():
                if alert.standing.phase.is_firing:
                    alert.phrase = f"{alert.phrase}, and nobody asks that rule any more"
                    self._resolve(alert, look)
            if self._alerts.pop(name):
                self._bump(look.now)
        for name in after.keys() & before.keys() & self._alerts.keys():
            if after[name] != before[name]:
                there = self._alerts[name].items()
                self._alerts[name] = {node: alert for node, alert in there if alert.standing.phase.is_firing}
                self._bump(look.now)
        wanted = {growth for rule in rules for growth in rule.needs[1]}
        for of_node in self._risen.values():
            for growth in of_node.keys() - wanted:
                del of_node[growth]

    def _measure_growth(self, rules: Sequence[Rule], facts: Collection[Facts], now: float) -> None:
        wanted = {growth for rule in rules for growth in rule.needs[1]}
        if not wanted:
            return
        for one in facts:
            for growth in wanted:
                count = one.figures.get(growth.counter)
                if count is not None:
                    of_node = self._risen.setdefault(one.node, {})
                    risen = of_node.get(growth) or of_node.setdefault(growth, Risen(growth.seconds))
                    one.figures[growth.name] = risen.look(count, now)
        for gone in self._risen.keys() - {one.node for one in facts}:
            del self._risen[gone]

    def _ask(self, rule: Rule, facts: Collection[Facts], look: _Look) -> None:
        mine = self._alerts.setdefault(rule.name, {})
        see, concerns, raises = rule.see, rule.concerns if rule.nodes is not None else None, Verdict.RAISE
        for one in facts:
            seen = see(one) if concerns is None or concerns(one) else Verdict.CLEAR
            alert = mine.get(one.node)
            if alert is None:
                if seen is not raises:
                    continue  # the way of nearly all, nearly always
                alert = mine[one.node] = Alert(rule, one.node, look.now, look.at)
            alert.missing_since = None
            alert.severity, alert.sinks = rule.severity, rule.sinks  # which may be others than when it fired
            if seen is Verdict.UNKNOWN and alert.phrase:  # what it was says more than that it is not known
                was = alert.phrase.removesuffix(_LAST_SEEN)
                self._describe(alert, alert.value, was + _LAST_SEEN, look.now)
            else:
                self._describe(alert, *rule.words(one), look.now)
            self._settle(rule, alert, decide(rule.terms, alert.standing, seen, look.now), look)

    def _describe(self, alert: Alert, value: float | None, phrase: str, now: float) -> None:
        if phrase != alert.phrase:
            alert.value, alert.phrase = value, phrase
            if now - self._changed >= _FIGURES_EVERY:
                self._bump(now)

    def _settle(self, rule: Rule, alert: Alert, standing: Standing, look: _Look) -> None:
        """Take over how a rule stands now, and find out who has to know."""
        before, alert.standing = alert.standing.phase, standing
        is_firing, was_firing = standing.phase.is_firing, before.is_firing
        is_silenced = look.heed(alert)
        if standing.phase is not before or is_silenced != alert.silenced:
            alert.silenced = is_silenced
            self._bump(look.now)
        if is_firing and not was_firing:
            self._fire(alert, look)
        if is_firing and not alert.is_told and not is_silenced:  # also when its silence has ended
            alert.is_told = True
            look.changes.notices.append(Notice(alert.record(look.at), rule.sinks))
        if standing.phase is Phase.OK:
            del self._alerts[rule.name][alert.node]
            if was_firing:
                self._resolve(alert, look)

    def _fire(self, alert: Alert, look: _Look) -> None:
        alert.fired_at, alert.fired_moment = look.at, look.now
        earlier = [one for one in self._resolved if (one.rule, one.node) != (alert.rule, alert.node)]
        self._resolved = deque(earlier, maxlen=_MOST_RESOLVED)  # one line for each rule and node
        look.changes.happened.append(alert.record(look.at))

    def _resolve(self, alert: Alert, look: _Look) -> None:
        # The wall clock may have been set meanwhile. How long it lasted is what counts.
        lasted = look.now - (look.now if alert.fired_moment is None else alert.fired_moment)
        alert.resolved_at, alert.fired_at = look.at, look.at - lasted
        self._resolved.append(alert)
        look.changes.happened.append(alert.record(look.at))
        if alert.is_told:
            look.changes.notices.append(Notice(alert.record(look.at), alert.sinks))

    def _look_for_the_gone(self, rule: Rule, known: set[str], look: _Look) -> None:
        mine = self._alerts[rule.name]
        for node in mine.keys() - known:
            alert = mine[node]
            if alert.missing_since is None:
                alert.missing_since = look.now
            if not alert.standing.phase.is_firing or look.now - alert.missing_since >= GONE:
                alert.phrase = f"{alert.phrase}, and the node is in the cluster no more"
                self._settle(rule, alert, Standing(Phase.OK, look.now), look)

    def _bump(self, now: float) -> None:
        self._version += 1
        self._changed = now

    # ------------------------------------------------------------------- from life to life

    def as_data(self, at: float) -> dict[str, Any]:
        """Give what a later life of the program has to know: the alerts that fire."""
        with self._lock:
            firing = [
                {**alert.record(at), "phrase": alert.phrase, "told": alert.is_told}
                for of_rule in self._alerts.values()
                for alert in of_rule.values()
                if alert.standing.phase.is_firing
            ]
        return {"version": 1, "at": at, "firing": firing}

    def take_over(self, data: dict[str, Any], rules: Iterable[Rule], now: float, at: float) -> None:
        """Know what an earlier life knew, where this one knows nothing yet. What makes no sense is left out."""
        by_name = {rule.name: rule for rule in rules}
        with self._lock:
            for told in data.get("firing", ()):
                rule = by_name.get(str(told["rule"]))
                node, since, fired_at = str(told["node"]), float(told["since"]), float(told["fired_at"])
                if rule is None or self._alerts.get(rule.name, {}).get(node) is not None:
                    continue
                alert = Alert(rule, node, now, min(since, at))
                alert.standing = Standing(Phase.FIRING, now)
                alert.fired_at = min(fired_at, at)
                alert.fired_moment = now - (at - alert.fired_at)
                alert.phrase, alert.is_told = str(told["phrase"]), bool(told["told"])
                self._alerts.setdefault(rule.name, {})[node] = alert
                self._bump(now)


def _heeder(silences: Iterable[Silence], at: float) -> Callable[[Alert], bool]:
    """Make the question whether an alert is silenced at the moment `at`."""
    current = [one for one in silences if one.until > at]
    if not current:
        return lambda alert: False
    return lambda alert: any(one.covers(alert.rule, alert.node, at) for one in current)
