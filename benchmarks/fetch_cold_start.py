"""How long `fetch` takes over three nodes, from the shell's Enter to the end, and what a person could expect.

    python benchmarks/fetch_cold_start.py [--rounds 11] [--nodes 3]

The floor is an interpreter that imports what `fetch` cannot do without, click and psutil, and exits.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence

import measure
from fleet import COMMAND, Fleet

BARE = "python -c pass"
PEER = "python -c 'import click, psutil'"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--rounds", type=int, default=11)
    options.add_argument("--nodes", type=int, default=3)
    chosen = options.parse_args()
    print(f"Cold start ({measure.about_here()}; each figure is a whole OS process)")
    with Fleet(chosen.nodes) as fleet:
        fleet.await_up()
        fleet.rest()
        cpu: measure.Results = {}

        def timed(name: str, command: Sequence[str], blocks: int | None = None) -> Callable[[], float]:
            def once() -> float:
                seconds, used, code, printed = measure.wall(command, fleet.environ)
                if code != 0 or (blocks is not None and printed.count("Node: ") != blocks):
                    raise RuntimeError(f"{name}: exit code {code}, printed {printed!r}")
                cpu.setdefault(name, []).append(used)
                return seconds

            return once

        fetch = f"fetch, {chosen.nodes} nodes"
        contestants = {
            BARE: timed(BARE, [sys.executable, "-c", "pass"]),
            PEER: timed(PEER, [sys.executable, "-c", "import click, psutil"]),
            "--help": timed("--help", [*COMMAND, "--help"]),
            fetch: timed(fetch, [*COMMAND, "fetch"], chosen.nodes),
        }
        measure.interleaved(contestants, 2)  # files into the cache, .pyc files written
        cpu.clear()
        results = measure.interleaved(contestants, chosen.rounds)
    measure.show("wall clock", results, PEER, unit="ms", scale=1e3)
    measure.aim("of the floor:", measure.ratio(results, fetch, PEER), 2)
    measure.show("CPU time", {name: cpu[name] for name in contestants}, PEER, unit="ms", scale=1e3)


if __name__ == "__main__":
    sys.exit(measure.run(main))
