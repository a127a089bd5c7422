"""Numbers as people read them: `512MB`, `20%`, `2 hours`.

Pure, and the contract's to the letter: sizes in the largest unit that fits, with at most one decimal;
a share as a whole percent; a duration in its one largest unit. A size and a share are rounded to the
nearest; a duration is cut off, as a person does who says «two hours»: it has been that long, at least.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eye.metrics.catalogue import Unit

if TYPE_CHECKING:
    from collections.abc import Callable

    from eye.metrics.catalogue import Measured, Metric

UNKNOWN = "unknown"
"""What stands for a figure that was not measured (yet)."""

_SIZES = ("B", "KB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB")
_DURATIONS = ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))


def size(count: float) -> str:
    """Write a number of bytes: `0B`, `512MB`, `1.5GB`.

    Counted in whole tenths, so that no rounding is left to a float. 1023.96MB would round to
    «1024MB»: it is written in the next unit, `1GB`.
    """
    whole = int(count)
    if whole < 0:
        return f"-{size(-whole)}"
    power = 0
    while (tenths := _in_tenths(whole, 1024**power)) >= 10240 and power < len(_SIZES) - 1:
        power += 1
    number = f"{tenths // 10}.{tenths % 10}" if tenths % 10 else f"{tenths // 10}"
    return number + _SIZES[power]


def _in_tenths(number: int, unit: int) -> int:
    return (number * 10 + unit // 2) // unit


def percent(share: float) -> str:
    """Write a share of 0.0 to 1.0 as a whole percent: `20%`. What lies outside is written as its limit."""
    return f"{int(min(max(share, 0.0), 1.0) * 100 + 0.5)}%"


def duration(seconds: float) -> str:
    """Write a time span in its one largest unit, cut off: `45 seconds`, `1 minute`, `2 hours`, `5 days`.

    59.9 is `59 seconds`. Less than nothing, which a clock that was set back makes, is `0 seconds`.
    """
    whole = max(int(seconds), 0)
    for length, unit in _DURATIONS:
        if whole >= length:
            number = whole // length
            return f"{number} {unit}" if number == 1 else f"{number} {unit}s"
    return "0 seconds"


_WRITTEN: dict[Unit, Callable[[float], str]] = {
    Unit.BYTES: size,
    Unit.SPEED: lambda value: f"{size(value)}/s",
    Unit.SHARE: percent,
    Unit.SECONDS: duration,
    Unit.COUNT: lambda value: f"{value:.0f}",
    Unit.NUMBER: lambda value: f"{value}" if isinstance(value, int) else f"{value:.2f}",
}


def figure(value: float | None, unit: Unit) -> str:
    """Write a measured value in the way of its unit; `unknown` where there is none."""
    if value is None or value != value or value in (float("inf"), float("-inf")):
        return UNKNOWN
    return _WRITTEN[unit](value)


def last_seen(seen_at: float | None, now: float) -> str:
    """Say how long ago a node was heard of: `last seen 12 seconds ago`, or `never seen`."""
    return "never seen" if seen_at is None else f"last seen {duration(now - seen_at)} ago"


def shown(metric: Metric, measured: Measured) -> str:
    """Write what was measured of a metric; of those that have one figure of each, all of them: `12% 3%`."""
    if not metric.each:
        return figure(metric.read(measured), metric.unit)
    values = metric.read_each(measured)
    return UNKNOWN if not values else " ".join(figure(value, metric.unit) for value in values)
