"""GS-13: processes that would wait for each other for ever are told so, and by whom."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from eye.errors import CallDeadlock, CallTimeout, ServerExited, StartFailed
from eye.supervision import GenServer, Supervisor, System
from eye.supervision.children import CountChildren
from eye.testing import ManualClock, Obedient, drain
from tests.supervision.kinds import both_kinds
from tests.supervision.servers import PATIENCE, Answer, Ask, Do, answer_later, child, in_thread, start, until

if TYPE_CHECKING:
    from collections.abc import Callable

    from eye.supervision import Caller, Ref


class Try:
    """Do this, and answer the deadlock that it is told of."""

    def __init__(self, step: Callable[[Obedient], Any]) -> None:
        self.step = step

    def __call__(self, me: Obedient) -> Any:
        try:
            return self.step(me)
        except CallDeadlock as failure:
            return str(failure.reason)


@both_kinds
def test_GS_13_a_circle_of_two_is_spelled_out(system: System) -> None:
    a, b = start(system, name="a"), start(system, name="b")

    told = a.call(Ask(b, Try(Ask(a, Answer(1)))), PATIENCE)

    assert told == f"deadlock: {b} waits for {a}, {a} waits for {b}"


@both_kinds
def test_a_circle_of_three_is_spelled_out(system: System) -> None:
    a, b, c = (start(system, name=name) for name in "abc")

    told = a.call(Ask(b, Ask(c, Try(Ask(a, Answer(1))))), PATIENCE)

    assert told == f"deadlock: {c} waits for {a}, {a} waits for {b}, {b} waits for {c}"


def test_the_one_that_does_not_catch_it_crashes_and_the_others_hear_of_that(system: System) -> None:
    a, b = start(system, name="a"), start(system, name="b")

    with pytest.raises(ServerExited) as caught:
        a.call(Ask(b, Ask(a, Answer(1))), PATIENCE)

    assert isinstance(caught.value.__cause__, ServerExited)
    assert isinstance(caught.value.__cause__.__cause__, CallDeadlock)
    drain(system)
    assert not b.is_alive


@both_kinds
def test_a_child_that_calls_its_supervisor_in_init_is_told(system: System) -> None:
    top = system.start(Supervisor, [], name="top")
    assert top is not None

    with pytest.raises(StartFailed) as caught:
        Supervisor.start_child(top, child("eager", kwargs={"on_init": Ask(top, CountChildren())}))

    assert caught.value.reason.word == "CallDeadlock"
    assert "/top/eager" in str(caught.value)
    assert top.is_alive


def test_a_trapping_child_that_calls_its_supervisor_while_that_stops_it_is_told(system: System) -> None:
    top = system.start(Supervisor, [child("it", traps=True)], name="top")
    assert top is not None
    it = system.whereis("it")
    assert it is not None
    gate = threading.Event()
    told: list[Any] = []

    def ask_the_boss(_me: Obedient) -> None:
        gate.wait(PATIENCE)
        told.append(Try(lambda me: top.call(CountChildren(), None))(_me))

    it.cast(ask_the_boss)
    stopping = in_thread(lambda: Supervisor.stop_child(top, "it"))
    until_waiting(top)
    gate.set()

    stopping.result(PATIENCE)
    assert told == [f"deadlock: {it} waits for {top}, {top} waits for {it}"]
    assert top.is_alive


def test_whoever_only_waits_for_an_end_is_not_the_one_that_is_told(system: System) -> None:
    a, b = start(system, name="a"), start(system, name="b")
    gate = threading.Event()

    def ask_a(_me: Obedient) -> Any:
        gate.set()
        return Try(lambda me: a.call(Answer(1), None))(_me)

    def wait_for_b(_me: Obedient) -> Any:
        gate.wait(PATIENCE)
        until_waiting(b)
        return b.join(None)

    joining = in_thread(lambda: a.call(wait_for_b, PATIENCE))
    told = b.call(ask_a, PATIENCE)
    b.stop()

    assert told == f"deadlock: {b} waits for {a}, {a} waits for {b}"
    assert str(joining.result(PATIENCE)) == "normal"


def test_no_circle_where_the_answer_was_promised(system: System) -> None:
    a, b = start(system, name="a"), start(system, name="b")

    asking = in_thread(lambda: a.call(Ask(b, answer_later), PATIENCE))
    until_waiting(a)
    b.ask_process(id, PATIENCE)
    # b waits for a, which waits for b: but anybody may answer a.
    calling = in_thread(lambda: b.call(Ask(a, Answer("free")), PATIENCE))
    until_waiting(b)
    kept = b._callers.copy()
    next(iter(kept)).reply("by somebody else")

    assert asking.result(PATIENCE) == "by somebody else"
    assert calling.result(PATIENCE) == "free"


def test_a_line_is_no_circle(system: System) -> None:
    a, b, c = (start(system, name=name) for name in "abc")

    assert a.call(Do(Ask(b, Ask(c, Answer(1))), Ask(b, Ask(c, Answer(2)))), PATIENCE) == 2


def test_where_it_is_switched_off_the_time_limit_ends_the_wait(clock: ManualClock) -> None:
    with System(detects_deadlocks=False) as system:
        a, b = start(system), start(system)

        with pytest.raises(ServerExited) as caught:
            a.call(Ask(b, Ask(a, Answer(1), 0.05)), PATIENCE)

        cause: BaseException | None = caught.value
        while cause is not None and not isinstance(cause, CallTimeout):
            cause = cause.__cause__
        assert cause is not None


def test_of_two_that_call_each_other_at_once_at_least_one_is_told_and_nobody_waits(system: System) -> None:
    a, b = system.start(Turnabout), system.start(Turnabout)
    assert a is not None
    assert b is not None
    for _ in range(500):
        barrier = threading.Barrier(2)
        asked = [
            in_thread(lambda one=one, other=other, barrier=barrier: one.call((other, barrier), PATIENCE))
            for one, other in ((a, b), (b, a))
        ]

        told = [one.result(PATIENCE) for one in asked]

        assert set(told) <= {"deadlock", "answer"}
        assert "deadlock" in told
    assert a.is_alive
    assert b.is_alive


class Turnabout(GenServer):
    """Meets another, and calls it when both are ready."""

    def handle_call(self, message: Any, caller: Caller) -> Any:
        if message == "hello":
            return "answer"
        other, barrier = message
        barrier.wait(PATIENCE)
        try:
            return other.call("hello", PATIENCE)
        except CallDeadlock:
            return "deadlock"


def until_waiting(ref: Ref) -> None:
    until(lambda: ref._waiting is not None)
