"""The probe that asks the operating system. With `psutil_rarely` the one file that knows psutil.

Memory in use is `total - available`: what a new program could *not* have. That is what `free` prints
as used since procps 4 and psutil since 7.2; both used to subtract caches instead, each in its own way.
CPU times are kept here and not by psutil: its `cpu_percent` answers its first call with 0.0 rather
than with an error (psutil 7.2), and remembers the previous call per thread, not per asker.

In a container with limits, memory and CPU are those of its control group: see `control_group`.

What costs more is looked at every `SLOW` seconds and repeated in between: see `psutil_rarely`.
"""

from __future__ import annotations

import gc
import os
import socket
import sys
from math import ceil
from typing import TYPE_CHECKING, NamedTuple

import psutil

from eye.errors import ProbeNotReady
from eye.metrics import control_group
from eye.metrics.family import Family
from eye.metrics.probe import ProcessUse
from eye.metrics.psutil_rarely import REFUSED, RareLooks, host_times
from eye.metrics.rarely import Rarely
from eye.metrics.rates import FamilyShare, HostShare, HostTimes, ProcessTimes
from eye.metrics.sample import HostReading

if TYPE_CHECKING:
    from collections.abc import Callable

    from eye.clock import Clock
    from eye.metrics.control_group import ControlGroup


_PYTHON = sys.version.split()[0]

_LIMITS_MAY_CHANGE = 60.0
"""Seconds after which the limits of the control group are looked up again: they may be changed while it runs."""

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

    def __init__(
        self,
        clock: Clock,
        find_control_group: Callable[[int, int], ControlGroup | None] = control_group.find,
    ) -> None:
        """`find_control_group` is told what the machine has: bytes of memory, and cores."""
        self._clock = clock
        self._find_control_group = find_control_group
        self._host_name = socket.gethostname()
        self._cores: float = _read_cores()
        self._host_share = HostShare()
        self._process = psutil.Process()
        self._family = Family(lambda: [child.pid for child in self._process.children(recursive=True)])
        self._children: dict[int, psutil.Process] = {}
        self._family_share = FamilyShare()
        self._booted_at: float | None = None
        self._clock_offset = 0.0
        self._group: ControlGroup | None = None
        self._group_from = float("-inf")
        self._machine = Rarely(clock, RareLooks(clock).look)
        self._open_files = Rarely(clock, self._count_open_files)

    # ------------------------------------------------------------------------ the machine

    def read_host(self) -> HostReading:
        machine_cores = _read_cores()
        used, total = _read_memory()
        group = self._find_group(total, machine_cores)
        if group is not None:
            total = group.memory_total or total
            used = _read_group_memory(group, used)
        self._cores = machine_cores if group is None or group.cores is None else group.cores
        load_1m, load_5m, load_15m = _read_loads()
        return HostReading(
            name=self._host_name,
            memory_used=used,
            memory_total=total,
            cpu=self._read_host_cpu(group),
            cores=ceil(self._cores),
            load_1m=load_1m,
            process_count=_count_processes(),
            uptime=self._read_uptime(),
            source="host" if group is None else "container",
            load_5m=load_5m,
            load_15m=load_15m,
            **self._machine.read(),
        )

    def _find_group(self, memory: int, cores: int) -> ControlGroup | None:
        now = self._clock.monotonic()
        if now - self._group_from >= _LIMITS_MAY_CHANGE:
            group, self._group_from = self._find_control_group(memory, cores), now
            if (group is None) != (self._group is None):
                self._host_share = HostShare()  # what was counted before is another's
            self._group = group
        return self._group

    def _read_host_cpu(self, group: ControlGroup | None) -> float | None:
        now = self._clock.monotonic()
        try:
            times = _read_host_times() if group is None else _read_group_times(group, now * self._cores)
            return self._host_share.look(now, times)
        except (ProbeNotReady, *REFUSED):
            return None

    def _read_uptime(self) -> float:
        now, offset = self._clock.now(), self._clock.now() - self._clock.monotonic()
        # The boot time is worked out backwards from the wall clock, so that it moves when somebody sets
        # that one (a Raspberry Pi boots in 1970), and the monotonic clock stands still while Linux sleeps.
        if self._booted_at is None or abs(offset - self._clock_offset) > _CLOCK_WAS_SET:
            try:
                self._booted_at, self._clock_offset = psutil.boot_time(), offset
            except REFUSED:
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
            open_files=self._open_files.read(),
            python=_PYTHON,
            **_read_collector(),
        )

    def _count_open_files(self) -> int | None:
        try:
            return int(self._process.num_fds())
        except (*REFUSED, AttributeError):  # Windows has handles instead
            return None

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
        except REFUSED:
            return []
        known, self._children = self._children, {}
        for pid in pids:
            try:
                self._children[pid] = known.get(pid) or psutil.Process(pid)
            except REFUSED:  # gone already
                continue
        return list(self._children.values())


def own_memory() -> int | None:
    """Tell how many bytes of this OS process, without those that it started, are resident."""
    try:
        return int(psutil.Process().memory_info().rss)
    except REFUSED:
        return None


def _look_at(process: psutil.Process) -> _Look | None:
    try:
        # Not in `oneshot()`: on Linux these are three files anyway, and it costs 10 µs (psutil 7.2).
        times, memory, threads = process.cpu_times(), process.memory_info(), process.num_threads()
    except REFUSED:
        return None
    waited = times.children_user + times.children_system
    return _Look(memory.rss, threads, ProcessTimes(own=times.user + times.system, waited=waited))


def _read_memory() -> tuple[int, int]:
    try:
        memory = psutil.virtual_memory()
    except REFUSED:
        return 0, 0
    return memory.total - memory.available, memory.total


def _read_group_memory(group: ControlGroup, otherwise: int) -> int:
    try:
        return group.read_memory_used()
    except (OSError, ValueError):  # the group is being taken down
        return otherwise


def _read_group_times(group: ControlGroup, possible: float) -> HostTimes:
    """Answer the times of a group that could have used `possible` seconds since the clock began."""
    try:
        used = group.read_cpu_seconds()
    except (ValueError, KeyError) as error:
        raise OSError(str(error)) from error
    return HostTimes(busy=used, idle=possible - used)


def _read_host_times() -> HostTimes:
    return host_times(psutil.cpu_times())


def _read_cores() -> int:
    return psutil.cpu_count() or 1


def _read_loads() -> tuple[float | None, float | None, float | None]:
    if not hasattr(os, "getloadavg"):
        return None, None, None  # Windows; psutil imitates one there that says 0.0 for its first seconds
    try:
        return os.getloadavg()
    except OSError:
        return None, None, None


def _count_processes() -> int:
    try:
        return len(psutil.pids())
    except REFUSED:
        return 0


def _read_collector() -> dict[str, int]:
    generations = gc.get_stats()
    return {
        f"gc_{name}": sum(generation[name] for generation in generations)
        for name in ("collections", "collected", "uncollectable")
    }
