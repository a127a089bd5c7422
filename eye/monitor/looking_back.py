"""Looking back: series of the history in the form in which a node tells its last hour, and the two put together.

A node that is down tells nothing, but what it said is kept; a history is written some seconds late, but the node
remembers. A graph is drawn from both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eye.errors import ClusterError, MonitorError, UnknownNode
from eye.history.retention import HOUR

if TYPE_CHECKING:
    from eye.history.store import Store
    from eye.monitor.view import View

MOST_POINTS = 1000
"""Of one metric in a graph; with more the step is made longer, as the node itself does."""


def series(
    store: Store, node: str, names: list[str], *, since: float, until: float, step: float, now: float
) -> dict[str, Any]:
    """Answer a piece of the history as `View.recent` answers, with the `tier` it is from."""
    past = store.read(node, names, since=since, until=until, step=step)
    points = {
        name: [None if point is None else [point.mean, point.least, point.most] for point in found]
        for name, found in past.points.items()
    }
    return {
        "version": 1, "node": node, "at": now, "step": past.step, "starts": list(past.starts), "points": points,
        "tier": past.tier,
    }  # fmt: skip


def graph(
    view: View, node: str, names: list[str], *, seconds: float, step: float, timeout: float
) -> dict[str, Any]:
    """Answer what `View.graph` promises."""
    step = max(step, seconds / (MOST_POINTS - 1))
    try:
        told = view.recent(node, names, seconds=min(seconds, HOUR), step=step, timeout=timeout)
    except (ClusterError, MonitorError) as error:
        # That the cluster has never heard of it says nothing of former times.
        if not view.has_history or (isinstance(error, UnknownNode) and node not in view.past_store.nodes()):
            raise
        told = None
    if told is not None and (seconds <= HOUR or not view.has_history):
        return told
    now = view.now()
    kept = view.history(node, names, since=now - seconds, until=now, step=step)
    return kept if told is None else _put_together(kept, told)


def _put_together(kept: dict[str, Any], told: dict[str, Any]) -> dict[str, Any]:
    """Fill the holes of what was kept with what the node has just told."""
    places = {round(start / kept["step"]): place for place, start in enumerate(told["starts"])}
    at = [places.get(round(start / kept["step"])) for start in kept["starts"]]
    for name, column in told["points"].items():
        before = kept["points"].get(name, [None] * len(at))
        kept["points"][name] = [
            point if point is not None or place is None else column[place]
            for point, place in zip(before, at, strict=True)
        ]
    return kept
