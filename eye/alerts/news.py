"""What is broadcast of alerts, for whoever keeps or shows what happened."""

from __future__ import annotations

from typing import Any, NamedTuple

TOPIC = "eye.alerts"


class AlertFired(NamedTuple):
    """An alert fires."""

    record: dict[str, Any]  # see `alert`


class AlertResolved(NamedTuple):
    """An alert is over."""

    record: dict[str, Any]


class RulesChanged(NamedTuple):
    """The rule file has changed."""

    file: str
    asked: int  # how many rules are asked now
    problem: str | None  # why those of before go on
