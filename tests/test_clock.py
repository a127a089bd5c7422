"""The real clock: it tells the time, and waits no longer than told."""

from __future__ import annotations

import threading
import time

import pytest

from eye.clock import SystemClock


def test_it_tells_the_operating_systems_time() -> None:
    clock = SystemClock()

    assert clock.now() == pytest.approx(time.time(), abs=5)
    assert clock.monotonic() == pytest.approx(time.monotonic(), abs=5)


@pytest.mark.parametrize("timeout", [None, 0.0, 5.0, 1e12, float("inf"), -1.0])
def test_a_free_lock_is_acquired_whatever_the_limit(timeout: float | None) -> None:
    assert SystemClock().acquire(threading.Lock(), timeout)


@pytest.mark.parametrize("timeout", [0.0, 0.01, -1.0])
def test_a_held_lock_is_not_waited_for_longer_than_told(timeout: float) -> None:
    lock = threading.Lock()
    lock.acquire()

    assert not SystemClock().acquire(lock, timeout)
