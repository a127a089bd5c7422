"""What `history --plot` prints: a picture of each metric in eighths of a character, 80 columns wide.

    mystic-node-1: CPU Load  20% on average, 5% to 97%
      100% ┤      ░                                        the mean fills the column, the peaks are light
           │      ░░   ▃▅▂
       50% ┤   ▂▄█░▆▅▅███▇▄▁
           │▂▄▆█████████████▇▆▅▃▂
        0% └┬──────────────┬──────────────┬────
            18:00          18:20          18:40

A column of which nothing is known stays empty.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from eye.exporters.units import figure
from eye.history.points import Point, drawn_together
from eye.metrics.catalogue import Unit, titles
from eye.monitor.clean import clean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from eye.metrics.catalogue import Metric
    from eye.monitor.history_document import Series

_EIGHTHS = " ▁▂▃▄▅▆▇█"
_PEAK = "░"
_ROWS = 6
_LEGEND = 9  # columns that the figures at the side take
_TICK = 15  # columns from one moment to the next


class _Scale(NamedTuple):
    low: float
    high: float

    def eighths(self, value: float) -> int:
        share = (value - self.low) / (self.high - self.low)
        return round(min(max(share, 0.0), 1.0) * _ROWS * 8)


def columns(width: int) -> int:
    """Say how many points a picture of that width has."""
    return max(width - _LEGEND - 2, 10)


def past_plot(series: Iterable[Series], said: Callable[[float], str], width: int = 80) -> str:
    """Draw pictures; `said` writes a moment in a few characters. What nothing is known of is left out."""
    drawn = list(series)
    labels = dict(titles(dict.fromkeys(one.metric for one in drawn)))
    pictures = [_picture(one, labels[one.metric], said, width) for one in drawn if any(one.points)]
    return "\n".join(pictures)


def _picture(series: Series, label: str, said: Callable[[float], str], width: int) -> str:
    points = _thinned(series.points, columns(width))
    whole = drawn_together(point for point in points if point is not None)
    assert whole is not None
    scale = _scale(series.metric, whole)
    mean, least, most = (_written(one, series.metric) for one in (whole.mean, whole.least, whole.most))
    lines = [f"{clean(series.node)}: {clean(label)}  {mean} on average, {least} to {most}"]
    marks = {0: scale.high, _ROWS // 2: (scale.low + scale.high) / 2}
    for row in range(_ROWS):
        side = f"{_written(marks[row], series.metric):>{_LEGEND}} ┤" if row in marks else f"{'':{_LEGEND}} │"
        lines.append((side + "".join(_cell(point, scale, _ROWS - 1 - row) for point in points)).rstrip())
    axis = "".join("┬" if at % _TICK == 0 else "─" for at in range(len(points)))
    lines.append(f"{_written(scale.low, series.metric):>{_LEGEND}} └{axis}")
    span = series.step * len(series.points) / len(points)
    begin = series.starts[0]
    ticks = "".join(said(begin + at * span)[: _TICK - 1].ljust(_TICK) for at in range(0, len(points), _TICK))
    lines.append((" " * (_LEGEND + 2) + ticks)[:width].rstrip())
    return "\n".join(lines) + "\n"


def _thinned(points: Sequence[Point | None], most: int) -> list[Point | None]:
    """Draw neighbours together until there are no more than fit."""
    if len(points) <= most:
        return list(points)
    borders = [round(number * len(points) / most) for number in range(most + 1)]
    return [
        drawn_together(point for point in points[begin:end] if point is not None)
        for begin, end in pairwise(borders)
    ]


def _scale(metric: Metric, whole: Point) -> _Scale:
    if metric.unit is Unit.SHARE:
        return _Scale(0.0, 1.0 if whole.most <= 1.0 else whole.most)
    if whole.least == whole.most:
        return _Scale(min(whole.least, 0.0), whole.most if whole.most > 0 else whole.most + 1.0)
    # From nothing, unless that would leave the picture all but flat.
    low = 0.0 if 0 <= whole.least < 0.75 * whole.most else whole.least
    return _Scale(low, whole.most)


def _cell(point: Point | None, scale: _Scale, row: int) -> str:
    if point is None:
        return " "
    filled, peak = scale.eighths(point.mean) - 8 * row, scale.eighths(point.most) - 8 * row
    if row == 0:
        filled = max(filled, 1)  # what is there is seen, however little it is
    if filled > 0:
        return _EIGHTHS[min(filled, 8)]
    return _PEAK if peak >= 4 else " "


def _written(value: float, metric: Metric) -> str:
    return figure(value, metric.unit)
