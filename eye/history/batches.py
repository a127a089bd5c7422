"""The two forms of packed figures: a batch of a few nodes side by side, and a stretch of one node.

    batch        node  at  cpu  memory  …        one line for each node and moment, as they came
    samples            at  cpu  memory  …        the same of one node, five minutes of it
    points       at  cpu: count mean least most  …   a line for each minute or hour

Between the forms, pure: batches become samples of each node, samples become points of minutes, points of minutes
become one of the hour.
"""

from __future__ import annotations

from itertools import pairwise
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from eye.errors import DecodeRefused
from eye.history.packing import AT, COUNT, LEAST, MEAN, MOST, VALUE, finite, pack, unpack
from eye.history.points import Point, drawn_together, rounded_mean
from eye.history.retention import HOUR, MINUTE, WINDOW, window_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from eye.history.packing import Column, Key

NODE = 65535
"""The number of the «metric» that says of which node a line of a batch is. Real ones from there on are
left out."""


class Line(NamedTuple):
    """What one node said at one moment, all in numbers."""

    node: int
    at: int  # milliseconds
    metrics: tuple[int, ...]
    figures: tuple[float | None, ...]


class Stretch(NamedTuple):
    """Packed figures of one node, with their first and last moment in milliseconds."""

    since: int
    until: int
    content: bytes


# ----------------------------------------------------------------------------- batches


def pack_batch(lines: Sequence[Line]) -> Stretch:
    """Pack lines as they came. What is no finite number is no figure."""
    moments = [line.at for line in lines]
    columns: dict[Key, Sequence[float | None]] = {}
    metrics = lines[0].metrics
    if all(line.metrics == metrics for line in lines):  # as a rule
        for metric, column in zip(metrics, zip(*(line.figures for line in lines), strict=True), strict=True):
            columns[metric, VALUE] = finite(column)
    else:
        named = [dict(zip(line.metrics, line.figures, strict=True)) for line in lines]
        for metric in dict.fromkeys(metric for figures in named for metric in figures):
            columns[metric, VALUE] = finite([figures.get(metric) for figures in named])
    columns[NODE, VALUE], columns[AT, VALUE] = [line.node for line in lines], moments
    return Stretch(min(moments), max(moments), pack(columns, quickly=True))


def figures_of(content: bytes, node: int, metrics: Collection[int]) -> list[tuple[int, dict[int, float]]]:
    """Find what one node said in a batch: moments, and the figures of those metrics."""
    columns = unpack(content, {NODE, AT, *metrics})
    moments = columns[AT, VALUE]
    found = []
    for place, which in enumerate(columns[NODE, VALUE]):
        if which == node:
            said = {metric: columns[metric, VALUE][place] for metric in metrics if (metric, VALUE) in columns}
            found.append((int(moments[place] or 0), {key: one for key, one in said.items() if one is not None}))
    return found


def last_of(content: bytes) -> dict[int, int]:
    """Answer which nodes a batch is of, and the last moment of each."""
    columns = unpack(content, {NODE, AT})
    found: dict[int, int] = {}
    for node, at in zip(columns[NODE, VALUE], columns[AT, VALUE], strict=True):
        found[int(node or 0)] = max(int(at or 0), found.get(int(node or 0), 0))
    return found


class Samples:
    """What one node said, in order: its moments, and of each metric the figure of each moment."""

    def __init__(self, moments: list[int], columns: dict[int, Column]) -> None:
        self._moments, self._columns = moments, columns

    def stretches(self) -> list[Stretch]:
        """Pack them, each five minutes by themselves."""
        found = []
        for begin, end in self._by_time(WINDOW):
            moments = self._moments[begin:end]
            columns: dict[Key, Sequence[float | None]] = {(AT, VALUE): moments}
            for metric, column in self._columns.items():
                columns[metric, VALUE] = column[begin:end]
            found.append(Stretch(moments[0], moments[-1], pack(columns)))
        return found

    def minutes(self, name: Callable[[int], str]) -> list[tuple[int, dict[int, Point]]]:
        """Draw a point of each minute and metric."""
        named = {metric: name(metric) for metric in self._columns}
        found = []
        for begin, end in self._by_time(MINUTE):
            points = {}
            for metric, column in self._columns.items():
                some = column[begin:end]
                said: Sequence[Any] = [one for one in some if one is not None] if None in some else some
                if said:
                    mean = rounded_mean(named[metric], sum(said) / len(said))
                    points[metric] = Point(len(said), mean, min(said), max(said))
            found.append((_begin(self._moments[begin], MINUTE), points))
        return found

    def _by_time(self, length: float) -> list[tuple[int, int]]:
        """Say from where to where the moments of each window are."""
        windows = [_begin(moment, length) for moment in self._moments]
        borders = [place for place, window in enumerate(windows) if place == 0 or window != windows[place - 1]]
        return list(pairwise([*borders, len(windows)]))


def samples_of(batches: Iterable[bytes], broken: Callable[[], None]) -> dict[int, Samples]:
    """Sort what batches hold by nodes, and by time; said twice is said once.

    `broken` is called for a batch that cannot be read.
    """
    columns: dict[int, Column] = {NODE: [], AT: []}
    for content in batches:
        try:
            unpacked = unpack(content)
        except DecodeRefused:
            broken()
            continue
        before = len(columns[AT])
        for (metric, _), column in unpacked.items():
            columns.setdefault(metric, [None] * before).extend(column)
        for column in columns.values():
            column.extend([None] * (len(columns[AT]) - len(column)))
    moments = [int(at or 0) for at in columns.pop(AT)]
    places: dict[int, dict[int, int]] = {}  # of each node: by moments, where they are
    for place, node in enumerate(columns.pop(NODE)):
        places.setdefault(int(node or 0), {})[moments[place]] = place
    found = {}
    for node, of_node in places.items():
        order = [of_node[moment] for moment in sorted(of_node)]
        pick = itemgetter(*order, order[0])  # one more, for of a single place it would answer no tuple
        sorted_ = {metric: list(pick(column)[:-1]) for metric, column in columns.items()}
        said = {metric: column for metric, column in sorted_.items() if column.count(None) < len(column)}
        found[node] = Samples([moments[place] for place in order], said)
    return found


def _begin(moment: int, length: float) -> int:
    return round(window_of(moment / 1000, length) * 1000)


# ----------------------------------------------------------------------------- points


def pack_points(points: Sequence[tuple[int, Mapping[int, Point]]]) -> Stretch:
    """Pack points of one node, in the order of their moments."""
    moments = [moment for moment, _ in points]
    columns: dict[Key, Sequence[float | None]] = {(AT, VALUE): moments}
    for metric in sorted({metric for _, of_metric in points for metric in of_metric}):
        of_metric = [there.get(metric) for _, there in points]
        for which, place in ((COUNT, 0), (MEAN, 1), (LEAST, 2), (MOST, 3)):
            columns[metric, which] = [None if point is None else point[place] for point in of_metric]
    return Stretch(moments[0], moments[-1], pack(columns))


def unpack_points(content: bytes, metrics: Collection[int] | None = None) -> list[tuple[int, dict[int, Point]]]:
    """Unpack what `pack_points` packed: all, or some metrics."""
    moments, columns = point_columns(content, metrics)
    found: list[tuple[int, dict[int, Point]]] = [(moment, {}) for moment in moments]
    for metric, four in columns.items():
        for (_, points), count, mean, least, most in zip(found, *four, strict=True):
            if count is not None and mean is not None and least is not None and most is not None:
                points[metric] = Point(count, mean, least, most)
    return found


def point_columns(
    content: bytes, metrics: Collection[int] | None = None
) -> tuple[list[int], dict[int, list[Column]]]:
    """Unpack what `pack_points` packed: the moments, and of each metric the four columns of a `Point`."""
    columns = unpack(content, None if metrics is None else {AT, *metrics})
    moments = [int(at or 0) for at in columns[AT, VALUE]]
    known = [metric for metric, which in columns if which == COUNT]
    return moments, {metric: [columns[metric, one] for one in (COUNT, MEAN, LEAST, MOST)] for metric in known}


def unpack_figures(content: bytes, metrics: Collection[int]) -> tuple[list[int], dict[int, Column]]:
    """Unpack a stretch of samples: the moments, and the figures of those metrics."""
    columns = unpack(content, {AT, *metrics})
    moments = [int(at or 0) for at in columns[AT, VALUE]]
    return moments, {metric: columns[metric, VALUE] for metric in metrics if (metric, VALUE) in columns}


def hours(
    points: Iterable[tuple[int, Mapping[int, Point]]], name: Callable[[int], str]
) -> list[tuple[int, dict[int, Point]]]:
    """Draw points of minutes together, by the hour."""
    of_hours: dict[int, dict[int, list[Point]]] = {}
    for moment, of_metric in points:
        hour = of_hours.setdefault(_begin(moment, HOUR), {})
        for metric, point in of_metric.items():
            hour.setdefault(metric, []).append(point)
    found = []
    for begin in sorted(of_hours):
        drawn = {metric: drawn_together(them) for metric, them in of_hours[begin].items()}
        rounded = {
            metric: point._replace(mean=rounded_mean(name(metric), point.mean))
            for metric, point in drawn.items()
            if point is not None
        }
        found.append((begin, rounded))
    return found
