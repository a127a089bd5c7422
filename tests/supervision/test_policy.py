"""What a supervisor decides: tables for what is meant, properties for all the rest."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from eye.supervision import KILLED, NOPROC, NORMAL, SHUTDOWN, Crash, Reason, Restart, Strategy, shutdown
from eye.supervision.child_spec import AutoShutdown
from eye.supervision.policy import (
    ChildState,
    GiveUp,
    Leave,
    Remove,
    Rules,
    ShutDown,
    Start,
    StartWith,
    Step,
    Stop,
    Wait,
    decide,
    resume,
    wants_back,
    why_not,
)
from eye.supervision.restart_window import RestartWindow

CLEAN = (NORMAL, SHUTDOWN, shutdown("detail"))
UNCLEAN = (KILLED, NOPROC, Reason("odd"), Crash("ValueError", "boom"), Crash("normal"))
PERMANENT, TRANSIENT, TEMPORARY = Restart.PERMANENT, Restart.TRANSIENT, Restart.TEMPORARY
ROOMY = RestartWindow(max_restarts=100)


def steps_for(
    strategy: Strategy, restarts: list[Restart], exited: int, reason: Reason, **more: bool
) -> tuple[Step, ...]:
    children = tuple(ChildState(n, restart, is_alive=n != exited) for n, restart in enumerate(restarts))
    return decide(Rules(strategy), children, exited, reason, ROOMY, 0.0, **more)[1]


@pytest.mark.parametrize("strategy", Strategy, ids=lambda one: one.value)
@pytest.mark.parametrize("reason", CLEAN + UNCLEAN, ids=repr)
@pytest.mark.parametrize("restart", Restart, ids=lambda one: one.value)
def test_every_strategy_type_and_reason(strategy: Strategy, restart: Restart, reason: Reason) -> None:
    wanted = {PERMANENT: True, TRANSIENT: reason in UNCLEAN, TEMPORARY: False}[restart]
    affected = {
        Strategy.ONE_FOR_ONE: ((), (1,)),
        Strategy.ONE_FOR_ALL: ((3, 2, 0), (0, 1, 2, 3)),
        Strategy.REST_FOR_ONE: ((3, 2), (1, 2, 3)),
    }[strategy]

    steps = steps_for(strategy, [PERMANENT, restart, PERMANENT, PERMANENT], 1, reason)

    if wanted:
        stopped, started = affected
        assert steps == ((Stop(stopped),) if stopped else ()) + (Start(started),)
    else:
        assert steps == ((Remove(1) if restart is TEMPORARY else Leave(1)),)


def test_a_temporary_bystander_is_stopped_and_removed_before_the_others_start() -> None:
    steps = steps_for(Strategy.ONE_FOR_ALL, [PERMANENT, TEMPORARY, TRANSIENT], 0, KILLED)

    assert steps == (Stop((2, 1)), Remove(1), Start((0, 2)))


def test_a_failed_restart_is_wanted_back_whatever_its_type_and_reason() -> None:
    assert steps_for(Strategy.ONE_FOR_ONE, [TRANSIENT], 0, NORMAL, failed_restart=True) == (Start((0,)),)


def crash_among_four(strategy: Strategy, exited: int, waiting: str, down: str, delay: float) -> tuple[Step, ...]:
    """a, b, c, d; the one with that index crashes. Who waits or is down is not alive."""
    children = tuple(
        ChildState(
            id_,
            PERMANENT,
            is_alive=id_ not in waiting + down and n != exited,
            is_restarting=id_ in waiting,
            is_waiting=id_ in waiting,
        )
        for n, id_ in enumerate("abcd")
    )
    return decide(Rules(strategy), children, "abcd"[exited], KILLED, ROOMY, 0.0, delay=delay)[1]


ONE, REST, ALL = Strategy.ONE_FOR_ONE, Strategy.REST_FOR_ONE, Strategy.ONE_FOR_ALL


@pytest.mark.parametrize(
    ("strategy", "exited", "waiting", "down", "delay", "steps"),
    [
        # a delay: whoever is affected is stopped at once, and nobody started
        (ONE, 1, "", "", 5.0, (Wait("b", 5.0),)),
        (REST, 1, "", "", 5.0, (Stop(("d", "c")), Wait("b", 5.0))),
        (ALL, 1, "", "", 5.0, (Stop(("d", "c", "a")), Wait("b", 5.0))),
        # no delay, while another waits: it goes on waiting, and with it whoever stands on it
        (ONE, 1, "c", "", 0.0, (Start(("b",)),)),
        (REST, 0, "c", "d", 0.0, (Stop(("b",)), Start(("a", "b")))),
        (REST, 0, "b", "cd", 0.0, (Start(("a",)),)),
        (REST, 0, "bd", "c", 0.0, (Start(("a",)),)),
        # (started by hand while the one before it waits)
        (REST, 2, "b", "d", 0.0, (StartWith("c", "b"),)),
        (REST, 2, "b", "", 0.0, (Stop(("d",)), StartWith("c", "b"))),
        (ALL, 0, "c", "bd", 0.0, (StartWith("a", "c"),)),
        (ALL, 0, "c", "d", 0.0, (Stop(("b",)), StartWith("a", "c"))),
        # both: each by its own clock
        (REST, 0, "c", "d", 5.0, (Stop(("b",)), Wait("a", 5.0))),
        (ALL, 0, "c", "bd", 5.0, (Wait("a", 5.0),)),
    ],
)
def test_a_restart_that_meets_a_delay(
    strategy: Strategy, exited: int, waiting: str, down: str, delay: float, steps: tuple[Step, ...]
) -> None:
    assert crash_among_four(strategy, exited, waiting, down, delay) == steps


@pytest.mark.parametrize(
    ("strategy", "waited", "waiting", "down", "steps"),
    [
        (ONE, "b", "bc", "", (Start(("b",)),)),
        (REST, "b", "b", "cd", (Start(("b", "c", "d")),)),
        (REST, "b", "b", "c", (Stop(("d",)), Start(("b", "c", "d")))),  # d was started by hand meanwhile
        (REST, "b", "bd", "c", (Start(("b", "c")),)),
        (REST, "c", "bc", "d", (StartWith("c", "b"),)),
        (ALL, "b", "b", "acd", (Start(("a", "b", "c", "d")),)),
        (ALL, "b", "b", "cd", (Stop(("a",)), Start(("a", "b", "c", "d")))),
        (ALL, "b", "bd", "ac", (StartWith("b", "d"),)),
    ],
)
def test_when_a_wait_is_over(
    strategy: Strategy, waited: str, waiting: str, down: str, steps: tuple[Step, ...]
) -> None:
    children = tuple(
        ChildState(id_, PERMANENT, is_alive=id_ not in waiting + down, is_waiting=id_ in waiting and id_ != waited)
        for id_ in "abcd"
    )

    assert resume(Rules(strategy), children, waited) == steps


def test_a_temporary_bystander_of_a_group_that_waits_goes_at_once() -> None:
    children = (ChildState("a", PERMANENT, is_alive=False), ChildState("b", TEMPORARY), ChildState("c", PERMANENT))

    _, steps = decide(Rules(ALL), children, "a", KILLED, ROOMY, 0.0, delay=1.0)

    assert steps == (Stop(("c", "b")), Remove("b"), Wait("a", 1.0))


def test_a_delay_does_not_change_when_it_gives_up() -> None:
    child = (ChildState("a", PERMANENT, is_alive=False),)
    full = RestartWindow(1, 5.0, (0.0,))

    assert decide(Rules(), child, "a", KILLED, full, 1.0, delay=9.0)[1] == (GiveUp(),)


@pytest.mark.parametrize("restart", Restart, ids=lambda one: one.value)
@pytest.mark.parametrize("reason", CLEAN + UNCLEAN, ids=repr)
def test_there_is_a_rule_exactly_where_a_child_is_not_wanted_back(restart: Restart, reason: Reason) -> None:
    assert (why_not(restart, reason) is None) is wants_back(restart, reason)


@pytest.mark.parametrize(
    ("auto", "sibling", "reason", "shuts_down"),
    [
        (AutoShutdown.ANY_SIGNIFICANT, {"is_alive": True}, NORMAL, True),
        (AutoShutdown.ANY_SIGNIFICANT, {"is_alive": True}, KILLED, False),
        (AutoShutdown.ALL_SIGNIFICANT, {"is_alive": True}, NORMAL, False),
        (AutoShutdown.ALL_SIGNIFICANT, {"is_alive": False}, NORMAL, True),
        (AutoShutdown.ALL_SIGNIFICANT, {"is_alive": False, "is_restarting": True}, NORMAL, False),
        (AutoShutdown.ALL_SIGNIFICANT, {"is_alive": False}, KILLED, False),
        (AutoShutdown.NEVER, {"is_alive": False}, NORMAL, False),
    ],
)
def test_automatic_shutdown(
    auto: AutoShutdown, sibling: dict[str, bool], reason: Reason, shuts_down: bool
) -> None:
    children = (
        ChildState("done", TRANSIENT, True, is_alive=False),
        ChildState("sibling", TRANSIENT, True, **sibling),
        ChildState("insignificant", PERMANENT),
    )

    _, steps = decide(Rules(auto_shutdown=auto), children, "done", reason, ROOMY, 0.0)

    assert (ShutDown() in steps) is shuts_down


@pytest.mark.parametrize("reason", CLEAN + UNCLEAN, ids=repr)
@pytest.mark.parametrize("auto", [AutoShutdown.ANY_SIGNIFICANT, AutoShutdown.ALL_SIGNIFICANT])
def test_a_significant_temporary_child_is_done_whatever_it_exited_with(auto: AutoShutdown, reason: Reason) -> None:
    children = (ChildState("done", TEMPORARY, True, is_alive=False), ChildState("other", PERMANENT))

    _, steps = decide(Rules(auto_shutdown=auto), children, "done", reason, ROOMY, 0.0)

    assert steps == (Remove("done"), ShutDown())


any_reason = some.sampled_from(CLEAN + UNCLEAN)
any_children = some.lists(some.tuples(some.sampled_from(Restart), some.booleans()), min_size=1, max_size=8)


@given(some.sampled_from(Strategy), any_children, some.data(), any_reason, some.integers(0, 5))
def test_whatever_happens_the_decision_makes_sense(
    strategy: Strategy, made: list[tuple[Restart, bool]], data: some.DataObject, reason: Reason, used: int
) -> None:
    exited = data.draw(some.integers(0, len(made) - 1))
    children = tuple(ChildState(n, restart, is_alive=up and n != exited) for n, (restart, up) in enumerate(made))
    before = RestartWindow(3, 5.0, tuple(0.0 for _ in range(min(used, 4))))

    window, steps = decide(Rules(strategy), children, exited, reason, before, 1.0)

    stopped = [id_ for step in steps if isinstance(step, Stop) for id_ in step.ids]
    started = [id_ for step in steps if isinstance(step, Start) for id_ in step.ids]
    assert stopped == sorted(stopped, reverse=True)
    assert started == sorted(started)
    assert exited not in stopped
    assert all(children[id_].is_alive for id_ in stopped)
    assert all(children[id_].restart is not TEMPORARY for id_ in started)
    assert {id_ for id_ in stopped if children[id_].restart is not TEMPORARY} <= set(started)
    assert (window != before) == bool(started or GiveUp() in steps)  # charged exactly when restarted
    assert (GiveUp() in steps) == (window.is_exceeded and window != before)
    if GiveUp() in steps:
        assert steps == (GiveUp(),)


@settings(deadline=None)
@given(some.sampled_from(Strategy), some.lists(some.sampled_from(["up", "down", "waits"]), min_size=1, max_size=7),
       some.data(), some.booleans())  # fmt: skip
def test_nobody_is_started_who_waits_or_stands_on_somebody_who_does(
    strategy: Strategy, made: list[str], data: some.DataObject, is_over: bool
) -> None:
    at = data.draw(some.integers(0, len(made) - 1))
    children = tuple(
        ChildState(n, PERMANENT, is_alive=how == "up" and n != at, is_waiting=how == "waits" and n != at)
        for n, how in enumerate(made)
    )
    steps = (
        resume(Rules(strategy), children, at)
        if is_over
        else decide(Rules(strategy), children, at, KILLED, ROOMY, 0.0)[1]
    )

    waiting = {child.id for child in children if child.is_waiting}
    started = {id_ for step in steps if isinstance(step, Start) for id_ in step.ids}
    stands_on = {ONE: lambda n: set(), REST: lambda n: set(range(n)), ALL: lambda n: set(range(len(made)))}[
        strategy
    ]
    assert not started & waiting
    assert not any(stands_on(n) & waiting for n in started)
    # and whoever is not started now will be, together with somebody who waits:
    [joined] = [step.other for step in steps if isinstance(step, StartWith)] or [None]
    assert (at in started) != (joined in waiting)
    affected = {ONE: {at}, REST: set(range(at, len(made))), ALL: set(range(len(made)))}[strategy]
    for n in affected - started - waiting - {at}:
        assert stands_on(n) & waiting


times = some.lists(some.floats(0, 100, allow_nan=False), max_size=60).map(sorted)


@given(times, some.integers(0, 6), some.floats(0.1, 20))
def test_a_window_remembers_no_more_than_it_needs_and_counts_as_the_full_list_would(
    moments: list[float], limit: int, span: float
) -> None:
    window, all_of_them = RestartWindow(limit, span), []
    for moment in moments:
        window = window.after_restart(moment)
        all_of_them.append(moment)

        recent = sum(moment - one <= span for one in all_of_them)
        assert window.is_exceeded is (recent > limit)
        assert window.used(moment) == min(recent, limit + 1)
        assert len(window.times) <= limit + 1


@given(some.integers(1, 10), some.floats(0.5, 10))
def test_a_crash_loop_slower_than_the_budget_never_trips_it(limit: int, span: float) -> None:
    window, gap = RestartWindow(limit, span), span / limit * 1.001
    for number in range(200):
        window = window.after_restart(number * gap)

        assert not window.is_exceeded


@pytest.mark.parametrize(
    "wrong",
    [{"max_restarts": -1}, {"max_restarts": 1.5}, {"max_restarts": True}, {"max_seconds": 0}, {"max_seconds": "5"},
     {"max_seconds": float("nan")}, {"max_seconds": float("inf")}],
)  # fmt: skip
def test_a_budget_that_makes_no_sense_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        RestartWindow(**wrong)  # type: ignore[arg-type]
