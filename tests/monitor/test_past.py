"""The table as it was: what is known of that moment is shown, and nothing is made up."""

from __future__ import annotations

from typing import Any

import pytest

from eye.cluster.interconnect import Answer
from eye.cluster.node import Member, Status
from eye.errors import NothingKept
from eye.metrics.recent import Recent
from eye.metrics.sample import HostReading, ProcessReading, Sample
from eye.metrics.sampler import Latest
from eye.monitor.agent import Agent
from eye.monitor.board import Board
from eye.monitor.document import node_document
from eye.monitor.methods import Figures
from eye.monitor.node_view import NodeView
from eye.monitor.past import Stood, past, stood_at
from eye.supervision import System
from eye.testing import ManualClock

HOST = HostReading("orthanc", 512 * 2**20, 2 * 2**30, 0.2, 2, 0.4, 100, 7200.0)
PROCESS = ProcessReading(4242, 46 * 2**20, 0.01, 12, 17, 0, 60.0)


def member(status: Status = Status.UP, since: float = 0.0, started_at: float = 0.0) -> Member:
    return Member("b", "at-b", "boot-1", started_at, status, since, 99.0, None if status is Status.UP else "why")


def record(what: str, at: float) -> dict[str, Any]:
    return {"what": what, "at": at, "node": "b", "reason": f"because {what}", "address": "old", "boot": "boot-0"}


MEASURED = Figures("boot-1", 50.0, {"node.uptime": 20.0})
NOTHING = Figures("boot-1", None, {})


@pytest.mark.parametrize(
    ("now", "told", "figures", "then"),
    [
        (member(since=40), [], None, ("up", 40)),
        (member(Status.DOWN, since=40), [], None, ("down", 40)),
        (member(since=60), [record("node_up", 10), record("node_down", 30)], None, ("down", 30)),
        (member(since=60), [record("node_up", 10), record("node_suspect", 55)], None, ("up", 10)),
        (member(since=60), [record("node_found", 45)], MEASURED, ("connecting", 45)),
        (member(since=60), [record("node_down", 30), record("node_left", 40)], MEASURED, None),
        (member(since=60), [], MEASURED, ("up", 30)),  # it measured itself: this view is younger than it
        (member(since=60), [], NOTHING, ("connecting", 50)),  # it ran, and nobody here had met it
        (member(since=60, started_at=55), [], NOTHING, None),  # it was not there yet
        (None, [record("node_up", 10), record("node_left", 60)], None, ("up", 10)),
        (None, [record("node_up", 60)], None, None),
    ],
)
def test_how_a_node_was_seen_then(now: Any, told: Any, figures: Any, then: Any) -> None:
    stood = stood_at(50.0, now, told, figures)

    assert (None if stood is None else (stood.status, stood.since)) == then


def test_what_the_log_says_of_it_goes_with_it() -> None:
    stood = stood_at(50.0, member(since=60), [record("node_down", 30)])

    assert stood == Stood("down", 30, "because node_down", "old", "boot-0")


class Past:
    """One node that looks (a), and one that is looked at (b), each with a last hour."""

    def __init__(self, system: System, clock: ManualClock) -> None:
        self.clock, self.began = clock, clock.now()
        self.board, self.rings = Board(clock), {"a": Recent(), "b": Recent()}
        self.agents = {
            name: Agent(system, name, Latest(), recent=ring, boot=f"boot-{name}")
            for name, ring in self.rings.items()
        }
        self.members = {name: self.member(name) for name in ("a", "b")}
        self.asked: list[str] = []
        self.boot_that_answers = "boot-b"

    def member(self, name: str, status: Status = Status.UP) -> Member:
        now = self.clock.now()
        return Member(name, f"at-{name}", f"boot-{name}", self.began, status, now, now)

    def measure(self, name: str, memory: int) -> None:
        host = HostReading("orthanc", memory, 2 * 2**30, 0.2, 2, None, 100, 7200.0)
        sample = Sample(name, f"boot-{name}", self.clock.now(), host, PROCESS)
        self.rings[name].put(sample)
        self.board.put_reading(name, sample, 0.1)

    def request_all(self, addresses: Any, method: Any, *args: Any, timeout: float) -> dict[str, Answer]:
        self.asked = list(addresses)
        told = self.agents["b"].past(*args)
        told = Figures(self.boot_that_answers, told.ago, told.values)
        return {address: Answer(told) for address in self.asked}

    def look_back(self, ago: float) -> dict[str, NodeView]:
        self.board.put_members(self.members.values())
        now = self.clock.now()
        seen = past("a", self.board, self.agents["a"], self, now - ago, now, 2.0)  # type: ignore[arg-type]
        return {node.name: node for node in seen}


@pytest.fixture
def times(system: System, clock: ManualClock) -> Past:
    times = Past(system, clock)
    times.board.put_members(times.members.values())
    for second in range(60):
        times.measure("a", 1000 + second)
        if second != 30:
            times.measure("b", 2000 + second)
        clock.advance(1)
    return times


def test_each_shows_what_it_measured_then_and_how_old_that_was(times: Past) -> None:
    seen = times.look_back(19.5)  # second 40.5

    assert {name: node.host.memory_used for name, node in seen.items() if node.host} == {"a": 1040, "b": 2040}
    assert seen["b"].seen_at == pytest.approx(times.clock.now() - 20)
    assert (seen["b"].host, seen["b"].process) == (
        HostReading("orthanc", 2040, 2 * 2**30, 0.2, 2, None, 100, 7200.0),
        PROCESS,
    )


@pytest.mark.parametrize("nonsense", [float("nan"), float("inf")])
def test_what_is_no_figure_is_none(times: Past, nonsense: float, monkeypatch: pytest.MonkeyPatch) -> None:
    values = {"host.memory": nonsense, "host.cpu": 0.2, "custom.orders": nonsense}
    monkeypatch.setattr(times.agents["b"], "past", lambda ago: Figures("boot-b", ago, values))

    seen = times.look_back(20)["b"]

    assert seen.host is not None
    assert (seen.host.memory_used, seen.host.cpu, seen.custom) == (None, 0.2, {})


def test_a_sample_that_is_missing_is_not_filled_in(times: Past) -> None:
    assert times.look_back(29.5)["b"].seen_at == pytest.approx(times.clock.now() - 31)


def test_before_it_measured_anything_there_are_no_figures(times: Past) -> None:
    times.clock.advance(100)

    (node,) = [one for one in times.look_back(50).values() if one.name == "b"]

    assert (node.status, node.host, node.seen_at) == ("up", None, None)


def test_what_another_life_measured_does_not_count(times: Past) -> None:
    times.boot_that_answers = "boot-of-today"

    assert times.look_back(10)["b"].host is None


def test_a_node_that_was_down_has_no_figures_though_it_measured_some(times: Past) -> None:
    times.board.put_events([{**record("node_down", times.began + 20), "boot": "boot-b"}])
    times.members["b"] = times.member("b")  # it is back

    seen = times.look_back(20)["b"]

    assert (seen.status, seen.host, seen.reason) == ("down", None, "because node_down")
    assert node_document(seen)["host"] is None


def test_who_is_down_now_is_not_asked(times: Past) -> None:
    times.members["b"] = times.member("b", Status.DOWN)

    times.look_back(20)

    assert times.asked == []


def test_there_was_no_future_yet_and_more_than_an_hour_is_not_remembered(times: Past) -> None:
    assert times.look_back(-100)["b"].host is not None

    with pytest.raises(NothingKept):
        times.look_back(3601)
