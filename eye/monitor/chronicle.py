"""What happens in a node and its cluster, as plain records, one JSON line each.

A record says when (`at`, UTC seconds), where (`node`; `path` for a process), `what`, and why (`reason`,
`cause`). Whoever narrates, records or tests reads these lines and needs nothing else of the node.

    {"at": 1795462080.1, "node": "mystic-node-1", "what": "child_exited", "path": "/eye/local/sampler", …}
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from eye.alerts.news import TOPIC as ALERTS
from eye.alerts.news import AlertFired, AlertResolved, RulesChanged
from eye.cluster import news
from eye.cluster.members import CHANGES
from eye.supervision import events
from eye.supervision.gen_server import GenServer
from eye.supervision.incidents import Incident
from eye.supervision.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Callable

_WHAT = {
    events.ProcessCrashed: "process_crashed",
    events.ChildStarted: "child_started",
    events.ChildStartFailed: "child_start_failed",
    events.ChildExited: "child_exited",
    events.RestartDelayed: "restart_delayed",
    events.ChildStopped: "child_stopped",
    events.ChildAbandoned: "child_abandoned",
    events.GaveUp: "gave_up",
    events.MailboxOverflowed: "mailbox_overflowed",
    events.ThreadEnded: "thread_ended",
    news.NodeFound: "node_found",
    news.NodeUp: "node_up",
    news.NodeSuspect: "node_suspect",
    news.NodeDown: "node_down",
    news.NodeLeft: "node_left",
    news.NameConflict: "name_conflict",
    AlertFired: "alert_fired",
    AlertResolved: "alert_resolved",
    RulesChanged: "alert_rules_changed",
}

Record = dict[str, Any]


def as_record(teller: str, event: Any, at: float) -> Record | None:
    """Write an event of the node `teller` down; None for what is no event."""
    what = _WHAT.get(type(event))
    if what is None:
        return None
    if isinstance(event, events.Event):
        told = {field.name: _plain(getattr(event, field.name)) for field in fields(event)}
        return {"at": event.at, "node": teller, "what": what, **told}
    if isinstance(event, news.NameConflict):
        return {"at": at, "node": event.name, "what": what, "address": event.address}
    if isinstance(event, AlertFired | AlertResolved):
        told = {name: event.record[name] for name in ("node", "rule", "severity", "text", "silenced")}
        return {"at": at, "what": what, **told, "seen_by": teller}
    if isinstance(event, RulesChanged):
        return {"at": at, "node": teller, "what": what, **event._asdict()}
    reason = event.reason if isinstance(event, news.NodeLeft | news.NodeUp) else event.member.reason
    return {
        "at": at,
        "node": event.member.name,
        "what": what,
        "boot": event.member.boot,
        "address": event.member.address,
        "reason": reason,
        "seen_by": teller,
    }


def _plain(value: Any) -> Any:
    if isinstance(value, Reason):
        return str(value)
    if isinstance(value, Incident):
        return value.as_data()
    if isinstance(value, Mapping):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    return value if isinstance(value, (str, int, float, bool, type(None))) else str(value)


class Chronicler(GenServer):
    """Hands a record of everything that happens to whoever wants it."""

    def init(self, node: str, write: Callable[[Record], None]) -> None:
        self._node = node
        self._write = write
        self.subscribe(events.TOPIC)
        self.subscribe(CHANGES)
        self.subscribe(ALERTS)

    def handle_info(self, message: Any) -> None:
        record = as_record(self._node, message, self.system.clock.now())
        if record is not None:
            self._write(record)


def as_line(record: Record) -> str:
    return json.dumps(record, separators=(",", ":"), ensure_ascii=True)
