"""Durations as options: `30s`, `5m`, `2h`, `7d`, or seconds."""

from __future__ import annotations

from typing import Any

import click


class Duration(click.types.StringParamType):
    """A duration, within limits; seconds, to the command."""

    name = "duration"
    takes_numbers = True

    def __init__(self, least: float = 0.0, most: float = 366 * 86400.0) -> None:
        self._least, self._most = least, most

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        from eye.metrics.filter_reader import duration

        seconds = duration(str(value))
        if seconds is None:
            self.fail(f"{value!r} is no duration, such as 30s, 5m, 2h or 7d", param, ctx)
        if not self._least <= seconds <= self._most:
            self.fail(f"it must be {_said(self._least)} to {_said(self._most)}, not {value!r}", param, ctx)
        return seconds


def _said(seconds: float) -> str:
    """Write a limit as an option takes it: `366d`, `1m`, `5s`."""
    unit = next((one for one in (86400, 3600, 60) if seconds >= one and seconds % one == 0), 1)
    return f"{seconds / unit:g}{ {86400: 'd', 3600: 'h', 60: 'm', 1: 's'}[unit] }"
