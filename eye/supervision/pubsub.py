"""Publish and subscribe: whoever subscribed to a topic gets what is broadcast on it.

A broadcast runs in the thread that broadcasts, straight from a table into the mailboxes: it never waits
for a process, and it never blocks on a slow subscriber. The `PubSub` process only sweeps: it monitors the
subscribers and strikes out the dead. The table is not its own but the system's, so a `PubSub` that
crashes loses nobody: its replacement reads the table and monitors everybody in it again.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from eye.errors import MailboxFull
from eye.supervision.gen_server import GenServer
from eye.supervision.messages import Down
from eye.supervision.ref import Ref, current

if TYPE_CHECKING:
    from eye.supervision.messages import Monitor
    from eye.supervision.system import System


class Subscriber(Protocol):
    """Whatever can be sent to: a `Ref`, an `Inbox`."""

    def send(self, message: Any) -> None: ...


class Topics:
    """Who subscribed to what. Reading needs no lock: every change makes a new tuple."""

    def __init__(self) -> None:
        self._subscribers: dict[str, tuple[Subscriber, ...]] = {}
        self._lock = threading.Lock()
        self._joined: list[Any] = []

    def subscribe(self, topic: str, subscriber: Subscriber) -> None:
        """Send `subscriber` whatever is broadcast on `topic` from now on, once for each time it subscribed."""
        with self._lock:
            self._subscribers[topic] = (*self._subscribers.get(topic, ()), subscriber)
            janitors = list(self._joined)
        for janitor in janitors:
            janitor.cast(Joined(subscriber))

    def unsubscribe(self, topic: str, subscriber: Subscriber) -> None:
        """End all of a subscriber's subscriptions to `topic`."""
        with self._lock:
            self._keep(topic, lambda other: other is not subscriber)

    def forget(self, subscriber: Subscriber) -> None:
        """End all of a subscriber's subscriptions."""
        with self._lock:
            for topic in list(self._subscribers):
                self._keep(topic, lambda other: other is not subscriber)

    def _keep(self, topic: str, wanted: Any) -> None:
        kept = tuple(filter(wanted, self._subscribers.get(topic, ())))
        if kept:
            self._subscribers[topic] = kept
        else:
            self._subscribers.pop(topic, None)

    def broadcast(self, topic: str, message: Any, *, sender: Subscriber | None = None) -> None:
        """Send `message` to every subscriber of exactly this topic, but not to `sender`."""
        for subscriber in self._subscribers.get(topic, ()):
            if subscriber is not sender:
                with suppress(MailboxFull):  # counted there; it concerns neither the sender nor the others
                    subscriber.send(message)

    def has_subscribers(self, topic: str) -> bool:
        """Whether anybody listens; a reason not to make an expensive message."""
        return topic in self._subscribers

    def employ(self, janitor: Ref) -> set[Subscriber]:
        """Tell a `PubSub` process of every subscriber, now and from now on."""
        with self._lock:
            self._joined = [other for other in self._joined if other.is_alive] + [janitor]
            return {one for many in self._subscribers.values() for one in many}


class Joined(NamedTuple):
    """Somebody subscribed."""

    subscriber: Any


class PubSub(GenServer):
    """Strikes dead subscribers out of the system's topics."""

    def init(self) -> None:
        self._watched: dict[Any, Monitor] = {}
        for subscriber in self.system.topics.employ(self.ref):
            self._watch(subscriber)

    def handle_cast(self, message: Joined) -> None:
        self._watch(message.subscriber)

    def handle_info(self, message: Down) -> None:
        if isinstance(message, Down) and message.ref is not None:
            self._watched.pop(message.ref, None)
            self.system.topics.forget(message.ref)

    def _watch(self, subscriber: Any) -> None:
        if isinstance(subscriber, Ref) and subscriber not in self._watched:
            self._watched[subscriber] = self.monitor(subscriber)


def subscribe(topic: str, system: System | None = None) -> None:
    """Subscribe the running process to `topic`."""
    me = current()
    if me is None:
        raise RuntimeError("only a process can subscribe itself; plain code hands an Inbox to Topics.subscribe")
    (system or me.system).topics.subscribe(topic, me)
