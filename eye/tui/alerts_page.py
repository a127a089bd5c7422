"""The alerts: what fires first, then what is about to, then what is over.

ALERT      NODE            SINCE     WHAT
▲ firing   mystic-node-1   18:29:15  busy: CPU 96 % for 12 s
△ pending  mystic-node-2   18:31:02  full: memory 91 %
○ resolved mystic-node-3   18:12:40  busy: CPU 12 %, over after 3 min 2 s
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eye.tui import cells
from eye.tui.moment import ago, clock_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from eye.tui.cells import Line, Span

    Alert = dict[str, Any]

_ORDER = {"firing": 0, "pending": 1, "resolved": 2}
_MARKS = {"firing": "▲", "pending": "△", "resolved": "○"}
_STATE, _NODE, _SINCE = 20, 20, 10  # columns


def arrange(alerts: Iterable[Alert]) -> list[Alert]:
    """Sort them: what fires first, and of that the critical; then the latest."""
    return sorted(
        alerts,
        key=lambda one: (
            _ORDER.get(one["state"], 9), one["silenced"], one["severity"] != "critical", -_since(one), one["node"],
        ),
    )  # fmt: skip


def at(alerts: Iterable[Alert], moment: float) -> list[Alert]:
    """Answer those that were firing, or about to, at a moment."""
    found = []
    for one in alerts:
        if one["since"] <= moment and (one["resolved_at"] is None or moment < one["resolved_at"]):
            fires = one["fired_at"] is not None and one["fired_at"] <= moment
            found.append({**one, "state": "firing" if fires else "pending", "resolved_at": None})
    return found


def firing(alerts: Iterable[Alert]) -> tuple[int, bool]:
    """Count those that fire and are not silenced; and say whether one of them is critical."""
    loud = [one for one in alerts if one["state"] == "firing" and not one["silenced"]]
    return len(loud), any(one["severity"] == "critical" for one in loud)


def headline(alerts: Iterable[Alert]) -> Line:
    """Write how many fire; nothing where none does."""
    count, is_critical = firing(alerts)
    if not count:
        return ()
    said = f"▲ {count} alert{'s' * (count != 1)}"
    return ((f"{said}{', critical' if is_critical else ''}  ", "alarm" if is_critical else "warn"),)


class Bell:
    """Says when a terminal is to ring: when more fire than before."""

    def __init__(self, is_wanted: bool) -> None:
        self._is_wanted, self._firing = is_wanted, 0

    def is_due(self, alerts: Iterable[Alert]) -> bool:
        before, (self._firing, _) = self._firing, firing(alerts)
        return self._is_wanted and self._firing > before


def rows(alerts: Iterable[Alert], columns: int) -> tuple[Line, list[Line]]:
    """Write the heading and a line for each alert."""
    node = _NODE if columns >= 90 else 14
    title = f"{'ALERT':<{_STATE}}{'NODE':<{node}}{'SINCE':<{_SINCE}}WHAT"
    lines = [cells.cut(_row(one, node), columns) for one in arrange(alerts)]
    return cells.cut(((title, "title"),), columns), lines


def _row(one: Alert, node: int) -> Line:
    state, severity = str(one["state"]), str(one["severity"])
    is_quiet = one["silenced"] or state == "resolved"
    role = "dim" if is_quiet else "alarm" if severity == "critical" else "warn"
    word = "silenced" if one["silenced"] and state != "resolved" else state
    said = f"{_MARKS.get(state, '?')} {word} {severity if state != 'resolved' else ''}"
    spans: list[Span] = [
        (cells.fit(said, _STATE - 1) + " ", role),
        (cells.fit(str(one["node"]), node - 1) + " ", "dim" if is_quiet else "text"),
        (f"{clock_of(_since(one)):<{_SINCE}}", "dim"),
        (f"{cells.tame(str(one['rule']))}: {cells.tame(str(one['text']))}", "dim" if is_quiet else "text"),
    ]
    if one["resolved_at"] is not None:
        spans.append((f", over after {ago(one['resolved_at'] - _since(one))}", "dim"))
    return tuple(spans)


def _since(one: Alert) -> float:
    return float(one["since"] if one["fired_at"] is None else one["fired_at"])
