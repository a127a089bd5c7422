"""Many who ask the same at the same time are one question."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from eye.errors import NodeDown, UnknownNode
from eye.testing import ManualClock, until
from eye.web.once import KEPT, Once


class Asked:
    """Answers how often it was asked."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> int:
        self.times += 1
        return self.times


@pytest.fixture
def once(clock: ManualClock) -> Once:
    return Once(clock.monotonic)


def test_the_same_a_moment_later_is_the_same_answer_and_then_another(once: Once, clock: ManualClock) -> None:
    node = Asked()

    answers = []
    for _ in range(3):
        answers.append(once.ask("tree", node))
        clock.advance(KEPT / 2)

    assert answers == [1, 1, 2]


def test_another_question_is_another_answer(once: Once) -> None:
    node = Asked()

    assert [once.ask(("tree", name), node) for name in "aab"] == [1, 1, 2]


def test_an_error_is_an_answer_too(once: Once, clock: ManualClock) -> None:
    def refuse() -> None:
        refused.append(1)
        raise NodeDown("a", "no answer")

    refused: list[int] = []
    for _ in range(2):
        with pytest.raises(NodeDown):
            once.ask("tree", refuse)
    clock.advance(KEPT)
    with pytest.raises(UnknownNode):
        once.ask("tree", lambda: (_ for _ in ()).throw(UnknownNode("a", "b")))

    assert len(refused) == 1


def test_a_bug_is_raised_to_whoever_met_it_and_to_nobody_else(once: Once) -> None:
    with pytest.raises(ZeroDivisionError):
        once.ask("tree", lambda: 1 / 0)

    assert once._questions == {}
    assert once.ask("tree", lambda: "well") == "well"


def test_who_comes_while_it_is_on_its_way_waits_for_that_answer(once: Once) -> None:
    may_answer, begun, node = threading.Event(), threading.Event(), Asked()
    told: list[Any] = []

    def slowly() -> int:
        begun.set()
        assert may_answer.wait(10)
        return node()

    threads = [threading.Thread(target=lambda: told.append(once.ask("tree", slowly))) for _ in range(5)]
    for thread in threads:
        thread.start()
    assert begun.wait(10)
    until(lambda: all(thread.is_alive() for thread in threads))
    may_answer.set()
    for thread in threads:
        thread.join(10)

    assert (told, node.times) == ([1] * 5, 1)


def test_what_is_over_is_not_kept(once: Once, clock: ManualClock) -> None:
    for number in range(100):
        once.ask(number, Asked())
        clock.advance(KEPT)

    assert len(once._questions) == 1
