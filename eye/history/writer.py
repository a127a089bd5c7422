"""The process that writes history down: every second or two one batch of whatever has come.

    heard --> Keeping (waits) --> claimed? --> one batch in one transaction --> tidy, a step or two
                  ^                                  |
                  '---------- put back -------- it failed: said once, tried again less and less often

A SIGKILL loses what has come since the last batch, and nothing else. A node belongs to one writer; of
another's nodes nothing is written, until that one is gone. What was missed meanwhile is fetched from the nodes
themselves (`gaps`), a few at a time.
"""

from __future__ import annotations

import logging
from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple

from eye.errors import HistoryError, HistoryOff, HistoryUnusable
from eye.history import gaps
from eye.history.keeping import Moments, Taken, fresh
from eye.history.retention import MINUTE
from eye.history.store import MOST_METRICS, is_name
from eye.metrics.custom import PREFIX, metric
from eye.supervision.answers import Continue
from eye.supervision.gen_server import GenServer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from eye.history.gaps import Gap, Piece
    from eye.history.keeping import Keeping
    from eye.history.store import Filling, Row
    from eye.supervision.reasons import Reason

    Done = Callable[[dict[str, Any] | None], None]

logger = logging.getLogger("eye.history")

CLAIM = 15.0
"""Seconds after which the nodes of a writer that is gone are anybody's."""

_RENEW = 5.0  # seconds from one claim to the next
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 30.0  # seconds between two tries, while the database does not work
_STEPS = 4  # of tidying, after each batch
_LOOK_AGAIN = 60.0  # seconds until the next look for something to tidy, when there was nothing
_NODES_AT_ONCE = 5  # asked about their gaps, in the time of one batch
_NAMES_AT_ONCE = 50  # metrics that a node answers at once


class Asking(NamedTuple):
    """What the writer needs of the world around it."""

    look: Callable[[], None]
    """Keeps the nodes being asked for some seconds."""
    recent: Callable[[str, list[str], float, float, Done], None]
    """Asks a node for its last so many seconds, in buckets; some thread calls back with the answer, or None."""


class Write(NamedTuple):
    """It is time for a batch."""


class Fetched(NamedTuple):
    """A node answered about a gap, or did not."""

    piece: Piece
    names: tuple[str, ...]
    answer: dict[str, Any] | None


class Writer(GenServer):
    """Writes batches."""

    def init(
        self,
        keeping: Keeping,
        topic: str,
        asking: Asking,
        *,
        me: str,
        interval: float = 1.0,
        every: float = 2.0,
        begin: float = 0.0,
    ) -> Continue | None:
        """Begin to write.

        Args:
            keeping: what waits, and the store. It outlives this process.
            topic: what it is subscribed to.
            me: what tells this writer from all others.
            interval: seconds from one sample of a node to the next.
            every: seconds from one batch to the next.
            begin: seconds until the first. The database is loaded then, which must not slow down what somebody
                waits for, as a screen's first rows.
        """
        self.trap_exit = True
        self._keeping, self._topic, self._asking = keeping, topic, asking
        self._me, self._interval, self._every = me, interval, every
        self._moments = Moments()
        self._mine: frozenset[str] = frozenset()
        self._others: frozenset[str] = frozenset()
        self._claimed_at = float("-inf")
        self._heard_at: dict[str, float] = {}  # by the monotonic clock, to some seconds
        self._last: dict[str, float] = {}
        self._between: dict[str, float] = {}  # seconds, between the last two
        self._names: dict[str, list[str]] = {}
        self._units: dict[str, str] = {}
        self._gaps: deque[Gap] = deque()
        self._found: tuple[list[Row], list[Filling]] = ([], [])
        self._pause = 0.0
        self._failed_at: float | None = None
        self._tidy_at = float("-inf")
        self._tidied = self.system.clock.monotonic()
        self.system.topics.unsubscribe(topic, keeping)  # a predecessor that crashed has left it there
        self.system.topics.subscribe(topic, keeping)
        asking.look()
        if not begin:
            return Continue(Write())
        self.system.send_after(self.ref, begin, Write())
        return None

    def handle_continue(self, message: Write) -> None:
        self.handle_info(message)

    def handle_info(self, message: Any) -> Any:
        if not isinstance(message, Write):
            return super().handle_info(message)
        self._asking.look()
        if self._write():
            self._tidy()
            self._ask_about_gaps()
        self.system.send_after(self.ref, self._pause or self._every, Write())
        return None

    def handle_cast(self, message: Any) -> Any:
        if not isinstance(message, Fetched):
            return super().handle_cast(message)
        piece, told = message.piece, gaps.understood(message.answer, message.names)
        if told is not None and piece.gap.node in self._mine:
            moved = self._moments.moved(piece.gap.node)
            if piece.step < MINUTE:
                self._found[0].extend(gaps.rows(piece, told, moved))
            else:
                self._found[1].extend(gaps.fillings(piece, told, moved, self._interval))
        return None

    def terminate(self, reason: Reason) -> None:
        del reason
        self.system.topics.unsubscribe(self._topic, self._keeping)
        if self._write():
            try:
                self._keeping.store.release(self._me)
                self._keeping.store.close()
            except HistoryError:
                pass  # the claims run out by themselves

    # ----------------------------------------------------------------------------- writing

    def _write(self) -> bool:
        """Write what waits; answer whether that was possible."""
        taken = self._keeping.take()
        found, self._found = self._found, ([], [])
        try:
            heard = [self._moments.row(one) for one in taken.heard if is_name(one.node)]
            self._claim({row.node for row in heard})
            rows = fresh((row for row in heard if row.node in self._mine), self._last)
            self._keeping.store.write([*rows, *found[0]], found[1])
            self._describe(taken)
        except HistoryError as error:
            self._keeping.put_back(taken)
            self._found = found
            self._fail(error)
            return False
        self._remember(rows)
        if rows or any(found):  # else the store may not even have been asked
            self._recover(taken, len(rows))
        return True

    def _describe(self, taken: Taken) -> None:
        """Have the units of the programs' own figures remembered, once."""
        said = {
            PREFIX + name: metric(name, about).unit.value  # a node may say what is none
            for one in taken.heard
            for name, about in (one.sample.about or {}).items()
        }
        new = {name: unit for name, unit in said.items() if self._units.get(name) != unit}
        if new:
            self._keeping.store.describe(new)
            self._units = new if len(self._units) > MOST_METRICS else self._units | new

    def _claim(self, seen: set[str]) -> None:
        now = self.system.clock.monotonic()
        self._heard_at |= dict.fromkeys(seen, now)
        if seen <= (self._mine | self._others) and now - self._claimed_at < _RENEW:
            return
        self._forget(now)
        wanted = seen | self._mine
        utc = self.system.clock.now()
        mine = self._keeping.store.claim(self._me, wanted, utc, CLAIM)
        new = mine - self._last.keys()
        for node in self._mine - mine:
            self._last.pop(node, None)
        self._last |= self._keeping.store.last(new, utc - gaps.REMEMBERED) if new else {}
        self._mine, self._others, self._claimed_at = mine, frozenset(wanted) - mine, now

    def _forget(self, now: float) -> None:
        """Forget the nodes that were not heard from for an hour: in a fleet names come and go."""
        gone = {node for node, at in self._heard_at.items() if now - at > gaps.REMEMBERED}
        for table in (self._heard_at, self._last, self._between, self._names):
            for node in gone:
                table.pop(node, None)
        self._mine, self._others = self._mine - gone, self._others - gone
        self._moments.forget(gone)

    def _remember(self, rows: Sequence[Row]) -> None:
        """Remember what was written last, and the gaps that lie before it."""
        waiting = {gap.node for gap in self._gaps}
        for row in rows:
            last, before = self._last.get(row.node), self._between.get(row.node, 0.0)
            gap = gaps.find(row.node, last, row.at, self._interval, before)
            if gap is not None and row.node not in waiting:
                self._gaps.append(gap)
                waiting.add(row.node)
            if last is not None and row.at > last:  # else the clock was put back
                self._between[row.node] = row.at - last
            self._last[row.node] = row.at
            if len(row.figures) != len(self._names.get(row.node, ())):
                self._names[row.node] = list(row.figures)

    # ---------------------------------------------------------------------------- troubles

    def _fail(self, error: HistoryError) -> None:
        """Say what is wrong, once, and try again later."""
        said = error.problem if isinstance(error, HistoryUnusable) else str(error)
        if self._keeping.trouble is None or _gist(said) != _gist(self._keeping.trouble):
            if isinstance(error, HistoryOff):
                logger.warning("%s", error)
            else:
                logger.warning("%s. The newest samples wait, everything else goes on", error)
        self._keeping.trouble = said
        self._pause = min(max(2 * self._pause, _FIRST_PAUSE), _LONGEST_PAUSE)
        if self._failed_at is None:
            self._failed_at = self.system.clock.monotonic()

    def _recover(self, taken: Taken, written: int) -> None:
        """Say that all is well again, if it was not."""
        self._pause = 0.0
        if self._failed_at is not None:
            seconds = self.system.clock.monotonic() - self._failed_at
            lost = f"; {taken.lost} had to go, and are asked for again" if taken.lost else ""
            logger.warning(
                "the history at %s is written again, after %.0f s: %d sample%s had waited%s",
                self._keeping.place, seconds, written, "" if written == 1 else "s", lost,
            )  # fmt: skip
            self._failed_at = None
        self._keeping.trouble = None

    # --------------------------------------------------------------------- between batches

    def _tidy(self) -> None:
        now = self.system.clock.monotonic()
        if now < self._tidy_at:
            return
        passed, self._tidied = now - self._tidied, now
        try:
            for _ in range(_STEPS):
                is_more = self._keeping.store.tidy(self.system.clock.now(), passed)
                passed = 0.0
                if not is_more:
                    self._tidy_at = now + _LOOK_AGAIN
                    break
            if self._failed_at is not None:  # nothing came that would have told
                self._recover(Taken((), 0), 0)
        except HistoryError as error:
            self._fail(error)

    def _ask_about_gaps(self) -> None:
        for _ in range(min(_NODES_AT_ONCE, len(self._gaps))):
            gap = self._gaps.popleft()
            names = self._names.get(gap.node, [])
            for piece in gaps.pieces(gap):
                seconds = piece.seconds(self.system.clock.now())
                for begin in range(0, len(names), _NAMES_AT_ONCE):
                    some = names[begin : begin + _NAMES_AT_ONCE]
                    self._asking.recent(gap.node, some, seconds, piece.step, self._answer_to(piece, some))

    def _answer_to(self, piece: Piece, names: Sequence[str]) -> Done:
        ref = self.ref
        return lambda answer: ref.cast(Fetched(piece, tuple(names), answer))


def _gist(problem: str) -> str:
    return problem.partition(" (")[0]
