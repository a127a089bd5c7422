"""The engine on a wire that cuts, stalls, delays, repeats and spoils: requests end in time, and are never wrong.

Plain connections trust TCP for the bytes themselves: what a machine in the middle changes there is not noticed
by anybody. So what is right is asserted over TLS, and that everything ends in time, over both.
"""

from __future__ import annotations

import random
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from eye.clock import SystemClock
from eye.cluster.engines.manager import ManagerEngine
from eye.cluster.interconnect import Answer, Method
from eye.cluster.node import Address
from eye.cluster.security import Cookie
from eye.cluster.tls import Tls, TlsMode
from eye.errors import AuthenticationRefused, ClusterError, DeadlineExceeded, NodeUnreachable, WireError
from tests.hostile.relay import Relay, Way, flipped, twice

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.e2e

COOKIE = Cookie("a cookie for tests that is long enough")
ECHO = Method("lab", "echo", (Any,), Any)
SOON = 20.0  # seconds that a request may take on a wire that is in order
SHORT = 0.15  # seconds that it may take on one that is not
MARGIN = 5.0  # seconds that a busy machine may take besides; who hangs takes `SOON`
KNOWN = (AuthenticationRefused, DeadlineExceeded, NodeUnreachable, WireError)


class Lab:
    exposed = (ECHO,)

    def __init__(self) -> None:
        self.heard: list[Any] = []

    def echo(self, value: Any) -> Any:
        self.heard.append(value)
        return value


class Bench:
    """A node, somebody who asks it, and the relay between them."""

    def __init__(self, mode: TlsMode) -> None:
        self.is_tls = mode is TlsMode.ALWAYS
        self.lab = Lab()
        self._node = ManagerEngine(COOKIE, SystemClock(), tls=Tls.from_cookie(COOKIE, mode))
        address = self._node.serve(Address("127.0.0.1", 0), [self.lab])
        self.asker = ManagerEngine(COOKIE, SystemClock(), tls=Tls.from_cookie(COOKIE, mode))
        self.relay = Relay((address.host, address.port))
        self._numbers = 0

    def close(self) -> None:
        self.asker.close()
        self.relay.__exit__()
        self._node.close()

    @property
    def ways(self) -> dict[str, Way]:
        return {"to the node": self.relay.to_node, "to the client": self.relay.to_client}

    def works(self) -> bool:
        """Whether a request is answered now, and rightly."""
        self._numbers += 1
        asked = f"number {self._numbers}"
        return bool(self.asker.request(self.relay.address, ECHO, asked, timeout=SOON) == asked)

    def attempt(self, value: Any = "x" * 100) -> Any:
        """Ask with little time, and answer what came of it: the value, or an error that is one of ours."""
        begun = time.monotonic()
        try:
            came: Any = self.asker.request(self.relay.address, ECHO, value, timeout=SHORT)
        except KNOWN as error:
            came = error
        except (LookupError, ValueError) as error:  # what the node says to a request that was spoilt
            assert not self.is_tls
            came = error
        assert time.monotonic() - begun < SHORT + MARGIN
        return came

    def heal(self) -> None:
        """Put the wire in order. What was spoilt may still be on its way, so that connection is not for use.

        The asker lets go of it, too: it need not have noticed yet that it has been cut.
        """
        self.relay.heal()
        self.relay.cut()
        self.asker.forget(self.relay.address)


@pytest.fixture(params=[TlsMode.OFF, TlsMode.ALWAYS], ids=["plain", "tls"])
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    bench = Bench(request.param)
    yield bench
    bench.close()


def test_a_relay_that_behaves_is_not_noticed(bench: Bench) -> None:
    assert all(bench.works() for _ in range(20))
    assert bench.asker.request(bench.relay.address, ECHO, b"x" * 3_000_000, timeout=SOON) == b"x" * 3_000_000
    assert bench.relay.dialled == 1


@pytest.mark.parametrize("resets", [True, False], ids=["reset", "ended"])
@pytest.mark.parametrize("way", ["to the node", "to the client"])
def test_a_connection_that_is_cut_at_any_byte_fails_the_request_and_no_other(
    bench: Bench, way: str, resets: bool
) -> None:
    bench.relay.resets = resets
    points = [0, 1, 3, 4, 5, 39, 40, 41, 70, 110, 150, 200, *random.Random(way).sample(range(200, 3000), 8)]

    for point in points:
        bench.relay.cut()
        bench.ways[way].cut_after = point
        value = f"cut after {point}" + "x" * 4000  # more than any of the points, so none of them is missed
        assert isinstance(bench.attempt(value), ClusterError), f"cut {way} after {point} bytes"
        assert bench.lab.heard.count(value) <= 1

        bench.relay.heal()
        assert bench.works(), f"cut {way} after {point} bytes, and healed"


@pytest.mark.parametrize("way", ["to the node", "to the client"])
@pytest.mark.parametrize("stands", [True, False], ids=["it stands", "it is being made"])
def test_a_wire_that_stalls_costs_the_deadline_and_no_more(bench: Bench, way: str, stands: bool) -> None:
    if stands:
        assert bench.works()
    bench.ways[way].stalled = True

    assert isinstance(bench.attempt(), DeadlineExceeded)
    assert isinstance(bench.attempt(), DeadlineExceeded)

    bench.relay.heal()
    assert bench.works()


@pytest.mark.parametrize("way", ["to the node", "to the client"])
def test_a_slow_wire_works_and_keeps_the_order(bench: Bench, way: str) -> None:
    bench.ways[way].delay = 0.1
    begun = time.monotonic()

    assert bench.works()
    assert time.monotonic() - begun > 0.1
    assert ask_many(bench, 50) == list(range(50))
    assert bench.lab.heard[-50:] == list(range(50))


def ask_many(bench: Bench, count: int) -> list[Any]:
    answers: list[Answer] = []
    complete = threading.Event()

    def done(answer: Answer) -> None:
        answers.append(answer)
        if len(answers) == count:
            complete.set()

    for number in range(count):
        bench.asker.submit(bench.relay.address, ECHO, (number,), timeout=SOON, done=done)
    assert complete.wait(SOON + MARGIN)
    return [answer.get() for answer in answers]


@pytest.mark.parametrize("piece", [1, 7])
def test_a_wire_that_drips_works(bench: Bench, piece: int) -> None:
    bench.relay.to_node.piece = bench.relay.to_client.piece = piece

    assert bench.asker.request(bench.relay.address, ECHO, "x" * 700, timeout=SOON) == "x" * 700


@pytest.mark.parametrize("way", ["to the node", "to the client"])
@pytest.mark.parametrize("stands", [True, False], ids=["it stands", "it is being made"])
def test_spoilt_bytes_end_in_an_error_and_over_tls_never_in_a_wrong_answer(
    bench: Bench, way: str, stands: bool
) -> None:
    chance = random.Random(f"{way} {stands}")
    for number in range(6):
        if stands:
            assert bench.works()
        bench.ways[way].spoil = flipped(chance)

        came = bench.attempt(f"spoilt {number}")

        if bench.is_tls:
            assert isinstance(came, ClusterError), came
            assert bench.lab.heard.count(f"spoilt {number}") <= (way == "to the client")
        bench.heal()
        assert bench.works()
    assert all(said.startswith(("spoilt", "number")) for said in bench.lab.heard) or not bench.is_tls


@pytest.mark.parametrize("way", ["to the node", "to the client"])
def test_bytes_that_come_twice_are_not_carried_out_twice_over_tls(bench: Bench, way: str) -> None:
    for number in range(3):
        assert bench.works()
        bench.ways[way].spoil = twice

        bench.attempt(f"once {number}")

        assert bench.lab.heard.count(f"once {number}") <= 1 or not bench.is_tls
        bench.heal()
        assert bench.works()


def test_through_a_storm_each_request_ends_once_and_in_time_and_is_never_wrong(bench: Bench) -> None:
    chance = random.Random("storm")
    ended: list[tuple[int, float, Answer]] = []
    begun = time.monotonic()
    kinds = [lambda way: setattr(way, "stalled", True), lambda way: setattr(way, "delay", 0.05)]
    if bench.is_tls:
        kinds.append(lambda way: setattr(way, "spoil", flipped(chance)))
    complete = threading.Event()
    calm = threading.Event()
    count = 300

    def note(number: int, at: float, answer: Answer) -> None:
        ended.append((number, time.monotonic() - at, answer))
        if len(ended) == count:
            complete.set()

    def ask() -> None:
        for number in range(count):
            at = time.monotonic()
            bench.asker.submit(
                bench.relay.address, ECHO, (number,), timeout=SHORT,
                done=lambda answer, number=number, at=at: note(number, at, answer),
            )  # fmt: skip
            calm.wait(0.005)  # a storm takes its time; nobody sets this

    asker = threading.Thread(target=ask)
    asker.start()
    while not complete.is_set():
        chance.choice(kinds)(chance.choice(list(bench.ways.values())))
        complete.wait(chance.uniform(0.0, 0.04))
        bench.relay.resets = chance.random() < 0.5
        bench.relay.heal()
        if chance.random() < 0.5:
            bench.relay.cut()
        complete.wait(chance.uniform(0.0, 0.04))
        assert time.monotonic() - begun < 30.0
    asker.join()

    assert sorted(number for number, _, _ in ended) == list(range(count))
    assert max(took for _, took, _ in ended) < SHORT + MARGIN
    errors = [answer.error for _, _, answer in ended if answer.error is not None]
    assert all(isinstance(error, KNOWN) for error in errors)
    assert all(answer.value == number for number, _, answer in ended if answer.error is None)
    assert errors, "it was a storm"
    assert all(bench.lab.heard.count(number) <= 1 for number in range(count))
    bench.heal()
    assert bench.works()
