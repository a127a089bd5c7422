"""How long what is kept, and how finely: the whole decision, nothing else.

    every sample ........ for a day ........ tier `raw`
    a point a minute .... for 30 days ...... tier `1m`     (number of figures, mean, least, greatest)
    a point an hour ..... for two years .... tier `1h`

Points are drawn as soon as their time is over, and not when the samples go: a long graph is read from few
points from the first hour on. What is written waits for that in a journal, a few minutes of it:

    journal  -- five minutes are over --> samples packed together, and five points of a minute
    points of a minute -- an hour is over --> packed together, and a point of the hour
    points of an hour -- a day is over --> packed together

Each of these, and each thinning, is one `Step` for one node (of the journal, for a few): small enough not to keep
the writing waiting. `cutoffs` says from when on there is something to do; who has it, the store finds out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from eye.errors import ConfigError
from eye.metrics.filter_reader import duration

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0

WINDOW = 300.0
"""Seconds of samples that are packed together."""

GRACE = 30.0
"""Seconds that stragglers have, after their time is over."""


class Tier(Enum):
    """How finely something is kept."""

    RAW = "raw"
    MINUTES = "1m"
    HOURS = "1h"

    @property
    def step(self) -> float:
        """Seconds from one point to the next; of samples it is whatever their node takes them at."""
        return {Tier.RAW: 0.0, Tier.MINUTES: MINUTE, Tier.HOURS: HOUR}[self]


class Kind(Enum):
    """What a packed stretch holds. The numbers are in databases: they keep their meanings."""

    SAMPLES = 0
    YOUNG_MINUTES = 1  # of which no hour has been drawn yet
    MINUTES = 2
    YOUNG_HOURS = 3  # which are not packed together yet
    HOURS = 4


@dataclass(frozen=True, slots=True)
class Keep:
    """How many seconds each tier is kept."""

    raw: float = DAY
    minutes: float = 30 * DAY
    hours: float = 730 * DAY


def keep(text: str) -> Keep:
    """Understand how long what is kept: `6h,7d,365d` are samples, points of minutes, points of hours.

    Raises:
        ConfigError: it is not three durations, each longer than the one before, or the first is too short.
    """
    found = [duration(one) for one in text.split(",")]
    if len(found) == 3:
        raw, minutes, hours = found
        if raw and minutes and hours and 2 * HOUR <= raw <= minutes <= hours:
            return Keep(raw, minutes, hours)
    raise ConfigError(
        "history_keep must be three durations (samples, minutes, hours), 2h or more and none shorter than the one "
        f"before, such as 1d,30d,730d, not {text[:60]!r}"
    )


class Cutoffs(NamedTuple):
    """The moments before which something is to be done, UTC seconds."""

    pack_journal: float
    draw_hours: float
    pack_hours: float
    forget: dict[Kind, float]


def cutoffs(now: float, keep: Keep, thinned: float = math.inf) -> Cutoffs:
    """Say from when on what has had its time; `thinned` is what `forget_by` said."""
    by = min(now, thinned)
    return Cutoffs(
        pack_journal=_begin(now - GRACE, WINDOW),
        draw_hours=_begin(now - 2 * GRACE - WINDOW, HOUR),
        pack_hours=_begin(now - 2 * GRACE - WINDOW - HOUR, DAY),
        forget={
            Kind.SAMPLES: by - keep.raw,
            Kind.YOUNG_MINUTES: by - keep.minutes,
            Kind.MINUTES: by - keep.minutes,
            Kind.YOUNG_HOURS: by - keep.hours,
            Kind.HOURS: by - keep.hours,
        },
    )


CATCHING_UP = 24.0
"""How many times as fast as time itself the time of thinning goes on at most, or back."""

_WRITTEN = 1_790_000_000.0  # when this was: no clock that is right says less


def forget_by(known: float | None, now: float, passed: float) -> float:
    """Say by which time things are forgotten now, UTC seconds: it follows the clock, a day in an hour at most.

    A clock may be wrong for a minute, and say 2099; what it takes with it does not come back. After a pause, or
    when the clock was set for good, thinning has caught up soon enough.

    Args:
        known: what was said before; None if nothing was ever thinned there.
        now: the time of day.
        passed: seconds since then in which this program ran.
    """
    if known is None:
        return max(now, _WRITTEN)
    return min(max(now, known - CATCHING_UP * passed), known + CATCHING_UP * passed)


LONGEST = {
    Kind.SAMPLES: WINDOW,
    Kind.YOUNG_MINUTES: HOUR,
    Kind.MINUTES: HOUR,
    Kind.YOUNG_HOURS: HOUR,
    Kind.HOURS: DAY,
}
"""Seconds that a packed stretch of each kind spans at most: what begins that long before a moment may reach it."""


def tiers_for(step: float) -> tuple[Tier, ...]:
    """Say where to look for points every `step` seconds: the coarsest that is fine enough, then what is coarser.

    The coarser ones are for what is no longer, or never was, there more finely.
    """
    if step < MINUTE:
        return Tier.RAW, Tier.MINUTES, Tier.HOURS
    return (Tier.MINUTES, Tier.HOURS) if step < HOUR else (Tier.HOURS,)


KINDS = {
    Tier.RAW: (Kind.SAMPLES,),
    Tier.MINUTES: (Kind.YOUNG_MINUTES, Kind.MINUTES),
    # An hour that is not over, or not drawn yet, is drawn from its minutes.
    Tier.HOURS: (Kind.YOUNG_MINUTES, Kind.YOUNG_HOURS, Kind.HOURS),
}
"""What a tier is made of: each figure is in exactly one of these, or in the journal."""


def window_of(at: float, length: float) -> float:
    """Say when the window of that length began in which a moment lies."""
    return _begin(at, length)


def _begin(at: float, length: float) -> float:
    return math.floor(at / length) * length
