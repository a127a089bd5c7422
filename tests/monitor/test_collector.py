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
from eye.monitor.pace import Rule
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
        self.addresses: list[str] = []
        self.others: dict[str, list[Callable[[Answer], None]]] = {}

    def submit(self, address: str, method: Any, args: Any, *, timeout: float, done: Any) -> None:
        if method.name in ("sample", "sample_after"):
            self.asked.append((method.name, args))
            self.addresses.append(address)
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


def look(system: System, board: Board, seconds: float = 15.0, nodes: list[str] | None = None) -> None:
    if board.look(seconds, nodes):
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


EXITED = {"at": 1.0, "node": "b", "what": "child_exited", "path": "/x", "reason": "a bug", "will_restart": True}


@pytest.mark.parametrize("record", [
    {}, {"what": "child_exited"}, {**EXITED, "path": 3}, {**EXITED, "at": "now"}, {**EXITED, "at": float("nan")},
    {**EXITED, "at": 1e300}, {**EXITED, "node": None}, {**EXITED, "what": []},
])  # fmt: skip
def test_what_cannot_be_told_by_any_screen_is_left_out(
    system: System, board: Board, engine: Asked, record: dict[str, Any]
) -> None:
    look(system, board)
    engine.answer(report(1, events=2))
    drain(system)

    engine.others["events"][0](Answer([Event(1, record), Event(2, EXITED)]))
    drain(system)

    assert board.events() == [EXITED]


@pytest.mark.parametrize(
    "told", [{}, {"points": 3}, {"points": {"host.cpu": [1]}}, {"points": {"host.cpu": [["x"]]}}]
)
def test_a_trail_that_makes_no_sense_is_none(
    system: System, board: Board, engine: Asked, told: dict[str, Any]
) -> None:
    look(system, board)
    engine.answer(report(1))
    drain(system)

    engine.others["recent"][0](Answer(told))
    drain(system)

    assert board.trail("b", "host.cpu") == [0.2]
    assert system.processes()


def test_what_happened_there_is_told_once_and_in_order(
    system: System, clock: ManualClock, board: Board, engine: Asked
) -> None:
    look(system, board)
    engine.answer(report(1, events=2))
    drain(system)
    happened = [Event(1, EXITED), Event(2, {**EXITED, "what": "node_up"})]
    engine.others["events"][0](Answer(happened))
    drain(system)
    clock.advance(1)
    drain(system)
    engine.answer(report(2, events=2))
    drain(system)

    assert len(engine.others["events"]) == 1
    assert board.events() == [EXITED]  # who is up, this node's own membership knows


def crowd(system: System, clock: ManualClock, *, few: int = 1) -> tuple[Board, Asked]:
    """Two nodes of which both are watched, in a cluster of more than there are few."""
    board, asked = Board(clock, rule=Rule(few=few)), Asked()
    board.put_members([member(), Member("c", "127.0.0.1:2", "boot-c", 0.0, Status.UP, 0.0, 0.0)])
    system.start(Collector, ["b", "c"], board, lambda: asked)
    return board, asked


def run(system: System, clock: ManualClock, engine: Asked, seconds: int, renew: Callable[[], object]) -> None:
    """Answer everybody at once, as nodes do who have taken a sample since."""
    number = engine.count
    for _ in range(seconds):
        renew()
        drain(system)
        while engine.waiting:
            number += 1
            node, boot = (
                ("b", "boot-1") if engine.addresses[-len(engine.waiting)].endswith(":1") else ("c", "boot-c")
            )
            engine.answer(Answer(Report(number, sample(node, boot), every=0.1)))
        clock.advance(1)
        drain(system)


def test_what_happens_while_events_are_asked_for_is_told_once(system: System, board: Board, engine: Asked) -> None:
    first, second = Event(1, EXITED), Event(2, {**EXITED, "reason": "another"})
    look(system, board)
    engine.answer(report(1, events=1))

    engine.others["events"][0](Answer([first, second]))  # the second came after the question, before the answer
    engine.answer(report(2, events=2))
    engine.others["events"][1](Answer([second]))
    drain(system)

    assert board.events() == [first.record, second.record]


def test_a_collector_that_was_restarted_tells_nothing_twice(system: System, board: Board) -> None:
    happened = Event(1, EXITED)
    for _ in range(2):
        engine = Asked()
        system.start(Collector, ["b"], board, lambda engine=engine: engine)
        look(system, board)
        engine.answer(report(1, events=1))
        engine.others["events"][0](Answer([happened]))
        drain(system)

    assert board.events() == [happened.record]


def test_what_nobody_looks_at_closely_is_asked_more_seldom(system: System, clock: ManualClock) -> None:
    board, engine = crowd(system, clock)

    run(system, clock, engine, 60, lambda: look(system, board, 15, ["b"]))

    assert 59 <= engine.addresses.count("127.0.0.1:1") <= 61
    assert 10 <= engine.addresses.count("127.0.0.1:2") <= 14
    assert {node.name: node.every for node in board.nodes()} == {"b": 1.0, "c": 5.0}


def test_in_a_small_cluster_all_are_asked_alike(system: System, clock: ManualClock) -> None:
    board, engine = crowd(system, clock, few=2)

    run(system, clock, engine, 20, lambda: look(system, board, 15, ["b"]))

    assert 19 <= engine.addresses.count("127.0.0.1:2") <= 21


def test_whoever_begins_to_look_at_one_closely_waits_for_no_slow_beat(system: System, clock: ManualClock) -> None:
    board, engine = crowd(system, clock)
    run(system, clock, engine, 21, lambda: look(system, board, 15, ["b"]))
    before = engine.addresses.count("127.0.0.1:2")

    look(system, board, 15, ["c"])

    assert engine.addresses.count("127.0.0.1:2") == before + 1
    assert board.nodes()[1].every == 1.0


def test_how_old_a_figure_is_stays_true_however_seldom_it_is_asked_for(system: System, clock: ManualClock) -> None:
    board, engine = crowd(system, clock)
    run(system, clock, engine, 40, lambda: look(system, board, 15, ["b"]))
    ages = []
    for _ in range(10):
        run(system, clock, engine, 1, lambda: look(system, board, 15, ["b"]))
        seen_at = board.nodes()[1].seen_at
        assert seen_at is not None
        ages.append(round(clock.now() - seen_at))

    assert sorted(set(ages)) == [1, 2, 3, 4, 5]


def test_a_node_that_nobody_looks_at_any_more_says_so(system: System, clock: ManualClock) -> None:
    board, engine = crowd(system, clock)
    run(system, clock, engine, 5, lambda: look(system, board, 2, ["b"]))

    for _ in range(5):
        clock.advance(1)
        drain(system)

    assert [node.every for node in board.nodes()] == [None, None]


def test_an_observer_that_is_late_at_one_beat_after_the_other_asks_more_seldom(
    system: System, clock: ManualClock, board: Board, engine: Asked
) -> None:
    look(system, board, seconds=1000)
    for _ in range(3):
        clock.advance(1.8)  # the beat was due 0.8 s before it came
        drain(system)
        while engine.waiting:
            engine.answer(report(engine.count, every=0.1))
        drain(system)
    clock.advance(1)
    drain(system)

    assert board.strain.steps == 1
    assert board.nodes()[0].every == 2.0


def test_many_collectors_have_their_beats_at_few_moments(system: System, clock: ManualClock, board: Board) -> None:
    for number in range(20):
        place = number / 20 - 0.5
        system.start(Collector, ["b"], board, lambda: None, jitter=lambda place=place: place)
    look(system, board, 60)

    beats = []
    for _ in range(2 * 50):
        before = system.timers.fired
        clock.advance(1 / 50)
        drain(system)
        beats.append(system.timers.fired - before)

    assert sum(beats) >= 20
    assert 1 < sum(beat > 0 for beat in beats) <= 16


def test_samples_that_nobody_asked_for_leave_a_gap_and_are_asked_for_when_somebody_looks(
    system: System, clock: ManualClock
) -> None:
    board, engine = crowd(system, clock)
    look(system, board, 1000, ["b", "c"])
    while engine.waiting:
        engine.answer(Answer(Report(1, sample("b"), every=0.1)))
    board.put_reading("b", sample("b"), None, missed=2)

    assert board.trail("b", "host.cpu") == [0.2, None, None, 0.2]
    board.put_trail("b", {"host.cpu": [(0.5, 0, 1), (0.6, 0, 1), (0.7, 0, 1), (0.8, 0, 1)]})
    assert board.trail("b", "host.cpu") == [0.5, 0.6, 0.7, 0.2]


def test_a_change_makes_only_its_own_view_anew(board: Board) -> None:
    board.put_members([member(), Member("c", "127.0.0.1:2", "boot-c", 0.0, Status.UP, 0.0, 0.0)])
    before = board.nodes()

    board.put_reading("b", sample(), None)
    after = board.nodes()

    assert after[0] is not before[0]
    assert after[1] is before[1]
    assert board.nodes() is after
