"""What one node said at one moment, as values.

A `Sample` is taken on the measured node, crosses the wire as it is, and is what every view, the
history and the alerts read. Sizes are bytes, durations seconds, and a share of CPU is one of *all*
cores, from 0.0 (idle) to 1.0 (every core busy). A figure that could not be measured is None, or, where
the type has no None, a 0 that the real thing cannot have: no machine has 0 bytes of memory in use.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class HostReading:
    """The machine that a node runs on.

    `name` is the machine's host name. `cpu` is None until the probe has looked twice. `load_1m` is None
    on systems that have no load average. `process_count` counts the machine's OS processes. `uptime` is
    since the machine was booted.

    `source` says whose memory and CPU these are: "host" of the machine, or "container" of the control group that
    the node runs in, where one sets limits. `disk_used` and `disk_total` are of the file system at the root;
    `disk_read`, `disk_written`, `network_received` and `network_sent` are bytes since the boot, over all disks
    and all interfaces but loopback. `core_cpus` is how busy each core was, in the order the system numbers them.
    """

    name: str
    memory_used: int
    memory_total: int
    cpu: float | None
    cores: int
    load_1m: float | None
    process_count: int
    uptime: float
    source: str = "host"
    load_5m: float | None = None
    load_15m: float | None = None
    swap_used: int | None = None
    swap_total: int | None = None
    disk_used: int | None = None
    disk_total: int | None = None
    disk_read_rate: float | None = None
    disk_write_rate: float | None = None
    disk_read: int | None = None
    disk_written: int | None = None
    network_receive_rate: float | None = None
    network_send_rate: float | None = None
    network_received: int | None = None
    network_sent: int | None = None
    busiest_core: float | None = None
    context_switches: int | None = None
    core_cpus: tuple[float, ...] | None = None


@dataclass(frozen=True, slots=True)
class ProcessReading:
    """The node itself.

    `memory_rss`, `cpu` and `thread_count` are those of the node's OS process and of the OS processes
    that it started, added up. `process_count` and `restarts` are about its *supervised* processes: how
    many live, how often one was restarted. `uptime` is since the node was started. `mailbox` is the length of
    the longest mailbox of any of them. `open_files` is of the node's own OS process, `gc_…` what the collector of
    its Python has done since that started, `python` which version that is.
    """

    pid: int
    memory_rss: int
    cpu: float | None
    thread_count: int
    process_count: int
    restarts: int
    uptime: float
    mailbox: int | None = None
    open_files: int | None = None
    gc_collections: int | None = None
    gc_collected: int | None = None
    gc_uncollectable: int | None = None
    python: str = ""


class About(NamedTuple):
    """What is said of a figure of the program's own: a sentence, and of `catalogue` a `Unit` and a `Kind`."""

    help: str = ""
    unit: str = "number"
    kind: str = "gauge"


@dataclass(frozen=True, slots=True)
class Sample:
    """What the node `node`, in its incarnation `boot`, measured at the moment `at` of its own clock.

    `custom` are the figures of the program that the node runs in, by their names, and `about` says what they are;
    None is «as before»: see `eye.metrics.custom`. A field that an older node does not send has its default here.
    """

    node: str
    boot: str
    at: float
    host: HostReading
    process: ProcessReading
    custom: dict[str, int | float] = field(default_factory=dict)
    about: dict[str, About] | None = None
