"""One alert: a rule that is pending, firing or just resolved for one node, and what others read of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from eye.alerts.rule import Phase, Standing
from eye.alerts.wording import span

if TYPE_CHECKING:
    from eye.alerts.rules import Rule

Record = dict[str, Any]
"""What is said of an alert outside: `rule`, `node`, `severity`, `state` (pending, firing, resolved), `since` (when
what it is about began), `fired_at`, `resolved_at` (UTC seconds or None), `value`, `text`, `silenced`."""

_ORDER = {
    ("firing", "critical"): 0,
    ("firing", "warning"): 1,
    ("pending", "critical"): 2,
    ("pending", "warning"): 3,
}


_KNOWN = {(state, severity) for state in ("pending", "firing", "resolved") for severity in ("warning", "critical")}
_FAR = 1e11  # seconds: some thousand years


class Alert:
    """What is remembered of one rule at one node, while there is something to remember."""

    __slots__ = (
        "fired_at", "fired_moment", "is_told", "missing_since", "node", "phrase", "resolved_at", "rule",
        "severity", "silenced", "since", "sinks", "standing", "value",
    )  # fmt: skip

    def __init__(self, rule: Rule, node: str, now: float, at: float) -> None:
        """`now` is the moment by the monotonic clock, `at` the same in UTC seconds."""
        self.rule, self.node, self.severity, self.sinks = rule.name, node, rule.severity, rule.sinks
        self.standing = Standing(Phase.OK, now)
        self.since = at
        self.fired_at: float | None = None
        self.fired_moment: float | None = None
        self.resolved_at: float | None = None
        self.value: float | None = None
        self.phrase = ""
        self.silenced = False
        self.is_told = False
        self.missing_since: float | None = None

    @property
    def state(self) -> str:
        if self.resolved_at is not None:
            return "resolved"
        return "firing" if self.standing.phase.is_firing else "pending"

    def record(self, at: float) -> Record:
        """Write it down, as it is at the moment `at`."""
        return {
            "rule": self.rule,
            "node": self.node,
            "severity": self.severity,
            "state": self.state,
            "since": self.since,
            "fired_at": self.fired_at,
            "resolved_at": self.resolved_at,
            "value": self.value,
            "text": self._text(at),
            "silenced": self.silenced,
        }

    def _text(self, at: float) -> str:
        if self.resolved_at is not None:
            return f"{self.phrase}; it lasted {span(self.resolved_at - (self.fired_at or self.since))}"
        lasts = at - self.since
        return f"{self.phrase} for {span(lasts)}" if lasts >= 1 else self.phrase


def is_record(told: Any) -> bool:
    """Whether what another node told is a record: it may be of another version, or of somebody who invents."""
    if not isinstance(told, dict):
        return False
    moments = (told.get(name) for name in ("since", "fired_at", "resolved_at"))
    return (
        all(isinstance(told.get(name), str) for name in ("rule", "node", "text"))
        and (told.get("state"), told.get("severity")) in _KNOWN
        and isinstance(told.get("silenced"), bool)
        and all(one is None or (isinstance(one, int | float) and 0 <= one < _FAR) for one in moments)
        and told.get("since") is not None
    )


def in_order(records: list[Record]) -> list[Record]:
    """Sort records: what fires before what may come to, then what is over, the latest of each first."""
    return sorted(
        records,
        key=lambda one: (
            _ORDER.get((one["state"], one["severity"]), 4),
            -(one["resolved_at"] or one["fired_at"] or one["since"]),
            one["rule"],
            one["node"],
        ),
    )


class Notice(NamedTuple):
    """That an alert fires, or is over: what the sinks are told, `sinks` of them (None: all)."""

    record: Record
    sinks: tuple[str, ...] | None


class Changes(NamedTuple):
    """What came of a look: what happened, each once, and who is to be told of what."""

    happened: list[Record]
    notices: list[Notice]
