"""What a probe promises.

A probe looks at the machine and at this process when it is asked to, and keeps nothing but what a
rate needs: the previous look. The sampler of a node owns one and asks it on each tick.
`PsutilProbe` asks the operating system; `ScriptedProbe` says what it was told to say.
`tests/conformance/test_probes.py` holds both to the promises below.

1. A rate is never invented. `cpu` is None until two looks at least `SHORTEST_WINDOW` apart exist, then
   it is the share between the last two such looks, 0.0 to 1.0, of all cores. A look that comes sooner
   answers with the previous share. Host and process have a window each.
2. A figure that the system refuses to give is None, or 0 where the type has no None and the real thing
   is never 0. The rest of the reading is not harmed, and nothing is raised.
3. Time is the handed-in clock's. `uptime` never goes back while the machine is up and nobody sets its
   clock.
4. In a container with limits, memory, cores and CPU are the container's, of what it may use, and `source` says so.
5. What costs more than the rest is looked at every `catalogue.SLOW` seconds; in between the last answer is
   repeated. A rate among them is None until there were two looks.
6. One look costs a fraction of a millisecond and blocks on nothing; it may be asked from any thread,
   from one at a time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from eye.metrics.sample import ProcessReading

if TYPE_CHECKING:
    from eye.metrics.sample import HostReading

SHORTEST_WINDOW = 0.05
"""Seconds between two looks that make a share of CPU: systems count in ticks of 10 ms, so that a
shorter one would measure the ticks."""


@dataclass(frozen=True, slots=True)
class ProcessUse:
    """What the operating system can tell of a node: its OS process and all that descend from it, added up.

    `child_count` says how many were counted besides the node's own. Memory that parent and child share
    is counted in both, as `ps` does.
    """

    pid: int
    memory_rss: int
    cpu: float | None
    thread_count: int
    child_count: int = 0
    open_files: int | None = None
    gc_collections: int | None = None
    gc_collected: int | None = None
    gc_uncollectable: int | None = None
    python: str = ""

    def reading(
        self, *, process_count: int, restarts: int, uptime: float, mailbox: int | None = None
    ) -> ProcessReading:
        """Complete it with what only the node itself knows."""
        return ProcessReading(
            pid=self.pid,
            memory_rss=self.memory_rss,
            cpu=self.cpu,
            thread_count=self.thread_count,
            process_count=process_count,
            restarts=restarts,
            uptime=uptime,
            mailbox=mailbox,
            open_files=self.open_files,
            gc_collections=self.gc_collections,
            gc_collected=self.gc_collected,
            gc_uncollectable=self.gc_uncollectable,
            python=self.python,
        )


class Probe(Protocol):
    """Takes readings of the machine and of this process. The promises are in the module's docstring."""

    def read_host(self) -> HostReading:
        """Look at the machine."""
        ...

    def read_process(self) -> ProcessUse:
        """Look at this process and at the ones that descend from it."""
        ...
