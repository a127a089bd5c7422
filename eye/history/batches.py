"""The two forms of packed figures: a batch of a few nodes side by side, and a stretch of one node.

    batch        node  at  cpu  memory  …        one line for each node and moment, as they came
    samples            at  cpu  memory  …        the same of one node, five minutes of it
    points       at  cpu: count mean least most  …   a line for each minute or hour

Between the forms, pure: batches become samples of each node, samples become points of minutes, points of minutes
become one of the hour.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from eye.errors import DecodeRefused
from eye.history.packing import AT, COUNT, LEAST, MEAN, MOST, VALUE, is_figure, pack, unpack
from eye.history.points import Point, drawn_together, rounded_mean
from eye.history.retention import HOUR, MINUTE, WINDOW, window_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from eye.history.packing import Column, Key

NODE = 65535
"""The number of the «metric» that says of which node a line of a batch is; those of real ones are smaller."""

_QUICK = 1  # zlib's level for what is packed again in a few minutes


class Line(NamedTuple):
    """What one node said at one moment, all in numbers."""

    node: int
    at: int  # milliseconds
    figures: Mapping[int, float | None]


class Stretch(NamedTuple):
    """Packed figures of one node, with their first and last moment in milliseconds."""

    since: int
    until: int
    content: bytes


# ----------------------------------------------------------------------------- batches


def pack_batch(lines: Sequence[Line]) -> Stretch:
    """Pack lines as they came. What is no finite number is no figure."""
    moments = [line.at for line in lines]
    columns: dict[Key, Sequence[float | None]] = {
        (NODE, VALUE): [line.node for line in lines],
        (AT, VALUE): moments,
    }
    for metric in dict.fromkeys(metric for line in lines for metric in line.figures):
        figures = [line.figures.get(metric) for line in lines]
        columns[metric, VALUE] = [one if is_figure(one) else None for one in figures]
    return Stretch(min(moments), max(moments), pack(columns, level=_QUICK))


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


def nodes_of(content: bytes) -> set[int]:
    """Answer which nodes a batch is of."""
    return {int(node or 0) for node in unpack(content, {NODE})[NODE, VALUE]}


class Samples:
    """What one node said, in order: its moments, and of each metric the figure of each moment."""

    def __init__(self) -> None:
        self._figures: dict[int, dict[int, float]] = {}  # by metric, then by moment: said twice is said once
        self._moments: set[int] = set()

    def put(self, moment: int, metric: int, figure: float | None) -> None:
        self._moments.add(moment)
        if figure is not None:
            self._figures.setdefault(metric, {})[moment] = figure

    def stretches(self) -> list[Stretch]:
        """Pack them, each five minutes by themselves."""
        found = []
        for moments in self._by_time(WINDOW).values():
            columns: dict[Key, Sequence[float | None]] = {(AT, VALUE): moments}
            for metric, figures in self._figures.items():
                columns[metric, VALUE] = [figures.get(moment) for moment in moments]
            found.append(Stretch(moments[0], moments[-1], pack(columns)))
        return found

    def minutes(self, name: Callable[[int], str]) -> list[tuple[int, dict[int, Point]]]:
        """Draw a point of each minute and metric."""
        found = []
        for begin, moments in self._by_time(MINUTE).items():
            points = {}
            for metric, figures in self._figures.items():
                if said := [figures[moment] for moment in moments if moment in figures]:
                    mean = rounded_mean(name(metric), sum(said) / len(said))
                    points[metric] = Point(len(said), mean, min(said), max(said))
            found.append((begin, points))
        return found

    def _by_time(self, length: float) -> dict[int, list[int]]:
        found: dict[int, list[int]] = {}
        for moment in sorted(self._moments):
            found.setdefault(round(window_of(moment / 1000, length) * 1000), []).append(moment)
        return found


def samples_of(batches: Iterable[bytes], broken: Callable[[], None]) -> dict[int, Samples]:
    """Sort what batches hold by nodes; `broken` is called for one that cannot be read."""
    found: dict[int, Samples] = {}
    for content in batches:
        try:
            columns = unpack(content)
        except DecodeRefused:
            broken()
            continue
        moments = [int(at or 0) for at in columns[AT, VALUE]]
        of_lines = [found.setdefault(int(node or 0), Samples()) for node in columns[NODE, VALUE]]
        for (metric, _), column in columns.items():
            if metric not in (AT, NODE):
                for samples, moment, figure in zip(of_lines, moments, column, strict=True):
                    samples.put(moment, metric, figure)
    return found


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
    columns = unpack(content, None if metrics is None else {AT, *metrics})
    moments = [int(at or 0) for at in columns[AT, VALUE]]
    found: list[tuple[int, dict[int, Point]]] = [(moment, {}) for moment in moments]
    for metric in {metric for metric, which in columns if which == COUNT}:
        four: list[Column] = [columns[metric, which] for which in (COUNT, MEAN, LEAST, MOST)]
        for (_, points), count, mean, least, most in zip(found, *four, strict=True):
            if count is not None and mean is not None and least is not None and most is not None:
                points[metric] = Point(count, mean, least, most)
    return found


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
        hour = of_hours.setdefault(round(window_of(moment / 1000, HOUR) * 1000), {})
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
