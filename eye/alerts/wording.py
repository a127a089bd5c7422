"""Figures and times in the sentences of alerts: `96 %`, `1.5 GB`, `12 s`, `2 h 5 min`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eye.metrics.catalogue import Unit

if TYPE_CHECKING:
    from collections.abc import Callable

_SIZES = ("B", "KB", "MB", "GB", "TB", "PB")
_SPANS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def span(seconds: float) -> str:
    """Write a time span in its two largest units, the second one only if there is any of it."""
    whole = max(int(seconds), 0)
    if whole == 0 and seconds > 0:
        return f"{seconds:.1f} s"
    for place, (length, unit) in enumerate(_SPANS):
        if whole >= length:
            number, rest = divmod(whole, length)
            smaller = _SPANS[place + 1] if place + 1 < len(_SPANS) else None
            more = rest // smaller[0] if smaller is not None else 0
            return f"{number} {unit}" + (f" {more} {smaller[1]}" if smaller is not None and more else "")
    return "0 s"


def size(count: float) -> str:
    """Write a number of bytes, in the largest unit of 1024 that fits."""
    power = 0
    while count >= 1024 and power < len(_SIZES) - 1:
        count, power = count / 1024, power + 1
    return f"{count:.1f}".removesuffix(".0") + f" {_SIZES[power]}"


def plain(number: float) -> str:
    """Write a number without a unit."""
    return f"{number:.2f}".rstrip("0").rstrip(".") if number % 1 else f"{number:.0f}"


WRITTEN: dict[Unit, Callable[[float], str]] = {
    Unit.BYTES: size,
    Unit.SPEED: lambda count: f"{size(count)}/s",
    Unit.SHARE: lambda percent: f"{percent:.0f} %",  # a rule counts shares in percent
    Unit.SECONDS: span,
    Unit.COUNT: plain,
    Unit.NUMBER: plain,
}
"""How the figures of each unit are written."""
