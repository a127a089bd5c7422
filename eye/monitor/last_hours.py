"""The last hour of several nodes, as moments that alert rules can be asked about when nobody did then.

Every node tells by its own clock. What it says is placed by how long ago it was when it said it, so that clocks
that differ do no harm.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eye.alerts.replay import Moment
from eye.alerts.verdict import Facts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from eye.alerts.rules import Rule
    from eye.metrics.catalogue import Metric
    from eye.monitor.node_view import NodeView

HOUR = 3600.0
STEP = 5.0
"""Seconds from one moment to the next."""


def metrics_of(rules: Iterable[Rule]) -> list[Metric]:
    """List the metrics that some rules read."""
    return sorted({one for rule in rules for one in rule.needs[0]}, key=lambda metric: metric.key)


def moments(
    nodes: Sequence[NodeView],
    hours: Mapping[str, Mapping[str, Any]],
    metrics: Sequence[Metric],
    at: float,
) -> list[Moment]:
    """Make moments of the last hour, the last of them now.

    Args:
        nodes: as they are known now. One that is down has been so since it became that.
        hours: what `Agent.recent` answered for each, by the names of the nodes.
        metrics: what was asked for.
        at: now, in UTC seconds.
    """
    columns = {node.name: _column(hours[node.name], metrics) for node in nodes if node.name in hours}
    return [
        Moment(
            at - ago * STEP,
            [
                fact
                for node in nodes
                if (fact := _fact(node, columns.get(node.name), ago, at - ago * STEP)) is not None
            ],
        )
        for ago in range(int(HOUR / STEP), -1, -1)
    ]


def _column(hour: Mapping[str, Any], metrics: Sequence[Metric]) -> dict[int, dict[str, float]]:
    """Sort what a node told by how many steps ago it was."""
    found: dict[int, dict[str, float]] = {}
    step = float(hour["step"])
    for place, start in enumerate(hour["starts"]):
        told = {
            metric.key: point[0]
            for metric in metrics
            if (points := hour["points"].get(metric.key)) is not None and (point := points[place]) is not None
        }
        if told:
            found[max(round((hour["at"] - start - step) / STEP), 0)] = told
    return found


def _fact(node: NodeView, column: dict[int, dict[str, float]] | None, ago: int, at: float) -> Facts | None:
    host = "" if node.host is None else node.host.name
    if node.status == "down":
        if at < node.since:
            return None  # what it said then went with it
        return Facts(node.name, "down", {}, True, node.address, host, node.reason or "")
    if column is None or (ago > max(column, default=-1) and ago > 0):
        return None  # before it was started
    figures = column.get(ago, column.get(ago + 1))
    status = node.status if ago == 0 else "up"
    return Facts(node.name, status, dict(figures or {}), figures is None, node.address, host, node.reason or "")
