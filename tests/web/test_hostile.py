"""Clients that misbehave are gone within 15 seconds, and nobody else notices: for each server, and with TLS.

Real sockets and real time: the limits are what is tested. All misbehave at once, at all servers, so that it takes
one wait.
"""

from __future__ import annotations

import ctypes
import gc
import json
import signal
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from wsproto.events import Message, Ping

from tests.web.serving import SEATS, Peer, Served, ask, gunicorn, own_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

GONE = 15.0
SERVERS = ("own", "own with TLS", "gunicorn")


def server(kind: str, folder: Path) -> AbstractContextManager[Served]:
    return gunicorn(folder) if kind == "gunicorn" else own_server(folder, secure=kind == "own with TLS")


@pytest.fixture(params=SERVERS)
def served(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Served]:
    with server(request.param, tmp_path) as served:
        yield served


def in_thread(do: Any, *args: Any) -> threading.Thread:
    thread = threading.Thread(target=do, args=args, daemon=True)
    thread.start()
    return thread


class Seen(NamedTuple):
    """What came of it where some misbehaved."""

    free_seats: int
    took: float
    good_was_closed_with: int | None
    gaps: list[float]  # between two messages to the one that behaves
    grew_by: int


def test_who_misbehaves_is_gone_and_nobody_else_notices(tmp_path: Path) -> None:
    with ExitStack() as stack, ThreadPoolExecutor() as pool:
        servers = [stack.enter_context(server(kind, tmp_path)) for kind in SERVERS]
        seen = dict(zip(SERVERS, pool.map(misbehave_at, servers), strict=True))

    assert {kind: one.free_seats for kind, one in seen.items()} == dict.fromkeys(SERVERS, SEATS - 1)
    for kind, one in seen.items():
        assert one.took <= GONE, kind
        assert one.good_was_closed_with is None, kind
        assert len(one.gaps) > 50, kind
        assert max(one.gaps) < 3.0, kind
        assert one.grew_by < 64 << 20, kind


def misbehave_at(served: Served) -> Seen:
    began = time.monotonic()
    end = began + GONE + 2
    good = Peer(served)
    listening = in_thread(good.listen, began + GONE)
    # Eight seats for eight that misbehave; when all are free again, eight more can sit down.
    stream = served.connect(receive_buffer=4096)
    stream.sendall(b"GET /api/v1/stream HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    deaf = [Peer(served, receive_buffer=4096) for _ in range(2)]
    dead = [Peer(served) for _ in range(2)]
    floods = [Peer(served) for _ in range(3)]
    busy = [threading.Thread(target=peer.listen, args=(end,), kwargs={"pongs": False}) for peer in dead]
    for thread in busy:
        thread.start()
    busy.append(in_thread(floods[0].flood, end, Message(data="x" * 20)))
    busy.append(in_thread(floods[1].flood, end, Ping()))
    busy.append(in_thread(floods[2].flood, end, Message(data="y" * 100_000)))

    before = memory_of(served)
    taken = try_to_sit(served, until=began + GONE, wanted=SEATS - 1)
    took = time.monotonic() - began
    good.has_enough = True
    listening.join(GONE + 5)
    was_closed_with = good.closed_with
    grew_by = memory_of(served) - before
    gaps = [after - before for before, after in zip(good.came_at, good.came_at[1:], strict=False)]
    for peer in (*taken, *deaf, *dead, *floods, good, stream):
        peer.close()
    for thread in busy:
        thread.join(5)
    return Seen(len(taken), took, was_closed_with, gaps, grew_by)


def memory_of(served: Served) -> int:
    """Answer the resident memory of the serving process; where that is ours, that of the clients too."""
    import psutil

    if not hasattr(served, "process"):
        gc.collect()
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).malloc_trim(0)  # what is free, but kept by the C library for next time, is not used
        return int(psutil.Process().memory_info().rss)
    return max(int(child.memory_info().rss) for child in psutil.Process(served.process.pid).children())


def try_to_sit(served: Served, until: float, wanted: int) -> list[Peer]:
    """Take the seats of those who are gone, as they become free."""
    taken: list[Peer] = []
    pause = threading.Event()
    while len(taken) < wanted and time.monotonic() < until:
        peer = Peer(served)
        if peer.status == 101:
            taken.append(peer)
            in_thread(peer.listen, until)
        else:
            assert peer.status == 503
            peer.close()
            pause.wait(0.1)
    return taken


def test_the_end_takes_no_two_seconds_and_is_told(served: Served) -> None:
    peers = [Peer(served) for _ in range(3)]
    deaf = Peer(served, receive_buffer=4096)
    threads = [in_thread(peer.listen, time.monotonic() + 20) for peer in peers]

    began = time.monotonic()
    served.stop()
    if hasattr(served, "process"):
        served.process.wait(20)
    took = time.monotonic() - began
    for thread in threads:
        thread.join(10)
    for peer in (*peers, deaf):
        peer.close()

    assert [peer.closed_with for peer in peers] == [1001] * 3
    assert took < 4  # two seconds are promised; a busy machine gets the rest
    if hasattr(served, "process"):
        assert served.process.returncode == 0


# ------------------------------------------------------------------------------- our own server


@pytest.fixture(params=[False, True], ids=["plain", "TLS"])
def own(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Served]:
    with own_server(tmp_path, secure=request.param) as served:
        yield served


def test_who_is_slow_keeps_nobody_waiting_and_is_let_go(tmp_path: Path) -> None:
    with (
        own_server(tmp_path, secure=False) as plain,
        own_server(tmp_path, secure=True) as secure,
        ThreadPoolExecutor() as pool,
    ):
        list(pool.map(be_slow_at, (plain, secure)))


def be_slow_at(own: Served) -> None:
    began = time.monotonic()
    silent = [socket.create_connection(("127.0.0.1", own.port)) for _ in range(100)]
    slow = [own.connect() for _ in range(20)]
    for sock in slow:
        sock.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127")
    threads = threading.active_count()

    status, _ = own.get()
    answered = time.monotonic() - began
    ends = [until_closed(sock, began + GONE) for sock in (*silent, *slow)]

    assert status == 200
    assert answered < 5
    assert threads < 60  # none for any of them
    assert all(ends)


def until_closed(sock: socket.socket, deadline: float) -> bool:
    """Read until the other side closes; answer whether that came to pass in time."""
    sock.settimeout(max(deadline - time.monotonic(), 0.01))
    with suppress(ConnectionError), sock:
        try:
            while sock.recv(4096):
                pass
        except TimeoutError:
            return False
    return True


def test_a_connection_is_used_again(own: Served) -> None:
    with own.connect() as sock:
        answers = [ask(sock, "/healthz") for _ in range(3)]
        ask(sock, "/api/v1/nodes")
        sock.sendall(b"HEAD /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" + b"GET /healthz HTTP/1.1\r\n")
        sock.sendall(b"Host: 127.0.0.1\r\nConnection: close\r\n\r\n")
        rest = b""
        while data := sock.recv(4096):
            rest += data

    assert {status for status, _ in answers} == {200}
    assert rest.count(b"HTTP/1.1 200 OK") == 2
    assert rest.count(b'{"status":"ok"}') == 1  # a HEAD has no body


def test_a_large_answer_to_who_reads_slowly_is_whole(own: Served) -> None:
    with own.connect(receive_buffer=4096) as sock:
        status, body = ask(sock, "/api/v1/nodes", Connection="close")

    assert status == 200
    assert len(json.loads(body)["nodes"]) == 30


def test_many_at_once_are_all_answered(own: Served) -> None:
    answers: list[int] = []
    threads = [in_thread(lambda: answers.append(own.get("/api/v1/nodes")[0])) for _ in range(100)]
    for thread in threads:
        thread.join(30)

    assert answers == [200] * 100


def test_plain_http_on_a_secure_port_is_told_so(tmp_path: Path) -> None:
    with own_server(tmp_path, secure=True) as own, socket.create_connection(("127.0.0.1", own.port)) as sock:
        sock.settimeout(10)
        sock.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")

        assert b"this port speaks https" in sock.recv(4096)


def test_nothing_is_left_when_a_server_has_closed(own: Served) -> None:
    before = threading.active_count()
    peers = [Peer(own) for _ in range(3)]
    waiting = [own.connect() for _ in range(3)]

    own.stop()
    own.stop()  # twice is fine
    for sock in waiting:
        assert until_closed(sock, time.monotonic() + 5)
    for peer in peers:
        peer.listen(time.monotonic() + 5)
        peer.close()

    deadline = time.monotonic() + 5
    while threading.active_count() >= before and time.monotonic() < deadline:
        threading.Event().wait(0.02)
    assert threading.active_count() < before  # its own thread is gone as well


def test_gunicorn_with_two_workers_is_refused(tmp_path: Path) -> None:
    from eye.web import gunicorn_settings

    class Cfg:
        workers = 2

    class Arbiter:
        cfg = Cfg

    with pytest.raises(SystemExit, match="one worker, not 2"):
        gunicorn_settings.on_starting(Arbiter)
    assert signal.getsignal(signal.SIGTERM) is not None


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (b"", b"426"),
        (b"Sec-WebSocket-Version: 99\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", b"426"),
        (b"Sec-WebSocket-Version: 13\r\n", b"400"),
    ],
)
def test_what_is_no_handshake_of_a_socket_is_answered_and_is_no_mistake_of_ours(
    own: Served, headers: bytes, status: bytes
) -> None:
    ask = b"GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    with own.connect() as sock:
        sock.sendall(ask + headers + b"\r\n")

        assert sock.recv(4096).startswith(b"HTTP/1.1 " + status)
