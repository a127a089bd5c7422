"""What `eye.cluster.interconnect` promises, held against every engine."""

from __future__ import annotations

import gc
import os
import socket
import tempfile
import threading
import time
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from eye.clock import SystemClock
from eye.cluster.each import request_each
from eye.cluster.engines.manager import ManagerEngine
from eye.cluster.engines.network import Network
from eye.cluster.interconnect import Answer, Method
from eye.cluster.node import Address
from eye.cluster.security import Cookie
from eye.cluster.tls import Tls, TlsMode
from eye.errors import (
    AddressInUse,
    AuthenticationRefused,
    DeadlineExceeded,
    DecodeRefused,
    EncodeRefused,
    FrameTooLarge,
    NameTaken,
    NodeUnreachable,
    RemoteError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from eye.cluster.interconnect import Engine

COOKIE = Cookie("a cookie for tests that is long enough")
OTHER_COOKIE = Cookie("another cookie that is long enough too")
SOON = 10.0  # seconds within which everything in here has long happened


class Point(msgspec.Struct, frozen=True):
    x: int
    y: int


ECHO = Method("lab", "echo", (Any,), Any)
MIRROR = Method("lab", "mirror", (Point,), Point)
FAIL = Method("lab", "fail", (str,), None)
WAIT = Method("lab", "wait", (float,), str)
WAIT_ELSEWHERE = Method("lab", "wait", (float,), str, lane="elsewhere")
HUGE = Method("lab", "huge", (int,), bytes)
SECRET = Method("lab", "secret", (), str)
WRONG = Method("lab", "wrong", (), int)
NOTED = Method("lab", "noted", (int,), list[int])


class Lab:
    """A service that does as it is told."""

    exposed = (ECHO, MIRROR, FAIL, WAIT, HUGE, WRONG, NOTED)

    def __init__(self) -> None:
        self.released = threading.Event()
        self.entered = threading.Semaphore(0)
        self.notes: list[int] = []

    def echo(self, value: Any) -> Any:
        return value

    def mirror(self, point: Point) -> Point:
        assert isinstance(point, Point)
        return Point(point.y, point.x)

    def fail(self, how: str) -> None:
        raise {
            "value": ValueError("no such value"),
            "key": KeyError("k"),
            "taken": NameTaken("a", "127.0.0.1:1"),
            "timeout": TimeoutError("too slow"),
            "strange": _StrangeError({"not": "plain"}, 7),
        }[how]

    def wait(self, seconds: float) -> str:
        self.entered.release()
        self.released.wait(seconds)
        return "waited"

    def huge(self, size: int) -> bytes:
        return b"x" * size

    def secret(self) -> str:
        return "not exposed"

    def wrong(self) -> Any:
        return "not a number"

    def noted(self, number: int) -> list[int]:
        self.notes.append(number)
        return self.notes


class _StrangeError(Exception):
    pass


class Workshop:
    """Makes engines of one kind, and closes them all."""

    def __init__(self, make: Callable[[Cookie], Engine], host: str, is_unix: bool = False) -> None:
        self._make, self.host, self._is_unix = make, host, is_unix
        self._engines: list[Engine] = []
        self._labs: list[Lab] = []
        self._paths = 0

    def engine(self, cookie: Cookie = COOKIE) -> Engine:
        engine = self._make(cookie)
        self._engines.append(engine)
        return engine

    def serving(self, at: Address | None = None, cookie: Cookie = COOKIE) -> tuple[Engine, str, Lab]:
        engine, lab = self.engine(cookie), Lab()
        self._labs.append(lab)
        return engine, str(engine.serve(at or self._new_place(), [lab])), lab

    def _new_place(self) -> Address:
        if not self._is_unix:
            return Address(self.host, 0)
        self._paths += 1
        return Address(f"{self.host}/{self._paths}", 0)

    def close(self) -> None:
        for lab in self._labs:
            lab.released.set()
        for engine in self._engines:
            engine.close()


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as sock:
            sock.bind(("::1", 0))
    except OSError:
        return False
    return True


@pytest.fixture(
    params=[
        "memory",
        pytest.param("tcp", marks=pytest.mark.e2e),
        pytest.param(
            "tcp6", marks=[pytest.mark.e2e, pytest.mark.skipif(not has_ipv6(), reason="no IPv6 loopback here")]
        ),
        pytest.param("tls", marks=pytest.mark.e2e),
        pytest.param("unix", marks=pytest.mark.e2e),
    ]
)
def shop(request: pytest.FixtureRequest) -> Iterator[Workshop]:
    if request.param == "memory":
        network = Network()
        shop = Workshop(lambda cookie: network.engine(SystemClock(), cookie), "127.0.0.1")
    elif request.param == "unix":
        with tempfile.TemporaryDirectory(prefix="eye-") as folder:  # pytest's paths are too long for a socket
            shop = Workshop(lambda cookie: ManagerEngine(cookie, SystemClock()), folder, is_unix=True)
            yield shop
            shop.close()
        return
    else:
        mode = TlsMode.ALWAYS if request.param == "tls" else TlsMode.AUTO

        def make(cookie: Cookie) -> Engine:
            return ManagerEngine(cookie, SystemClock(), tls=Tls.from_cookie(cookie, mode))

        shop = Workshop(make, "::1" if request.param == "tcp6" else "127.0.0.1")
    yield shop
    shop.close()


def collect(
    engine: Engine, address: str, method: Method, *args: Any, timeout: float = SOON
) -> Callable[[], Answer]:
    """Submit, and give a function that waits for the answer."""
    answers: list[Answer] = []
    there = threading.Event()

    def done(answer: Answer) -> None:
        answers.append(answer)
        there.set()

    engine.submit(address, method, args, timeout=timeout, done=done)

    def get() -> Answer:
        assert there.wait(SOON)
        assert len(answers) == 1
        return answers[0]

    return get


# ------------------------------------------------------------------------------------- answering


@pytest.mark.parametrize(
    "value",
    [None, True, -(2**63), 2**64 - 1, 0.5, "ŝ", b"\0\xff", [1, [2, []]], {"a": {"b": None}}, {1: 2}, "x" * 10**6],
)
def test_plain_data_comes_back_as_it_went(shop: Workshop, value: Any) -> None:
    _, address, _ = shop.serving()

    assert shop.engine().request(address, ECHO, value, timeout=SOON) == value


def test_typed_values_arrive_typed(shop: Workshop) -> None:
    _, address, _ = shop.serving()

    assert shop.engine().request(address, MIRROR, Point(1, 2), timeout=SOON) == Point(2, 1)


def test_an_engine_can_ask_itself(shop: Workshop) -> None:
    engine, address, _ = shop.serving()

    assert engine.request(address, ECHO, 1, timeout=SOON) == 1


def test_requests_are_carried_out_in_the_order_in_which_they_were_made(shop: Workshop) -> None:
    _, address, lab = shop.serving()
    asker = shop.engine()

    last = [collect(asker, address, NOTED, number) for number in range(300)][-1]

    assert last().get() == list(range(300))
    assert lab.notes == list(range(300))


def test_many_threads_may_ask_at_once(shop: Workshop) -> None:
    _, address, _ = shop.serving()
    asker = shop.engine()
    answers: list[int] = []

    def ask(number: int) -> None:
        for count in range(20):
            answers.append(asker.request(address, ECHO, number * 100 + count, timeout=SOON))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(answers) == sorted(number * 100 + count for number in range(10) for count in range(20))


def test_all_are_asked_at_once(shop: Workshop) -> None:
    addresses = [shop.serving()[1] for _ in range(5)]
    nobody = "127.0.0.1:1"

    answers = shop.engine().request_all([*addresses, nobody], ECHO, "hello", timeout=SOON)

    assert [answers[address].get() for address in addresses] == ["hello"] * 5
    assert isinstance(answers[nobody].error, NodeUnreachable)
    assert shop.engine().request_all([], ECHO, 1, timeout=SOON) == {}


def test_each_answer_is_given_as_it_comes(shop: Workshop) -> None:
    asker, (_, slow, lab), (_, hangs, _) = shop.engine(), shop.serving(), shop.serving()
    nobody = "127.0.0.1:1"

    answers = request_each(asker, [slow, nobody, slow], WAIT, 60.0, timeout=SOON)
    first = next(answers)
    lab.released.set()

    assert (first[0], type(first[1].error)) == (nobody, NodeUnreachable)
    assert list(answers) == [(slow, Answer("waited"))]
    late = dict(request_each(asker, [hangs], WAIT, 60.0, timeout=0.05))
    assert isinstance(late[hangs].error, DeadlineExceeded)


def test_nobody_is_asked_and_nobody_answers(shop: Workshop) -> None:
    assert list(request_each(shop.engine(), [], ECHO, 1, timeout=SOON)) == []


# --------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("how", "kind", "text"),
    [
        ("value", ValueError, "no such value"),
        ("key", KeyError, "'k'"),
        ("timeout", TimeoutError, "too slow"),
        ("taken", NameTaken, "already running at 127.0.0.1:1"),
        ("strange", RemoteError, "_StrangeError"),
    ],
)
def test_an_error_of_the_method_is_raised_here(shop: Workshop, how: str, kind: type[Exception], text: str) -> None:
    _, address, _ = shop.serving()

    with pytest.raises(kind) as raised:
        shop.engine().request(address, FAIL, how, timeout=SOON)

    assert type(raised.value) is kind
    assert text in str(raised.value)


@pytest.mark.parametrize(
    ("method", "args", "kind"),
    [
        (Method("lab", "mirror", (Any,), Any), ("no point",), DecodeRefused),
        (Method("lab", "mirror", (Any,), Any), ({"x": 1, "y": "2"},), DecodeRefused),
        (Method("lab", "mirror", (Any, Any), Any), (1, 2), DecodeRefused),
        (WRONG, (), DecodeRefused),
        (SECRET, (), LookupError),
        (Method("lab", "__init__", (), None), (), LookupError),
        (Method("lab", "#GETVALUE", (), None), (), LookupError),
        (Method("nobody", "echo", (Any,), Any), (1,), LookupError),
        (ECHO, (object(),), EncodeRefused),
        (ECHO, ({1, object()},), EncodeRefused),
        (ECHO, (2**70,), EncodeRefused),
        (ECHO, (), EncodeRefused),
        (ECHO, (b"x" * (5 << 20),), FrameTooLarge),
        (HUGE, (5 << 20,), FrameTooLarge),
    ],
)
def test_what_may_not_cross_is_refused_and_the_connection_goes_on(
    shop: Workshop, method: Method, args: tuple[Any, ...], kind: type[Exception]
) -> None:
    _, address, _ = shop.serving()
    asker = shop.engine()
    lost: list[str] = []
    asker.on_lost(lambda address, reason: lost.append(reason))

    with pytest.raises(kind):
        asker.request(address, method, *args, timeout=SOON)

    assert asker.request(address, ECHO, "on", timeout=SOON) == "on"
    assert lost == []


def test_a_value_nested_too_deeply_is_refused_and_nothing_breaks(shop: Workshop) -> None:
    _, address, _ = shop.serving()
    deep: list[Any] = []
    for _ in range(300):
        deep = [deep]

    with pytest.raises(EncodeRefused, match="nested deeper"):
        shop.engine().request(address, ECHO, deep, timeout=SOON)

    assert shop.engine().request(address, ECHO, 1, timeout=SOON) == 1


def test_another_cookie_is_refused(shop: Workshop) -> None:
    _, address, _ = shop.serving()

    with pytest.raises(AuthenticationRefused, match="cookies differ"):
        shop.engine(OTHER_COOKIE).request(address, ECHO, 1, timeout=SOON)


def test_nobody_there_is_told_at_once(shop: Workshop) -> None:
    engine, address, _ = shop.serving()
    engine.close()

    with pytest.raises(NodeUnreachable, match=r"refused|no such file"):
        shop.engine().request(address, ECHO, 1, timeout=SOON)


@pytest.mark.parametrize("nonsense", ["", "no port", "1.2.3.4:99999", "[::1:1"])
def test_what_is_no_address_is_refused(shop: Workshop, nonsense: str) -> None:
    with pytest.raises((NodeUnreachable, ValueError)):
        shop.engine().request(nonsense, ECHO, 1, timeout=SOON)


# ------------------------------------------------------------------------------------- deadlines


def test_no_answer_in_time_is_an_error_in_time(shop: Workshop) -> None:
    _, address, _ = shop.serving()
    asker = shop.engine()
    begun = time.monotonic()

    with pytest.raises(DeadlineExceeded, match=r"within 0\.2 s"):
        asker.request(address, WAIT, SOON, timeout=0.2)

    assert 0.15 < time.monotonic() - begun < SOON / 2


def test_a_late_answer_is_not_taken_for_the_next_one(shop: Workshop) -> None:
    _, address, lab = shop.serving()
    asker = shop.engine()
    lost = threading.Event()
    asker.on_lost(lambda address, reason: lost.set())

    with pytest.raises(DeadlineExceeded):
        asker.request(address, WAIT, SOON, timeout=0.2)
    lab.released.set()

    assert lost.wait(SOON)
    assert [asker.request(address, ECHO, number, timeout=SOON) for number in range(5)] == list(range(5))


def test_a_peer_that_does_not_answer_delays_no_other_and_no_other_lane(shop: Workshop) -> None:
    _, slow, lab = shop.serving()
    _, quick, _ = shop.serving()
    asker = shop.engine()

    stuck = collect(asker, slow, WAIT_ELSEWHERE, SOON)
    assert lab.entered.acquire(timeout=SOON)

    assert asker.request(quick, ECHO, 1, timeout=SOON) == 1
    assert asker.request(slow, ECHO, 2, timeout=SOON) == 2
    lab.released.set()
    assert stuck().get() == "waited"


def test_a_request_that_waits_its_turn_ends_in_time_too(shop: Workshop) -> None:
    _, address, lab = shop.serving()
    asker = shop.engine()
    first = collect(asker, address, WAIT, SOON)
    assert lab.entered.acquire(timeout=SOON)

    with pytest.raises(DeadlineExceeded):
        asker.request(address, ECHO, 1, timeout=0.2)

    # The stream is out of step now: whoever still waits on it is told, and may ask again.
    assert isinstance(first().error, NodeUnreachable)


# ------------------------------------------------------------------------ losing and coming back


def test_a_peer_that_stops_is_noticed_without_asking(shop: Workshop) -> None:
    engine, address, _ = shop.serving()
    asker = shop.engine()
    lost: list[str] = []
    noticed = threading.Event()
    asker.on_lost(lambda address, reason: (lost.append(address), noticed.set()))
    asker.request(address, ECHO, 1, timeout=SOON)

    engine.close()

    assert noticed.wait(SOON)
    assert lost == [address]


def test_a_peer_that_stops_fails_what_waits_for_it(shop: Workshop) -> None:
    engine, address, lab = shop.serving()
    waiting = collect(shop.engine(), address, WAIT, SOON)
    assert lab.entered.acquire(timeout=SOON)

    threading.Timer(0.2, lab.released.set).start()
    engine.close()

    answer = waiting()
    assert isinstance(answer.error, NodeUnreachable) or answer.get() == "waited"


def test_a_peer_that_returns_at_its_address_is_reached_again(shop: Workshop) -> None:
    engine, address, _ = shop.serving()
    asker = shop.engine()
    assert asker.request(address, ECHO, 1, timeout=SOON) == 1
    engine.close()

    shop.serving(at=Address.parse(address))

    for number in range(3):
        # A connection may be lost in the very moment in which it is used. Once.
        try:
            answer = asker.request(address, ECHO, number, timeout=SOON)
        except NodeUnreachable:
            answer = asker.request(address, ECHO, number, timeout=SOON)
        assert answer == number


def test_a_connection_that_is_forgotten_is_made_again(shop: Workshop) -> None:
    _, address, _ = shop.serving()
    asker = shop.engine()
    lost: list[str] = []
    asker.on_lost(lambda address, reason: lost.append(reason))
    asker.request(address, ECHO, 1, timeout=SOON)

    asker.forget(address)

    assert asker.request(address, ECHO, 2, timeout=SOON) == 2
    assert lost == []


def test_a_callback_that_fails_harms_nobody(shop: Workshop) -> None:
    _, address, _ = shop.serving()
    asker = shop.engine()
    asker.submit(address, ECHO, (1,), timeout=SOON, done=lambda answer: 1 / 0)  # type: ignore[arg-type]

    assert asker.request(address, ECHO, 2, timeout=SOON) == 2


def test_a_callback_may_ask_on_but_not_wait(shop: Workshop) -> None:
    _, address, _ = shop.serving()
    asker = shop.engine()
    seen: list[Any] = []
    complete = threading.Event()

    def first(answer: Answer) -> None:
        try:
            asker.request(address, ECHO, 2, timeout=SOON)
        except RuntimeError as error:
            seen.append(error)
        asker.submit(address, ECHO, (3,), timeout=SOON, done=second)

    def second(answer: Answer) -> None:
        seen.append(answer.get())
        complete.set()

    asker.submit(address, ECHO, (1,), timeout=SOON, done=first)

    assert complete.wait(SOON)
    assert "own thread" in str(seen[0])
    assert seen[1] == 3


# --------------------------------------------------------------------------------------- closing


def test_an_address_in_use_is_refused(shop: Workshop) -> None:
    _, address, _ = shop.serving()

    with pytest.raises(AddressInUse, match=r"Choose another (port|path)"):
        shop.serving(at=Address.parse(address))


def test_closing_ends_what_waits_and_what_comes_later(shop: Workshop) -> None:
    _, address, lab = shop.serving()
    asker = shop.engine()
    waiting = collect(asker, address, WAIT, SOON)
    assert lab.entered.acquire(timeout=SOON)
    lab.released.set()

    asker.close()
    asker.close()

    assert waiting().value == "waited" or isinstance(waiting().error, NodeUnreachable)
    with pytest.raises(NodeUnreachable, match="closed"):
        asker.request(address, ECHO, 1, timeout=SOON)


def test_closing_leaves_no_thread_and_no_descriptor(shop: Workshop) -> None:
    def threads() -> set[threading.Thread]:
        return {thread for thread in threading.enumerate() if thread.name.startswith("eye-")}

    def descriptors() -> int:
        return len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0

    gc.collect()
    threads_before, descriptors_before = threads(), descriptors()
    engines = []
    for _ in range(3):
        engine, address, _ = shop.serving()
        asker = shop.engine()
        asker.request(address, ECHO, 1, timeout=SOON)
        asker.request(address, Method("lab", "echo", (Any,), Any, lane="other"), 1, timeout=SOON)
        with pytest.raises(AuthenticationRefused):
            shop.engine(OTHER_COOKIE).request(address, ECHO, 1, timeout=SOON)
        engines += [engine, asker]

    shop.close()

    assert threads() <= threads_before
    assert descriptors() == descriptors_before
