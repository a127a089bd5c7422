"""What rules would have said of what was: a history goes in, and the alerts that there would have been come out.

It is the same ledger with the same rules; only the time is that of the history. Who has one makes `Moment`s of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from eye.alerts.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from eye.alerts.rules import Rule
    from eye.alerts.verdict import Facts


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
    ledger = ledger or Ledger(5 * step)
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
