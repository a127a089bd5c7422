"""Whoever wants every sample gets each once, with the moment at which it came."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from eye.cluster.node import Member, Status
from eye.metrics.admission import OF_A_NODE
from eye.metrics.recent import figures
from eye.metrics.sample import HostReading, ProcessReading, Sample
from eye.monitor.board import Board
from eye.monitor.samples import SAMPLES, Seen
from eye.supervision import System
from eye.testing import ManualClock

SAMPLE = Sample(
    "b",
    "boot-1",
    1.0,
    HostReading("orthanc", 512, 2048, 0.2, 2, 0.4, 100, 7200.0),
    ProcessReading(4242, 46, 0.01, 12, 17, 0, 60.0),
)


class Everything:
    def __init__(self) -> None:
        self.got: list[Any] = []

    def send(self, message: Any) -> None:
        self.got.append(message)


def test_a_subscriber_gets_each_sample_once(system: System, clock: ManualClock) -> None:
    board, listener = Board(clock, system.topics), Everything()
    system.topics.subscribe(SAMPLES, listener)
    later = replace(SAMPLE, at=2.0)

    board.put_reading("b", SAMPLE, 0.1)
    board.put_reading("b", SAMPLE, 0.1)
    clock.advance(1.0)
    board.put_reading("b", later, None)

    now = clock.now()
    assert listener.got == [Seen("b", SAMPLE, now - 1.0), Seen("b", later, now)]


def test_the_first_sample_of_another_life_is_new_whatever_its_clock_says(
    system: System, clock: ManualClock
) -> None:
    board, listener = Board(clock, system.topics), Everything()
    system.topics.subscribe(SAMPLES, listener)

    board.put_reading("b", SAMPLE, 0.1)
    board.put_reading("b", replace(SAMPLE, boot="boot-2"), 0.1)

    assert [seen.sample.boot for seen in listener.got] == ["boot-1", "boot-2"]


def test_ever_new_names_reach_nobody(system: System, clock: ManualClock) -> None:
    board, listener = Board(clock, system.topics), Everything()
    system.topics.subscribe(SAMPLES, listener)

    for life in range(10):  # nor does another life of the node, or its coming back, begin anew
        board.put_members([])
        board.put_members([Member("b", "there", f"boot-{life}", 0.0, Status.UP, 0.0, 0.0)])
        for number in range(100):
            sample = replace(SAMPLE, boot=f"boot-{life}", at=clock.now(), custom={f"order_{life}_{number}": 1.0})
            board.put_reading("b", sample, 0.1)
            clock.advance(1.0)

    told = {name for seen in listener.got for name in seen.sample.custom}
    assert len(listener.got) == 1000
    assert len(told) == OF_A_NODE
    assert board.nodes()[0].custom == {}


def test_the_figures_of_a_sample_are_named_with_their_scopes() -> None:
    named = figures(SAMPLE)

    assert (named["host.cpu"], named["node.memory"], named["node.restarts"]) == (0.2, 46, 0)
