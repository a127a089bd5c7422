"""The process that measures: one look at every tick, told to whoever listens.

It runs on the measured node and asks the probe once a second however many observers there are. The last
sample lies in a slot (`Latest`) where anybody can read it without asking the process; the slot is not
the process's own, so a sampler that crashes leaves its last sample behind until its replacement has
taken the next.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, NamedTuple

from eye.metrics.probe import SHORTEST_WINDOW
from eye.metrics.sample import Sample
from eye.supervision.answers import Continue
from eye.supervision.gen_server import GenServer

if TYPE_CHECKING:
    from collections.abc import Callable

    from eye.metrics.own_figures import OwnFigures
    from eye.metrics.probe import Probe
    from eye.metrics.recent import Recent

TOPIC = "eye.metrics.samples"
"""Every `Sample` of this node is broadcast on it."""


class Latest:
    """The last sample, with its number. One writer, any number of readers, who may wait for the next.

    There is only the last one: a reader who is slow misses some, and costs nobody anything.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._sample: Sample | None = None
        self._number = 0
        self._interruptions = 0

    def put(self, sample: Sample) -> None:
        with self._changed:
            self._sample = sample
            self._number += 1
            self._changed.notify_all()

    @property
    def number(self) -> int:
        """The number of the last sample; 0 before the first."""
        return self._number

    def get(self) -> Sample | None:
        """Answer the last sample; None before the first."""
        return self._sample

    def after(self, number: int, timeout: float) -> tuple[int, Sample | None]:
        """Wait until there is a sample after the one of that number, at most `timeout` seconds; answer the last.

        A number that was never given is of another life of the node: the answer comes at once.
        """
        with self._changed:
            before = self._interruptions
            self._changed.wait_for(
                lambda: self._number != number or self._interruptions != before, max(timeout, 0.0)
            )
            return self._number, self._sample

    def interrupt(self) -> None:
        """Let nobody wait any longer: the node stops."""
        with self._changed:
            self._interruptions += 1
            self._changed.notify_all()


class Tick(NamedTuple):
    """It is time to measure."""


class FirstLook(NamedTuple):
    """The step after `init`: take the first sample."""


class Sampler(GenServer):
    """Measures this node at every tick."""

    def init(
        self,
        name: str,
        boot: str,
        make_probe: Callable[[], Probe],
        latest: Latest,
        *,
        started_at: float,
        recent: Recent | None = None,
        own: OwnFigures | None = None,
        interval: float = 1.0,
        warm_up: float = SHORTEST_WINDOW,
    ) -> Any:
        """Make a probe, and give it its first look.

        Args:
            name, boot: whose samples they are.
            make_probe: called here, so that a replacement after a crash starts with a fresh probe.
            latest: where the samples are put.
            recent: where they are kept for an hour, if anywhere.
            own: the figures of the program itself, if it has any.
            started_at: when the node was started, by the clock's `monotonic`.
            interval: seconds between two ticks.
            warm_up: seconds between the probe's first two looks, so that already the first sample
                has a share of CPU. The node's start waits for it.
        """
        self._who = (name, boot)
        self._probe = make_probe()
        self._latest = latest
        self._recent = recent
        self._own = own
        self._started_at = started_at
        self._interval = interval
        self._probe.read_host()
        self._probe.read_process()
        if warm_up > 0:
            self.system.clock.acquire(_NEVER, warm_up)
        self._measure()
        self._next = self.system.clock.monotonic()
        return Continue(FirstLook())

    def handle_continue(self, _message: FirstLook) -> None:
        self._schedule()

    def handle_info(self, message: Tick) -> Any:
        if not isinstance(message, Tick):
            return super().handle_info(message)
        self._measure()
        self._schedule()
        return None

    def _schedule(self) -> None:
        # From the last deadline and not from now, so that the time measuring takes does not add up; a
        # beat that was missed (a busy or sleeping machine) is skipped, not made up for.
        now = self.system.clock.monotonic()
        missed = max(int((now - self._next) / self._interval), 0)
        self._next += (missed + 1) * self._interval
        self.system.send_at(self.ref, self._next, Tick())

    def _measure(self) -> None:
        name, boot = self._who
        host = self._probe.read_host()
        process = self._probe.read_process().reading(
            process_count=self.system.look(),
            restarts=self.system.restarts,
            uptime=self.system.clock.monotonic() - self._started_at,
            mailbox=self.system.longest_mailbox,
        )
        own = self._own
        sample = Sample(
            name,
            boot,
            self.system.clock.now(),
            host,
            process,
            custom={} if own is None else own.read(self._interval),
            about=None if own is None else own.about(),
        )
        if self._recent is not None:
            self._recent.put(sample)
        self._latest.put(sample)
        self.system.topics.broadcast(TOPIC, sample)


_NEVER = threading.Lock()  # waiting for it is waiting for the clock
_NEVER.acquire()
