"""The asking side of the wire: many standing connections, one loop.

The `Switchboard` moves all lines with one selector, so that nobody waits for anybody else, and ends
every request at its deadline. It can run on a thread of its own (`start`), or be stepped by whoever
asks, which is what `fetch` does: one process, one thread, gone in a moment.

It imports neither `multiprocessing` nor `asyncio` nor `logging`: a command that asks once pays for
sockets alone.
"""

from __future__ import annotations

import heapq
import itertools
import os
import selectors
import socket
import threading
import time
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any

from eye.cluster import dispatch
from eye.cluster.interconnect import Answer
from eye.cluster.line import Line, Pending
from eye.cluster.tls import Tls
from eye.errors import DeadlineExceeded, NodeUnreachable, WireError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from eye.clock import Clock
    from eye.cluster.interconnect import Method
    from eye.cluster.security import Cookie

_CLOSED = "this node's interconnect is closed"
_BUFFER = 256 * 1024  # bytes read at once
_CROWD = 50  # patient requests under way, from which on their answers are read many at a time
_REST_EACH, _LONGEST_REST = 0.0001, 0.1  # seconds that answers may lie, for each that is awaited, and at most
_AFTER_A_BUG = 0.1  # seconds, so that one that stays takes no whole processor
_GRACE = 2.0  # seconds that a waiting thread grants the loop beyond the deadline


class Switchboard:
    """Asks other nodes. Once it was started, its methods may be called from any thread.

    Without `start` it belongs to the one thread that uses it, and moves only while that thread waits
    in `request`, `request_all` or `run_until`.
    """

    def __init__(
        self,
        cookie: Cookie,
        clock: Clock,
        draw: Callable[[int], bytes] = os.urandom,
        tls: Tls | None = None,
    ) -> None:
        """`tls` is the cookie's own, beyond loopback, unless given."""
        self.cookie, self._clock, self._draw = cookie, clock, draw
        self.tls = tls or Tls.from_cookie(cookie)
        self._lines: dict[tuple[str, str], Line] = {}
        self._deadlines: list[tuple[float, int, Pending]] = []
        self._numbers = itertools.count()
        self._lost_callbacks: list[Callable[[str, str], None]] = []
        self._inbox: deque[Callable[[], None]] = deque()  # what other threads want done on the loop
        self._lock = threading.Lock()  # nobody enters the inbox after the loop has looked into it last
        self._closed = False
        self._patient = 0  # requests under way that are
        self._read_crowd_at = 0.0
        self._is_resting = False
        self._thread: threading.Thread | None = None
        self.selector: selectors.BaseSelector = selectors.DefaultSelector()
        # What lines read into. To set so much aside for each read would cost more than the reading.
        self.buffer = memoryview(bytearray(_BUFFER))
        self._ears, self._bell = socket.socketpair()
        self._ears.setblocking(False)
        self._bell.setblocking(False)
        self._is_ringing = False
        self.selector.register(self._ears, selectors.EVENT_READ, self._hear)
        # The patient lines have a selector of their own, which is one event of the first; or none.
        self.crowd: Any = selectors.DefaultSelector()
        self.selector.register(self.crowd, selectors.EVENT_READ, _nothing)

    # ------------------------------------------------------------------------------ asking

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
        told = partial(_safely, done)
        try:
            pending = Pending(method, dispatch.ask(method, args), timeout, told)
        except WireError as refused:
            answer = Answer(error=refused)
            self._post_or(lambda: told(answer), lambda: told(answer))
            return
        deadline = self._clock.monotonic() + timeout
        act = partial(self._take, address, pending, deadline)
        if self._thread is threading.current_thread():
            self._inbox.append(act)  # it looks there before it sleeps, and before it ends
        else:
            self._post_or(act, lambda: told(Answer(error=NodeUnreachable(address, _CLOSED))))

    def request(self, address: str, method: Method, *args: Any, timeout: float) -> Any:
        """Ask, and wait for the answer; see `Engine.request`."""
        return self.request_all([address], method, *args, timeout=timeout)[address].get()

    def request_all(
        self, addresses: Iterable[str], method: Method, *args: Any, timeout: float
    ) -> dict[str, Answer]:
        """Ask all at once, and wait for all answers; see `Engine.request_all`."""
        if self._thread is threading.current_thread():
            raise RuntimeError("`request` was called on the engine's own thread, which it would wait for")
        asked = list(dict.fromkeys(addresses))
        answers: dict[str, Answer] = {}
        complete = threading.Event()

        def keep(address: str, answer: Answer) -> None:
            answers[address] = answer
            if len(answers) == len(asked):
                complete.set()

        for address in asked:
            self.submit(address, method, args, timeout=timeout, done=partial(keep, address))
        if asked and self._thread is None:
            self.run_until(complete.is_set)
        elif asked:
            # The loop ends every request in time. The limit is for the day when it does not.
            complete.wait(timeout + _GRACE)
        late = Answer(error=DeadlineExceeded("this node's own interconnect", timeout))
        return {address: answers.get(address, late) for address in asked}

    def on_lost(self, callback: Callable[[str, str], None]) -> None:
        """Have it called when a standing connection closes; see `Engine.on_lost`."""
        self._lost_callbacks.append(callback)

    def forget(self, address: str) -> None:
        """Close the connections to that address; see `Engine.forget`."""
        self.post(lambda: self._forget(address))

    # ----------------------------------------------------------------------------- running

    def start(self) -> None:
        """Run the loop on a thread of its own from now on. A second time does nothing.

        A program that is ending gets no more threads (CPython 3.12): then whoever asks several moves it himself.
        """
        if self._thread is not None:
            return
        with self._lock:
            if self._thread is None and not self._closed:
                thread = threading.Thread(target=self._run, name="eye-switchboard", daemon=True)
                try:
                    thread.start()
                except RuntimeError:
                    return
                self._thread = thread

    def run_until(self, finished: Callable[[], bool]) -> None:
        """Move everything, on the calling thread, until `finished()`."""
        while not finished() and not self._closed:
            self.step()

    def step(self, patience: float | None = None) -> None:
        """Wait until something happens, for at most `patience` seconds, and see to it."""
        while self._inbox:
            self._inbox.popleft()()
        if self._deadlines:
            left = max(0.0, self._deadlines[0][0] - self._clock.monotonic())
            patience = left if patience is None else min(patience, left)
        rest = self._rest_of_the_crowd()
        if rest is not None:
            patience = rest if patience is None else min(rest, patience)
        ready = self.selector.select(patience)
        self._see_to(self.selector, ready)
        if rest is None or self._rest_of_the_crowd() == 0.0:
            self._read_crowd_at = self._clock.monotonic()
            self._see_to(self.crowd, self.crowd.select(0))
        self._end_the_late()

    def close(self) -> None:
        """Fail what waits, close all connections, end the thread; see `Engine.close`."""
        with self._lock:
            first, self._closed = not self._closed, True
            if first:
                self._ring()
        if self._thread is None:
            if first:
                self._hang_up()
        elif self._thread is not threading.current_thread():
            self._thread.join()

    def _run(self) -> None:
        while not self._closed:
            try:
                self.step()
            except Exception:  # noqa: BLE001 - a bug, which is told; the thread is everybody's
                _log("the interconnect met a bug, and closes all its connections")
                self._begin_anew()
        self._hang_up()

    def _begin_anew(self) -> None:
        """Go on after a bug, without anything that it may have spoilt: this thread is everybody's."""
        lines, self._lines = list(self._lines.values()), {}
        for line in lines:
            try:
                line.close(NodeUnreachable(line.address, "this node's interconnect met a bug"))
            except Exception:  # noqa: BLE001 - the others are to be closed all the same
                _log("a connection could not be closed in order")
        time.sleep(_AFTER_A_BUG)

    def _hang_up(self) -> None:
        while self._inbox:
            self._inbox.popleft()()
        for line in list(self._lines.values()):
            line.close(NodeUnreachable(line.address, _CLOSED))
        with self._lock:  # whoever closes us may not have rung yet
            self.selector.close()
            self.crowd.close()
            self._ears.close()
            self._bell.close()

    # --------------------------------------------------- on the loop: what the lines need

    def draw(self, size: int) -> bytes:
        """Draw random bytes."""
        return self._draw(size)

    def post(self, act: Callable[[], None]) -> None:
        """Have something done on the loop, unless it has ended."""
        self._post_or(act, lambda: None)

    def lost(self, address: str, reason: str) -> None:
        """Tell everybody who wants to know that a standing connection has closed."""
        for callback in self._lost_callbacks:
            _safely(callback, address, reason)

    def retire(self, line: Line) -> None:
        """Let go of a line that is closed; the next request makes a new one."""
        self._lines.pop((line.address, line.lane), None)

    def _take(self, address: str, pending: Pending, deadline: float) -> None:
        pending.under_way(self._count)
        heapq.heappush(self._deadlines, (deadline, next(self._numbers), pending))
        place = (address, pending.method.lane)
        line = self._lines.get(place)
        if line is None:
            selector = self.crowd if pending.method.is_patient else self.selector
            line = self._lines[place] = Line(self, *place, selector)
        line.take(pending)

    def _see_to(self, selector: selectors.BaseSelector, ready: list[tuple[selectors.SelectorKey, int]]) -> None:
        for key, mask in ready:
            if selector.get_map().get(key.fd) is key:  # nobody has closed it in this very round
                key.data(mask)

    def _rest_of_the_crowd(self) -> float | None:
        """Say how long the patient lines may lie before they are read; None: nobody lets them lie.

        To wake up for each of a thousand answers a second costs several times as much as reading them.
        """
        is_resting = self._patient >= _CROWD
        if is_resting is not self._is_resting:
            self._is_resting = is_resting
            if is_resting:
                self.selector.unregister(self.crowd)
            else:
                self.selector.register(self.crowd, selectors.EVENT_READ, _nothing)
        if not is_resting:
            return None
        due = self._read_crowd_at + min(self._patient * _REST_EACH, _LONGEST_REST)
        return max(due - self._clock.monotonic(), 0.0)

    def _end_the_late(self) -> None:
        now = self._clock.monotonic()
        while self._deadlines and self._deadlines[0][0] <= now:
            _, _, pending = heapq.heappop(self._deadlines)
            if pending.line is not None and not pending.ended:
                pending.line.expire(pending)
            else:
                pending.end(Answer(error=DeadlineExceeded("this node's own interconnect", pending.timeout)))

    def _count(self, method: Method, by: int) -> None:
        if method.is_patient:
            self._patient += by

    def _forget(self, address: str) -> None:
        for line in [line for line in self._lines.values() if line.address == address]:
            line.close(NodeUnreachable(address, "this node has let go of it"))

    # ------------------------------------------------------------------------- the doorbell

    def _post_or(self, act: Callable[[], None], otherwise: Callable[[], None]) -> None:
        with self._lock:
            open_ = not self._closed
            if open_:
                self._inbox.append(act)
                if self._thread is not threading.current_thread():  # which looks there before it sleeps
                    self._ring()
        if not open_:
            otherwise()

    def _ring(self) -> None:
        if not self._is_ringing:
            self._is_ringing = True
            self._bell.send(b"!")

    def _hear(self, mask: int) -> None:
        del mask
        self._ears.recv(4096)
        with self._lock:  # whoever found it ringing put something into the inbox, which is looked into next
            self._is_ringing = False


def _nothing(_mask: int) -> None:
    """The crowd is seen to apart."""


def _safely(callback: Callable[..., None], *args: Any) -> None:
    try:
        callback(*args)
    except Exception:  # noqa: BLE001 - somebody else's, which must not end the loop that everybody shares
        _log("a callback of the interconnect failed")


def _log(what: str) -> None:
    import logging  # only now: it costs a short-lived command several milliseconds

    logging.getLogger("eye.cluster").exception(what)
