"""What the observing node knows of every node, where anybody can read it without asking a process.

Collectors and the membership write, views read. A change makes a new version and wakes whoever waits
for one. The board outlives the processes that write it: one that crashes takes nothing off it, and
every figure on it carries its age.
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from eye.metrics.catalogue import find
from eye.metrics.custom import complete
from eye.metrics.recent import key
from eye.monitor.node_view import NodeView
from eye.monitor.samples import SAMPLES, Seen

if TYPE_CHECKING:
    from collections.abc import Iterable

    from eye.clock import Clock
    from eye.cluster.node import Member
    from eye.metrics.sample import Sample
    from eye.supervision.pubsub import Topics

_EVENTS = 1000  # kept
_TRAIL = 60  # values kept of each metric of each node
_TRAILED = {key(one): one for name in ("cpu", "memory") for one in find(name)}


@dataclass(frozen=True, slots=True)
class Reading:
    """What a node last said, and when it came here, by this node's clock."""

    sample: Sample
    at: float
    moment: float  # the same by the monotonic clock: what an age is reckoned from
    round_trip: float | None


class Board:
    """The members of the cluster, the last reading of each, and whether anybody is looking."""

    def __init__(self, clock: Clock, topics: Topics | None = None) -> None:
        """Tell each new reading to the subscribers of `samples.SAMPLES` in `topics`."""
        self._clock = clock
        self._topics = topics
        self._changed = threading.Condition()
        self._members: dict[str, Member] = {}
        self._readings: dict[str, Reading] = {}
        self._views: tuple[NodeView, ...] | None = ()
        self._version = 0
        self._looking_until = float("-inf")
        self._trails: dict[str, dict[str, deque[float | None]]] = {}
        self._events: deque[dict[str, Any]] = deque(maxlen=_EVENTS)
        self._event = 0  # the number of the last

    # ----------------------------------------------------------------------------- writing

    def put_members(self, members: Iterable[Member]) -> None:
        """Say who is in the cluster. The reading of a node that is in it no more goes with it."""
        known = {member.name: member for member in members}
        with self._changed:
            if known == self._members:
                return
            self._members = known
            self._readings = {name: reading for name, reading in self._readings.items() if name in known}
            self._trails = {name: trail for name, trail in self._trails.items() if name in known}
            self._bump()

    def put_reading(self, name: str, sample: Sample, round_trip: float | None) -> None:
        """Say what a node just said."""
        with self._changed:
            before = self._readings.get(name)
            sample = complete(sample, None if before is None else before.sample)
            if round_trip is None and before is not None:
                round_trip = before.round_trip
            at = self._clock.now()
            self._readings[name] = Reading(sample, at, self._clock.monotonic(), round_trip)
            trails = self._trails.setdefault(name, {one: deque(maxlen=_TRAIL) for one in _TRAILED})
            for one, metric in _TRAILED.items():
                trails[one].append(metric.read(sample))
            self._bump()
        is_new = before is None or (before.sample.at, before.sample.boot) != (sample.at, sample.boot)
        if is_new and self._topics is not None and self._topics.has_subscribers(SAMPLES):
            self._topics.broadcast(SAMPLES, Seen(name, sample, at))

    def put_trail(self, name: str, series: dict[str, Any]) -> None:
        """Say what a node measured before we began to look, as `Agent.recent` tells it."""
        with self._changed:
            trails = self._trails.setdefault(name, {one: deque(maxlen=_TRAIL) for one in _TRAILED})
            for one, trail in trails.items():
                before = [None if point is None else point[0] for point in series["points"].get(one, ())]
                while before and before[-1] is None:
                    before.pop()  # the bucket of this very moment may have nothing in it yet
                kept = list(trail)
                trail.clear()
                trail.extend([*before[: max(len(before) - len(kept), 0)], *kept])
            self._bump()

    def put_events(self, records: list[dict[str, Any]]) -> None:
        """Say what happened, here or at another node."""
        if records:
            with self._changed:
                self._events.extend(records)
                self._event += len(records)
                self._bump()

    def _bump(self) -> None:
        self._views = None
        self._version += 1
        self._changed.notify_all()

    # ----------------------------------------------------------------------------- reading

    @property
    def version(self) -> int:
        return self._version

    def members(self) -> dict[str, Member]:
        with self._changed:
            return dict(self._members)

    def member(self, name: str) -> Member | None:
        """Answer what the cluster knows of that node."""
        return self._members.get(name)

    def nodes(self) -> tuple[NodeView, ...]:
        """Answer every node as it is known now, in name order."""
        with self._changed:
            if self._views is None:
                self._views = tuple(self._view(self._members[name]) for name in sorted(self._members))
            return self._views

    def _view(self, member: Member) -> NodeView:
        reading = self._readings.get(member.name)
        view = NodeView(
            name=member.name,
            status=member.status.value,
            address=member.address,
            seen_at=member.seen_at,
            since=member.since,
            reason=member.reason,
            boot=member.boot,
            host=None,
            process=None,
            round_trip=None,
        )
        if reading is None:
            return view
        # What an earlier life of the node said must not be taken for what this one would say.
        is_of_this_life = reading.sample.boot == member.boot
        return replace(
            view,
            host=reading.sample.host if is_of_this_life else None,
            process=reading.sample.process if is_of_this_life else None,
            custom=reading.sample.custom if is_of_this_life else {},
            about=reading.sample.about if is_of_this_life else None,
            seen_at=max(reading.at, member.seen_at or reading.at),
            round_trip=reading.round_trip,
        )

    def trail(self, name: str, metric: str) -> list[float | None]:
        """Answer the last values of one of `watch.TRAILS`, the oldest first; nothing of what is not there."""
        with self._changed:
            trails = self._trails.get(name)
            return list(trails[metric]) if trails is not None and metric in trails else []

    def events(self) -> list[dict[str, Any]]:
        """Answer what happened lately, everywhere, in the order in which it was heard of."""
        with self._changed:
            return list(self._events)

    def events_after(self, number: int) -> tuple[int, list[tuple[int, dict[str, Any]]]]:
        """Answer the number of the last event, and those after `number` that are still known."""
        with self._changed:
            first = self._event - len(self._events) + 1
            numbered = [(first + at, record) for at, record in enumerate(self._events) if first + at > number]
            return self._event, numbered

    def age(self, name: str) -> float:
        """Answer how many seconds ago the node's last reading came; infinity if none did."""
        reading = self._readings.get(name)
        return float("inf") if reading is None else self._clock.monotonic() - reading.moment

    def wait(self, version: int, timeout: float) -> int:
        """Block until the version is another than `version`, or for `timeout` seconds; answer what it is."""
        with self._changed:
            if self._version == version:
                self._changed.wait(timeout)
            return self._version

    # ----------------------------------------------------------------------------- looking

    def look(self, seconds: float) -> bool:
        """Say that somebody will be looking for the next `seconds`. Answers whether nobody was before."""
        with self._changed:
            now = self._clock.monotonic()
            began = self._looking_until <= now
            self._looking_until = max(self._looking_until, now + seconds)
            return began

    @property
    def is_looked_at(self) -> bool:
        return self._looking_until > self._clock.monotonic()
