"""The first table, made on the server: there before any script runs, and all there is without one.

Pure: node objects of `GET /api/v1/nodes` in, lines of text out. The template escapes them. Words and units
are those of `fetch` and of `browser/format.js`; one list of examples tests all of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

NONE = "–"
_SIZES = ("B", "KB", "MB", "GB", "TB", "PB", "EB")
_SPANS = ((86400, "day"), (3600, "hour"), (60, "minute"))
SHAPES = {"up": "●", "suspect": "◆", "down": "✖", "connecting": "○"}


class Line(NamedTuple):
    """A row of the table, as text."""

    node: str
    status: str
    shape: str
    seen: str
    memory: str
    cpu: str
    processes: str
    uptime: str
    restarts: str
    address: str


def lines(nodes: Sequence[Mapping[str, Any]], at: float) -> list[Line]:
    """Write each node as a row of the table, at the moment `at`."""
    return [_line(node, at) for node in nodes]


def count_by_status(nodes: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Count the nodes of each status that there is, in the order of SHAPES."""
    return {status: n for status in SHAPES if (n := sum(node["status"] == status for node in nodes))}


def size(count: float) -> str:
    """Write a number of bytes in the largest unit of 1024 that fits: `512MB`, `1.5GB`."""
    tenths, unit = int(count) * 10, _SIZES[0]
    for power, unit in enumerate(_SIZES):  # noqa: B007 (the unit it stops at is the one that fits)
        tenths = (int(count) * 10 + 1024**power // 2) // 1024**power
        if tenths < 10240:
            break
    return f"{tenths // 10}{unit}" if tenths % 10 == 0 else f"{tenths // 10}.{tenths % 10}{unit}"


def span(seconds: float) -> str:
    """Write a time span in its one largest unit, cut off: `45 seconds`, `2 hours`."""
    whole = max(int(seconds), 0)
    for length, unit in _SPANS:
        if whole >= length:
            return _counted(whole // length, unit)
    return _counted(whole, "second")


def _line(node: Mapping[str, Any], at: float) -> Line:
    said = node if node["host"] is not None else node.get("last", {})
    host, process = said.get("host") or {}, said.get("process") or {}
    return Line(
        node=node["node"],
        status=node["status"],
        shape=SHAPES.get(node["status"], "?"),
        seen="" if node["status"] == "up" else _seen(node["seen_at"], at),
        memory=f"{size(host['memory_used'])} of {size(host['memory_total'])}" if host else NONE,
        cpu=f"{int(host['cpu_percent'] + 0.5)}%" if host.get("cpu_percent") is not None else NONE,
        processes=str(host.get("process_count", NONE)),
        uptime=span(host["uptime"]) if host else NONE,
        restarts=str(process.get("restarts", NONE)),
        address=node["address"],
    )


def _seen(seen_at: float | None, at: float) -> str:
    return "never seen" if seen_at is None else f"last seen {span(at - seen_at)} ago"


def _counted(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
