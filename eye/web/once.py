"""One question to a node for all who ask it at the same time: fifty viewers of a tree cost it no more than one.

Who comes while the question is on its way waits for its answer, and who comes a moment later gets the same one.
An answer says itself how old it is (`at`).
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

from eye.errors import EyeError

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

KEPT = 0.5
"""Seconds for which an answer, or an error, is given to others who ask the same."""


class _Question:
    def __init__(self) -> None:
        self.asking = threading.Lock()
        self.told: Any = None
        self.error: EyeError | None = None
        self.at: float | None = None  # when the answer came


class Once:
    """Asks once for many. Any number of threads."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._questions: dict[Hashable, _Question] = {}

    def ask(self, question: Hashable, answer: Callable[[], Any]) -> Any:
        """Give the answer of whoever asks just now, or has a moment ago; else `answer()`, or what it raises."""
        with self._lock:
            self._questions = {key: one for key, one in self._questions.items() if not self._is_over(one)}
            asked = self._questions.setdefault(question, _Question())
        with asked.asking:
            if asked.at is None:
                try:
                    asked.told = answer()
                except EyeError as error:
                    asked.error = error
                except BaseException:
                    with self._lock:
                        self._questions.pop(question, None)  # it has no answer, and would never be over
                    raise
                asked.at = self._now()
        if asked.error is not None:
            raise asked.error.with_traceback(None)
        return asked.told

    def _is_over(self, asked: _Question) -> bool:
        return asked.at is not None and self._now() - asked.at >= KEPT
