"""What was not written as it passed, but is still known: every node remembers its own last hour.

A gap is what lies between the last sample of a node that is kept and the first that came again: the observer was
not there, the connection was broken, or the database was gone for longer than samples can wait. Its last five
minutes are fetched second by second, whatever lies before that by the minute: mean, least, greatest. No hour of
a thousand nodes would be cheap, second by second.

Pure: `pieces` says what to ask, `rows` and `fillings` make of the answer what is written.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from eye.history.points import Point, rounded, rounded_mean
from eye.history.retention import MINUTE
from eye.history.store import Filling, Row

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

REMEMBERED = 3600.0
"""Seconds that a node remembers."""

_EXACT = 300.0  # seconds that are fetched one by one
_SECOND = 1.0


class Gap(NamedTuple):
    """What is missing of a node: after `since`, before `until`, UTC seconds as they are written."""

    node: str
    since: float
    until: float


class Piece(NamedTuple):
    """What is asked of the node about a gap at once."""

    gap: Gap
    since: float
    until: float
    step: float

    def seconds(self, now: float) -> float:
        """Say for how many seconds back from now the node is asked."""
        return max(now - self.since, 0.0) + self.step


def find(node: str, last: float | None, first: float, interval: float, before: float = 0.0) -> Gap | None:
    """Find the gap before a sample; None where there is none to speak of.

    Args:
        last: the moment of the last sample that is kept, None if none is.
        interval: seconds from one sample to the next, as we would have them.
        before: seconds that were between the last two. A node that measures seldom, or is asked less and less
            often because there is too much to do, has no gap for that.
    """
    since = max(first - REMEMBERED, last if last is not None else -math.inf)
    return Gap(node, since, first) if first - since > max(5 * interval, 5.0, 3 * before) else None


def pieces(gap: Gap) -> list[Piece]:
    """Say what to ask about a gap. Whole minutes are asked for as such, unless it is short."""
    if gap.until - gap.since <= _EXACT:
        return [Piece(gap, gap.since, gap.until, _SECOND)]
    border = math.floor((gap.until - _EXACT) / MINUTE) * MINUTE
    begin = math.ceil(gap.since / MINUTE) * MINUTE
    exact = Piece(gap, border, gap.until, _SECOND)
    return [Piece(gap, begin, border, MINUTE), exact] if begin < border else [exact]


_Three = tuple[float, float, float]  # mean, least, greatest


class Told(msgspec.Struct):
    """What a node answered about its last hour, as `eye.metrics.recent.Series` says it."""

    starts: list[float]
    step: float
    points: dict[str, list[_Three | None]]


def understood(answer: Any, names: Collection[str]) -> Told | None:
    """Understand an answer; None if it is none. It comes from another program, which may be of any version.

    Args:
        names: the metrics that were asked for. What else it tells is left out: every name would be kept for years.
    """
    try:
        told = msgspec.convert(answer, Told)
    except msgspec.ValidationError:
        return None
    if any(len(column) != len(told.starts) for column in told.points.values()):
        return None
    return Told(told.starts, told.step, {name: told.points[name] for name in names if name in told.points})


def rows(piece: Piece, told: Told, moved: float) -> list[Row]:
    """Make rows of what a node answered to a piece in seconds."""
    found = []
    for start, points in _buckets(piece, told, moved):
        named = {name: rounded(name, point[0]) for name, point in points.items()}
        found.append(Row(piece.gap.node, start, named))
    return found


def fillings(piece: Piece, told: Told, moved: float, interval: float) -> list[Filling]:
    """Make fillings of what a node answered to a piece in minutes.

    It does not say of how many figures a minute's mean is: of as many as its interval makes a minute.
    """
    number = max(MINUTE / interval, 1.0)
    found = []
    for start, points in _buckets(piece, told, moved):
        named = {
            name: Point(number, rounded_mean(name, mean), rounded(name, least), rounded(name, most))
            for name, (mean, least, most) in points.items()
        }
        found.append(Filling(piece.gap.node, math.floor(start / MINUTE) * MINUTE, named))
    return found


def _buckets(
    piece: Piece, told: Told, moved: float
) -> Iterator[tuple[float, dict[str, tuple[float, float, float]]]]:
    for place, start in enumerate(told.starts):
        at = start + moved
        if piece.since <= at and piece.gap.since < at and at + told.step <= piece.until:
            there = {name: column[place] for name, column in told.points.items()}
            points = {name: one for name, one in there.items() if one is not None and all(map(math.isfinite, one))}
            if points:
                yield at, points
