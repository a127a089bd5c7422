"""The nodes as plain data: the JSON contract, version 1.

`fetch --format json`, `GET /api/v1/nodes` and the browser all read this one document, so it is made in
one place. Within version 1 a field is never renamed, removed or given another meaning; new ones may
come. Numbers are in base units; only a share is given in percent, with one decimal, and its name says so.

`custom` has what the node's own program tells, as that gives it; an empty object if that tells nothing.

What is null: `seen_at` of a node that never answered · `host`, `process` and `custom`, as a whole, of a node
that is down (an old figure must not look like a live one) or that has not said anything yet · a single
figure that its node could not measure. A suspect node keeps its figures; `seen_at` says how old they are.
"""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Any

from eye.metrics.catalogue import CATALOGUE, LISTS, Metric, Scope
from eye.metrics.custom import metrics_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from eye.monitor.node_view import NodeView

VERSION = 1


def document(nodes: Iterable[NodeView], at: float, metrics: Iterable[Metric] | None = None) -> dict[str, Any]:
    """Put what is known of the nodes at the moment `at` into the contract's form, in name order.

    Args:
        metrics: only these. `host` and `process` are left out where nothing of theirs is chosen. None
            gives the whole contract, host and process, whatever scope a text would show.
    """
    chosen = None if metrics is None else tuple(metrics)
    ordered = sorted(nodes, key=lambda node: node.name)
    return {"version": VERSION, "at": at, "nodes": [node_document(node, chosen) for node in ordered]}


def node_document(node: NodeView, metrics: Sequence[Metric] | None = None) -> dict[str, Any]:
    """Make one entry of `nodes`."""
    entry: dict[str, Any] = {
        "node": node.name,
        "status": node.status,
        "address": node.address,
        "seen_at": node.seen_at,
    }
    for scope in Scope:
        of_part = [m for m in ((*CATALOGUE, *LISTS) if metrics is None else metrics) if m.scope is scope]
        if of_part:
            entry[of_part[0].part] = _readings(node, of_part, is_whole=metrics is None)
    if metrics is None:
        entry["custom"] = _custom(node)
    return entry


def _readings(node: NodeView, metrics: list[Metric], *, is_whole: bool) -> dict[str, Any] | None:
    part = metrics[0].part
    if node.status == "down" or getattr(node, part) is None:
        return None
    readings: dict[str, Any] = {}
    if is_whole and node.host is not None and part == "host":
        readings["name"] = node.host.name
    if is_whole and node.process is not None and part == "process":
        readings["pid"] = node.process.pid
    for metric in metrics:
        readings[metric.json_name] = (
            _in_json_units(metric, metric.read(node)) if not metric.each else _each(metric, node)
        )
    if is_whole and node.host is not None and part == "host":
        readings["source"] = node.host.source
    if is_whole and node.process is not None and part == "process":
        readings["python"] = node.process.python or None
    return readings


def _each(metric: Metric, node: NodeView) -> list[float | int | None] | None:
    values = metric.read_each(node)
    return None if values is None else [_in_json_units(metric, value) for value in values]


def _custom(node: NodeView) -> dict[str, Any] | None:
    if node.status == "down" or node.process is None:
        return None
    return {one.json_name: _in_json_units(one, one.read(node)) for one in metrics_of((node,))}


def _in_json_units(metric: Metric, value: float | int | None) -> float | int | None:
    if value is None or not isfinite(value):  # JSON has no NaN
        return None
    return round(value * 100.0, 1) if metric.is_percent else value
