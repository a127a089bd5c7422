"""What one node may ask of another node's agent, as typed methods of the wire.

The agent answers for the whole node: its last sample and its last hour, its supervision tree, its processes, what
happened in it; and, where the node allows it, it collects garbage, crashes, stops, restarts or suspends a process,
or shows the state of one.
"""

from __future__ import annotations

from typing import Annotated, Any, NamedTuple, TypedDict

import msgspec

from eye.cluster.interconnect import Method
from eye.metrics.sample import Sample

RIGHTS = ("read", "gc", "silence", "kill", "state", "call")
"""What others may do to a node: read it, have it collect garbage, silence its alerts, crash (stop, restart,
suspend) its processes, look at their state, send messages to them."""

ALLOWED = frozenset({"read", "gc", "silence"})
"""What they may do unless the node says otherwise."""


class Report(msgspec.Struct, frozen=True):
    """A sample with its number, which goes up with each, and the number of the last event.

    `every` is how many seconds there are from one sample to the next.
    """

    number: int
    sample: Sample | None
    events: int = 0
    every: float = 1.0


class Figures(msgspec.Struct, frozen=True):
    """What a node measured last before some moment, by the names of `recent.key`, and how many seconds ago it did.

    `ago` is None, and there are no values, where nothing of that moment is kept.
    """

    boot: str
    ago: float | None
    values: dict[str, float | None]


class Event(NamedTuple):
    """A record of `chronicle`, with its number."""

    number: int
    record: dict[str, Any]


class Receipt(TypedDict):
    """What came of a collection of garbage: see `Collections.collect`."""

    version: int
    node: str
    at: float
    estimate: float
    pause: float
    took: float
    collected: Annotated[list[int], msgspec.Meta(min_length=3)]
    uncollectable: int
    objects_before: int
    objects_after: int
    rss_before: int | None
    rss_after: int | None
    returned_to_system: bool


class Estimate(TypedDict):
    """What a collection would be likely to cost: see `Collections.estimate`."""

    version: int
    node: str
    at: float
    objects: int
    estimate: float
    rss: int | None
    allowed_in: float


class Asker(TypedDict):
    """What one of those who look costs: see `traffic.Cost`."""

    who: str
    cpu_percent: float
    requests: float
    received: float
    sent: float


class Costs(TypedDict):
    """What all of them cost together, and each."""

    version: int
    node: str
    at: float
    seconds: float
    every: float | None
    cpu_percent: float
    requests: float
    received: float
    sent: float
    askers: list[Asker]


SAMPLE = Method("agent", "sample", (), Sample, lane="samples")
"""The node's last sample."""

SAMPLE_AFTER = Method("agent", "sample_after", (int, float), Report, lane="samples", is_patient=True)
"""The first sample after the one of that number, as soon as it is taken; after so many seconds the last again."""

RECENT = Method("agent", "recent", (list[str], float, float), dict[str, Any], lane="trees")
"""The last so many seconds of these metrics (`host.cpu`), in buckets of so many seconds."""

TREE = Method("agent", "tree", (), dict[str, Any], lane="trees")
"""The node's supervision tree, as `eye.supervision.introspection.tree` draws it, with the time it was drawn."""

PAST = Method("agent", "past", (float,), Figures, lane="trees")
"""The figures of the moment so many seconds ago."""

TREE_AT = Method("agent", "tree_at", (float,), dict[str, Any], lane="trees")
"""The node's supervision tree as it was so many seconds ago, and `as_of`: when it had been drawn."""

PROCESSES = Method("agent", "processes", (str, int), dict[str, Any], lane="trees")
"""The node's processes, sorted, at most so many: see `process_list`."""

EVENTS = Method("agent", "events", (int, int), list[Event], lane="trees")
"""What happened after the event of that number, at most so many of the last, the oldest first."""

COST = Method("agent", "cost", (), Costs, lane="trees")
"""What answering others costs the node, over the last ten seconds: `requests`, `received` and `sent` (bytes),
each a second, `cpu_percent` of one core; the same for each of the `askers`; and `every`: seconds between two
questions for a sample by whoever asks most often, or None."""

ALERTS = Method("alerts", "alerts", (), dict[str, Any], lane="trees")
"""The alerts that the node evaluates, and whether it does: see `eye.alerts.alert`."""

SILENCE = Method("alerts", "silence", (str, str, float, str), dict[str, Any], lane="actions")
"""Have nobody told of a rule at some nodes (both globs) for so many seconds, for a reason; 0 takes it back."""

GC = Method("agent", "collect_garbage", (), Receipt, lane="actions")
"""Collect garbage; answers the receipt: see `garbage`."""

GC_ESTIMATE = Method("agent", "estimate_garbage", (), Estimate, lane="actions")
"""What a collection would be likely to cost: see `garbage`."""

CRASH = Method("agent", "crash", (str, str), str, lane="actions")
"""End the process at a path with a reason; answers the path of the process that was hit."""

DEEDS = ("stop", "restart", "suspend", "resume")
"""What `HANDLE` does to a process."""

HANDLE = Method("agent", "handle", (str, str), str, lane="actions")
"""Do one of `DEEDS` to the process at a path; answers the path of the process that it was done to."""

STATE = Method("agent", "state", (str,), dict[str, Any], lane="actions")
"""The state of the process at a path, as `GenServer.format_status` lets it be seen: see `handling`."""
