"""What was missed, what is asked about it, and what comes of the answer."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eye.history.gaps import REMEMBERED, Gap, Piece, Told, fillings, find, pieces, rows, understood
from eye.history.points import Point
from eye.history.store import Filling, Row
from eye.metrics.recent import Recent

NOON = 1_800_014_400.0


@pytest.mark.parametrize(
    ("last", "gap"),
    [
        (NOON - 1, None),
        (NOON - 4.5, None),
        (NOON - 60, Gap("a", NOON - 60, NOON)),
        (NOON - 2 * REMEMBERED, Gap("a", NOON - REMEMBERED, NOON)),
        (None, Gap("a", NOON - REMEMBERED, NOON)),
    ],
)
def test_a_gap_is_what_lies_between_two_samples_of_a_node(last: float | None, gap: Gap | None) -> None:
    assert find("a", last, NOON, 1.0) == gap


def test_a_node_that_measures_seldom_has_no_gap_for_that() -> None:
    assert find("a", NOON - 40, NOON, 10.0) is None
    assert find("a", NOON - 20, NOON, 1.0, before=20.0) is None


def test_a_node_that_is_asked_less_and_less_often_has_none_for_that_either() -> None:
    assert [find("a", NOON - 2 * pause, NOON, 1.0, before=pause) for pause in (1, 2, 4, 8, 16)] == [None] * 5


def test_a_short_gap_is_asked_for_second_by_second() -> None:
    gap = Gap("a", NOON - 200, NOON)

    assert pieces(gap) == [Piece(gap, NOON - 200, NOON, 1.0)]


def test_of_a_long_gap_whole_minutes_are_asked_for_and_the_last_ones_second_by_second() -> None:
    gap = Gap("a", NOON - 1030, NOON - 10)

    assert pieces(gap) == [
        Piece(gap, NOON - 1020, NOON - 360, 60.0),
        Piece(gap, NOON - 360, NOON - 10, 1.0),
    ]


@given(st.floats(NOON - REMEMBERED, NOON - 10))
def test_pieces_lie_side_by_side(since: float) -> None:
    asked = pieces(Gap("a", since, NOON))

    assert asked[-1].until == NOON
    assert asked[0].since - since < 60
    for one, next_ in pairwise(asked):
        assert one.until == next_.since


def answer(begin: float, step: float, means: list[float | None]) -> Told:
    points = [None if mean is None else [mean, mean - 0.1, mean + 0.1] for mean in means]
    starts = [begin + at * step for at in range(len(means))]
    told = understood({"starts": starts, "step": step, "points": {"host.cpu": points}, "version": 1}, ["host.cpu"])
    assert told is not None
    return told


def test_an_answer_of_this_very_program_is_understood() -> None:
    recent = Recent()
    recent.put_figures(NOON, {"host.cpu": 0.5})
    series = recent.read(["host.cpu"], since=NOON - 1, until=NOON + 1, step=1.0)

    told = understood({"version": 1, "node": "a", "at": NOON, **series._asdict()}, ["host.cpu"])

    assert told is not None
    assert told.points["host.cpu"] == [None, (0.5, 0.5, 0.5), None]


def test_what_was_not_asked_for_is_left_out() -> None:
    points = {"host.cpu": [(1.0, 1.0, 1.0)], "custom.x" * 1000: [(1.0, 1.0, 1.0)]}

    told = understood({"starts": [NOON], "step": 1.0, "points": points}, ["host.cpu", "host.memory"])

    assert told is not None
    assert told.points == {"host.cpu": [(1.0, 1.0, 1.0)]}


@pytest.mark.parametrize(
    "nonsense",
    [
        None,
        [],
        {},
        {"starts": [1.0], "step": 1.0},
        {"starts": [1.0], "step": 1.0, "points": {"host.cpu": [[1.0, 2.0]]}},
        {"starts": [1.0], "step": 1.0, "points": {"host.cpu": []}},
        {"starts": "soon", "step": 1.0, "points": {}},
        {"starts": [1.0], "step": 1.0, "points": {"host.cpu": [["a", "b", "c"]]}},
    ],
)
def test_another_answer_is_none(nonsense: Any) -> None:
    assert understood(nonsense, ["host.cpu"]) is None


def test_what_is_no_number_is_left_out() -> None:
    piece = Piece(Gap("a", NOON, NOON + 10), NOON, NOON + 10, 1.0)

    assert rows(piece, answer(NOON + 1, 1.0, [float("nan"), float("inf"), 0.5]), moved=0.0) == [
        Row("a", NOON + 3, {"host.cpu": 0.5})
    ]


def test_seconds_become_rows_within_the_gap_alone() -> None:
    piece = Piece(Gap("a", NOON + 1.4, NOON + 5.2), NOON + 1.4, NOON + 5.2, 1.0)

    found = rows(piece, answer(NOON, 1.0, [0.1, 0.2, 0.3, None, 0.5, 0.6]), moved=0.0)

    assert found == [Row("a", NOON + 2, {"host.cpu": 0.3}), Row("a", NOON + 4, {"host.cpu": 0.5})]


def test_minutes_become_fillings() -> None:
    piece = Piece(Gap("a", NOON - 10, NOON + 500), NOON, NOON + 120, 60.0)

    found = fillings(piece, answer(NOON, 60.0, [0.2, 0.3, 0.4]), moved=0.0, interval=2.0)

    assert found == [
        Filling("a", NOON, {"host.cpu": Point(30, 0.2, 0.1, 0.3)}),
        Filling("a", NOON + 60, {"host.cpu": Point(30, 0.3, 0.2, 0.4)}),
    ]


def test_a_clock_that_is_wrong_is_reckoned_with() -> None:
    piece = Piece(Gap("a", NOON, NOON + 10), NOON, NOON + 10, 1.0)

    found = rows(piece, answer(NOON - 100, 1.0, [0.1, 0.2]), moved=101.0)

    assert [row.at for row in found] == [NOON + 1, NOON + 2]
