"""What the observing node knows of every node, where anybody can read it without asking a process.

Collectors and the membership write, views read. A change makes a new version and wakes whoever waits
for one. The board outlives the processes that write it: one that crashes takes nothing off it, and
every figure on it carries its age.
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from itertools import zip_longest
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from eye.metrics.admission import Admission
from eye.metrics.catalogue import find
from eye.metrics.recent import key
from eye.monitor.node_view import NodeView
from eye.monitor.pace import Rule, Strain, Wish, Wishes
from eye.monitor.samples import SAMPLES, Seen

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from eye.clock import Clock
    from eye.cluster.node import Member
    from eye.metrics.recent import Point
    from eye.metrics.sample import Sample
    from eye.monitor.methods import Event
    from eye.supervision.pubsub import Topics

_EVENTS = 1000  # kept
_TRAIL = 60  # values kept of each metric of each node
_TRAILED = [metric for name in ("cpu", "memory") for metric in find(name)]
_PLACES = {key(metric): place for place, metric in enumerate(_TRAILED)}
_figures_of = attrgetter(*(f"{metric.part}.{metric.field}" for metric in _TRAILED))

_Figures = tuple[float | int | None, ...]  # of one moment, one of each metric that leaves a trail
_NOTHING: _Figures = (None,) * len(_TRAILED)


@dataclass(frozen=True, slots=True)
class Reading:
    """What a node last said, and when it came here, by this node's clock."""

    sample: Sample
    at: float
    moment: float  # the same by the monotonic clock: what an age is reckoned from
    round_trip: float | None


class Board:
    """The members of the cluster, the last reading of each, and whether anybody is looking."""

    def __init__(self, clock: Clock, topics: Topics | None = None, rule: Rule | None = None) -> None:
        """Tell each new reading to the subscribers of `samples.SAMPLES` in `topics`."""
        self._clock = clock
        self._topics = topics
        self._changed = threading.Condition()
        self._members: dict[str, Member] = {}
        self._readings: dict[str, Reading] = {}
        self._every: dict[str, float] = {}
        self._views: dict[str, NodeView] = {}  # in name order
        self._outdated: set[str] = set()  # nodes whose view is
        self._shown: tuple[NodeView, ...] | None = ()
        self._version = 0
        self._wishes = Wishes()
        self._admission = Admission()
        self._trails: dict[str, deque[_Figures]] = {}
        self._events: deque[dict[str, Any]] = deque(maxlen=_EVENTS)
        self._heard: dict[str, tuple[str, int]] = {}  # of each node its life and the number of its last event
        self._event = 0  # the number of the last
        self.rule = rule or Rule()
        """How often nodes are asked."""
        self.strain = Strain()
        """How far those who ask are behind."""

    # ----------------------------------------------------------------------------- writing

    def put_members(self, members: Iterable[Member]) -> None:
        """Say who is in the cluster. The reading of a node that is in it no more goes with it."""
        known = {member.name: member for member in members}
        with self._changed:
            before, self._members = self._members, known
            # Most are the very same as before, which is seen without comparing them.
            other = [name for name, member in known.items() if before.get(name) is not member]
            other = [name for name in other if before.get(name) != known[name]]
            if known.keys() != before.keys():
                for name in before.keys() - known.keys():
                    for table in (self._readings, self._trails, self._every, self._heard):
                        table.pop(name, None)
                self._views = {name: self._view(known[name]) for name in sorted(known)}
                self._bump()
            elif other:
                self._bump(*other)

    def put_reading(self, name: str, sample: Sample, round_trip: float | None, missed: int = 0) -> None:
        """Say what a node just said, and how many samples it took since the one before that nobody asked for."""
        at, moment = self._clock.now(), self._clock.monotonic()
        with self._changed:
            before = self._readings.get(name)
            sample = self._admission.take(name, sample, None if before is None else before.sample, moment)
            if round_trip is None and before is not None:
                round_trip = before.round_trip
            self._readings[name] = Reading(sample, at, moment, round_trip)
            trail = self._trails.get(name)
            if trail is None:
                trail = self._trails[name] = deque(maxlen=_TRAIL)
            elif missed:
                trail.extend([_NOTHING] * min(missed, _TRAIL))
            trail.append(_figures_of(sample))
            self._bump(name)
        is_new = before is None or (before.sample.at, before.sample.boot) != (sample.at, sample.boot)
        if is_new and self._topics is not None and self._topics.has_subscribers(SAMPLES):
            self._topics.broadcast(SAMPLES, Seen(name, sample, at))

    def put_every(self, name: str, seconds: float | None) -> None:
        """Say how often a node is asked from now on; None says not at all."""
        with self._changed:
            if self._every.get(name) != seconds:
                if seconds is None:
                    del self._every[name]
                elif name in self._members:  # what comes late of one that is gone would stay for ever
                    self._every[name] = seconds
                self._bump(name)

    def put_trail(self, name: str, points: Mapping[str, Sequence[Point]]) -> None:
        """Say what a node measured in the last minute, also while we did not ask."""
        rows = list(zip_longest(*(_means(points.get(one, ())) for one in _PLACES)))
        with self._changed:
            if name not in self._members:
                return
            trail = self._trails.setdefault(name, deque(maxlen=_TRAIL))
            last = list(trail)[-1:]
            trail.clear()
            trail.extend([*rows[: max(len(rows) - len(last), 0)], *last])
            self._bump()

    def unheard(self, name: str, boot: str, events: list[Event]) -> list[Event]:
        """Answer those events of a node, in the life `boot`, that nobody has been told yet, and take them as told.

        What happens between a question and its answer is in that answer, and in the next one again; and a
        collector that was restarted asks for all of it anew.
        """
        with self._changed:
            if name not in self._members:
                return []
            known, last = self._heard.get(name, (boot, 0))
            newer = [event for event in events if known != boot or event.number > last]
            if newer:
                self._heard[name] = (boot, newer[-1].number)
            return newer

    def put_events(self, records: list[dict[str, Any]]) -> None:
        """Say what happened, here or at another node."""
        if records:
            with self._changed:
                self._events.extend(records)
                self._event += len(records)
                self._bump()

    def _bump(self, *outdated: str) -> None:
        self._outdated.update(outdated)
        self._shown = None
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
            if self._shown is None:
                for name in self._outdated:
                    if (member := self._members.get(name)) is not None:
                        self._views[name] = self._view(member)
                self._outdated.clear()
                self._shown = tuple(self._views.values())
            return self._shown

    def _view(self, member: Member) -> NodeView:
        name, reading = member.name, self._readings.get(member.name)
        seen_at, round_trip = member.seen_at, None
        host, process, custom, about = None, None, {}, None
        if reading is not None:
            sample = reading.sample
            seen_at, round_trip = max(reading.at, seen_at or reading.at), reading.round_trip
            if (
                sample.boot == member.boot
            ):  # what an earlier life said must not be taken for what this one would say
                host, process, custom, about = sample.host, sample.process, sample.custom, sample.about
        return NodeView(
            name=name,
            status=member.status.value,
            address=member.address,
            seen_at=seen_at,
            since=member.since,
            reason=member.reason,
            boot=member.boot,
            host=host,
            process=process,
            round_trip=round_trip,
            custom=custom,
            about=about,
            every=self._every.get(name),
        )

    def trail(self, name: str, metric: str) -> list[float | None]:
        """Answer the last values of one of `watch.TRAILS`, the oldest first; nothing of what is not there."""
        place = _PLACES.get(metric)
        with self._changed:
            trail = self._trails.get(name)
            return [] if trail is None or place is None else [figures[place] for figures in trail]

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

    def look(self, seconds: float, nodes: Iterable[str] | None = None) -> bool:
        """Say that somebody will be looking for the next `seconds`, closely at these nodes or at all.

        Answers whether some node is to be asked sooner for it.
        """
        with self._changed:
            now = self._clock.monotonic()
            return self._wishes.add(now + seconds, nodes, now)

    def wish(self, node: str) -> Wish:
        """Answer what somebody wishes of a node now."""
        return self._wishes.of(node, self._clock.monotonic())

    def every(self, node: str) -> float:
        """Answer how often that node is to be asked now, in seconds between two questions."""
        return self.rule.every(self.wish(node), len(self._members), self.strain.steps)

    @property
    def is_looked_at(self) -> bool:
        return self._wishes.are_there(self._clock.monotonic())


def _means(points: Iterable[Point]) -> list[float | None]:
    means = [None if point is None else point[0] for point in points]
    while means and means[-1] is None:
        means.pop()  # the bucket of this very moment may have nothing in it yet
    return means
