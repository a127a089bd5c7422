"""A node keeps its last hour, and not a sample more."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from eye.metrics.catalogue import CATALOGUE
from eye.metrics.recent import MOST_POINTS, Recent, key
from eye.metrics.sample import HostReading, ProcessReading, Sample


def filled(figures: list[float | None], *, rows: int = 5, first: float = 100.0) -> Recent:
    recent = Recent(rows)
    for number, figure in enumerate(figures):
        recent.put_figures(first + number, {"host.cpu": figure})
    return recent


def means(recent: Recent, **asked: float) -> list[float | None]:
    series = recent.read(["host.cpu"], **({"since": 100.0, "until": 104.0, "step": 1.0} | asked))
    return [None if point is None else point[0] for point in series.points["host.cpu"]]


def test_what_was_put_in_comes_out_in_order() -> None:
    assert means(filled([0.1, 0.2, 0.3])) == [0.1, 0.2, 0.3, None, None]


def test_the_oldest_makes_room() -> None:
    recent = filled([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7])

    assert len(recent) == 5
    assert means(recent, until=106.0) == [None, None, 0.3, 0.4, 0.5, 0.6, 0.7]


def test_a_bucket_keeps_the_mean_the_least_and_the_greatest() -> None:
    series = filled([1.0, 3.0, 5.0, 2.0]).read(["host.cpu"], since=100.0, until=103.0, step=2.0)

    assert series.starts == (100.0, 102.0)
    assert series.points["host.cpu"] == ((2.0, 1.0, 3.0), (3.5, 2.0, 5.0))


def test_what_was_not_measured_is_a_gap_and_no_zero() -> None:
    assert means(filled([0.1, None, 0.3])) == [0.1, None, 0.3, None, None]


def test_a_metric_that_comes_later_has_a_gap_before() -> None:
    recent = filled([0.1, 0.2])
    recent.put_figures(102.0, {"host.cpu": 0.3, "node.orders": 7})

    series = recent.read(["node.orders", "no.such"], since=100.0, until=102.0, step=1.0)

    assert series.points == {"node.orders": (None, None, (7.0, 7.0, 7.0))}


def test_buckets_begin_at_multiples_of_the_step() -> None:
    series = filled([1.0]).read([], since=101.3, until=108.9, step=5.0)

    assert series.starts == (100.0, 105.0)


def test_no_answer_has_more_points_than_a_graph_can_show() -> None:
    series = filled([1.0]).read(["host.cpu"], since=0.0, until=1e6, step=0.001)

    assert len(series.starts) <= MOST_POINTS + 1


def test_a_sample_is_kept_under_the_names_of_the_catalogue() -> None:
    recent = Recent()
    recent.put(
        Sample(
            "a", "b", 100.0, HostReading("h", 1, 2, None, 4, 0.5, 6, 7.0), ProcessReading(1, 2, 0.3, 4, 5, 6, 7.0)
        )
    )

    series = recent.read([key(one) for one in CATALOGUE], since=100.0, until=100.0, step=1.0)

    assert series.points["host.memory"] == ((1.0, 1.0, 1.0),)
    assert series.points["host.cpu"] == (None,)
    assert series.points["node.restarts"] == ((6.0, 6.0, 6.0),)
    assert set(series.points) == {key(one) for one in CATALOGUE}


@given(
    st.lists(st.one_of(st.none(), st.floats(-1e9, 1e9)), max_size=40),
    st.integers(1, 10),
    st.floats(0.5, 7.0),
)
def test_every_kept_figure_is_in_exactly_one_bucket(figures: list[float | None], rows: int, step: float) -> None:
    recent = filled(figures, rows=rows)
    kept = [one for one in figures[-rows:] if one is not None]

    points = [
        one
        for one in recent.read(["host.cpu"], since=99.0, until=150.0, step=step).points.get("host.cpu", ())
        if one is not None
    ]

    assert len(points) <= len(kept)
    assert all(least <= most for _, least, most in points)
    if kept:
        assert min(least for _, least, _ in points) == min(kept)
        assert max(most for _, _, most in points) == max(kept)
        assert all(math.isfinite(mean) for mean, _, _ in points)
