"""The process behind a web view: it looks at the cluster once a second, for everybody who watches.

It stands in the node's own supervision tree, and can be killed like any other. The feed and the sockets of
the viewers outlive it: a hub that comes back starts a new epoch, so every viewer gets a snapshot, and nobody
has to reload.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from eye.supervision.answers import Stop
from eye.supervision.child_spec import ChildSpec, Restart
from eye.supervision.gen_server import GenServer
from eye.supervision.reasons import NORMAL

if TYPE_CHECKING:
    from eye.web.publisher import Publisher


class Tick(NamedTuple):
    """It is time to look."""


class Hub(GenServer):
    """Has a publisher look at the cluster at every beat."""

    def init(self, publisher: Publisher, interval: float = 1.0) -> None:
        self._publisher = publisher
        self._interval = interval
        publisher.reset()
        self._next = self.system.clock.monotonic()
        self._schedule()

    def handle_info(self, message: Tick) -> Any:
        if not isinstance(message, Tick):
            return super().handle_info(message)
        if self._publisher.feed.closed:
            return Stop(NORMAL)  # the server of this view is gone, and with it everybody who could look
        self._publisher.tick()
        self._schedule()
        return None

    def _schedule(self) -> None:
        now = self.system.clock.monotonic()
        missed = max(int((now - self._next) / self._interval), 0)
        self._next += (missed + 1) * self._interval
        self.system.send_at(self.ref, self._next, Tick())


def hub_of(node: Any, publisher: Publisher, interval: float = 1.0) -> None:
    """Run a hub for `publisher` in the tree of a node."""
    node.add_view(ChildSpec(Hub, id="hub", args=(publisher, interval), restart=Restart.TRANSIENT))
