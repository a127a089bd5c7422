"""The probe that says what it was told to say: for tests, and for showing how something looks.

It keeps every promise of `eye.metrics.probe`, so that what works with it works with the real one: the
first look has no share of CPU, and uptimes follow the clock.

    probe = ScriptedProbe(clock)
    probe.set_host(cpu=0.97, memory_used=4 * 1024**3)
    probe.fail_once(RuntimeError("the probe is broken"))       # crash whoever asks next
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from eye.metrics.probe import SHORTEST_WINDOW, ProcessUse
from eye.metrics.sample import HostReading

if TYPE_CHECKING:
    from eye.clock import Clock

_HOST = HostReading(
    name="orthanc",
    memory_used=512 * 1024**2,
    memory_total=2 * 1024**3,
    cpu=0.2,
    cores=2,
    load_1m=0.42,
    process_count=100,
    uptime=7200.0,
)
_PROCESS = ProcessUse(pid=4242, memory_rss=46 * 1024**2, cpu=0.007, thread_count=12)


class ScriptedProbe:
    """Says by default what the contract's example says: 512MB, 20%, 100 processes, 2 hours.

    It may be told something else from any thread, at any time; `looks` counts how often it was asked.
    """

    def __init__(self, clock: Clock, host: HostReading = _HOST, process: ProcessUse = _PROCESS) -> None:
        """Let `host.uptime` be what it is now; it grows with the clock."""
        self._clock = clock
        self._made_at = clock.monotonic()
        self._host, self._process = host, process
        self._host_window, self._process_window = _Opening(), _Opening()
        self._errors: list[BaseException] = []
        self.looks = 0

    def set_host(self, **changes: Any) -> None:
        """From now on, say this of the host: any field of a HostReading. A new `uptime` counts from now."""
        if "uptime" in changes:
            changes["uptime"] -= self._clock.monotonic() - self._made_at
        self._host = replace(self._host, **changes)

    def set_process(self, **changes: Any) -> None:
        """From now on, say this of the process: any field of a ProcessUse."""
        self._process = replace(self._process, **changes)

    def fail_once(self, error: BaseException) -> None:
        """Raise `error` out of the next look, whichever it is. A second call queues up behind the first."""
        self._errors.append(error)

    def read_host(self) -> HostReading:
        now = self._look()
        host = replace(self._host, uptime=max(self._host.uptime + now - self._made_at, 0.0))
        return host if self._host_window.is_open(now) else replace(host, cpu=None)

    def read_process(self) -> ProcessUse:
        now = self._look()
        return self._process if self._process_window.is_open(now) else replace(self._process, cpu=None)

    def _look(self) -> float:
        self.looks += 1
        if self._errors:
            raise self._errors.pop(0)
        return self._clock.monotonic()


class _Opening:
    """Whether there have been two looks far enough apart for a rate."""

    def __init__(self) -> None:
        self._first: float | None = None

    def is_open(self, now: float) -> bool:
        if self._first is None:
            self._first = now
        return now - self._first >= SHORTEST_WINDOW
