"""What rules would have said of what was: a history goes in, and the alerts that there would have been come out.

It is the same ledger with the same rules; only the time is that of the history. A history has figures and no
membership: a node whose figures are missing counts as down, for nobody can know now why they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from eye.alerts.ledger import GAP, Ledger
from eye.alerts.verdict import Facts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from eye.alerts.rules import Rule

    Reading = tuple[str, float, Mapping[str, float | None]]


class Firing(NamedTuple):
    """One alert that there would have been. Times are UTC seconds; `resolved_at` None is: not until the end."""

    rule: str
    node: str
    severity: str
    fired_at: float
    resolved_at: float | None
    text: str


class Moment(NamedTuple):
    """What is known of every node at one moment."""

    at: float
    facts: list[Facts]


def play(
    rules: Sequence[Rule], moments: Iterable[Moment], step: float, ledger: Ledger | None = None
) -> list[Firing]:
    """Play moments through rules; answer what would have fired, in that order.

    Args:
        rules: the rules.
        moments: in the order of time.
        step: seconds from one to the next, usually.
        ledger: one to fill: afterwards it holds what would fire now.
    """
    ledger = ledger or Ledger(gap=max(GAP, 5 * step))
    firings: list[Firing] = []
    open_: dict[tuple[str, str], int] = {}
    for at, facts in moments:
        for record in ledger.look(rules, facts, at, at).happened:
            key = record["rule"], record["node"]
            if record["state"] == "resolved":
                place = open_.pop(key)
                firings[place] = firings[place]._replace(resolved_at=record["resolved_at"])
            else:
                open_[key] = len(firings)
                firings.append(Firing(*key, record["severity"], record["fired_at"], None, record["text"]))
    return firings


def moments(readings: Iterable[Reading], step: float) -> Iterator[Moment]:
    """Make moments, `step` seconds apart, of what single nodes said: (node, at, figures), in the order of time.

    Of several readings of a node within a step the last counts. A node that says nothing for three steps, and
    for five seconds, is down.
    """
    patience = max(3 * step, 5.0)
    last: dict[str, tuple[float, Mapping[str, float | None]]] = {}
    end: float | None = None
    for node, at, figures in readings:
        while end is not None and at >= end:
            yield _moment(end, last, patience)
            end += step
        if end is None:
            end = at + step
        last[node] = at, figures
    if end is not None:
        yield _moment(end, last, patience)


def _moment(at: float, last: Mapping[str, tuple[float, Mapping[str, float | None]]], patience: float) -> Moment:
    facts = []
    for node, (seen, figures) in last.items():
        is_there = at - seen <= patience
        facts.append(Facts(node, "up" if is_there else "down", dict(figures) if is_there else {}, not is_there))
    return Moment(at, facts)
