"""Reading a history from the database: the stretches that a question touches, and what is still in the journal.

A graph of a day is 24 stretches of an hour, some of five minutes, and the last minutes of the journal. What was
never kept as finely as it is asked for, or no longer is, is filled from the next coarser tier.
"""

from __future__ import annotations

import logging
from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from eye.errors import DecodeRefused
from eye.history.batches import figures_of, last_of, point_columns, unpack_figures
from eye.history.points import Buckets
from eye.history.retention import KINDS, LONGEST, Kind, Tier, tiers_for
from eye.history.schema import SQUAD, journal, metrics, nodes, stretches
from eye.history.store import MOST_POINTS, Past

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from sqlalchemy import Connection, Select

logger = logging.getLogger("eye.history")


class Reading:
    """One transaction in which something is read."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def nodes(self) -> tuple[str, ...]:
        """Name those of which anything is kept."""
        known = _pairs(self._connection, select(nodes.c.id, nodes.c.name))
        kept = set(self._connection.execute(select(stretches.c.node).distinct()).scalars())
        for squad in {id_ // SQUAD for id_ in known.keys() - kept}:  # new, or only claimed by now
            for content in self._journal(squad, 0, None):
                kept |= last_of(content).keys()
        return tuple(sorted(name for id_, name in known.items() if id_ in kept))

    def last(self, names: Collection[str], since: float) -> dict[str, float]:
        """Say of which moment the last sample, or filling, of each node is."""
        begin = round(since * 1000)
        known = {
            id_: name for id_, name in self._connection.execute(select(nodes.c.id, nodes.c.name)) if name in names
        }
        newest: dict[str, float] = {}
        kinds = (Kind.SAMPLES, Kind.YOUNG_MINUTES)
        for kind in kinds:
            reach = 60.0 if kind is Kind.YOUNG_MINUTES else 0.0  # a minute's point is about what comes after it
            latest = func.max(stretches.c.until)
            found = select(stretches.c.node, latest).where(
                stretches.c.kind == kind.value,
                stretches.c.node.in_(known),
                stretches.c.since >= begin - round(LONGEST[kind] * 1000),
            )
            for node, until in self._connection.execute(found.group_by(stretches.c.node)):
                _raise(newest, known[node], until / 1000 + reach)
        for squad in {node // SQUAD for node in known}:
            for content in self._journal(squad, begin, None):
                for node, moment in last_of(content).items():
                    if node in known:
                        _raise(newest, known[node], moment / 1000)
        return {node: at for node, at in newest.items() if at >= since}

    def read(self, node: str, names: Sequence[str], *, since: float, until: float, step: float) -> Past:
        """Read some metrics of a node; see `Store.read`."""
        step = max(step, (until - since) / (MOST_POINTS - 1), 0.001)
        id_ = self._connection.execute(select(nodes.c.id).where(nodes.c.name == node)).scalar_one_or_none()
        found = select(metrics.c.id, metrics.c.name).where(metrics.c.name.in_(list(names)))
        known = _pairs(self._connection, found)
        buckets = {number: Buckets(since, until, step) for number in known}
        tier = Tier.HOURS
        if id_ is not None and known:
            newest = self._newest(id_, known, since, until)
            for one in tiers_for(step):
                there = (
                    buckets if one is tiers_for(step)[0] else {key: Buckets(since, until, step) for key in known}
                )
                if self._fill(there, id_, one, since, until, newest):
                    tier = min(tier, one, key=list(Tier).index)
                if there is not buckets:
                    for number, more in there.items():
                        buckets[number].fill_holes(more, one.step)
                if not any(one.has_holes for one in buckets.values()):
                    break
        starts = Buckets(since, until, step).starts
        points = {known[number]: filled.points() for number, filled in buckets.items()}
        return Past(step, starts, {name: points[name] for name in names if name in points}, tier.value)

    def _fill(
        self,
        buckets: dict[int, Buckets],
        node: int,
        tier: Tier,
        since: float,
        until: float,
        newest: Sequence[tuple[float, dict[int, float]]],
    ) -> bool:
        """Put in what a tier has, and the newest, which is in no tier yet; answer whether there was any."""
        begin, end = round(since * 1000), round(until * 1000)
        has_any = bool(newest)
        for kind in KINDS[tier]:
            for content in self._stretches(node, kind, begin, end):
                has_any = True
                try:
                    _put(buckets, content, kind, begin, end)
                except DecodeRefused as error:
                    logger.warning("%s of node number %d: it is left out", error, node)
        for at, figures in newest:
            for metric, figure in figures.items():
                buckets[metric].put(at, figure)
        return has_any

    def _newest(
        self, node: int, known: Collection[int], since: float, until: float
    ) -> list[tuple[float, dict[int, float]]]:
        """Find what is still in the journal: moments, and figures of those metrics."""
        begin, end = round(since * 1000), round(until * 1000)
        return [
            (moment / 1000, figures)
            for content in self._journal(node // SQUAD, begin, end)
            for moment, figures in figures_of(content, node, known)
            if begin <= moment <= end
        ]

    def _stretches(self, node: int, kind: Kind, begin: int, end: int) -> Iterator[bytes]:
        found = select(stretches.c.content).where(
            stretches.c.kind == kind.value,
            stretches.c.node == node,
            stretches.c.since <= end,
            stretches.c.since >= begin - round(LONGEST[kind] * 1000),
            stretches.c.until >= begin - (0 if kind is Kind.SAMPLES else round(LONGEST[kind] * 1000)),
        )
        return iter(self._connection.execute(found).scalars())

    def _journal(self, squad: int, begin: int, end: int | None) -> list[bytes]:
        found = select(journal.c.content).where(journal.c.squad == squad, journal.c.until >= begin)
        if end is not None:
            found = found.where(journal.c.since <= end)
        return list(self._connection.execute(found).scalars())


def _pairs(connection: Connection, statement: Select[Any]) -> dict[int, str]:
    return {number: name for number, name in connection.execute(statement)}  # noqa: C416 - typed so


def _raise(newest: dict[str, float], node: str, at: float) -> None:
    newest[node] = max(at, newest.get(node, at))


def _put(buckets: dict[int, Buckets], content: bytes, kind: Kind, begin: int, end: int) -> None:
    if kind is Kind.SAMPLES:
        moments, columns = unpack_figures(content, buckets.keys())
        first, last = bisect_left(moments, begin), bisect_right(moments, end)
        seconds = [moment / 1000 for moment in moments[first:last]]
        for metric, column in columns.items():
            buckets[metric].put_column(seconds, column[first:last])
        return
    # A bucket begins at a multiple of the step, so `since` may lie within the first; its points count.
    moments, points = point_columns(content, buckets.keys())
    seconds = [moment / 1000 for moment in moments]
    for metric, four in points.items():
        buckets[metric].put_points(seconds, *four)
