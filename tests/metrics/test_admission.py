"""Which names of own figures an observer takes in."""

from __future__ import annotations

import logging
from collections.abc import Iterable

import pytest

from eye.metrics.admission import HOUR, OF_A_NODE, OF_ALL, Admission
from eye.metrics.custom import MOST
from eye.metrics.sample import About, HostReading, ProcessReading, Sample

HOST = HostReading("orthanc", 512, 2048, 0.2, 2, 0.42, 100, 7200.0)
PROCESS = ProcessReading(4242, 46, 0.007, 12, 17, 3, 7190.5, 2)


class World:
    """An admission, and the last sample of each node."""

    def __init__(self) -> None:
        self.admission = Admission()
        self.now = 0.0
        self.last: dict[str, Sample] = {}

    def tell(self, names: Iterable[str], node: str = "a", about: dict[str, About] | None = None) -> set[str]:
        """Have a node tell figures; answer the names of those that were taken in."""
        told = Sample(node, "b", self.now, HOST, PROCESS, dict.fromkeys(names, 1.0), about)
        taken = self.last[node] = self.admission.take(node, told, self.last.get(node), self.now)
        assert not taken.about or taken.about.keys() <= self.admission._nodes[node].names
        return set(taken.custom)


@pytest.fixture
def world() -> World:
    return World()


def numbered(first: int, count: int = MOST, of: str = "order") -> set[str]:
    return {f"{of}_{number}" for number in range(first, first + count)}


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [one.getMessage() for one in caplog.records if one.levelno == logging.WARNING]


def test_what_a_program_tells_is_taken_in_as_long_as_it_likes(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(5):
        assert world.tell(numbered(0)) == numbered(0)
        world.now += HOUR

    assert said(caplog) == []


def test_ever_new_names_of_a_node_are_left_out_and_it_is_said_once(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    taken: set[str] = set()
    for number in range(0, 5 * OF_A_NODE, 10):
        taken |= world.tell(numbered(number, 10))
        world.now += 1.0

    assert taken == numbered(0, OF_A_NODE)
    assert len(said(caplog)) == 1
    assert "node 'a' tells more than 200 different figures of its own within an hour" in said(caplog)[0]
    assert "A name is for what stays the same" in said(caplog)[0]


def test_a_name_that_is_told_all_the_time_keeps_its_place(world: World) -> None:
    for number in range(0, 10 * OF_A_NODE, 50):
        assert "orders" in world.tell({"orders"} | numbered(number, 50))
        world.now += 60.0


def test_a_name_that_was_not_told_for_an_hour_makes_room(world: World) -> None:
    world.tell(numbered(0))
    world.tell(numbered(MOST))
    assert world.tell({"orders"}) == set()

    world.now += HOUR + 1.0

    assert world.tell({"orders"}) == {"orders"}


def test_another_version_of_a_program_may_have_other_names(world: World) -> None:
    world.tell(numbered(0))

    assert world.tell(numbered(0, of="item")) == numbered(0, of="item")


def test_who_goes_and_comes_back_does_not_begin_anew(world: World) -> None:
    world.tell(numbered(0))
    world.tell(numbered(MOST))
    world.last.clear()

    assert world.tell({"orders", "order_7"}) == {"order_7"}


def test_nodes_of_ever_new_names_do_not_get_around_it(world: World, caplog: pytest.LogCaptureFixture) -> None:
    taken: set[str] = set()
    for number in range(3 * OF_ALL // MOST):
        taken |= world.tell(numbered(number * MOST), node=f"node-{number}")

    assert len(taken) == OF_ALL
    assert len(said(caplog)) == 1
    assert (
        "the nodes tell more than 2000 different figures of their own within an hour, now 'node-20'"
        in said(caplog)[0]
    )
    assert world.tell(numbered(0), node="another") == numbered(0), "names that are known are no new ones"


def test_what_is_remembered_of_nodes_that_are_gone_goes_too(world: World) -> None:
    for number in range(100):
        world.tell({"orders"}, node=f"node-{number}")
        world.now += HOUR

    assert len(world.admission._nodes) < 5


def test_the_hundred_at_once_are_said_once(world: World, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(3):
        assert len(world.tell(numbered(0, MOST + 1))) == MOST

    assert len(said(caplog)) == 1
    assert "more than 100 figures of its own at once" in said(caplog)[0]


def test_what_is_said_of_a_name_without_a_place_is_left_out(world: World) -> None:
    world.tell(numbered(0))
    world.tell(numbered(MOST))

    world.tell({"order_7", "orders"}, about={"orders": About("waiting"), "order_7": About("seven")})

    assert world.last["a"].about == {"order_7": About("seven")}
