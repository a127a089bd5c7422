"""Where connections wait until they have said what they want: one thread, which never waits for any of them.

    accepted ----> TLS, if any ----> a request, whole ----> a thread of its own ----> answered
        ^                                                                                |
        '---------- it may be used again: it waits for the next request -----------------'

So a browser that is slow, or says nothing, or half a word, costs a descriptor and nothing else, and not for long:
who has not said a whole request in `PATIENCE` seconds is let go, and so is whoever waits longest when there are
too many.
"""

from __future__ import annotations

import contextlib
import logging
import selectors
import socket
import ssl
import threading
import time
from collections import deque
from typing import TYPE_CHECKING

from eye.web import guards
from eye.web.exchange import Refused
from eye.web.line import Line
from eye.web.relay import Relay

if TYPE_CHECKING:
    from collections.abc import Callable

    from eye.web.certificate import Certificate

_log = logging.getLogger("eye.web")

PATIENCE = 10.0
"""Seconds in which a request has to be here, all of it, TLS included."""

IDLE = 30.0
"""Seconds that a connection is kept for a next request."""

_MOST_WAITING = 512
_MOST_AT_ONCE = 64  # connections that are accepted before the others are looked at again
_PIECE = 16_384
_BREATH = 0.25  # seconds without accepting, when there are no descriptors left
_READ, _WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
_IS_HTTP = (
    b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: text/plain\r\n\r\nthis port speaks https\n"
)


class Lobby:
    """Accepts connections, and hands each whole request to `serve`, on a thread that is started for it.

    Args:
        listener: a listening socket, which the lobby closes.
        serve: answers `line.asked` and says whether the connection may be used again. Called on threads.
        most_threads: how many requests are answered at a time. More wait.
        crashed: told, on the lobby's thread, when that thread ends by a mistake in it.
        certificate: what makes connections secure, if they are to be.
    """

    def __init__(
        self,
        listener: socket.socket,
        serve: Callable[[Line], bool],
        *,
        most_threads: int,
        certificate: Certificate | None = None,
        crashed: Callable[[Exception], object] = lambda error: None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._listener, self._serve, self._most_threads = listener, serve, most_threads
        self._certificate, self._crashed, self._now = certificate, crashed, now
        listener.setblocking(False)
        self._selector = selectors.DefaultSelector()
        self._ear, self._bell = socket.socketpair()
        self._ear.setblocking(False)
        self._bell.setblocking(False)
        self._errands: deque[Callable[[], None]] = deque()  # what other threads want done by this one
        self._waiting: set[Line] = set()
        self._ready: deque[Line] = deque()  # have asked, and there is no thread for them yet
        self._served: set[Line] = set()
        self._accepts_from: float | None = 0.0  # None: no more
        self._listens = self._is_over = False
        self._thread = threading.Thread(target=self._run, name="eye-web-lobby", daemon=True)
        self._thread.start()

    # for other threads

    def relay(self, line: Line) -> socket.socket:
        """Have the bytes of a secure connection carried; answer the plain end, for who serves it."""
        line.relay = Relay(line)
        line.sock.setblocking(False)
        self._do(lambda: self._carry(line.relay))
        return line.relay.near

    def stop_accepting(self) -> None:
        """Let nobody in any more, and let those go who have not asked for anything."""
        self._do(self._close_doors)

    def stop(self, timeout: float) -> None:
        """Cut whoever is still connected, and end."""
        self._do(self._end)
        self._thread.join(timeout)

    def _do(self, errand: Callable[[], None]) -> None:
        self._errands.append(errand)
        with contextlib.suppress(OSError):  # full of rings already, or closed
            self._bell.send(b"!")

    # on the lobby's thread

    def _run(self) -> None:
        mistake = None
        try:
            self._work()
        except Exception as error:  # noqa: BLE001 (whoever supervises the server is told; here is nobody who could)
            _log.exception("the web view's server has made a mistake")
            mistake = error
        self._close_all()
        if mistake is not None:
            self._crashed(mistake)

    def _close_all(self) -> None:
        self._is_over = True
        self._listener.close()
        for line in [*self._waiting, *self._ready]:
            line.close()
        for line in [*self._served]:
            if line.relay is not None:
                line.relay.close(self._selector)
            line.cut()
        self._selector.close()
        self._ear.close()
        self._bell.close()

    def _work(self) -> None:
        self._selector.register(self._ear, _READ)
        while not self._is_over:
            self._look_at_doors()
            patience = 1.0 if self._waiting or self._ready or not self._listens else None
            for key, _ in self._selector.select(patience):
                if key.fileobj is self._ear:
                    with contextlib.suppress(OSError):
                        self._ear.recv(_PIECE)
                elif key.fileobj is self._listener:
                    self._accept()
                elif isinstance(key.data, Line):
                    self._hear_out(key.data)
                else:
                    self._carry(key.data)
            while self._errands:
                self._errands.popleft()()
            self._expire()

    def _hear_out(self, line: Line, *, has_left_over: bool = False) -> None:
        """Hear one line; a mistake of ours with what it says is the end of it alone."""
        try:
            self._hear(line, has_left_over=has_left_over)
        except Exception:  # noqa: BLE001 (it is told, and the thread is everybody's)
            _log.exception("the web view's server has made a mistake with what %s says", line.peer)
            self._let_go(line)

    def _look_at_doors(self) -> None:
        wanted = self._accepts_from is not None and self._now() >= self._accepts_from
        if wanted and not self._listens:
            self._selector.register(self._listener, _READ)
        elif self._listens and not wanted:
            self._selector.unregister(self._listener)
        self._listens = wanted

    def _accept(self) -> None:
        for _ in range(_MOST_AT_ONCE):
            try:
                sock, peer = self._listener.accept()
            except (BlockingIOError, ConnectionError):
                return
            except OSError:  # no descriptors left
                self._accepts_from = self._now() + _BREATH
                self._let_longest_go()
                return
            try:
                guards.limit(sock)
                sock.setblocking(False)
                if self._certificate is not None:
                    sock = self._certificate.wrap(sock)
            except OSError:  # whoever it was has broken off already
                sock.close()
                continue
            line = Line(sock, peer[:2], self._now() + PATIENCE, is_secure=self._certificate is not None)
            if len(self._waiting) >= _MOST_WAITING:
                self._let_longest_go()
            self._wait_for(line)

    def _wait_for(self, line: Line, *, has_left_over: bool = False) -> None:
        self._waiting.add(line)
        self._selector.register(line.sock, _READ, line)
        if line.is_secure or has_left_over:  # what TLS holds already, no selector shows
            self._hear_out(line, has_left_over=has_left_over)

    def _hear(self, line: Line, *, has_left_over: bool = False) -> None:
        """Take what has come, and what came along with the request before; it may be a part of a request."""
        try:
            if not line.has_greeted and not self._greet(line):
                return
            if has_left_over:
                self._take(line, b"")
            while line in self._waiting:
                data = line.sock.recv(_PIECE)
                if not data:
                    self._let_go(line)
                    return
                self._take(line, data)
        except (ssl.SSLWantReadError, BlockingIOError, InterruptedError):
            return
        except (OSError, ValueError) as error:
            if getattr(error, "reason", "") == "HTTP_REQUEST":
                with contextlib.suppress(OSError):
                    socket.socket.send(line.sock, _IS_HTTP)
            self._let_go(line)

    def _greet(self, line: Line) -> bool:
        assert isinstance(line.sock, ssl.SSLSocket)
        try:
            line.sock.do_handshake()
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError) as wanted:
            self._selector.modify(line.sock, _WRITE if isinstance(wanted, ssl.SSLWantWriteError) else _READ, line)
            return False
        self._selector.modify(line.sock, _READ, line)
        line.has_greeted = True
        return True

    def _take(self, line: Line, data: bytes) -> None:
        was_between = line.talk.is_between
        try:
            line.asked = line.talk.hear(data)
            if go_on := line.talk.wants_to_go_on():
                line.sock.send(go_on)
        except Refused as refused:
            with contextlib.suppress(OSError):
                line.sock.send(line.talk.refusal(refused))
            self._let_go(line)
            return
        if line.asked is not None:
            self._forget(line)
            self._ready.append(line)
            self._hand_over()
        elif was_between and not line.talk.is_between:
            line.deadline = self._now() + PATIENCE  # the first bytes of a next request

    def _hand_over(self) -> None:
        while self._ready and len(self._served) < self._most_threads:
            line = self._ready.popleft()
            self._served.add(line)
            try:
                threading.Thread(target=self._answer, args=(line,), name="eye-web-request", daemon=True).start()
            except RuntimeError:  # the system has no thread left: it waits, as where there are too many of ours
                self._served.discard(line)
                self._ready.appendleft(line)
                return

    def _answer(self, line: Line) -> None:
        # On a thread of its own.
        is_kept = False
        try:
            is_kept = self._serve(line)
        finally:
            self._do(lambda: self._take_back(line, is_kept))
            if self._is_over:  # nobody takes it back
                line.close()

    def _take_back(self, line: Line, is_kept: bool) -> None:
        self._served.discard(line)
        self._hand_over()
        if line.relay is not None:
            line.relay.carry()  # the last words
            self._let_go(line)
        elif not is_kept or self._accepts_from is None:
            self._let_go(line)
        else:
            line.deadline = self._now() + (IDLE if line.talk.is_between else PATIENCE)
            line.sock.setblocking(False)
            self._wait_for(line, has_left_over=True)

    def _carry(self, relay: Relay | None) -> None:
        assert relay is not None
        if relay.line not in self._served:
            return
        if relay.carry():
            relay.watch(self._selector)
        else:
            relay.close(self._selector)

    def _forget(self, line: Line) -> None:
        self._waiting.discard(line)
        self._selector.unregister(line.sock)

    def _let_go(self, line: Line) -> None:
        if line in self._waiting:
            self._forget(line)
        if line.relay is not None:
            line.relay.close(self._selector)
        line.close()

    def _let_longest_go(self) -> None:
        if self._waiting:
            self._let_go(min(self._waiting, key=lambda line: line.deadline))

    def _expire(self) -> None:
        now = self._now()
        for line in [line for line in self._waiting if line.deadline <= now]:
            self._let_go(line)
        while self._ready and self._ready[0].deadline <= now:
            line = self._ready.popleft()
            with contextlib.suppress(OSError):
                line.sock.send(line.talk.refusal(Refused(503, "this server has too much to do; try again")))
            self._let_go(line)

    def _close_doors(self) -> None:
        self._accepts_from = None
        self._look_at_doors()
        self._listener.close()
        for line in [*self._waiting, *self._ready]:
            self._let_go(line)
        self._ready.clear()

    def _end(self) -> None:
        self._is_over = True
