"""The clock that stands still, and `drain`."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from eye.errors import Settling
from eye.supervision import KILL, Continue, Supervisor
from eye.testing import ManualClock, drain
from tests.supervision.servers import PATIENCE, Gate, child, crash, in_thread, named, seen, start

if TYPE_CHECKING:
    from eye.supervision import System


def test_it_moves_only_when_told(clock: ManualClock) -> None:
    before = (clock.now(), clock.monotonic())

    clock.advance(2.5)

    assert (clock.now() - before[0], clock.monotonic() - before[1]) == (2.5, 2.5)


def test_a_jump_is_seen_by_the_wall_clock_alone(clock: ManualClock) -> None:
    before = (clock.now(), clock.monotonic())

    clock.jump(-3600)

    assert (clock.now() - before[0], clock.monotonic() - before[1]) == (-3600, 0)


def test_it_does_not_go_back(clock: ManualClock) -> None:
    with pytest.raises(ValueError, match="does not go back"):
        clock.advance(-1)


def test_a_wait_ends_when_the_hands_pass_its_limit(clock: ManualClock) -> None:
    lock = threading.Lock()
    lock.acquire()
    waiting = in_thread(lambda: clock.acquire(lock, 3.0))
    clock.await_waiter(3.0)

    clock.advance(3.0)

    assert waiting.result(PATIENCE) is False


def test_a_wait_ends_when_the_lock_is_released(clock: ManualClock) -> None:
    lock = threading.Lock()
    lock.acquire()
    waiting = in_thread(lambda: clock.acquire(lock, 3.0))
    clock.await_waiter(3.0)

    lock.release()

    assert waiting.result(PATIENCE) is True


def test_waiting_for_a_waiter_that_does_not_come_says_so(clock: ManualClock) -> None:
    with pytest.raises(Settling, match="nobody waits for the moment 3 s ahead"):
        clock.await_waiter(3.0, timeout=0.01)


def test_drain_returns_when_a_chain_of_messages_has_come_to_its_end(system: System) -> None:
    refs = [start(system) for _ in range(5)]

    def pass_on(left: int) -> Any:
        def do(_me: Any) -> None:
            if left:
                refs[left % 5].cast(pass_on(left - 1))
            else:
                refs[0].cast("arrived")

        return do

    refs[0].cast(pass_on(200))
    drain(system)

    assert seen(refs[0]) == ["arrived"]


def test_drain_waits_for_continue_steps_restarts_and_timers(system: System, clock: ManualClock) -> None:
    done: list[str] = []

    def init(me: Any) -> Continue:
        me.send_after(1.0, lambda _: done.append("timer"))
        return Continue(lambda _: done.append("continue"))

    system.start(Supervisor, [child("it", kwargs={"on_init": init})])
    for _ in range(3):
        done.clear()
        old = named(system, "it")
        old.cast(crash)
        drain(system)
        clock.advance(2.0)
        drain(system)

        assert done == ["continue", "timer"]
        assert named(system, "it") is not old


def test_drain_names_whoever_is_still_busy(system: System) -> None:
    gate, ref = Gate(), start(system, name="busy")
    ref.cast(gate)
    gate.await_somebody()

    with pytest.raises(Settling, match=r"still busy: /busy#"):
        drain(system, timeout=0.02)
    gate.open()


def test_drain_does_not_wait_for_the_abandoned(system: System) -> None:
    gate, ref = Gate(), start(system)
    ref.cast(gate)
    gate.await_somebody()
    ref.exit(KILL)

    drain(system)

    gate.open()
