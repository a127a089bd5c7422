"""Names for processes: who is called what, in one system.

A name belongs to at most one live process, and is free again the moment that process ends, before
anybody is told of the end.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from eye.errors import AlreadyStarted

if TYPE_CHECKING:
    from eye.supervision.process import Ref


class Names:
    """The unique names of one system."""

    def __init__(self) -> None:
        self._holders: dict[str, Ref] = {}
        self._lock = threading.Lock()

    def claim(self, name: str, ref: Ref) -> None:
        """Give the name to a process.

        Raises:
            AlreadyStarted: somebody live has it.
        """
        with self._lock:
            holder = self._holders.get(name)
            if holder is not None and holder.is_alive:
                raise AlreadyStarted(name, holder)
            self._holders[name] = ref

    def release(self, name: str, ref: Ref) -> None:
        """Take the name back, if that process still has it."""
        with self._lock:
            if self._holders.get(name) is ref:
                del self._holders[name]

    def find(self, name: str) -> Ref | None:
        """Answer who has the name now: nobody that has ended."""
        holder = self._holders.get(name)
        return holder if holder is not None and holder.is_alive else None

    def all(self) -> dict[str, Ref]:
        with self._lock:
            return dict(self._holders)
