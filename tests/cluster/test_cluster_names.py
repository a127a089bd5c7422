"""A name in the whole cluster has one holder; of two that separate halves gave it to, one survives (ND-09)."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from eye.errors import ClusterNameTaken
from eye.supervision import GenServer, Ref
from tests.cluster.sides import Side

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SOON = 10.0


class Leader(GenServer):
    def handle_call(self, message: Any, caller: Any) -> Any:
        return message


@pytest.fixture
def sides() -> Iterator[tuple[Side, Side]]:
    a, b = Side("a", boot="aaaa"), Side("b", boot="bbbb")  # a is the keeper wherever both are up
    yield a, b
    a.close()
    b.close()


def meet(a: Side, b: Side) -> None:
    a.meets(b)
    b.meets(a)


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SOON
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def holder_of(side: Side, name: str = "leader") -> tuple[str, int] | None:
    found = side.remote.whereis(name, SOON)
    return None if found is None else (found.node, found.serial)


@pytest.mark.parametrize("first", [0, 1], ids=["by the keeper", "by another"])
def test_ND_09_a_second_holder_is_refused_with_the_first(sides: tuple[Side, Side], first: int) -> None:
    meet(*sides)
    winner, loser = sides[first], sides[1 - first]
    holder = winner.start(Leader)
    winner.remote.claim("leader", holder, SOON)

    with pytest.raises(ClusterNameTaken, match=f"process of {winner.name}"):
        loser.remote.claim("leader", loser.start(Leader), SOON)

    assert holder_of(winner) == holder_of(loser) == (winner.name, holder.serial)
    for side in sides:
        found = side.remote.whereis("leader", SOON)
        assert found is not None
        assert found.call("hello", SOON) == "hello"


def test_a_claim_made_twice_is_one(sides: tuple[Side, Side]) -> None:
    meet(*sides)
    holder = sides[1].start(Leader)

    sides[1].remote.claim("leader", holder, SOON)
    sides[1].remote.claim("leader", holder, SOON)

    assert holder_of(sides[0]) == ("b", holder.serial)


@pytest.mark.parametrize("end", ["it ends", "it is killed", "it is released"])
def test_a_name_is_free_when_its_holder_has_it_no_more(sides: tuple[Side, Side], end: str) -> None:
    meet(*sides)
    a, b = sides
    holder = b.start(Leader)
    b.remote.claim("leader", holder, SOON)

    if end == "it ends":
        holder.stop()
    elif end == "it is killed":
        holder.kill()
    else:
        b.remote.release("leader")

    until(lambda: holder_of(a) is None)
    a.remote.claim("leader", a.start(Leader), SOON)


def test_a_node_that_dies_takes_its_names_along(sides: tuple[Side, Side]) -> None:
    a, b = sides
    meet(a, b)
    b.remote.claim("leader", b.start(Leader), SOON)

    b.die()
    a.loses(b)

    until(lambda: holder_of(a) is None)


def test_names_outlive_their_keeper(sides: tuple[Side, Side]) -> None:
    a, b = sides
    meet(a, b)
    holder = b.start(Leader)
    b.remote.claim("leader", holder, SOON)

    a.die()
    b.loses(a)

    until(lambda: holder_of(b) == ("b", holder.serial))


def test_names_outlive_a_crash_of_who_looks_after_them(sides: tuple[Side, Side]) -> None:
    a, b = sides
    meet(a, b)
    holder = b.start(Leader)
    b.remote.claim("leader", holder, SOON)

    for side in sides:
        side.names.kill()
        side.start_names()
    assert holder_of(a) == ("b", holder.serial)
    holder.stop()

    until(lambda: holder_of(a) is None)


def test_ND_09_of_two_halves_that_each_gave_the_name_away_one_holder_survives(sides: tuple[Side, Side]) -> None:
    a, b = sides
    holders: list[Ref] = []
    for side in sides:
        holders.append(side.start(Leader))
        side.remote.claim("leader", holders[-1], SOON)
    assert (holder_of(a), holder_of(b)) == (("a", holders[0].serial), ("b", holders[1].serial))

    meet(a, b)

    reason = holders[1].join(SOON)
    assert reason is not None
    assert reason.word == "killed"
    assert holders[0].is_alive
    assert holder_of(a) == holder_of(b) == ("a", holders[0].serial)


def test_nobody_has_a_name_that_was_never_claimed(sides: tuple[Side, Side]) -> None:
    assert holder_of(sides[0]) is None
