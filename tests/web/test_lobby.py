"""How many may wait, how many are answered at a time, and whose turn it is to go."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from eye.testing import until
from eye.web import lobby as lobbies
from eye.web.lobby import Lobby

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from eye.web.line import Line

pytestmark = pytest.mark.e2e

ASK = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


@contextmanager
def lobby(serve: Callable[[Line], bool], most_threads: int = 4) -> Iterator[tuple[Lobby, int]]:
    listener = socket.create_server(("127.0.0.1", 0))
    made = Lobby(listener, serve, most_threads=most_threads)
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
