"""What happened, in one line: a mark and a sentence for a record of `chronicle`.

    ✖  local/sampler exited: ValueError: no such disk
    ⟳  local/sampler#2 started in its place, because local/sampler exited: ValueError: no such disk (1 of 3 in 5 s)
    ✖  down: connection refused

Every screen tells it in these words: the narrator of the demo, the event log of `observe`, the web view.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from eye.monitor.chronicle import Record

_FAR = 1e11  # seconds: some thousand years

Said = tuple[str, str]
"""A mark (● ◆ ✖ ○ ⟳ ▲) and what follows it. In the text is what a node said: who shows it makes it harmless."""


def say(record: Record) -> Said | None:
    """Say what a record tells; None where it is not worth a line."""
    teller = _SENTENCES.get(record.get("what", ""))
    return None if teller is None else teller(record)


def can_be_said(record: Record) -> bool:
    """Whether what another node told can be shown: it may be of another version, or of somebody who invents."""
    at = record.get("at")
    if not isinstance(record.get("node"), str) or not isinstance(at, int | float) or not 0 <= at < _FAR:
        return False
    try:
        say(record)
    except (LookupError, TypeError, ValueError, AttributeError):
        return False
    return True


def _short(path: str) -> str:
    return path.removeprefix("/eye/")


def _exited(record: Record) -> Said:
    rule = f": {record['rule']}" if record.get("rule") else ""
    follows = "" if record["will_restart"] else f"; it is not restarted{rule}"
    return "✖", f"{_short(record['path'])} exited: {_line(record['reason'])}{follows}"


def _started(record: Record) -> Said | None:
    if record["incarnation"] == 1:
        return None  # the first start of everything is no news
    because = f", because {_line(record['cause'])}" if record["cause"] else ""
    return "⟳", f"{_short(record['path'])}#{record['incarnation']} started in its place{because}{_spent(record)}"


def _start_failed(record: Record) -> Said:
    return "✖", f"{_short(record['path'])} did not start: {_line(record['reason'])}"


def _delayed(record: Record) -> Said:
    return "⟳", f"{_short(record['path'])} waits {record['seconds']:.3g} s before its next try"


def _gave_up(record: Record) -> Said:
    limit = f"more than {record['max_restarts']} restarts in {record['max_seconds']:g} s"
    return "▲", f"supervisor {_short(record['path'])} gives up: {limit}. Its own supervisor takes over"


def _abandoned(record: Record) -> Said:
    return "✖", f"{_short(record['path'])} {record['why']} and is abandoned: a thread cannot be killed"


def _thread_ended(record: Record) -> Said:
    return "○", f"{_short(record['path'])}, abandoned {record['abandoned_for']:.1f} s ago, has ended after all"


def _overflowed(record: Record) -> Said:
    return "▲", f"{_short(record['path'])} is full: {record['dropped']} messages lost ({record['when_full']})"


def _conflict(record: Record) -> Said:
    return "▲", f"another live node has this name, at {record['address']}"


def _alert(record: Record) -> Said:
    is_over = record["what"] == "alert_resolved"
    silenced = " (silenced)" if record.get("silenced") else ""
    what = f"{record['rule']} is over" if is_over else f"alert {record['rule']}"
    return "●" if is_over else "▲", f"{what}: {_line(record['text'])}{silenced}"


def _rules(record: Record) -> Said:
    if record["problem"] is None:
        return "●", f"the alert rules have changed: {record['file']}"
    return "▲", f"the rules of before go on, for {record['file']} cannot be used: {_line(record['problem'])}"


def _spent(record: Record) -> str:
    incident = record.get("incident")
    if not incident:
        return ""
    return f" ({incident['used']} of {incident['max_restarts']} in {incident['max_seconds']:g} s)"


def _line(text: Any) -> str:
    return str(text).partition("\n")[0]


_SENTENCES: dict[str, Callable[[Any], Said | None]] = {
    "child_exited": _exited,
    "child_started": _started,
    "child_start_failed": _start_failed,
    "child_abandoned": _abandoned,
    "thread_ended": _thread_ended,
    "mailbox_overflowed": _overflowed,
    "restart_delayed": _delayed,
    "gave_up": _gave_up,
    "node_up": lambda record: ("●", f"up at {record['address']}"),
    "node_suspect": lambda record: ("◆", f"suspect: {record['reason']}"),
    "node_down": lambda record: ("✖", f"down: {record['reason']}"),
    "node_left": lambda record: ("○", f"left: {record['reason']}"),
    "name_conflict": _conflict,
    "alert_fired": _alert,
    "alert_resolved": _alert,
    "alert_rules_changed": _rules,
}
