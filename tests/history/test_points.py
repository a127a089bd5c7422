"""Points of figures, and points of points."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eye.history.points import Buckets, Point, drawn_together, rounded, rounded_mean

FIGURES = st.lists(st.tuples(st.floats(0, 1000), st.floats(-1e6, 1e6)), max_size=40)


@given(FIGURES, st.floats(0.5, 400))
def test_buckets_say_what_was_put_into_them(figures: list[tuple[float, float]], step: float) -> None:
    buckets = Buckets(0, 1000, step)
    for at, figure in figures:
        buckets.put(at, figure)

    points = [point for point in buckets.points() if point is not None]

    assert len(buckets.points()) == len(buckets.starts)
    assert sum(point.number for point in points) == len(figures)
    if figures:
        whole = drawn_together(points)
        assert whole is not None
        values = [figure for _, figure in figures]
        assert (whole.least, whole.most) == (min(values), max(values))
        assert whole.mean == pytest.approx(sum(values) / len(values), abs=1e-3)


def test_what_lies_outside_is_not_counted() -> None:
    buckets = Buckets(100, 200, 10)

    buckets.put(99, 1.0)
    buckets.put(210, 1.0)

    assert set(buckets.points()) == {None}
    assert buckets.has_holes


def test_a_hole_is_filled_from_coarser_points_unless_some_of_their_time_is_known() -> None:
    fine, coarse = Buckets(0, 299, 10), Buckets(0, 299, 10)
    fine.put(90, 1.0)
    for begin in (0, 60, 120):
        coarse.put_point(begin, Point(60, 2.0, 1.0, 3.0))

    fine.fill_holes(coarse, 60)

    there = {start: point.mean for start, point in zip(fine.starts, fine.points(), strict=True) if point}
    assert there == {0: 2.0, 90: 1.0, 120: 2.0}


def test_nothing_drawn_together_is_nothing() -> None:
    assert drawn_together([]) is None


@pytest.mark.parametrize(
    ("name", "figure", "kept"),
    [
        ("host.cpu", 0.123456, 0.1235),
        ("host.memory", 512.0 * 2**20, 512.0 * 2**20),
        ("host.load_1m", 0.4249, 0.42),
        ("node.uptime", 86400.12345, 86400.12),
        ("custom.latency", 0.0000123456789, 0.0000123457),
        ("custom.latency", 1234567.891, 1234567.89),
        ("custom.orders", 3.0, 3.0),
        ("custom.orders", 0.0, 0.0),
    ],
)
def test_digits_that_say_nothing_are_left_out(name: str, figure: float, kept: float) -> None:
    assert rounded(name, figure) == kept


def test_a_mean_of_whole_numbers_has_hundredths() -> None:
    assert rounded_mean("host.processes", 100.33333) == 100.33
    assert rounded_mean("host.memory", 536870912.333) == 536870912.0
