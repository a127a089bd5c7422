"""One look at the cluster a second, for everybody who looks.

`Publisher.tick` is what the hub does once a second: if somebody watches, look at the view, let `encoder`
decide, and publish. If nobody does, it does nothing, and the view is not asked to keep collecting. The
hub itself (a supervised GenServer) lives elsewhere; here is no thread and no supervision, so a test ticks
by hand.
"""

from __future__ import annotations

import secrets
import threading
from typing import TYPE_CHECKING, Any

from eye.errors import TooManyViewers
from eye.web import encoder
from eye.web.nodes import nodes_document

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from eye.monitor.view import View
    from eye.web.feed import Feed

_ALIVE_AFTER = 2  # quiet ticks after which «alive» is said; the browser calls 7 s of silence «not live»


class Publisher:
    """Looks at a view and publishes what changed. May be called from any thread.

    Attributes:
        max_viewers: how many may watch at a time.
        snapshots: how many snapshots were encoded since the start.
        refused_origins: how many WebSockets from foreign pages were refused.
    """

    def __init__(
        self,
        view: View,
        feed: Feed,
        *,
        max_viewers: int = 200,
        new_epoch: Callable[[], str] = lambda: secrets.token_hex(4),
    ) -> None:
        self.view = view
        self.feed = feed
        self.max_viewers = max_viewers
        self.snapshots = 0
        self.refused_origins = 0
        self._new_epoch = new_epoch
        self._turn = threading.Lock()  # one look at a time
        self._seats = threading.Condition()
        self._viewers = 0
        self._seen: encoder.Seen | None = None
        self._epoch = new_epoch()
        self._sequence = -1
        self._quiet = 0
        self._events: int | None = None  # the number of the last that was told of

    @property
    def viewers(self) -> int:
        """How many watch right now."""
        return self._viewers

    def tick(self) -> None:
        """Look once, and publish what changed. Does nothing while nobody watches. Does not wait for nodes."""
        if self._viewers == 0:
            return
        with self._turn:
            self._look()

    def reset(self) -> None:
        """Start over: the next tick publishes a snapshot in a new epoch. A restarted hub calls this first."""
        with self._turn:
            self._seen = None
            self._epoch = self._new_epoch()
            self._sequence = -1

    def join(self) -> None:
        """Take a seat. The first to join has a fresh snapshot at once, not only after the next tick.

        Raises:
            TooManyViewers: every seat is taken.
        """
        with self._seats:
            if self._viewers >= self.max_viewers:
                raise TooManyViewers(self.max_viewers)
            self._viewers += 1
            first = self._viewers == 1
        if first:
            with self._turn:
                self._seen = None  # what was held is from when somebody last looked
                self._look()

    def leave(self) -> None:
        """Give the seat back."""
        with self._seats:
            self._viewers -= 1
            self._seats.notify_all()

    def wait_until_empty(self, timeout: float) -> bool:
        """Wait until nobody watches any more.

        Returns:
            Whether that came to pass within `timeout` seconds.
        """
        with self._seats:
            return self._seats.wait_for(lambda: self._viewers == 0, timeout)

    def _look(self) -> None:
        self.view.look()
        at = round(self.view.now(), 3)
        nodes = nodes_document(self.view.nodes(), at)["nodes"]
        self._seen, message = encoder.look(self._seen, nodes, at)
        events, before = self._last_event(), self._events
        self._events = events
        change: str | None = None
        following = self._sequence + 1
        if isinstance(message, encoder.Changes):
            change = encoder.changes_text(message, following, at, events)
        elif message is None:
            self._quiet += 1
            if self._quiet < _ALIVE_AFTER and events == before:
                return
            change = encoder.alive_text(following, at, events)
        self._quiet = 0
        self._sequence = following
        self.feed.publish(self._epoch, following, change, self._whole(nodes, self._epoch, following, at, events))

    def _last_event(self) -> int | None:
        after = getattr(self.view, "events_after", None)  # a view of somebody's own need not have them
        return None if after is None else after(2**53)[0]

    def _whole(
        self, nodes: Sequence[Any], epoch: str, sequence: int, at: float, events: int | None
    ) -> Callable[[], str]:
        def encode() -> str:
            self.snapshots += 1
            snapshot = encoder.Snapshot(tuple(nodes))
            return encoder.snapshot_text(snapshot, epoch, sequence, at, self.view.node_name, events)

        return encode
