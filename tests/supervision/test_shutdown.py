"""Section 6 of otp.md: how a tree goes down."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from eye.errors import CallTimeout, NoProcess, ServerExited
from eye.supervision import KILL, KILLED, NORMAL, SHUTDOWN, ChildSpec, Down, Reason, Shutdown, Supervisor
from eye.supervision.introspection import tree
from eye.testing import ManualClock, drain
from tests.supervision.servers import PATIENCE, Gate, Obedient, child, crash, in_thread, named, seen, start

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eye.supervision import Ref, System


@pytest.fixture
def gate() -> Iterator[Gate]:
    gate = Gate()
    yield gate
    gate.open()


def supervise(system: System, *children: Any, **options: Any) -> Ref:
    ref = system.start(Supervisor, children, **options)
    assert ref is not None
    return ref


def test_SD_02_a_trapping_child_cleans_up_with_shutdown_and_another_does_not(system: System) -> None:
    log: list[Any] = []
    supervisor = supervise(system, child("traps", log), child("does not", log, traps=False))
    inbox = system.inbox()
    named(system, "does not").monitor(inbox)

    supervisor.stop()

    assert log[2:] == [("terminate", "traps", "shutdown")]
    assert inbox.get(PATIENCE).reason == SHUTDOWN


@pytest.mark.parametrize("traps", [True, False])
def test_SD_03_a_child_that_outlives_its_limit_is_killed_and_the_next_one_is_stopped(
    system: System, clock: ManualClock, gate: Gate, traps: bool
) -> None:
    log: list[Any] = []
    slow = child("slow", traps=traps, shutdown=0.2, kwargs={"on_exit": gate} if traps else {})
    supervisor = supervise(system, child("before", log), slow)
    inbox = system.inbox()
    ref = named(system, "slow")
    ref.monitor(inbox)
    if not traps:
        ref.cast(gate)
        gate.await_somebody()

    stopping = in_thread(supervisor.stop)
    clock.await_waiter(0.2)
    went_on_too_early = not inbox_is_empty(inbox)
    clock.advance(0.2)
    stopping.result(PATIENCE)

    assert not went_on_too_early
    assert inbox.get(PATIENCE).reason == KILLED
    assert log[-1] == ("terminate", "before", "shutdown")
    assert system.whereis("slow") is None
    assert system.abandoned() == (ref,)
    gate.open()
    ref._thread.join(PATIENCE)
    assert system.abandoned() == ()


def inbox_is_empty(inbox: Any) -> bool:
    return inbox.drain() == []


def test_SD_03_what_an_abandoned_process_still_says_is_not_heard(
    system: System, clock: ManualClock, gate: Gate
) -> None:
    inbox, other = system.inbox(), start(system)
    other_heard: list[Any] = []

    def stuck(me: Obedient) -> str:
        gate()
        inbox.send("from the dead")
        other.cast("from the dead")
        other.send("from the dead")
        me.system.topics.broadcast("news", "from the dead")
        other_heard.append("came here")
        return "too late"

    ref = start(system, name="stuck")
    system.topics.subscribe("news", inbox)
    asking = in_thread(lambda: ref.call(stuck))
    gate.await_somebody()

    ref.exit(KILL)
    replacement = start(system, name="stuck")
    gate.open()
    ref._thread.join(PATIENCE)
    drain(system)

    with pytest.raises(ServerExited) as failure:
        asking.result(PATIENCE)
    assert failure.value.reason == KILLED
    assert other_heard == ["came here"]
    assert seen(other) == []
    assert inbox.drain() == []
    assert system.whereis("stuck") is replacement


def test_SD_03_an_abandoned_process_cannot_start_call_or_link_anybody(system: System, gate: Gate) -> None:
    other, went_on = start(system), []

    def stuck(me: Obedient) -> None:
        gate()
        try:
            me.system.start(Obedient)
        finally:
            other.call(went_on.append)

    ref = start(system)
    ref.cast(stuck)
    gate.await_somebody()
    ref.exit(KILL)
    gate.open()
    ref._thread.join(PATIENCE)

    assert went_on == []
    assert system.processes() == (other,)


def test_SD_03_an_abandoned_child_stays_visible_until_it_ends(system: System, gate: Gate) -> None:
    supervisor = supervise(system, child("stuck", shutdown=Shutdown.BRUTAL_KILL))
    ref = named(system, "stuck")
    ref.cast(gate)
    gate.await_somebody()

    Supervisor.stop_child(supervisor, "stuck")

    drawn = tree(system, supervisor)["children"]
    assert [(one["status"], one["serial"]) for one in drawn] == [("stopped", 0), ("abandoned", ref.serial)]
    gate.open()
    ref._thread.join(PATIENCE)
    assert [one["status"] for one in tree(system, supervisor)["children"]] == ["stopped"]


@pytest.mark.parametrize("traps", [True, False])
def test_SD_04_brutal_kill_ends_a_child_at_once_without_cleanup(system: System, traps: bool) -> None:
    log: list[Any] = []
    supervisor = supervise(system, child("a", log, traps=traps, shutdown=Shutdown.BRUTAL_KILL))
    inbox = system.inbox()
    named(system, "a").monitor(inbox)

    supervisor.stop()

    assert inbox.get(PATIENCE).reason == KILLED
    assert log == [("init", "a")]


def test_SD_04_a_limit_of_nothing_ends_a_slow_cleanup_with_killed(system: System, gate: Gate) -> None:
    supervisor = supervise(system, child("a", shutdown=0, kwargs={"on_exit": gate}))
    ref = named(system, "a")

    supervisor.stop()

    assert ref.exit_reason == KILLED


def test_SD_05_without_a_limit_the_supervisor_waits_as_long_as_it_takes(
    system: System, clock: ManualClock, gate: Gate
) -> None:
    supervisor = supervise(system, child("a", shutdown=Shutdown.INFINITY, kwargs={"on_exit": gate}))
    ref = named(system, "a")
    stopping = in_thread(supervisor.stop)
    gate.await_somebody()

    clock.advance(10**6)
    was_alive = ref.is_alive
    gate.open()
    stopping.result(PATIENCE)

    assert was_alive
    assert ref.exit_reason == SHUTDOWN


def test_SD_05_the_limits_of_stuck_children_add_up(system: System, clock: ManualClock, gate: Gate) -> None:
    stuck = [child(id_, shutdown=0.15, kwargs={"on_exit": gate}) for id_ in "ab"]
    supervisor = supervise(system, *stuck)
    began = clock.monotonic()
    stopping = in_thread(supervisor.stop)

    for _ in stuck:
        clock.await_waiter(0.15)
        clock.advance(0.15)
    stopping.result(PATIENCE)

    assert clock.monotonic() - began == pytest.approx(0.3)


def test_SD_06_a_subtree_is_down_before_the_sibling_before_it_is_asked(system: System) -> None:
    log: list[Any] = []
    inner = ChildSpec(Supervisor, id="inner", args=([child("x", log), child("y", log)],))
    supervisor = supervise(system, child("a", log), inner, child("z", log))
    log.clear()

    supervisor.stop()

    assert [id_ for _, id_, _ in log] == ["z", "y", "x", "a"]


def test_SD_07_a_child_supervisor_has_no_limit_unless_given_one_and_its_orphans_are_visible(
    system: System, clock: ManualClock, gate: Gate
) -> None:
    leaf = child("leaf", shutdown=Shutdown.INFINITY, kwargs={"on_exit": gate})
    inner = ChildSpec(Supervisor, id="inner", name="inner", args=([leaf],), shutdown=0.2)
    supervisor = supervise(system, inner)
    ref, orphan = named(system, "inner"), named(system, "leaf")

    stopping = in_thread(supervisor.stop)
    clock.await_waiter(0.2)
    gate.await_somebody()
    clock.advance(0.2)
    stopping.result(PATIENCE)

    assert ref.exit_reason == KILLED
    assert orphan.is_alive
    assert orphan in system.processes()


@pytest.mark.parametrize("signal", [SHUTDOWN, KILL], ids=str)
def test_SD_08_waiting_messages_are_handled_before_a_shutdown_but_not_before_a_kill(
    system: System, gate: Gate, signal: Reason
) -> None:
    log: list[Any] = []
    supervisor = supervise(system, child("a", log, shutdown=Shutdown.INFINITY))
    ref = named(system, "a")
    ref.cast(gate)
    gate.await_somebody()
    ref.cast(lambda me: me.log.append("waiting"))

    if signal == KILL:
        ref.exit(KILL)
    else:
        stopping = in_thread(supervisor.stop)
        while ref.mailbox_length < 2:  # the waiting one and the signal
            pass
        ref.cast(lambda me: me.log.append("later"))
    gate.open()
    ref._thread.join(PATIENCE)

    if signal == KILL:
        assert not {"waiting", "later"} & {entry for entry in log if isinstance(entry, str)}
        assert ("terminate", "a", "killed") not in log
    else:
        stopping.result(PATIENCE)
        assert log == [("init", "a"), "waiting", ("terminate", "a", "shutdown")]


def test_SD_09_a_child_that_crashes_while_its_supervisor_stops_is_not_restarted(
    system: System, gate: Gate
) -> None:
    log: list[Any] = []
    supervisor = supervise(system, child("a", log), child("b", log, kwargs={"on_exit": gate}))
    first = named(system, "a")
    stopping = in_thread(supervisor.stop)
    gate.await_somebody()

    first.cast(crash)
    first.join(PATIENCE)
    gate.open()
    stopping.result(PATIENCE)

    assert log.count(("init", "a")) == 1


def test_SD_09_a_child_that_crashes_in_its_cleanup_changes_nothing_for_the_others(system: System) -> None:
    log: list[Any] = []
    supervisor = supervise(system, child("a", log), child("b", log, kwargs={"on_exit": crash}))

    supervisor.stop("my reason")

    assert log[-1] == ("terminate", "a", "shutdown")
    assert supervisor.exit_reason == Reason("my reason")


def test_SD_10_a_supervisor_exits_with_the_reason_it_was_given_and_asks_its_children_with_shutdown(
    system: System,
) -> None:
    log: list[Any] = []
    supervisor = supervise(system, child("a", log))
    ref = named(system, "a")

    supervisor.stop("enough")

    assert supervisor.exit_reason == Reason("enough")
    assert ref.exit_reason == SHUTDOWN
    assert log[-1] == ("terminate", "a", "shutdown")


def test_SD_11_a_stop_that_times_out_goes_on(system: System, clock: ManualClock, gate: Gate) -> None:
    supervisor = supervise(system, child("a", shutdown=Shutdown.INFINITY, kwargs={"on_exit": gate}))
    stopping = in_thread(lambda: supervisor.stop(timeout=1.0))
    clock.await_waiter(1.0)
    clock.advance(1.0)

    with pytest.raises(CallTimeout, match="still running after 1 s"):
        stopping.result(PATIENCE)
    gate.open()

    assert supervisor.join() == NORMAL
    with pytest.raises(NoProcess):
        supervisor.stop()


@pytest.mark.parametrize("reason", ["normal", "shutdown", "odd"])
def test_SD_12_a_supervisor_follows_its_parent_whatever_the_reason(system: System, reason: str) -> None:
    log: list[Any] = []
    parent = start(system)
    supervisor = parent.call(lambda me: me.system.start(Supervisor, [child("a", log)], linked=True))

    parent.cast(lambda me: me.exit(reason))

    assert supervisor.join(PATIENCE) == Reason(reason)
    assert log[-1] == ("terminate", "a", "shutdown")


def test_SD_14_when_a_supervisor_is_killed_its_children_go_down_with_killed(system: System) -> None:
    log: list[Any] = []
    supervisor = supervise(system, child("plain", log, traps=False), child("traps", log))
    refs = [named(system, "plain"), named(system, "traps")]

    supervisor.exit(KILL)

    assert [ref.join(PATIENCE) for ref in refs] == [KILLED, KILLED]
    assert log[2:] == [("terminate", "traps", "killed")]


def test_SD_15_a_caller_of_a_child_that_is_shut_down_is_told_so_at_once(system: System, gate: Gate) -> None:
    supervisor = supervise(system, child("a", traps=False))
    ref = named(system, "a")
    ref.cast(gate)
    gate.await_somebody()
    asking = in_thread(lambda: ref.call(lambda me: 1))
    while ref.mailbox_length < 1:
        pass
    stopping = in_thread(supervisor.stop)
    while ref.mailbox_length < 2:
        pass

    gate.open()

    with pytest.raises(ServerExited) as failure:
        asking.result(PATIENCE)
    assert failure.value.reason == SHUTDOWN
    stopping.result(PATIENCE)


def test_a_system_stops_even_a_process_that_is_stuck_within_its_limit(
    system: System, clock: ManualClock, gate: Gate
) -> None:
    stuck = start(system)
    stuck.cast(gate)
    gate.await_somebody()

    stopping = in_thread(lambda: system.stop(timeout=3.0))
    clock.await_waiter(3.0)
    clock.advance(3.0)
    stopping.result(PATIENCE)

    assert stuck.exit_reason == KILLED
    assert system.abandoned() == (stuck,)


def test_a_notice_of_a_kill_comes_once(system: System, gate: Gate) -> None:
    ref, inbox = start(system), system.inbox()
    ref.cast(gate)
    gate.await_somebody()
    ref.monitor(inbox)

    for _ in range(3):
        ref.exit(KILL)
    gate.open()
    ref._thread.join(PATIENCE)

    assert [type(one) for one in inbox.drain()] == [Down]
