"""The nodes as CSV: one row a node, the columns named after the paths of the JSON document.

    at,node,status,address,seen_at,host_name,host_memory_used,…,process_pid,process_memory_rss,…

The columns depend on what was asked for, never on what the nodes answered: a node that is down leaves
its cells empty. Numbers are the document's, in base units. Lines end in a line feed, for awk and cut.
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

from eye.metrics.catalogue import CATALOGUE, LISTS, Metric
from eye.monitor.clean import clean
from eye.monitor.document import document

if TYPE_CHECKING:
    from collections.abc import Iterable

    from eye.monitor.node_view import NodeView

_OF_EACH = ("node", "status", "address", "seen_at")
_PARTS = ("host", "process", "custom")
_FORMULA = ("=", "+", "-", "@")


def csv_rows(
    nodes: Iterable[NodeView], now: float, metrics: Iterable[Metric] | None = None, *, header: bool = True
) -> str:
    """Write the nodes as CSV, in name order.

    Args:
        metrics: only these; None is everything that the JSON document has, but for the figures of the nodes' own
            programs: which there are depends on the nodes.
        header: whether the names of the columns come first (once, where rows are appended).
    """
    chosen = None if metrics is None else tuple(metrics)
    paths = _paths(chosen)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    if header:
        writer.writerow(["at", *_OF_EACH, *("_".join(path) for path in paths)])
    for entry in document(nodes, now, chosen)["nodes"]:
        cells = [entry[name] for name in _OF_EACH] + [_cell(entry, *path) for path in paths]
        writer.writerow([now, *map(harmless, cells)])
    return out.getvalue()


def _paths(metrics: tuple[Metric, ...] | None) -> list[tuple[str, str]]:
    if metrics is not None:
        return [(m.part, m.json_name) for m in sorted(metrics, key=lambda m: _PARTS.index(m.part))]
    first = {"host": ("host", "name"), "process": ("process", "pid")}
    measured = [(m.part, m.json_name) for m in (*CATALOGUE, *LISTS)] + [("host", "source"), ("process", "python")]
    return [path for part in first for path in (first[part], *(p for p in measured if p[0] == part))]


def _cell(entry: dict[str, Any], part: str, name: str) -> Any:
    readings = entry[part]
    value = None if readings is None else readings[name]
    return " ".join(map(str, value)) if isinstance(value, list) else value


def harmless(cell: Any) -> Any:
    """Keep a text on one line, and a spreadsheet from taking it for a formula.

    A machine may call itself `=HYPERLINK(…)`. And Python's csv writes a lone carriage return unquoted
    when lines end in a line feed (3.11), which its own reader then refuses.
    """
    if not isinstance(cell, str):
        return cell
    return f"'{clean(cell)}" if cell.startswith(_FORMULA) else clean(cell)
