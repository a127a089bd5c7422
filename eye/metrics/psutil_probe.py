"""The probe that asks the operating system. The one file that knows psutil.

Memory in use is `total - available`: what a new program could *not* have. That is what `free` prints
as used since procps 4 and psutil since 7.2; both used to subtract caches instead, each in its own way.
CPU times are kept here and not by psutil: its `cpu_percent` answers its first call with 0.0 rather
than with an error (psutil 7.2), and remembers the previous call per thread, not per asker.
"""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING, NamedTuple

import psutil

from eye.errors import ProbeNotReady
from eye.metrics.family import Family
from eye.metrics.probe import ProcessUse
from eye.metrics.rates import FamilyShare, HostShare, HostTimes, ProcessTimes
from eye.metrics.sample import HostReading

if TYPE_CHECKING:
    from eye.clock import Clock


_REFUSED = (psutil.Error, OSError, NotImplementedError)
"""What psutil raises when the system does not say: no such process, no permission, no such file."""

_CLOCK_WAS_SET = 1.0
"""Seconds by which the wall clock may drift from the monotonic one before the boot time is read again."""


class _Look(NamedTuple):
    memory_rss: int
    thread_count: int
    times: ProcessTimes


class PsutilProbe:
    """Reads this machine and this process. It keeps the promises of `eye.metrics.probe`.

    A share of CPU is the average since the previous look, however long ago that was: who wants to
    know about now looks regularly.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._host_name = socket.gethostname()
        self._cores = _read_cores()
        self._host_share = HostShare()
        self._process = psutil.Process()
        self._family = Family(lambda: [child.pid for child in self._process.children(recursive=True)])
        self._children: dict[int, psutil.Process] = {}
        self._family_share = FamilyShare()
        self._booted_at: float | None = None
        self._clock_offset = 0.0

    # ------------------------------------------------------------------------ the machine

    def read_host(self) -> HostReading:
        self._cores = _read_cores()
        used, total = _read_memory()
        return HostReading(
            name=self._host_name,
            memory_used=used,
            memory_total=total,
            cpu=self._read_host_cpu(),
            cores=self._cores,
            load_1m=_read_load(),
            process_count=_count_processes(),
            uptime=self._read_uptime(),
        )

    def _read_host_cpu(self) -> float | None:
        try:
            return self._host_share.look(self._clock.monotonic(), _read_host_times())
        except (ProbeNotReady, *_REFUSED):
            return None

    def _read_uptime(self) -> float:
        now, offset = self._clock.now(), self._clock.now() - self._clock.monotonic()
        # The boot time is worked out backwards from the wall clock, so that it moves when somebody sets
        # that one (a Raspberry Pi boots in 1970), and the monotonic clock stands still while Linux sleeps.
        if self._booted_at is None or abs(offset - self._clock_offset) > _CLOCK_WAS_SET:
            try:
                self._booted_at, self._clock_offset = psutil.boot_time(), offset
            except _REFUSED:
                return 0.0
        return max(now - self._booted_at, 0.0)

    # ----------------------------------------------------------- this process and its children

    def read_process(self) -> ProcessUse:
        looks = self._look_at_family()
        try:
            times = {pid: look.times for pid, look in looks.items()}
            cpu = self._family_share.look(self._clock.monotonic(), self._cores, times)
        except ProbeNotReady:
            cpu = None
        own = self._process.pid
        return ProcessUse(
            pid=own,
            memory_rss=sum(look.memory_rss for look in looks.values()),
            cpu=cpu if own in looks else None,
            thread_count=sum(look.thread_count for look in looks.values()),
            child_count=len(looks) - (own in looks),
        )

    def _look_at_family(self) -> dict[int, _Look]:
        own, listed = _look_at(self._process), self._list_children()
        looks = {child.pid: look for child in listed if (look := _look_at(child)) is not None}
        if len(looks) < len(listed):
            # A child went between the list and the look: only now do our own times include what it used.
            own = _look_at(self._process)
        if own is not None:
            looks[self._process.pid] = own
        return looks

    def _list_children(self) -> list[psutil.Process]:
        try:
            pids = self._family.pids()
        except _REFUSED:
            return []
        known, self._children = self._children, {}
        for pid in pids:
            try:
                self._children[pid] = known.get(pid) or psutil.Process(pid)
            except _REFUSED:  # gone already
                continue
        return list(self._children.values())


def own_memory() -> int | None:
    """Tell how many bytes of this OS process, without those that it started, are resident."""
    try:
        return int(psutil.Process().memory_info().rss)
    except _REFUSED:
        return None


def _look_at(process: psutil.Process) -> _Look | None:
    try:
        # Not in `oneshot()`: on Linux these are three files anyway, and it costs 10 µs (psutil 7.2).
        times, memory, threads = process.cpu_times(), process.memory_info(), process.num_threads()
    except _REFUSED:
        return None
    waited = times.children_user + times.children_system
    return _Look(memory.rss, threads, ProcessTimes(own=times.user + times.system, waited=waited))


def _read_memory() -> tuple[int, int]:
    try:
        memory = psutil.virtual_memory()
    except _REFUSED:
        return 0, 0
    return memory.total - memory.available, memory.total


def _read_host_times() -> HostTimes:
    times = psutil.cpu_times()
    # As psutil and htop do: guest time is part of user time already, and waiting for a disk is not busy.
    total = sum(times) - getattr(times, "guest", 0.0) - getattr(times, "guest_nice", 0.0)
    idle = times.idle + getattr(times, "iowait", 0.0)
    return HostTimes(busy=total - idle, idle=idle)


def _read_cores() -> int:
    return psutil.cpu_count() or 1


def _read_load() -> float | None:
    if not hasattr(os, "getloadavg"):
        return None  # Windows; psutil imitates one there that says 0.0 for its first seconds
    try:
        return os.getloadavg()[0]
    except OSError:
        return None


def _count_processes() -> int:
    try:
        return len(psutil.pids())
    except _REFUSED:
        return 0
