"""What a supervisor decides, for all inputs: tables, and properties that hold for every one of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eye.supervision import KILLED, NORMAL, SHUTDOWN, Crash, Reason, Restart, Strategy, shutdown
from eye.supervision.policy import ChildState, GiveUp, Leave, Remove, Rules, Start, Stop, decide, wants_back
from eye.supervision.restart_window import RestartWindow

CRASH = Crash("ValueError", "oops")
CLEAN = [NORMAL, SHUTDOWN, shutdown("done")]
WINDOW = RestartWindow(3, 5.0)


@pytest.mark.parametrize(
    ("restart", "after_clean", "after_crash"),
    [(Restart.PERMANENT, True, True), (Restart.TRANSIENT, False, True), (Restart.TEMPORARY, False, False)],
)
def test_who_is_wanted_back(restart: Restart, after_clean: bool, after_crash: bool) -> None:
    assert {wants_back(restart, reason) for reason in CLEAN} == {after_clean}
    assert {wants_back(restart, reason) for reason in (CRASH, KILLED, Reason("boom"))} == {after_crash}


def children(*ids: str, restart: Restart = Restart.PERMANENT) -> tuple[ChildState, ...]:
    return tuple(ChildState(id_, restart, is_alive=id_ != "b") for id_ in ids)


@pytest.mark.parametrize(
    ("strategy", "stopped", "started"),
    [
        (Strategy.ONE_FOR_ONE, (), ("b",)),
        (Strategy.REST_FOR_ONE, ("d", "c"), ("b", "c", "d")),
        (Strategy.ONE_FOR_ALL, ("d", "c", "a"), ("a", "b", "c", "d")),
    ],
)
def test_who_is_stopped_and_started(
    strategy: Strategy, stopped: tuple[str, ...], started: tuple[str, ...]
) -> None:
    _, steps = decide(Rules(strategy), children("a", "b", "c", "d"), "b", CRASH, WINDOW, 0.0)

    assert tuple(id_ for step in steps if isinstance(step, Stop) for id_ in step.ids) == stopped
    assert tuple(id_ for step in steps if isinstance(step, Start) for id_ in step.ids) == started


def test_a_clean_end_that_was_wanted_is_left_and_a_temporary_child_forgotten() -> None:
    left = decide(Rules(), children("b", restart=Restart.TRANSIENT), "b", NORMAL, WINDOW, 0.0)
    gone = decide(Rules(), children("b", restart=Restart.TEMPORARY), "b", CRASH, WINDOW, 0.0)

    assert left == (WINDOW, (Leave("b"),))
    assert gone == (WINDOW, (Remove("b"),))


@given(st.integers(0, 5), st.lists(st.floats(0.0, 3.0), max_size=12))
def test_it_gives_up_at_strictly_more_than_the_limit_within_the_window(limit: int, gaps: list[float]) -> None:
    window, now, times = RestartWindow(limit, 5.0), 0.0, []
    for gap in gaps:
        now += gap
        times.append(now)
        window, steps = decide(Rules(), children("b"), "b", CRASH, window, now)
        recent = [time for time in times if now - time <= 5.0]
        assert (steps == (GiveUp(),)) == (len(recent) > limit)
        if steps == (GiveUp(),):
            return


@given(
    st.sampled_from(Strategy),
    st.lists(st.sampled_from(Restart), min_size=1, max_size=6),
    st.data(),
)
def test_whoever_is_stopped_is_started_again_unless_temporary(
    strategy: Strategy, kinds: list[Restart], data: st.DataObject
) -> None:
    exited = data.draw(st.integers(0, len(kinds) - 1))
    family = tuple(ChildState(i, kind, is_alive=i != exited) for i, kind in enumerate(kinds))
    _, steps = decide(Rules(strategy), family, exited, CRASH, WINDOW, 0.0)

    stopped = [id_ for step in steps if isinstance(step, Stop) for id_ in step.ids]
    started = [id_ for step in steps if isinstance(step, Start) for id_ in step.ids]
    assert stopped == sorted(stopped, reverse=True)
    assert started == sorted(started)
    assert {id_ for id_ in stopped if kinds[id_] is not Restart.TEMPORARY} <= set(started)
    assert all(kinds[id_] is not Restart.TEMPORARY for id_ in started)
