"""Many figures drawn together into points: how many there were, their mean, the least and the greatest.

A point of points is the point of all their figures, so an hour may be drawn from minutes, and a graph from
whatever there is, with no peak lost. Also here: with how many digits a figure is worth keeping.
"""

from __future__ import annotations

import math
from itertools import repeat
from typing import TYPE_CHECKING, NamedTuple

from eye.metrics.catalogue import CATALOGUE, Unit
from eye.metrics.recent import key

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


class Point(NamedTuple):
    """What some figures come to."""

    number: float
    mean: float
    least: float
    most: float


class Buckets:
    """A row of buckets of one length, filled in any order with figures and with points."""

    def __init__(self, since: float, until: float, step: float) -> None:
        """Begin at a whole multiple of the step, so that the same time falls into the same bucket each time."""
        self.step = step
        self._first = math.floor(since / step)
        self.count = math.floor(until / step) - self._first + 1
        self._since, self._until = since, until
        self._counts = [0.0] * self.count
        self._sums = [0.0] * self.count
        self._least = [math.inf] * self.count
        self._most = [-math.inf] * self.count

    @property
    def starts(self) -> tuple[float, ...]:
        return tuple((self._first + number) * self.step for number in range(self.count))

    @property
    def has_holes(self) -> bool:
        """Whether there is a bucket with nothing in it."""
        return not all(self._counts)

    def put(self, at: float, figure: float) -> None:
        """Count a figure in; one from before or after the buckets is none of ours."""
        self.put_column((at,), (figure,))

    def put_column(self, moments: Iterable[float], figures: Sequence[float | None]) -> None:
        """Count in a figure of each moment, or None."""
        self.put_points(moments, repeat(1), figures, figures, figures)

    def put_point(self, at: float, point: Point) -> None:
        """Count in what many figures came to, at the moment with which their time begins."""
        self.put_points((at,), *((one,) for one in point))

    def put_points(
        self,
        moments: Iterable[float],
        numbers: Iterable[float | None],
        means: Iterable[float | None],
        least: Iterable[float | None],
        most: Iterable[float | None],
    ) -> None:
        """Count in many points, column by column. A graph of a day is thousands: no call for each of them."""
        step, first, count = self.step, self._first, self.count
        counts, sums, lows, highs = self._counts, self._sums, self._least, self._most
        floor = math.floor
        for at, number, mean, low, high in zip(moments, numbers, means, least, most, strict=False):
            if number is None or mean is None or low is None or high is None:
                continue
            place = floor(at / step) - first
            if 0 <= place < count:
                counts[place] += number
                sums[place] += number * mean
                if low < lows[place]:
                    lows[place] = low
                if high > highs[place]:
                    highs[place] = high

    def fill_holes(self, coarser: Buckets, span: float) -> None:
        """Take from other buckets of the same kind what is missing here.

        Their points are about `span` seconds each, and lie where those begin. One is only taken where nothing of
        all its time is here: otherwise it would be shown earlier than what it is about.
        """
        here = [bool(count) for count in self._counts]
        width = max(math.ceil(span / self.step), 1)
        for place, count in enumerate(coarser._counts):
            if count and not any(here[place : place + width]):
                self._counts[place], self._sums[place] = count, coarser._sums[place]
                self._least[place], self._most[place] = coarser._least[place], coarser._most[place]

    def points(self) -> tuple[Point | None, ...]:
        """Answer a point for each bucket; None where nothing was put."""
        return tuple(
            Point(count, total / count, least, most) if count else None
            for count, total, least, most in zip(self._counts, self._sums, self._least, self._most, strict=True)
        )


def drawn_together(points: Iterable[Point]) -> Point | None:
    """Answer the point of all the figures behind some points; None of none."""
    found = list(points)
    count = sum(one.number for one in found)
    if not count:
        return None
    mean = sum(one.number * one.mean for one in found) / count
    return Point(count, mean, min(one.least for one in found), max(one.most for one in found))


# ----------------------------------------------------------------------------- digits

_DECIMALS = {Unit.BYTES: 0, Unit.SPEED: 0, Unit.COUNT: 0, Unit.SHARE: 4, Unit.SECONDS: 2, Unit.NUMBER: 2}
_OF = {key(metric): _DECIMALS.get(metric.unit) for metric in CATALOGUE}
_KNOWN = {name: decimals for name, decimals in _OF.items() if decimals is not None}
_DIGITS = 6


def rounded(name: str, figure: float) -> float:
    """Leave out the digits of a figure that say nothing: a hundredth of a percent of a core, of a second.

    What is in the catalogue is rounded by its unit, everything else to six digits, and to hundredths at most.
    """
    if figure.__class__ is int:
        return figure
    decimals = _OF.get(name)
    return _to_digits(figure) if decimals is None else round(figure, decimals)


def all_rounded(figures: Mapping[str, float | None]) -> dict[str, float | None]:
    """Round many at once: this is done with each sample."""
    return {
        name: one
        if one is None or one.__class__ is int
        else round(one, _KNOWN[name])
        if name in _KNOWN
        else _to_digits(one)
        for name, one in figures.items()
    }


def rounded_mean(name: str, mean: float) -> float:
    """The same for a mean: of whole numbers it has hundredths; of bytes it has none."""
    decimals = _OF.get(name)
    if decimals is None:
        return _to_digits(mean)
    return round(mean, 2) if decimals == 0 and abs(mean) < 1e6 else round(mean, decimals)


def _to_digits(figure: float) -> float:
    if not math.isfinite(figure) or figure == int(figure):
        return figure
    return round(figure, max(_DIGITS - 1 - math.floor(math.log10(abs(figure))), 2))
