"""How long what is kept: the table, and what holds for every moment."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eye.errors import ConfigError
from eye.history.retention import (
    CATCHING_UP,
    DAY,
    GRACE,
    HOUR,
    KINDS,
    LONGEST,
    MINUTE,
    WINDOW,
    Keep,
    Kind,
    Tier,
    cutoffs,
    forget_by,
    keep,
    tiers_for,
    window_of,
)
from eye.monitor.config import HISTORY_KEEP

MOMENTS = st.floats(1.0e9, 4.0e9)


@pytest.mark.parametrize(
    ("step", "tiers"),
    [
        (1, (Tier.RAW, Tier.MINUTES, Tier.HOURS)),
        (59.9, (Tier.RAW, Tier.MINUTES, Tier.HOURS)),
        (60, (Tier.MINUTES, Tier.HOURS)),
        (300, (Tier.MINUTES, Tier.HOURS)),
        (3600, (Tier.HOURS,)),
        (86400, (Tier.HOURS,)),
    ],
)
def test_the_coarsest_tier_that_is_fine_enough_comes_first(step: float, tiers: tuple[Tier, ...]) -> None:
    assert tiers_for(step) == tiers


@given(MOMENTS)
def test_nothing_is_packed_before_its_time_is_over(now: float) -> None:
    due = cutoffs(now, Keep())

    assert now - GRACE - WINDOW < due.pack_journal <= now - GRACE
    # An hour is drawn only when all of its minutes have left the journal.
    assert due.draw_hours <= due.pack_journal
    assert due.pack_hours <= due.draw_hours
    assert due.pack_journal % WINDOW == due.draw_hours % HOUR == due.pack_hours % DAY == 0


@given(MOMENTS)
def test_what_is_forgotten_has_been_drawn_into_the_next_tier(now: float) -> None:
    due = cutoffs(now, Keep())

    assert due.forget[Kind.SAMPLES] < due.pack_journal
    assert due.forget[Kind.MINUTES] < due.draw_hours


def test_each_tier_is_kept_longer_than_the_finer_one() -> None:
    usual = Keep()

    assert usual.raw < usual.minutes < usual.hours
    assert Tier.RAW.step < Tier.MINUTES.step == MINUTE < Tier.HOURS.step == HOUR


def test_every_kind_belongs_to_a_tier_and_has_a_length_and_a_time() -> None:
    assert {kind for kinds in KINDS.values() for kind in kinds} == set(Kind) == set(LONGEST)
    assert set(cutoffs(2e9, Keep()).forget) == set(Kind)


@given(MOMENTS, st.sampled_from([MINUTE, WINDOW, HOUR, DAY]))
def test_a_window_holds_its_moment(at: float, length: float) -> None:
    assert 0 <= at - window_of(at, length) < length


@pytest.mark.parametrize(
    ("text", "keeps"),
    [
        (HISTORY_KEEP, Keep()),
        ("6h,7d,365d", Keep(6 * HOUR, 7 * DAY, 365 * DAY)),
        ("2h, 2h, 2h", Keep(2 * HOUR, 2 * HOUR, 2 * HOUR)),
    ],
)
def test_how_long_is_three_durations(text: str, keeps: Keep) -> None:
    assert keep(text) == keeps


@pytest.mark.parametrize(
    "text", ["", "1d", "1d,30d", "1d,30d,1y", "1h,2d,3d", "2d,1d,3d", "1d,3d,2d", "a,b,c", "1d,2d,3d,4d"]
)
def test_other_texts_are_none(text: str) -> None:
    with pytest.raises(ConfigError, match="history_keep must be three durations"):
        keep(text)


IN_2099 = 4_080_000_000.0
NOW = 1_800_014_400.0


@pytest.mark.parametrize(
    ("known", "now", "passed", "said"),
    [
        (None, NOW, 1.0, NOW),
        (NOW, NOW + 1.0, 1.0, NOW + 1.0),
        (
            NOW,
            IN_2099,
            60.0,
            NOW + 60.0 * CATCHING_UP,
        ),  # a wrong clock takes as much as a day of it would, not all
        (NOW, 0.0, 60.0, NOW - 60.0 * CATCHING_UP),
        (NOW, NOW + 3 * DAY, 3 * HOUR, NOW + 3 * DAY),  # after a pause it catches up
        (NOW, IN_2099, 0.0, NOW),
    ],
)
def test_thinning_follows_the_clock_a_day_in_an_hour(
    known: float | None, now: float, passed: float, said: float
) -> None:
    assert forget_by(known, now, passed) == said


def test_a_clock_of_before_this_program_is_not_believed() -> None:
    assert forget_by(None, 0.0, 1.0) > 1.7e9


@given(MOMENTS, MOMENTS)
def test_nothing_is_forgotten_before_its_time_whatever_thinning_has_got_to(now: float, thinned: float) -> None:
    due = cutoffs(now, Keep(), thinned)

    assert due.forget[Kind.SAMPLES] == min(now, thinned) - DAY
    assert due[:3] == cutoffs(now, Keep())[:3]
