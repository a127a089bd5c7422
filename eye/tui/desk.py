"""Asks nodes what a page needs, in the background, and keeps the last answer of each question with its age.

A page never waits: it shows what came last, and says how old that is when the next answer does not come. Each
question is on its way once at a time, has its own deadline, and is not repeated sooner than it is asked to be.
Only the answers that were wanted last are kept.
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any, NamedTuple

from eye.errors import EyeError

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from eye.clock import Clock


logger = logging.getLogger("eye.observe")

_MOST = 64  # answers


class Kept(NamedTuple):
    """The last answer to a question: when it came (monotonic), and what went wrong since, if anything."""

    answer: Any = None
    at: float | None = None
    trouble: str | None = None


class Desk:
    """Questions on their way, and the last answers. Its methods may be called from any thread."""

    def __init__(self, clock: Clock, told: Callable[[], None] = lambda: None) -> None:
        """`told` is called, on a thread of the desk, whenever an answer has come."""
        self._clock = clock
        self._told = told
        self._lock = threading.Lock()
        self._kept: dict[Hashable, Kept] = {}
        self._asked: dict[Hashable, float] = {}
        self._busy: set[Hashable] = set()

    def ask(
        self, question: Hashable, answer: Callable[[], Any], *, every: float, lane: Hashable | None = None
    ) -> Kept:
        """Give what is known, and ask again if the last time is `every` seconds ago.

        Of the questions of one `lane` one is on its way at a time: who hurries on asks where they come to rest.
        """
        now, lane = self._clock.monotonic(), question if lane is None else lane
        with self._lock:
            kept = self._kept.pop(question, Kept())
            self._kept[question] = kept  # the last one that was wanted
            is_due = question not in self._asked or now - self._asked[question] >= every
            if not is_due or lane in self._busy:
                return kept
            self._busy.add(lane)
            self._asked[question] = now
            self._forget_the_oldest()
        try:
            threading.Thread(
                target=self._fetch, args=(question, answer, lane), name="eye-observe-ask", daemon=True
            ).start()
        except RuntimeError:  # the system has no thread left
            self._free(lane)
            self.forget(question)
        return kept

    def age(self, kept: Kept) -> float | None:
        """Say how many seconds ago the answer came; None if none did."""
        return None if kept.at is None else self._clock.monotonic() - kept.at

    def forget(self, question: Hashable) -> None:
        """Have the question asked anew at its next turn."""
        with self._lock:
            self._asked.pop(question, None)

    def _forget_the_oldest(self) -> None:
        while len(self._kept) > _MOST:
            oldest = next(iter(self._kept))
            del self._kept[oldest]
            self._asked.pop(oldest, None)

    def _fetch(self, question: Hashable, answer: Callable[[], Any], lane: Hashable) -> None:
        try:
            kept = Kept(answer(), self._clock.monotonic())
        except (EyeError, LookupError, ValueError, TimeoutError) as error:  # these arrive from nodes as themselves
            kept = self._kept.get(question, Kept())._replace(trouble=str(error))
        except Exception as error:  # a bug, which shall not keep the page from asking for ever
            logger.exception("a question of the screen ended in a bug")
            trouble = f"something unexpected happened: {error!r}"
            kept = self._kept.get(question, Kept())._replace(trouble=trouble)
        with self._lock:
            self._kept[question] = kept
            self._busy.discard(lane)
        self._told()

    def _free(self, lane: Hashable) -> None:
        with self._lock:
            self._busy.discard(lane)
