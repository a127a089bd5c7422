"""A collector asks while somebody looks, and believes only the node's present life."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from eye.cluster.interconnect import Answer
from eye.cluster.node import Member, Status
from eye.errors import DeadlineExceeded
from eye.metrics.sample import HostReading, ProcessReading, Sample
from eye.monitor.board import Board
from eye.monitor.collector import LOOKING, Collector, Looking
from eye.monitor.methods import Event, Report
from eye.supervision import System
from eye.testing import ManualClock, drain

if TYPE_CHECKING:
    from collections.abc import Callable

HOST = HostReading("orthanc", 512 * 2**20, 2 * 2**30, 0.2, 2, 0.4, 100, 7200.0)
PROCESS = ProcessReading(4242, 46 * 2**20, 0.01, 12, 17, 0, 60.0)


def sample(node: str = "b", boot: str = "boot-1") -> Sample:
    return Sample(node, boot, 1.0, HOST, PROCESS)


def member(boot: str = "boot-1", status: Status = Status.UP) -> Member:
    return Member("b", "127.0.0.1:1", boot, 0.0, status, 0.0, 0.0)


class Asked:
    """An engine that keeps what it is asked, and answers when the test says so."""

    def __init__(self) -> None:
        self.waiting: list[Callable[[Answer], None]] = []
        self.asked: list[tuple[str, Any]] = []
        self.others: dict[str, list[Callable[[Answer], None]]] = {}

    def submit(self, address: str, method: Any, args: Any, *, timeout: float, done: Any) -> None:
        if method.name in ("sample", "sample_after"):
            self.asked.append((method.name, args))
            self.waiting.append(done)
        else:
            self.others.setdefault(method.name, []).append(done)

    @property
    def count(self) -> int:
        return len(self.asked)

    def answer(self, answer: Answer) -> None:
        self.waiting.pop(0)(answer)


@pytest.fixture
def board(clock: ManualClock) -> Board:
    board = Board(clock)
    board.put_members([member()])
    return board


@pytest.fixture
def engine(system: System, board: Board) -> Asked:
    asked = Asked()
    system.start(Collector, ["b"], board, lambda: asked)
    return asked


def report(number: int, every: float = 10.0, **more: Any) -> Answer:
    return Answer(Report(number, sample(), every=every, **more))


def look(system: System, board: Board, seconds: float = 15.0) -> None:
    if board.look(seconds):
        system.topics.broadcast(LOOKING, Looking())
    drain(system)


def test_OB_05_nobody_is_asked_while_nobody_looks(system: System, clock: ManualClock, engine: Asked) -> None:
    for _ in range(5):
        clock.advance(1)
        drain(system)

    assert engine.count == 0


def test_whoever_begins_to_look_waits_for_no_beat(system: System, board: Board, engine: Asked) -> None:
    look(system, board)

    assert engine.count == 1


def test_OB_05_it_asks_at_every_beat_until_the_interest_runs_out(
    system: System, clock: ManualClock, board: Board, engine: Asked
) -> None:
    look(system, board, seconds=3.5)
    for _ in range(10):
        if engine.waiting:
            engine.answer(report(1, every=0.5))
        drain(system)
        clock.advance(1)
        drain(system)

    assert engine.count == 4


def test_a_slow_node_is_not_asked_twice(system: System, clock: ManualClock, board: Board, engine: Asked) -> None:
    look(system, board)
    for _ in range(4):
        clock.advance(1)
        drain(system)

    assert engine.count == 1


def test_what_it_said_is_on_the_board_with_its_age(
    system: System, clock: ManualClock, board: Board, engine: Asked
) -> None:
    look(system, board)
    clock.advance(0.25)
    engine.answer(report(1))
    drain(system)
    clock.advance(4)

    (node,) = board.nodes()
    assert node.host == HOST
    assert node.round_trip == pytest.approx(0.25)
    assert board.age("b") == pytest.approx(4)


def test_a_failed_question_is_asked_again_and_takes_nothing_off_the_board(
    system: System, clock: ManualClock, board: Board, engine: Asked
) -> None:
    look(system, board)
    engine.answer(report(1))
    drain(system)
    clock.advance(1)
    drain(system)
    engine.answer(Answer(error=DeadlineExceeded("b", 2.0)))
    drain(system)
    clock.advance(1)
    drain(system)

    assert engine.count == 3
    assert board.nodes()[0].host == HOST


def test_the_words_of_another_life_are_not_believed(system: System, board: Board, engine: Asked) -> None:
    look(system, board)
    engine.answer(Answer(Report(1, sample(boot="boot-0"))))
    drain(system)

    assert board.nodes()[0].host is None


def test_a_node_that_is_down_is_left_alone(
    system: System, clock: ManualClock, board: Board, engine: Asked
) -> None:
    board.put_members([member(status=Status.DOWN)])
    look(system, board)
    clock.advance(1)
    drain(system)

    assert engine.count == 0


def test_a_new_life_does_not_inherit_the_figures_of_the_old_one(
    system: System, board: Board, engine: Asked
) -> None:
    look(system, board)
    engine.answer(report(1))
    drain(system)
    board.put_members([member(boot="boot-2")])

    assert board.nodes()[0].host is None


def test_the_next_sample_is_asked_for_as_soon_as_the_last_has_come(
    system: System, clock: ManualClock, board: Board, engine: Asked
) -> None:
    look(system, board)
    for number in range(5):
        engine.answer(report(number, every=1.0))
        drain(system)
        assert engine.asked[-1] == ("sample_after", (number, 2.0))  # though no beat has come since
        clock.advance(1)
        drain(system)

    assert engine.count == 6


def test_a_node_that_never_waits_is_not_asked_without_end(system: System, board: Board, engine: Asked) -> None:
    look(system, board)
    number = 0
    while engine.waiting:
        engine.answer(report(number, every=1.0))
        drain(system)
        number += 1
        assert number < 10

    assert engine.count == 3


def test_a_node_that_tells_the_same_again_at_once_waits_for_the_next_beat(
    system: System, board: Board, engine: Asked
) -> None:
    look(system, board)
    engine.answer(report(1, every=1.0))
    drain(system)
    engine.answer(report(1, every=1.0))
    drain(system)

    assert engine.waiting == []


def test_samples_that_are_taken_oftener_than_wanted_are_asked_for_at_our_own_beat(
    system: System, clock: ManualClock, board: Board, engine: Asked
) -> None:
    look(system, board)
    for number in range(3):
        engine.answer(report(number, every=0.1))
        drain(system)
        assert engine.count == number + 1
        clock.advance(1)
        drain(system)


def test_the_same_sample_told_again_is_no_new_reading(
    system: System, clock: ManualClock, board: Board, engine: Asked
) -> None:
    look(system, board)
    engine.answer(report(7))
    drain(system)
    clock.advance(3)
    drain(system)

    engine.answer(report(7))
    drain(system)

    assert board.age("b") == pytest.approx(3)


def test_a_node_of_an_older_version_is_asked_at_every_beat(
    system: System, clock: ManualClock, board: Board, engine: Asked
) -> None:
    look(system, board)
    engine.answer(Answer(error=LookupError("this node has no method agent.sample_after")))
    drain(system)
    engine.answer(Answer(sample()))
    drain(system)
    clock.advance(1)
    drain(system)

    assert [method for method, _ in engine.asked] == ["sample_after", "sample", "sample"]
    assert board.nodes()[0].host == HOST


def test_what_it_measured_before_we_looked_is_drawn_too(system: System, board: Board, engine: Asked) -> None:
    look(system, board)
    engine.answer(report(1))
    drain(system)

    points = {"host.cpu": [[0.5, 0.5, 0.5], [0.25, 0.1, 0.4], None]}
    engine.others["recent"][0](Answer({"version": 1, "points": points}))
    drain(system)

    assert board.trail("b", "host.cpu") == [0.5, 0.2]
    assert board.trail("b", "no.such") == []


def test_what_happened_there_is_told_once_and_in_order(
    system: System, clock: ManualClock, board: Board, engine: Asked
) -> None:
    look(system, board)
    engine.answer(report(1, events=2))
    drain(system)
    happened = [Event(1, {"what": "child_exited"}), Event(2, {"what": "node_up"})]
    engine.others["events"][0](Answer(happened))
    drain(system)
    clock.advance(1)
    drain(system)
    engine.answer(report(2, events=2))
    drain(system)

    assert len(engine.others["events"]) == 1
    assert board.events() == [{"what": "child_exited"}]  # who is up, this node's own membership knows
