"""How often a node is asked: the rule, the wishes that run out, and an observer that falls behind."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eye.monitor.node_view import patience
from eye.monitor.pace import SLOWEST, Rule, Strain, Wish, Wishes

RULE = Rule(interval=1.0, few=50, slow_every=5.0)


@pytest.mark.parametrize(
    ("wish", "nodes", "strain", "every"),
    [
        (Wish.CLOSELY, 1000, 0, 1),
        (Wish.CLOSELY, 1000, 5, 1),  # what somebody looks at is asked whatever happens
        (Wish.ALWAYS, 1000, 0, 1),
        (Wish.ALWAYS, 1000, 1, 2),
        (Wish.ALWAYS, 1000, 5, 30),
        (Wish.SOMETIMES, 50, 0, 1),
        (Wish.SOMETIMES, 50, 2, 4),
        (Wish.SOMETIMES, 51, 0, 5),
        (Wish.SOMETIMES, 51, 1, 10),
        (Wish.SOMETIMES, 51, 2, 20),
        (Wish.SOMETIMES, 51, 3, 30),
    ],
)
def test_the_rule(wish: Wish, nodes: int, strain: int, every: float) -> None:
    assert RULE.every(wish, nodes, strain) == every


@given(
    interval=st.floats(0.1, 3600),
    slow_every=st.floats(0.1, SLOWEST),
    nodes=st.integers(1, 2000),
    strain=st.integers(0, Strain.MOST),
)
def test_the_closer_it_is_looked_at_the_oftener_it_is_asked_and_never_oftener_than_wanted(
    interval: float, slow_every: float, nodes: int, strain: int
) -> None:
    rule = Rule(interval, 50, slow_every)

    every = [rule.every(wish, nodes, strain) for wish in (Wish.CLOSELY, Wish.ALWAYS, Wish.SOMETIMES)]

    assert every == sorted(every)
    assert every[0] == interval
    assert every[-1] <= max(SLOWEST, interval)


def test_a_wish_runs_out_and_those_of_several_add_up() -> None:
    wishes = Wishes()

    assert wishes.of("a", 0) is Wish.NOTHING
    wishes.add(10, ["a"], 0)
    wishes.add(5, None, 0)

    assert [wishes.of(node, 4) for node in "ab"] == [Wish.CLOSELY, Wish.ALWAYS]
    assert [wishes.of(node, 6) for node in "ab"] == [Wish.CLOSELY, Wish.SOMETIMES]
    assert [wishes.of(node, 10) for node in "ab"] == [Wish.NOTHING, Wish.NOTHING]


def test_a_shorter_wish_takes_nothing_from_a_longer_one() -> None:
    wishes = Wishes()
    wishes.add(10, ["a"], 0)

    wishes.add(2, ["a"], 1)

    assert wishes.of("a", 9) is Wish.CLOSELY


def test_whoever_wishes_more_than_was_wished_has_the_nodes_asked_sooner() -> None:
    wishes = Wishes()

    assert wishes.add(10, ["a"], 0)  # nobody looked
    assert not wishes.add(10, ["a"], 1)
    assert wishes.add(10, ["a", "b"], 2)
    assert wishes.add(10, None, 3)
    assert not wishes.add(11, None, 4)
    assert wishes.add(20, ["a"], 15)  # it had run out


def test_wishes_of_long_ago_are_forgotten() -> None:
    wishes = Wishes()
    for second in range(100):
        wishes.add(second + 1.5, [f"{second}-{number}" for number in range(50)], second)

    assert len(wishes._close) <= 1100


def test_an_observer_that_stays_behind_asks_more_and_more_seldom_and_recovers() -> None:
    strain, steps = Strain(), []
    for second in range(200):
        strain.tell(second < 60, second)
        steps.append(strain.steps)

    climbed = [steps.index(step) for step in range(1, Strain.MOST + 1)]
    assert all(later - earlier >= Strain.PATIENCE for earlier, later in itertools.pairwise(climbed))
    assert steps[59] == Strain.MOST
    assert steps[59 + 14] == Strain.MOST  # not at once
    assert steps[199] == 0
    assert all(later >= earlier - 1 for earlier, later in itertools.pairwise(steps))


@pytest.mark.parametrize(("every", "seconds"), [(None, 5.0), (1.0, 5.0), (5.0, 12.5), (30.0, 75.0)])
def test_a_node_that_is_asked_seldom_is_stale_later(every: float | None, seconds: float) -> None:
    assert patience(every) == seconds
