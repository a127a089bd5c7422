"""Section 9 of otp.md: the generic server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from eye.errors import BadReturn, CallingSelf, CallTimeout, NoProcess, ServerExited
from eye.supervision import (
    KILL,
    KILLED,
    NORMAL,
    SHUTDOWN,
    Continue,
    Exit,
    GenServer,
    IdleTimeout,
    NoReply,
    Reason,
    Reply,
    Stop,
)
from eye.testing import ManualClock, drain
from tests.supervision.servers import PATIENCE, Boom, Gate, Obedient, crash, exit_with, in_thread, seen, start

if TYPE_CHECKING:
    from eye.supervision import Caller, System


def later(_me: Obedient) -> NoReply:
    return NoReply()


def hold_caller(me: Obedient) -> NoReply:
    me.kept = me.caller
    return NoReply()


def test_GS_01_a_start_returns_only_after_init_has(system: System) -> None:
    gate = Gate()
    starting = in_thread(lambda: start(system, on_init=gate))
    gate.await_somebody()

    was_started = starting.done()
    gate.open()

    assert not was_started
    assert starting.result(PATIENCE).status == "running"


def test_GS_05_messages_of_one_sender_are_handled_in_the_order_sent_and_never_overlap(system: System) -> None:
    ref, log, inside = start(system), [], []

    def note(number: int) -> Any:
        def do(_me: Any) -> None:
            assert inside == []
            inside.append(number)
            log.append(number)
            inside.pop()

        return do

    for number in range(0, 300, 3):
        ref.cast(note(number))
        ref.send(note(number + 1))
        ref.call(note(number + 2))

    assert log == list(range(300))


def test_GS_06_a_call_without_a_limit_of_its_own_fails_after_five_seconds_and_says_what_of_whom(
    system: System, clock: ManualClock
) -> None:
    ref = start(system, name="silent")
    asking = in_thread(lambda: ref.call(later))
    clock.await_waiter(5.0)

    clock.advance(4.9)
    was_done = asking.done()
    clock.advance(0.1)

    with pytest.raises(CallTimeout, match=r"later.*/silent.*no answer within 5 s"):
        asking.result(PATIENCE)
    assert not was_done
    assert ref.is_alive


def test_GS_07_a_request_whose_caller_gave_up_is_still_carried_out_and_its_answer_goes_nowhere(
    system: System, clock: ManualClock
) -> None:
    ref, gate, done = start(system), Gate(), []
    ref.cast(gate)
    gate.await_somebody()
    asking = in_thread(lambda: ref.call(lambda me: done.append("waited in the queue") or "late", 1.0))
    clock.await_waiter(1.0)
    clock.advance(1.0)
    with pytest.raises(CallTimeout):
        asking.result(PATIENCE)

    gate.open()
    answer = ref.call(lambda me: "mine")

    assert done == ["waited in the queue"]
    assert answer == "mine"


def test_GS_08_nobody_there_is_noproc_at_once(system: System) -> None:
    dead = start(system)
    dead.stop()

    with pytest.raises(NoProcess, match="no such process"):
        dead.call("anybody?")
    with pytest.raises(NoProcess, match="nobody failed: no such process"):
        system.call("nobody", "anybody?")


@pytest.mark.parametrize(
    "wait", [lambda me: me.ref.call(later), lambda me: me.ref.stop(), lambda me: me.ref.ask_process(id)]
)
def test_GS_09_a_server_that_would_wait_for_itself_fails_at_once(system: System, wait: Any) -> None:
    ref = start(system)

    def try_it(me: Obedient) -> str:
        with pytest.raises(CallingSelf) as refusal:
            wait(me)
        return str(refusal.value.reason)

    assert ref.call(try_it) == "calling_self"
    assert ref.is_alive


@pytest.mark.parametrize(
    ("does", "says"),
    [
        (crash, "Boom: boom"),
        (lambda me: exit_with("odd"), "odd"),
        (lambda me: me.ref.kill(), "killed"),
        (lambda me: Stop(SHUTDOWN), "shutdown"),
        (lambda me: Stop(), "normal"),
        (lambda me: Continue(1), "BadReturn"),
        (lambda me: exit(3), "SystemExit: 3"),
    ],
)
def test_GS_10_a_caller_learns_at_once_why_its_server_went_down(system: System, does: Any, says: str) -> None:
    ref = start(system)

    with pytest.raises(ServerExited, match=says) as failure:
        ref.call(does, None)

    assert str(failure.value.reason).startswith(says)
    if says.startswith("Boom"):
        assert isinstance(failure.value.__cause__, Boom)
        assert "in crash" in failure.value.reason.traceback


def test_GS_11_those_who_wait_in_the_queue_and_those_promised_an_answer_learn_it_too(system: System) -> None:
    ref, gate = start(system), Gate()
    promised = in_thread(lambda: ref.call(later, None))
    while not ref._callers:
        pass
    ref.cast(gate)
    gate.await_somebody()
    queued = in_thread(lambda: ref.call(later, None))
    while not ref.mailbox_length:
        pass

    ref.exit(KILL)
    gate.open()

    for asking in (promised, queued):
        with pytest.raises(ServerExited) as failure:
            asking.result(PATIENCE)
        assert failure.value.reason == KILLED


def test_GS_12_a_caller_that_ends_while_it_waits_does_not_disturb_the_server(system: System) -> None:
    ref, caller, gate, done = start(system), start(system), Gate(), []
    caller.cast(lambda me: ref.call(lambda _: (gate(), done.append("done")), None))
    gate.await_somebody()

    caller.exit("gone")
    caller.join(PATIENCE)
    gate.open()

    assert ref.call(lambda me: done) == ["done"]


def test_GS_13_of_two_that_call_each_other_the_time_limit_ends_the_wait(
    system: System, clock: ManualClock
) -> None:
    one, other = start(system), start(system)
    asking = in_thread(lambda: one.call(lambda _: other.call(lambda _: one.call(later, 1.0), 2.0), 3.0))
    clock.await_waiter(1.0)

    clock.advance(1.0)

    with pytest.raises(ServerExited, match="CallTimeout"):
        asking.result(PATIENCE)


def test_GS_14_an_answer_may_come_from_anywhere_and_a_second_one_is_dropped(system: System) -> None:
    ref, helper = start(system), start(system)
    asking = in_thread(lambda: ref.call(hold_caller))
    while not ref._callers:
        pass
    caller = ref.ask_process(lambda me: me.kept)

    helper.call(lambda _: caller.reply("from the helper"))

    assert asking.result(PATIENCE) == "from the helper"
    assert caller.reply("again") is False
    assert ref.call(lambda me: "another call's own") == "another call's own"


def test_GS_14_a_caller_can_be_handed_on_in_a_cast(system: System) -> None:
    class Answers(GenServer):
        def handle_cast(self, message: Caller) -> None:
            message.reply("passed on")

    answers = system.start(Answers)
    ref = start(system)

    assert answers is not None
    assert ref.call(lambda me: (answers.cast(me.caller), NoReply())[1]) == "passed on"


def test_GS_15_a_cast_to_nobody_is_fine(system: System) -> None:
    dead = start(system)
    dead.stop()

    dead.cast("lost")
    dead.send("lost")
    system.cast("nobody", "lost")
    system.send("nobody", "lost")

    assert dead.mailbox_length == 0


def test_GS_16_a_continue_step_runs_before_everything_else_and_may_chain(system: System) -> None:
    def init(me: Obedient) -> Continue:
        me.ref.cast(lambda _: me.log.append("sent to itself in init"))
        return Continue(lambda _: me.log.append("first") or Continue(lambda _: me.log.append("second")))

    log: list[Any] = []
    ref = start(system, log, on_init=init)
    ref.call(lambda me: Reply(1, then=Continue(lambda _: log.append("after the reply"))))
    ref.call(lambda me: None)

    assert log[1:] == ["first", "second", "sent to itself in init", "after the reply"]


def test_GS_17_a_time_limit_gives_a_timeout_message_when_nothing_comes(system: System, clock: ManualClock) -> None:
    ref = start(system)
    ref.cast(lambda _: NoReply(timeout=2.0))
    drain(system)

    clock.advance(2.0)
    drain(system)
    clock.advance(2.0)
    drain(system)

    assert seen(ref) == [IdleTimeout(2.0)]


def test_GS_17_any_message_cancels_it_and_an_old_limit_does_not_cancel_a_new_one(
    system: System, clock: ManualClock
) -> None:
    ref = start(system)
    ref.cast(lambda _: NoReply(timeout=2.0))
    drain(system)
    clock.advance(1.0)
    ref.cast(lambda _: NoReply(timeout=3.0))
    drain(system)

    clock.advance(2.0)  # the first would be due
    drain(system)
    at_first = seen(ref)
    clock.advance(1.0)
    drain(system)

    assert at_first == []
    assert seen(ref) == [IdleTimeout(3.0)]


def test_GS_17_a_question_of_the_framework_is_no_message(system: System, clock: ManualClock) -> None:
    ref = start(system, on_init=lambda _: NoReply(timeout=2.0))
    clock.advance(1.0)
    ref.ask_process(id)

    clock.advance(1.0)
    drain(system)

    assert seen(ref) == [IdleTimeout(2.0)]


@pytest.mark.parametrize("traps", [True, False])
@pytest.mark.parametrize(
    ("does", "reason"), [(lambda me: Stop("odd"), "odd"), (crash, "Boom: boom"), (lambda me: exit_with("x"), "x")]
)
def test_GS_19_the_cleanup_runs_whether_or_not_the_server_traps(
    system: System, traps: bool, does: Any, reason: str
) -> None:
    log: list[Any] = []
    ref = start(system, log, traps=traps, name="it")

    ref.cast(does)
    ref.join(PATIENCE)

    assert log[1:] == [("terminate", "it", reason)]


@pytest.mark.parametrize("signal", [KILL, SHUTDOWN, "odd"], ids=str)
def test_GS_20_no_cleanup_after_a_kill_or_a_signal_to_one_that_does_not_trap(system: System, signal: Any) -> None:
    log: list[Any] = []
    ref = start(system, log, traps=signal == KILL)

    ref.exit(signal)

    assert str(ref.join(PATIENCE)) == ("killed" if signal == KILL else str(signal))
    assert len(log) == 1


def test_GS_20_not_even_when_its_callback_raises_after_the_signal(system: System) -> None:
    log, gate = [], Gate()
    ref = start(system, log)
    ref.cast(lambda me: (gate(), crash(me)))
    gate.await_somebody()

    ref.exit(SHUTDOWN)
    gate.open()

    assert ref.join(PATIENCE) == SHUTDOWN
    assert len(log) == 1


def test_GS_21_a_trapping_server_follows_its_parent_and_gets_others_signals_as_messages(system: System) -> None:
    log: list[Any] = []
    parent, stranger = start(system), start(system)
    ref = parent.call(lambda me: me.system.start(Obedient, log, traps=True, linked=True))

    stranger.call(lambda me: ref.exit("from a stranger"))
    drain(system)
    heard = seen(ref)
    parent.call(lambda me: ref.exit("from the parent"))

    assert heard == [Exit(stranger, Reason("from a stranger"))]
    assert ref.join(PATIENCE) == Reason("from the parent")
    assert log[-1][-1] == "from the parent"


def test_GS_21_a_starter_that_is_not_linked_is_no_parent(system: System) -> None:
    starter = start(system)
    ref = starter.call(lambda me: me.system.start(Obedient, traps=True))

    starter.call(lambda me: ref.exit("only a message"))
    drain(system)

    assert [type(one) for one in seen(ref)] == [Exit]


@pytest.mark.parametrize(
    ("reason", "traps", "ends_with"),
    [("odd", False, "odd"), ("normal", False, None), ("normal", True, "normal")],
)
def test_GS_22_a_linked_server_and_the_exit_of_its_starter(
    system: System, reason: str, traps: bool, ends_with: str | None
) -> None:
    log: list[Any] = []
    starter = start(system)
    ref = starter.call(lambda me: me.system.start(Obedient, log, traps=traps, linked=True))

    starter.cast(lambda me: me.exit(reason))
    starter.join(PATIENCE)
    drain(system)

    assert (str(ref.exit_reason) if ref.exit_reason else None) == ends_with
    assert len(log) == (3 if traps else 2) - 1


def test_GS_23_a_cleanup_that_raises_takes_the_reasons_place(system: System) -> None:
    ref = start(system, on_exit=crash)

    with pytest.raises(ServerExited, match="Boom: boom"):
        ref.stop("asked for")

    assert ref.exit_reason is not None
    assert ref.exit_reason.word == "Boom"


def test_GS_24_without_handlers_a_plain_message_is_logged_and_a_call_or_cast_crashes(
    system: System, caplog: pytest.LogCaptureFixture
) -> None:
    one, other = system.start(GenServer), system.start(GenServer)
    assert one is not None
    assert other is not None

    one.send("hello")
    drain(system)
    was_alive = one.is_alive
    one.cast("hello")

    assert was_alive
    assert "has no handle_info for 'hello'" in caplog.text
    assert one.join(PATIENCE).word == "UnhandledMessage"
    with pytest.raises(ServerExited, match="has no handle_call for 'hello'"):
        other.call("hello")


def test_GS_25_a_stop_lets_what_is_queued_be_handled_first_and_returns_when_all_is_over(system: System) -> None:
    log: list[Any] = []
    ref = start(system, log, name="it")
    for number in range(100):
        ref.cast(lambda me, number=number: log.append(number))

    ref.stop("asked for")

    assert log == [("init", "it"), *range(100), ("terminate", "it", "asked for")]
    assert not ref.is_alive


def test_GS_25_a_stop_that_times_out_fails_only_the_caller(system: System, clock: ManualClock) -> None:
    gate = Gate()
    ref = start(system)
    ref.cast(gate)
    stopping = in_thread(lambda: ref.stop(timeout=1.0))
    clock.await_waiter(1.0)
    clock.advance(1.0)

    with pytest.raises(CallTimeout):
        stopping.result(PATIENCE)
    gate.open()

    assert ref.join(PATIENCE) == NORMAL


def test_stop_and_reply_gives_the_reply_once_the_cleanup_has_run(system: System) -> None:
    log: list[Any] = []
    ref = start(system, log, name="it")

    answer = ref.call(lambda me: Stop("done", reply=len(log)))

    assert answer == 1
    assert log[1:] == [("terminate", "it", "done")]
    assert ref.join(PATIENCE) == Reason("done")


@pytest.mark.parametrize("callback", ["handle_cast", "handle_info"])
def test_a_bad_return_value_is_a_crash_that_says_what_was_allowed(system: System, callback: str) -> None:
    ref = start(system)

    (ref.cast if callback == "handle_cast" else ref.send)(lambda me: 42)
    reason = ref.join(PATIENCE)

    assert reason.word == BadReturn.__name__
    assert f"Obedient.{callback} may return None, NoReply, Continue or Stop, not 42" in str(reason)


def test_an_inquiry_that_raises_is_the_askers_mistake(system: System) -> None:
    ref = start(system)

    with pytest.raises(ServerExited, match="ZeroDivisionError"):
        ref.ask_process(lambda me: 1 / 0)

    assert ref.is_alive
