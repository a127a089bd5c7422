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
    the node runs in, where one sets limits.
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


@dataclass(frozen=True, slots=True)
class ProcessReading:
    """The node itself.

    `memory_rss`, `cpu` and `thread_count` are those of the node's OS process and of the OS processes
    that it started, added up. `process_count` and `restarts` are about its *supervised* processes: how
    many live, how often one was restarted. `uptime` is since the node was started. `mailbox` is the length of
    the longest mailbox of any of them.
    """

    pid: int
    memory_rss: int
    cpu: float | None
    thread_count: int
    process_count: int
    restarts: int
    uptime: float
    mailbox: int | None = None


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
