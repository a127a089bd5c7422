"""Ten thousand timers on one thread, against `threading.Timer`, which takes a thread for each.

    python benchmarks/timers.py [--count 10000] [--rounds 3]

All are set at once. Half of them are due over two seconds, and it is looked how late they fire; the other
half is cancelled after that, as most timers are: they guard against what does not happen. Each contestant of
each round has an interpreter of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import threading
import time
from collections.abc import Callable
from statistics import median, quantiles
from typing import Any

import measure

from eye.clock import SystemClock
from eye.supervision.timers import Timers

FIRST, SPREAD, NEVER = 8.0, 2.0, 600.0  # seconds to the first timer, from it to the last, and to the others


def set_ours(due: list[float], fire: Callable[[int], None]) -> tuple[list[Any], Callable[[], object]]:
    timers = Timers(SystemClock())
    made = [timers.at(at, lambda number=number: fire(number)) for number, at in enumerate(due)]
    return made, timers.stop


def set_threads(due: list[float], fire: Callable[[int], None]) -> tuple[list[Any], Callable[[], object]]:
    made = []
    for number, at in enumerate(due):
        timer = threading.Timer(at - time.monotonic(), fire, (number,))
        timer.daemon = True
        timer.start()
        made.append(timer)
    return made, lambda: None


CONTESTANTS = {"threading.Timer": set_threads, "eye timers": set_ours}


def measure_one(name: str, count: int) -> dict[str, float]:
    fired = count // 2
    late: list[float] = []
    done = threading.Event()

    def fire(number: int) -> None:
        late.append(time.monotonic() - due[number])
        if len(late) == fired:
            done.set()

    memory_before, _ = measure.memory_of(os.getpid())
    now = time.monotonic()
    due = [now + FIRST + SPREAD * number / fired for number in range(fired)]
    due += [now + NEVER] * (count - fired)
    began = time.perf_counter()
    made, stop = CONTESTANTS[name](due, fire)
    setting = time.perf_counter() - began
    memory, _ = measure.memory_of(os.getpid())
    threads = threading.active_count()
    done.wait(120)
    began = time.perf_counter()
    for timer in made[fired:]:
        timer.cancel()
    cancelling = time.perf_counter() - began
    stop()
    return {
        "set": setting / count,
        "cancel": cancelling / (count - fired),
        "late": median(late),
        "p99": quantiles(late, n=100)[-1],
        "memory": memory - memory_before,
        "threads": threads,
    }


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--count", type=int, default=10_000)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--one", choices=CONTESTANTS, help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.one:
        print(json.dumps(measure_one(chosen.one, chosen.count)))
        return
    print(f"{chosen.count:,} timers, half of them cancelled ({measure.about_here()})")
    tables: dict[str, measure.Results] = {}

    def run(name: str) -> float:
        arguments = ("--one", name, "--count", str(chosen.count))
        for what, figure in measure.in_fresh_interpreter(__file__, *arguments).items():
            tables.setdefault(what, {}).setdefault(name, []).append(figure)
        return 0.0

    measure.interleaved({name: lambda name=name: run(name) for name in CONTESTANTS}, chosen.rounds)
    tables = {what: {name: table[name] for name in CONTESTANTS} for what, table in tables.items()}
    peer = "threading.Timer"
    measure.show("set, each", tables["set"], peer)
    measure.show("cancel, each", tables["cancel"], peer)
    measure.show("late by (median)", tables["late"], peer, unit="ms", scale=1e3, digits=2)
    measure.show("late by (99th percentile)", tables["p99"], peer, unit="ms", scale=1e3, digits=2)
    measure.show("memory for all", tables["memory"], peer, unit="MB", scale=1 / 2**20)
    measure.show("threads", tables["threads"], peer, unit="", scale=1, digits=0)


if __name__ == "__main__":
    sys.exit(measure.run(main))
