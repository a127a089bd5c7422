"""What is asked of the history, and its answer in the form of the JSON contract: for the command line and the web.

    since=1h  until=30m  since=1795462080  since=2026-11-29T18:00      so long ago, or that moment (UTC)
    step=1m                                                            what is drawn together into one point

A filter says which of the points are meant: `cpu>80` those with more than 80 % on average, with their neighbours
of other metrics. What is not kept (a status, an address) cannot be asked about.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NamedTuple

from eye.errors import ConfigError
from eye.history.retention import DAY
from eye.metrics import custom
from eye.metrics.catalogue import CATALOGUE, Scope, select
from eye.metrics.filter_reader import duration
from eye.metrics.sample import About

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from eye.history.points import Point
    from eye.history.store import Store
    from eye.metrics.catalogue import Metric
    from eye.metrics.filters import Filter

USUAL_METRICS = ("host.cpu", "host.memory", "host.processes")
LONGEST = 730 * DAY
"""Seconds that anybody may ask for at once."""

_EARLIEST = 1e8  # a smaller number is no moment that anybody means
_STEPS = (1, 5, 10, 30, 60, 300, 900, 1800, 3600, 10800, 21600, 43200, 86400)
_UNKEPT = ("status", "host", "address")


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: of which nodes and metrics, from when until when, how finely."""

    since: float
    until: float
    step: float
    nodes: tuple[str, ...] = ()  # globs; none means all
    metrics: tuple[str, ...] = USUAL_METRICS
    scope: str = "host"
    wanted: Filter | None = None

    def __post_init__(self) -> None:
        if self.since >= self.until:
            raise ConfigError("since must be before until")
        if self.until - self.since > LONGEST:
            raise ConfigError(f"since must be at most {LONGEST / DAY:.0f} days before until")
        if self.wanted is not None and (unkept := _fields(self.wanted.data) & {*_UNKEPT}):
            raise ConfigError(f"filter: of the past it is not known what the {unkept.pop()} of a node was")


class Series(NamedTuple):
    """One metric of one node: a point, or None, for each of `starts`."""

    node: str
    metric: Metric
    starts: tuple[float, ...]
    step: float
    points: tuple[Point | None, ...]


def moment(text: str, now: float, name: str = "since", *, is_local: bool = False) -> float:
    """Understand when: so long ago, UTC seconds, or a date with or without a time.

    A date that names no time zone is of this machine's where `is_local`, else UTC.

    Raises:
        ConfigError: it is none of these.
    """
    said = text.strip()
    try:
        number = float(said)
    except ValueError:
        number = math.nan
    if math.isfinite(number) and number >= _EARLIEST:
        return number
    if said == "now":
        return now
    if (ago := duration(said)) is not None:
        return now - ago
    try:
        when = datetime.fromisoformat(said)
    except ValueError:
        raise ConfigError(
            f"{name} must be a duration such as 90s, 1h or 7d, a date such as 2026-11-29T18:00, or UTC seconds, "
            f"not {text[:40]!r}"
        ) from None
    try:
        return (when if is_local or when.tzinfo is not None else when.replace(tzinfo=UTC)).timestamp()
    except (OverflowError, OSError, ValueError):  # the first and the last years, in zones beyond them
        raise ConfigError(f"{name} must be a date that there is a clock for, not {text[:40]!r}") from None


def length(text: str, name: str = "step") -> float:
    """Understand how long.

    Raises:
        ConfigError: it is no duration, or none of a tenth of a second to 31 days.
    """
    seconds = duration(text)
    if seconds is None or not 0.1 <= seconds <= 31 * DAY:
        raise ConfigError(f"{name} must be a duration such as 10s, 1m or 1h, not {text[:40]!r}")
    return seconds


def usual_step(seconds: float, most: int) -> float:
    """Choose a step that makes so many points at most of a time, of those that people reckon in."""
    return float(next((step for step in _STEPS if seconds / step <= most), math.ceil(seconds / most / DAY) * DAY))


def answer(store: Store, question: Question) -> list[Series]:
    """Read what is asked for, node by node. Unless it was asked for by name, a node that has nothing is left out.

    Raises:
        HistoryUnusable; UnknownMetric: nothing of that name was ever kept.
    """
    units = store.metrics()
    own = tuple(
        custom.metric(name.removeprefix(custom.PREFIX), About(unit=unit or "number"))
        for name, unit in units.items()
        if name.startswith(custom.PREFIX)
    )
    metrics = select(question.metrics, question.scope, own)
    if question.wanted is not None:
        question.wanted.check(own)
    found = []
    for node in chosen(store.nodes(), question.nodes):
        series = _of_node(store, node, metrics, question)
        if question.nodes or any(point for one in series for point in one.points):
            found += series
    return found


def chosen(names: Iterable[str], globs: Sequence[str]) -> list[str]:
    """Choose the names that one of the globs means; without globs all."""
    return [name for name in names if not globs or any(fnmatchcase(name, glob) for glob in globs)]


def document(series: Iterable[Series], question: Question) -> dict[str, Any]:
    """Write the answer in the form of the JSON contract: points are `[at, mean, least, greatest]`."""
    found = list(series)
    return {
        "version": 1,
        "since": question.since,
        "until": question.until,
        "step": max((one.step for one in found), default=question.step),
        "series": [
            {
                "node": one.node,
                "metric": one.metric.key,
                "unit": one.metric.unit.value,
                "points": [
                    [at, point.mean, point.least, point.most]
                    for at, point in zip(one.starts, one.points, strict=True)
                    if point is not None
                ],
            }
            for one in found
        ],
    }


# ------------------------------------------------------------------------------------ parts


def _of_node(store: Store, node: str, metrics: Sequence[Metric], question: Question) -> list[Series]:
    wanted = question.wanted
    needed = {} if wanted is None else _needed(wanted.data)
    keys = dict.fromkeys((*(metric.key for metric in metrics), *needed))
    past = store.read(node, tuple(keys), since=question.since, until=question.until, step=question.step)
    nothing = (None,) * len(past.starts)
    meant = [
        wanted is None or wanted.matches(_Moment(node, place, past.points, needed))
        for place in range(len(nothing))
    ]
    return [
        Series(
            node,
            metric,
            past.starts,
            past.step,
            tuple(
                point if is_meant else None
                for point, is_meant in zip(past.points.get(metric.key, nothing), meant, strict=True)
            ),
        )
        for metric in metrics
    ]


class _Moment:
    """A node as it was for the length of one step, as far as a filter can ask about it."""

    status, address = "up", ""

    def __init__(
        self,
        name: str,
        place: int,
        points: dict[str, tuple[Point | None, ...]],
        needed: dict[str, tuple[str, str]],
    ) -> None:
        self.name = name
        parts: dict[str, dict[str, float | None]] = {"host": {}, "process": {}, "custom": {}}
        for key, (part, field) in needed.items():
            point = points[key][place] if key in points else None
            parts[part][field] = None if point is None else point.mean
        self.host: Any = SimpleNamespace(**parts["host"])
        self.process: Any = SimpleNamespace(**parts["process"])
        self.custom = {name: one for name, one in parts["custom"].items() if one is not None}


def _tests(data: list[Any]) -> Iterable[list[Any]]:
    if data[0] in ("all", "any", "not"):
        for one in data[1:]:
            yield from _tests(one)
    else:
        yield data


def _fields(data: list[Any]) -> set[str]:
    """Answer what a filter asks about besides figures."""
    return {test[0] if test[0] == "status" else test[1] for test in _tests(data) if test[0] in ("status", "match")}


def _needed(data: list[Any]) -> dict[str, tuple[str, str]]:
    """Answer which metrics a filter compares: the part and the field of each, by its key."""
    found = {}
    for test in _tests(data):
        if test[0] in ("compare", "share"):
            names = {test[2], "memory_total"} if test[0] == "share" else {test[2]}
            if test[1] == Scope.CUSTOM.value:
                found[custom.PREFIX + test[2]] = (test[1], test[2])
            for metric in CATALOGUE:
                is_of_part = metric.part == test[1] or metric.field == "memory_total"
                if is_of_part and names & {metric.field, metric.json_name}:
                    found[metric.key] = (metric.part, metric.field)
    return found
