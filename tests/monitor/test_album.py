"""Pictures of the tree: taken when something happened, few, bounded, and found again by how long ago that was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from eye.errors import NothingKept
from eye.monitor.album import HOUR, ROOT, Album, Painter
from eye.supervision import ChildSpec, GenServer, Supervisor, System
from eye.testing import ManualClock, drain

if TYPE_CHECKING:
    from eye.supervision.process import Ref


@pytest.fixture
def album(clock: ManualClock) -> Album:
    return Album(clock)


def numbered(number: int, size: int = 0) -> dict[str, Any]:
    return {"tree": number, "others": ["x" * size]}


def put(album: Album, clock: ManualClock, *, count: int, apart: float) -> None:
    for number in range(count):
        album.put(numbered(number))
        clock.advance(apart)


@pytest.mark.parametrize(("ago", "number"), [(0.0, 2), (5.0, 2), (10.0, 2), (10.5, 1), (20.0, 1), (29.9, 0)])
def test_a_tree_holds_until_the_next_picture(album: Album, clock: ManualClock, ago: float, number: int) -> None:
    put(album, clock, count=3, apart=10)

    as_of, tree = album.get(ago)

    assert tree["tree"] == number
    assert as_of == clock.now() - 30 + 10 * number


def test_what_was_before_the_first_picture_nobody_knows(album: Album, clock: ManualClock) -> None:
    with pytest.raises(NothingKept, match="the last 0 s"):
        album.get(0)
    put(album, clock, count=1, apart=10)

    with pytest.raises(NothingKept, match="the last 10 s"):
        album.get(11)


def test_an_hour_is_kept_and_what_the_tree_looked_like_when_it_began(album: Album, clock: ManualClock) -> None:
    put(album, clock, count=150, apart=60)

    album.put(numbered(150))

    assert len(album) == 61
    assert album.get(HOUR)[1]["tree"] == 90


def test_one_picture_is_kept_however_old_it_is(album: Album, clock: ManualClock) -> None:
    put(album, clock, count=1, apart=10 * HOUR)

    assert album.get(HOUR)[1]["tree"] == 0


def test_older_ones_than_an_hour_are_refused_though_one_would_be_there(album: Album, clock: ManualClock) -> None:
    put(album, clock, count=1, apart=10 * HOUR)

    with pytest.raises(NothingKept, match="the last 3600 s"):
        album.get(2 * HOUR)


def test_the_oldest_go_when_there_are_too_many_bytes(clock: ManualClock) -> None:
    import random

    album = Album(clock, most_bytes=10_000)
    for number in range(50):
        album.put({"tree": number, "others": [random.Random(number).randbytes(1000)]})
        clock.advance(1)

    assert album.bytes <= 10_000
    assert 5 <= len(album) <= 10
    assert album.get(0)[1]["tree"] == 49


class Child(GenServer):
    def handle_cast(self, message: Any) -> None:
        raise ValueError(message)


@pytest.fixture
def top(system: System, album: Album) -> Ref:
    ref = system.start(Supervisor, [ChildSpec(Child, id="child")], name=ROOT, max_restarts=1000)
    assert ref is not None
    system.start(Painter, "here", album)
    drain(system)
    return ref


def settle(system: System, clock: ManualClock, seconds: float) -> None:
    for _ in range(round(seconds * 10)):
        clock.advance(0.1)
        drain(system)


def test_a_tree_in_which_nothing_happens_is_drawn_once(
    system: System, clock: ManualClock, album: Album, top: Ref
) -> None:
    settle(system, clock, 20)

    assert len(album) == 1
    assert album.get(0)[1]["tree"]["children"][0]["incarnation"] == 1


def crash(system: System) -> None:
    (child,) = [ref for ref in system.processes() if ref.id == "child"]
    child.cast("on purpose")
    drain(system)


def test_what_happened_is_seen_in_the_picture_after_it_and_not_before(
    system: System, clock: ManualClock, album: Album, top: Ref
) -> None:
    settle(system, clock, 5)

    crash(system)
    settle(system, clock, 5)

    assert album.get(5.5)[1]["tree"]["children"][0]["incarnation"] == 1
    assert album.get(0)[1]["tree"]["children"][0]["incarnation"] == 2
    assert len(album) == 2


def test_there_is_one_picture_a_second_at_most(system: System, clock: ManualClock, album: Album, top: Ref) -> None:
    settle(system, clock, 5)
    for _ in range(30):
        crash(system)
        settle(system, clock, 0.1)
    settle(system, clock, 2)

    assert len(album) <= 5
    assert album.get(0)[1]["tree"]["children"][0]["incarnation"] == 31
