"""How many may wait, how many are answered at a time, and whose turn it is to go."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import h11
import pytest

from eye.testing import until
from eye.web import lobby as lobbies
from eye.web.certificate import Certificate
from eye.web.exchange import Talk
from eye.web.lobby import Lobby
from tests.web.serving import make_certificate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from eye.web.line import Line

pytestmark = pytest.mark.e2e

ASK = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


@contextmanager
def lobby(
    serve: Callable[[Line], bool], most_threads: int = 4, certificate: Certificate | None = None
) -> Iterator[tuple[Lobby, int]]:
    listener = socket.create_server(("127.0.0.1", 0))
    made = Lobby(listener, serve, most_threads=most_threads, certificate=certificate)
    try:
        yield made, listener.getsockname()[1]
    finally:
        made.stop_accepting()
        made.stop(5)


def call(port: int, data: bytes = ASK) -> socket.socket:
    sock = socket.create_connection(("127.0.0.1", port), timeout=20)
    sock.sendall(data)
    return sock


def test_so_many_are_answered_at_a_time_and_the_others_wait_their_turn() -> None:
    gate, busy, most = threading.Semaphore(0), [0, 0], threading.Lock()

    def serve(line: Line) -> bool:
        with most:
            busy[0] += 1
            busy[1] = max(busy)
        gate.acquire(timeout=20)
        with most:
            busy[0] -= 1
        line.sock.setblocking(True)
        line.sock.sendall(b"done")
        return False

    with lobby(serve, most_threads=2) as (_, port):
        callers = [call(port) for _ in range(5)]
        until(lambda: busy[0] == 2)
        for _ in range(5):
            gate.release()
        answers = [caller.recv(10) for caller in callers]
        for caller in callers:
            caller.close()

    assert answers == [b"done"] * 5
    assert busy[1] == 2


def test_who_waits_for_too_long_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lobbies, "PATIENCE", 0.5)
    gate = threading.Event()

    with lobby(lambda line: not gate.wait(20), most_threads=1) as (_, port):
        first = call(port)
        second = call(port)
        told = second.recv(4096)
        gate.set()
        for caller in (first, second):
            caller.close()

    assert told.startswith(b"HTTP/1.1 503")
    assert b"too much to do" in told


def test_of_too_many_who_say_nothing_the_first_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lobbies, "_MOST_WAITING", 3)

    def serve(line: Line) -> bool:
        line.sock.setblocking(True)
        line.sock.sendall(b"done")
        return False

    with lobby(serve) as (made, port):
        silent = []
        for count in range(1, 6):
            silent.append(call(port, b"GET"))
            until(lambda count=count: len(made._waiting) == min(count, 3))  # type: ignore[misc]
        ends = [sock.recv(10) for sock in silent[:2]]
        silent[-1].sendall(ASK[3:])
        answer = silent[-1].recv(10)
        for sock in silent:
            sock.close()

    assert ends == [b"", b""]
    assert answer == b"done"


def test_an_idle_lobby_sleeps() -> None:
    with lobby(lambda line: False) as (made, port):
        call(port).close()
        until(lambda: not made._waiting and not made._served)
        before = time.process_time()
        threading.Event().wait(0.5)
        used = time.process_time() - before

    assert used < 0.1


def test_what_is_no_request_is_told_so() -> None:
    with lobby(lambda line: False) as (_, port), call(port, b"hello there\r\n\r\n") as caller:
        assert caller.recv(4096).startswith(b"HTTP/1.1 400")


def answer(line: Line) -> bool:
    """Say «ok», as a server does that lets the connection be used again."""
    line.sock.setblocking(True)
    http = line.talk.http
    parts = (h11.Response(status_code=200, headers=[("Content-Length", "2")]), h11.Data(b"ok"), h11.EndOfMessage())
    line.sock.sendall(b"".join(http.send(part) or b"" for part in parts))
    return line.talk.goes_on()


def test_who_goes_before_it_is_told_to_go_on_takes_nobody_along() -> None:
    gate, answered = threading.Event(), threading.Event()

    def serve(line: Line) -> bool:
        gate.wait(20)
        is_kept = answer(line)
        answered.set()
        return is_kept

    with lobby(serve) as (made, port):
        hasty = call(
            port, ASK + b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n"
        )
        until(lambda: bool(made._served))
        hasty.close()
        gate.set()
        until(lambda: answered.is_set() and not made._served)
        with call(port) as caller:
            told = caller.recv(4096)

    assert told.startswith(b"HTTP/1.1 200")


def test_who_breaks_off_before_tls_begins_takes_nobody_along(tmp_path: Path) -> None:
    broken_off, has_sent = [], threading.Event()

    class Slow(Certificate):
        def wrap(self, sock: socket.socket) -> ssl.SSLSocket:
            if not broken_off:
                assert has_sent.wait(20)
                hasty.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset
                hasty.close()
                broken_off.append(sock)
            return super().wrap(sock)

    make_certificate(tmp_path)
    certificate = Slow(tmp_path / "cert.pem", tmp_path / "key.pem")
    trusting = ssl.create_default_context(cafile=str(tmp_path / "cert.pem"))
    hasty = socket.socket()
    with lobby(answer, certificate=certificate) as (_, port):
        hasty.connect(("127.0.0.1", port))
        hasty.send(b"x")
        has_sent.set()
        until(lambda: bool(broken_off))
        plain = socket.create_connection(("127.0.0.1", port), timeout=20)
        with trusting.wrap_socket(plain, server_hostname="127.0.0.1") as caller:
            caller.sendall(ASK)
            told = caller.recv(4096)

    assert told.startswith(b"HTTP/1.1 200")


def test_a_mistake_with_what_one_says_is_the_end_of_that_one(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def serve(line: Line) -> bool:
        line.sock.setblocking(True)
        line.sock.sendall(b"done")
        return False

    with lobby(serve) as (made, port), socket.create_connection(("127.0.0.1", port), timeout=20) as other:
        until(lambda: len(made._waiting) == 1)
        with monkeypatch.context() as patched:
            patched.setattr(Talk, "hear", lambda *_: 1 // 0)
            with call(port) as one:
                assert one.recv(10) == b""
        other.sendall(ASK)
        assert other.recv(10) == b"done"

    assert "the web view's server has made a mistake with what ('127.0.0.1', " in caplog.text


def test_where_the_system_has_no_thread_left_a_request_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    refused = []

    class Scarce(threading.Thread):
        def start(self) -> None:
            if not refused:
                refused.append(self)
                raise RuntimeError("can't start new thread")
            super().start()

    with lobby(answer) as (_, port):
        monkeypatch.setattr(lobbies.threading, "Thread", Scarce)
        with call(port) as first:
            until(lambda: bool(refused))
            with call(port) as second:
                told = first.recv(4096), second.recv(4096)

    assert [one[:12] for one in told] == [b"HTTP/1.1 200"] * 2


def test_who_was_answered_may_be_idle_for_longer_than_a_request_may_take(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lobbies, "PATIENCE", 0.5)
    monkeypatch.setattr(lobbies, "IDLE", 60.0)

    with lobby(answer) as (_, port), call(port) as idle, call(port) as halting:
        assert all(one.recv(99).endswith(b"ok") for one in (idle, halting))
        halting.sendall(b"GET / HT")

        assert halting.recv(99) == b""  # half a request is not idleness
        idle.sendall(ASK)
        assert idle.recv(99).endswith(b"ok")
