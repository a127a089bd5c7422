"""What waits to be written, and of which moment it is."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eye.history.keeping import PUT_BACK, Keeping, Moments, fresh
from eye.history.memory_store import MemoryStore
from eye.history.store import Row
from eye.metrics.sample import About

NOON = 1_800_014_400.0


def keeping(room: int = 5) -> Keeping:
    return Keeping(MemoryStore, "memory", room)


def test_what_comes_waits_in_order(heard: Callable[..., Any]) -> None:
    waiting = keeping()
    samples = [heard("a", NOON + at) for at in range(3)]
    for one in samples:
        waiting.send(one)

    taken = waiting.take()

    assert list(taken.heard) == samples
    assert waiting.take().heard == ()


def test_the_newest_have_room(heard: Callable[..., Any]) -> None:
    waiting = keeping(room=5)
    for at in range(8):
        waiting.send(heard("a", NOON + at))

    taken = waiting.take()

    assert [one.sample.at - NOON for one in taken.heard] == [3, 4, 5, 6, 7]
    assert taken.lost == 3


def test_nobody_who_has_a_sample_waits_for_the_store_to_be_made(heard: Callable[..., Any]) -> None:
    def make_store() -> MemoryStore:
        sender = threading.Thread(target=waiting.send, args=(heard("a", NOON),))
        sender.start()
        sender.join(10)
        assert not sender.is_alive()
        return MemoryStore()

    waiting = Keeping(make_store, "memory")

    assert waiting.store.place == "memory"
    assert waiting.waiting == 1


@given(st.lists(st.integers(0, 4), max_size=6))
def test_what_could_not_be_written_waits_again_before_what_came_since(batches: list[int]) -> None:
    waiting, number = keeping(room=5), 0
    for batch in batches:
        taken = waiting.take()
        for _ in range(batch):
            waiting.send(number)  # type: ignore[arg-type]
            number += 1
        waiting.put_back(taken)

    taken = waiting.take()

    assert list(taken.heard) == list(range(number))[-5:]
    assert taken.lost == max(number - 5, 0)


def test_the_store_is_made_once_and_late() -> None:
    made: list[MemoryStore] = []
    waiting = Keeping(lambda: made.append(MemoryStore()) or made[-1], "memory")  # type: ignore[func-returns-value]
    assert made == []

    assert waiting.store is waiting.store is made[0]


@pytest.mark.parametrize("late", [-1.9, 0.0, 0.3, 1.9])
def test_a_sample_is_of_the_moment_that_its_node_says(heard: Callable[..., Any], late: float) -> None:
    assert Moments().row(heard("a", NOON, late=late)).at == NOON


def test_a_clock_that_is_wrong_is_moved_by_whole_seconds_and_always_by_the_same(heard: Callable[..., Any]) -> None:
    moments = Moments()

    at = [moments.row(heard("a", NOON + second, late=3600.2 + 0.3 * second)).at for second in range(4)]

    assert at == [NOON + 3600 + second for second in range(4)]
    assert moments.moved("a") == 3600.0


@pytest.mark.parametrize("said", [float("nan"), float("inf"), -float("inf"), 1e300, -1.0e300])
def test_who_does_not_tell_the_time_is_written_down_when_heard(heard: Callable[..., Any], said: float) -> None:
    one = heard("a", NOON)
    nonsense = type(one)("a", replace(one.sample, at=said), NOON)

    assert Moments().row(nonsense).at == NOON


def test_a_clock_that_was_put_right_is_believed_again(heard: Callable[..., Any]) -> None:
    moments = Moments()
    moments.row(heard("a", NOON, late=50.0))

    assert moments.row(heard("a", NOON + 51, late=0.1)).at == NOON + 51


def test_all_figures_are_named_and_rounded(heard: Callable[..., Any]) -> None:
    one = heard("a", NOON, cpu=0.123456, custom={"orders": 3}, about={"orders": About("", "count")})

    named = Moments().row(one).figures

    assert named["host.cpu"] == 0.1235
    assert named["custom.orders"] == 3
    assert named["node.memory"] == 46 * 2**20


@pytest.mark.parametrize(
    ("last", "come", "written"),
    [
        ({}, [0, 1, 2], [0, 1, 2]),
        ({"a": 0}, [0, 1, 1, 2], [1, 2]),
        ({"a": 2}, [1, 0, 3], [3]),
        ({"a": 7200}, [0, 1, 2], [0, 1, 2]),  # the clock was put back while nothing came
        ({}, [7200, 7201, 3, 3, 4], [7200, 7201, 3, 4]),  # and in between
        ({"a": PUT_BACK}, [0], []),
    ],
)
def test_rows_are_written_once_and_time_goes_on_from_where_a_clock_was_put(
    last: dict[str, float], come: list[float], written: list[float]
) -> None:
    rows = [Row("a", NOON + at, {}) for at in come]

    chosen = fresh(rows, {node: NOON + at for node, at in last.items()})

    assert [row.at - NOON for row in chosen] == written
