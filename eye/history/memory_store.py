"""A history in memory: the same promises, no database. For tests, and to see what the promises come to.

It goes the same way as the database does, from a journal to samples and points of minutes to points of hours, but
nothing is packed, and a question is answered by looking at everything.
"""

from __future__ import annotations

import math
import threading
from typing import TYPE_CHECKING

from eye.history.points import Buckets, Point, drawn_together
from eye.history.retention import HOUR, MINUTE, Keep, Kind, Tier, cutoffs, forget_by, tiers_for, window_of
from eye.history.store import MOST_POINTS, Past

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from eye.history.store import Filling, Row

_Points = dict[tuple[str, str], dict[int, Point]]  # by node and metric, then by moment in milliseconds


class MemoryStore:
    """A `Store` that is gone with the process."""

    def __init__(self, keep: Keep | None = None) -> None:
        """Keep things for as long as `keep` says, `Keep()` unless told otherwise."""
        self._keep = keep or Keep()
        self._lock = threading.Lock()
        self._journal: _Points = {}
        self._samples: _Points = {}
        self._young_minutes: _Points = {}
        self._minutes: _Points = {}
        self._hours: _Points = {}
        self._last: dict[str, int] = {}
        self._claims: dict[str, tuple[str, float]] = {}
        self._units: dict[str, str] = {}
        self._thinned: float | None = None

    @property
    def place(self) -> str:
        return "memory"

    def open(self) -> None:
        pass

    def close(self) -> None:
        pass

    def claim(self, writer: str, nodes: Collection[str], now: float, seconds: float) -> frozenset[str]:
        with self._lock:
            for node in nodes:
                holder, until = self._claims.get(node, (writer, now))
                if holder == writer or until < now:
                    self._claims[node] = (writer, now + seconds)
            return frozenset(node for node in nodes if self._claims[node][0] == writer)

    def release(self, writer: str) -> None:
        with self._lock:
            self._claims = {node: claim for node, claim in self._claims.items() if claim[0] != writer}

    def write(self, rows: Sequence[Row], fillings: Sequence[Filling] = ()) -> None:
        with self._lock:
            for row in rows:
                at = round(row.at * 1000)
                self._last[row.node] = max(at, self._last.get(row.node, at))
                for name, figure in row.figures.items():
                    of_metric = self._journal.setdefault((row.node, name), {})
                    if figure is not None and math.isfinite(figure):
                        of_metric[at] = Point(1, figure, figure, figure)
            for one in fillings:
                at = round(one.at * 1000)
                self._last[one.node] = max(at + 60_000, self._last.get(one.node, at))
                for name, point in one.points.items():
                    _add(self._young_minutes, (one.node, name), at, point)

    def tidy(self, now: float, passed: float = math.inf) -> bool:
        self._thinned = forget_by(self._thinned, now, passed)
        due = cutoffs(now, self._keep, self._thinned)
        with self._lock:
            for which, at, point in _taken(self._journal, due.pack_journal):
                if at not in self._samples.setdefault(which, {}):
                    self._samples[which][at] = point
                    _add(self._young_minutes, which, _begin(at, MINUTE), point)
            for which, at, point in _taken(self._young_minutes, due.draw_hours):
                _add(self._minutes, which, at, point)
                _add(self._hours, which, _begin(at, HOUR), point)
            _taken(self._samples, due.forget[Kind.SAMPLES])
            _taken(self._young_minutes, due.forget[Kind.YOUNG_MINUTES])
            _taken(self._minutes, due.forget[Kind.MINUTES])
            _taken(self._hours, due.forget[Kind.HOURS])
        return False

    def nodes(self) -> tuple[str, ...]:
        with self._lock:
            return tuple(sorted({node for node, _ in self._known()}))

    def metrics(self) -> dict[str, str]:
        with self._lock:
            return {name: self._units.get(name, "") for name in sorted({name for _, name in self._known()})}

    def describe(self, units: Mapping[str, str]) -> None:
        with self._lock:
            self._units |= units

    def _known(self) -> set[tuple[str, str]]:
        every = (self._journal, self._samples, self._young_minutes, self._minutes, self._hours)
        return {which for points in every for which, of_metric in points.items() if of_metric}

    def last(self, nodes: Collection[str], since: float) -> dict[str, float]:
        with self._lock:
            return {node: self._last[node] / 1000 for node in nodes if self._last.get(node, -1) >= since * 1000}

    def read(self, node: str, metrics: Sequence[str], *, since: float, until: float, step: float) -> Past:
        step = max(step, (until - since) / (MOST_POINTS - 1), 0.001)
        found: dict[str, tuple[Point | None, ...]] = {}
        used = {Tier.HOURS}
        with self._lock:
            known = {name for _, name in self._known()}
            for name in (one for one in metrics if one in known):
                filled: Buckets | None = None
                for tier in tiers_for(step):
                    there = Buckets(since, until, step)
                    if self._fill(there, (node, name), tier, since, until):
                        used.add(tier)
                    if filled is None:
                        filled = there
                    else:
                        filled.fill_holes(there, tier.step)
                assert filled is not None
                found[name] = filled.points()
        finest = min(used, key=list(Tier).index)
        return Past(step, Buckets(since, until, step).starts, found, finest.value)

    def _fill(self, buckets: Buckets, which: tuple[str, str], tier: Tier, since: float, until: float) -> bool:
        sources = {
            Tier.RAW: (self._samples, self._journal),
            Tier.MINUTES: (self._minutes, self._young_minutes, self._journal),
            Tier.HOURS: (self._hours, self._young_minutes, self._journal),
        }
        has_any = False
        for points in sources[tier]:
            is_exact = points is self._samples or points is self._journal
            for at, point in points.get(which, {}).items():
                if not is_exact or since * 1000 <= at <= until * 1000:
                    has_any = True
                    buckets.put_point(at / 1000, point)
        return has_any


def _taken(points: _Points, before: float) -> list[tuple[tuple[str, str], int, Point]]:
    """Take out, and answer, what is older than a moment."""
    found = []
    for which, of_metric in points.items():
        for at in sorted(at for at in of_metric if at < before * 1000):
            found.append((which, at, of_metric.pop(at)))
    return found


def _begin(at: int, length: float) -> int:
    return round(window_of(at / 1000, length) * 1000)


def _add(points: _Points, which: tuple[str, str], at: int, point: Point) -> None:
    of_metric = points.setdefault(which, {})
    together = drawn_together([point] if at not in of_metric else [of_metric[at], point])
    assert together is not None
    of_metric[at] = together
