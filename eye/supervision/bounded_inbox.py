"""The queue behind a bounded mailbox: see `mailbox` for what it promises."""

from __future__ import annotations

import queue
import threading
from collections import deque
from typing import TYPE_CHECKING, Any

from eye.errors import MailboxFull
from eye.supervision import events
from eye.supervision.mailbox import MAILBOX_FULL, Mailbox, Overflow
from eye.supervision.messages import Caller, Cast, Down, Exit, IdleCheck, Info, SystemRequest, Wake

if TYPE_CHECKING:
    from collections.abc import Callable

    from eye.supervision.ref import Ref

_NOT_COUNTED = frozenset({SystemRequest, Exit, Down, Wake, IdleCheck})

_QUIET_SECONDS = 1.0
"""However fast messages are lost, an event says so no more often than this."""


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


def give_bounded_inbox(ref: Ref, mailbox: Mailbox) -> None:
    """Give a process that has not started yet such a queue, and have an event tell when it overflows."""
    last: float | None = None

    def tell() -> None:
        nonlocal last
        now = ref.system.clock.monotonic()
        if last is not None and now - last < _QUIET_SECONDS:
            return
        last = now  # first: whoever hears of it may have such a mailbox, too
        if ref.system.topics.has_subscribers(events.TOPIC):
            values = mailbox.limit, mailbox.when_full.value, inbox.dropped
            ref.system.emit(events.MailboxOverflowed(ref.system.clock.now(), ref.path, ref.serial, *values))

    inbox = BoundedInbox(mailbox, ref, tell)
    ref._inbox, ref._put = inbox, inbox.put


def _shorten(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:197]}..."
