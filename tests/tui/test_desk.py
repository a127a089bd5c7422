"""Questions in the background, and the last answers."""

from __future__ import annotations

import math
import threading
from typing import Any

import pytest

from eye.errors import NodeDown
from eye.testing import ManualClock
from eye.tui.desk import Desk, Kept


class Told:
    """Waits until the desk has told of so many answers."""

    def __init__(self) -> None:
        self._came = threading.Semaphore(0)

    def __call__(self) -> None:
        self._came.release()

    def wait(self) -> None:
        assert self._came.acquire(timeout=10.0)


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def desk(clock: ManualClock, told: Told) -> Desk:
    return Desk(clock, told)


def test_nobody_waits_and_the_answer_is_there_next_time(desk: Desk, told: Told, clock: ManualClock) -> None:
    assert desk.ask("tree", lambda: 41, every=1.0) == Kept()
    told.wait()
    clock.advance(0.5)

    kept = desk.ask("tree", lambda: 42, every=1.0)

    assert (kept.answer, kept.trouble, desk.age(kept)) == (41, None, 0.5)


def test_a_question_is_asked_again_when_its_time_has_come(desk: Desk, told: Told, clock: ManualClock) -> None:
    asked: list[int] = []

    for later, is_due in ((0.0, True), (0.5, False), (0.25, False), (0.25, True), (0.75, False), (0.25, True)):
        clock.advance(later)
        desk.ask("tree", lambda: asked.append(1), every=1.0)
        if is_due:
            told.wait()

    assert len(asked) == 3


def test_one_that_is_on_its_way_is_not_asked_twice(desk: Desk, told: Told, clock: ManualClock) -> None:
    opened, asked = threading.Event(), []

    def answer() -> None:
        asked.append(1)
        opened.wait(10.0)

    for _ in range(5):
        desk.ask("tree", answer, every=1.0)
        clock.advance(10.0)
    opened.set()
    told.wait()

    assert asked == [1]


def test_when_it_fails_the_last_answer_stays_with_its_age(desk: Desk, told: Told, clock: ManualClock) -> None:
    def fail() -> Any:
        raise NodeDown("a", "gone")

    desk.ask("tree", lambda: 41, every=1.0)
    told.wait()
    clock.advance(5.0)
    desk.ask("tree", fail, every=1.0)
    told.wait()

    kept = desk.ask("tree", fail, every=100.0)

    assert (kept.answer, desk.age(kept), str(NodeDown("a", "gone"))) == (41, 5.0, kept.trouble)


def test_a_question_that_met_a_bug_says_so_and_is_asked_again(
    desk: Desk, told: Told, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    def be_wrong() -> Any:
        raise TypeError("a bug of ours")

    desk.ask("tree", lambda: 41, every=1.0)
    told.wait()
    clock.advance(1.0)
    desk.ask("tree", be_wrong, every=1.0)
    told.wait()
    clock.advance(1.0)
    kept = desk.ask("tree", lambda: 42, every=1.0)
    told.wait()

    assert (kept.answer, kept.trouble) == (41, "something unexpected happened: TypeError('a bug of ours')")
    assert desk.ask("tree", lambda: 43, every=1.0).answer == 42
    assert [record.exc_info is not None for record in caplog.records if record.name == "eye.observe"] == [True]


def test_where_no_thread_is_to_be_had_the_question_is_asked_later(
    desk: Desk, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refuse)
        assert desk.ask("tree", lambda: 41, every=math.inf) == Kept()
    desk.ask("tree", lambda: 42, every=math.inf)
    told.wait()

    assert desk.ask("tree", lambda: 43, every=math.inf).answer == 42


@pytest.mark.parametrize(
    "error", [LookupError("an older node has no such method"), ValueError("no"), TimeoutError()]
)
def test_errors_that_arrive_as_themselves_are_trouble_and_no_crash(
    desk: Desk, told: Told, error: Exception
) -> None:
    def fail() -> Any:
        raise error

    desk.ask("cost", fail, every=1.0)
    told.wait()

    assert desk.ask("cost", fail, every=1.0).trouble == str(error)


def test_what_never_came_has_no_age(desk: Desk, told: Told) -> None:
    def fail() -> Any:
        raise NodeDown("a", "gone")

    desk.ask("tree", fail, every=1.0)
    told.wait()

    kept = desk.ask("tree", fail, every=1.0)

    assert (kept.answer, desk.age(kept)) == (None, None)


def test_different_questions_do_not_wait_for_each_other(desk: Desk, told: Told) -> None:
    opened = threading.Event()
    try:
        desk.ask("slow", lambda: opened.wait(10.0), every=1.0)
        desk.ask("fast", lambda: 1, every=1.0)
        told.wait()

        assert desk.ask("fast", lambda: 2, every=1.0).answer == 1
    finally:
        opened.set()


def test_what_is_forgotten_is_asked_at_once(desk: Desk, told: Told) -> None:
    answers: list[int] = []

    def answer() -> int:
        answers.append(1)
        return len(answers)

    desk.ask("tree", answer, every=60.0)
    told.wait()
    desk.forget("tree")
    desk.ask("tree", answer, every=60.0)
    told.wait()

    assert desk.ask("tree", answer, every=60.0).answer == 2


def test_of_one_lane_one_question_is_on_its_way_at_a_time(desk: Desk, told: Told) -> None:
    opened, asked = threading.Event(), []

    def answer(at: int) -> int:
        asked.append(at)
        opened.wait(10.0)
        return at

    for at in range(5):  # somebody hurries through them
        desk.ask(("past", at), lambda at=at: answer(at), every=60.0, lane="past")  # type: ignore[misc]
    opened.set()
    told.wait()
    desk.ask(("past", 4), lambda: answer(4), every=60.0, lane="past")
    told.wait()

    assert asked == [0, 4]
    assert desk.ask(("past", 4), lambda: 0, every=60.0, lane="past").answer == 4


def test_only_the_answers_that_were_wanted_last_are_kept(desk: Desk, told: Told) -> None:
    for at in range(100):
        desk.ask(at, lambda at=at: at, every=float("inf"))  # type: ignore[misc]
        told.wait()
        desk.ask("always", lambda: "there", every=float("inf"))
        if at == 0:
            told.wait()

    assert len(desk._kept) <= 65
    assert desk.ask("always", lambda: "anew", every=float("inf")).answer == "there"
    assert desk.ask(99, lambda: 0, every=float("inf")).answer == 99
    assert desk.ask(0, lambda: 0, every=float("inf")).answer is None
    told.wait()
