"""The process that watches one node: it asks for a sample at every beat, as long as somebody looks.

A node that nobody looks at is not asked at all; that it is alive, the membership knows. Questions go
through the interconnect without waiting: the answer comes back as a message. Whatever a collector
learns lies on the board, so one that crashes leaves its last reading there, with its age.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from eye.cluster.node import Status
from eye.monitor.methods import SAMPLE
from eye.supervision.answers import Continue
from eye.supervision.gen_server import GenServer

if TYPE_CHECKING:
    from collections.abc import Callable

    from eye.cluster.interconnect import Answer, Engine
    from eye.metrics.sample import Sample
    from eye.monitor.board import Board

LOOKING = "eye.monitor.looking"
"""Broadcast when somebody begins to look, so that nobody waits for the next beat."""


class Beat(NamedTuple):
    """It is time to ask, unless nobody looks."""


class Looking(NamedTuple):
    """Somebody began to look."""


class Answered(NamedTuple):
    """The node answered, or did not, the question of the moment `asked_at`."""

    asked_at: float
    address: str
    answer: Answer


class Collector(GenServer):
    """Watches one node."""

    def init(
        self,
        node: str,
        board: Board,
        engine: Callable[[], Engine | None],
        *,
        interval: float = 1.0,
        jitter: Callable[[], float] = lambda: 0.0,
        own_sample: Callable[[], Sample | None] | None = None,
    ) -> Continue:
        """Begin to watch.

        Args:
            node: its name.
            board: where its readings are put, and where its address is looked up each time: a node
                that comes back may be elsewhere.
            engine: answers the interconnect of the moment, None while it restarts.
            interval: seconds between two questions while somebody looks.
            jitter: a share of the interval, -0.5 to 0.5, by which the first beat is moved, so that the
                collectors of a large cluster do not all ask in the same instant.
            own_sample: reads this very node's sample, which needs no wire.
        """
        self._node = node
        self._board = board
        self._engine = engine
        self._interval = interval
        self._jitter = jitter
        self._own_sample = own_sample
        self._is_asking = False
        self._next: float | None = None
        self.subscribe(LOOKING)
        return Continue(Looking())

    def handle_continue(self, message: Looking) -> None:
        self.handle_info(message)

    def handle_info(self, message: Any) -> Any:
        if isinstance(message, Beat):
            self._beat()
        elif isinstance(message, Looking):
            if self._next is None and self._board.is_looked_at:
                self._ask()
                self._next = self.system.clock.monotonic() + self._interval * self._jitter()
                self._schedule()
        else:
            return super().handle_info(message)
        return None

    def handle_cast(self, message: Answered) -> Any:
        if not isinstance(message, Answered):
            return super().handle_cast(message)
        self._is_asking = False
        member = self._board.members().get(self._node)
        if message.answer.error is not None or member is None or member.address != message.address:
            return None  # the membership finds out by itself whether the node is gone
        sample = message.answer.value
        if sample.node == self._node and sample.boot == member.boot:
            self._board.put_reading(self._node, sample, self.system.clock.monotonic() - message.asked_at)
        return None

    def _beat(self) -> None:
        if self._board.is_looked_at:
            self._ask()
            self._schedule()
        else:
            self._next = None  # not even a timer, until somebody looks again

    def _schedule(self) -> None:
        assert self._next is not None
        now = self.system.clock.monotonic()
        missed = max(int((now - self._next) / self._interval), 0)
        self._next += (missed + 1) * self._interval
        self.system.send_at(self.ref, self._next, Beat())

    def _ask(self) -> None:
        if self._own_sample is not None:
            if (sample := self._own_sample()) is not None:
                self._board.put_reading(self._node, sample, 0.0)
            return
        member, engine = self._board.members().get(self._node), self._engine()
        # One question at a time: a node that is slow is not asked faster for it.
        if member is None or engine is None or self._is_asking or member.status is Status.DOWN:
            return
        self._is_asking = True
        asked_at, ref, address = self.system.clock.monotonic(), self.ref, member.address
        engine.submit(
            address,
            SAMPLE,
            (),
            timeout=max(2 * self._interval, 2.0),
            done=lambda answer: ref.cast(Answered(asked_at, address, answer)),
        )
