"""The asking side alone: without a thread, without heavy imports."""

from __future__ import annotations

import itertools
import queue
import socket
import struct
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest

from eye.clock import SystemClock
from eye.cluster import dispatch, sockets
from eye.cluster.each import request_each
from eye.cluster.engines.manager import ManagerEngine
from eye.cluster.interconnect import Answer, Method
from eye.cluster.line import Line
from eye.cluster.node import Address
from eye.cluster.security import Cookie
from eye.cluster.switchboard import Switchboard
from eye.errors import DeadlineExceeded, NodeUnreachable

if TYPE_CHECKING:
    from collections.abc import Iterator

COOKIE = Cookie("a cookie for tests that is long enough")
ECHO = Method("lab", "echo", (Any,), Any)
WAIT = Method("lab", "wait", (int,), int, lane="samples", is_patient=True)
SOON = 10.0


class Lab:
    exposed = (ECHO, WAIT)

    def __init__(self) -> None:
        self.may_answer = threading.Event()

    def echo(self, value: Any) -> Any:
        return value

    def wait(self, value: int) -> int:
        self.may_answer.wait(SOON)
        return value


@pytest.fixture
def running() -> Iterator[Switchboard]:
    """One that moves on a thread of its own."""
    board = Switchboard(COOKIE, SystemClock())
    board.start()
    yield board
    board.close()


@pytest.fixture
def node() -> Iterator[ManagerEngine]:
    """Somebody who can be asked, once he serves."""
    node = ManagerEngine(COOKIE, SystemClock())
    yield node
    node.close()


@pytest.mark.e2e
def test_a_single_thread_asks_many_at_once_and_waits_for_none_of_the_dead() -> None:
    nodes = [ManagerEngine(COOKIE, SystemClock()) for _ in range(3)]
    addresses = [str(node.serve(Address("127.0.0.1", 0), [Lab()])) for node in nodes]
    with socket.create_server(("127.0.0.1", 0)) as silent:
        dead = f"127.0.0.1:{silent.getsockname()[1]}"
        threads = threading.active_count()
        board = Switchboard(COOKIE, SystemClock())

        answers = request_each(board, [*addresses, dead], ECHO, 1, timeout=SOON, move=board.run_until)
        first = dict(itertools.islice(answers, 3))

        assert threading.active_count() <= threads + 3  # the sessions of the nodes
        assert {address: answer.get() for address, answer in first.items()} == dict.fromkeys(addresses, 1)
        late = board.request_all([dead], ECHO, 1, timeout=0.1)
        assert isinstance(late[dead].error, DeadlineExceeded)
        board.close()
    for node in nodes:
        node.close()


@pytest.mark.e2e
def test_a_host_name_is_looked_up_beside_the_loop() -> None:
    node = ManagerEngine(COOKIE, SystemClock())
    port = node.serve(Address("127.0.0.1", 0), [Lab()]).port
    board = Switchboard(COOKIE, SystemClock())

    assert board.request(f"localhost:{port}", ECHO, 1, timeout=SOON) == 1

    board.close()
    node.close()


@pytest.mark.e2e
def test_a_name_lookup_that_takes_for_ever_delays_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    node = ManagerEngine(COOKIE, SystemClock())
    address = str(node.serve(Address("127.0.0.1", 0), [Lab()]))
    release = threading.Event()

    def look_up(host: str, *rest: Any, flags: int = 0, **more: Any) -> Any:
        if host == "far.example" and not flags:
            release.wait(SOON)
        return original(host, *rest, flags=flags, **more)

    original = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    board = Switchboard(COOKIE, SystemClock())

    answers = request_each(board, ["far.example:1", address], ECHO, 1, timeout=SOON, move=board.run_until)

    assert next(answers) == (address, Answer(1))
    late = board.request_all(["far.example:1"], ECHO, 1, timeout=0.1)
    assert isinstance(late["far.example:1"].error, DeadlineExceeded)
    board.close()
    release.set()
    node.close()


@pytest.mark.e2e
def test_a_socket_that_would_talk_to_itself_is_taken_as_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    board = Switchboard(COOKIE, SystemClock())
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        port = reserved.getsockname()[1]

    def connect_from_the_very_port(self: socket.socket, place: Any) -> int:
        self.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.bind(place)
        return original(self, place)

    original = socket.socket.connect_ex
    monkeypatch.setattr(socket.socket, "connect_ex", connect_from_the_very_port)

    with pytest.raises(NodeUnreachable, match="refused"):
        board.request(f"127.0.0.1:{port}", ECHO, 1, timeout=SOON)
    board.close()


@pytest.mark.e2e
def test_a_peer_that_resets_as_soon_as_it_is_reached_ends_no_loop(
    running: Switchboard, node: ManagerEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def reset_first(sock: socket.socket) -> bool:
            if sock.getpeername() == server.getsockname():
                peer, _ = server.accept()
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                peer.close()
            return original(sock)

        original = sockets.is_talking_to_itself
        with monkeypatch.context() as patched:
            patched.setattr(sockets, "is_talking_to_itself", reset_first)
            with pytest.raises(NodeUnreachable, match="not connected"):
                running.request(f"127.0.0.1:{server.getsockname()[1]}", ECHO, 1, timeout=SOON)
    address = str(node.serve(Address("127.0.0.1", 0), [Lab()]))
    assert running.request(address, ECHO, 1, timeout=SOON) == 1


@pytest.mark.e2e
def test_a_bug_met_in_one_connection_ends_that_one_and_is_told(
    running: Switchboard,
    node: ManagerEngine,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    address = str(node.serve(Address("127.0.0.1", 0), [Lab()]))

    with monkeypatch.context() as patched:
        patched.setattr(dispatch, "understand", lambda *_: 1 // 0)
        with pytest.raises(NodeUnreachable, match="something unexpected happened: ZeroDivisionError"):
            running.request(address, ECHO, 1, timeout=SOON)

    assert running.request(address, ECHO, 2, timeout=SOON) == 2
    assert [record.getMessage() for record in caplog.records] == [f"the connection to {address} met a bug"]


@pytest.mark.e2e
def test_a_bug_of_the_loop_ends_what_was_under_way_and_not_the_loop(
    running: Switchboard,
    node: ManagerEngine,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    lab = Lab()
    address = str(node.serve(Address("127.0.0.1", 0), [lab]))
    ended: queue.Queue[Answer] = queue.Queue()
    running.submit(address, WAIT, (1,), timeout=SOON, done=ended.put)
    assert running.request(address, ECHO, 1, timeout=SOON) == 1  # so the other is under way by now

    with monkeypatch.context() as patched:
        patched.setattr(Line, "take", lambda *_: 1 // 0)
        running.submit("127.0.0.1:1", ECHO, (2,), timeout=0.1, done=ended.put)
        errors = [ended.get(timeout=SOON).error, ended.get(timeout=SOON).error]

    assert {type(error) for error in errors} == {NodeUnreachable, DeadlineExceeded}
    assert running.request(address, ECHO, 3, timeout=SOON) == 3
    assert "the interconnect met a bug, and closes all its connections" in caplog.messages
    lab.may_answer.set()


@pytest.mark.e2e
def test_lines_that_lead_nowhere_are_not_kept() -> None:
    board = Switchboard(COOKIE, SystemClock())

    with pytest.raises(NodeUnreachable):
        board.request("127.0.0.1:1", ECHO, 1, timeout=SOON)

    assert board._lines == {}
    board.close()


def test_what_a_short_lived_command_imports_is_light() -> None:
    code = (
        "import msgspec, sys; before = set(sys.modules)\n"
        "import eye.cluster.switchboard, eye.cluster.registry, eye.cluster.security\n"
        "import eye.cluster.discovery.local, eye.clock\n"
        "print(*sorted(set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    imported = set(done.stdout.split())

    heavy = {"multiprocessing", "asyncio", "logging", "dataclasses", "ssl", "json", "tempfile", "random", "pykka"}
    assert imported & heavy == set()
    assert not [name for name in imported if name.startswith("eye.supervision")]


def test_a_loop_that_ends_quickly_waits_for_whoever_closes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    board = Switchboard(COOKIE, SystemClock())
    board.start()
    loop = board._thread
    assert loop is not None

    def ring_again_when_the_loop_has_had_time_to_end() -> None:
        ring()
        loop.join(0.2)
        ring()

    ring = board._ring
    monkeypatch.setattr(board, "_ring", ring_again_when_the_loop_has_had_time_to_end)

    board.close()

    assert not loop.is_alive()


@pytest.mark.e2e
def test_answers_of_a_crowd_may_lie_a_moment_and_who_is_in_a_hurry_does_not_wait_with_them() -> None:
    lab, node = Lab(), ManagerEngine(COOKIE, SystemClock())
    address = str(node.serve(Address("127.0.0.1", 0), [lab]))
    board = Switchboard(COOKIE, SystemClock())
    board.start()
    told: list[Any] = []
    all_told = threading.Event()

    def done(answer: Any) -> None:
        told.append(answer.get())
        if len(told) == 60:
            all_told.set()

    for number in range(60):
        board.submit(address, WAIT, (number,), timeout=SOON, done=done)
    hurried = board.request(address, ECHO, "now", timeout=SOON)
    is_resting = board._is_resting
    lab.may_answer.set()

    assert (hurried, is_resting) == ("now", True)
    assert all_told.wait(SOON)
    assert told == list(range(60))
    board.request(address, ECHO, "later", timeout=SOON)
    assert not board._is_resting
    board.close()
    node.close()
