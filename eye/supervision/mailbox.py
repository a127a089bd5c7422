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
from dataclasses import dataclass

from eye.errors import BadChildSpec
from eye.supervision.reasons import Reason

MAILBOX_FULL = Reason("mailbox_full")
"""The reason that a call fails with which found no room, or had to make room."""


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
