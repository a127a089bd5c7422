"""The forms in which `fetch` prints, and which metrics each shows when nobody says which.

Text and table are for people: the default table of the scope, `host` unless told otherwise. JSON is the
whole contract. CSV and Prometheus are all that is measured, or all of the scope that was asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eye.metrics.catalogue import CATALOGUE, SCOPES, Scope, select

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from eye.metrics.catalogue import Metric
    from eye.monitor.node_view import NodeView

    Metrics = tuple[Metric, ...] | None

FORMATS = ("text", "table", "json", "csv", "prometheus")
FOR_PEOPLE = ("text", "table")


def choose(format: str, names: Sequence[str], scope: str | None, own: Iterable[Metric] = ()) -> Metrics:
    """Choose the metrics; None is everything that the format has.

    Args:
        own: what the nodes' own programs tell, which may be asked for by its names.

    Raises:
        UnknownMetric: a name is none.
    """
    if names or format in FOR_PEOPLE:
        return select(names, scope or "host", own)
    if scope is None or format == "json":
        return None
    return tuple(metric for metric in CATALOGUE if metric.scope in SCOPES[scope])


def choose_early(format: str, names: Sequence[str], scope: str | None) -> Metrics:
    """Choose before any node has been asked: a name that may be of a node's own is taken for one.

    Raises:
        UnknownMetric: a name can be none.
    """
    from eye.metrics.custom import is_name, metric

    own = [name.strip().lower().removeprefix("custom.") for name in names]
    return choose(format, names, scope, [metric(name) for name in own if is_name(name)])


def only_host(metrics: Metrics) -> Metrics:
    """Leave out what only a node can tell."""
    return metrics and tuple(metric for metric in metrics if metric.scope is Scope.HOST)


class Form:
    """One format, for as many rounds as are printed."""

    def __init__(self, format: str, *, repeats: bool) -> None:
        self._write: Callable[[Sequence[NodeView], float, Metrics], str] = getattr(self, f"_{format}")
        self._repeats = repeats
        self._is_first = True

    def write(self, nodes: Sequence[NodeView], now: float, metrics: Metrics) -> str:
        """Write one round."""
        text = self._write(nodes, now, metrics)
        self._is_first = False
        return text

    def _text(self, nodes: Sequence[NodeView], now: float, metrics: Metrics) -> str:
        from eye.exporters.text import text

        return text(nodes, now, metrics)

    def _table(self, nodes: Sequence[NodeView], now: float, metrics: Metrics) -> str:
        from eye.cli.screen import size, takes_escape_codes
        from eye.exporters.table import table

        width, _ = size() or (None, None)
        return table(nodes, now, metrics, width=width, colour=takes_escape_codes())

    def _json(self, nodes: Sequence[NodeView], now: float, metrics: Metrics) -> str:
        from eye.cli.screen import as_json
        from eye.monitor.document import document

        return as_json(document(nodes, now, metrics), is_one_line=self._repeats)

    def _csv(self, nodes: Sequence[NodeView], now: float, metrics: Metrics) -> str:
        from eye.exporters.csv_rows import csv_rows

        return csv_rows(nodes, now, metrics, header=self._is_first)

    def _prometheus(self, nodes: Sequence[NodeView], now: float, metrics: Metrics) -> str:
        from eye.monitor.prometheus import prometheus

        return prometheus(nodes, now, metrics)
