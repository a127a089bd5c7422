"""The process that watches one node: it has the node's next sample told to it, as long as somebody looks.

A node that nobody looks at is not asked at all; that it is alive, the membership knows. The question is for
the sample after the last one that came here, and the node answers when it has taken it: nothing is asked
twice, and a sample is here as soon as it is there. Questions go through the interconnect without waiting: the
answer comes back as a message. Whatever a collector learns lies on the board, so one that crashes leaves its
last reading there, with its age.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from eye.cluster.node import Status
from eye.monitor.methods import EVENTS, RECENT, SAMPLE, SAMPLE_AFTER, Report
from eye.supervision.answers import Continue
from eye.supervision.gen_server import GenServer

if TYPE_CHECKING:
    from collections.abc import Callable

    from eye.cluster.interconnect import Answer, Engine
    from eye.metrics.sample import Sample
    from eye.monitor.board import Board

LOOKING = "eye.monitor.looking"
"""Broadcast when somebody begins to look, so that nobody waits for the next beat."""


TRAILS = ("host.cpu", "host.memory", "node.cpu", "node.memory")
"""What is remembered of each node for a minute, to be drawn small beside its figures."""

_TRAIL_SECONDS = 60.0
_FIRST_EVENTS = 20  # of a node that we meet: what happened before is worth that many lines
_MOST_EVENTS = 200


class Beat(NamedTuple):
    """It is time to ask, unless nobody looks."""


class Looking(NamedTuple):
    """Somebody began to look."""


class Answered(NamedTuple):
    """The node answered, or did not, the question of the moment `asked_at`."""

    asked_at: float
    address: str
    answer: Answer


class Happened(NamedTuple):
    """The node told, or did not, what happened in it lately."""

    boot: str
    answer: Answer


class Remembered(NamedTuple):
    """The node told, or did not, what it measured in the last minute."""

    boot: str
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
        self._boot = ""  # of the life that the following are about
        self._number = -1  # of its last sample
        self._events = -1  # of its last event that we know
        self._asked = ""  # the life that was asked last
        self._is_old = False  # it knows nothing of waiting for a sample
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
        if isinstance(message, Happened):
            self._take_events(message)
        elif isinstance(message, Remembered):
            if message.boot == self._boot and message.answer.error is None:
                self._board.put_trail(self._node, message.answer.value)
        elif isinstance(message, Answered):
            self._take_answer(message)
        else:
            return super().handle_cast(message)
        return None

    def _take_answer(self, message: Answered) -> None:
        self._is_asking = False
        member = self._board.members().get(self._node)
        if isinstance(message.answer.error, LookupError) and not self._is_old:
            self._is_old = True  # of an older version: it is asked at each beat
            self._ask()
        if message.answer.error is not None or member is None or member.address != message.address:
            return  # the membership finds out by itself whether the node is gone
        told = message.answer.value
        report = told if isinstance(told, Report) else Report(self._number, told)
        sample = report.sample
        if sample is None or sample.boot != member.boot:
            return
        # How long a question took says something only of one that nobody waited with.
        took = self.system.clock.monotonic() - message.asked_at if self._number < 0 or self._is_old else None
        if sample.boot != self._boot:
            self._begin_life(sample.boot, message.address)
        is_new = report.number != self._number or self._is_old
        self._number = report.number
        if is_new:
            self._board.put_reading(self._node, sample, took)
        if report.events != self._events and not self._is_old:
            self._ask_for_events(report.events, message.address)
        # At once, to have the next as soon as it is taken; unless it is taken oftener than we want to know.
        if self._board.is_looked_at and not self._is_old and self._interval <= 1.5 * report.every:
            self._ask()

    def _begin_life(self, boot: str, address: str) -> None:
        self._boot, self._number, self._events = boot, -1, -1
        if (engine := self._engine()) is not None:
            ref = self.ref
            engine.submit(
                address,
                RECENT,
                (list(TRAILS), _TRAIL_SECONDS, self._interval),
                timeout=2.0,
                done=lambda answer: ref.cast(Remembered(boot, answer)),
            )

    def _ask_for_events(self, last: int, address: str) -> None:
        after = max(self._events, last - _FIRST_EVENTS) if self._events < 0 else self._events
        self._events = last
        if last > after and (engine := self._engine()) is not None:
            ref, boot = self.ref, self._boot
            engine.submit(
                address,
                EVENTS,
                (after, _MOST_EVENTS),
                timeout=2.0,
                done=lambda answer: ref.cast(Happened(boot, answer)),
            )

    def _take_events(self, message: Happened) -> None:
        if message.answer.error is None and message.boot == self._boot:
            # What others think of the cluster, the membership of this node knows for itself.
            told = [event.record for event in message.answer.value]
            self._board.put_events([one for one in told if not str(one.get("what", "")).startswith("node_")])

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
        if member.boot != self._asked:
            self._asked, self._number, self._is_old = (
                member.boot,
                -1,
                False,
            )  # another life, perhaps another version
        asked_at, ref, address = self.system.clock.monotonic(), self.ref, member.address
        patience = max(2 * self._interval, 2.0)
        method, args = (SAMPLE, ()) if self._is_old else (SAMPLE_AFTER, (self._number, patience))
        engine.submit(
            address,
            method,
            args,
            timeout=patience + 2.0,
            done=lambda answer: ref.cast(Answered(asked_at, address, answer)),
        )
