"""The history as moments that alert rules can be asked about: what they would have said since Monday.

A history has figures and no membership. A node whose figures are missing while others have some counts as down,
for so long as the membership would have listed it. A time of which nobody has any is one in which nobody watched:
it is left out, and says nothing of anybody.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eye.alerts.replay import Moment
from eye.alerts.verdict import Facts
from eye.metrics.catalogue import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from eye.history.store import Store
    from eye.metrics.catalogue import Metric

_LISTED = 3600.0  # seconds for which a node that died is listed
_PATIENCE = 5.0  # seconds, and three steps, for which nothing has to come of a node that is there
_DAY, _FINE, _COARSE, _MOST = 86_400.0, 5.0, 60.0, 20_000


def usual_step(seconds: float) -> float:
    """Say how finely to look at so long a time: as finely as it is kept, within reason."""
    return max(_FINE if seconds <= _DAY else _COARSE, finest_step(seconds))


def finest_step(seconds: float) -> float:
    """Say how finely so long a time can be looked at, whoever asks."""
    return seconds / _MOST


def moments(
    store: Store, nodes: Sequence[str], metrics: Sequence[Metric], *, since: float, until: float, step: float
) -> Iterator[Moment]:
    """Read these nodes from a history, and make moments of them, in the order of time.

    Raises:
        HistoryUnusable: it cannot be read.
    """
    columns: dict[str, dict[float, dict[str, float]]] = {}
    for node in nodes:
        past = store.read(node, [one.key for one in metrics], since=since, until=until, step=step)
        column: dict[float, dict[str, float]] = {}
        for metric in metrics:
            for start, point in zip(past.starts, past.points.get(metric.key, ()), strict=False):
                if point is not None:
                    value = point.most if metric.kind is Kind.COUNTER else point.mean
                    column.setdefault(min(start + past.step, until), {})[metric.key] = value
        columns[node] = column
    yield from _moments(columns, max(3 * step, _PATIENCE))


def _moments(columns: dict[str, dict[float, dict[str, float]]], patience: float) -> Iterator[Moment]:
    seen: dict[str, float] = {}  # when each node last said anything, in watched time
    watched, before = 0.0, None
    for at in sorted({at for column in columns.values() for at in column}):
        watched += min(at - before, patience) if before is not None else 0.0
        before = at
        facts = []
        for node, column in columns.items():
            figures = column.get(at)
            if figures is not None:
                seen[node] = watched
            silent = watched - seen[node] if node in seen else _LISTED
            if silent < _LISTED:
                is_down = silent > patience
                facts.append(Facts(node, "down" if is_down else "up", dict(figures or {}), is_down))
        yield Moment(at, facts)
