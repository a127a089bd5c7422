"""What costs more to ask of psutil than the rest, and is therefore asked more rarely.

Microseconds a call (psutil 7.2, 2 cores): swap 55, disks 72, network 24, cores 16, context switches 17, the file
system at the root 2. The rest of a look at the machine, at every beat, is memory 22, CPU times 13, counting
processes 60.
"""

from __future__ import annotations

import os
import warnings
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import psutil

from eye.errors import ProbeNotReady
from eye.metrics.rates import HostShare, HostTimes, Speeds

if TYPE_CHECKING:
    from eye.clock import Clock

REFUSED = (psutil.Error, OSError, NotImplementedError)
"""What psutil raises when the system does not say: no such process, no permission, no such file."""

_SPEEDS = {
    "disk_read": "disk_read_rate",
    "disk_written": "disk_write_rate",
    "network_received": "network_receive_rate",
    "network_sent": "network_send_rate",
}
"""Counters of a reading, and the fields that say how fast they go up."""

_LOOPBACK = ("lo", "lo0", "Loopback Pseudo-Interface 1")


class RareLooks:
    """Looks at swap, disks, network and cores."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._speeds = Speeds()
        self._cores: list[HostShare] = []

    def look(self) -> dict[str, Any]:
        """Answer the fields of a `HostReading` that these are; None where the system does not say."""
        now, counters = self._clock.monotonic(), _read_counters()
        speeds = self._speeds.look(now, {name: count for name, count in counters.items() if count is not None})
        cores = self._read_cores(now)
        return {
            **_read_swap(),
            **_read_disk(),
            **counters,
            **{field: speeds.get(name) for name, field in _SPEEDS.items()},
            "busiest_core": max(cores, default=None) if cores is not None else None,
            "core_cpus": cores,
            "context_switches": _read_context_switches(),
        }

    def _read_cores(self, now: float) -> tuple[float, ...] | None:
        try:
            times = psutil.cpu_times(percpu=True)
        except REFUSED:
            return None
        if len(times) != len(self._cores):
            self._cores = [HostShare() for _ in times]
        shares: list[float] = []
        for core, its in zip(self._cores, times, strict=True):
            with suppress(ProbeNotReady):
                shares.append(core.look(now, host_times(its)))
        return tuple(shares) if len(shares) == len(times) else None


def host_times(times: Any) -> HostTimes:
    """Add up what psutil tells of the CPU's time."""
    # As psutil and htop do: guest time is part of user time already, and waiting for a disk is not busy.
    total = sum(times) - getattr(times, "guest", 0.0) - getattr(times, "guest_nice", 0.0)
    idle = times.idle + getattr(times, "iowait", 0.0)
    return HostTimes(busy=total - idle, idle=idle)


def _read_swap() -> dict[str, int | None]:
    try:
        with warnings.catch_warnings():  # psutil warns where the kernel does not count what is swapped in and out
            warnings.simplefilter("ignore")
            swap = psutil.swap_memory()
    except REFUSED:
        return {"swap_used": None, "swap_total": None}
    return {"swap_used": swap.used, "swap_total": swap.total}


def _read_disk() -> dict[str, int | None]:
    try:
        disk = psutil.disk_usage(os.path.abspath(os.sep))
    except REFUSED:
        return {"disk_used": None, "disk_total": None}
    return {"disk_used": disk.used, "disk_total": disk.used + disk.free}


def _read_counters() -> dict[str, int | None]:
    counters: dict[str, int | None] = dict.fromkeys(_SPEEDS)
    try:
        if (disks := psutil.disk_io_counters(nowrap=False)) is not None:  # a machine may have none
            counters |= {"disk_read": disks.read_bytes, "disk_written": disks.write_bytes}
    except (*REFUSED, RuntimeError):  # psutil of a /proc/diskstats that it does not know
        pass
    try:
        cards = psutil.net_io_counters(pernic=True, nowrap=False)
    except REFUSED:
        return counters
    others = [card for name, card in cards.items() if name not in _LOOPBACK]
    counters["network_received"] = sum(card.bytes_recv for card in others)
    counters["network_sent"] = sum(card.bytes_sent for card in others)
    return counters


def _read_context_switches() -> int | None:
    try:
        return int(psutil.cpu_stats().ctx_switches)
    except REFUSED:
        return None
