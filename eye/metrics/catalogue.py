"""One table of what is measured: name, scope, unit, kind, words.

Every view reads it: `fetch --metric NAME` looks its argument up here, the text and the table take
labels and units from it, JSON, CSV and Prometheus their names. A metric that is added to a reading and
to this table is shown everywhere without further code.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, NamedTuple, Protocol

from eye.errors import UnknownMetric

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from eye.metrics.sample import HostReading, ProcessReading


class Scope(Enum):
    """Whose figure it is."""

    HOST = "host"  # the whole machine's
    NODE = "node"  # the node's own share of it
    CUSTOM = "custom"  # of the program that the node runs in: what that says of itself (see `custom`)


class Unit(Enum):
    """What one of it is; how it is printed follows from that."""

    BYTES = "bytes"
    SHARE = "share"  # 0.0 to 1.0; people and the JSON contract read it as percent
    SPEED = "bytes/s"
    SECONDS = "seconds"
    COUNT = "count"
    NUMBER = "number"  # plain, with a fraction


class Kind(Enum):
    """Whether it goes up and down, or only up until the node restarts."""

    GAUGE = "gauge"
    COUNTER = "counter"


SCOPES = {
    "host": (Scope.HOST,),
    "node": (Scope.NODE,),
    "all": (Scope.HOST, Scope.NODE),
}
"""What a user may ask for with `--scope`, and which scopes that means."""


class Measured(Protocol):
    """Whatever holds a node's readings: a `Sample`, or a view of a node that may have none (yet)."""

    @property
    def host(self) -> HostReading | None: ...
    @property
    def process(self) -> ProcessReading | None: ...
    @property
    def custom(self) -> Mapping[str, int | float]: ...


class Metric(NamedTuple):
    """One line of the catalogue. A name is unique within its scope: `memory` is one of each."""

    name: str  # what users type
    scope: Scope
    field: str  # its attribute of HostReading or ProcessReading, or its key in `Sample.custom`
    unit: Unit
    kind: Kind
    label: str  # what people read
    help: str
    in_default_table: bool = False
    beat: float = 0.0  # seconds between two looks, where they are rarer than samples
    each: str = ""  # of what there is one figure each: the label of Prometheus; such are in `LISTS`

    @property
    def part(self) -> str:
        """Say which part of a sample it is in, as Python and JSON call it: `host`, `process` or `custom`."""
        return _PARTS[self.scope]

    @property
    def key(self) -> str:
        """Name it in full, as the last hour, the history and filters do: `host.cpu`, `node.restarts`."""
        return f"{self.scope.value}.{self.name}"

    @property
    def json_name(self) -> str:
        """Say what JSON and CSV call it. They give a share in percent, and say so in its name.

        A figure of a program's own is given as the program gives it.
        """
        if self.each:
            return "cpu_percents"
        return f"{self.field}_percent" if self.is_percent else self.field

    @property
    def is_percent(self) -> bool:
        """Whether JSON, CSV and filters give it in percent."""
        return self.unit is Unit.SHARE and self.scope is not Scope.CUSTOM

    def read(self, measured: Measured) -> float | int | None:
        """Read this metric's value, in its base unit; None where it was not measured."""
        if self.scope is Scope.CUSTOM:
            return measured.custom.get(self.field)
        part = measured.host if self.scope is Scope.HOST else measured.process
        value = None if part is None else getattr(part, self.field)
        return value if not self.each or value is None else max(value, default=None)

    def read_each(self, measured: Measured) -> tuple[float, ...] | None:
        """Read the figures of a metric of `LISTS`, one of each; None where they were not measured."""
        part = measured.host if self.scope is Scope.HOST else measured.process
        return None if part is None else getattr(part, self.field)


_PARTS = {Scope.HOST: "host", Scope.NODE: "process", Scope.CUSTOM: "custom"}

SLOW = 5.0
"""Seconds between two looks at what costs more than the rest."""

_H, _N, _G, _C = Scope.HOST, Scope.NODE, Kind.GAUGE, Kind.COUNTER
_BYTES, _SHARE, _SECONDS, _COUNT, _SPEED = Unit.BYTES, Unit.SHARE, Unit.SECONDS, Unit.COUNT, Unit.SPEED

# fmt: off
CATALOGUE: tuple[Metric, ...] = (
    Metric("memory", _H, "memory_used", _BYTES, _G, "Memory Usage",
           "Memory of the machine that is in use: all of it but what is available to new programs", True),
    Metric("memory_total", _H, "memory_total", _BYTES, _G, "Memory Total",
           "Memory that the machine has"),
    Metric("cpu", _H, "cpu", _SHARE, _G, "CPU Load",
           "How busy the machine was since the previous sample, as a share of all its cores", True),
    Metric("cores", _H, "cores", _COUNT, _G, "Cores",
           "Logical cores of the machine"),
    Metric("load_1m", _H, "load_1m", Unit.NUMBER, _G, "Load Average",
           "Load average of the machine over the last minute"),
    Metric("processes", _H, "process_count", _COUNT, _G, "Process Count",
           "Processes that the operating system runs", True),
    Metric("uptime", _H, "uptime", _SECONDS, _G, "Uptime",
           "Time since the machine was booted", True),
    Metric("load_5m", _H, "load_5m", Unit.NUMBER, _G, "Load Average 5m",
           "Load average of the machine over the last 5 minutes"),
    Metric("load_15m", _H, "load_15m", Unit.NUMBER, _G, "Load Average 15m",
           "Load average of the machine over the last 15 minutes"),
    Metric("swap", _H, "swap_used", _BYTES, _G, "Swap Usage",
           "Swap space of the machine that is in use", beat=SLOW),
    Metric("swap_total", _H, "swap_total", _BYTES, _G, "Swap Total",
           "Swap space that the machine has", beat=SLOW),
    Metric("disk", _H, "disk_used", _BYTES, _G, "Disk Usage",
           "Space in use on the file system at the root", beat=SLOW),
    Metric("disk_total", _H, "disk_total", _BYTES, _G, "Disk Total",
           "Space on the file system at the root, without what is kept for the system's administrator", beat=SLOW),
    Metric("disk_read", _H, "disk_read_rate", _SPEED, _G, "Disk Read",
           "Bytes a second that the machine read from its disks", beat=SLOW),
    Metric("disk_write", _H, "disk_write_rate", _SPEED, _G, "Disk Write",
           "Bytes a second that the machine wrote to its disks", beat=SLOW),
    Metric("disk_read_total", _H, "disk_read", _BYTES, _C, "Disk Read Total",
           "Bytes that the machine has read from its disks since it was booted", beat=SLOW),
    Metric("disk_written_total", _H, "disk_written", _BYTES, _C, "Disk Written Total",
           "Bytes that the machine has written to its disks since it was booted", beat=SLOW),
    Metric("net_receive", _H, "network_receive_rate", _SPEED, _G, "Network Receive",
           "Bytes a second that came in over all network interfaces but loopback", beat=SLOW),
    Metric("net_send", _H, "network_send_rate", _SPEED, _G, "Network Send",
           "Bytes a second that went out over all network interfaces but loopback", beat=SLOW),
    Metric("net_received_total", _H, "network_received", _BYTES, _C, "Network Received Total",
           "Bytes that came in over all network interfaces but loopback", beat=SLOW),
    Metric("net_sent_total", _H, "network_sent", _BYTES, _C, "Network Sent Total",
           "Bytes that went out over all network interfaces but loopback", beat=SLOW),
    Metric("busiest_core", _H, "busiest_core", _SHARE, _G, "Busiest Core",
           "How busy the busiest of the machine's cores was", beat=SLOW),
    Metric("context_switches", _H, "context_switches", _COUNT, _C, "Context Switches",
           "Context switches of the machine since it was booted", beat=SLOW),

    Metric("memory", _N, "memory_rss", _BYTES, _G, "Memory Usage",
           "Resident memory of the node and of the OS processes it started", True),
    Metric("cpu", _N, "cpu", _SHARE, _G, "CPU Load",
           "CPU that the node and the OS processes it started used, as a share of all cores", True),
    Metric("threads", _N, "thread_count", _COUNT, _G, "Threads",
           "Threads of the node and of the OS processes it started"),
    Metric("processes", _N, "process_count", _COUNT, _G, "Process Count",
           "Supervised processes of the node that are alive", True),
    Metric("restarts", _N, "restarts", _COUNT, _C, "Restarts",
           "Restarts of supervised processes since the node was started"),
    Metric("uptime", _N, "uptime", _SECONDS, _G, "Uptime",
           "Time since the node was started", True),
    Metric("mailbox", _N, "mailbox", _COUNT, _G, "Longest Mailbox",
           "Messages in the longest mailbox of any supervised process of the node"),
    Metric("open_files", _N, "open_files", _COUNT, _G, "Open Files",
           "Files and sockets that the node's OS process holds open", beat=SLOW),
    Metric("gc_collections", _N, "gc_collections", _COUNT, _C, "GC Collections",
           "Collections that the garbage collector of the node's Python has made"),
    Metric("gc_collected", _N, "gc_collected", _COUNT, _C, "GC Collected",
           "Objects that the garbage collector of the node's Python has freed"),
    Metric("gc_uncollectable", _N, "gc_uncollectable", _COUNT, _C, "GC Uncollectable",
           "Objects that the garbage collector of the node's Python found and could not free"),
)

LISTS: tuple[Metric, ...] = (
    Metric("cpu_per_core", _H, "core_cpus", _SHARE, _G, "CPU Load per Core",
           "How busy each core of the machine was", beat=SLOW, each="core"),
)
"""What there is not one figure of, but one of each. Filters, graphs and history have `busiest_core` instead."""

# fmt: on

SHORT = {"mem": "memory", "load": "load_1m", "procs": "processes"}
"""What people write for a name."""

SCOPE_CALLED = {"process": "node"}
"""What JSON calls a scope, where that is another word."""


def find(name: str, own: Iterable[Metric] = ()) -> tuple[Metric, ...]:
    """Find a metric by its name, in every scope that has it, host first.

    The names that JSON uses (`memory_rss`, `cpu_percent`) and the labels that people read («CPU Load»)
    are understood too, in any case, with `-` or a space for `_`; so are `mem`, `load`, `procs`; and `host.cpu`,
    `node.cpu` (or `process.cpu_percent`), `custom.orders` for one scope's alone.

    Args:
        own: what programs measure of themselves besides (`custom.metrics_of`); the catalogue goes before it.

    Raises:
        UnknownMetric: no metric is called that; it lists the names and suggests one that is close.
    """
    said = name.strip().lower().replace("-", "_").replace(" ", "_")
    scope, dot, rest = said.partition(".")
    scope, wanted, own = SCOPE_CALLED.get(scope, scope), (rest if dot else said), tuple(own)
    if scope != Scope.CUSTOM.value:
        wanted = SHORT.get(wanted, wanted)
    of_scope = [m for m in (*CATALOGUE, *LISTS, *own) if not dot or m.scope.value == scope]
    found = tuple(m for m in of_scope if m.name == wanted and m.scope is not Scope.CUSTOM)
    found = found or tuple(m for m in of_scope if m.scope is not Scope.CUSTOM and wanted in _also_called(m))
    found = found or tuple(m for m in of_scope if m.name == wanted)
    if not found:
        raise UnknownMetric(name, _known_and_close(wanted, own))
    return found


def select(names: Iterable[str] = (), scope: str = "host", own: Iterable[Metric] = ()) -> tuple[Metric, ...]:
    """Choose what to show: the metrics of those names, or the default table, of a scope of `SCOPES`.

    A name that the scope does not have is taken from the one that has it: `restarts` needs no
    `--scope node` beside it. The order is the one asked for, host before node; nothing comes twice.

    Raises:
        UnknownMetric: no metric is called that.
    """
    scopes = SCOPES[scope]
    chosen = [m for name in names for m in _of(scopes, find(name, own))]
    if not chosen:
        chosen = [m for m in CATALOGUE if m.in_default_table and m.scope in scopes]
    chosen.sort(key=lambda m: list(Scope).index(m.scope))
    return tuple(dict.fromkeys(chosen))


def titles(metrics: Iterable[Metric]) -> list[tuple[Metric, str]]:
    """Give each metric the label it is shown under; where host and node share one, the node's says so."""
    shown = list(metrics)
    of_host = {m.label for m in shown if m.scope is Scope.HOST}
    return [(m, f"Node {m.label}" if m.scope is Scope.NODE and m.label in of_host else m.label) for m in shown]


def names() -> tuple[str, ...]:
    """List the names that a user may type, each once."""
    return tuple(dict.fromkeys(m.name for m in (*CATALOGUE, *LISTS)))


def _of(scopes: tuple[Scope, ...], found: tuple[Metric, ...]) -> tuple[Metric, ...]:
    return tuple(m for m in found if m.scope in scopes) or found


def _also_called(metric: Metric) -> tuple[str, ...]:
    return metric.field, metric.json_name, metric.label.lower().replace(" ", "_")


def _known_and_close(wanted: str, own: tuple[Metric, ...]) -> str:
    from difflib import get_close_matches  # here: only somebody who mistyped pays for it

    known = ", ".join(dict.fromkeys((*names(), *(m.name for m in own))))
    spellings = {word: m.name for m in (*CATALOGUE, *LISTS, *own) for word in (*_also_called(m), m.name)}
    close = get_close_matches(wanted, spellings, n=1)
    return f"{known}. Did you mean {spellings[close[0]]!r}?" if close else known
