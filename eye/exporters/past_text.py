"""What `history` prints for people and spreadsheets: a block a node, a line for each step; or CSV, a line a point.

    Node: mystic-node-1
    TIME                 CPU LOAD        MEMORY USAGE         PROCESS COUNT
    2026-11-29 18:00     20%  5%–97%     512MB                100  98–103
    2026-11-29 18:01     21%  20%–22%    512MB  500MB–520MB   100

The mean, and what it was between where that is another figure. A step of which nothing is known has no line.
"""

from __future__ import annotations

import csv
import io
from itertools import groupby
from typing import TYPE_CHECKING

from eye.exporters.csv_rows import harmless
from eye.exporters.units import figure
from eye.metrics.catalogue import titles
from eye.monitor.clean import clean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from eye.history.points import Point
    from eye.metrics.catalogue import Metric
    from eye.monitor.history_document import Series

_GAP = "  "
_NOTHING = "-"


def past_text(series: Iterable[Series], said: Callable[[float], str]) -> str:
    """Write blocks; `said` writes a moment in the user's time. A node of which nothing is known has no block."""
    blocks = []
    for node, group in groupby(series, key=lambda one: one.node):
        lines = _lines(list(group), said)
        if len(lines) > 1:
            blocks.append("\n".join([f"Node: {clean(node)}", *lines]) + "\n")
    return "\n".join(blocks)


def _lines(series: Sequence[Series], said: Callable[[float], str]) -> list[str]:
    labels = dict(titles(one.metric for one in series))
    head = ["TIME", *(clean(labels[one.metric]).upper() for one in series)]
    rows = [head]
    for place, start in enumerate(series[0].starts):
        points = [one.points[place] for one in series]
        if any(point is not None for point in points):
            rows.append(
                [said(start), *(_cell(point, one.metric) for point, one in zip(points, series, strict=True))]
            )
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    return [_GAP.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _cell(point: Point | None, metric: Metric) -> str:
    if point is None:
        return _NOTHING
    mean, least, most = (figure(one, metric.unit) for one in (_whole(point.mean, metric), point.least, point.most))
    return mean if least == mean == most else f"{mean}  {least}–{most}"


def _whole(mean: float, metric: Metric) -> float:
    return mean if metric.unit.value != "count" else float(round(mean))


def past_csv(series: Iterable[Series]) -> str:
    """Write all points as CSV: figures in base units, moments in UTC seconds."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["at", "node", "metric", "unit", "mean", "min", "max"])
    for one in series:
        for start, point in zip(one.starts, one.points, strict=True):
            if point is not None:
                named = (harmless(one.node), harmless(one.metric.key), one.metric.unit.value)
                writer.writerow([start, *named, point.mean, point.least, point.most])
    return out.getvalue()
