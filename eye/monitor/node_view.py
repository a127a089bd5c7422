"""A node as a screen sees it: who it is, how it is, and what it last said.

The value that web, terminal and exporters are given, and all that they are given: they know neither
the cluster nor the wire behind it. A view of a node never changes; the next one replaces it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from eye.metrics.sample import About, HostReading, ProcessReading


STALE_AFTER = 5.0
"""Seconds without a reading after which a node that is up is shown as stale, unless it is asked more seldom."""


def patience(every: float | None) -> float:
    """Say after how many seconds without a reading a node that is asked so often counts as stale."""
    return max(STALE_AFTER, 2.5 * (every or 0.0))


@dataclass(frozen=True, slots=True)
class NodeView:
    """One node, as the observing node knows it at one moment.

    Every point in time is of the *observing* node's clock. `status` is `connecting`, `up`, `suspect` or
    `down`, `since` when it became that, `reason` why it is not up. `seen_at` is when the node last
    answered; None says never. `host` and `process` are the last readings that came, which outlive the
    node: who shows them for a node that is not up shows their age too. `round_trip` is how many seconds
    its last answer took. `custom` are the figures of the node's own program, and `about` says what they are; they
    outlive it like the readings. `every` is how many seconds there are between two questions to it at present,
    None while nobody looks: a figure is old only when it is older than that.
    """

    name: str
    status: str
    address: str
    seen_at: float | None
    since: float
    reason: str | None
    boot: str
    host: HostReading | None
    process: ProcessReading | None
    round_trip: float | None
    custom: Mapping[str, int | float] = field(default_factory=dict)
    every: float | None = None
    about: Mapping[str, About] | None = None
