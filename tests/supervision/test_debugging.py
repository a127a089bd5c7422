"""GS-26 and what else `sys` gives: looking into a live process, and holding it."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any

import pytest

from eye.errors import CallTimeout, NoProcess, ServerExited
from eye.supervision import (
    KILL,
    GenServer,
    MessageIn,
    ReplyOut,
    Supervisor,
    System,
    get_state,
    get_status,
    introspection,
    replace_state,
    resume,
    statistics,
    suspend,
    trace,
)
from eye.testing import ManualClock, drain
from tests.supervision.kinds import both_kinds, threads_only
from tests.supervision.servers import (
    PATIENCE,
    Answer,
    Become,
    Log,
    answer_later,
    child,
    crash,
    in_thread,
    named,
    seen,
    start,
    until,
)

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = both_kinds


def fails(kind: type[Exception], step: Callable[[], Any]) -> None:
    with pytest.raises(kind):
        step()


def test_GS_26_suspended_messages_wait_and_calls_run_into_their_limit_and_all_is_handled_in_order(
    system: System, clock: ManualClock
) -> None:
    ref = start(system)

    suspend(ref)
    for number in range(5):
        ref.cast(number)
        ref.send(-number)
    late = in_thread(lambda: fails(CallTimeout, lambda: ref.call(Answer(1), 2.0)))
    until(lambda: ref.mailbox_length == 11)
    clock.await_waiter(2.0)
    clock.advance(3)

    late.result(PATIENCE)
    assert get_state(ref)["seen"] == []
    assert ref.status == "suspended"
    assert ref.mailbox_length == 11
    resume(ref)
    drain(system)
    assert seen(ref) == [0, 0, 1, -1, 2, -2, 3, -3, 4, -4]
    assert ref.status == "running"
    assert ref.mailbox_length == 0
    assert ref.handled == 11
    assert ref._attention is None


def test_a_suspended_server_answers_the_calls_that_still_wait_when_it_is_resumed(system: System) -> None:
    ref = start(system)
    suspend(ref)
    suspend(ref)
    asking = in_thread(lambda: ref.call(Answer(42), None))
    until(lambda: ref.mailbox_length == 1)

    resume(ref)

    assert asking.result(PATIENCE) == 42


def test_a_suspended_server_can_be_killed_and_whoever_waits_is_told(system: System) -> None:
    ref = start(system)
    suspend(ref)
    asking = in_thread(lambda: fails(ServerExited, lambda: ref.call(Answer(1), None)))
    until(lambda: ref.mailbox_length == 1)

    ref.exit(KILL)

    asking.result(PATIENCE)
    assert str(ref.join(PATIENCE)) == "killed"


def test_a_suspended_server_can_be_stopped_and_what_waited_is_dropped(system: System) -> None:
    ref = start(system, traps=True)
    suspend(ref)
    ref.cast(crash)
    asking = in_thread(lambda: fails(ServerExited, lambda: ref.call(Answer(1), None)))
    until(lambda: ref.mailbox_length == 2)

    ref.stop()

    asking.result(PATIENCE)


def test_an_exit_signal_ends_a_suspended_server_that_does_not_trap(system: System) -> None:
    ref = start(system)
    suspend(ref)

    ref.exit("why not")

    assert str(ref.join(PATIENCE)) == "why not"


def test_the_exit_of_its_parent_ends_a_suspended_server_that_traps_and_its_cleanup_runs(system: System) -> None:
    log = Log(system)
    top = system.start(Supervisor, [child("it", log)], name="top")
    assert top is not None
    it = named(system, "it")
    suspend(it)

    top.stop()

    assert not it.is_alive
    assert log.entries[-1] == ("terminate", "it", "shutdown")


def test_what_waited_is_left_alone_where_one_of_it_crashes_and_its_asker_is_told(system: System) -> None:
    ref = start(system)
    suspend(ref)
    ref.cast(crash)
    asking = in_thread(lambda: fails(ServerExited, lambda: ref.call(Answer(1), None)))
    until(lambda: ref.mailbox_length == 2)

    resume(ref)

    asking.result(PATIENCE)
    assert ref.join(PATIENCE).word == "Boom"


def test_a_suspended_supervisor_restarts_nobody_until_it_is_resumed(system: System) -> None:
    top = system.start(Supervisor, [child("it")], name="top")
    assert top is not None
    suspend(top)

    first = named(system, "it")
    first.cast(crash)
    first.join(PATIENCE)
    drain(system)

    assert system.whereis("it") is None
    assert introspection.tree(system, top)["status"] == "suspended"
    assert "suspended" in introspection.as_text(introspection.tree(system, top))
    resume(top)
    drain(system)
    assert system.whereis("it") is not None


def test_a_suspended_child_under_a_supervisor_is_stopped_at_its_limit(system: System) -> None:
    top = system.start(Supervisor, [child("it", traps=False)], name="top")
    assert top is not None
    suspend(named(system, "it"))

    Supervisor.stop_child(top, "it")

    assert system.whereis("it") is None


def test_the_state_is_what_the_server_keeps_on_self(system: System) -> None:
    ref = start(system)
    ref.cast(Become(41))

    assert get_state(ref)["state"] == 41
    assert replace_state(ref, {"state": 42})["state"] == 42
    assert replace_state(ref, more)["state"] == 43
    assert get_state(ref)["state"] == 43


def more(state: dict[str, Any]) -> dict[str, Any]:
    return {**state, "state": state["state"] + 1}


def refuse(_state: Any) -> Any:
    raise ValueError("no")


def test_where_the_change_raises_the_state_stays_and_the_server_lives(system: System) -> None:
    ref = start(system)
    ref.cast(Become(41))

    with pytest.raises(ServerExited) as caught:
        replace_state(ref, refuse)

    assert isinstance(caught.value.__cause__, ValueError)
    assert get_state(ref)["state"] == 41


class Safe(GenServer):
    """Has a secret."""

    def init(self) -> None:
        self.secret, self.open = "sesame", 1

    def handle_call(self, message: Any, caller: Any) -> Any:
        raise RuntimeError("crash")

    def format_status(self, status: dict[str, Any]) -> dict[str, Any]:
        return {**status, "state": {**status["state"], "secret": "***"}, "message": "***"}


def test_format_status_hides_secrets_in_the_status_and_in_the_crash_report(
    system: System, isolation: Any, caplog: pytest.LogCaptureFixture
) -> None:
    ref = system.start(Safe, isolation=isolation)
    assert ref is not None

    status = get_status(ref)
    with pytest.raises(ServerExited):
        ref.call("sesame")
    ref.join(PATIENCE)

    assert status.state == {"secret": "***", "open": 1}
    assert "sesame" not in caplog.text
    assert "'***'" in caplog.text


class Whole(GenServer):
    """Shows its state as one value."""

    def init(self) -> None:
        self.left, self.right = 1, 2

    def system_get_state(self) -> Any:
        return self.left, self.right

    def system_replace_state(self, state: Any) -> None:
        self.left, self.right = state


def swap(state: tuple[int, int]) -> tuple[int, int]:
    return state[::-1]


def test_a_server_may_say_itself_what_its_state_is(system: System, isolation: Any) -> None:
    ref = system.start(Whole, isolation=isolation)
    assert ref is not None

    assert get_state(ref) == (1, 2)
    assert replace_state(ref, swap) == (2, 1)


def test_the_status_is_the_whole_picture(system: System) -> None:
    top = system.start(Supervisor, [child("it")], name="top")
    assert top is not None
    it = named(system, "it")

    status = get_status(it)
    suspend(it)
    it.cast("waits")
    suspended = get_status(it)
    resume(it)

    assert (status.status, suspended.status) == ("running", "suspended")
    assert suspended.mailbox_length == 1
    assert status.parent is top
    assert status.ancestors == (top,)
    assert status.links == {top}
    assert status.behaviour == "eye.testing.obedient.Obedient"
    assert get_status(top).state


def test_statistics_count_from_when_they_are_switched_on(system: System, clock: ManualClock) -> None:
    ref = start(system)
    ref.cast("before")
    assert statistics(ref) is None

    statistics(ref, True)
    clock.advance(5)
    assert ref.call(Answer(1)) == 1
    ref.cast("a cast")
    ref.send("an info")
    ref.send("an info")
    drain(system)
    found = statistics(ref, False)

    assert found is not None
    assert (found.calls, found.casts, found.infos, found.replies) == (1, 1, 2, 1)
    assert found.handled == 4
    assert clock.now() - found.since == 5
    assert statistics(ref) is None
    assert ref._attention is None


def test_statistics_take_nothing_else(system: System) -> None:
    with pytest.raises(ValueError, match="True, False or 'get'"):
        statistics(start(system), "on")  # type: ignore[arg-type]


def test_a_trace_tells_of_messages_and_answers_late_ones_too(system: System) -> None:
    ref = start(system)
    inbox = system.inbox()

    trace(ref, inbox)
    ref.call(Answer(42))
    ref.cast("a cast")
    ref.send("an info")
    later = in_thread(lambda: ref.call(answer_later, None))
    until(lambda: ref._callers)
    next(iter(ref._callers)).reply("late")
    later.result(PATIENCE)
    drain(system)
    trace(ref, None)
    ref.cast("not told")
    drain(system)

    events = inbox.drain()
    kinds = [(event.kind, event.message) for event in events if isinstance(event, MessageIn)]
    replies = [event.reply for event in events if isinstance(event, ReplyOut)]
    assert kinds == [("call", Answer(42)), ("cast", "a cast"), ("info", "an info"), ("call", answer_later)]
    assert replies == [42, "late"]
    assert {event.path for event in events} == {ref.path}
    assert ref._attention is None


def test_a_trace_may_go_into_the_log(system: System, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    ref = start(system)

    trace(ref, logging.getLogger("tests.trace"))
    ref.cast("a cast")
    drain(system)

    assert "message='a cast'" in caplog.text


def test_a_listener_that_raises_is_not_told_again_and_the_server_goes_on(
    system: System, caplog: pytest.LogCaptureFixture
) -> None:
    ref = start(system)
    told: list[Any] = []

    def listen(event: Any) -> None:
        told.append(event)
        raise RuntimeError("no")

    trace(ref, listen)
    ref.cast("one")
    ref.cast("two")
    drain(system)

    assert len(told) == 1
    assert seen(ref) == ["one", "two"]
    assert "switched off" in caplog.text


@threads_only
def test_a_crash_under_attention_is_reported_with_the_message_it_was_handling(
    system: System, caplog: pytest.LogCaptureFixture
) -> None:
    ref = start(system)
    statistics(ref, True)

    ref.cast(crash)
    ref.join(PATIENCE)

    assert "last message: <function crash" in caplog.text


def test_each_takes_a_time_limit(system: System, clock: ManualClock) -> None:
    gate = threading.Event()
    ref = system.start(GenServer)
    assert ref is not None
    ref.inquire(lambda _server: gate.wait(PATIENCE))

    asking = in_thread(lambda: fails(CallTimeout, lambda: get_state(ref, 1.0)))
    clock.await_waiter(1.0)
    clock.advance(2)

    asking.result(PATIENCE)
    gate.set()


@pytest.mark.parametrize("ask", [suspend, resume, get_state, get_status, statistics])
def test_nobody_is_there_to_be_asked(system: System, ask: Callable[[Any], Any]) -> None:
    ref = start(system)
    ref.stop()

    with pytest.raises(NoProcess):
        ask(ref)
