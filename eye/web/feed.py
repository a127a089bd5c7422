"""The one place where what the screens see is written down, for all of them at once.

The hub publishes into a `Feed` about once a second; the thread of every viewer waits at it. Each
message is encoded once, however many look. Nobody has a queue: a viewer who has seen exactly the
message before gets the change, every other one (new, slow, or from before a restart) gets the
whole snapshot. That one rule is joining, catching up, skipping and starting over; and since there is
no queue, nothing can grow.

    viewer has seen     the feed holds      it gets
    --------------------------------------------------------------
    41 of this epoch    42                  the change 41 -> 42
    40 of this epoch    42                  the snapshot 42
    anything older      42                  the snapshot 42
    42 of this epoch    42                  nothing: it waits
"""

from __future__ import annotations

import threading
import weakref
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

_SLICE = 1.0  # seconds: nobody sleeps longer without looking up, so a stop is never missed


class Message(NamedTuple):
    """One text to send, and where it stands."""

    epoch: str
    sequence: int
    text: str


class Feed:
    """Holds the newest snapshot and the newest change. All methods may be called from any thread."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._epoch = ""
        self._sequence = -1
        self._change: str | None = None
        self._snapshot: Callable[[], str] | str | None = None
        self._closed = False
        self._branches: weakref.WeakSet[Feed] = weakref.WeakSet()

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._closed

    @property
    def sequence(self) -> int:
        """The number of the newest message; -1 before the first."""
        return self._sequence

    def publish(self, epoch: str, sequence: int, change: str | None, snapshot: Callable[[], str]) -> None:
        """Put the next message in, in place of the one before, and wake all who wait.

        Args:
            epoch: changes when the publisher starts over; numbers of two epochs are not compared.
            sequence: one more than that of the message before.
            change: what those get who have seen the message before; None sends all of them the snapshot.
            snapshot: makes the whole text. It is called when the first viewer needs it, and not again.
        """
        with self._changed:
            self._epoch, self._sequence = epoch, sequence
            self._change, self._snapshot = change, snapshot
            self._changed.notify_all()

    def since(self, epoch: str, sequence: int, timeout: float) -> Message | None:
        """Wait for something newer than what the viewer has seen.

        Returns:
            The message to send, or None when nothing came within `timeout` seconds (one second at
            most, whatever is asked for) or the feed is closed.
        """
        with self._changed:
            if not self._has_news(epoch, sequence):
                self._changed.wait(min(timeout, _SLICE))
            if self._closed or not self._has_news(epoch, sequence):
                return None
            follows = epoch == self._epoch and sequence == self._sequence - 1
            text = self._change if follows and self._change is not None else self._whole()
            return Message(self._epoch, self._sequence, text)

    def branch(self) -> Feed:
        """Make a feed that is closed with this one."""
        branch = Feed()
        with self._changed:
            self._branches.add(branch)
            is_over = self._closed
        if is_over:
            branch.close()
        return branch

    def close(self) -> None:
        """Let everybody go: each waiting viewer wakes up and sees that it is over."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            branches = list(self._branches)
        for branch in branches:
            branch.close()

    def _has_news(self, epoch: str, sequence: int) -> bool:
        if self._closed:
            return True
        return self._sequence >= 0 and (epoch, sequence) != (self._epoch, self._sequence)

    def _whole(self) -> str:
        # Under the lock on purpose: of many viewers who join at once, one encodes and the rest wait for it.
        if not isinstance(self._snapshot, str):
            assert self._snapshot is not None
            self._snapshot = self._snapshot()
        return self._snapshot
