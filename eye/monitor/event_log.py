"""The last things that happened, numbered, for whoever comes later: bounded, in memory, read without waiting."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING

from eye.monitor.methods import Event

if TYPE_CHECKING:
    from eye.monitor.chronicle import Record

MOST = 1000
"""Records kept."""


class EventLog:
    """A ring of records. Any number of writers and readers."""

    def __init__(self, most: int = MOST) -> None:
        self._lock = threading.Lock()
        self._events: deque[Event] = deque(maxlen=most)
        self._last = 0

    @property
    def last(self) -> int:
        """The number of the last record; 0 before the first."""
        return self._last

    def put(self, record: Record) -> None:
        """Keep a record, in place of the oldest when there is no more room."""
        with self._lock:
            self._last += 1
            self._events.append(Event(self._last, record))

    def after(self, number: int, most: int = MOST) -> list[Event]:
        """Give the records after the one of that number, the oldest first; of too many only the last."""
        with self._lock:
            newer = [event for event in self._events if event.number > number]
        return newer[-most:] if most > 0 else []
