"""Nodes to ask rules about, and a ledger whose time is moved by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from eye.alerts import rule_file
from eye.alerts.alert import Changes
from eye.alerts.ledger import Ledger
from eye.alerts.rules import Rule, RuleSet
from eye.alerts.silences import Silence
from eye.alerts.verdict import Facts

UTC = 1_795_462_080.0


def facts(node: str = "web-1", *, status: str = "up", silent: bool = False, **figures: float | None) -> Facts:
    """What is known of a node: `host_cpu=0.9` is the figure `host.cpu`."""
    told = {key.replace("_", ".", 1): value for key, value in figures.items()}
    return Facts(
        node, status, dict(told), silent, "127.0.0.1:4711", "orthanc", "no answer" if status != "up" else ""
    )


def rules(text: str) -> RuleSet:
    """The rules of a file, without the default ones."""
    return rule_file.read(f"defaults = false\n{text}", "rules.toml")


class Watcher:
    """A ledger that is looked at once a second."""

    def __init__(self, *asked: Rule) -> None:
        self.ledger = Ledger()
        self.rules: tuple[Rule, ...] = asked
        self.now = 1000.0
        self.silences: tuple[Silence, ...] = ()
        self.happened: list[tuple[str, str, str]] = []
        self.told: list[tuple[str, str, str]] = []

    @property
    def at(self) -> float:
        return UTC + self.now

    def look(self, *known: Facts) -> Changes:
        """Look once, a second later."""
        self.now += 1
        changes = self.ledger.look(self.rules, known, self.now, self.at, self.silences)
        self.happened += map(_short, changes.happened)
        self.told += [_short(notice.record) for notice in changes.notices]
        return changes

    def watch(self, seconds: float, make: Callable[[], Iterable[Facts]]) -> None:
        """Look for so long, at what `make` makes each time."""
        for _ in range(int(seconds)):
            self.look(*make())

    def states(self) -> dict[tuple[str, str], str]:
        return {(one["rule"], one["node"]): one["state"] for one in self.records()}

    def records(self) -> list[dict[str, Any]]:
        return self.ledger.records(self.at)


def _short(record: dict[str, Any]) -> tuple[str, str, str]:
    return record["rule"], record["node"], record["state"]
