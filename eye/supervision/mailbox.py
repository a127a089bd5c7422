"""A mailbox that holds only so many messages, and what happens to one too many.

    ChildSpec(Parser, mailbox=Mailbox(1000))                                 the sender is told: MailboxFull
    ChildSpec(Gauge, mailbox=Mailbox(1, when_full=Overflow.DROP_OLDEST))     only the latest counts
    ChildSpec(Log, mailbox=Mailbox(10_000, when_full=Overflow.DROP_NEWEST))  what does not fit is lost

Unless one is asked for, a mailbox takes whatever comes, as in OTP, and pays nothing for this.

Calls, casts and other messages count. What the framework itself has to say (exit signals, `Down`, system
requests, the end of a wait) does not count, and is never refused or dropped; so a process whose mailbox is
full can be looked at, suspended and stopped. Nobody is left waiting: a call that is refused or dropped
fails at once with `MailboxFull`, whatever the policy.

A message that nobody sends at that moment, of a timer or a topic, is dropped where it would be refused: there is
no sender to be told.
"""

from __future__ import annotations

import enum
import queue
import threading
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eye.errors import BadChildSpec, MailboxFull
from eye.supervision.messages import Caller, Cast, Down, Exit, IdleCheck, Info, SystemRequest, Wake
from eye.supervision.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Callable

MAILBOX_FULL = Reason("mailbox_full")
"""The reason that a call fails with which found no room, or had to make room."""

_NOT_COUNTED = frozenset({SystemRequest, Exit, Down, Wake, IdleCheck})


class Overflow(enum.Enum):
    """What happens when a message comes to a full mailbox."""

    REJECT = "reject"
    """Its sender gets `MailboxFull`."""
    DROP_OLDEST = "drop_oldest"
    """The oldest that waits makes room."""
    DROP_NEWEST = "drop_newest"
    """It is lost itself, and a cast that is lost is not heard of."""


@dataclass(frozen=True, slots=True)
class Mailbox:
    """How many messages may wait, and what happens to one too many."""

    limit: int
    when_full: Overflow = Overflow.REJECT

    def __post_init__(self) -> None:
        if not isinstance(self.limit, int) or isinstance(self.limit, bool) or self.limit < 1:
            raise BadChildSpec(f"a mailbox: limit must be a whole number > 0, not {self.limit!r}")
        if not isinstance(self.when_full, Overflow):
            raise BadChildSpec(f"a mailbox: when_full must be an Overflow, not {self.when_full!r}")


class BoundedInbox:
    """The queue behind such a mailbox. Anybody puts in; the process alone takes out.

    Args:
        mailbox: limit and policy.
        owner: whose it is, for the error.
        on_overflow: called, without a lock held, after each message that was dropped or refused.
    """

    def __init__(self, mailbox: Mailbox, owner: object, on_overflow: Callable[[], None]) -> None:
        self.mailbox = mailbox
        self.dropped = 0
        """How many messages found no room, or had to make room."""
        self.removed = 0
        """How many of those had been in it."""
        self._owner = owner
        self._on_overflow = on_overflow
        self._items: deque[Any] = deque()
        self._counted = 0
        self._changed = threading.Condition(threading.Lock())

    def put(self, item: Any) -> None:
        """Put a message in.

        Raises:
            MailboxFull: there is no room, and the policy is to say so.
        """
        counts = type(item) not in _NOT_COUNTED
        lost: Any = None
        with self._changed:
            is_full = counts and self._counted >= self.mailbox.limit
            if is_full:
                self.dropped += 1
                lost = self._make_room() if self.mailbox.when_full is Overflow.DROP_OLDEST else item
            if lost is not item:
                self._items.append(item)
                self._counted += counts
                self._changed.notify()
        if is_full:
            self._tell(lost)

    def _make_room(self) -> Any:
        at = next(place for place, one in enumerate(self._items) if type(one) not in _NOT_COUNTED)
        oldest = self._items[at]
        del self._items[at]
        self._counted -= 1
        self.removed += 1
        return oldest

    def _tell(self, lost: Any) -> None:
        is_call = isinstance(lost, Caller)
        if is_call:
            lost.fail(MAILBOX_FULL)
        self._on_overflow()
        if self.mailbox.when_full is Overflow.REJECT and not is_call:  # a call raises where its answer is awaited
            message = lost.message if isinstance(lost, (Cast, Info)) else lost
            raise MailboxFull(str(self._owner), _shorten(message), MAILBOX_FULL)

    def get(self) -> Any:
        """Wait for the next message."""
        with self._changed:
            while not self._items:
                self._changed.wait()
            return self._take(0)

    def get_first(self, wanted: Callable[[Any], bool]) -> Any:
        """Wait for the next message that is `wanted`; the others stay, in their order."""
        with self._changed:
            while True:
                for place, item in enumerate(self._items):
                    if wanted(item):
                        return self._take(place)
                self._changed.wait()

    def get_nowait(self) -> Any:
        """Take the next message.

        Raises:
            queue.Empty: there is none.
        """
        with self._changed:
            if not self._items:
                raise queue.Empty
            return self._take(0)

    def _take(self, place: int) -> Any:
        item = self._items[place]
        del self._items[place]
        self._counted -= type(item) not in _NOT_COUNTED
        return item

    def qsize(self) -> int:
        return len(self._items)

    def waiting(self) -> list[Any]:
        """List what is in it, the oldest first."""
        with self._changed:
            return list(self._items)


def _shorten(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:197]}..."
