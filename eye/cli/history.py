"""`sorcerers_eye history`: what was, from the database."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from eye.cli.filtering import filter_option
from eye.cli.globs import Glob
from eye.cli.keeping import history_option, where
from eye.cli.options import Shared, format_option, option
from eye.cli.options import command as make_command
from eye.cli.screen import as_json, size, tell, write
from eye.errors import ConfigError, EyeError

if TYPE_CHECKING:
    from collections.abc import Callable

    from eye.history.store import Store
    from eye.metrics.filters import Filter
    from eye.monitor.history_document import Question, Series

_EXAMPLE = """\
sorcerers_eye history
sorcerers_eye history --node 'web-*' --metric cpu --since 24h --step 5m --plot
sorcerers_eye history --since 7d --step 1h --filter 'cpu>80' --format csv"""

_HELP = """What was, from the database.

It is written by whoever serves a view (`start --web`, `web`, `demo`), and by `observe --history`. No node is
asked.
"""

_USUAL_POINTS = 60


@make_command("history", help=_HELP, example=_EXAMPLE)
@option("--node", multiple=True, type=Glob(), metavar="GLOB", help="Only nodes of such names. May be repeated.")
@filter_option("Only moments that are meant by it: 'cpu>80', 'mem>1GB web-*'.")
@option("--metric", multiple=True, metavar="NAME", help="Only this metric. May be repeated.")
@option(
    "--scope",
    type=click.Choice(("host", "node", "all")),
    default="host",
    show_default=True,
    help="Whose figures: the machine's, the node's own share of them, or both.",
)
@option(
    "--since",
    default="1h",
    show_default=True,
    metavar="TIME",
    help="From when on: so long ago (90s, 1h, 7d), a date (2026-11-29T18:00, of your time zone), or UTC seconds.",
)
@option("--until", default="now", show_default=True, metavar="TIME", help="Until when.")
@option(
    "--step",
    metavar="TIME",
    show_default="1m of an hour, so that there are 60 lines at most",
    help="What is drawn together into one line or point: 10s, 1m, 1h.",
)
@format_option("text", "json", "csv")
@option("--plot", is_flag=True, help="Draw it, in place of text.")
@history_option("Which database: a file, sqlite:///FILE or postgresql://USER@HOST/DATABASE.")
def command(
    shared: Shared,
    node: tuple[str, ...],
    filter: Filter | None,
    metric: tuple[str, ...],
    scope: str,
    since: str,
    until: str,
    step: str | None,
    format: str,
    plot: bool,
    history: str | None,
) -> int:
    del shared
    from eye.monitor.history_document import Question, answer, chosen, length, moment, usual_step

    if plot and format != "text":
        raise ConfigError(f"plot is a picture, and format {format} is none; give one of them")
    now = time.time()
    begin, end = moment(since, now, is_local=True), moment(until, now, "until", is_local=True)
    points = _columns() if plot else _USUAL_POINTS
    question = Question(
        begin,
        end,
        length(step) if step is not None else (end - begin) / points if plot else usual_step(end - begin, points),
        node,
        metric or _usual(scope),
        scope,
        filter,
    )
    store = _open(where(history))
    try:
        if not chosen(store.nodes(), node):
            raise EyeError(_nobody(store, node))
        series = answer(store, question)
    finally:
        store.close()
    if not any(point for one in series for point in one.points):
        tell("nothing is known of that time" if filter is None else f"no moment is meant by {filter.text!r}")
    _show(series, question, format, plot)
    return 0


def _usual(scope: str) -> tuple[str, ...]:
    from eye.monitor.history_document import USUAL_METRICS

    names = [name.partition(".")[2] for name in USUAL_METRICS]
    scopes = ("host", "node") if scope == "all" else (scope,)
    return tuple(f"{one}.{name}" for one in scopes for name in names)


def _open(place: str) -> Store:
    if place == "off":
        raise ConfigError("history is off: there is nothing to be read; name a database with --history")
    from eye.history.database import url_of

    url = url_of(place)  # before what it needs is loaded: it says what is not installed
    from eye.history.sql_store import SqlStore

    store = SqlStore(url, time.time, must_exist=True)
    store.open()
    return store


def _nobody(store: Store, globs: tuple[str, ...]) -> str:
    known = store.nodes()
    if not known:
        return f"nothing has been kept at {store.place} yet"
    wanted = " or ".join(map(repr, globs))
    shown = ", ".join(known[:20]) + (f" and {len(known) - 20} more" if len(known) > 20 else "")
    return f"no node in the history is called {wanted}; known are: {shown}"


def _show(series: list[Series], question: Question, format: str, plot: bool) -> None:
    from eye.monitor.history_document import document

    if format == "json":
        write(as_json(document(series, question)))
    elif format == "csv":
        from eye.exporters.past_text import past_csv

        write(past_csv(series))
    elif plot:
        from eye.exporters.past_plot import past_plot

        write(past_plot(series, _clock_text(question, is_short=True), _width()))
    else:
        from eye.exporters.past_text import past_text

        write(past_text(series, _clock_text(question, is_short=False)))


def _width() -> int:
    columns, _ = size() or (80, 24)
    return columns


def _columns() -> int:
    from eye.exporters.past_plot import columns

    return columns(_width())


def _clock_text(question: Question, *, is_short: bool) -> Callable[[float], str]:
    """Choose how a moment is written, in the time of this place."""
    span = question.until - question.since
    if not is_short:
        form = "%Y-%m-%d %H:%M:%S" if question.step < 60 else "%Y-%m-%d %H:%M"
    elif span <= 600:
        form = "%H:%M:%S"
    else:
        form = "%H:%M" if span <= 86400 else "%b %d %H:%M" if span <= 7 * 86400 else "%Y-%m-%d"
    return lambda at: time.strftime(form, time.localtime(at))
