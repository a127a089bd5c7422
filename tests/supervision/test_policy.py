"""What a supervisor decides: tables for what is meant, properties for all the rest."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from eye.supervision import KILLED, NOPROC, NORMAL, SHUTDOWN, Crash, Reason, Restart, Strategy, shutdown
from eye.supervision.child_spec import AutoShutdown
from eye.supervision.policy import ChildState, GiveUp, Leave, Remove, Rules, ShutDown, Start, Step, Stop, decide
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


@pytest.mark.parametrize(
    ("auto", "sibling", "reason", "shuts_down"),
    [
        (AutoShutdown.ANY_SIGNIFICANT, {"is_alive": True}, NORMAL, True),
        (AutoShutdown.ANY_SIGNIFICANT, {"is_alive": True}, KILLED, False),
        (AutoShutdown.ALL_SIGNIFICANT, {"is_alive": True}, NORMAL, False),
        (AutoShutdown.ALL_SIGNIFICANT, {"is_alive": False}, NORMAL, True),
        (AutoShutdown.ALL_SIGNIFICANT, {"is_alive": False, "is_restarting": True}, NORMAL, False),
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
