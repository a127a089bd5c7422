"""By how much a counter grew lately."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eye.alerts.growth import Risen


@pytest.mark.parametrize(("counts", "grew"), [
    # one look a second, over 3 seconds
    ([50], [0]),
    ([50, 50, 52, 52, 52, 52, 52], [0, 0, 2, 2, 2, 0, 0]),
    ([0, 1, 2, 3, 4, 5], [0, 1, 2, 3, 3, 3]),
    ([50, 53, 2, 2], [0, 3, 5, 5]),  # the node was started anew, and counts from 0
    ([50, 0, 0, 0, 0], [0, 0, 0, 0, 0]),
])  # fmt: skip
def test_a_counter_grows_and_what_is_long_ago_is_forgotten(counts: list[float], grew: list[float]) -> None:
    risen = Risen(3.0)

    assert [risen.look(count, float(second)) for second, count in enumerate(counts)] == grew


@given(st.lists(st.tuples(st.integers(0, 5), st.floats(0.1, 5.0)), max_size=80), st.floats(1.0, 20.0))
def test_it_is_the_sum_of_the_steps_within_the_window(steps: list[tuple[int, float]], window: float) -> None:
    risen, now, count = Risen(window), 0.0, 100
    risen.look(count, now)
    taken: list[tuple[float, int]] = []
    for more, seconds in steps:
        now += seconds
        count += more
        taken.append((now, more))

        assert risen.look(count, now) == sum(more for at, more in taken if at > now - window)


def test_a_counter_that_never_rests_costs_no_more_than_so_much() -> None:
    risen = Risen(1e9)

    for count in range(5000):
        risen.look(count, float(count))

    assert len(risen._steps) <= 1001
