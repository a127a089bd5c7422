"""Section 6 of otp.md: how a tree goes down.

Every test runs twice: with children in threads, and with children in OS processes of their own. Where a
child cannot be stopped in good time the two differ: a thread is abandoned, an OS process really ends.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from eye.errors import CallTimeout, NoProcess, ServerExited
from eye.supervision import (
    KILL,
    KILLED,
    NORMAL,
    SHUTDOWN,
    ChildSpec,
    Down,
    Reason,
    Shutdown,
    Supervisor,
    process_info,
)
from eye.supervision.child_spec import as_child_spec
from eye.supervision.introspection import tree
from eye.testing import ManualClock, drain
from tests.supervision.kinds import both_kinds, os_processes_only, threads_only
from tests.supervision.servers import (
    PATIENCE,
    Answer,
    ExitWith,
    Gate,
    Log,
    Note,
    Obedient,
    Supervise,
    answer_later,
    child,
    crash,
    ignore_sigterm,
    in_thread,
    named,
    os_process_of,
    seen,
    start,
    until,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eye.supervision import Ref, System

pytestmark = both_kinds


@pytest.fixture
def gate() -> Iterator[Gate]:
    gate = Gate()
    yield gate
    gate.open()


ROOT = Path(__file__).parents[2]


def runs(pid: int) -> bool:
    """Whether an OS process is there, and no zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def supervise(system: System, *children: Any, **options: Any) -> Ref:
    ref = system.start(Supervisor, children, **options)
    assert ref is not None
    return ref


def test_SD_02_a_trapping_child_cleans_up_with_shutdown_and_another_does_not(system: System) -> None:
    log = Log(system)
    supervisor = supervise(system, child("traps", log), child("does not", log, traps=False))
    inbox = system.inbox()
    named(system, "does not").monitor(inbox)

    supervisor.stop()

    assert log.entries[2:] == [("terminate", "traps", "shutdown")]
    assert inbox.get(PATIENCE).reason == SHUTDOWN


def test_SD_02_a_busy_child_that_does_not_trap_goes_down_at_its_next_message_or_at_once(
    system: System, clock: ManualClock, gate: Gate, isolation: str
) -> None:
    log = Log(system)
    supervisor = supervise(system, child("busy", log, traps=False, shutdown=Shutdown.INFINITY))
    busy = named(system, "busy")
    busy.cast(gate)
    gate.await_somebody()

    stopping = in_thread(supervisor.stop)
    if isolation == "thread":  # a thread cannot be interrupted, and is listed as long as it runs
        until(lambda: busy.mailbox_length)
        clock.advance(7)
        shown, info = tree(system, supervisor)["children"], process_info(busy)
        assert [(one["status"], one["serial"]) for one in shown] == [("running", busy.serial)]
        assert info is not None
        assert clock.now() - info.told_to_exit_at == 7
        assert not stopping.done()
        gate.open()
    stopping.result(PATIENCE)

    assert busy.exit_reason == SHUTDOWN
    assert log.entries == [("init", "busy")]


@pytest.mark.parametrize("traps", [True, False])
def test_SD_03_a_child_that_outlives_its_limit_is_killed_and_the_next_one_is_stopped(
    system: System, clock: ManualClock, gate: Gate, traps: bool, isolation: str
) -> None:
    log = Log(system)
    stubborn = {"on_exit": gate} if traps else {"on_init": ignore_sigterm} if isolation == "process" else {}
    slow = child("slow", traps=traps, shutdown=0.2, kwargs=stubborn)
    supervisor = supervise(system, child("before", log), slow)
    inbox = system.inbox()
    ref = named(system, "slow")
    ref.monitor(inbox)
    if not traps:
        ref.cast(gate)
        gate.await_somebody()

    stopping = in_thread(supervisor.stop)
    clock.await_waiter(0.2)
    told_too_early = inbox.drain()
    clock.advance(0.2)
    stopping.result(PATIENCE)

    assert told_too_early == []
    assert [inbox.get(PATIENCE).reason, *inbox.drain()] == [KILLED]
    assert log.entries[-1] == ("terminate", "before", "shutdown")
    assert system.whereis("slow") is None
    if isolation == "thread":
        assert system.abandoned() == (ref,)
        gate.open()
    until(lambda: system.abandoned() == ())


@os_processes_only
def test_SD_03_an_os_process_that_was_killed_is_gone(system: System, clock: ManualClock, gate: Gate) -> None:
    supervisor = supervise(system, child("slow", shutdown=0.2, kwargs={"on_exit": gate}))
    pid = named(system, "slow").call(os_process_of)
    stopping = in_thread(supervisor.stop)
    clock.await_waiter(0.2)
    os.kill(pid, 0)  # it is there

    clock.advance(0.2)
    stopping.result(PATIENCE)

    until(lambda: not os.path.exists(f"/proc/{pid}"))  # not even a zombie


@threads_only
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
    until(lambda: system.abandoned() == ())
    drain(system)

    with pytest.raises(ServerExited) as failure:
        asking.result(PATIENCE)
    assert failure.value.reason == KILLED
    assert other_heard == ["came here"]
    assert seen(other) == []
    assert inbox.drain() == []
    assert system.whereis("stuck") is replacement


@threads_only
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
    until(lambda: system.abandoned() == ())

    assert went_on == []
    assert system.processes() == (other,)


@threads_only
def test_SD_03_an_abandoned_child_stays_visible_until_it_ends(system: System, gate: Gate) -> None:
    supervisor = supervise(system, child("stuck", shutdown=Shutdown.BRUTAL_KILL))
    ref = named(system, "stuck")
    ref.cast(gate)
    gate.await_somebody()

    Supervisor.stop_child(supervisor, "stuck")

    drawn = tree(system, supervisor)["children"]
    assert [(one["status"], one["serial"]) for one in drawn] == [("stopped", 0), ("abandoned", ref.serial)]
    gate.open()
    until(lambda: system.abandoned() == ())
    assert [one["status"] for one in tree(system, supervisor)["children"]] == ["stopped"]


@pytest.mark.parametrize("traps", [True, False])
def test_SD_04_brutal_kill_ends_a_child_at_once_without_cleanup(system: System, traps: bool) -> None:
    log = Log(system)
    supervisor = supervise(system, child("a", log, traps=traps, shutdown=Shutdown.BRUTAL_KILL))
    inbox = system.inbox()
    named(system, "a").monitor(inbox)

    supervisor.stop()

    assert inbox.get(PATIENCE).reason == KILLED
    assert log.entries == [("init", "a")]


@pytest.mark.parametrize("traps", [True, False])
def test_SD_04_even_in_the_middle_of_something(system: System, gate: Gate, traps: bool, isolation: str) -> None:
    log = Log(system)
    supervisor = supervise(system, child("a", log, traps=traps, shutdown=Shutdown.BRUTAL_KILL))
    ref = named(system, "a")
    ref.cast(gate)
    gate.await_somebody()

    supervisor.stop()  # it returns though the gate is shut

    assert ref.exit_reason == KILLED
    if isolation == "thread":
        assert system.abandoned() == (ref,)
        gate.open()
    until(lambda: system.abandoned() == ())
    assert log.entries == [("init", "a")]


def test_SD_04_a_limit_of_nothing_ends_a_slow_cleanup_with_killed(system: System, gate: Gate) -> None:
    supervisor = supervise(system, child("a", shutdown=0, kwargs={"on_exit": gate}))
    ref, inbox = named(system, "a"), system.inbox()
    ref.monitor(inbox)

    supervisor.stop()

    assert ref.exit_reason == KILLED
    assert inbox.get(PATIENCE).reason == KILLED


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
    refs = [named(system, id_) for id_ in "ab"]
    began = clock.monotonic()
    stopping = in_thread(supervisor.stop)

    for _ in stuck:
        clock.await_waiter(0.15)
        clock.advance(0.15)
    stopping.result(PATIENCE)

    assert clock.monotonic() - began == pytest.approx(0.3)
    assert [ref.exit_reason for ref in refs] == [KILLED, KILLED]


def test_SD_06_a_subtree_is_down_before_the_sibling_before_it_is_asked(system: System) -> None:
    log = Log(system)
    inner = ChildSpec(Supervisor, id="inner", args=([child("x", log), child("y", log)],))
    supervisor = supervise(system, child("a", log), inner, child("z", log))
    log.clear()

    supervisor.stop()

    assert [id_ for _, id_, _ in log.entries] == ["z", "y", "x", "a"]


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

    assert as_child_spec(Supervisor).shutdown_limit is Shutdown.INFINITY
    assert ref.exit_reason == KILLED
    assert orphan.is_alive
    assert orphan in system.processes()


@pytest.mark.parametrize("signal", [SHUTDOWN, KILL], ids=str)
def test_SD_08_waiting_messages_are_handled_before_a_shutdown_but_not_before_a_kill(
    system: System, gate: Gate, signal: Reason
) -> None:
    log = Log(system)
    supervisor = supervise(system, child("a", log, shutdown=Shutdown.INFINITY))
    ref = named(system, "a")
    ref.cast(gate)
    gate.await_somebody()
    ref.cast(Note("waiting"))

    if signal == KILL:
        ref.exit(KILL)
    else:
        stopping = in_thread(supervisor.stop)
        until(lambda: ref.mailbox_length == 2)  # the waiting one and the signal
        ref.cast(Note("later"))
    gate.open()
    until(lambda: system.abandoned() == ())

    if signal == KILL:
        assert log.entries == [("init", "a")] + [("init", "a")] * (len(log.entries) - 1)  # and its replacement
    else:
        stopping.result(PATIENCE)
        assert log.entries == [("init", "a"), "waiting", ("terminate", "a", "shutdown")]


def test_SD_09_a_child_that_crashes_while_its_supervisor_stops_is_not_restarted(
    system: System, gate: Gate
) -> None:
    log = Log(system)
    supervisor = supervise(system, child("a", log), child("b", log, kwargs={"on_exit": gate}))
    first = named(system, "a")
    stopping = in_thread(supervisor.stop)
    gate.await_somebody()

    first.cast(crash)
    first.join(PATIENCE)
    gate.open()
    stopping.result(PATIENCE)

    assert first.exit_reason.word == "Boom"
    assert log.entries.count(("init", "a")) == 1
    assert supervisor.exit_reason == NORMAL


def test_SD_09_a_child_that_crashes_in_its_cleanup_changes_nothing_for_the_others(system: System) -> None:
    log = Log(system)
    supervisor = supervise(system, child("a", log), child("b", log, kwargs={"on_exit": crash}))

    supervisor.stop("my reason")

    assert log.entries[-1] == ("terminate", "a", "shutdown")
    assert supervisor.exit_reason == Reason("my reason")


def test_SD_10_a_supervisor_exits_with_the_reason_it_was_given_and_asks_its_children_with_shutdown(
    system: System,
) -> None:
    log = Log(system)
    supervisor = supervise(system, child("a", log))
    ref = named(system, "a")

    supervisor.stop("enough")

    assert supervisor.exit_reason == Reason("enough")
    assert ref.exit_reason == SHUTDOWN
    assert log.entries[-1] == ("terminate", "a", "shutdown")


def test_SD_11_a_stop_that_times_out_goes_on(system: System, clock: ManualClock, gate: Gate) -> None:
    supervisor = supervise(system, child("a", shutdown=Shutdown.INFINITY, kwargs={"on_exit": gate}))
    ref = named(system, "a")
    stopping = in_thread(lambda: supervisor.stop(timeout=1.0))
    clock.await_waiter(1.0)
    clock.advance(1.0)

    with pytest.raises(CallTimeout, match="still running after 1 s"):
        stopping.result(PATIENCE)
    gate.open()

    assert supervisor.join(PATIENCE) == NORMAL
    assert ref.exit_reason == SHUTDOWN
    with pytest.raises(NoProcess):
        supervisor.stop()


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        (ExitWith("normal"), "normal"),
        (ExitWith("shutdown"), "shutdown"),
        (ExitWith("odd"), "odd"),
        (crash, "Boom: boom"),
        (KILL, "killed"),
    ],
)
def test_SD_12_a_supervisor_follows_its_parent_whatever_the_reason(system: System, how: Any, reason: str) -> None:
    log = Log(system)
    parent = start(system)
    supervisor = parent.call(Supervise([child("a", log), child("b", log)]))

    parent.exit(KILL) if how is KILL else parent.cast(how)

    assert str(supervisor.join(PATIENCE)) == reason
    assert log.entries[2:] == [("terminate", "b", "shutdown"), ("terminate", "a", "shutdown")]


_PARENT = """
import sys
from eye.supervision import System
from tests.supervision.servers import Gate, Obedient, os_process_of

system = System()
idle, busy = (system.start(Obedient, isolation="process") for _ in range(2))
print(idle.call(os_process_of), busy.call(os_process_of), flush=True)
gate = Gate()
busy.cast(gate)
gate.await_somebody()
print("ready", flush=True)
sys.stdin.read()
"""


@os_processes_only
def test_SD_12_a_child_in_an_os_process_notices_that_its_parent_process_is_gone() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT, text=True
    ) as parent:
        assert parent.stdout is not None
        pids = [int(word) for word in parent.stdout.readline().split()]
        ready = parent.stdout.readline()
        ran = [runs(pid) for pid in pids]

        parent.kill()

    assert ready == "ready\n"
    assert ran == [True, True]
    until(lambda: not any(runs(pid) for pid in pids))


def test_SD_14_when_a_supervisor_is_killed_its_children_go_down_with_killed(system: System) -> None:
    log = Log(system)
    supervisor = supervise(system, child("plain", log, traps=False), child("traps", log))
    refs = [named(system, "plain"), named(system, "traps")]

    supervisor.exit(KILL)

    assert [ref.join(PATIENCE) for ref in refs] == [KILLED, KILLED]
    assert log.entries[2:] == [("terminate", "traps", "killed")]


@pytest.mark.parametrize("traps", [True, False])
def test_SD_15_a_caller_of_a_child_that_is_shut_down_is_told_so_at_once(system: System, traps: bool) -> None:
    supervisor = supervise(system, child("a", traps=traps))
    ref = named(system, "a")
    asking = in_thread(lambda: ref.call(answer_later, None))
    until(lambda: ref._callers)

    supervisor.stop()

    with pytest.raises(ServerExited) as failure:
        asking.result(PATIENCE)
    assert failure.value.reason == SHUTDOWN


def test_SD_15_even_if_its_question_still_waits_in_the_queue(system: System, gate: Gate) -> None:
    supervisor = supervise(system, child("a", traps=False))
    ref = named(system, "a")
    ref.cast(gate)
    gate.await_somebody()
    asking = in_thread(lambda: ref.call(Answer(1)))
    until(lambda: ref.mailbox_length == 1)
    stopping = in_thread(supervisor.stop)
    until(lambda: ref.mailbox_length == 2 or stopping.done())

    gate.open()

    with pytest.raises(ServerExited) as failure:
        asking.result(PATIENCE)
    assert failure.value.reason == SHUTDOWN
    stopping.result(PATIENCE)


def test_a_system_stops_even_a_process_that_is_stuck_within_its_limit(
    system: System, clock: ManualClock, gate: Gate, isolation: str
) -> None:
    stuck = start(system)
    stuck.cast(gate)
    gate.await_somebody()

    stopping = in_thread(lambda: system.stop(timeout=3.0))
    clock.await_waiter(3.0)
    clock.advance(3.0)
    stopping.result(PATIENCE)

    assert stuck.exit_reason == KILLED
    if isolation == "thread":
        assert system.abandoned() == (stuck,)


def test_a_notice_of_a_kill_comes_once(system: System, gate: Gate) -> None:
    ref, inbox = start(system), system.inbox()
    ref.cast(gate)
    gate.await_somebody()
    ref.monitor(inbox)

    for _ in range(3):
        ref.exit(KILL)
    gate.open()
    ref.join(PATIENCE)
    until(lambda: system.abandoned() == ())

    assert [type(one) for one in inbox.drain()] == [Down]
