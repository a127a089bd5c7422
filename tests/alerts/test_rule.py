"""When an alert fires, and when it is over: the truth table, and what holds for every metric there could be."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eye.alerts.rule import NEXT, Phase, Standing, Terms, Verdict, begin_again, decide

RAISE, BETWEEN, CLEAR, UNKNOWN = Verdict
OK, PENDING, FIRING, CLEARING = Phase

TERMS = Terms(wait=30.0, keep=60.0)
SINCE = 1000.0

TABLE = [
    # how it stood, seconds ago, what is seen -> how it stands, seconds ago
    (OK, 500, RAISE, PENDING, 0),
    (OK, 500, BETWEEN, OK, 500),
    (OK, 500, CLEAR, OK, 500),
    (OK, 500, UNKNOWN, OK, 500),
    (PENDING, 29.5, RAISE, PENDING, 29.5),
    (PENDING, 30, RAISE, FIRING, 0),
    (PENDING, 30, BETWEEN, OK, 0),
    (PENDING, 30, CLEAR, OK, 0),
    (PENDING, 30, UNKNOWN, OK, 0),
    (FIRING, 500, RAISE, FIRING, 500),
    (FIRING, 500, BETWEEN, FIRING, 500),
    (FIRING, 500, CLEAR, CLEARING, 0),
    (FIRING, 500, UNKNOWN, FIRING, 500),
    (CLEARING, 59.5, RAISE, FIRING, 0),
    (CLEARING, 60, RAISE, FIRING, 0),
    (CLEARING, 60, BETWEEN, FIRING, 0),
    (CLEARING, 59.5, CLEAR, CLEARING, 59.5),
    (CLEARING, 60, CLEAR, OK, 0),
    (CLEARING, 60, UNKNOWN, FIRING, 0),
]


@pytest.mark.parametrize(("phase", "ago", "seen", "then", "then_ago"), TABLE)
def test_the_truth_table(phase: Phase, ago: float, seen: Verdict, then: Phase, then_ago: float) -> None:
    now = SINCE + ago

    assert decide(TERMS, Standing(phase, SINCE), seen, now) == Standing(then, now - then_ago)


def test_the_table_has_a_line_for_everything() -> None:
    assert {(phase, seen) for phase, _, seen, _, _ in TABLE} == {
        (phase, seen) for phase in Phase for seen in Verdict
    }
    assert set(NEXT) == set(Phase)


@pytest.mark.parametrize(("terms", "seen", "phases"), [
    (Terms(0, 0), [RAISE, RAISE, CLEAR, RAISE], [FIRING, FIRING, OK, FIRING]),
    (Terms(0, 1), [RAISE, CLEAR, CLEAR], [FIRING, CLEARING, OK]),
    (Terms(1, 0), [RAISE, RAISE, CLEAR], [PENDING, FIRING, OK]),
])  # fmt: skip
def test_no_time_is_no_wait(terms: Terms, seen: list[Verdict], phases: list[Phase]) -> None:
    standing, passed = Standing(OK, 0.0), []

    for moment, one in enumerate(seen):
        standing = decide(terms, standing, one, float(moment))
        passed.append(standing.phase)

    assert passed == phases


@pytest.mark.parametrize(("phase", "then"), [(OK, OK), (PENDING, OK), (FIRING, FIRING), (CLEARING, FIRING)])
def test_what_nobody_saw_counts_for_nothing(phase: Phase, then: Phase) -> None:
    assert begin_again(Standing(phase, 0.0), 500.0).phase is then


# ------------------------------------------------------------------------------ properties

times = st.floats(0.0, 100.0)
terms = st.builds(Terms, times, times)
looks = st.lists(st.tuples(st.sampled_from(Verdict), st.floats(0.1, 20.0)), max_size=60)


def _history(terms: Terms, looks: list[tuple[Verdict, float]]) -> list[tuple[float, Verdict, Standing]]:
    now, standing, seen = 0.0, Standing(OK, 0.0), []
    for verdict, step in looks:
        now += step
        standing = decide(terms, standing, verdict, now)
        seen.append((now, verdict, standing))
    return seen


def _turns(history: list[tuple[float, Verdict, Standing]]) -> list[tuple[float, bool]]:
    """When it began to fire (True), and when that was over (False)."""
    firing = [(0.0, False), *((now, standing.phase.is_firing) for now, _, standing in history)]
    return [after for before, after in pairwise(firing) if before[1] != after[1]]


@given(terms, looks)
def test_it_fires_only_after_nothing_but_the_level_for_as_long_as_was_said(
    terms: Terms, looks: list[tuple[Verdict, float]]
) -> None:
    history = _history(terms, looks)

    for at, began in _turns(history):
        if began:
            assert all(seen is RAISE for now, seen, _ in history if at - terms.wait <= now <= at)


@given(terms, looks)
def test_it_is_over_only_after_nothing_but_clear_for_as_long_as_was_said(
    terms: Terms, looks: list[tuple[Verdict, float]]
) -> None:
    history = _history(terms, looks)

    for at, began in _turns(history):
        if not began:
            assert all(seen is CLEAR for now, seen, _ in history if at - terms.keep <= now <= at)


@given(terms, looks)
def test_two_alerts_are_at_least_both_times_apart(terms: Terms, looks: list[tuple[Verdict, float]]) -> None:
    begun = [at for at, began in _turns(_history(terms, looks)) if began]

    assert all(later - earlier >= terms.wait + terms.keep - 1e-6 for earlier, later in pairwise(begun))


@given(st.lists(st.floats(0.1, 20.0), max_size=60), st.floats(20.1, 100.0))
def test_a_metric_that_flaps_faster_than_keep_never_flaps_the_alert(steps: list[float], keep: float) -> None:
    flapping = [((RAISE, CLEAR)[place % 2], step) for place, step in enumerate(steps)]

    turns = _turns(_history(Terms(0.0, keep), flapping))

    assert [began for _, began in turns] == [True][: len(steps)]


@given(terms, looks)
def test_between_the_levels_nothing_turns(terms: Terms, looks: list[tuple[Verdict, float]]) -> None:
    for (_, _, before), (_, seen, after) in pairwise(_history(terms, looks)):
        if seen is BETWEEN:
            assert before.phase.is_firing == after.phase.is_firing


@given(terms, looks)
def test_what_is_not_known_turns_nothing(terms: Terms, looks: list[tuple[Verdict, float]]) -> None:
    history = _history(terms, looks)

    for (_, _, before), (_, seen, after) in pairwise(history):
        if seen is UNKNOWN:
            assert before.phase.is_firing == after.phase.is_firing
