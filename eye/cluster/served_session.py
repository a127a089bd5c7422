"""What one other node has going on here: its monitors and links, and the notices that it has not fetched yet."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING

from eye.cluster.parcels import pack_reason
from eye.cluster.remote_words import Notice
from eye.errors import DecodeRefused, RemoteSessionLost
from eye.supervision.reasons import NOCONNECTION

if TYPE_CHECKING:
    from collections.abc import Callable

    from eye.cluster.parcels import Parcel
    from eye.supervision.reasons import Reason

_MOST_NOTICES = 10_000  # that one session leaves lying
_MOST_TIES = 10_000  # monitors and links of one session
_MOST_BYTES = 1024 * 1024  # of notices in one answer, but for a single one that has more


class ServedSession:
    """What one other node has going on here."""

    def __init__(self, name: str, boot: str, now: float) -> None:
        self.name, self.boot = name, boot
        self.asked_at = now
        self.is_over = False
        self._changed = threading.Condition()
        self._notices: deque[Notice] = deque()
        self._number = 0
        self._ties: dict[int, Callable[[Reason | None], None]] = {}  # by ticket

    def tie(self, ticket: int, end: Callable[[Reason | None], None]) -> None:
        """Remember a monitor or a link by what ends it with a reason, or takes it back (None)."""
        if len(self._ties) >= _MOST_TIES:
            raise DecodeRefused(f"a node has at most {_MOST_TIES} monitors and links here")
        self._ties[ticket] = end

    def untie(self, ticket: int, reason: Reason | None = None) -> None:
        """End a monitor or a link, or take it back."""
        if (end := self._ties.pop(ticket, None)) is not None:
            end(reason)

    def note(self, what: str, ticket: int, parcel: Parcel | None = None, reason: Reason | None = None) -> None:
        """Have the other node told something."""
        if what in ("down", "exit"):
            self._ties.pop(ticket, None)
        told = None if reason is None else pack_reason(reason)
        with self._changed:
            if len(self._notices) >= _MOST_NOTICES:
                self.is_over = True  # nobody fetches them; the asker is told when it asks next
            if not self.is_over:
                self._number += 1
                self._notices.append(Notice(self._number, what, ticket, parcel, told))
            self._changed.notify_all()

    def after(self, number: int, seconds: float) -> list[Notice]:
        """Wait for notices after the one of that number, which has arrived, and give them."""
        with self._changed:
            while self._notices and self._notices[0].number <= number:
                self._notices.popleft()
            self._changed.wait_for(lambda: self._notices or self.is_over, seconds)
            if self.is_over:
                raise RemoteSessionLost
            given, size = list[Notice](), 0
            for notice in self._notices:
                size += len(notice.parcel.body) if notice.parcel is not None else 0
                if given and size > _MOST_BYTES:
                    break
                given.append(notice)
            return given

    def end(self) -> None:
        """The other node is gone, or has forgotten us."""
        with self._changed:
            self.is_over = True
            self._notices.clear()
            self._changed.notify_all()
        for ticket in list(self._ties):
            self.untie(ticket, NOCONNECTION)

    def interrupt(self) -> None:
        """Let whoever waits for notices go."""
        with self._changed:
            self.is_over = True
            self._changed.notify_all()
