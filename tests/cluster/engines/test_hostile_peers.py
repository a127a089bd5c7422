"""Whoever may knock at a node's door: strangers, the silent, the garbled, the greedy, the slow."""

from __future__ import annotations

import contextlib
import logging
import multiprocessing.connection
import multiprocessing.managers
import multiprocessing.reduction
import os
import pickle
import resource
import socket
import struct
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from eye.clock import SystemClock
from eye.cluster import codec
from eye.cluster.channel import PREFACE
from eye.cluster.engines.listener import Wire, dial
from eye.cluster.engines.manager import ManagerEngine
from eye.cluster.engines.server import Limits
from eye.cluster.interconnect import Method
from eye.cluster.node import Address
from eye.cluster.security import Cookie
from eye.errors import AuthenticationRefused, DeadlineExceeded, EyeError, NodeUnreachable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.e2e

COOKIE = Cookie("a cookie for tests that is long enough")
SOON = 20.0
ECHO = Method("lab", "echo", (Any,), Any)
HUGE = Method("lab", "huge", (), bytes)
QUICK = Limits(handshake=1.0, frame=1.0, stop=2.0)  # time enough for those who behave, on a busy machine


class Lab:
    exposed = (ECHO, HUGE)

    def echo(self, value: Any) -> Any:
        return value

    def huge(self) -> bytes:
        return b"x" * 4_000_000


class Node:
    """A node that serves, and somebody who checks that it goes on serving."""

    def __init__(self, limits: Limits) -> None:
        self.engine = ManagerEngine(COOKIE, SystemClock(), limits)
        self.address = self.engine.serve(Address("127.0.0.1", 0), [Lab()])
        self.server = self.engine._servers[0]
        self._stack = contextlib.ExitStack()

    def knock(self, preface: bytes = PREFACE) -> socket.socket:
        """Connect, and say what every node says first, but nothing more."""
        sock = self._stack.enter_context(socket.create_connection((self.address.host, self.address.port), SOON))
        sock.settimeout(SOON)
        sock.sendall(preface)
        return sock

    def enter(self) -> Wire:
        """Connect with the right cookie, and have a session."""
        wire = dial(self.address, COOKIE.authkey, SystemClock())
        self._stack.callback(wire.close)
        return wire

    def goes_on(self) -> bool:
        asker = ManagerEngine(COOKIE, SystemClock())
        try:
            return bool(asker.request(str(self.address), ECHO, "on", timeout=SOON) == "on")
        finally:
            asker.close()

    def close(self) -> None:
        self._stack.close()
        self.engine.close()


@pytest.fixture
def node() -> Iterator[Node]:
    node = Node(Limits())
    yield node
    node.close()


@pytest.fixture
def quick_node() -> Iterator[Node]:
    node = Node(QUICK)
    yield node
    node.close()


def read_frame(sock: socket.socket) -> bytes:
    (size,) = struct.unpack("!I", sock.recv(4, socket.MSG_WAITALL))
    return sock.recv(size, socket.MSG_WAITALL)


def is_hung_up(sock: socket.socket) -> bool:
    """Wait until the other side has closed, having said nothing more."""
    try:
        return sock.recv(1) == b""
    except ConnectionError:
        return True


def eventually(check: Callable[[], bool]) -> bool:
    until = time.monotonic() + SOON
    while not check():
        if time.monotonic() > until:
            return False
        time.sleep(0.01)
    return True


GREETING_SIZE = 4 + 32

GARBAGE = {
    "http": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "one gigabyte": struct.pack("!I", 1 << 30),
    "minus one": struct.pack("!i", -1) + struct.pack("!Q", 1 << 40),
    "just too long": struct.pack("!I", 257) + b"x" * 257,
    "empty": struct.pack("!I", 0),
    "too short": struct.pack("!I", 3) + b"abc",
    "random": struct.pack("!I", 64) + os.urandom(64),
    "stock digest": struct.pack("!i", 16) + b"0123456789abcdef",
    "pickle": struct.pack("!I", 64) + pickle.dumps(["x" * 30]).ljust(64, b"."),
}


@pytest.mark.parametrize("said", GARBAGE.values(), ids=GARBAGE.keys())
def test_a_stranger_who_talks_nonsense_is_hung_up_on_without_a_word(
    node: Node, said: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    sock = node.knock()
    assert len(read_frame(sock)) == GREETING_SIZE

    sock.sendall(said)

    assert is_hung_up(sock)
    assert node.goes_on()
    assert eventually(lambda: "closed a connection from 127.0.0.1" in caplog.text)
    assert "Traceback" not in caplog.text


def test_the_handshake_of_one_connection_is_worth_nothing_on_the_next(node: Node) -> None:
    answers = []

    def overhear(self: Wire, data: bytes, within: float) -> None:
        answers.append(data)
        original(self, data, within)

    original = Wire.send_framed
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Wire, "send_framed", overhear)
        node.enter()
    replayed = next(data for data in answers if len(data) == 4 + 64)
    sock = node.knock()
    read_frame(sock)

    sock.sendall(replayed)

    assert is_hung_up(sock)


def test_a_server_that_does_not_know_the_cookie_is_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as impostor:
        asker = ManagerEngine(COOKIE, SystemClock())

        def answer() -> None:
            sock, _ = impostor.accept()
            with sock:
                sock.sendall(struct.pack("!I", 36) + b"EYE2" + b"n" * 32)
                assert sock.recv(4, socket.MSG_WAITALL) == PREFACE
                proof = read_frame(sock)
                sock.sendall(struct.pack("!I", 32) + proof[32:])  # its own proof, sent back
                is_hung_up(sock)

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(AuthenticationRefused):
            asker.request(f"127.0.0.1:{impostor.getsockname()[1]}", ECHO, 1, timeout=SOON)
        asker.close()
        thread.join()


@pytest.mark.parametrize(
    "says", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", struct.pack("!I", 1 << 31), b"\0\0\0\5hello"]
)
def test_something_else_that_listens_there_is_no_node(says: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        asker = ManagerEngine(COOKIE, SystemClock())

        def answer() -> None:
            sock, _ = other.accept()
            with sock:
                sock.sendall(says)
                if says:
                    is_hung_up(sock)

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(NodeUnreachable, match=r"something else than a node|closed the connection at once"):
            asker.request(f"127.0.0.1:{other.getsockname()[1]}", ECHO, 1, timeout=SOON)
        asker.close()
        thread.join()


def test_a_server_that_says_nothing_costs_its_deadline_and_no_more() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        asker = ManagerEngine(COOKIE, SystemClock())

        with pytest.raises(DeadlineExceeded):
            asker.request(f"127.0.0.1:{silent.getsockname()[1]}", ECHO, 1, timeout=0.3)
        asker.close()


# ------------------------------------------------------------------------------- taking their time


def test_a_silent_stranger_is_sent_away_and_named_once(quick_node: Node, caplog: pytest.LogCaptureFixture) -> None:
    socks = [quick_node.knock(b"") for _ in range(5)]

    for sock in socks:
        assert is_hung_up(sock)

    assert quick_node.goes_on()
    assert eventually(lambda: caplog.text.count("said nothing within 1 s") == 1)


def test_a_stranger_who_drips_is_sent_away_at_the_deadline(quick_node: Node) -> None:
    sock = quick_node.knock()
    read_frame(sock)
    begun = time.monotonic()

    with contextlib.suppress(ConnectionError):
        for byte in struct.pack("!I", 64) + b"x" * 60:
            sock.sendall(bytes([byte]))
            time.sleep(0.05)

    assert is_hung_up(sock)
    assert time.monotonic() - begun < SOON
    assert quick_node.goes_on()


def test_a_peer_who_drips_is_cut_but_one_that_is_idle_may_stay(
    quick_node: Node, caplog: pytest.LogCaptureFixture
) -> None:
    idle, dripping = quick_node.enter(), quick_node.enter()

    dripping._socket.sendall(b"\0\0")

    assert is_hung_up(dripping._socket)
    assert eventually(lambda: "did not come, or was not taken" in caplog.text)
    idle.send(("lab", "echo", ("still here",), {}))
    assert idle.recv() == ["#RETURN", "still here"]


def test_a_peer_that_never_reads_is_cut(quick_node: Node) -> None:
    deaf = quick_node.enter()

    for _ in range(20):
        deaf.send(("lab", "huge", (), {}))

    assert eventually(lambda: not quick_node.server._sessions)
    assert quick_node.goes_on()


# ------------------------------------------------------------------------------- with the cookie


@pytest.mark.parametrize(
    "body",
    [
        struct.pack("!I", 1 << 30),
        struct.pack("!I", 5) + b"\xc1\xc1\xc1\xc1\xc1",
        struct.pack("!I", 0),
        struct.pack("!I", 100_001) + b"\x91" * 100_000 + b"\xc0",
        struct.pack("!I", 30) + pickle.dumps(("lab", "echo", (1,), {}))[:30].ljust(30, b"."),
    ],
)
def test_a_peer_that_sends_nonsense_is_cut_and_named(
    node: Node, body: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    peer = node.enter()

    peer._socket.sendall(body)

    assert is_hung_up(peer._socket)
    assert eventually(lambda: "is not what a node sends" in caplog.text)
    assert node.goes_on()


@pytest.mark.parametrize("wanted", ["create", "shutdown", "debug_info", "incref", "get_methods", "dummy"])
def test_what_a_stock_server_offers_is_not_offered(
    node: Node, wanted: str, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(codec, "encode", lambda value, *rest: original(_instead(value, wanted), *rest))
        original = codec._encoder.encode  # without the patch
        with pytest.raises((EyeError, EOFError, OSError)):
            node.enter()

    assert eventually(lambda: f"asked for {wanted!r}" in caplog.text)
    assert node.goes_on()


def _instead(value: Any, wanted: str) -> Any:
    is_first = isinstance(value, tuple) and value[1] == "accept_connection"
    return (None, wanted, ("x",), {}) if is_first else value


def test_a_stock_client_with_the_right_cookie_gets_nowhere(node: Node) -> None:
    class Stock(multiprocessing.managers.BaseManager):
        pass

    stock = Stock((node.address.host, node.address.port), authkey=COOKIE.authkey)

    with pytest.raises((multiprocessing.AuthenticationError, AssertionError, OSError, EOFError)):
        stock.connect()

    assert node.goes_on()


def test_no_pickle_is_read_or_written_in_a_whole_conversation(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **kwds: object) -> None:
        raise AssertionError("pickle was used")

    monkeypatch.setattr(pickle, "loads", refuse)
    monkeypatch.setattr(pickle, "dumps", refuse)
    monkeypatch.setattr(pickle, "Unpickler", refuse)
    monkeypatch.setattr(multiprocessing.reduction.ForkingPickler, "loads", refuse)
    monkeypatch.setattr(multiprocessing.reduction.ForkingPickler, "dumps", refuse)
    asker = ManagerEngine(COOKIE, SystemClock())

    assert asker.request(str(node.address), ECHO, {"a": [1, b"x"]}, timeout=SOON) == {"a": [1, b"x"]}
    with pytest.raises(LookupError):
        asker.request(str(node.address), Method("lab", "nothing"), timeout=SOON)
    other = ManagerEngine(Cookie("another cookie that is long enough too"), SystemClock())
    with pytest.raises(AuthenticationRefused):
        other.request(str(node.address), ECHO, 1, timeout=SOON)
    asker.close()
    other.close()
    assert isinstance(node.server, multiprocessing.managers.Server)


# -------------------------------------------------------------------------------------- in crowds


def test_two_hundred_who_come_at_once_are_all_served(node: Node) -> None:
    askers = [ManagerEngine(COOKIE, SystemClock()) for _ in range(20)]
    answers: list[Any] = []
    all_there = threading.Event()

    def done(answer: Any) -> None:
        answers.append(answer)
        if len(answers) == 200:
            all_there.set()

    for asker in askers:
        for lane in range(10):
            method = Method("lab", "echo", (Any,), Any, lane=str(lane))
            asker.submit(str(node.address), method, (lane,), timeout=SOON, done=done)

    assert all_there.wait(SOON)
    assert [answer.error for answer in answers if answer.error] == []
    for asker in askers:
        asker.close()


def test_three_hundred_silent_strangers_keep_nobody_out(node: Node) -> None:
    threads = threading.active_count()
    for _ in range(300):
        node.knock()
    begun = time.monotonic()

    assert node.goes_on()

    assert time.monotonic() - begun < 5.0
    assert threading.active_count() - threads <= 64 + 4


def test_more_peers_than_allowed_are_turned_away_and_find_room_later(caplog: pytest.LogCaptureFixture) -> None:
    node = Node(Limits(sessions=2))
    first, _second = node.enter(), node.enter()

    with pytest.raises(NodeUnreachable, match="may be full"):
        node.enter()
    first.close()

    assert eventually(lambda: len(node.server._sessions) == 1)
    assert node.goes_on()
    assert "its limit" in caplog.text
    node.close()


@pytest.mark.skipif(sys.platform != "linux", reason="counts descriptors in /proc")
def test_out_of_descriptors_it_waits_instead_of_spinning(node: Node, caplog: pytest.LogCaptureFixture) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    waiting = [socket.socket() for _ in range(3)]
    open_now = len(os.listdir("/proc/self/fd"))
    resource.setrlimit(resource.RLIMIT_NOFILE, (open_now, hard))
    try:
        hoard = []
        with contextlib.suppress(OSError):
            while True:
                hoard.append(os.open(os.devnull, os.O_RDONLY))
        for sock in waiting:
            sock.connect((node.address.host, node.address.port))
        spent = time.process_time()
        threading.Event().wait(1.0)
        spent = time.process_time() - spent
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for descriptor in hoard:
            os.close(descriptor)
    for sock in waiting:
        sock.close()

    assert "too many open files" in caplog.text
    assert spent < 0.5
    assert node.goes_on()


# ---------------------------------------------------------------------------------------- stopping


def test_stopping_leaves_the_process_as_it_was(caplog: pytest.LogCaptureFixture) -> None:
    stdout, stderr, threads = sys.stdout, sys.stderr, set(threading.enumerate())
    node = Node(Limits())
    node.enter()
    node.knock()

    node.close()

    assert (sys.stdout, sys.stderr) == (stdout, stderr)
    assert not hasattr(multiprocessing.process.current_process(), "_manager_server")
    assert {thread for thread in threading.enumerate() if thread.name.startswith("eye-")} <= threads
    assert caplog.records == []


def test_a_method_that_does_not_return_is_left_behind_and_named(caplog: pytest.LogCaptureFixture) -> None:
    release, entered = threading.Event(), threading.Event()

    class Stuck:
        exposed = (Method("lab", "stick", (), None),)

        def stick(self) -> None:
            entered.set()
            release.wait(SOON)

    engine = ManagerEngine(COOKIE, SystemClock(), Limits(stop=0.2))
    address = engine.serve(Address("127.0.0.1", 0), [Stuck()])
    asker = ManagerEngine(COOKIE, SystemClock())
    asker.submit(str(address), Stuck.exposed[0], (), timeout=SOON, done=lambda answer: None)
    assert entered.wait(SOON)

    engine.close()

    assert "still being carried out" in caplog.text
    release.set()
    asker.close()
    assert eventually(lambda: not [one for one in threading.enumerate() if one.name.startswith("eye-session")])


def test_nothing_says_the_cookie(node: Node, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    other = ManagerEngine(Cookie("another cookie that is long enough too"), SystemClock())
    with pytest.raises(AuthenticationRefused) as refused:
        other.request(str(node.address), ECHO, 1, timeout=SOON)
    other.close()

    assert eventually(lambda: "give both nodes the same --cookie-file" in caplog.text)
    for text in (caplog.text, str(refused.value), repr(COOKIE), str(COOKIE), repr(node.server.authkey)):
        assert "long enough" not in text
