"""What happened in a tree, to be asserted: the events that a system told, in order."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

from eye.errors import Settling
from eye.supervision import events
from eye.testing.settling import PATIENCE

if TYPE_CHECKING:
    from eye.supervision.events import Event
    from eye.supervision.system import System

E = TypeVar("E", bound=events.Event)


class EventLog:
    """Keeps every event of a system from now on.

    told = EventLog(system)
    system.cast("sender", crash)
    drain(system)
    assert [event.path for event in told.of(events.ChildStarted)] == ["/top/sender"]
    """

    def __init__(self, system: System) -> None:
        self._inbox = system.inbox()
        self._read: list[Event] = []
        system.topics.subscribe(events.TOPIC, self._inbox)

    @property
    def all(self) -> list[Event]:
        """Everything so far."""
        self._read += self._inbox.drain()
        return list(self._read)

    def of(self, kind: type[E]) -> list[E]:
        """Everything of one kind so far."""
        return [event for event in self.all if isinstance(event, kind)]

    def await_one(self, kind: type[E], timeout: float = PATIENCE) -> E:
        """Wait for the first event of a kind, counted from the beginning; answer it.

        Raises:
            Settling: none came within `timeout` seconds of real time.
        """
        deadline = time.monotonic() + timeout
        while not (found := self.of(kind)):
            try:
                self._read.append(self._inbox.get(max(deadline - time.monotonic(), 0.0)))
            except TimeoutError:
                raise Settling(timeout, f"no {kind.__name__} was told") from None
        return found[0]
