"""What a node costs that nobody looks at, against a loop that reads the same four metrics once a second.

    python benchmarks/idle_node.py [--seconds 30] [--rounds 3]

All of them run side by side for the same seconds, each in a folder of its own: a lone node, one that serves the
web view, and one that has two peers to keep up with.
"""

from __future__ import annotations

import argparse
import contextlib
import subprocess
import sys
import time
from statistics import median

import measure
from fleet import Fleet

LOOP = """
import time, psutil
while True:
    psutil.virtual_memory(), psutil.cpu_percent(None), len(psutil.pids()), psutil.boot_time()
    time.sleep(1)
"""
PEER = "bare psutil loop"
LONE, WITH_WEB, AMONG_THREE = "node", "node with --web", "node with two peers"
SETTLED = 5.0  # seconds after the start that are not counted


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--seconds", type=float, default=30.0, help="how long one round looks (default: 30)")
    options.add_argument("--rounds", type=int, default=3)
    chosen = options.parse_args()
    print(f"An idle node at 1 Hz ({measure.about_here()}; {chosen.rounds} rounds of {chosen.seconds:g} s)")
    with contextlib.ExitStack() as stack:
        loop = subprocess.Popen([sys.executable, "-c", LOOP], process_group=0)
        stack.callback(lambda: (loop.kill(), loop.wait()))
        fleets = {
            LONE: stack.enter_context(Fleet(1)),
            WITH_WEB: stack.enter_context(Fleet(1, ["--web", "0"])),
            AMONG_THREE: stack.enter_context(Fleet(3)),
        }
        for fleet in fleets.values():
            fleet.await_up()
            fleet.rest()
        pids = {PEER: loop.pid} | {name: fleet.nodes["node-1"].pid for name, fleet in fleets.items()}
        time.sleep(SETTLED)
        results: measure.Results = {name: [] for name in pids}
        for _ in range(chosen.rounds):
            before = {name: measure.cpu_seconds(pid) for name, pid in pids.items()}
            began = time.monotonic()
            time.sleep(chosen.seconds)
            minutes = (time.monotonic() - began) / 60
            for name, pid in pids.items():
                # A clock tick is 10 ms; less than half a tick a round cannot be told from nothing.
                used = max(measure.cpu_seconds(pid) - before[name], 0.005)
                results[name].append(used / minutes)
        memory = {name: measure.memory_of(pid) for name, pid in pids.items()}
    measure.show("CPU", results, PEER, unit="CPU-s/min", scale=1, digits=3)
    measure.aim("a lone node", median(results[LONE]), 0.15, unit="CPU-s/min")
    measure.aim("with the web view", median(results[WITH_WEB]), 0.15, unit="CPU-s/min")
    print("\nmemory")
    for name, (rss, pss) in memory.items():
        ratio = rss / memory[PEER][0]
        print(f"  {name:<20}  RSS {measure.megabytes(rss):>8}  PSS {measure.megabytes(pss):>8}  ratio {ratio:.2f}")
    measure.aim("RSS with the web view", memory[WITH_WEB][0] / 2**20, 40, unit="MB")


if __name__ == "__main__":
    sys.exit(measure.run(main))
