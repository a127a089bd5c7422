"""The network in memory: what a test can do to it, and a clock that stands still."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from eye.cluster.engines.memory import MemoryEngine
from eye.cluster.engines.network import Network
from eye.cluster.interconnect import Answer, Method
from eye.cluster.node import Address
from eye.errors import DeadlineExceeded
from eye.testing import ManualClock

ECHO = Method("lab", "echo", (Any,), Any)
SOON = 10.0


class Lab:
    exposed = (ECHO,)

    def echo(self, value: Any) -> Any:
        return value


class Cluster:
    def __init__(self) -> None:
        self.network, self.clock = Network(), ManualClock()
        self.a, self.b = (self.network.engine(self.clock) for _ in range(2))
        self.at_a, self.at_b = (str(one.serve(Address("127.0.0.1", 0), [Lab()])) for one in (self.a, self.b))
        self.lost: list[str] = []
        self.a.on_lost(lambda address, reason: self.lost.append(address))
        self.answers: list[Answer] = []
        self.answered = threading.Semaphore(0)

    def ask(self, asker: MemoryEngine, address: str, value: Any = 1) -> None:
        asker.submit(address, ECHO, (value,), timeout=2.0, done=self._done)

    def _done(self, answer: Answer) -> None:
        self.answers.append(answer)
        self.answered.release()

    def answer(self) -> Answer:
        assert self.answered.acquire(timeout=SOON)
        return self.answers[-1]


@pytest.fixture
def cluster() -> Any:
    cluster = Cluster()
    yield cluster
    cluster.a.close()
    cluster.b.close()


def test_a_frozen_peer_answers_nobody_until_the_deadline_of_the_clock(cluster: Cluster) -> None:
    cluster.network.freeze(cluster.at_b)
    cluster.ask(cluster.a, cluster.at_b)
    assert not cluster.network.quiet(0.05)

    cluster.clock.advance(2.0)

    assert isinstance(cluster.answer().error, DeadlineExceeded)
    assert cluster.network.quiet(SOON)


def test_a_peer_that_thaws_in_time_answers(cluster: Cluster) -> None:
    cluster.network.freeze(cluster.at_b)
    cluster.ask(cluster.a, cluster.at_b)

    cluster.network.thaw(cluster.at_b)

    assert cluster.answer().get() == 1


def test_a_cut_is_silence_in_both_directions_and_for_nobody_else(cluster: Cluster) -> None:
    third = cluster.network.engine(cluster.clock)
    cluster.ask(cluster.a, cluster.at_b)
    cluster.answer()
    cluster.network.cut(cluster.at_a, cluster.at_b)

    cluster.ask(cluster.a, cluster.at_b)
    cluster.ask(cluster.b, cluster.at_a)
    assert third.request(cluster.at_b, ECHO, "ok", timeout=SOON) == "ok"
    cluster.clock.advance(2.0)

    assert isinstance(cluster.answer().error, DeadlineExceeded)
    assert isinstance(cluster.answer().error, DeadlineExceeded)
    assert cluster.network.quiet(SOON)
    assert cluster.lost == [cluster.at_b]
    cluster.network.heal(cluster.at_a, cluster.at_b)
    cluster.ask(cluster.a, cluster.at_b)
    assert cluster.answer().get() == 1
    third.close()
