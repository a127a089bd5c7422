"""Everybody is watched by one collector, few nodes by one of their own, many in batches; a crash loses nobody."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from eye.cluster.members import TOPIC, MembersChanged
from eye.cluster.node import Member, Status
from eye.monitor.board import Board
from eye.monitor.collector import LOOKING, Collector, Looking
from eye.monitor.roster import ALONE, BATCH, Crew, Roster
from eye.supervision import ChildSpec, DynamicSupervisor, System
from eye.testing import ManualClock, drain

if TYPE_CHECKING:
    from collections.abc import Iterable


class Asked:
    """An engine that notes who is asked, and never answers."""

    def __init__(self) -> None:
        self.addresses: Counter[str] = Counter()

    def submit(self, address: str, method: Any, args: Any, *, timeout: float, done: Any) -> None:
        self.addresses[address] += 1


class Cluster:
    """A board, and a roster that keeps up with it."""

    def __init__(self, system: System, clock: ManualClock) -> None:
        self.system, self.board, self.engine = system, Board(clock), Asked()
        self.board.look(1000.0)
        self.supervisor = system.start(DynamicSupervisor, name="nodes", max_restarts=100)
        self.roster = system.start(Roster, self.board, "nodes", self._collector)

    def _collector(self, crew: Crew) -> ChildSpec:
        return ChildSpec(Collector, id=crew.id, args=(crew, self.board, lambda: self.engine))

    def consists_of(self, numbers: Iterable[int]) -> None:
        self.board.put_members(
            Member(f"n{one:04}", f"127.0.0.1:{one}", "boot", 0.0, Status.UP, 0.0, 0.0) for one in numbers
        )
        self.system.topics.broadcast(TOPIC, MembersChanged(1))
        drain(self.system)

    @property
    def collectors(self) -> list[Any]:
        return [child.id for child in DynamicSupervisor.which_children(self.supervisor)]

    def asked(self) -> set[int]:
        return {int(address.rpartition(":")[2]) for address in self.engine.addresses}


@pytest.fixture
def cluster(system: System, clock: ManualClock) -> Cluster:
    return Cluster(system, clock)


def test_few_nodes_have_a_collector_each(cluster: Cluster) -> None:
    cluster.consists_of(range(1, 6))

    assert sorted(cluster.collectors) == ["n0001", "n0002", "n0003", "n0004", "n0005"]
    assert cluster.asked() == set(range(1, 6))


def test_many_are_watched_in_batches(cluster: Cluster) -> None:
    cluster.consists_of(range(1, 501))

    assert len(cluster.collectors) == ALONE + -(-(500 - ALONE) // BATCH)
    assert cluster.asked() == set(range(1, 501))
    assert max(cluster.engine.addresses.values()) == 1  # nobody twice


def test_one_that_joins_a_batch_waits_for_no_beat(cluster: Cluster) -> None:
    cluster.consists_of(range(1, ALONE + 3))
    cluster.consists_of(range(1, ALONE + 4))

    assert cluster.asked() == set(range(1, ALONE + 4))
    assert max(cluster.engine.addresses.values()) == 1


def test_one_that_leaves_makes_room_and_is_asked_no_more(cluster: Cluster, clock: ManualClock) -> None:
    cluster.consists_of(range(1, ALONE + BATCH + 1))
    before = sorted(cluster.collectors)
    cluster.consists_of([*range(1, ALONE + BATCH), 9000])

    assert sorted(cluster.collectors) == before
    assert 9000 in cluster.asked()


def test_an_empty_batch_has_no_collector(cluster: Cluster) -> None:
    cluster.consists_of(range(1, ALONE + 3))
    cluster.consists_of([1])

    assert cluster.collectors == ["n0001"]


def test_OB_05_a_batch_that_crashes_goes_on_with_the_same_nodes(cluster: Cluster, system: System) -> None:
    cluster.consists_of(range(1, ALONE + 11))
    (batch,) = [
        child.ref
        for child in DynamicSupervisor.which_children(cluster.supervisor)
        if str(child.id).startswith("batch")
    ]
    assert batch is not None
    cluster.engine.addresses.clear()

    batch.kill()
    drain(system)

    assert cluster.asked() == set(range(ALONE + 1, ALONE + 11))


def test_nobody_is_asked_who_left_while_nobody_looked(system: System, clock: ManualClock) -> None:
    cluster = Cluster(system, clock)
    clock.advance(2000)
    cluster.consists_of(range(1, 4))
    cluster.consists_of([1])
    assert cluster.asked() == set()

    cluster.board.look(5.0)
    system.topics.broadcast(LOOKING, Looking())
    drain(system)

    assert cluster.asked() == {1}
