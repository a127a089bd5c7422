"""Corners of OTP's supervisor that no row of otp.md names, read off supervisor.erl (OTP 25 to 27)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from eye.errors import BadChildSpec, ServerExited, StartFailed
from eye.supervision import (
    KILL,
    SHUTDOWN,
    ChildSpec,
    DynamicSupervisor,
    Ignore,
    Ref,
    Restart,
    Strategy,
    Supervisor,
)
from eye.supervision.child_spec import AutoShutdown, as_child_spec
from eye.testing import ManualClock, drain
from tests.supervision.servers import PATIENCE, Gate, child, crash, in_thread, named, start

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eye.supervision import System


def supervise(system: System, children: list[Any], **options: Any) -> Ref:
    ref = system.start(Supervisor, children, name="top", **options)
    assert ref is not None
    return ref


def statuses(supervisor: Ref) -> dict[Any, str]:
    return {one.id: one.status for one in Supervisor.which_children(supervisor)}


def used(supervisor: Ref, clock: ManualClock) -> int:
    return int(supervisor.published.window.used(clock.monotonic()))


def test_the_exit_of_a_stranger_that_is_linked_is_no_concern_of_a_supervisor(
    system: System, clock: ManualClock
) -> None:
    top, stranger = supervise(system, [child("a")]), start(system)
    stranger.link(top)
    held = named(system, "a")

    stranger.exit("odd")
    drain(system)

    assert top.is_alive
    assert named(system, "a") is held
    assert used(top, clock) == 0


def test_a_request_that_a_supervisor_does_not_know_crashes_it_and_it_stops_its_children(system: System) -> None:
    top = supervise(system, [child("a")])
    held = named(system, "a")

    with pytest.raises(ServerExited, match="has no handle_call"):
        top.call("what?")

    assert held.join(PATIENCE) == SHUTDOWN


@pytest.mark.parametrize("strategy", [Strategy.ONE_FOR_ALL, Strategy.REST_FOR_ONE], ids=lambda one: one.value)
def test_two_of_a_group_that_crash_at_once_are_one_incident(
    system: System, clock: ManualClock, strategy: Strategy
) -> None:
    # The second one's exit lies in the mailbox while the group is restarted for the first: it is thrown away.
    log: list[Any] = []
    top = supervise(system, [child("a", log), child("b", log)], strategy=strategy)
    gate = Gate()
    starting = in_thread(lambda: Supervisor.start_child(top, child("slow", kwargs={"on_init": gate})))
    gate.await_somebody()
    for id_ in "ab":
        ref = named(system, id_)
        ref.exit(KILL)
        ref.join(PATIENCE)

    log.clear()
    gate.open()
    starting.result(PATIENCE)
    drain(system)

    assert log == [("init", "a"), ("init", "b")]
    assert used(top, clock) == 1
    assert set(statuses(top).values()) == {"running"}


def test_two_that_crash_at_once_under_one_for_one_are_two_incidents(system: System, clock: ManualClock) -> None:
    top = supervise(system, [child("a"), child("b")])
    gate = Gate()
    starting = in_thread(lambda: Supervisor.start_child(top, child("slow", kwargs={"on_init": gate})))
    gate.await_somebody()
    for id_ in "ab":
        named(system, id_).exit(KILL)

    gate.open()
    starting.result(PATIENCE)
    drain(system)

    assert used(top, clock) == 2
    assert set(statuses(top).values()) == {"running"}


@pytest.mark.parametrize(("restart", "after"), [(Restart.PERMANENT, "stopped"), (Restart.TRANSIENT, "stopped")])
def test_a_child_that_has_nothing_to_do_at_its_restart_stays_listed_and_may_be_started_later(
    system: System, clock: ManualClock, restart: Restart, after: str
) -> None:
    answers: Iterator[Any] = iter([None, Ignore(), None])
    top = supervise(system, [child("a", restart=restart, kwargs={"on_init": lambda _: next(answers)})])

    named(system, "a").cast(crash)
    drain(system)
    was = statuses(top)
    Supervisor.restart_child(top, "a")

    assert was == {"a": after}
    assert statuses(top) == {"a": "running"}
    assert used(top, clock) == 1


def test_a_member_of_a_group_that_has_nothing_to_do_does_not_hold_up_the_others(system: System) -> None:
    answers: Iterator[Any] = iter([None, Ignore()])
    lazy = child("b", kwargs={"on_init": lambda _: next(answers)})
    top = supervise(system, [child("a"), lazy, child("c")], strategy=Strategy.ONE_FOR_ALL)

    named(system, "a").cast(crash)
    drain(system)

    assert statuses(top) == {"a": "running", "b": "stopped", "c": "running"}


def test_a_child_that_first_had_nothing_to_do_and_starts_with_its_group_was_not_restarted(system: System) -> None:
    answers: Iterator[Any] = iter([Ignore(), None])
    late = child("b", kwargs={"on_init": lambda _: next(answers)})
    top = supervise(system, [child("a"), late], strategy=Strategy.ONE_FOR_ALL)

    named(system, "a").cast(crash)
    drain(system)

    shown = {one.id: (one.status, one.incarnation, one.restarts) for one in Supervisor.which_children(top)}
    assert shown == {"a": ("running", 2, 1), "b": ("running", 1, 0)}
    assert system.restarts == 1


def test_rest_for_one_a_member_that_fails_is_tried_again_with_those_after_it_only(system: System) -> None:
    log: list[Any] = []
    outcomes: Iterator[Any] = iter([None, crash, None])
    moody = child("b", log, kwargs={"on_init": lambda me: (next(outcomes) or (lambda _: None))(me)})
    supervise(system, [child("a", log), moody, child("c", log)], strategy=Strategy.REST_FOR_ONE)
    log.clear()

    named(system, "a").exit(KILL)
    drain(system)

    stops = [("terminate", "c", "shutdown"), ("terminate", "b", "shutdown")]
    assert log == [*stops, *(("init", id_) for id_ in "abbc")]  # a is not started twice


def test_a_significant_child_that_is_between_two_lives_keeps_the_last_of_the_others_from_shutting_down(
    system: System,
) -> None:
    def significant(id_: str, **more: Any) -> ChildSpec:
        return child(id_, restart=Restart.TRANSIENT, significant=True, **more)

    gate, outcomes = Gate(), iter(["run", "fail", "run"])

    def on_init(me: Any) -> None:
        if next(outcomes) == "fail":
            gate()
            crash(me)

    children = [significant("a", kwargs={"on_init": on_init}), significant("b")]
    top = supervise(system, children, auto_shutdown=AutoShutdown.ALL_SIGNIFICANT)
    named(system, "a").exit(KILL)
    gate.await_somebody()
    named(system, "b").stop()  # its exit lies before the next try in the mailbox: a is restarting just then

    gate.open()
    drain(system)

    assert statuses(top) == {"a": "running", "b": "stopped"}


def test_a_significant_child_of_two_that_is_stopped_by_hand_counts_as_gone_for_the_other(system: System) -> None:
    children = [child(id_, restart=Restart.TRANSIENT, significant=True) for id_ in "ab"]
    top = supervise(system, children, auto_shutdown=AutoShutdown.ALL_SIGNIFICANT)
    Supervisor.stop_child(top, "a")

    named(system, "b").stop()

    assert top.join(PATIENCE) == SHUTDOWN


def test_a_child_that_failed_when_its_supervisor_started_is_named_with_its_reason_on_every_storey(
    system: System,
) -> None:
    inner = ChildSpec(Supervisor, id="inner", args=([child("leaf", kwargs={"on_init": crash})],))

    with pytest.raises(StartFailed) as failure:
        supervise(system, [inner])

    outer = failure.value.reason
    assert (outer.word, outer.detail.who) == ("shutdown", "child 'inner'")
    below = outer.detail.reason
    assert (below.word, below.detail.who, below.detail.reason.word) == ("shutdown", "child 'leaf'", "Boom")


def test_a_start_that_fails_cleanly_is_a_failure_like_any_other_and_is_tried_again(
    system: System, clock: ManualClock
) -> None:
    # A child supervisor whose own child does not start fails with shutdown: at a restart that costs a try.
    outcomes: Iterator[Any] = iter([None, crash, None])
    # (without a name: that would still be taken while the old leaf cleans up)
    leaf = child("leaf", name=None, kwargs={"on_init": lambda me: (next(outcomes) or (lambda _: None))(me)})
    inner = ChildSpec(Supervisor, id="inner", restart=Restart.TRANSIENT, name="inner", args=([leaf],))
    top = supervise(system, [inner])

    named(system, "inner").exit(KILL)
    drain(system)

    assert statuses(top) == {"inner": "running"}
    assert used(top, clock) == 2


def test_a_dynamic_supervisor_takes_no_significant_child(system: System) -> None:
    pool = system.start(DynamicSupervisor)
    assert pool is not None

    with pytest.raises(BadChildSpec, match="significant means nothing"):
        DynamicSupervisor.start_child(pool, child("a", restart=Restart.TRANSIENT, significant=True))


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"significant": 1}, "significant must be True or False, not 1"),
        ({"delay": 0.5}, "delay must be a Delay or None, not 0.5"),
    ],
)
def test_what_a_spec_may_not_say(wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(BadChildSpec, match=says):
        as_child_spec(child("a", **wrong))
