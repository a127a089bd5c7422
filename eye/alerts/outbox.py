"""What a sink has yet to tell: numbered, bounded, and outliving the process that tells it."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from eye.alerts.alert import Record

MOST = 1000
"""Records that wait for one sink; of more, the oldest are lost, and counted."""


class Outbox:
    """The records that wait for one sink. All methods may be called from any thread."""

    def __init__(self, most: int = MOST) -> None:
        self._lock = threading.Lock()
        self._waiting: deque[tuple[int, Record]] = deque()
        self._most = most
        self._last = 0
        self.lost = 0

    def put(self, records: Iterable[Record]) -> None:
        """Put records in."""
        with self._lock:
            for record in records:
                self._last += 1
                self._waiting.append((self._last, record))
            while len(self._waiting) > self._most:
                self._waiting.popleft()
                self.lost += 1

    def look(self, most: int) -> tuple[int, list[Record]]:
        """Answer the records that have waited longest, and the number of the last of them; they stay."""
        with self._lock:
            first = list(self._waiting)[:most]
        return (first[-1][0] if first else 0), [record for _, record in first]

    def forget(self, number: int) -> None:
        """Take out the records up to that number."""
        with self._lock:
            while self._waiting and self._waiting[0][0] <= number:
                self._waiting.popleft()

    def __len__(self) -> int:
        return len(self._waiting)
