"""A census: who answers, who does not, and how long that may take.

The first half asks a scripted interconnect by a clock that stands still; the second asks real sockets.
"""

from __future__ import annotations

import heapq
import itertools
import socket
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from eye.clock import SystemClock
from eye.cluster.discovery.local import Entry
from eye.cluster.engines.manager import ManagerEngine
from eye.cluster.interconnect import Answer, Method
from eye.cluster.node import Address, Member, NodeInfo, Status
from eye.cluster.registry import NODES, Digest
from eye.cluster.security import Cookie
from eye.cluster.switchboard import Switchboard
from eye.errors import AuthenticationRefused, DecodeRefused, NodeUnreachable, ProbeNotReady
from eye.metrics.sample import HostReading, ProcessReading, Sample
from eye.monitor.census import Observer
from eye.monitor.methods import SAMPLE
from eye.testing import ManualClock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from eye.monitor.node_view import NodeView
    from eye.monitor.tally import Census

HOUR = 3600.0
COOKIE = Cookie("the cookie of the census and its tests, long enough")


def sample(name: str, boot: str = "") -> Sample:
    host = HostReading("orthanc", 512, 1024, 0.2, 2, 0.4, 100, 7200.0)
    return Sample(name, boot or f"boot-{name}", 1.0, host, ProcessReading(1, 2, 0.1, 3, 4, 0, 5.0))


def member(name: str, status: Status = Status.UP, *, seen_at: float | None = None, **changes: Any) -> Member:
    fields = {"address": f"{name}:1", "boot": f"boot-{name}", "started_at": 100.0, "since": 100.0} | changes
    return Member(name, status=status, seen_at=seen_at, **fields)


def digest(teller: str, *members: Member, at: float = 1000.0) -> Digest:
    me = NodeInfo(teller, f"{teller}:1", f"boot-{teller}", 100.0)
    return Digest(me, at, 1, (member(teller, seen_at=at), *members))


def entry(name: str, *, is_alive: bool = True, touched_at: float = 0.0) -> Entry:
    return Entry(name, f"{name}:1", f"boot-{name}", 100.0, 4242, COOKIE.digest, is_alive, touched_at)


def refused(name: str) -> NodeUnreachable:
    return NodeUnreachable(f"{name}:1", "connection refused")


class ScriptedAsker:
    """Answers each question after 10 ms of the clock, or as scripted; whoever is not in the script is silent."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.says: dict[tuple[str, str], Any] = {}
        self.asked: list[tuple[str, str]] = []
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()

    def node(self, name: str, *known: Member, after: float = 0.01, boot: str = "") -> None:
        self.says[f"{name}:1", "nodes"] = (after, digest(name, *known))
        self.says[f"{name}:1", "sample"] = (after, sample(name, boot))

    def fails(self, name: str, error: Exception) -> None:
        self.says[f"{name}:1", "nodes"] = self.says[f"{name}:1", "sample"] = (0.01, error)

    def submit(
        self,
        address: str,
        method: Method,
        args: tuple[Any, ...],
        *,
        timeout: float,
        done: Callable[[Answer], None],
    ) -> None:
        assert args == ()
        self.asked.append((address, method.name))
        after, said = self.says.get((address, method.name), (float("inf"), None))
        answer = Answer(error=said) if isinstance(said, Exception) else Answer(said)
        if after < timeout:
            moment = self.clock.monotonic() + after
            heapq.heappush(self._due, (moment, next(self._numbers), lambda: done(answer)))

    def step(self, patience: float | None = None) -> None:
        left = self._due[0][0] - self.clock.monotonic() if self._due else float("inf")
        assert patience is not None
        assert min(left, patience) < 1e6, "nobody would ever have answered"
        self.clock.advance(max(min(left, patience), 0.0))
        while self._due and self._due[0][0] <= self.clock.monotonic():
            heapq.heappop(self._due)[2]()


@pytest.fixture
def asker(clock: ManualClock) -> ScriptedAsker:
    return ScriptedAsker(clock)


@pytest.fixture
def observer(asker: ScriptedAsker, clock: ManualClock) -> Observer:
    return Observer(asker, clock)


def by_name(census: Census) -> dict[str, NodeView]:
    return {node.name: node for node in census.nodes}


# ------------------------------------------------------------------------------------- who is there


def test_whom_the_registries_know_is_asked_in_a_second_wave(observer: Observer, asker: ScriptedAsker) -> None:
    asker.node("a", member("b"))
    asker.node("b", member("a"))

    census = observer.take_census([entry("a")])

    assert [(node.name, node.status) for node in census.nodes] == [("a", "up"), ("b", "up")]
    assert all(node.host is not None for node in census.nodes)
    assert census.routes == {"a": "a:1", "b": "b:1"}
    assert asker.asked == [("a:1", "nodes"), ("a:1", "sample"), ("b:1", "sample")]


def test_an_answer_is_as_fresh_as_the_moment_it_came(
    observer: Observer, asker: ScriptedAsker, clock: ManualClock
) -> None:
    asker.node("a", after=0.25)

    (node,) = observer.take_census([entry("a")]).nodes

    assert node.seen_at == clock.now()
    assert node.round_trip == pytest.approx(0.25)


def test_five_registries_are_asked_and_no_more_while_they_answer(observer: Observer, asker: ScriptedAsker) -> None:
    names = [f"n{number:02}" for number in range(20)]
    for name in names:
        asker.node(name, *(member(other) for other in names if other != name))

    census = observer.take_census(map(entry, names))

    assert len(census.nodes) == 20
    assert sum(what == "nodes" for _, what in asker.asked) == 5
    assert sum(what == "sample" for _, what in asker.asked) == 20


def test_registries_that_fail_are_replaced(observer: Observer, asker: ScriptedAsker) -> None:
    for number in range(7):
        asker.fails(f"gone{number}", refused(f"gone{number}"))
    asker.node("z", member("hidden"))
    asker.node("hidden")

    census = observer.take_census([*(entry(f"gone{number}") for number in range(7)), entry("z")])

    assert census.known == ("hidden", "z")


def test_one_that_answers_is_up_whatever_the_registries_think(observer: Observer, asker: ScriptedAsker) -> None:
    asker.node("a", member("b", Status.DOWN, boot="an earlier life"))
    asker.node("b", boot="this life")

    node = by_name(observer.take_census([entry("a")]))["b"]

    assert (node.status, node.boot, node.reason) == ("up", "this life", None)


def test_a_node_without_a_sample_yet_is_up_without_figures(observer: Observer, asker: ScriptedAsker) -> None:
    asker.node("a")
    asker.says["a:1", "sample"] = (0.01, ProbeNotReady("not yet"))

    (node,) = observer.take_census([entry("a")]).nodes

    assert (node.status, node.host) == ("up", None)


def test_only_the_wanted_are_asked_and_shown_but_all_are_known(observer: Observer, asker: ScriptedAsker) -> None:
    asker.node("a", member("b"), member("c"))
    asker.node("b")

    census = observer.take_census([entry("a")], wants=lambda name: name == "b")

    assert [node.name for node in census.nodes] == ["b"]
    assert census.known == ("a", "b", "c")
    assert ("c:1", "sample") not in asker.asked


# --------------------------------------------------------------------------------- who is not there


def test_ages_are_reckoned_by_one_clock_at_a_time(
    observer: Observer, asker: ScriptedAsker, clock: ManualClock
) -> None:
    # The registry's clock is hours behind ours, and nobody may notice.
    theirs = clock.now() - 5 * HOUR
    asker.says["a:1", "nodes"] = (
        0.01,
        digest("a", member("b", Status.DOWN, seen_at=theirs - 12, since=theirs - 9), at=theirs),
    )
    asker.says["a:1", "sample"] = (0.01, sample("a"))
    asker.fails("b", refused("b"))

    census = observer.take_census([entry("a")])

    node = by_name(census)["b"]
    assert node.status == "down"
    assert node.seen_at is not None
    assert census.at - node.seen_at == pytest.approx(12, abs=0.1)
    assert census.at - node.since == pytest.approx(9, abs=0.1)


def test_of_several_registries_the_last_sight_counts(
    observer: Observer, asker: ScriptedAsker, clock: ManualClock
) -> None:
    asker.node("a", member("c", Status.DOWN, seen_at=900.0))
    asker.node("b", member("c", Status.DOWN, seen_at=970.0))
    asker.fails("c", refused("c"))

    census = observer.take_census([entry("a"), entry("b")])

    seen_at = by_name(census)["c"].seen_at
    assert seen_at is not None
    assert census.at - seen_at == pytest.approx(30, abs=0.1)


def test_a_frozen_node_costs_the_timeout_and_nothing_more(
    observer: Observer, asker: ScriptedAsker, clock: ManualClock
) -> None:
    asker.node("a", member("b", seen_at=998.0))
    began = clock.monotonic()

    census = observer.take_census([entry("a"), entry("b")], timeout=1.5)

    assert clock.monotonic() - began == pytest.approx(1.5)
    assert {node.name: node.status for node in census.nodes} == {"a": "up", "b": "down"}
    assert by_name(census)["b"].reason == "no answer within 1.5 s"
    assert census.somebody_did_not_answer


def test_one_that_is_held_for_down_and_refuses_costs_nothing(
    observer: Observer, asker: ScriptedAsker, clock: ManualClock
) -> None:
    asker.node("a", member("b", Status.DOWN, seen_at=990.0, reason="connection refused"))
    asker.fails("b", refused("b"))
    began = clock.monotonic()

    census = observer.take_census([entry("a")])

    assert clock.monotonic() - began < 0.1
    assert by_name(census)["b"].reason == "connection refused"


def test_one_that_is_held_for_down_and_silent_costs_half_a_second(
    observer: Observer, asker: ScriptedAsker, clock: ManualClock
) -> None:
    asker.node("a", member("b", Status.DOWN, seen_at=990.0))
    began = clock.monotonic()

    census = observer.take_census([entry("a")])

    assert clock.monotonic() - began == pytest.approx(0.5)
    assert by_name(census)["b"].status == "down"


def test_a_frozen_node_that_is_not_wanted_costs_nothing(
    observer: Observer, asker: ScriptedAsker, clock: ManualClock
) -> None:
    asker.node("a", member("b"))
    began = clock.monotonic()

    observer.take_census([entry("a"), entry("b")], wants=lambda name: name == "a")

    assert clock.monotonic() - began < 0.1


def test_what_a_dead_node_left_on_this_machine_is_not_a_node(observer: Observer, asker: ScriptedAsker) -> None:
    asker.node("a")
    asker.fails("dying", refused("dying"))  # its file was read in its last moment

    census = observer.take_census([entry("a"), entry("dead", is_alive=False), entry("dying")])

    assert census.known == ("a",)
    assert census.troubles == {}


def test_a_lone_frozen_node_is_listed_with_when_it_last_moved(
    observer: Observer, asker: ScriptedAsker, clock: ManualClock
) -> None:
    census = observer.take_census([entry("a", touched_at=clock.now() - 8)])

    (node,) = census.nodes
    assert node.status == "down"
    assert node.seen_at is not None
    assert census.at - node.seen_at == pytest.approx(10)


@pytest.mark.parametrize(
    "error",
    [AuthenticationRefused("b:1"), DecodeRefused("something else than a node listens there"), refused("b")],
)
def test_an_address_without_a_node_is_told_and_the_others_go_on(
    observer: Observer, asker: ScriptedAsker, error: Exception
) -> None:
    asker.node("a")
    asker.fails("b", error)

    census = observer.take_census([entry("a")], ["b:1"])

    assert census.known == ("a",)
    assert census.troubles == {"b:1": error}
    assert census.unreached == ("b:1",)


def test_an_address_written_in_two_ways_is_one_node(observer: Observer, asker: ScriptedAsker) -> None:
    asker.node("a")
    asker.says["localhost:1", "nodes"] = asker.says["a:1", "nodes"]
    asker.says["localhost:1", "sample"] = asker.says["a:1", "sample"]

    census = observer.take_census([entry("a")], ["localhost:1"])

    assert census.known == ("a",)
    assert census.troubles == {}


def test_who_was_met_once_is_asked_again(observer: Observer, asker: ScriptedAsker) -> None:
    asker.node("a", member("b"))
    asker.node("b", member("a", Status.DOWN, seen_at=999.0))
    observer.take_census([], ["a:1"])
    asker.fails("a", refused("a"))

    census = observer.take_census([], ["a:1"])

    assert {node.name: node.status for node in census.nodes} == {"a": "down", "b": "up"}


# ------------------------------------------------------------------------------------ on real sockets


class Registry:
    """A node's registry, which knows whom it is told to know."""

    exposed: ClassVar[tuple[Method, ...]] = (NODES,)

    def __init__(self, name: str) -> None:
        self.name = name
        self.known: tuple[Member, ...] = ()

    def nodes(self) -> Digest:
        return digest(self.name, *self.known)


class Agent:
    """A node's agent, whose sample is always the same."""

    exposed: ClassVar[tuple[Method, ...]] = (SAMPLE,)

    def __init__(self, name: str) -> None:
        self.name = name

    def sample(self) -> Sample:
        return sample(self.name)


class Registries:
    def __init__(self) -> None:
        self._engines: list[ManagerEngine] = []

    def serve(self, registry: Registry, cookie: Cookie = COOKIE) -> str:
        engine = ManagerEngine(cookie, SystemClock())
        self._engines.append(engine)
        return str(engine.serve(Address("127.0.0.1", 0), [registry, Agent(registry.name)]))

    def close(self) -> None:
        for engine in self._engines:
            engine.close()


@pytest.fixture
def registries() -> Iterator[Registries]:
    registries = Registries()
    yield registries
    registries.close()


@pytest.fixture
def switchboard() -> Iterator[Switchboard]:
    switchboard = Switchboard(COOKIE, SystemClock())
    yield switchboard
    switchboard.close()


@pytest.mark.e2e
def test_over_sockets_all_that_can_be_wrong_at_once(registries: Registries, switchboard: Switchboard) -> None:
    a, b = Registry("a"), Registry("b")
    at_a, at_b = registries.serve(a), registries.serve(b)
    of_others = registries.serve(Registry("c"), Cookie("another cookie, as long as a cookie has to be"))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        frozen = f"127.0.0.1:{silent.getsockname()[1]}"
        a.known = (member("b", address=at_b), member("frozen", address=frozen, seen_at=995.0))

        clock = SystemClock()
        began = clock.now()
        census = Observer(switchboard, clock).take_census([], [at_a, of_others], timeout=3.0)
        took = clock.now() - began

    assert {node.name: node.status for node in census.nodes} == {"a": "up", "b": "up", "frozen": "down"}
    assert isinstance(census.troubles[of_others], AuthenticationRefused)
    seen_at = by_name(census)["frozen"].seen_at
    assert seen_at is not None
    assert 5.0 <= census.at - seen_at <= 5.0 + took


@pytest.mark.e2e
def test_connections_are_kept_from_one_census_to_the_next(
    registries: Registries, switchboard: Switchboard
) -> None:
    address = registries.serve(Registry("a"))
    observer = Observer(switchboard, SystemClock())
    observer.take_census([], [address])
    before = set(switchboard.selector.get_map())

    census = observer.take_census([], [address])

    assert census.known == ("a",)
    assert set(switchboard.selector.get_map()) == before
