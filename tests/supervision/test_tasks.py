"""Section 14 of otp.md: tasks, alone and under a supervisor."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from eye.errors import CallFailed, CannotCross, MaxChildrenReached, NotTaskOwner, TaskFailed, TaskTimeout
from eye.supervision import (
    KILLED,
    NORMAL,
    SHUTDOWN,
    Crash,
    Exit,
    Exited,
    Ok,
    Reason,
    Restart,
    Shutdown,
    Stop,
    System,
    Task,
    TaskDone,
    TaskSupervisor,
    async_stream,
    current,
)
from eye.supervision.reasons import TIMEOUT
from eye.testing import drain
from tests.supervision.functions import (
    Use,
    attempt,
    double,
    fail,
    fail_on_three,
    leave,
    run_and_await,
    use,
    wait_for,
    wait_long,
    who,
)
from tests.supervision.kinds import both_kinds, os_processes_only
from tests.supervision.servers import PATIENCE, Boom, Gate, Here, Obedient, Turns, in_thread, seen, start, until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eye.supervision import Ref
    from eye.testing import ManualClock


@pytest.fixture
def gate() -> Iterator[Gate]:
    """A gate that is open at the latest when the test is over, before its system is stopped."""
    gate = Gate()
    yield gate
    gate.open()


def task_supervisor(system: System, **options: Any) -> Ref:
    ref = system.start(TaskSupervisor, name="tasks", **options)
    assert ref is not None
    return ref


# ----------------------------------------------------------------------------------- results


def test_a_task_answers_what_its_function_returns_as_often_as_one_asks(system: System) -> None:
    task = Task.async_(double, 21, system=system)

    assert task.await_result() == 42
    assert task.await_result() == 42
    assert task.yield_result() == Ok(42)


def test_a_task_runs_in_a_process_of_its_own_that_ends_with_it(system: System) -> None:
    task = Task.async_(who, system=system)

    assert task.await_result() is task.ref
    assert task.ref.join(PATIENCE) == NORMAL
    assert str(task.ref.id) == "who"


def test_a_process_owns_the_tasks_it_starts(system: System) -> None:
    owner = start(system)

    assert use(owner, run_and_await, double, 4) == 8
    assert owner.is_alive
    drain(system)
    assert owner.links == frozenset()


@pytest.mark.parametrize("value", [None, Stop(SHUTDOWN), Ok(1), Exited(NORMAL)])
def test_any_value_is_a_result(system: System, value: Any) -> None:
    assert Task.async_(lambda: value, system=system).await_result() == value


def test_several_threads_of_plain_code_may_wait_for_one_task(system: System, gate: Gate) -> None:
    task = Task.async_(wait_for, gate, "done", system=system)
    waiting = [in_thread(task.await_result) for _ in range(5)]

    gate.await_somebody()
    gate.open()

    assert [each.result(PATIENCE) for each in waiting] == ["done"] * 5


def test_only_the_owner_may_wait(system: System) -> None:
    owner, other = start(system), start(system)
    task = use(owner, Task.async_, double, 1)
    plain = Task.async_(double, 1, system=system)

    for refused in (attempt(other, task.await_result), attempt(other, plain.yield_result)):
        assert isinstance(refused, NotTaskOwner)
    with pytest.raises(NotTaskOwner, match="plain code cannot wait"):
        task.await_result()
    assert use(owner, task.await_result) == 2


def test_plain_code_says_where_a_task_shall_run() -> None:
    with pytest.raises(RuntimeError, match="say where"):
        Task.async_(double, 1)


# ------------------------------------------------------------------------------- time limits


# Run with tasks of both kinds: what a thread does at its next message boundary, an OS process does at once.


@both_kinds
def test_TA_02_an_await_that_times_out_fails_the_owner_and_ends_the_task(
    system: System, clock: ManualClock, gate: Gate
) -> None:
    owner = owner_of(system)
    task = use(owner, Task.async_, wait_for, gate, isolation=Here.isolation)
    owner.cast(Use(task.await_result))
    gate.await_somebody()
    clock.await_waiter(5)

    clock.advance(5)

    reason = owner.join(PATIENCE)
    assert isinstance(reason, Crash)
    assert isinstance(reason.exception, TaskTimeout)
    assert "timeout: not done within 5 s" in str(reason)
    assert ended(task, gate) == TIMEOUT


@both_kinds
def test_TA_02_plain_code_gets_the_timeout_and_the_task_is_ended(
    system: System, clock: ManualClock, gate: Gate
) -> None:
    task = Task.async_(wait_for, gate, system=system, isolation=Here.isolation)
    waiting = in_thread(task.await_result)
    gate.await_somebody()
    clock.await_waiter(5)

    clock.advance(5)

    with pytest.raises(TaskTimeout):
        waiting.result(PATIENCE)
    assert ended(task, gate) == TIMEOUT
    assert task.yield_result(0) == Exited(TIMEOUT)  # its late result is nobody's


@both_kinds
def test_TA_02_an_owner_that_catches_the_timeout_lives(system: System, gate: Gate) -> None:
    owner = owner_of(system)
    task = use(owner, Task.async_, wait_for, gate, isolation=Here.isolation)
    gate.await_somebody()

    refused = attempt(owner, task.await_result, 0)

    assert ended(task, gate) == TIMEOUT
    drain(system)
    assert isinstance(refused, TaskTimeout)
    assert owner.is_alive


@both_kinds
def test_TA_02_a_yield_that_times_out_says_nothing_yet_and_a_later_one_gets_the_result(
    system: System, gate: Gate
) -> None:
    owner = owner_of(system)
    task = use(owner, Task.async_, wait_for, gate, "done", isolation=Here.isolation)

    assert use(owner, task.yield_result, 0) is None
    assert task.ref.is_alive
    gate.open()

    assert use(owner, task.yield_result, PATIENCE) == Ok("done")
    assert use(owner, task.await_result) == "done"


def owner_of(system: System) -> Ref:
    """A process in a thread, whatever its tasks are."""
    ref = system.start(Obedient)
    assert ref is not None
    return ref


def ended(task: Task[Any], gate: Gate) -> Reason | None:
    """Answer why a task has ended that was told to."""
    if Here.isolation == "thread":
        gate.open()
    return task.ref.join(PATIENCE)


# ------------------------------------------------------------------------------------- crashes


def test_a_task_that_crashes_takes_its_linked_owner_along(system: System) -> None:
    owner = start(system)

    owner.cast(Use(run_and_await, fail))

    reason = owner.join(PATIENCE)
    assert isinstance(reason, Crash)
    assert reason.word == "Boom"


def test_an_owner_that_traps_exits_is_told_and_lives(system: System) -> None:
    owner = start(system, traps=True)
    task = use(owner, Task.async_, fail)

    refused = attempt(owner, task.await_result)
    outcome = use(owner, task.yield_result)
    drain(system)

    assert isinstance(refused, TaskFailed)
    assert refused.reason.word == "Boom"
    assert isinstance(outcome, Exited)
    assert seen(owner) == [Exit(task.ref, refused.reason)]


def test_plain_code_gets_what_the_task_raised_as_the_cause(system: System) -> None:
    task = Task.async_(fail, system=system)

    with pytest.raises(TaskFailed, match="Boom: boom") as failed:
        task.await_result()

    assert isinstance(failed.value.__cause__, Boom)
    assert isinstance(failed.value, CallFailed)
    assert "in fail" in failed.value.reason.traceback


def test_a_task_may_leave_with_a_reason_of_its_own(system: System) -> None:
    task = Task.async_(leave, "enough", system=system)

    assert task.yield_result() == Exited(Reason("enough"))


def test_a_task_ends_with_its_owner(system: System, gate: Gate) -> None:
    owner = start(system)
    task = use(owner, Task.async_, wait_for, gate)
    gate.await_somebody()

    owner.exit("shutdown")
    owner.join(PATIENCE)
    gate.open()

    assert task.ref.join(PATIENCE) == SHUTDOWN


def test_a_started_task_is_nobodys_unless_linked(system: System, gate: Gate) -> None:
    owner = start(system)
    alone = use(owner, Task.start, wait_for, gate)
    linked = use(owner, Task.start, wait_for, gate, linked=True)

    owner.exit("enough")
    owner.join(PATIENCE)
    gate.open()

    assert linked.join(PATIENCE) == Reason("enough")
    assert alone.join(PATIENCE) == NORMAL


# ------------------------------------------------------------------- shutdown, ignore, notify


def test_shutdown_ends_a_task_and_says_what_came_of_it(system: System, gate: Gate) -> None:
    done, failed = Task.async_(double, 1, system=system), Task.async_(fail, system=system)
    for task in (done, failed):
        task.yield_result()
    stuck = Task.async_(wait_for, gate, system=system)
    gate.await_somebody()

    assert done.shutdown() == Ok(2)
    outcome = failed.shutdown()
    assert isinstance(outcome, Exited)
    assert outcome.reason.word == "Boom"
    assert stuck.shutdown(Shutdown.BRUTAL_KILL) is None
    assert system.abandoned() == (stuck.ref,)


def test_shutdown_waits_for_its_limit_and_then_kills(system: System, clock: ManualClock, gate: Gate) -> None:
    owner = start(system)
    task = use(owner, Task.async_, wait_for, gate)
    gate.await_somebody()
    shutting_down = in_thread(lambda: use(owner, task.shutdown, 3))
    clock.await_waiter(3)

    clock.advance(3)

    assert shutting_down.result(PATIENCE) is None
    assert not task.ref.is_alive
    assert owner.is_alive


def test_an_ignored_task_runs_on_without_its_owner(system: System, gate: Gate) -> None:
    owner = start(system)
    task = use(owner, Task.async_, wait_for, gate)

    assert use(owner, task.ignore) is None
    owner.exit("enough")
    owner.join(PATIENCE)
    gate.open()

    assert task.ref.join(PATIENCE) == NORMAL


def test_a_server_that_must_not_wait_is_notified(system: System) -> None:
    owner, tasks = start(system), task_supervisor(system)

    good = use(owner, TaskSupervisor.async_nolink, tasks, double, 3)
    bad = use(owner, TaskSupervisor.async_nolink, tasks, fail)
    for task in (good, bad):
        use(owner, task.notify)
        task.ref.join(PATIENCE)
    drain(system)

    outcomes = {message.task: message.outcome for message in seen(owner) if isinstance(message, TaskDone)}
    assert outcomes[good] == Ok(6)
    assert isinstance(outcomes[bad], Exited)
    assert len(seen(owner)) == 2


def test_plain_code_cannot_be_notified(system: System) -> None:
    with pytest.raises(RuntimeError, match="no mailbox"):
        Task.async_(double, 1, system=system).notify()


# ---------------------------------------------------------------------------------------- many


def test_await_many_answers_in_the_order_of_the_tasks(system: System) -> None:
    tasks = [Task.async_(double, number, system=system) for number in range(10)]

    assert Task.await_many(tasks) == list(range(0, 20, 2))
    assert Task.await_many([]) == []


def test_await_many_ends_the_others_when_one_fails(system: System, gate: Gate) -> None:
    tasks = [Task.async_(fail, system=system), Task.async_(wait_for, gate, system=system)]
    gate.await_somebody()

    with pytest.raises(TaskFailed):
        Task.await_many(tasks)

    gate.open()
    assert tasks[1].ref.join(PATIENCE) == SHUTDOWN


def test_await_many_has_one_time_limit_for_all(system: System, clock: ManualClock, gate: Gate) -> None:
    done, never = Gate(), gate
    tasks = [Task.async_(wait_for, each, system=system) for each in (done, never)]
    waiting = in_thread(lambda: Task.await_many(tasks, 5))
    clock.await_waiter(5)
    clock.advance(3)
    done.open()
    clock.await_waiter(2)

    clock.advance(2)

    with pytest.raises(TaskTimeout):
        waiting.result(PATIENCE)


@pytest.mark.parametrize("on_timeout", ["nothing", "ignore", "kill"])
def test_yield_many_says_of_each_what_came_of_it(system: System, gate: Gate, on_timeout: Any) -> None:
    good, bad = Task.async_(double, 1, system=system), Task.async_(leave, "enough", system=system)
    late = Task.async_(wait_for, gate, "late", system=system)
    for task in (good, bad):
        task.yield_result()
    gate.await_somebody()

    outcomes = Task.yield_many([late, good, bad], 0, on_timeout=on_timeout)

    assert outcomes == [(late, None), (good, Ok(2)), (bad, Exited(Reason("enough")))]
    assert late.ref.is_alive is (on_timeout != "kill")
    if on_timeout == "nothing":
        gate.open()
        assert late.await_result() == "late"


# --------------------------------------------------------------------------------------- streams


def test_a_stream_applies_a_function_to_each_item_in_order(system: System) -> None:
    outcomes = list(async_stream(double, range(20), max_concurrency=3, system=system))

    assert outcomes == [Ok(2 * number) for number in range(20)]
    assert list(async_stream(double, [], system=system)) == []


def test_a_stream_runs_no_more_at_once_than_it_may(system: System) -> None:
    lock, running, most = threading.Lock(), 0, 0

    def count(_item: int) -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        barrier.wait(PATIENCE)
        with lock:
            running -= 1

    barrier = threading.Barrier(4)  # nobody gets on before four run
    list(async_stream(count, range(40), max_concurrency=4, system=system))

    assert most == 4


def test_a_stream_can_hand_out_results_as_they_are_done(system: System, gate: Gate) -> None:
    def first_waits(number: int) -> int:
        return wait_for(gate, number) if number == 0 else number

    stream = async_stream(first_waits, range(4), max_concurrency=2, ordered=False, system=system)
    early = [next(stream) for _ in range(3)]
    gate.open()

    assert sorted(outcome.value for outcome in early if isinstance(outcome, Ok)) == [1, 2, 3]
    assert list(stream) == [Ok(0)]


def test_a_stream_keeps_others_going_behind_a_slow_first_one(system: System, gate: Gate) -> None:
    done: list[int] = []

    def first_waits(number: int) -> int:
        if number == 0:
            gate(None)
        else:
            done.append(number)
            if number == 9:
                gate.open()
        return number

    stream = async_stream(first_waits, range(10), max_concurrency=2, system=system)

    assert list(stream) == [Ok(number) for number in range(10)]


def test_nothing_runs_before_the_first_result_is_asked_for(system: System) -> None:
    ran: list[int] = []

    stream = async_stream(ran.append, [1], system=system)
    before = list(ran)
    list(stream)

    assert (before, ran) == ([], [1])


def test_a_failure_in_a_linked_stream_is_the_readers(system: System) -> None:
    owner = start(system)

    with pytest.raises(TaskFailed):
        list(async_stream(fail_on_three, range(10), max_concurrency=1, system=system))
    owner.cast(Use(lambda: list(async_stream(fail_on_three, range(10)))))

    reason = owner.join(PATIENCE)
    assert reason is not None
    assert reason.word == "Boom"


def test_a_failure_in_a_stream_without_links_is_one_of_its_outcomes(system: System) -> None:
    tasks, owner = task_supervisor(system), start(system)

    outcomes = use(owner, lambda: list(TaskSupervisor.async_stream_nolink("tasks", fail_on_three, range(5))))

    assert [type(each) for each in outcomes] == [Ok, Ok, Ok, Exited, Ok]
    assert outcomes[3].reason.word == "Boom"
    drain(system)
    assert TaskSupervisor.count_children(tasks).active == 0


@pytest.mark.parametrize("ordered", [True, False])
def test_a_stream_kills_what_takes_too_long_and_goes_on(
    system: System, clock: ManualClock, gate: Gate, ordered: bool
) -> None:
    def third_waits(number: int) -> int:
        return wait_for(gate, number) if number == 3 else number

    stream = async_stream(
        third_waits, range(5), max_concurrency=1, ordered=ordered, timeout=7, on_timeout="kill", system=system
    )
    early = [next(stream) for _ in range(3)]
    rest = in_thread(lambda: list(stream))
    gate.await_somebody()
    clock.await_waiter(7)

    clock.advance(7)

    assert early == [Ok(0), Ok(1), Ok(2)]
    assert rest.result(PATIENCE) == [Exited(TIMEOUT), Ok(4)]
    assert len(system.abandoned()) == 1


def test_a_stream_that_is_to_exit_on_a_timeout_raises_it(system: System, clock: ManualClock, gate: Gate) -> None:
    reading = in_thread(lambda: list(async_stream(lambda _: wait_for(gate), range(2), timeout=7, system=system)))
    gate.await_somebody()
    clock.await_waiter(7)

    clock.advance(7)

    with pytest.raises(TaskTimeout, match="not done within 7 s"):
        reading.result(PATIENCE)


def test_whoever_stops_reading_ends_the_tasks_that_still_run(system: System, gate: Gate) -> None:
    def first_goes(number: int) -> int:
        return number if number == 0 else wait_for(gate, number)

    stream: Any = async_stream(first_goes, range(5), max_concurrency=2, system=system)
    next(stream)
    gate.await_somebody()

    stream.close()
    gate.open()

    until(lambda: system.processes() == ())


def test_a_stream_needs_room_for_one(system: System) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        async_stream(double, [1], max_concurrency=0, system=system)


@settings(max_examples=40, deadline=None)
@given(some.lists(some.integers(0, 5), max_size=12), some.integers(1, 4), some.booleans())
def test_every_item_has_one_outcome(items: list[int], concurrency: int, ordered: bool) -> None:
    with System() as system:
        system.is_quiet = True
        tasks = task_supervisor(system)
        outcomes = list(
            TaskSupervisor.async_stream_nolink(
                tasks, fail_on_three, items, max_concurrency=concurrency, ordered=ordered
            )
        )

    told = [each.value if isinstance(each, Ok) else 3 for each in outcomes]
    assert (told if ordered else sorted(told)) == (items if ordered else sorted(items))
    assert {each.reason.word for each in outcomes if isinstance(each, Exited)} <= {"Boom"}


# ----------------------------------------------------------------------------------- supervised


def test_supervised_tasks_are_children_that_come_and_go(system: System, gate: Gate) -> None:
    tasks = task_supervisor(system)

    ref = TaskSupervisor.start_child(tasks, wait_for, gate)
    children = TaskSupervisor.which_children(tasks)
    gate.open()
    ref.join(PATIENCE)
    drain(system)

    assert [(info.ref, info.id, info.spec.restart) for info in children] == [(ref, "wait_for", Restart.TEMPORARY)]
    assert TaskSupervisor.which_children(tasks) == ()


def test_a_supervised_task_answers_its_owner(system: System) -> None:
    tasks, owner = task_supervisor(system), start(system)
    linked = use(owner, TaskSupervisor.async_, "tasks", double, 1)

    assert use(owner, linked.await_result) == 2
    assert linked.ref.parent is tasks
    assert TaskSupervisor.async_(tasks, double, 2).await_result() == 4
    assert TaskSupervisor.async_nolink(tasks, double, 3).await_result() == 6


def test_a_supervised_linked_task_takes_its_owner_along_but_not_its_supervisor(system: System) -> None:
    tasks, owner = task_supervisor(system), start(system)

    owner.cast(Use(lambda: TaskSupervisor.async_("tasks", fail).await_result()))

    reason = owner.join(PATIENCE)
    assert reason is not None
    assert reason.word == "Boom"
    assert tasks.is_alive


@both_kinds
def test_TA_02_a_task_without_link_that_crashes_leaves_its_owner_alive(system: System) -> None:
    task_supervisor(system)
    owner = owner_of(system)
    task = use(owner, TaskSupervisor.async_nolink, "tasks", fail, isolation=Here.isolation)

    outcome = use(owner, task.yield_result)
    refused = attempt(owner, task.await_result)
    drain(system)

    assert isinstance(outcome, Exited)
    assert outcome.reason.word == "Boom"
    assert isinstance(refused, TaskFailed)
    assert owner.is_alive
    assert seen(owner) == []


def test_a_supervised_task_leaves_no_watch_on_its_owner(system: System) -> None:
    task_supervisor(system)
    owner = start(system)

    for number in range(20):
        task = use(owner, TaskSupervisor.async_nolink, "tasks", double, number)
        use(owner, task.await_result)
    drain(system)

    assert owner._monitors == {}


def test_a_task_whose_owner_ends_before_it_says_what_to_do_ends_too(system: System) -> None:
    from eye.supervision import ChildSpec, DynamicSupervisor
    from eye.supervision.task_process import TaskProcess

    tasks, owner = task_supervisor(system), start(system)
    idle = DynamicSupervisor.start_child(tasks, ChildSpec(TaskProcess, (None, owner), restart=Restart.TEMPORARY))
    assert idle is not None

    owner.stop()

    assert idle.join(PATIENCE) == NORMAL


def test_a_transient_task_is_run_again_after_a_crash(system: System) -> None:
    tasks, turns, done = task_supervisor(system), Turns(fail, lambda _: done.set()), threading.Event()

    TaskSupervisor.start_child(tasks, turns, None, restart=Restart.TRANSIENT)

    assert done.wait(PATIENCE)
    drain(system)
    assert turns.taken == 2
    assert TaskSupervisor.which_children(tasks) == ()


def test_a_full_task_supervisor_refuses(system: System, gate: Gate) -> None:
    tasks = task_supervisor(system, max_children=1)
    TaskSupervisor.start_child(tasks, wait_for, gate)

    with pytest.raises(MaxChildrenReached):
        TaskSupervisor.async_nolink(tasks, double, 1)


def test_tasks_are_stopped_with_their_supervisor(system: System) -> None:
    tasks, asking = task_supervisor(system), start(system)
    task = TaskSupervisor.async_nolink(tasks, lambda: asking.call(Use(never.wait), None))
    never = threading.Event()
    until(lambda: task.ref._waiting is not None)  # one that waits ends at once

    tasks.stop(SHUTDOWN)

    assert task.yield_result() == Exited(SHUTDOWN)
    never.set()


def test_a_task_may_start_tasks(system: System) -> None:
    def total(numbers: list[int]) -> int:
        assert current() is not None
        return sum(Task.await_many([Task.async_(double, number) for number in numbers]))

    assert Task.async_(total, [1, 2, 3], system=system).await_result() == 12


# ------------------------------------------------------------- owners that live in an OS process


def collect(number: int, **options: Any) -> list[Any]:
    return list(async_stream(double, range(number), max_concurrency=2, **options))


def collect_supervised(number: int) -> list[Any]:
    return list(TaskSupervisor.async_stream_nolink("tasks", fail_on_three, range(number)))


@both_kinds
def test_any_process_owns_tasks_and_waits_for_them(system: System) -> None:
    tasks, owner = task_supervisor(system), start(system)

    task = use(owner, Task.async_, double, 1)
    supervised = use(owner, TaskSupervisor.async_, "tasks", double, 2)
    started = use(owner, Task.start, double, 3)

    assert (task.owner, supervised.owner) == (owner, owner)
    assert (task.ref.parent, supervised.ref.parent, started.parent) == (owner, tasks, owner)
    assert use(owner, task.await_result) == 2
    assert use(owner, supervised.yield_result) == Ok(4)
    assert use(owner, Task.await_many, [task, supervised]) == [2, 4]
    assert use(owner, task.shutdown) == Ok(2)
    assert started.join(PATIENCE) == NORMAL


@both_kinds
def test_any_process_goes_down_with_its_linked_task(system: System) -> None:
    owner = start(system)

    owner.cast(Use(run_and_await, fail))

    reason = owner.join(PATIENCE)
    assert reason is not None
    assert reason.word == "Boom"


@both_kinds
def test_any_process_may_read_a_stream(system: System) -> None:
    task_supervisor(system)
    owner = start(system)

    outcomes = use(owner, collect_supervised, 5)

    assert use(owner, collect, 4) == [Ok(0), Ok(2), Ok(4), Ok(6)]
    assert [type(each) for each in outcomes] == [Ok, Ok, Ok, Exited, Ok]


@os_processes_only
def test_a_task_in_an_os_process_uses_that_one(system: System, isolation: Any) -> None:
    there = Task.async_(os.getpid, system=system, isolation=isolation).await_result(PATIENCE)
    items = async_stream(double, range(3), max_concurrency=2, system=system, isolation=isolation)

    assert there != os.getpid()
    assert list(items) == [Ok(0), Ok(2), Ok(4)]


@os_processes_only
def test_what_cannot_be_sent_to_an_os_process_is_the_starters_mistake(system: System, isolation: Any) -> None:
    owner = owner_of(system)

    with pytest.raises(CannotCross):
        Task.async_(lambda: 1, system=system, isolation=isolation)
    refused = use(owner, attempt_a_lambda)

    assert isinstance(refused, CannotCross)
    assert owner.is_alive
    until(lambda: system.processes() == (owner,))


def attempt_a_lambda() -> Any:
    try:
        Task.async_(lambda: 1, isolation="process")
    except CannotCross as error:
        return error
    return None


@os_processes_only
def test_an_owner_is_notified_also_of_what_cannot_be_sent_to_it(system: System, isolation: Any) -> None:
    owner = start(system)
    task = use(owner, Task.async_, give_a_lambda)

    use(owner, task.notify)
    task.ref.join(PATIENCE)
    drain(system)

    (news,) = seen(owner)
    assert isinstance(news.outcome, Exited)
    assert news.outcome.reason.word == "CannotCross"


def give_a_lambda() -> Any:
    return lambda: 1


@os_processes_only
def test_a_task_in_an_os_process_really_ends_when_told_to(system: System, isolation: Any) -> None:
    asked, killed = (Task.async_(wait_long, system=system, isolation=isolation) for _ in range(2))

    assert asked.shutdown(PATIENCE) is None
    assert killed.shutdown(Shutdown.BRUTAL_KILL) is None

    assert (asked.ref.exit_reason, killed.ref.exit_reason) == (SHUTDOWN, KILLED)
    assert system.abandoned() == ()


@os_processes_only
def test_a_result_that_cannot_be_sent_is_the_tasks_failure(system: System, isolation: Any) -> None:
    task = Task.async_(give_a_lambda, system=system, isolation=isolation)

    outcome = task.yield_result(PATIENCE)

    assert isinstance(outcome, Exited)
    assert outcome.reason.word == "CannotCross"
