"""A mailbox for plain code: a thread that is no process can be sent to, and told of exits."""

from __future__ import annotations

import queue
import time
from typing import TYPE_CHECKING, Any

from eye.supervision.messages import Down
from eye.supervision.ref import here

if TYPE_CHECKING:
    from eye.supervision.system import System


class Inbox:
    """Takes what is sent to it, and hands it out in that order. Any thread may put in and take out."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._items: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def send(self, message: Any) -> None:
        me = here.ref
        if me is None or me.exit_reason is None:  # what an abandoned process says is not heard
            self._items.put(message)

    cast = send

    def deliver(self, item: Any) -> None:
        self._items.put(item)

    def get(self, timeout: float | None = None) -> Any:
        """Wait for the next message.

        Raises:
            TimeoutError: nothing came within `timeout` seconds (of real time).
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            left = None if deadline is None else max(deadline - time.monotonic(), 0.0)
            try:
                item = self._items.get(timeout=left)
            except queue.Empty:
                raise TimeoutError(f"no message within {timeout:g} s") from None
            if not _is_flushed(item):
                return item

    def drain(self) -> list[Any]:
        """Take all that is there, without waiting."""
        items: list[Any] = []
        while True:
            try:
                item = self._items.get_nowait()
            except queue.Empty:
                return items
            if not _is_flushed(item):
                items.append(item)


def _is_flushed(item: Any) -> bool:
    return isinstance(item, Down) and item.monitor.is_flushed
