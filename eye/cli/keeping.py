"""`--history`: where what is seen is kept."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

from eye.cli.options import option
from eye.cli.screen import tell
from eye.errors import ConfigError, HistoryOff
from eye.history.database import OFF, check, default_file

if TYPE_CHECKING:
    from collections.abc import Callable


class Place(click.types.StringParamType):
    """A file, the URL of a database, or `off`."""

    name = "place"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        try:
            return check(str(value))
        except ConfigError as error:
            self.fail(str(error), param, ctx)


def history_option(help: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a command the option that says where the history is."""
    return option(
        "--history",
        type=Place(),
        metavar="URL|off",
        show_default="a file in ~/.local/share/sorcerers_eye",
        help=help,
    )


def keep_option() -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a command the option that says how long it is kept."""
    from eye.monitor.config import HISTORY_KEEP  # `history` has no such option, and needs nothing of all that

    return option(
        "--history-keep",
        type=_Lengths(HISTORY_KEEP),
        metavar="TIME,TIME,TIME",
        default=HISTORY_KEEP,
        show_default=True,
        help="How long samples, points of minutes and points of hours are kept.",
    )


class _Lengths(click.types.StringParamType):
    """Three durations."""

    name = "lengths"

    def __init__(self, usual: str) -> None:
        self._usual = usual  # which is right, and need not be read to know it

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value != self._usual:
            from eye.history.retention import keep

            try:
                keep(str(value))
            except ConfigError as error:
                self.fail(str(error), param, ctx)
        return value


def where(given: str | None) -> str:
    """Say where a view that is served keeps what it sees."""
    if given is not None:
        return given
    try:
        return str(default_file(os.environ))
    except HistoryOff as error:
        tell(str(error))
        return OFF
