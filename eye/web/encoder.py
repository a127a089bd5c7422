"""From what a node sees to what goes over the WebSocket: the whole decision, nothing else.

No socket, no clock, no thread. `look` is told what was last sent and what is seen now, and answers
with what to remember and the one message that says the difference:

    nothing sent yet, or other nodes than before ... Snapshot   every node, as in GET /api/v1/nodes
    some rows differ ............................... Changes    those rows, by index, dynamic fields only
    no row differs ................................. None       (the publisher may say «alive»)

A row is sent when a person would see the difference. So figures are rounded before they are compared,
and what merely grows with time (uptime, the moment a node was last seen) is not sent every second: the
browser counts on from the message that carried it. It is sent again with any change of its row, when it
jumps (the machine was restarted) or when it stands still (the readings stopped coming).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from eye.monitor.node_view import patience

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Node = Mapping[str, Any]

VERSION = 1

FIELDS = (
    "status",
    "since",
    "reason",
    "address",
    "seen_at",
    "host.memory_used",
    "host.memory_total",
    "host.cpu_percent",
    "host.cores",
    "host.load_1m",
    "host.process_count",
    "host.uptime",
    "process.pid",
    "process.memory_rss",
    "process.cpu_percent",
    "process.thread_count",
    "process.process_count",
    "process.restarts",
    "process.uptime",
    "every",
    # From here on it is what few screens show, and filters ask for: a row ends before those that are as they were.
    "host.load_5m",
    "host.load_15m",
    "host.swap_used",
    "host.disk_used",
    "host.disk_read_rate",
    "host.disk_write_rate",
    "host.network_receive_rate",
    "host.network_send_rate",
    "host.busiest_core_percent",
    "process.open_files",
    "process.mailbox",
    "custom",
)
"""The fields that change, as paths into a node, in the order in which a row of `changes` carries them."""

_ALWAYS = FIELDS.index("every") + 1  # so many are in every row

_GROWING = {"seen_at", "host.uptime", "process.uptime"}
_STEADY = [at for at, field in enumerate(FIELDS) if field not in _GROWING]
_UPTIMES = [at for at, field in enumerate(FIELDS) if field.endswith(".uptime")]
_SEEN_AT, _EVERY = FIELDS.index("seen_at"), FIELDS.index("every")

NOTHING: Mapping[str, int] = {}

_JUMP = 5.0  # seconds by which an uptime may be off what was counted on before it counts as a restart
_DIGITS = 10  # binary digits of a size that are kept: one part in a thousand


class Row(NamedTuple):
    """A node as it was last sent: the values of FIELDS, and when that was."""

    values: tuple[Any, ...]
    at: float


class Seen(NamedTuple):
    """What all viewers have been told so far."""

    names: tuple[str, ...]
    rows: tuple[Row, ...]


class Snapshot(NamedTuple):
    """Every node, whole."""

    nodes: tuple[Node, ...]


class Changes(NamedTuple):
    """The rows that differ: each its index in the snapshot's order, then the values of FIELDS.

    A row may end early: the fields that are missing are as they were.
    """

    rows: tuple[tuple[Any, ...], ...]


def look(before: Seen | None, nodes: Sequence[Node], at: float) -> tuple[Seen, Snapshot | Changes | None]:
    """Decide what to tell the viewers.

    Args:
        before: what they have been told; None to start over.
        nodes: the node objects of `GET /api/v1/nodes`, in any fixed order.
        at: now, in UTC seconds.

    Returns:
        What they have been told once they have the message, and the message; None if nothing differs.
    """
    names = tuple(node["node"] for node in nodes)
    values = [values_of(node) for node in nodes]
    if before is None or before.names != names:
        rows = tuple(Row(each, at) for each in values)
        return Seen(names, rows), Snapshot(tuple(nodes))

    changed = {
        index: Row(now, at)
        for index, (row, now) in enumerate(zip(before.rows, values, strict=True))
        if differs(row, now, at)
    }
    if not changed:
        return before, None
    rows = tuple(changed.get(index, row) for index, row in enumerate(before.rows))
    told = [(index, *_cut(before.rows[index].values, row.values)) for index, row in changed.items()]
    return Seen(names, rows), Changes(tuple(told))


def differs(row: Row, now: tuple[Any, ...], at: float) -> bool:
    """Tell whether a person would see the difference between a row as sent and the same row now."""
    then = row.values
    if any(then[field] != now[field] for field in _STEADY):
        return True
    if _is_stale(then, row.at) != _is_stale(now, at):
        return True
    if _is_stale(now, at):
        return False
    return any(_jumped(then[field], now[field], at - row.at) for field in _UPTIMES)


def _cut(then: tuple[Any, ...], now: tuple[Any, ...]) -> tuple[Any, ...]:
    """Leave out of a row, from its end, what is as it was."""
    end = len(now)
    while end > _ALWAYS and now[end - 1] == then[end - 1]:
        end -= 1
    return now[:end]


def values_of(node: Node) -> tuple[Any, ...]:
    """Take the values of FIELDS out of a node object, rounded to what a screen can show."""
    parts = node.get("host") or NOTHING, node.get("process") or NOTHING, node
    return tuple(
        None if (value := parts[part].get(key)) is None else value if round_ is None else round_(value)
        for part, key, round_ in _PLAN
    )


def snapshot_text(
    snapshot: Snapshot, epoch: str, sequence: int, at: float, node: str, told: Mapping[str, int] = NOTHING
) -> str:
    """Write a snapshot as JSON. `node` is the one whose view this is.

    Args:
        told: the number of the last of the `events` and the version of the `alerts`, by these names: a browser
            asks for what is another than it knows.
    """
    return encode(
        {
            "type": "snapshot",
            "version": VERSION,
            "epoch": epoch,
            "seq": sequence,
            "at": at,
            "node": node,
            "fields": FIELDS,
            "nodes": snapshot.nodes,
            **told,
        }
    )


def changes_text(changes: Changes, sequence: int, at: float, told: Mapping[str, int] = NOTHING) -> str:
    """Write changed rows as JSON."""
    return encode({"type": "changes", "seq": sequence, "at": at, "rows": changes.rows, **told})


def alive_text(sequence: int, at: float, told: Mapping[str, int] = NOTHING) -> str:
    """Write «nothing changed, and somebody is looking» as JSON."""
    return encode({"type": "alive", "seq": sequence, "at": at, **told})


def encode(message: Mapping[str, Any]) -> str:
    """Write JSON without blanks. NaN and infinity, which JSON does not have, are refused with ValueError."""
    return json.dumps(message, separators=(",", ":"), allow_nan=False)


def _coarse(size: int) -> int:
    # To the nearest step of one part in a thousand. 512 MB stays 512 MB, and a few kB more are no news.
    step: int = 1 << max(0, size.bit_length() - _DIGITS)
    return (size + step // 2) // step * step


def _rounding(field: str) -> Callable[[Any], Any] | None:
    if field.endswith(("_percent", ".uptime")) or field in ("seen_at", "since"):
        return lambda value: round(value, 1)
    if field.startswith("host.load_"):
        return lambda value: round(value, 2)
    if field.endswith(("_used", ".memory_rss")):
        return _coarse
    return (lambda value: _coarse(int(value))) if field.endswith("_rate") else None


def _part(field: str) -> int:
    return 0 if field.startswith("host.") else 1 if field.startswith("process.") else 2


_PLAN = [(_part(field), field.rpartition(".")[2], _rounding(field)) for field in FIELDS]
"""Where each field is (in the host, the process, or the node itself), under which key, and how it is rounded."""


def _is_stale(values: tuple[Any, ...], at: float) -> bool:
    # The browser has the same rule.
    seen_at: float | None = values[_SEEN_AT]
    return seen_at is None or at - seen_at > patience(values[_EVERY])


def _jumped(then: float | None, now: float | None, elapsed: float) -> bool:
    if then is None or now is None:
        return then is not now
    return abs(now - (then + elapsed)) > _JUMP
