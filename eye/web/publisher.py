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
from eye.web.one_node import OneNode

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from eye.monitor.view import View
    from eye.web.feed import Feed

_MOST_ALONE = 32  # nodes that are watched alone at a time, each of them encoded for itself
_ALIVE_AFTER = 2  # quiet ticks after which «alive» is said; the browser calls 7 s of silence «not live»


class Seats:
    """How many may watch, and how many do. Shared by a publisher and those it makes for one node alone."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.counting = threading.Lock()  # for what its publishers count
        self._changed = threading.Condition()
        self._taken = 0

    def take(self) -> None:
        """Take one.

        Raises:
            TooManyViewers: there is none.
        """
        with self._changed:
            if self._taken >= self.most:
                raise TooManyViewers(self.most)
            self._taken += 1

    def give_back(self) -> None:
        with self._changed:
            self._taken -= 1
            self._changed.notify_all()

    def wait_until_empty(self, timeout: float) -> bool:
        """Wait until nobody watches any more, and answer whether that came to pass."""
        with self._changed:
            return self._changed.wait_for(lambda: self._taken == 0, timeout)


class Publisher:
    """Looks at a view and publishes what changed. May be called from any thread.

    Attributes:
        max_viewers: how many may watch at a time.
        snapshots: how many snapshots were encoded since the start.
        refused_origins: how many WebSockets from foreign pages were refused.
    """

    def __init__(
        self,
        view: View | OneNode,
        feed: Feed,
        *,
        max_viewers: int = 200,
        new_epoch: Callable[[], str] = lambda: secrets.token_hex(4),
        seats: Seats | None = None,
    ) -> None:
        self.view: Any = view
        self.feed = feed
        self.max_viewers = max_viewers
        self.snapshots = 0
        self.refused_origins = 0
        self._new_epoch = new_epoch
        self._turn = threading.Lock()  # one look at a time
        self._seats = seats or Seats(max_viewers)
        self._counting = self._seats.counting
        self._viewers = 0
        self._alone: dict[str, Publisher] = {}  # by the node that is watched
        self._seen: encoder.Seen | None = None
        self._epoch = new_epoch()
        self._sequence = -1
        self._quiet = 0
        self._told: dict[str, int] = {}  # what was said last of what is asked for beside the nodes

    @property
    def viewers(self) -> int:
        """How many watch right now, those of one node alone included."""
        with self._counting:
            return self._viewers + sum(one._viewers for one in self._alone.values())

    def tick(self) -> None:
        """Look once, and publish what changed. Does nothing while nobody watches. Does not wait for nodes."""
        if self._viewers:
            with self._turn:
                self._look()
        with self._counting:
            alone = tuple(self._alone.values())
        for one in alone:
            one.tick()

    def reset(self) -> None:
        """Start over: the next tick publishes a snapshot in a new epoch. A restarted hub calls this first."""
        with self._turn:
            self._seen = None
            self._epoch = self._new_epoch()
            self._sequence = -1
        with self._counting:
            alone = tuple(self._alone.values())
        for one in alone:
            one.reset()

    def join(self, node: str | None = None) -> Publisher:
        """Take a seat. The first to join has a fresh snapshot at once, not only after the next tick.

        Args:
            node: the one to watch, if not all; what is published of it is encoded once for all who do.

        Returns:
            the publisher to listen to, and to `leave`.

        Raises:
            TooManyViewers: every seat is taken.
        """
        self._seats.take()
        with self._counting:
            chosen = self if node is None else self._for_one(node)
            if chosen is None:
                self._seats.give_back()
                raise TooManyViewers(_MOST_ALONE)
            chosen._viewers += 1
            first = chosen._viewers == 1
        if first:
            try:
                with chosen._turn:
                    chosen._seen = None  # what was held is from when somebody last looked
                    chosen._look()
            except BaseException:
                chosen.leave()
                raise
        return chosen

    def leave(self) -> None:
        """Give the seat back."""
        with self._counting:
            self._viewers -= 1
        self._seats.give_back()

    def wait_until_empty(self, timeout: float) -> bool:
        """Wait until nobody watches any more.

        Returns:
            Whether that came to pass within `timeout` seconds.
        """
        return self._seats.wait_until_empty(timeout)

    def _for_one(self, node: str) -> Publisher | None:
        if node not in self._alone:
            self._alone = {name: one for name, one in self._alone.items() if one._viewers}
            if len(self._alone) >= _MOST_ALONE:
                return None
            self._alone[node] = Publisher(
                OneNode(self.view, node), self.feed.branch(), new_epoch=self._new_epoch, seats=self._seats
            )
        return self._alone[node]

    def _look(self) -> None:
        self.view.look()
        at = round(self.view.now(), 3)
        nodes = nodes_document(self.view.nodes(), at)["nodes"]
        self._seen, message = encoder.look(self._seen, nodes, at)
        told, before = self._beside(), self._told
        self._told = told
        change: str | None = None
        following = self._sequence + 1
        if isinstance(message, encoder.Changes):
            change = encoder.changes_text(message, following, at, told)
        elif message is None:
            self._quiet += 1
            if self._quiet < _ALIVE_AFTER and told == before:
                return
            change = encoder.alive_text(following, at, told)
        self._quiet = 0
        self._sequence = following
        self.feed.publish(self._epoch, following, change, self._whole(nodes, self._epoch, following, at, told))

    def _beside(self) -> dict[str, int]:
        """Number what a browser asks for when it is another: the last of the events, the version of the alerts."""
        told = {}
        # A view of somebody's own need not have them.
        if (after := getattr(self.view, "events_after", None)) is not None:
            told["events"] = after(2**53)[0]
        if (version := getattr(self.view, "alerts_version", None)) is not None:
            told["alerts"] = version
        return told

    def _whole(
        self, nodes: Sequence[Any], epoch: str, sequence: int, at: float, told: dict[str, int]
    ) -> Callable[[], str]:
        def encode() -> str:
            self.snapshots += 1
            snapshot = encoder.Snapshot(tuple(nodes))
            return encoder.snapshot_text(snapshot, epoch, sequence, at, self.view.node_name, told)

        return encode
