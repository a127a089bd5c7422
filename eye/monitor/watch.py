"""What a collector knows of one node that it watches, and what it does about it: ask, and put on the board.

The question is for the sample after the last one that came here, and the node answers when it has taken it:
nothing is asked twice, and a sample is here as soon as it is there. The next question is asked right where the
answer arrives, on the interconnect's own thread, which also puts what came on the board: a message and a thread
that wakes up for each sample would cost more than all the rest.

A node that is asked more seldom than it measures (`pace`) is asked at the beats that are due, and answers at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from eye.cluster.node import Status
from eye.monitor.methods import EVENTS, RECENT, SAMPLE, SAMPLE_AFTER, Report
from eye.monitor.sayings import can_be_said

if TYPE_CHECKING:
    from collections.abc import Callable

    from eye.clock import Clock
    from eye.cluster.interconnect import Answer, Engine
    from eye.cluster.node import Member
    from eye.metrics.sample import Sample
    from eye.monitor.board import Board
    from eye.supervision.process import Ref

TRAILS = ("host.cpu", "host.memory", "node.cpu", "node.memory")
"""What is remembered of each node for a minute, to be drawn small beside its figures."""

_TRAIL_SECONDS = 60.0
_FIRST_EVENTS = 20  # of a node that we meet: what happened before is worth that many lines
_MOST_EVENTS = 200
_QUESTIONS = 3  # in one interval: a node that answers without waiting is not asked without end
_FIRST, _FOLLOWING = 10.0, 2.0  # seconds for a question: at first, a thousand connections may have to be made


# Over the connection that the samples come by: a collector needs no other for each node.
_RECENT = msgspec.structs.replace(RECENT, lane=SAMPLE_AFTER.lane)
_EVENTS = msgspec.structs.replace(EVENTS, lane=SAMPLE_AFTER.lane)

_Points = dict[str, list[tuple[float, float, float] | None]]  # as `Agent.recent` tells them


class Happened(NamedTuple):
    """The node told, or did not, what happened in it lately."""

    node: str
    boot: str
    answer: Answer


class Remembered(NamedTuple):
    """The node told, or did not, what it measured in the last minute."""

    node: str
    boot: str
    answer: Answer


class Watch:
    """One node, as its collector watches it."""

    __slots__ = (
        "_asked", "_asked_at", "_board", "_clock", "_engine", "_events", "_every", "_interval", "_is_asking",
        "_is_old", "_jitter", "_left", "_measures_every", "_node", "_number", "_own_sample", "_ref",
    )  # fmt: skip

    def __init__(
        self,
        node: str,
        board: Board,
        engine: Callable[[], Engine | None],
        ref: Ref,
        clock: Clock,
        interval: float,
        own_sample: Callable[[], Sample | None] | None,
        jitter: Callable[[], float] = lambda: 0.0,
    ) -> None:
        """See `Collector.init`; `ref` is the collector, which is told of what is not a sample."""
        self._node, self._board, self._engine, self._ref, self._clock = node, board, engine, ref, clock
        self._interval = interval
        self._own_sample = own_sample
        self._jitter = jitter
        self._every = interval  # seconds from one question to the next
        self._measures_every = 0.0  # as far as we know
        self._asked_at = float("-inf")
        self._is_asking = False
        self._left = 0  # questions that may still be asked in this interval
        self._asked = ""  # the life that was asked last, which the following are about
        self._number = -1  # of its last sample
        self._events = -1  # of its last event that we know
        self._is_old = False  # it knows nothing of waiting for a sample

    def beat(self, now: float) -> None:
        """Ask if it is time to, unless an answer is on its way."""
        every = self._board.every(self._node)
        if every > self._every:
            # So that those of a large cluster, which all slow down at once, are not all asked at once later on.
            self._asked_at = now - every * (0.5 + self._jitter())
        self._every = every
        self._board.put_every(self._node, max(every, self._measures_every))
        member = self._board.member(self._node)
        is_another = member is not None and member.boot != self._asked
        if is_another or now - self._asked_at >= every - self._interval / 2:
            self._left = _QUESTIONS
            self._ask(member, now)

    def rest(self) -> None:
        """Nobody looks any more."""
        self._board.put_every(self._node, None)

    def take_events(self, message: Happened) -> None:
        """Put on the board what happened there."""
        if message.answer.error is None and message.boot == self._asked:
            # What others think of the cluster, this node knows for itself, from its membership and its rules.
            told = [event.record for event in self._board.unheard(self._node, message.boot, message.answer.value)]
            own = ("node_", "alert_")
            news = (one for one in told if not str(one.get("what", "")).startswith(own))
            self._board.put_events([one for one in news if can_be_said(one)])

    def take_trail(self, message: Remembered) -> None:
        """Put on the board what it measured before we looked."""
        if message.boot != self._asked or message.answer.error is not None:
            return
        try:
            points = msgspec.convert(message.answer.value.get("points"), _Points)
        except msgspec.ValidationError:
            return  # it may be of any version
        self._board.put_trail(self._node, points)

    def _ask(self, member: Member | None, now: float) -> None:
        if self._own_sample is not None:
            if (sample := self._own_sample()) is not None:
                self._asked_at = now
                self._board.put_reading(self._node, sample, 0.0)
            return
        engine = self._engine()
        # One question at a time: a node that is slow is not asked faster for it.
        if member is None or engine is None or self._is_asking or self._left <= 0 or member.status is Status.DOWN:
            return
        self._is_asking, self._asked_at = True, now
        if member.boot != self._asked:  # another life, perhaps another version
            self._asked, self._number, self._events, self._is_old = member.boot, -1, -1, False
        self._submit(engine, member.address)

    # From here on it is on the thread of whoever has the one question that is allowed: the collector asks when
    # there is none, and until it has come to nothing the rest is done where the answers arrive.

    def _submit(self, engine: Engine, address: str) -> None:
        self._left -= 1
        asked_at = self._clock.monotonic()
        patience = max(2 * self._interval, 2.0)
        method, args = (SAMPLE, ()) if self._is_old else (SAMPLE_AFTER, (self._number, patience))
        engine.submit(
            address,
            method,
            args,
            timeout=patience + (_FIRST if self._number < 0 else _FOLLOWING),
            done=lambda answer: self._came(asked_at, address, answer),
        )

    def _came(self, asked_at: float, address: str, answer: Answer) -> None:
        again = None
        try:
            if isinstance(answer.error, LookupError) and not self._is_old:
                self._is_old, again = True, self._engine()  # of an older version: it is asked at each beat
            elif answer.error is None:  # else the membership finds out by itself whether the node is gone
                again = self._take(asked_at, address, answer.value)
        finally:
            if again is not None and self._left > 0:
                self._submit(again, address)
            else:
                self._is_asking = False

    def _take(self, asked_at: float, address: str, told: Report | Sample) -> Engine | None:
        """Put what came on the board; answer the engine if the next is to be asked for at once."""
        took = self._clock.monotonic() - asked_at
        if not isinstance(told, Report):
            self._put(address, told, took)
            return None
        before, self._number = self._number, told.number
        self._measures_every = told.every
        is_first, engine = before < 0, self._engine()
        missed = 0 if is_first else max(told.number - before - 1, 0)
        is_of_this_life = told.sample is not None and told.sample.boot == self._asked
        if engine is not None and is_of_this_life:
            # Before the next question, which the node keeps waiting: all of it goes over one connection.
            if is_first or (missed and self._every <= self._interval):  # the gap is filled
                self._ask_for_trail(engine, address)
            if told.events != self._events:
                self._ask_for_events(engine, address, told.events)
        if told.sample is None or told.number == before:
            return None
        # How long a question took says something only of one that nobody waited with.
        self._put(address, told.sample, took if is_first or missed else None, missed)
        # At once, to have it as soon as it is taken; unless it is taken oftener than we want to know.
        is_wanted = is_of_this_life and self._every <= 1.5 * told.every and self._board.is_looked_at
        return engine if is_wanted else None

    def _put(self, address: str, sample: Sample, took: float | None, missed: int = 0) -> None:
        member = self._board.member(self._node)
        if member is not None and (member.address, member.boot) == (address, sample.boot):
            self._board.put_reading(self._node, sample, took, missed)

    def _ask_for_trail(self, engine: Engine, address: str) -> None:
        ref, node, boot = self._ref, self._node, self._asked
        args = (list(TRAILS), _TRAIL_SECONDS, self._interval)
        engine.submit(
            address, _RECENT, args, timeout=2.0, done=lambda answer: ref.cast(Remembered(node, boot, answer))
        )

    def _ask_for_events(self, engine: Engine, address: str, last: int) -> None:
        after = max(self._events, last - _FIRST_EVENTS) if self._events < 0 else self._events
        self._events = last
        if last > after:
            ref, node, boot = self._ref, self._node, self._asked
            args = (after, _MOST_EVENTS)
            engine.submit(
                address,
                _EVENTS,
                args,
                timeout=2.0,
                done=lambda answer: ref.cast(Happened(node, boot, answer)),
            )
