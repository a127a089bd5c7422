"""Twenty nodes on one machine: how soon they all know each other, what they hold, what one `fetch` of them takes.

python benchmarks/twenty_nodes.py [--nodes 20] [--rounds 5]
"""

from __future__ import annotations

import argparse
import sys
import time
from statistics import median

import measure
import psutil
from fleet import COMMAND, Fleet


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--nodes", type=int, default=20)
    options.add_argument("--rounds", type=int, default=5)
    chosen = options.parse_args()
    count = chosen.nodes
    print(f"{count} nodes ({measure.about_here()})")
    began = time.monotonic()
    with Fleet(count) as fleet:
        fleet.await_up()
        complete = time.monotonic() - began
        fleet.rest()
        contestants = {
            "floor": lambda: measure.wall([sys.executable, "-c", "import click, psutil"], fleet.environ)[0],
            "fetch": lambda: fetch(fleet),
        }
        results = measure.interleaved(contestants, chosen.rounds)
        pids = [node.pid for node in fleet.nodes.values()]
        memory = [measure.memory_of(pid) for pid in pids]
        threads = [psutil.Process(pid).num_threads() for pid in pids]
        stopping = time.monotonic()
    stopped = time.monotonic() - stopping
    print(f"\n  started at once; all up in every registry after {complete:.1f} s; all stopped in {stopped:.1f} s")
    measure.show(f"one fetch of {count}, from a cold start", results, "floor", unit="ms", scale=1e3)
    measure.aim("wall clock of fetch", median(results["fetch"]), 0.6, unit="s")
    print("\nmemory of a node")
    rss = [size for size, _ in memory]
    print(f"  RSS {measure.megabytes(median(rss))} [{measure.megabytes(min(rss))}-{measure.megabytes(max(rss))}]")
    pss = [size for _, size in memory if size is not None]
    if pss:
        print(f"  PSS {measure.megabytes(median(pss))}; {measure.megabytes(sum(pss))} in all")
    print(f"  threads {median(threads):g}")
    measure.aim("RSS of a node", max(rss) / 2**20, 40, unit="MB")
    left = [str(pid) for pid in pids if psutil.pid_exists(pid)] + fleet.left_behind
    print(f"  left behind: {', '.join(left) or 'nothing'}")


def fetch(fleet: Fleet) -> float:
    seconds, _, code, printed = measure.wall([*COMMAND, "fetch"], fleet.environ)
    seen = printed.count("Node: ")
    if code != 0 or seen != len(fleet.names):
        raise RuntimeError(f"fetch saw {seen} of {len(fleet.names)} nodes, exit code {code}")
    return seconds


if __name__ == "__main__":
    sys.exit(measure.run(main))
