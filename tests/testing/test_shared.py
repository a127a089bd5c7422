"""What tests and servers share: a log, a gate, turns; and doing something beside the test."""

from __future__ import annotations

import contextlib
import gc
import os
import pickle
from typing import TYPE_CHECKING

import pytest

from eye.errors import Settling
from eye.testing import PATIENCE, Gate, Log, Turns, in_thread, shared

if TYPE_CHECKING:
    from eye.supervision import System


@pytest.fixture
def little_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared, "PATIENCE", 0.01)


def test_a_log_keeps_what_was_written_in_order(system: System) -> None:
    log = Log(system)

    log.append("first")
    log.await_entry("first")
    log.append("second")

    assert log.entries == ["first", "second"]


def test_a_cleared_log_is_empty(system: System) -> None:
    log = Log(system)
    log.append("first")

    log.clear()

    assert log.entries == []


@pytest.mark.usefixtures("little_patience")
def test_waiting_for_an_entry_that_does_not_come_says_so(system: System) -> None:
    with pytest.raises(Settling, match="nobody wrote 'it'"):
        Log(system).await_entry("it")


def test_a_gate_holds_whoever_comes_until_it_is_open() -> None:
    gate = Gate()
    passing = in_thread(gate)
    gate.await_somebody()

    assert not gate.is_open
    assert not passing.done()

    gate.open()
    assert passing.result(PATIENCE) is None
    gate()  # it stays open


@pytest.mark.usefixtures("little_patience")
def test_a_gate_that_nobody_opens_or_comes_to_says_so() -> None:
    with pytest.raises(Settling, match="nobody came to the gate"):
        Gate().await_somebody()
    with pytest.raises(Settling, match="nobody opened the gate"):
        Gate()()


def test_a_copy_of_a_gate_from_elsewhere_is_the_same_gate() -> None:
    gate = Gate()
    copy = pickle.loads(pickle.dumps(gate))

    copy.open()

    assert gate.is_open


def test_a_gate_clears_itself_away() -> None:
    gate = Gate()
    folder = gate._folder
    pipes = {identity(os.stat(os.path.join(folder, name))) for name in ("came", "open")}
    assert pipes <= held_open()

    del gate
    gc.collect()

    assert not os.path.exists(folder)
    assert not pipes & held_open()


def identity(file: os.stat_result) -> tuple[int, int]:
    return file.st_dev, file.st_ino


def held_open() -> set[tuple[int, int]]:
    """Answer what this OS process holds open."""
    found = set()
    for descriptor in os.listdir("/dev/fd"):
        with contextlib.suppress(OSError):  # the one that was listing them
            found.add(identity(os.fstat(int(descriptor))))
    return found


def test_turns_do_one_thing_after_the_other_and_then_the_last_for_ever() -> None:
    turns = Turns(lambda _: "first", lambda _: "second")

    assert [turns(None) for _ in range(4)] == ["first", "second", "second", "second"]
    assert turns.taken == 4


def test_what_is_raised_beside_the_test_reaches_it() -> None:
    failing = in_thread(lambda: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        failing.result(PATIENCE)
