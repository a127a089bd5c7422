"""Somebody else's functions are asked, and whatever they do harms nobody but themselves."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any

import pytest

from eye.errors import BadMetric
from eye.metrics.catalogue import Kind
from eye.metrics.custom import MOST
from eye.metrics.own_figures import ASKER, PATIENCE, OwnFigures, group
from eye.supervision import Supervisor, System
from eye.testing import Gate, ManualClock, drain, in_thread, until

if TYPE_CHECKING:
    from collections.abc import Callable

BEAT = 1.0


class Program:
    """A program with own figures, and the processes that ask for them."""

    def __init__(self, system: System, clock: ManualClock) -> None:
        self.system, self.clock = system, clock
        self.number = 0
        self.figures = OwnFigures("a", clock, lambda: self.number)

    def gauge(self, name: str, fn: Callable[[], Any]) -> None:
        self.figures.add(name, fn, "", "", Kind.GAUGE)

    def start(self) -> None:
        self.system.start(Supervisor, [group(self.figures, BEAT)])
        drain(self.system)

    def beat(self) -> None:
        self.clock.advance(BEAT)
        drain(self.system)

    def read(self) -> dict[str, int | float]:
        return self.figures.read(BEAT)


@pytest.fixture
def program(system: System, clock: ManualClock) -> Program:
    return Program(system, clock)


def test_a_function_is_asked_at_every_beat(program: Program) -> None:
    answers = iter([5, 6])
    program.gauge("orders", lambda: next(answers))

    program.start()
    first = program.read()
    program.beat()

    assert (first, program.read()) == ({"orders": 5}, {"orders": 6})


def test_one_that_is_added_later_is_asked_at_the_next_beat(program: Program) -> None:
    program.gauge("orders", lambda: 5)
    program.start()
    program.gauge("served", lambda: 7)
    program.beat()

    assert program.read() == {"orders": 5, "served": 7}


def test_one_of_the_same_name_takes_its_place(program: Program) -> None:
    program.gauge("orders", lambda: 5)
    program.start()
    program.gauge("orders", lambda: 6)

    assert program.read() == {}
    program.beat()
    assert program.read() == {"orders": 6}


@pytest.mark.parametrize("error", [ValueError("no queue"), SystemExit(3), KeyboardInterrupt(), GeneratorExit()])
def test_one_that_raises_is_absent_and_told_of_once_until_it_answers_again(
    program: Program, caplog: pytest.LogCaptureFixture, error: BaseException
) -> None:
    troubles = [error, error, error]

    def orders() -> int:
        if troubles:
            raise troubles.pop()
        return 5

    program.gauge("orders", orders)
    program.gauge("served", lambda: 7)
    with caplog.at_level(logging.INFO, "eye.metrics"):
        program.start()
        program.beat()
        program.beat()
        failing = program.read()
        program.beat()

    assert failing == {"served": 7}
    assert program.read() == {"orders": 5, "served": 7}
    told = [record.getMessage() for record in caplog.records if record.name == "eye.metrics"]
    assert len(told) == 2
    assert told[0].startswith(f"node a: its own metric 'orders' is not shown: {type(error).__name__}")
    assert told[1] == "node a: its own metric 'orders' is shown again"
    assert program.system.restarts == 0


@pytest.mark.parametrize("value", ["many", [1]])
def test_what_is_no_number_is_told_of(program: Program, caplog: pytest.LogCaptureFixture, value: Any) -> None:
    program.gauge("orders", lambda: value)
    program.start()

    assert program.read() == {}
    assert "TypeError" in caplog.text


def test_none_is_no_figure_and_no_trouble(program: Program, caplog: pytest.LogCaptureFixture) -> None:
    program.gauge("orders", lambda: None)
    program.start()

    assert program.read() == {}
    assert [record for record in caplog.records if record.name == "eye.metrics"] == []


def test_one_that_hangs_is_left_alone_and_the_others_go_on(
    program: Program, caplog: pytest.LogCaptureFixture
) -> None:
    gate, served = Gate(), iter(range(100))
    asked: list[str] = []

    def orders() -> int:
        asked.append("orders")
        gate()
        return 5

    program.gauge("orders", orders)
    program.gauge("served", lambda: next(served))

    program.system.start(Supervisor, [group(program.figures, BEAT)])
    gate.await_somebody()
    stuck = program.system.whereis(ASKER)
    program.clock.advance(PATIENCE)
    until(lambda: program.system.whereis(ASKER) not in (None, stuck))
    until(lambda: "served" in program.read())
    program.beat()

    assert program.read() == {"served": 1}
    assert len(asked) == 1
    assert caplog.text.count("it has not answered for more than 1 s") == 1
    gate.open()
    until(lambda: not program.system.abandoned())
    program.beat()
    assert program.read() == {"served": 2}  # not yet: it might hang again
    program.clock.advance(10.0)
    drain(program.system)
    assert program.read()["orders"] == 5
    assert caplog.text.count("not answered") == 1


def test_one_that_hangs_again_is_left_alone_for_longer(program: Program, clock: ManualClock) -> None:
    gate = Gate()
    program.gauge("orders", lambda: gate() or 5)
    figures, pauses = program.figures, []
    for _ in range(7):
        gate, asker = Gate(), object()
        (figure,) = figures.begin(asker)
        call = in_thread(lambda asker=asker, figure=figure: figures.ask(asker, figure))
        gate.await_somebody()
        assert figures.overdue() == (None, clock.monotonic() + PATIENCE)
        clock.advance(PATIENCE)
        assert figures.overdue() == (figure, None)
        figures.give_up(figure)
        assert figures.overdue() == (None, None)
        gate.open()
        assert call.result(10.0) is False
        began = clock.monotonic()
        while not figures.begin(object()):
            clock.advance(1.0)
        pauses.append(clock.monotonic() - began)

    assert pauses == [10.0, 20.0, 40.0, 80.0, 160.0, 300.0, 300.0]


def test_an_answer_that_is_old_is_not_shown(program: Program) -> None:
    program.gauge("orders", lambda: 5)
    program.start()
    asker = program.system.whereis("eye.figures")
    assert asker is not None
    asker.stop()

    program.clock.advance(3 * BEAT)
    assert program.read() == {"orders": 5}
    program.clock.advance(0.1)
    assert program.read() == {}


def test_there_are_so_many_at_most(program: Program) -> None:
    for number in range(MOST):
        program.gauge(f"n{number}", lambda: 1)
    program.gauge("n0", lambda: 2)

    with pytest.raises(BadMetric, match="at most 100"):
        program.gauge("one_more", lambda: 1)
    with pytest.raises(BadMetric, match="function without arguments"):
        program.gauge("n1", 5)  # type: ignore[arg-type]


def test_what_they_are_is_told_to_whoever_has_not_heard_since(program: Program) -> None:
    figures = program.figures
    assert figures.about() is None
    program.number = 3
    program.gauge("orders", lambda: 5)

    assert not figures.is_told(-1)
    assert not figures.is_told(3)
    program.number = 5
    assert figures.is_told(4)
    assert not figures.is_told(17)  # a number of another life
    program.gauge("served", lambda: 5)
    assert not figures.is_told(4)


def test_they_may_be_added_from_many_threads(program: Program) -> None:
    threads = [threading.Thread(target=program.gauge, args=(f"n{number}", lambda: 1)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    program.start()

    assert len(program.read()) == 20
