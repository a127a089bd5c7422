"""The clock that stands still."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from eye.errors import Settling
from eye.testing import PATIENCE, in_thread

if TYPE_CHECKING:
    from eye.testing import ManualClock


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
