"""A pause between restarts: how long, and that nothing else of OTP's behaviour changes by it."""

from __future__ import annotations

import itertools
import logging
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from eye.errors import AlreadyPresent, BadChildSpec, ChildRestarting, MaxChildrenReached, StartFailed
from eye.supervision import (
    SHUTDOWN,
    ChildSpec,
    Delay,
    DynamicSupervisor,
    Ref,
    Restart,
    Strategy,
    Supervisor,
    System,
    events,
)
from eye.supervision.introspection import as_text, tree
from eye.testing import ManualClock, drain
from tests.supervision.servers import PATIENCE, Obedient, child, crash, named

if TYPE_CHECKING:
    from collections.abc import Iterator

STEADY = Delay(first=1.0, factor=2.0, longest=8.0, jitter=0.0)


# ------------------------------------------------------------------------------------- how long


def test_each_wait_is_longer_than_the_one_before_it_and_none_too_long() -> None:
    assert [STEADY.seconds(attempt, 0.5) for attempt in range(1, 7)] == [1, 2, 4, 8, 8, 8]


def test_the_defaults_are_those_of_the_documentation() -> None:
    plain = Delay(jitter=0)

    waits = [round(plain.seconds(attempt, 0.0), 3) for attempt in range(1, 12)]

    assert waits == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 30.0, 30.0]
    assert Delay() == Delay(0.1, 2.0, 30.0, 0.1, None)


def test_chance_takes_off_a_share_and_never_adds_one() -> None:
    assert Delay(first=10, jitter=0.5).seconds(1, 0.0) == 10
    assert Delay(first=10, jitter=0.5).seconds(1, 0.5) == 7.5


any_delay = some.builds(
    lambda first, factor, more, jitter: Delay(first, factor, first + more, jitter),
    some.floats(0, 100),
    some.floats(1, 1000),
    some.floats(0, 1000),
    some.floats(0, 1),
)


@settings(deadline=None)
@given(any_delay, some.integers(1, 10**6), some.floats(0, 1, exclude_max=True))
def test_whatever_the_attempt_a_wait_is_no_longer_than_the_longest(
    delay: Delay, attempt: int, chance: float
) -> None:
    assert 0 <= delay.seconds(attempt, chance) <= delay.longest
    assert delay.seconds(attempt, 0.0) <= delay.seconds(attempt + 1, 0.0)


@pytest.mark.parametrize(
    ("delay", "ran", "attempt"),
    [
        (STEADY, 7.9, 4),
        (STEADY, 8.0, 1),  # as long as the longest wait
        (Delay(reset_after=2.0), 1.9, 4),
        (Delay(reset_after=2.0), 2.0, 1),
    ],
)
def test_a_child_that_ran_well_begins_again_with_the_first_wait(delay: Delay, ran: float, attempt: int) -> None:
    assert delay.attempt_after(3, ran) == attempt


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"first": -1}, "first must be seconds >= 0, not -1"),
        ({"first": "1s"}, "first must be seconds >= 0, not '1s'"),
        ({"first": True}, "first must be"),
        ({"factor": 0.5}, "factor must be a number >= 1, not 0.5"),
        ({"factor": float("inf")}, "factor must be"),
        ({"longest": 0.01}, "longest must be seconds >= first, which is 0.1, not 0.01"),
        ({"longest": float("nan")}, "longest must be"),
        ({"jitter": 1.5}, "jitter must be a share from 0 to 1, not 1.5"),
        ({"reset_after": -1}, "reset_after must be seconds >= 0 or None, not -1"),
    ],
)
def test_a_delay_that_makes_no_sense_is_refused(wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(BadChildSpec, match=f"delay: {says}"):
        Delay(**wrong)


def test_what_is_no_delay_is_refused_by_child_and_supervisor(system: System) -> None:
    with pytest.raises(StartFailed, match="delay must be a Delay or None, not 5"):
        system.start(Supervisor, [child("a", delay=5)])
    with pytest.raises(StartFailed, match="delay must be a Delay or None, not 5"):
        system.start(Supervisor, [], delay=5)


# --------------------------------------------------------------------------- who waits, and how


def supervise(system: System, children: list[Any], **options: Any) -> Ref:
    ref = system.start(Supervisor, children, name="top", **options)
    assert ref is not None
    return ref


def break_(system: System, id_: str) -> None:
    named(system, id_).cast(crash)
    drain(system)


def pass_time(system: System, clock: ManualClock, seconds: float) -> None:
    clock.advance(seconds)
    drain(system)


def statuses(supervisor: Ref) -> str:
    """Who runs (upper case), is restarting (lower case) or is down (a dot)."""
    show = {"running": str.upper, "restarting": str.lower, "stopped": lambda _id: "."}
    return "".join(show[one.status](one.id) for one in Supervisor.which_children(supervisor))


def test_without_a_delay_there_is_none(system: System) -> None:
    top = supervise(system, [child("a")])

    break_(system, "a")  # and the clock stands still

    assert statuses(top) == "A"


def test_a_child_with_a_delay_waits_for_its_next_try_and_the_others_are_served_meanwhile(
    system: System, clock: ManualClock
) -> None:
    top = supervise(system, [child("a", delay=STEADY), child("b")])

    break_(system, "a")
    pass_time(system, clock, 0.9)
    break_(system, "b")

    assert statuses(top) == "aB"
    pass_time(system, clock, 0.1)
    assert statuses(top) == "AB"
    assert [one.restarts for one in Supervisor.which_children(top)] == [1, 1]


@pytest.mark.parametrize(
    ("own", "of_supervisor", "waits"),
    [(None, None, 0), (None, STEADY, 1), (STEADY, None, 1), (Delay(first=3, jitter=0), STEADY, 3),
     (Delay(first=0), STEADY, 0)],
)  # fmt: skip
def test_the_childs_own_delay_wins_over_its_supervisors(
    system: System, own: Delay | None, of_supervisor: Delay | None, waits: float
) -> None:
    top = supervise(system, [child("a", delay=own)], delay=of_supervisor)

    break_(system, "a")

    info = Supervisor.which_child(top, "a")
    assert info.next_try_at == (system.clock.now() + waits if waits else None)


def test_the_waits_grow_with_each_exit_and_each_failed_start_until_it_ran_well(
    system: System, clock: ManualClock
) -> None:
    outcomes: Iterator[Any] = iter([None, crash, crash, None, None, None])
    moody = child("a", delay=STEADY, kwargs={"on_init": lambda me: (next(outcomes) or (lambda _: None))(me)})
    top = supervise(system, [moody], max_restarts=100)
    waits = []

    def wait() -> None:
        at = Supervisor.which_child(top, "a").next_try_at
        assert at is not None
        waits.append(at - clock.now())
        pass_time(system, clock, at - clock.now())

    break_(system, "a")
    wait()  # and its start fails
    wait()  # and fails again
    wait()  # and it runs, but not for long
    pass_time(system, clock, 7.9)
    break_(system, "a")
    wait()
    pass_time(system, clock, 8.0)
    break_(system, "a")
    wait()

    assert waits == [1, 2, 4, 8, 1]
    assert statuses(top) == "A"


def test_a_restart_by_hand_begins_with_the_first_wait_again(system: System, clock: ManualClock) -> None:
    top = supervise(system, [child("a", delay=STEADY)])
    break_(system, "a")
    pass_time(system, clock, 1)
    Supervisor.stop_child(top, "a")
    Supervisor.restart_child(top, "a")

    break_(system, "a")

    assert Supervisor.which_child(top, "a").next_try_at == clock.now() + 1


def test_chance_is_handed_in(clock: ManualClock) -> None:
    with System(clock=clock, chance=lambda: 0.5) as system:
        top = supervise(system, [child("a", delay=Delay(first=10, jitter=0.4))])

        break_(system, "a")

        assert Supervisor.which_child(top, "a").next_try_at == clock.now() + 8


# ------------------------------------------------------------------------------- the accounting


def _kills_until_it_gives_up(system: System, clock: ManualClock, **options: Any) -> int:
    top = supervise(system, [child("a", **options)], max_restarts=3, max_seconds=1000)
    for kills in itertools.count(1):
        named(system, "a").cast(crash)
        drain(system)
        clock.advance(8)
        drain(system)
        if not top.is_alive:
            assert top.exit_reason == SHUTDOWN
            return kills
    raise AssertionError


@pytest.mark.parametrize("delay", [None, STEADY])
def test_giving_up_happens_at_the_same_count_with_and_without(
    system: System, clock: ManualClock, delay: Delay | None
) -> None:
    assert _kills_until_it_gives_up(system, clock, delay=delay) == 4


@pytest.mark.parametrize("delay", [None, STEADY])
def test_each_failed_try_is_charged_as_without_a_delay(
    system: System, clock: ManualClock, delay: Delay | None
) -> None:
    log: list[Any] = []
    first = iter([lambda _: None])
    spec = child("a", log, delay=delay, kwargs={"on_init": lambda me: next(first, crash)(me)})
    top = supervise(system, [spec], max_restarts=3, max_seconds=1000)

    break_(system, "a")
    for _ in range(4):
        pass_time(system, clock, 8)

    assert top.join(PATIENCE) == SHUTDOWN
    assert log.count(("init", "a")) == 4


def test_the_exit_is_charged_when_it_happens_and_not_when_the_wait_is_over(
    system: System, clock: ManualClock
) -> None:
    top = supervise(system, [child("a", delay=STEADY), child("b")], max_restarts=1)

    break_(system, "a")
    named(system, "b").cast(crash)

    assert top.join(PATIENCE) == SHUTDOWN  # one too many while a still waits


def test_RI_08_a_delay_longer_than_the_window_makes_a_crash_loop_that_goes_on_for_ever(
    system: System, clock: ManualClock
) -> None:
    slow = Delay(first=3, factor=1, longest=3, jitter=0)
    top = supervise(system, [child("a", delay=slow)], max_restarts=3, max_seconds=5)

    for _ in range(30):
        break_(system, "a")
        pass_time(system, clock, 3)

    assert statuses(top) == "A"
    assert Supervisor.which_child(top, "a").restarts == 30  # which is how one sees it: HD-04


# ---------------------------------------------------------------------------- what is asked of it


def test_a_waiting_child_is_restarting_and_answers_as_one(system: System) -> None:
    top = supervise(system, [child("a", delay=STEADY)])
    break_(system, "a")

    for request in (Supervisor.restart_child, Supervisor.delete_child):
        with pytest.raises(ChildRestarting):
            request(top, "a")
    with pytest.raises(AlreadyPresent):
        Supervisor.start_child(top, child("a"))
    assert Supervisor.count_children(top) == (1, 0, 0, 1)


def test_stopping_a_waiting_child_ends_its_wait(system: System, clock: ManualClock) -> None:
    top = supervise(system, [child("a", delay=STEADY)])
    break_(system, "a")

    Supervisor.stop_child(top, "a")
    pass_time(system, clock, 10)

    assert statuses(top) == "."
    assert system.timers.pending == 0
    Supervisor.delete_child(top, "a")


def test_an_old_wait_is_not_taken_for_a_new_one(system: System, clock: ManualClock) -> None:
    # Stopped, started by hand and crashed again: only the new wait counts.
    top = supervise(system, [child("a", delay=STEADY)])
    break_(system, "a")
    pass_time(system, clock, 0.5)
    Supervisor.stop_child(top, "a")
    Supervisor.restart_child(top, "a")
    break_(system, "a")

    pass_time(system, clock, 0.5)
    was = statuses(top)
    pass_time(system, clock, 0.5)

    assert (was, statuses(top)) == ("a", "A")


@pytest.mark.parametrize("kind", [Supervisor, DynamicSupervisor])
def test_a_supervisor_that_stops_while_a_child_waits_leaves_nothing_behind(
    system: System, clock: ManualClock, kind: Any
) -> None:
    top = system.start(kind, delay=STEADY)
    kind.start_child(top, child("a"))
    break_(system, "a")
    had_one = system.timers.pending

    top.stop()
    left = system.timers.pending
    pass_time(system, clock, 10)

    assert (had_one, left) == (1, 0)
    assert system.whereis("a") is None
    assert system.processes() == ()


def test_a_supervisor_that_is_killed_while_a_child_waits_comes_back_with_all_its_children(
    system: System, clock: ManualClock
) -> None:
    inner = ChildSpec(Supervisor, name="inner", args=([child("a")],), kwargs={"delay": STEADY})
    supervise(system, [inner])
    break_(system, "a")

    named(system, "inner").exit("kill")  # a is down, so its name is free
    drain(system)
    new = named(system, "a")
    pass_time(system, clock, 10)

    assert named(system, "a") is new  # the dead supervisor's timer starts nobody


def test_when_somebodys_clock_is_set_the_wait_is_as_long_as_it_was(system: System, clock: ManualClock) -> None:
    top = supervise(system, [child("a", delay=STEADY)])
    break_(system, "a")

    for jump in (-86400, 2 * 86400):
        clock.jump(jump)
        drain(system)
        assert statuses(top) == "a"
        assert Supervisor.which_child(top, "a").next_try_at == clock.now() + 1
    pass_time(system, clock, 1)

    assert statuses(top) == "A"


def test_DY_03_a_waiting_child_of_a_dynamic_supervisor_keeps_its_slot_and_is_stopped_by_its_last_reference(
    system: System, clock: ManualClock
) -> None:
    pool = system.start(DynamicSupervisor, max_children=1, delay=STEADY)
    assert pool is not None
    ref = DynamicSupervisor.start_child(pool, child("a"))
    assert ref is not None
    break_(system, "a")

    with pytest.raises(MaxChildrenReached):
        DynamicSupervisor.start_child(pool, child("b"))
    DynamicSupervisor.stop_child(pool, ref)
    DynamicSupervisor.start_child(pool, child("b"))
    pass_time(system, clock, 10)

    assert [one.id for one in DynamicSupervisor.which_children(pool)] == ["b"]


def test_a_temporary_child_has_nothing_to_wait_for(system: System) -> None:
    top = supervise(system, [child("a", restart=Restart.TEMPORARY, delay=STEADY)])

    break_(system, "a")

    assert statuses(top) == ""
    assert system.timers.pending == 0


# ------------------------------------------------------------------------------------- groups


def four(log: list[Any] | None = None, **delays: Delay) -> list[ChildSpec]:
    return [child(id_, log, delay=delays.get(id_)) for id_ in "abcd"]


@pytest.mark.parametrize(
    ("strategy", "waiting", "log"),
    [
        (Strategy.ONE_FOR_ONE, "AbCD", ""),
        (Strategy.REST_FOR_ONE, "Ab..", "dc"),
        (Strategy.ONE_FOR_ALL, ".b..", "dca"),
    ],
    ids=lambda one: getattr(one, "value", ""),
)
def test_a_group_is_stopped_at_once_and_started_together_after_the_delay(
    system: System, clock: ManualClock, strategy: Strategy, waiting: str, log: str
) -> None:
    happened: list[Any] = []
    top = supervise(system, four(happened, b=STEADY), strategy=strategy)
    happened.clear()

    break_(system, "b")
    stopped = [entry[1] for entry in happened if entry[0] == "terminate"]
    was = statuses(top)
    happened.clear()
    pass_time(system, clock, 1)

    assert stopped == ["b", *log]
    assert was == waiting
    assert statuses(top) == "ABCD"
    assert [entry[1] for entry in happened] == sorted(["b", *log])


def test_rest_for_one_a_crash_before_a_waiting_child_restarts_those_that_do_not_stand_on_it(
    system: System, clock: ManualClock
) -> None:
    top = supervise(system, four(c=STEADY), strategy=Strategy.REST_FOR_ONE)
    break_(system, "c")
    pass_time(system, clock, 0.5)

    break_(system, "a")

    assert statuses(top) == "ABc."  # c is not started before its wait is over, nor d before c
    pass_time(system, clock, 0.5)
    assert statuses(top) == "ABCD"
    assert system.timers.pending == 0


def test_rest_for_one_a_child_whose_wait_is_over_does_not_start_before_the_one_it_stands_on(
    system: System, clock: ManualClock
) -> None:
    long = Delay(first=5, jitter=0)
    top = supervise(system, four(a=long, c=STEADY), strategy=Strategy.REST_FOR_ONE)
    break_(system, "c")

    break_(system, "a")
    pass_time(system, clock, 1)
    was = statuses(top)
    why = Supervisor.which_child(top, "c").left_down
    pass_time(system, clock, 4)

    assert was == "a..."
    assert why is not None
    assert why.rule == "it stands on a and is started with it, once that one's wait is over"
    assert statuses(top) == "ABCD"


def test_one_for_all_nobody_starts_before_the_last_wait_is_over(system: System, clock: ManualClock) -> None:
    top = supervise(system, four(b=STEADY, c=Delay(first=3, jitter=0)), strategy=Strategy.ONE_FOR_ALL)
    break_(system, "b")
    Supervisor.restart_child(top, "c")  # by hand, as in OTP between two tries
    break_(system, "c")

    pass_time(system, clock, 1)
    was = statuses(top)
    pass_time(system, clock, 2)

    assert was == "..c."
    assert statuses(top) == "ABCD"


def test_a_member_that_fails_to_start_after_the_wait_waits_itself_and_the_group_with_it(
    system: System, clock: ManualClock
) -> None:
    outcomes: Iterator[Any] = iter([None, crash, None, None])
    moody = child("c", kwargs={"on_init": lambda me: (next(outcomes) or (lambda _: None))(me)}, delay=STEADY)
    top = supervise(
        system, [child("a", delay=STEADY), child("b"), moody, child("d")], strategy=Strategy.REST_FOR_ONE
    )
    break_(system, "a")

    pass_time(system, clock, 1)
    was = statuses(top)
    pass_time(system, clock, 1)

    assert was == "ABc."
    assert statuses(top) == "ABCD"


def test_in_a_group_that_fails_half_way_only_the_one_that_failed_is_restarting(system: System) -> None:
    # As in OTP: whoever was not reached is down, the one too whose crash it was, and may be started by hand.
    outcomes: Iterator[Any] = iter([None, crash])
    moody = child("a", kwargs={"on_init": lambda me: (next(outcomes) or (lambda _: None))(me)}, delay=STEADY)
    top = supervise(system, [moody, child("b"), child("c")], strategy=Strategy.ONE_FOR_ALL)

    break_(system, "b")
    was = statuses(top)
    Supervisor.restart_child(top, "b")

    assert (was, statuses(top)) == ("a..", "aB.")


def test_the_group_of_a_waiting_child_that_is_stopped_stays_down_until_somebody_starts_it(
    system: System, clock: ManualClock
) -> None:
    # As in OTP, where the try of a child that is stopped between two tries is simply forgotten.
    top = supervise(system, four(b=STEADY), strategy=Strategy.ONE_FOR_ALL)
    break_(system, "b")

    Supervisor.stop_child(top, "b")
    pass_time(system, clock, 10)

    assert statuses(top) == "...."
    Supervisor.restart_child(top, "a")
    assert statuses(top) == "A..."


# Whatever happens to whom, and whenever: once everything has had its time nobody waits for ever, with a
# delay that was forgotten (klarna/supervisor3, pull request 24) or a timer that nobody waits for.

happenings = some.lists(
    some.one_of(
        some.tuples(some.just("crash"), some.sampled_from("abcd")),
        some.tuples(some.just("stop"), some.sampled_from("abcd")),
        some.tuples(some.just("start"), some.sampled_from("abcd")),
        some.tuples(some.just("pass"), some.sampled_from([0.4, 1.0, 3.0])),
    ),
    max_size=12,
)


@settings(max_examples=60, deadline=None)
@given(some.sampled_from(Strategy), some.sets(some.sampled_from("abcd")), some.booleans(), happenings)
def test_nobody_waits_for_ever(strategy: Strategy, delayed: set[str], fails: bool, story: list[Any]) -> None:
    clock = ManualClock()
    starts = itertools.count(1)

    def on_init(me: Obedient) -> None:
        if fails and next(starts) % 7 == 0:
            crash(me)

    children = [
        child(id_, delay=STEADY if id_ in delayed else None, kwargs={"on_init": on_init}) for id_ in "abcd"
    ]
    with System(clock=clock) as system:
        system.is_quiet = True
        top = supervise(system, children, strategy=strategy, max_restarts=10**6)
        for what, whom in story:
            if what == "pass":
                clock.advance(whom)
            elif what == "crash" and (ref := system.whereis(whom)) is not None:
                ref.cast(crash)
            elif what == "stop":
                Supervisor.stop_child(top, whom)
            elif what == "start" and Supervisor.which_child(top, whom).status == "stopped":
                try:
                    Supervisor.restart_child(top, whom)
                except (StartFailed, ChildRestarting):
                    pass
            drain(system)
            shown = {one.id: one for one in Supervisor.which_children(top)}
            waiting = [one for one in shown.values() if one.status == "restarting"]
            assert all(one.next_try_at is not None for one in waiting)
            assert system.timers.pending == len(waiting)
            if waiting and strategy is Strategy.REST_FOR_ONE:
                first = min(one.id for one in waiting)
                by_hand = {whom for what, whom in story if what == "start"}
                assert all(shown[i].status != "running" or i in by_hand for i in "abcd" if i > first)
        for _ in range(10):
            clock.advance(8)
            drain(system)

        assert "restarting" not in {one.status for one in Supervisor.which_children(top)}
        assert system.timers.pending == 0


# ------------------------------------------------------------------------------- what is shown


def test_the_next_try_is_shown_in_the_tree_and_told_as_an_event(
    system: System, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "eye.supervision")
    top = supervise(system, [child("a", delay=STEADY)])
    heard = system.inbox()
    system.topics.subscribe(events.TOPIC, heard)

    break_(system, "a")
    clock.advance(0.2)

    [shown] = tree(system, top)["children"]
    assert (shown["status"], shown["next_try_at"]) == ("restarting", clock.now() + 0.8)
    assert (
        as_text(shown, now=clock.now())
        == "◐ a  [restarting · last exit 0.2 s ago: Boom: boom · next try in 0.8 s]"
    )
    told: list[Any] = heard.drain()
    assert [type(one).__name__ for one in told] == ["ProcessCrashed", "ChildExited", "RestartDelayed"]
    assert (told[1].will_restart, told[2].seconds, told[2].attempt) == (True, 1.0, 1)
    assert told[2].next_try_at == pytest.approx(clock.now() + 0.8)
    reported = caplog.records[-1]
    assert (reported.report, reported.what, reported.next_try_in) == ("progress", "restart_delayed", 1.0)

    pass_time(system, clock, 0.8)
    [restart] = Supervisor.which_child(top, "a").history
    assert restart.waited == 1.0
    assert restart.at == restart.because.at + 1.0
    assert Supervisor.which_child(top, "a").next_try_at is None
