"""The process that watches nodes, one or a batch of them: as long as somebody looks, each tells it its samples.

A node that nobody looks at is not asked at all; that it is alive, the membership knows. How often one is asked
that somebody does look at, `pace` decides. Whatever a collector learns lies on the board, so one that crashes
leaves the last readings there, with their age.

A collector that is late with one beat after the other says so: then its node is strained, and asks more seldom.
"""

from __future__ import annotations

import logging
import math
from typing import TYPE_CHECKING, Any, NamedTuple

from eye.monitor.pace import Wish
from eye.monitor.watch import Happened, Remembered, Watch
from eye.supervision.answers import Continue
from eye.supervision.gen_server import GenServer

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from eye.cluster.interconnect import Engine
    from eye.metrics.sample import Sample
    from eye.monitor.board import Board

logger = logging.getLogger("eye.monitor")

LOOKING = "eye.monitor.looking"
"""Broadcast when somebody begins to look, so that nobody waits for the next beat."""

_MOMENTS = 8
"""Of one interval, at which collectors have their beats: the timers wake up so often, however many those are."""

_LATE = 0.25  # seconds that any beat may be late by: with a short interval, a busy machine is not yet behind


class Beat(NamedTuple):
    """It is time to ask, unless nobody looks."""


class Looking(NamedTuple):
    """Somebody began to look, or there are other nodes to watch."""


class Collector(GenServer):
    """Watches some nodes."""

    def init(
        self,
        nodes: Collection[str],
        board: Board,
        engine: Callable[[], Engine | None],
        *,
        interval: float = 1.0,
        jitter: Callable[[], float] = lambda: 0.0,
        own: tuple[str, Callable[[], Sample | None]] | None = None,
    ) -> Continue:
        """Begin to watch.

        Args:
            nodes: their names. It is looked at again at each `Looking`, and after a restart.
            board: where their readings are put, and where their addresses are looked up each time: a node
                that comes back may be elsewhere.
            engine: answers the interconnect of the moment, None while it restarts.
            interval: seconds between two questions while somebody looks.
            jitter: a share of the interval, -0.5 to 0.5, by which the first beat is moved, so that the
                collectors of a large cluster do not all ask in the same instant.
            own: this very node's name, and what reads its sample, which needs no wire.
        """
        self._nodes = nodes
        self._board = board
        self._engine = engine
        self._interval = interval
        self._jitter = jitter
        self._own = own
        self._watches: dict[str, Watch] = {}
        self._next: float | None = None
        self._was_late = False
        self.subscribe(LOOKING)
        return Continue(Looking())

    def handle_continue(self, message: Looking) -> None:
        self.handle_info(message)

    def handle_info(self, message: Any) -> Any:
        if isinstance(message, Beat):
            self._beat()
        elif isinstance(message, Looking):
            self._look()
        else:
            return super().handle_info(message)
        return None

    def handle_cast(self, message: Any) -> Any:
        if not isinstance(message, (Happened, Remembered)):
            return super().handle_cast(message)
        watch = self._watches.get(message.node)
        if watch is None:
            return None  # nobody wants to know of that node any more
        if isinstance(message, Happened):
            watch.take_events(message)
        else:
            watch.take_trail(message)
        return None

    def _look(self) -> None:
        wanted = set(self._nodes)
        for node in self._watches.keys() - wanted:
            del self._watches[node]
        new = sorted(wanted - self._watches.keys())
        for node in new:
            own = self._own[1] if self._own is not None and self._own[0] == node else None
            self._watches[node] = Watch(
                node, self._board, self._engine, self.ref, self.system.clock, self._interval, own, self._jitter
            )
        if not self._board.is_looked_at:
            return
        now = self.system.clock.monotonic()
        for node in sorted(wanted):
            self._watches[node].beat(now)
        if self._next is None:
            self._next = _shared(now + self._interval * self._jitter(), self._interval)
            self._schedule()

    def _beat(self) -> None:
        now = self.system.clock.monotonic()
        self._say_whether_late(now)
        if self._board.is_looked_at:
            for watch in self._watches.values():
                watch.beat(now)
            self._schedule()
        else:
            for watch in self._watches.values():
                watch.rest()
            self._next = None  # not even a timer, until somebody looks again

    def _say_whether_late(self, now: float) -> None:
        assert self._next is not None
        is_late = now - self._next > max(self._interval / 2, _LATE)
        # One alone may be a machine that slept, or a moment's load.
        if self._board.strain.tell(is_late and self._was_late, now):
            steps = self._board.strain.steps
            every = self._board.rule.every(Wish.ALWAYS, 0, steps)
            logger.info(
                "behind by %d steps: nodes that nobody looks at closely are asked every %g s", steps, every
            )
        self._was_late = is_late

    def _schedule(self) -> None:
        assert self._next is not None
        now = self.system.clock.monotonic()
        missed = max(int((now - self._next) / self._interval), 0)
        self._next += (missed + 1) * self._interval
        self.system.send_at(self.ref, self._next, Beat())


def _shared(moment: float, interval: float) -> float:
    """Answer the next moment that other collectors have their beats at, too."""
    return math.ceil(moment / interval * _MOMENTS) / _MOMENTS * interval
