"""What a node answers when another node asks: it reads what its processes have published.

The interconnect calls these methods on its own threads. None of them waits for a supervised process: a
node whose sampler hangs, or whose supervisor is busy, still says what it last knew. Whoever asks for the next
sample waits for that, and for nothing else; however many wait, it is taken once.

What others may do here is checked here, and what they did is logged with who it was.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from eye.cluster.dispatch import asked_by
from eye.cluster.traffic import WINDOW, Traffic
from eye.errors import ActionRefused, CannotHandle, ConfigError, ProbeNotReady, UnknownProcess
from eye.metrics.recent import Recent
from eye.monitor import handling
from eye.monitor.album import ROOT, Album, draw
from eye.monitor.event_log import EventLog
from eye.monitor.garbage import Collections
from eye.monitor.methods import (
    ALLOWED,
    COST,
    CRASH,
    EVENTS,
    GC,
    GC_ESTIMATE,
    HANDLE,
    PAST,
    PROCESSES,
    RECENT,
    SAMPLE,
    SAMPLE_AFTER,
    STATE,
    TREE,
    TREE_AT,
    Event,
    Figures,
    Report,
)
from eye.monitor.pollers import Pollers
from eye.monitor.process_list import SORTS, processes

if TYPE_CHECKING:
    from collections.abc import Callable

    from eye.cluster.interconnect import Method
    from eye.metrics.own_figures import OwnFigures
    from eye.metrics.sample import Sample
    from eye.metrics.sampler import Latest
    from eye.supervision.process import Ref
    from eye.supervision.system import System

logger = logging.getLogger("eye.monitor")


class Agent:
    """Speaks for one node."""

    exposed: ClassVar[tuple[Method, ...]] = (
        SAMPLE, SAMPLE_AFTER, RECENT, PAST, TREE, TREE_AT, PROCESSES, EVENTS, GC, GC_ESTIMATE, CRASH,
        HANDLE, STATE, COST,
    )  # fmt: skip

    def __init__(
        self,
        system: System,
        name: str,
        latest: Latest,
        allow: frozenset[str] = ALLOWED,
        *,
        recent: Recent | None = None,
        events: EventLog | None = None,
        own: OwnFigures | None = None,
        memory: Callable[[], int | None] = lambda: None,
        traffic: Traffic | None = None,
        interval: float = 1.0,
        album: Album | None = None,
        boot: str = "",
    ) -> None:
        """Take what the node consists of.

        Args:
            system: whose trees are shown.
            name: the node's.
            latest: where its sampler puts its samples.
            allow: what others may do to this node, of `methods.RIGHTS`.
            recent: where its sampler keeps the last hour.
            events: where its chronicler keeps what happened.
            own: the figures of its program.
            memory: tells how many bytes of its OS process are resident.
            traffic: counts what answering others costs.
            interval: seconds from one sample to the next.
            album: where its painter keeps how its tree looked.
            boot: which life of the node this is.
        """
        self._system = system
        self._name = name
        self._latest = latest
        self._allow = allow
        self._recent = Recent(1) if recent is None else recent  # an empty one has a length of 0
        self._events = EventLog(1) if events is None else events
        self._own = own
        self._interval = interval
        self._album = Album(system.clock) if album is None else album  # an empty one has a length of 0
        self._boot = boot
        self._pollers = Pollers()
        self._traffic = traffic or Traffic(system.clock)
        self._collections = Collections(name, system.clock, memory)

    def interrupt(self) -> None:
        """Let nobody wait for the next sample any longer: the interconnect closes."""
        self._latest.interrupt()

    def sample(self) -> Sample:
        """Answer the last sample."""
        self._check("read")
        self._pollers.note(asked_by(), self._system.clock.monotonic())
        sample = self._latest.get()
        if sample is None:
            raise ProbeNotReady(f"node {self._name!r} has not measured anything yet; ask again in a second")
        return sample

    def sample_after(self, number: int, seconds: float) -> Report:
        """Wait for the sample after the one of that number."""
        self._check("read")
        self._pollers.note(asked_by(), self._system.clock.monotonic())
        last, sample = self._latest.after(number, min(seconds, _LONGEST_WAIT))
        if sample is not None and sample.about is not None and self._own is not None and self._own.is_told(number):
            sample = replace(sample, about=None)
        return Report(last, sample, self._events.last, self._interval)

    def recent(self, names: list[str], seconds: float, step: float) -> dict[str, Any]:
        """Answer the last minutes of some metrics."""
        self._check("read")
        now = self._system.clock.now()
        series = self._recent.read(names[:_MOST_NAMES], since=now - max(seconds, 0.0), until=now, step=step)
        return {"version": 1, "node": self._name, "at": now, **series._asdict()}

    def processes(self, sort: str, limit: int) -> dict[str, Any]:
        """List the processes."""
        self._check("read")
        if sort not in SORTS:
            raise ConfigError(f"processes are sorted by {', '.join(SORTS)}, not {sort!r}")
        rows, count = processes(self._system, sort, limit)
        now = self._system.clock.now()
        return {"version": 1, "node": self._name, "at": now, "sort": sort, "count": count, "processes": rows}

    def events(self, after: int, most: int) -> list[Event]:
        """Answer what happened lately."""
        self._check("read")
        return self._events.after(after, min(most, _MOST_EVENTS))

    def cost(self) -> dict[str, Any]:
        """Say what those who look at this node cost it, each of them."""
        self._check("read")
        rows = [one._asdict() for one in self._traffic.last()]
        return {
            "version": 1,
            "node": self._name,
            "at": self._system.clock.now(),
            "seconds": WINDOW,
            "every": self._pollers.every(self._system.clock.monotonic()),
            "cpu_percent": 100.0 * sum(one["cpu"] for one in rows),
            **{figure: sum(one[figure] for one in rows) for figure in ("requests", "received", "sent")},
            "askers": [{"who": one["who"], "cpu_percent": 100.0 * one.pop("cpu"), **one} for one in rows],
        }

    def estimate_garbage(self) -> dict[str, Any]:
        """Say what a collection would be likely to cost."""
        self._check("gc")
        return self._collections.estimate()

    def collect_garbage(self) -> dict[str, Any]:
        """Collect garbage, on this very thread; all others stand still meanwhile."""
        self._check("gc")
        receipt = self._collections.collect()
        logger.info("node %s: garbage collected for %s in %.4f s", self._name, asked_by(), receipt["pause"])
        return receipt

    def tree(self) -> dict[str, Any]:
        """Draw the supervision tree (of several, the one of the node itself first)."""
        self._check("read")
        tree = draw(self._system, self._name)
        return {**tree, "as_of": tree["at"]}

    def tree_at(self, ago: float) -> dict[str, Any]:
        """Show how it looked so many seconds ago."""
        self._check("read")
        as_of, tree = self._album.get(ago)
        return {**tree, "at": self._system.clock.now(), "as_of": as_of}

    def past(self, ago: float) -> Figures:
        """Answer what was measured last, so many seconds ago."""
        self._check("read")
        now = self._system.clock.now()
        within = max(_LATE_SAMPLES * self._interval, _LATE_SAMPLES)
        at, values = self._recent.at(now - max(ago, 0.0), within) or (None, {})
        return Figures(self._boot, None if at is None else now - at, values)

    def crash(self, process: str, reason: str) -> str:
        """End a process on purpose, as a bug in it would."""
        self._check("kill")
        ref = self._find(process)
        logger.warning("node %s: %s is told by %s to exit: %s", self._name, ref, asked_by(), reason)
        if reason == "kill":
            ref.kill()
        else:
            # Not an exit signal: a supervisor, and whoever traps exits, would only make a note of it.
            ref.stop(reason, _PATIENCE)
        return ref.path

    def handle(self, process: str, deed: str) -> str:
        """Stop, restart, suspend or resume a process."""
        self._check("kill")
        ref = self._find_others(process, deed)
        logger.warning("node %s: %s is told by %s to %s", self._name, ref, asked_by(), deed)
        handling.handle(ref, deed)
        return ref.path

    def state(self, process: str) -> dict[str, Any]:
        """Show the state of a process, which it answers itself, between two messages."""
        self._check("state")
        ref = self._find(process)
        logger.info("node %s: the state of %s is shown to %s", self._name, ref, asked_by())
        shown = handling.state(ref)
        return {"version": 1, "node": self._name, "at": self._system.clock.now(), "path": ref.path, **shown}

    def _find_others(self, process: str, deed: str) -> Ref:
        ref = self._find(process)
        if ref.path.split("/")[1:2] == [ROOT]:
            raise CannotHandle(ref.path, f"the node lives by it: it can be crashed, but not told to {deed}")
        return ref

    def _check(self, right: str) -> None:
        if right not in self._allow:
            refused = ActionRefused(self._name, right)
            logger.warning("%s was refused what it asked for: %s", asked_by(), refused)
            raise refused

    def _find(self, process: str) -> Ref:
        live = self._system.processes()
        found = [ref for ref in live if process in (ref.path, str(ref.name or ref.path), f"#{ref.serial}")]
        found = found or [ref for ref in live if str(ref.id) == process]
        if len(found) == 1:
            return found[0]
        if found:
            raise UnknownProcess(process, "several are called that: " + ", ".join(ref.path for ref in found))
        raise UnknownProcess(process, f"`sorcerers_eye tree {self._name}` lists them")


_PATIENCE = 2.0
"""Seconds that a process has to come to its next message, and end, before the asker is told to wait no more."""

_LONGEST_WAIT = 10.0
"""Seconds that anybody waits for the next sample."""

_MOST_NAMES, _MOST_EVENTS = 50, 500

_LATE_SAMPLES = 3.0  # a figure that is older than so many samples, or seconds, was not one of that moment
