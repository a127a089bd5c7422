"""The nodes as plain data: the JSON contract, version 1.

`fetch --format json`, `GET /api/v1/nodes` and the browser all read this one document, so it is made in
one place. Within version 1 a field is never renamed, removed or given another meaning; new ones may
come. Numbers are in base units; only a share is given in percent, with one decimal, and its name says so.

`custom` has what the node's own program tells, as that gives it; it is left out where that tells nothing.

What is null: `seen_at` of a node that never answered · `host` and `process`, as a whole, of a node that is down
(an old figure must not look like a live one) or that has not said anything yet · a single figure that its node
could not measure. A suspect node keeps its figures; `seen_at` says how old they are.
"""

from __future__ import annotations

from math import isfinite
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from eye.metrics.catalogue import CATALOGUE, LISTS, Metric, Scope
from eye.metrics.custom import metrics_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from eye.metrics.sample import HostReading, ProcessReading
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
    if metrics is None:
        is_told = node.status != "down"
        entry["host"] = _HOST.write(node.host) if is_told and node.host is not None else None
        entry["process"] = _NODE.write(node.process) if is_told and node.process is not None else None
        if custom := _custom(node):
            entry["custom"] = custom
        return entry
    for scope in Scope:
        of_part = [metric for metric in metrics if metric.scope is scope]
        if of_part:
            entry[of_part[0].part] = _chosen(node, of_part)
    return entry


class _Whole:
    """All of a part, in the order of the contract: told of every node every second, and therefore read at once."""

    def __init__(self, scope: Scope, before: str, after: str) -> None:
        """`before` and `after`, with which the part begins and ends, are no figures: null if empty."""
        metrics = [metric for metric in (*CATALOGUE, *LISTS) if metric.scope is scope]
        self._read = attrgetter(before, *(metric.field for metric in metrics), after)
        self._names = (before, *(metric.json_name for metric in metrics), after)
        self._percents = [metric.json_name for metric in metrics if metric.is_percent and not metric.each]
        self._lists = [metric.json_name for metric in metrics if metric.each]
        self._words = (before, after)

    def write(self, reading: HostReading | ProcessReading) -> dict[str, Any]:
        told: dict[str, Any] = dict(zip(self._names, self._read(reading), strict=True))
        for name, value in told.items():
            if value.__class__ is float and not isfinite(value):  # JSON has no NaN
                told[name] = None
        for name in self._percents:
            if (value := told[name]) is not None:
                told[name] = round(value * 100.0, 1)
        for name in self._lists:
            told[name] = _percents(told[name])
        for name in self._words:
            told[name] = told[name] or None
        return told


_HOST, _NODE = _Whole(Scope.HOST, "name", "source"), _Whole(Scope.NODE, "pid", "python")


def _chosen(node: NodeView, metrics: list[Metric]) -> dict[str, Any] | None:
    if node.status == "down" or getattr(node, metrics[0].part) is None:
        return None
    return {
        one.json_name: _percents(one.read_each(node)) if one.each else _in_json_units(one, one.read(node))
        for one in metrics
    }


def _percents(shares: tuple[float, ...] | None) -> list[float | None] | None:
    if shares is None:
        return None
    return [round(share * 100.0, 1) if isfinite(share) else None for share in shares]


def _custom(node: NodeView) -> dict[str, Any]:
    if node.status == "down" or node.process is None or not (node.custom or node.about):
        return {}
    return {one.json_name: _in_json_units(one, one.read(node)) for one in metrics_of((node,))}


def _in_json_units(metric: Metric, value: float | int | None) -> float | int | None:
    if value is None or not isfinite(value):  # JSON has no NaN
        return None
    return round(value * 100.0, 1) if metric.is_percent else value
