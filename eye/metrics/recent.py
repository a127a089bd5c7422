"""The last hour of one node, kept by the node itself, so that no graph begins empty.

One column of numbers a metric, each as long as the ring, and one of the moments at which they were measured. An
hour at one sample a second is 3,600 rows: 8 bytes a number, some 400 kB in all, and never more. The ring
outlives the sampler that fills it; it does not outlive the node.

Whoever asks gets buckets, not rows: a graph is some hundred points wide, whatever it reaches back over. A
bucket has the mean of its samples, and the least and the greatest of them, so that no peak is lost.
"""

from __future__ import annotations

import math
import threading
from array import array
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

from eye.metrics.catalogue import CATALOGUE, Scope
from eye.metrics.custom import PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterable

    from eye.metrics.catalogue import Metric
    from eye.metrics.sample import Sample

ROWS = 3600  # kept
MOST_POINTS = 1000  # in one answer
_NOTHING = math.nan

Point = tuple[float, float, float] | None
"""Mean, least, greatest; None where nothing was measured."""


class Series(NamedTuple):
    """What a node measured, oldest first.

    `starts` are the moments at which the buckets begin, UTC seconds by the node's clock, each `step` seconds
    after the one before; `points` has, for each metric that was asked for, one point a bucket.
    """

    step: float
    starts: tuple[float, ...]
    points: dict[str, tuple[Point, ...]]


def key(metric: Metric) -> str:
    """Name a metric's column: `host.cpu`, `node.restarts`, `custom.orders`."""
    return metric.key


def figures(sample: Sample) -> dict[str, float | int | None]:
    """Name all that a sample holds: what the last hour and the history keep of it."""
    measured = dict(zip(_OF_HOST, _READ_HOST(sample.host), strict=True))
    measured.update(zip(_OF_NODE, _READ_NODE(sample.process), strict=True))
    for name, value in sample.custom.items():
        measured[PREFIX + name] = value
    return measured


# For every sample of every node that somebody keeps: each figure by itself would take seven times as long.
_HOST = [metric for metric in CATALOGUE if metric.scope is Scope.HOST]
_NODE = [metric for metric in CATALOGUE if metric.scope is Scope.NODE]
_OF_HOST, _READ_HOST = [metric.key for metric in _HOST], attrgetter(*(metric.field for metric in _HOST))
_OF_NODE, _READ_NODE = [metric.key for metric in _NODE], attrgetter(*(metric.field for metric in _NODE))


class Recent:
    """A ring of samples. One writer, any number of readers; nobody waits long."""

    def __init__(self, rows: int = ROWS) -> None:
        self._rows = rows
        self._lock = threading.Lock()
        self._moments = array("d")
        self._columns: dict[str, array[float]] = {}
        self._next = 0  # where the next row goes, once the ring is full

    def __len__(self) -> int:
        return len(self._moments)

    def put(self, sample: Sample) -> None:
        """Keep a sample, in place of the oldest when the ring is full."""
        self.put_figures(sample.at, figures(sample))

    def put_figures(self, at: float, figures: dict[str, float | int | None]) -> None:
        """Keep the figures of one moment, by the names of their columns."""
        with self._lock:
            for name in figures:
                if name not in self._columns:  # it was not measured until now
                    self._columns[name] = array("d", [_NOTHING]) * len(self._moments)
            self._write(self._moments, at)
            for name, column in self._columns.items():
                figure = figures.get(name)
                self._write(column, _NOTHING if figure is None else float(figure))
            self._next = (self._next + 1) % self._rows

    def _write(self, column: array[float], figure: float) -> None:
        if len(column) < self._rows:
            column.append(figure)
        else:
            column[self._next] = figure

    def at(self, moment: float, within: float) -> tuple[float, dict[str, float | None]] | None:
        """Answer the last row that is not after `moment`, and when it was measured.

        None where that was more than `within` seconds before, or where nothing is.
        """
        with self._lock:
            places = [place for place, at in enumerate(self._moments) if moment - within <= at <= moment]
            if not places:
                return None
            last = max(places, key=self._moments.__getitem__)
            row = {name: column[last] for name, column in self._columns.items()}
            return self._moments[last], {name: None if value != value else value for name, value in row.items()}

    def read(self, names: Iterable[str], *, since: float, until: float, step: float) -> Series:
        """Read what was measured from `since` to `until` (UTC seconds), in buckets of `step` seconds.

        The step is made longer where there would be more than `MOST_POINTS` buckets. Buckets begin at whole
        multiples of the step, so that a graph does not tremble when it is read again a moment later. A name
        that is not measured has no points.
        """
        step = max(step, (until - since) / (MOST_POINTS - 1), 0.001)
        first, last = math.floor(since / step), math.floor(until / step)
        count = last - first + 1
        with self._lock:
            full = len(self._moments) == self._rows
            cut = self._next if full else 0
            moments = self._moments[cut:] + self._moments[:cut]
            columns = {
                name: self._columns[name][cut:] + self._columns[name][:cut]
                for name in names
                if name in self._columns
            }
        places = [math.floor(at / step) - first for at in moments]
        return Series(
            step,
            tuple((first + number) * step for number in range(count)),
            {name: _in_buckets(places, column, count) for name, column in columns.items()},
        )


def _in_buckets(places: list[int], column: array[float], count: int) -> tuple[Point, ...]:
    sums, counts = [0.0] * count, [0] * count
    least, most = [math.inf] * count, [-math.inf] * count
    for place, figure in zip(places, column, strict=True):
        if 0 <= place < count and figure == figure:  # NaN is not itself
            sums[place] += figure
            counts[place] += 1
            least[place] = min(least[place], figure)
            most[place] = max(most[place], figure)
    return tuple((sums[at] / counts[at], least[at], most[at]) if counts[at] else None for at in range(count))
