"""Section 9 of otp.md: the generic server.

Every test runs twice: with servers in threads, and with servers in OS processes of their own.
"""

from __future__ import annotations

from operator import attrgetter, itemgetter
from typing import Any

import pytest

from eye.errors import BadReturn, CallTimeout, NoProcess, ServerExited
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
    System,
    debugging,
)
from eye.testing import ManualClock, drain
from tests.supervision.kinds import both_kinds
from tests.supervision.servers import (
    PATIENCE,
    Answer,
    AnswersForOthers,
    Ask,
    Attempt,
    Become,
    Begin,
    Boom,
    Cast,
    Do,
    EnterAlone,
    ExitWith,
    Gate,
    HandOn,
    Log,
    Note,
    Particular,
    ReplyTo,
    Send,
    Signal,
    answer_later,
    ask_itself,
    call_itself,
    crash,
    exit_the_interpreter,
    in_thread,
    kill_itself,
    note_state,
    note_to_itself,
    seen,
    start,
    stop_itself,
    until,
)

pytestmark = both_kinds


def test_GS_01_a_start_returns_only_after_init_has(system: System) -> None:
    gate = Gate()
    starting = in_thread(lambda: start(system, on_init=gate))
    gate.await_somebody()

    was_started = starting.done()
    gate.open()

    assert not was_started
    assert starting.result(PATIENCE).status == "running"


def test_GS_05_messages_of_one_sender_are_handled_in_the_order_sent(system: System) -> None:
    log = Log(system)
    ref = start(system, log)

    for number in range(0, 300, 3):
        ref.cast(Note(number))
        ref.send(Note(number + 1))
        ref.call(Note(number + 2))

    assert log.entries[1:] == list(range(300))


def test_GS_05_a_process_that_sends_is_a_sender_like_any_other(system: System) -> None:
    log = Log(system)
    ref, sender = start(system, log), start(system)

    for number in range(0, 30, 3):
        sender.call(Do(Cast(ref, Note(number)), Send(ref, Note(number + 1)), Ask(ref, Note(number + 2))))

    assert log.entries[1:] == list(range(30))


def test_GS_05_no_two_callbacks_of_one_server_ever_overlap(system: System) -> None:
    log = Log(system)
    ref = start(system, log)

    def keep_busy(name: int) -> None:
        for number in range(0, 60, 3):
            ref.cast(EnterAlone((name, number)))
            ref.send(EnterAlone((name, number + 1)))
            ref.call(EnterAlone((name, number + 2)))

    for sender in [in_thread(lambda name=name: keep_busy(name)) for name in range(4)]:
        sender.result(PATIENCE)

    heard = log.entries[1:]
    assert len(heard) == 240
    for name in range(4):
        assert [number for sender, number in heard if sender == name] == list(range(60))


def test_GS_06_a_call_without_a_limit_of_its_own_fails_after_five_seconds_and_says_what_of_whom(
    system: System, clock: ManualClock
) -> None:
    ref = start(system, name="silent")
    asking = in_thread(lambda: ref.call(answer_later))
    clock.await_waiter(5.0)

    clock.advance(4.9)
    was_done = asking.done()
    clock.advance(0.1)

    with pytest.raises(CallTimeout, match=r"answer_later.*/silent.*no answer within 5 s"):
        asking.result(PATIENCE)
    assert not was_done
    assert ref.is_alive
    assert ref.call(Answer("unharmed")) == "unharmed"


def test_GS_07_a_request_whose_caller_gave_up_is_still_carried_out_and_its_answer_goes_nowhere(
    system: System, clock: ManualClock
) -> None:
    gate, log = Gate(), Log(system)
    ref = start(system, log)
    ref.cast(gate)
    gate.await_somebody()
    asking = in_thread(lambda: ref.call(Do(Note("waited in the queue"), Answer("late")), 1.0))
    clock.await_waiter(1.0)
    clock.advance(1.0)
    with pytest.raises(CallTimeout):
        asking.result(PATIENCE)

    gate.open()
    answer = ref.call(Answer("mine"))

    assert log.entries[1:] == ["waited in the queue"]
    assert answer == "mine"


@pytest.mark.parametrize("how", ["returned", "replied later"])
def test_GS_07_the_late_answer_never_shows_up_at_a_caller_that_is_a_process(
    system: System, clock: ManualClock, how: str
) -> None:
    gate, caller, ref = Gate(), start(system), start(system)
    request = Do(gate, Answer("late")) if how == "returned" else answer_later
    asking = in_thread(lambda: caller.call(Attempt(Ask(ref, request, 1.0)), None))
    clock.await_waiter(1.0)
    clock.advance(1.0)
    failure = asking.result(PATIENCE)

    gate.open()
    if how == "replied later":
        kept = ref.ask_process(attrgetter("kept"))
        assert kept.reply("late") is False
    drain(system)

    assert str(failure).startswith("timeout")
    assert seen(caller) == []
    assert caller.call(Ask(ref, Answer("mine"))) == "mine"


def test_GS_08_nobody_there_is_noproc_at_once(system: System) -> None:
    dead = start(system)
    dead.stop()

    with pytest.raises(NoProcess, match="no such process"):
        dead.call("anybody?")
    with pytest.raises(NoProcess, match="nobody failed: no such process"):
        system.call("nobody", "anybody?")


@pytest.mark.parametrize("wait", [call_itself, stop_itself, ask_itself])
def test_GS_09_a_server_that_would_wait_for_itself_fails_at_once(system: System, wait: Any) -> None:
    ref = start(system)

    assert ref.call(Attempt(wait)) == "calling_self"
    assert ref.is_alive


@pytest.mark.parametrize(
    ("does", "says"),
    [
        (crash, "Boom: boom"),
        (ExitWith("odd"), "odd"),
        (kill_itself, "killed"),
        (Answer(Stop(SHUTDOWN)), "shutdown"),
        (Answer(Stop()), "normal"),
        (Answer(Continue(1)), "BadReturn"),
        (exit_the_interpreter, "SystemExit: 3"),
    ],
    ids=["raises", "exits", "is killed", "stops", "stops with normal", "answers nonsense", "exits Python"],
)
def test_GS_10_a_caller_learns_at_once_why_its_server_went_down(
    system: System, does: Any, says: str, isolation: str
) -> None:
    ref = start(system)

    with pytest.raises(ServerExited, match=says) as failure:
        ref.call(does, None)

    assert str(failure.value.reason).startswith(says)
    assert str(ref.join(PATIENCE)).startswith(says)
    if does is crash:
        assert "in crash" in failure.value.reason.traceback
    if does is crash and isolation == "thread":  # from an OS process the text comes, not the exception itself
        assert isinstance(failure.value.__cause__, Boom)


def test_GS_10_a_caller_that_is_a_process_learns_it_too(system: System) -> None:
    ref, caller = start(system), start(system)

    reason = caller.call(Attempt(Ask(ref, crash)))

    assert str(reason) == "Boom: boom"
    assert "in crash" in reason.traceback


def test_GS_11_those_who_wait_in_the_queue_and_those_promised_an_answer_learn_it_too(system: System) -> None:
    ref, gate = start(system), Gate()
    promised = in_thread(lambda: ref.call(answer_later, None))
    until(lambda: ref._callers)
    ref.cast(gate)
    gate.await_somebody()
    queued = in_thread(lambda: ref.call(answer_later, None))
    until(lambda: ref.mailbox_length)

    ref.exit(KILL)
    gate.open()

    for asking in (promised, queued):
        with pytest.raises(ServerExited) as failure:
            asking.result(PATIENCE)
        assert failure.value.reason == KILLED


@pytest.mark.parametrize("signal", ["gone", KILL], ids=str)
def test_GS_12_a_caller_that_ends_while_it_waits_does_not_disturb_the_server(system: System, signal: Any) -> None:
    gate, log = Gate(), Log(system)
    ref, caller = start(system, log), start(system)
    caller.cast(Ask(ref, Do(gate, Note("done"))))
    gate.await_somebody()

    caller.exit(signal)
    caller.join(PATIENCE)
    gate.open()

    assert ref.call(Answer("goes on")) == "goes on"
    assert log.entries[1:] == ["done"]


def test_GS_13_of_two_that_call_each_other_one_is_told_of_the_circle_at_once(system: System) -> None:
    # In OTP only the time limit ends it; here the clock stands still.
    one, other = start(system), start(system)

    reason = one.call(Ask(other, Attempt(Ask(one, answer_later))))

    assert reason.word == "deadlock"
    assert str(one) in str(reason)
    assert str(other) in str(reason)
    assert one.is_alive
    assert other.is_alive


def test_GS_13_who_does_not_catch_it_crashes_with_it(system: System) -> None:
    one, other = start(system), start(system)

    with pytest.raises(ServerExited, match="would wait for ever"):
        one.call(Ask(other, Ask(one, answer_later)))

    assert one.join(PATIENCE).word == "ServerExited"
    assert other.join(PATIENCE).word == "CallDeadlock"


def test_GS_13_where_nobody_looks_for_circles_the_time_limit_ends_the_wait(clock: ManualClock) -> None:
    with System(clock=clock, detects_deadlocks=False) as system:
        one, other = start(system), start(system)
        asking = in_thread(lambda: one.call(Ask(other, Ask(one, answer_later, 1.0), 2.0), 3.0))
        clock.await_waiter(1.0)

        clock.advance(1.0)

        with pytest.raises(ServerExited, match="CallTimeout"):
            asking.result(PATIENCE)


def test_GS_14_an_answer_may_come_from_anywhere_and_a_second_one_is_dropped(system: System) -> None:
    ref, helper = start(system), start(system)
    asking = in_thread(lambda: ref.call(answer_later))
    until(lambda: ref._callers)
    caller = ref.ask_process(attrgetter("kept"))

    was_answer = helper.call(ReplyTo(caller, "from the helper"))

    assert was_answer is True
    assert asking.result(PATIENCE) == "from the helper"
    assert caller.reply("again") is False
    assert helper.call(ReplyTo(caller, "and again")) is False
    assert ref.call(Answer("another call's own")) == "another call's own"


def test_GS_14_a_second_answer_reaches_no_caller_that_is_a_process(system: System) -> None:
    ref, helper, asker = start(system), start(system), start(system)
    asking = in_thread(lambda: asker.call(Ask(ref, answer_later)))
    until(lambda: ref._callers)
    caller = ref.ask_process(attrgetter("kept"))

    helper.call(ReplyTo(caller, "first"))
    answered = asking.result(PATIENCE)
    helper.call(ReplyTo(caller, "second"))
    drain(system)

    assert answered == "first"
    assert asker.call(Ask(ref, Answer("its own"))) == "its own"
    assert seen(asker) == []


def test_GS_14_a_caller_can_be_handed_on_in_a_cast(system: System, isolation: Any) -> None:
    others = system.start(AnswersForOthers, isolation=isolation)
    ref = start(system)

    assert others is not None
    assert ref.call(HandOn(others)) == "passed on"


def test_GS_15_a_cast_to_nobody_is_fine(system: System) -> None:
    dead = start(system)
    dead.stop()

    dead.cast("lost")
    dead.send("lost")
    system.cast("nobody", "lost")
    system.send("nobody", "lost")

    assert dead.mailbox_length == 0


def test_GS_16_a_continue_step_runs_before_everything_else_and_may_chain(system: System) -> None:
    log = Log(system)
    steps = Continue(Do(Note("first"), Answer(Continue(Note("second")))))

    ref = start(system, log, on_init=Do(note_to_itself, Answer(steps)))
    ref.call(Answer(Reply(1, then=Continue(Note("after the reply")))))
    ref.call(Answer())

    assert log.entries[1:] == ["first", "second", "sent to itself", "after the reply"]


@pytest.mark.parametrize("way", ["call", "cast", "info"])
def test_GS_16_it_runs_before_what_was_queued_already(system: System, way: str) -> None:
    gate, log = Gate(), Log(system)
    ref = start(system, log)
    then = Continue(Do(Note("first"), Answer(Continue(Note("second")))))
    if way == "call":
        in_thread(lambda: ref.call(Do(gate, Answer(Reply(1, then=then)))))
    else:
        (ref.cast if way == "cast" else ref.send)(Do(gate, Answer(then)))
    gate.await_somebody()
    ref.cast(Note("queued"))

    gate.open()
    drain(system)

    assert log.entries[1:] == ["first", "second", "queued"]


def test_GS_17_a_time_limit_gives_a_timeout_message_when_nothing_comes(system: System, clock: ManualClock) -> None:
    ref = start(system)
    ref.cast(Answer(NoReply(timeout=2.0)))
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
    ref.cast(Answer(NoReply(timeout=2.0)))
    drain(system)
    clock.advance(1.0)
    ref.cast(Answer(NoReply(timeout=3.0)))
    drain(system)

    clock.advance(2.0)  # the first would be due
    drain(system)
    at_first = seen(ref)
    clock.advance(1.0)
    drain(system)

    assert at_first == []
    assert seen(ref) == [IdleTimeout(3.0)]


def test_GS_17_a_question_of_the_framework_is_no_message(system: System, clock: ManualClock) -> None:
    ref = start(system, on_init=Answer(NoReply(timeout=2.0)))
    clock.advance(1.0)
    ref.ask_process(type)

    clock.advance(1.0)
    drain(system)

    assert seen(ref) == [IdleTimeout(2.0)]


@pytest.mark.parametrize("traps", [True, False])
@pytest.mark.parametrize(
    ("does", "reason"),
    [(Answer(Stop("odd")), "odd"), (crash, "Boom: boom"), (ExitWith("x"), "x")],
    ids=["stops", "raises", "exits"],
)
def test_GS_19_the_cleanup_runs_whether_or_not_the_server_traps(
    system: System, traps: bool, does: Any, reason: str
) -> None:
    log = Log(system)
    ref = start(system, log, traps=traps, name="it")

    ref.cast(does)
    ref.join(PATIENCE)

    assert log.entries[1:] == [("terminate", "it", reason)]


@pytest.mark.parametrize(
    ("does", "state"),
    [
        (crash, "good"),
        (ExitWith("odd"), "good"),
        (Answer("nonsense"), "good"),
        (Answer(Stop("odd")), "newer"),  # in OTP, too, one that returns stop returns a state with it
        (Answer(Continue(crash)), "newer"),  # and a step has the state that the callback before it left
    ],
    ids=["raises", "exits", "answers nonsense", "stops", "raises in a step"],
)
@pytest.mark.parametrize("way", ["cast", "info"])
def test_GS_19_the_cleanup_sees_the_last_good_state(system: System, way: str, does: Any, state: str) -> None:
    log = Log(system)
    ref = start(system, log, on_init=Become("first"), on_exit=note_state)
    ref.cast(Become("good"))

    (ref.cast if way == "cast" else ref.send)(Do(Become("newer"), does))

    ref.join(PATIENCE)
    assert log.entries[-1] == state


@pytest.mark.parametrize(
    ("does", "state"),
    [(crash, "good"), (ExitWith("odd"), "good"), (Answer(Stop("odd")), "newer")],
    ids=["raises", "exits", "stops"],
)
def test_GS_19_after_a_call_too(system: System, does: Any, state: str) -> None:
    log = Log(system)
    ref = start(system, log, on_init=Become("good"), on_exit=note_state)

    with pytest.raises(ServerExited):
        ref.call(Do(Become("newer"), does))

    assert log.entries[-1] == state


@pytest.mark.parametrize("signal", [KILL, SHUTDOWN, "odd"], ids=str)
def test_GS_20_no_cleanup_after_a_kill_or_a_signal_to_one_that_does_not_trap(system: System, signal: Any) -> None:
    log = Log(system)
    ref = start(system, log, traps=signal == KILL)

    ref.exit(signal)

    assert str(ref.join(PATIENCE)) == ("killed" if signal == KILL else str(signal))
    assert log.entries == [("init", "Obedient")]


def test_GS_20_a_busy_one_ends_at_its_next_message_or_at_once(system: System, isolation: str) -> None:
    gate, log = Gate(), Log(system)
    ref = start(system, log)
    ref.cast(gate)
    gate.await_somebody()

    ref.exit("odd")
    if isolation == "thread":  # and until then it is there for all to see
        assert (ref.join(0), ref.status, ref in system.processes()) == (None, "running", True)
        gate.open()

    assert ref.join(PATIENCE) == Reason("odd")
    assert log.entries == [("init", "Obedient")]


def test_GS_20_no_cleanup_even_when_its_callback_raises_after_the_signal(system: System) -> None:
    gate, log = Gate(), Log(system)
    ref = start(system, log)
    ref.cast(Do(gate, crash))
    gate.await_somebody()

    ref.exit(SHUTDOWN)
    gate.open()

    assert ref.join(PATIENCE) == SHUTDOWN
    assert log.entries == [("init", "Obedient")]


def test_GS_20_no_cleanup_after_a_kill_in_the_middle_of_something(system: System, isolation: str) -> None:
    gate, log = Gate(), Log(system)
    ref = start(system, log, traps=True)
    ref.cast(gate)
    gate.await_somebody()

    ref.exit(KILL)

    assert ref.join(PATIENCE) == KILLED
    if isolation == "thread":
        assert system.abandoned() == (ref,)
        gate.open()
    until(lambda: system.abandoned() == ())
    assert log.entries == [("init", "Obedient")]


def test_GS_21_a_trapping_server_follows_its_parent_and_gets_others_signals_as_messages(system: System) -> None:
    log = Log(system)
    parent, stranger = start(system), start(system)
    ref = parent.call(Begin(log, traps=True, linked=True))

    stranger.call(Signal(ref, "from a stranger"))
    drain(system)
    heard, was_alive = seen(ref), ref.is_alive
    parent.call(Signal(ref, "from the parent"))

    assert was_alive
    assert heard == [Exit(stranger, Reason("from a stranger"))]
    assert ref.join(PATIENCE) == Reason("from the parent")
    assert log.entries == [("init", "Obedient"), ("terminate", "Obedient", "from the parent")]


def test_GS_21_a_starter_that_is_not_linked_is_no_parent(system: System) -> None:
    starter = start(system)
    ref = starter.call(Begin(traps=True))

    starter.call(Signal(ref, "only a message"))
    drain(system)

    assert [type(one) for one in seen(ref)] == [Exit]


@pytest.mark.parametrize(
    ("how", "traps", "ends_with"),
    [
        (crash, False, "Boom: boom"),
        (ExitWith("odd"), False, "odd"),
        (ExitWith("normal"), False, None),
        (ExitWith("normal"), True, "normal"),
    ],
    ids=["crash", "odd", "normal", "normal, trapping"],
)
def test_GS_22_a_linked_server_and_the_exit_of_its_starter(
    system: System, how: Any, traps: bool, ends_with: str | None
) -> None:
    log = Log(system)
    starter = start(system)
    ref = starter.call(Begin(log, traps=traps, linked=True))

    starter.cast(how)
    starter.join(PATIENCE)
    drain(system)

    assert (str(ref.exit_reason) if ref.exit_reason else None) == ends_with
    cleaned_up = [("terminate", "Obedient", "normal")]
    assert log.entries[1:] == (cleaned_up if traps else [])


def test_GS_23_a_cleanup_that_raises_takes_the_reasons_place(system: System) -> None:
    ref = start(system, on_exit=crash)

    with pytest.raises(ServerExited, match="Boom: boom"):
        ref.stop("asked for")

    assert ref.exit_reason is not None
    assert ref.exit_reason.word == "Boom"


def test_GS_23_even_the_reason_of_a_crash(system: System) -> None:
    ref = start(system, on_exit=crash)

    ref.cast(ExitWith("odd"))

    assert str(ref.join(PATIENCE)) == "Boom: boom"


def test_GS_24_without_handlers_a_plain_message_is_logged_and_a_call_or_cast_crashes(
    system: System, caplog: pytest.LogCaptureFixture, isolation: Any
) -> None:
    one, other = (system.start(GenServer, isolation=isolation) for _ in range(2))
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
    assert other.join(PATIENCE).word == "UnhandledMessage"


def test_GS_24_an_own_handler_does_with_an_unknown_message_what_its_code_does(
    system: System, isolation: Any
) -> None:
    # In OTP one without a catch-all crashes. A Python method takes what it is given.
    ref = system.start(Particular, isolation=isolation)
    assert ref is not None

    ref.send("unknown")
    drain(system)
    was_alive = ref.is_alive
    ref.send("crash")

    assert was_alive
    assert str(ref.join(PATIENCE)) == "Boom: boom"


def test_GS_25_a_stop_lets_what_is_queued_be_handled_first_and_returns_when_all_is_over(system: System) -> None:
    log = Log(system)
    ref = start(system, log, name="it")
    for number in range(100):
        ref.cast(Note(number))

    ref.stop("asked for")

    assert log.entries == [("init", "it"), *range(100), ("terminate", "it", "asked for")]
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


def test_GS_26_while_a_server_is_suspended_messages_wait_and_its_state_can_be_read(
    system: System, clock: ManualClock
) -> None:
    log = Log(system)
    ref = start(system, log)
    ref.call(Become("before"))

    debugging.suspend(ref)
    ref.cast(Note(1))
    ref.send(Note(2))
    asking = in_thread(lambda: ref.call(Do(Note(3), Become("after")), 1.0))
    clock.await_waiter(1.0)
    clock.advance(1.0)
    with pytest.raises(CallTimeout):
        asking.result(PATIENCE)
    ref.cast(Note(4))
    until(lambda: ref.mailbox_length == 4)  # one that is just being set aside is counted nowhere
    meanwhile = (log.entries[1:], ref.mailbox_length, ref.status, debugging.get_state(ref)["state"])
    debugging.resume(ref)
    drain(system)

    assert meanwhile == ([], 4, "suspended", "before")
    assert log.entries[1:] == [1, 2, 3, 4]
    assert (ref.mailbox_length, ref.status, debugging.get_state(ref)["state"]) == (0, "running", "after")


def test_GS_26_its_state_can_be_replaced(system: System) -> None:
    log = Log(system)
    ref = start(system, log, on_exit=note_state)
    ref.call(Become("old"))
    debugging.suspend(ref)

    debugging.replace_state(ref, {**debugging.get_state(ref), "state": "new"})
    debugging.resume(ref)
    ref.stop()

    assert "new" in log.entries


@pytest.mark.parametrize("how", ["stop", "kill", "signal", "parent"])
def test_GS_26_one_that_is_suspended_still_ends_and_whoever_waits_is_told(system: System, how: str) -> None:
    parent = start(system)
    ref = parent.call(Begin(traps=how == "parent", linked=True))
    debugging.suspend(ref)
    asking = in_thread(lambda: ref.call(Answer(), None))
    until(lambda: ref.mailbox_length)

    if how == "stop":
        ref.stop()
    elif how == "parent":
        parent.cast(ExitWith("odd"))
    else:
        ref.exit(KILL if how == "kill" else "odd")

    with pytest.raises(ServerExited):
        asking.result(PATIENCE)
    assert str(ref.join(PATIENCE)) == {"stop": "normal", "kill": "killed"}.get(how, "odd")


def test_stop_and_reply_gives_the_reply_once_the_cleanup_has_run(system: System) -> None:
    log = Log(system)
    ref = start(system, log, name="it")

    answer = ref.call(Answer(Stop("done", reply=1)))

    assert answer == 1
    assert log.entries[1:] == [("terminate", "it", "done")]
    assert ref.join(PATIENCE) == Reason("done")


@pytest.mark.parametrize("callback", ["handle_cast", "handle_info"])
def test_a_bad_return_value_is_a_crash_that_says_what_was_allowed(system: System, callback: str) -> None:
    ref = start(system)

    (ref.cast if callback == "handle_cast" else ref.send)(Answer(42))
    reason = ref.join(PATIENCE)

    assert reason.word == BadReturn.__name__
    assert f"Obedient.{callback} may return None, NoReply, Continue or Stop, not 42" in str(reason)


def test_an_inquiry_that_raises_is_the_askers_mistake(system: System) -> None:
    ref = start(system)

    with pytest.raises(ServerExited, match="TypeError"):
        ref.ask_process(itemgetter("nothing"))

    assert ref.is_alive


class NamedLikeOurs(GenServer):
    """Calls its attributes what the framework might call its own."""

    def init(self) -> Any:
        self._idle = self._latest = self._first_step = self._last_words = self._handlers = "mine"
        return NoReply(timeout=100)

    def handle_call(self, message: Any, caller: Any) -> Any:
        return vars(self)


def test_the_framework_takes_no_name_of_an_attribute_from_a_server(system: System) -> None:
    ref = system.start(NamedLikeOurs)
    assert ref is not None

    for _ in range(2):
        assert set(ref.call("state").values()) == {"mine"}
