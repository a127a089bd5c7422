"""The engine's twin in memory: the same promises, without sockets.

Requests and answers are the very same bytes as on the wire, read by the same codec. So what passes here
passes there, minus what TCP does; `tests/conformance` holds both to it. The `network` that the engines
hang on can be cut, frozen and healed, and deadlines go by the clock that is handed in.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any

from eye.cluster import dispatch
from eye.cluster.interconnect import Answer
from eye.errors import (
    AuthenticationRefused,
    ClusterError,
    DeadlineExceeded,
    DecodeRefused,
    NodeUnreachable,
    WireError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from eye.clock import Clock
    from eye.cluster.engines.network import Network
    from eye.cluster.interconnect import Method, Service
    from eye.cluster.node import Address
    from eye.cluster.security import Cookie

_log = logging.getLogger("eye.cluster")
_CLOSED = "this node's interconnect is closed"


class _Request:
    """One question, until `answered`."""

    def __init__(self, method: Method, body: bytes, timeout: float, done: Callable[[Answer], None]) -> None:
        self.method, self.body, self.timeout, self.done = method, body, timeout, done
        self.line: _Line | None = None
        self.is_answered = False


class _Line:
    """A connection to one address in one lane. Its thread is the one that answers at the other end."""

    def __init__(self, engine: MemoryEngine, address: str, lane: str) -> None:
        self.engine, self.address, self.lane = engine, address, lane
        self.queue: deque[_Request] = deque()
        self.is_up = self.is_closed = False
        self.thread = threading.Thread(target=self._answer_all, name=f"eye-memory-{lane}", daemon=True)
        self.thread.start()

    def _answer_all(self) -> None:
        network = self.engine.network
        while True:
            with network.changed:
                network.changed.wait_for(lambda: self.is_closed or (self.queue and self._passes()))
                if self.is_closed:
                    return
                request, peer = self.queue[0], network.engines.get(self.address)
                self.is_up = peer is not None and peer.cookie == self.engine.cookie
            answer = self._ask(peer, request)
            with network.changed:
                network.changed.wait_for(lambda: self.is_closed or self._passes())
                if self.is_closed:
                    return
                if isinstance(answer, ClusterError):
                    self.engine.close_line(self, answer)
                else:
                    self.engine.answer(self.queue.popleft(), answer)

    def _passes(self) -> bool:
        return self.engine.network.passes(self.engine.label, self.address)

    def _ask(self, peer: MemoryEngine | None, request: _Request) -> Answer | ClusterError:
        if peer is None:
            return NodeUnreachable(self.address, "connection refused")
        if peer.cookie != self.engine.cookie:
            return AuthenticationRefused(self.address)
        try:
            with dispatch.asking("memory"):
                reply = dispatch.reply_to(peer.table, request.body, _log_crash)
        except DecodeRefused as refused:
            return refused
        return dispatch.understand(request.method, reply)


class MemoryEngine:
    """The `Engine` without sockets. See `interconnect` for what it promises."""

    def __init__(self, network: Network, clock: Clock, cookie: Cookie) -> None:
        self.network, self.cookie = network, cookie
        self.label = f"an engine that does not serve ({id(self):x})"
        self.table: dispatch.Table = {}
        self._clock = clock
        self._addresses: list[str] = []
        self._lines: dict[tuple[str, str], _Line] = {}
        self._leaving: list[threading.Thread] = []  # of lines that are closed, but perhaps not ended
        self._deadlines: list[tuple[float, int, _Request]] = []
        self._numbers = itertools.count()
        self._lost_callbacks: list[Callable[[str, str], None]] = []
        self._to_tell: deque[Callable[[], None]] = deque()
        self._bell = threading.Lock()  # released when there is something to do
        self._is_closed = False
        self._thread = threading.Thread(target=self._run, name="eye-memory-engine", daemon=True)
        self._thread.start()

    def serve(self, address: Address, services: Sequence[Service]) -> Address:
        """Begin to answer; see `Engine.serve`."""
        self.table.update(dispatch.table_of(services))
        bound = self.network.listen(address, self)
        if not self._addresses:
            self.label = str(bound)
        self._addresses.append(str(bound))
        return bound

    def request(self, address: str, method: Method, *args: Any, timeout: float) -> Any:
        """Ask and wait; see `Engine.request`."""
        return self.request_all([address], method, *args, timeout=timeout)[address].get()

    def request_all(
        self, addresses: Iterable[str], method: Method, *args: Any, timeout: float
    ) -> dict[str, Answer]:
        """Ask all at once and wait; see `Engine.request_all`."""
        if threading.current_thread() is self._thread:
            raise RuntimeError("`request` was called on the engine's own thread, which it would wait for")
        answers: dict[str, Answer] = {}
        asked = list(dict.fromkeys(addresses))
        for address in asked:
            self.submit(address, method, args, timeout=timeout, done=partial(self._keep, answers, address))
        with self.network.changed:
            self.network.changed.wait_for(lambda: len(answers) == len(asked))
        return {address: answers[address] for address in asked}

    def submit(
        self,
        address: str,
        method: Method,
        args: tuple[Any, ...],
        *,
        timeout: float,
        done: Callable[[Answer], None],
    ) -> None:
        """Ask without waiting; see `Engine.submit`."""
        with self.network.changed:
            if not self._is_closed:
                self.network.unanswered += 1
                self._take(address, args, _Request(method, b"", timeout, done))
                return
        done(Answer(error=NodeUnreachable(address, _CLOSED)))

    def on_lost(self, callback: Callable[[str, str], None]) -> None:
        """Be told of lost connections; see `Engine.on_lost`."""
        self._lost_callbacks.append(callback)

    def forget(self, address: str) -> None:
        """Drop the connections to an address; see `Engine.forget`."""
        with self.network.changed:
            for line in self._lines_to(address):
                line.is_up = False  # nobody is told of a loss that was wanted
                self.close_line(line, NodeUnreachable(address, "this node has let go of it"))

    def close(self) -> None:
        """Stop answering and asking; see `Engine.close`."""
        dispatch.interrupt(self.table)
        with self.network.changed:
            if not self._is_closed:
                self._is_closed = True
                for line in list(self._lines.values()):
                    line.is_up = False
                    self.close_line(line, NodeUnreachable(line.address, _CLOSED))
                self.network.leave(self, self._addresses)
            threads = [self._thread, *self._leaving]
            self._ring()
        for thread in threads:
            if thread is not threading.current_thread():
                thread.join()

    # --------------------------------------------- what the network and the lines tell us
    # Whoever calls these holds `network.changed`.

    def answer(self, request: _Request, answer: Answer) -> None:
        """End a request, once."""
        if not request.is_answered:
            request.is_answered = True
            self._to_tell.append(partial(self._finish, request, answer))
            self._ring()

    def close_line(self, line: _Line, error: ClusterError) -> None:
        """Close a connection; what waits on it ends with the error."""
        line.is_closed = True
        self._lines.pop((line.address, line.lane), None)
        self._leaving = [*(one for one in self._leaving if one.is_alive()), line.thread]
        while line.queue:
            self.answer(line.queue.popleft(), Answer(error=error))
        if line.is_up:
            reason = error.cause if isinstance(error, NodeUnreachable) else str(error)
            self._to_tell.extend(partial(tell, line.address, reason) for tell in self._lost_callbacks)
            self._ring()
        self.network.changed.notify_all()

    def peer_has_gone(self, address: str) -> None:
        """Notice that a peer has closed its end."""
        for line in self._lines_to(address):
            self.close_line(line, NodeUnreachable(address, "the connection was closed"))

    def _lines_to(self, address: str) -> list[_Line]:
        return [line for line in self._lines.values() if line.address == address]

    def _take(self, address: str, args: tuple[Any, ...], request: _Request) -> None:
        try:
            request.body = dispatch.ask(request.method, args)
        except WireError as refused:
            self.answer(request, Answer(error=refused))
            return
        place = (address, request.method.lane)
        line = request.line = self._lines.get(place) or _Line(self, *place)
        self._lines[place] = line
        line.queue.append(request)
        deadline = self._clock.monotonic() + request.timeout
        heapq.heappush(self._deadlines, (deadline, next(self._numbers), request))
        self.network.changed.notify_all()
        self._ring()

    # --------------------------------------------------------------- on the engine's thread

    def _run(self) -> None:
        while not self._is_closed or self._to_tell:
            with self.network.changed:
                self._end_the_late()
                first = self._deadlines[0][0] if self._deadlines else None
            while self._to_tell:
                _safely(self._to_tell.popleft())
            if not self._is_closed:
                self._clock.acquire(self._bell, None if first is None else first - self._clock.monotonic())

    def _end_the_late(self) -> None:
        while self._deadlines and self._deadlines[0][0] <= self._clock.monotonic():
            _, _, request = heapq.heappop(self._deadlines)
            if request.is_answered or request.line is None:
                continue
            self.answer(request, Answer(error=DeadlineExceeded(request.line.address, request.timeout)))
            cause = f"closed: a request had no answer in {request.timeout:g} s"
            self.close_line(request.line, NodeUnreachable(request.line.address, cause))

    def _finish(self, request: _Request, answer: Answer) -> None:
        _safely(partial(request.done, answer))
        with self.network.changed:
            self.network.unanswered -= 1
            self.network.changed.notify_all()

    def _keep(self, answers: dict[str, Answer], address: str, answer: Answer) -> None:
        with self.network.changed:
            answers[address] = answer
            self.network.changed.notify_all()

    def _ring(self) -> None:
        try:
            self._bell.release()
        except RuntimeError:
            pass  # it is ringing already


def _safely(act: Callable[[], None]) -> None:
    try:
        act()
    # Somebody else's callback must not end the thread that serves all others.
    except Exception:  # noqa: BLE001
        _log.exception("a callback of the interconnect failed")


def _log_crash(method: str, error: Exception) -> None:
    _log.error("%s raised", method, exc_info=error)
