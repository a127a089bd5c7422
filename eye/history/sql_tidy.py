"""Packing and drawing points in the database, and thinning (`sql_thinning`), one small step at a time.

A step reads and reckons first, and only then takes the lock to write, for some milliseconds. What it read it
deletes by number, and takes everything back if some of it was gone: then another program has taken the same step.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from sqlalchemy import exists, func, select

from eye.errors import DecodeRefused
from eye.history.batches import Stretch, hours, pack_points, samples_of, unpack_points
from eye.history.retention import DAY, HOUR, WINDOW, Kind, cutoffs, window_of
from eye.history.schema import journal, metrics, nodes, stretches
from eye.history.sql_thinning import Thinner

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    from sqlalchemy import Connection, Table

    from eye.history.retention import Keep

    Connect = Callable[..., AbstractContextManager[Connection]]

logger = logging.getLogger("eye.history")


class _Overtaken(Exception):
    """Another program has done it."""


class Tidier:
    """Finds the next step, and takes it."""

    def __init__(self, keep: Keep, nodes_gone: Callable[[], None]) -> None:
        """`nodes_gone` is told when numbers of nodes are free again."""
        self._keep = keep
        self._thinner = Thinner(nodes_gone)

    def step(self, connect: Connect, now: float, passed: float) -> bool:
        """Take one step; answer whether there was one to take."""
        thinner = self._thinner
        due = cutoffs(now, self._keep, thinner.reckon(connect, now, passed))
        try:
            return (
                self._pack_journal(connect, due.pack_journal)
                or self._pack_points(connect, Kind.YOUNG_MINUTES, HOUR, due.draw_hours)
                or self._pack_points(connect, Kind.YOUNG_HOURS, DAY, due.pack_hours)
                or any(thinner.forget(connect, kind, before) for kind, before in due.forget.items())
                or thinner.forget_nodes(connect, now)
                or thinner.give_back(connect)
            )
        except _Overtaken:
            return False

    # ------------------------------------------------------------------------------- steps

    def _pack_journal(self, connect: Connect, before: float) -> bool:
        """Pack five minutes of the samples of some nodes, each for itself; draw their minutes."""
        with connect() as connection:
            oldest = func.min(journal.c.since)
            squads = select(journal.c.squad, oldest).group_by(journal.c.squad).having(oldest < before * 1000)
            found = connection.execute(squads.limit(1)).first()
            if found is None:
                return False
            squad, since = found
            until = round((window_of(since / 1000, WINDOW) + WINDOW) * 1000)
            written = select(journal.c.id, journal.c.content).where(
                journal.c.squad == squad, journal.c.since >= since, journal.c.since < until
            )
            rows = connection.execute(written).all()
            names = _names(connection)
        made = []
        for node, samples in samples_of((content for _, content in rows), _tell_broken).items():
            made += [_row(Kind.SAMPLES, node, one) for one in samples.stretches()]
            by_window: dict[float, list[Any]] = {}
            for begin, points in samples.minutes(names):
                by_window.setdefault(window_of(begin / 1000, WINDOW), []).append((begin, points))
            made += [_row(Kind.YOUNG_MINUTES, node, pack_points(points)) for points in by_window.values()]
        _replace(connect, journal, [number for number, _ in rows], made)
        return True

    def _pack_points(self, connect: Connect, kind: Kind, span: float, before: float) -> bool:
        """Pack the points of one node that lie in one hour, or day; of an hour, draw its point."""
        with connect() as connection:
            is_ripe = exists().where(
                stretches.c.kind == kind.value, stretches.c.node == nodes.c.id, stretches.c.since < before * 1000
            )
            node = connection.execute(select(nodes.c.id).where(is_ripe).limit(1)).scalar_one_or_none()
            if node is None:
                return False
            of_node = (stretches.c.kind == kind.value, stretches.c.node == node)
            since = connection.execute(select(func.min(stretches.c.since)).where(*of_node)).scalar_one()
            until = round((window_of(since / 1000, span) + span) * 1000)
            found = select(stretches.c.id, stretches.c.content).where(*of_node, stretches.c.since < until)
            rows = connection.execute(found).all()
            names = _names(connection)
        points: list[Any] = []
        for _, content in rows:
            try:
                points += unpack_points(content)
            except DecodeRefused:
                _tell_broken()
        points.sort(key=lambda one: one[0])
        made = []
        if points and kind is Kind.YOUNG_MINUTES:
            made = [_row(Kind.MINUTES, node, pack_points(points))]
            made += [_row(Kind.YOUNG_HOURS, node, pack_points([hour])) for hour in hours(points, names)]
        elif points:
            made = [_row(Kind.HOURS, node, pack_points(points))]
        _replace(connect, stretches, [number for number, _ in rows], made)
        return True


def _replace(connect: Connect, table: Table, numbers: Sequence[int], made: Sequence[dict[str, Any]]) -> None:
    with connect(writes=True) as connection:
        gone = connection.execute(table.delete().where(table.c.id.in_(numbers))).rowcount
        if gone != len(numbers):
            raise _Overtaken
        if made:
            connection.execute(stretches.insert(), made)


def _row(kind: Kind, node: int, stretch: Stretch) -> dict[str, Any]:
    return {"kind": kind.value, "node": node, **stretch._asdict()}


def _names(connection: Connection) -> Callable[[int], str]:
    found = {number: name for number, name in connection.execute(select(metrics.c.id, metrics.c.name))}  # noqa: C416
    return lambda number: found.get(number, "")


def _tell_broken() -> None:
    logger.warning("a piece of the history could not be read, and was left out")
