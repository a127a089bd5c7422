"""The process that looks for others: when it looks, whom it asks, and what becomes of a strategy that fails."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from eye.cluster.exchange import EngineSlot
from eye.cluster.finder import Finder
from eye.cluster.members import NAME as MEMBERS
from eye.cluster.members import AllFound
from eye.cluster.news import AddressFound
from eye.cluster.node import Address, NodeInfo
from eye.errors import BadAddress, EyeError, FolderUnusable, NameTaken, StartFailed
from eye.testing import Obedient, drain, seen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from eye.supervision import Ref, System
    from eye.testing import ManualClock

ME = NodeInfo("me", "", "boot-me", 1.0)
A, B, C = "10.0.0.1:4711", "10.0.0.2:4711", "10.0.0.3:4711"


class Fake:
    """A strategy that finds and raises what the test says."""

    def __init__(self, *found: str, name: str = "fake discovery") -> None:
        self.found: frozenset[str] = frozenset(found)
        self.failure: Exception | None = None
        self.refusal: Exception | None = None
        self.announced: list[NodeInfo] = []
        self.looks = 0
        self.name = name

    def __str__(self) -> str:
        return self.name

    def announce(self, info: NodeInfo) -> None:
        if self.refusal is not None:
            raise self.refusal
        self.announced.append(info)

    def find(self) -> frozenset[str]:
        self.looks += 1
        if self.failure is not None:
            raise self.failure
        return self.found

    def withdraw(self) -> None:
        raise AssertionError("the finder withdraws nothing")


class Eager(Fake):
    """One that learns of nodes by itself."""

    def start(self, found: Callable[[], None]) -> None:
        self.rings = found


class Draws:
    """Chance, as the test has it."""

    def __init__(self, *values: float) -> None:
        self._values: Iterator[float] = iter(values)

    def __call__(self) -> float:
        return next(self._values, 0.5)


@pytest.fixture
def members(system: System) -> Ref:
    members = system.start(Obedient, name=MEMBERS)
    assert members is not None
    return members


@pytest.fixture
def find(system: System, members: Ref) -> Callable[..., Ref]:
    del members

    def start(*strategies: Fake, listen: str | None = "10.0.0.9:4711", **more: Any) -> Ref:
        engine = EngineSlot()
        engine.address = Address.parse(listen) if listen is not None else None
        hidden = more.pop("is_hidden", False)
        draw = more.pop("draw", Draws())
        finder = system.start(Finder, strategies, engine, ME, hidden, draw=draw, **more)
        assert finder is not None
        drain(system)
        return finder

    return start


def addresses(members: Ref) -> list[str]:
    return [one.address for one in seen(members) if isinstance(one, AddressFound)]


# -------------------------------------------------------------------------------------- the start


def test_it_announces_the_node_looks_once_and_says_that_it_has(find: Callable[..., Ref], members: Ref) -> None:
    one, other = Fake(B, A), Fake(C)

    find(one, other)

    assert [info.address for info in one.announced] == ["10.0.0.9:4711"]
    assert one.announced == other.announced
    assert one.announced[0].boot == ME.boot
    assert seen(members) == [AddressFound(A), AddressFound(B), AddressFound(C), AllFound()]


@pytest.mark.parametrize(
    ("listen", "advertise", "told"),
    [
        ("10.0.0.9:4711", None, "10.0.0.9:4711"),
        ("0.0.0.0:4711", "eye.example.org:80", "eye.example.org:80"),
        ("0.0.0.0:4711", "eye.example.org:0", "eye.example.org:4711"),
    ],
)
def test_the_address_that_is_announced_is_one_to_be_reached_by(
    find: Callable[..., Ref], listen: str, advertise: str | None, told: str
) -> None:
    one = Fake()

    find(one, listen=listen, advertise=advertise)

    assert [info.address for info in one.announced] == [told]


@pytest.mark.parametrize("more", [{"is_hidden": True}, {"listen": None}])
def test_an_observer_looks_and_is_not_announced(find: Callable[..., Ref], members: Ref, more: Any) -> None:
    one = Fake(A)

    find(one, **more)

    assert one.announced == []
    assert addresses(members) == [A]


def test_without_a_strategy_there_is_nothing_to_wait_for(find: Callable[..., Ref], members: Ref) -> None:
    find()

    assert seen(members) == [AllFound()]


# ------------------------------------------------------------------------------- when it looks


@pytest.mark.parametrize(("drawn", "seconds"), [(0.0, 8.0), (0.5, 10.0), (1.0, 12.0)])
def test_from_look_to_look_it_is_the_interval_a_fifth_more_or_less(
    find: Callable[..., Ref], clock: ManualClock, system: System, drawn: float, seconds: float
) -> None:
    one = Fake()
    find(one, draw=Draws(drawn, drawn), interval=10.0)

    clock.advance(seconds - 0.01)
    drain(system)
    assert one.looks == 1

    clock.advance(0.02)
    drain(system)
    assert one.looks == 2


def test_each_interval_is_drawn_anew(find: Callable[..., Ref], clock: ManualClock, system: System) -> None:
    one = Fake()
    find(one, draw=Draws(0.0, 1.0, 0.5), interval=10.0)

    for seconds, looks in ((8.0, 2), (11.9, 2), (0.2, 3), (9.8, 3), (0.3, 4)):
        clock.advance(seconds)
        drain(system)
        assert one.looks == looks


def test_what_comes_and_goes_is_passed_on_at_each_look(
    find: Callable[..., Ref], clock: ManualClock, system: System, members: Ref
) -> None:
    one = Fake(A)
    find(one, interval=5.0)

    one.found = frozenset({B, C})
    clock.advance(5.0)
    drain(system)

    assert addresses(members) == [A, B, C]
    assert seen(members).count(AllFound()) == 1


# ---------------------------------------------------------------------------------------- hurry


def test_one_that_has_learned_of_somebody_is_asked_at_once_and_the_others_are_not(
    find: Callable[..., Ref], clock: ManualClock, system: System, members: Ref
) -> None:
    slow, eager = Fake(A), Eager()
    find(slow, eager)

    eager.found = frozenset({B})
    eager.rings()
    drain(system)
    assert eager.looks == 1  # in a moment

    clock.advance(0.05)
    drain(system)

    assert (eager.looks, slow.looks) == (2, 1)
    assert addresses(members) == [A, B]


def test_a_fleet_that_comes_at_once_is_found_by_one_look(
    find: Callable[..., Ref], clock: ManualClock, system: System
) -> None:
    eager, other = Eager(), Eager()
    find(eager, other)
    ringers = [threading.Thread(target=lambda: [eager.rings() for _ in range(100)]) for _ in range(4)]

    for ringer in ringers:
        ringer.start()
    for ringer in ringers:
        ringer.join()
    drain(system)
    other.rings()
    clock.advance(0.05)
    drain(system)
    clock.advance(0.05)
    drain(system)

    assert (eager.looks, other.looks) == (2, 2)


def test_one_that_learns_more_later_is_asked_again(
    find: Callable[..., Ref], clock: ManualClock, system: System
) -> None:
    eager = Eager()
    find(eager)

    for looks in (2, 3, 4):
        eager.rings()
        drain(system)
        clock.advance(0.05)
        drain(system)
        assert eager.looks == looks


def test_hurrying_puts_no_look_off(find: Callable[..., Ref], clock: ManualClock, system: System) -> None:
    eager, slow = Eager(), Fake()
    find(eager, slow, interval=5.0)

    for _ in range(50):
        eager.rings()
        drain(system)
        clock.advance(0.1)
        drain(system)

    assert slow.looks == 2


def test_one_that_learns_of_somebody_while_it_is_asked_is_asked_again(
    find: Callable[..., Ref], clock: ManualClock, system: System
) -> None:
    class Ringing(Eager):
        def find(self) -> frozenset[str]:
            if self.looks < 2:
                self.rings()
            return super().find()

    eager = Ringing()
    find(eager)

    for _ in range(4):
        clock.advance(0.05)
        drain(system)

    assert eager.looks == 3


def test_to_ring_when_the_finder_has_ended_does_nothing(find: Callable[..., Ref], system: System) -> None:
    eager = Eager()
    finder = find(eager)
    finder.stop()

    eager.rings()

    drain(system)
    assert eager.looks == 1


# --------------------------------------------------------------------------- strategies that fail


@pytest.mark.parametrize(
    "failure", [OSError("no such name"), FolderUnusable("/run/eye", "is not a folder"), TimeoutError("late")]
)
def test_a_strategy_that_fails_is_told_of_once_and_keeps_nobody_from_looking(
    find: Callable[..., Ref],
    clock: ManualClock,
    system: System,
    members: Ref,
    caplog: pytest.LogCaptureFixture,
    failure: Exception,
) -> None:
    failing, working = Fake(name="dns discovery of eye:4711"), Fake(A)
    failing.failure = failure
    finder = find(failing, working, interval=5.0)

    for _ in range(5):
        clock.advance(6.0)
        drain(system)

    assert caplog.messages == [f"dns discovery of eye:4711 found nothing this time: {failure}"]
    assert working.looks == failing.looks == 6
    assert finder.is_alive
    assert seen(members)[:2] == [AddressFound(A), AllFound()]


def test_another_failure_is_told_of_and_so_is_one_that_comes_back(
    find: Callable[..., Ref], clock: ManualClock, system: System, caplog: pytest.LogCaptureFixture
) -> None:
    one = Fake()
    find(one, interval=5.0)

    for failure in ("a", "a", "b", None, "b", "b"):
        one.failure = None if failure is None else OSError(failure)
        clock.advance(6.0)
        drain(system)

    assert [line[-1] for line in caplog.messages] == ["a", "b", "b"]


def test_two_strategies_that_are_called_alike_are_two(
    find: Callable[..., Ref], clock: ManualClock, system: System, caplog: pytest.LogCaptureFixture
) -> None:
    failing, working = Fake(), Fake(A)
    failing.failure = OSError("no such name")
    find(working, failing, interval=5.0)

    for _ in range(3):
        clock.advance(6.0)
        drain(system)

    assert len(caplog.messages) == 1


@pytest.mark.parametrize("refusal", [PermissionError("no"), FolderUnusable("/run/eye", "is locked")])
def test_a_strategy_that_cannot_announce_is_told_of_and_asked_all_the_same(
    find: Callable[..., Ref], members: Ref, caplog: pytest.LogCaptureFixture, refusal: Exception
) -> None:
    one, other = Fake(A, name="local discovery in /run/eye"), Fake(B)
    one.refusal = refusal

    find(one, other)

    assert caplog.messages == [
        f"local discovery in /run/eye cannot announce this node, which others will not find by it: {refusal}"
    ]
    assert len(other.announced) == 1
    assert addresses(members) == [A, B]


def test_a_name_that_is_taken_ends_the_start(find: Callable[..., Ref], members: Ref, system: System) -> None:
    one = Fake(A)
    one.refusal = NameTaken("me", B)

    with pytest.raises(StartFailed, match=r"'me' is already running at 10\.0\.0\.2:4711; choose another --name"):
        find(one)

    drain(system)
    assert one.looks == 0
    assert seen(members) == []


def test_a_name_that_is_found_taken_later_is_told_of(
    find: Callable[..., Ref], clock: ManualClock, system: System, caplog: pytest.LogCaptureFixture
) -> None:
    """Which of the two yields, membership decides."""
    one = Fake()
    finder = find(one, interval=5.0)

    one.failure = NameTaken("me", B)
    clock.advance(6.0)
    drain(system)

    assert finder.is_alive
    assert "choose another --name" in caplog.text


def test_a_bug_in_a_strategy_is_a_crash(find: Callable[..., Ref], clock: ManualClock, system: System) -> None:
    one = Fake()
    finder = find(one, interval=5.0)

    one.failure = ZeroDivisionError()
    clock.advance(6.0)
    drain(system)

    assert not finder.is_alive


def test_a_wrong_address_to_advertise_ends_the_start(find: Callable[..., Ref]) -> None:
    with pytest.raises(StartFailed, match="HOST:PORT"):
        find(Fake(), advertise="eye.example.org")
    assert issubclass(BadAddress, EyeError)
