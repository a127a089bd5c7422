"""What keeps a history, whatever it is made of.

Every store promises this, and one suite of tests (tests/conformance/test_stores.py) holds each of them to it:

1. `write` is all or nothing, and what it has answered for is there after a crash of this process.
2. What was written can be read at once. The same figures written twice count once, as far as it can still be
   told: within the minutes for which samples are kept one by one.
3. `tidy` changes what is kept, never what it says: until its time in a tier is over, a figure is in every mean,
   least and greatest of every step; afterwards it is in those of the coarser tiers.
4. Moments are those that were written, to the millisecond; figures come back as they were written.
5. Reading never waits for writing or tidying to be done, and the other way round.
6. A node belongs to one writer at a time: `claim`. Claims run out by themselves.

Nothing here knows of processes. `write`, `claim`, `release` and `tidy` are for one thread at a time, the reading
methods for any.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from eye.history.points import Point

MOST_POINTS = 20_000
"""Points of one metric in one answer; with more, the step is made longer."""


MOST_METRICS = 5000
"""Names of metrics in one history. What has another name then is left out, and told of once."""

LONGEST_NAME = 300
"""Characters of the name of a node or a metric."""


def is_name(text: str) -> bool:
    """Whether a node or a metric of that name can be kept: PostgreSQL takes no text with a NUL in it."""
    return 0 < len(text) <= LONGEST_NAME and "\0" not in text


class Row(NamedTuple):
    """What one node said at one moment: UTC seconds, and figures by the names of their metrics."""

    node: str
    at: float
    figures: Mapping[str, float | None]


class Filling(NamedTuple):
    """What one node measured in a minute that nobody wrote down as it passed: a point for each metric."""

    node: str
    at: float
    points: Mapping[str, Point]


class Past(NamedTuple):
    """What was asked for: `starts` of the buckets, and of each metric a point for each of them, or None.

    `tier` is the finest that had anything.
    """

    step: float
    starts: tuple[float, ...]
    points: dict[str, tuple[Point | None, ...]]
    tier: str


class Store(Protocol):
    """Keeps what nodes have said."""

    @property
    def place(self) -> str:
        """Where it is, for people; without passwords."""
        ...

    def open(self) -> None:
        """Make ready, and bring what is there up to date.

        Raises:
            HistoryUnusable: it cannot be reached, read or written. SchemaTooNew: it is from a later version.
        """
        ...

    def close(self) -> None:
        """Let go of everything. It can be opened again."""
        ...

    def claim(self, writer: str, nodes: Collection[str], now: float, seconds: float) -> frozenset[str]:
        """Claim nodes for a writer, for so many seconds; answer those that it has now, not those of others."""
        ...

    def release(self, writer: str) -> None:
        """Give up whatever a writer has claimed."""
        ...

    def write(self, rows: Sequence[Row], fillings: Sequence[Filling] = ()) -> None:
        """Keep a batch.

        Raises:
            HistoryUnusable: nothing of it is kept.
        """
        ...

    def tidy(self, now: float, passed: float = math.inf) -> bool:
        """Take one small step of packing, drawing points and thinning; answer whether there may be another.

        Args:
            now: the time of day, which may be wrong.
            passed: seconds since this was called last, by a clock that nobody can set: see `retention.forget_by`.
        """
        ...

    def nodes(self) -> tuple[str, ...]:
        """Name the nodes of which anything is kept, in order."""
        ...

    def metrics(self) -> dict[str, str]:
        """Name the metrics of which anything was ever kept, in order, each with its unit if it was described."""
        ...

    def describe(self, units: Mapping[str, str]) -> None:
        """Remember the units of metrics: of those that no catalogue knows."""
        ...

    def last(self, nodes: Collection[str], since: float) -> dict[str, float]:
        """Say of which moment the last sample of each node is, among those from `since` on."""
        ...

    def read(self, node: str, metrics: Sequence[str], *, since: float, until: float, step: float) -> Past:
        """Read what a node measured from `since` to `until`, in buckets that begin at whole multiples of `step`.

        A metric that was never kept has no points.

        Raises:
            HistoryUnusable: it cannot be read now.
        """
        ...
