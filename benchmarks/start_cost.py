"""What it costs to start a process and to keep it idle, against Pykka's actors and against bare threads.

    python benchmarks/start_cost.py [--count 1000] [--rounds 5]

Each contestant of each round has an interpreter of its own, so that nobody inherits another's memory.
Memory is what the interpreter holds with all of them alive, less what it held before.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import threading
import time
from collections.abc import Callable
from statistics import median

import measure
import pykka

from eye.supervision import DynamicSupervisor, GenServer, Restart, System
from eye.supervision.child_spec import ChildSpec


class Idle(GenServer):
    def init(self) -> None:
        self._state = 0


class PykkaIdle(pykka.ThreadingActor):
    def __init__(self) -> None:
        super().__init__()
        self._state = 0


def bare_threads(count: int) -> Callable[[], object]:
    gate = threading.Lock()
    gate.acquire()

    def wait() -> None:
        with gate:
            pass

    threads = [threading.Thread(target=wait) for _ in range(count)]
    for thread in threads:
        thread.start()

    def stop() -> None:
        gate.release()
        for thread in threads:
            thread.join()

    return stop


def pykka_actors(count: int) -> Callable[[], object]:
    for _ in range(count):
        PykkaIdle.start()
    return pykka.ActorRegistry.stop_all


def processes(count: int) -> Callable[[], object]:
    system = System()
    for _ in range(count):
        system.start(Idle)
    return system.stop


def supervised(count: int) -> Callable[[], object]:
    system = System()
    supervisor = system.start(DynamicSupervisor)
    assert supervisor is not None
    for _ in range(count):
        DynamicSupervisor.start_child(supervisor, ChildSpec(Idle, restart=Restart.TEMPORARY))
    return system.stop


CONTESTANTS = {
    "bare thread": bare_threads,
    "pykka actor": pykka_actors,
    "eye process": processes,
    "eye, supervised": supervised,
}


def measure_one(name: str, count: int) -> dict[str, float]:
    CONTESTANTS[name](1)()  # whatever is made once is made before we look
    before, _ = measure.memory_of(os.getpid())
    began = time.perf_counter()
    stop = CONTESTANTS[name](count)
    started = time.perf_counter()
    after, _ = measure.memory_of(os.getpid())
    stopping = time.perf_counter()
    stop()
    stopped = time.perf_counter()
    return {
        "start": (started - began) / count,
        "memory": (after - before) / count,
        "stop": (stopped - stopping) / count,
    }


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--count", type=int, default=1000)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--one", choices=CONTESTANTS, help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.one:
        print(json.dumps(measure_one(chosen.one, chosen.count)))
        return
    print(f"Start cost of {chosen.count:,} idle processes ({measure.about_here()})")
    tables: dict[str, measure.Results] = {}

    def run(name: str) -> float:
        arguments = ("--one", name, "--count", str(chosen.count))
        for what, figure in measure.in_fresh_interpreter(__file__, *arguments).items():
            tables.setdefault(what, {}).setdefault(name, []).append(figure)
        return 0.0

    measure.interleaved({name: lambda name=name: run(name) for name in CONTESTANTS}, chosen.rounds)
    in_order = {what: {name: table[name] for name in CONTESTANTS} for what, table in tables.items()}
    measure.show("start, each", in_order["start"], "pykka actor", digits=0)
    measure.show("resident memory, each", in_order["memory"], "pykka actor", unit="kB", scale=1 / 1024)
    measure.aim("memory of an idle process", median(in_order["memory"]["eye process"]) / 1024, 20, unit="kB")
    measure.show("stop, each", in_order["stop"], "pykka actor", digits=0)


if __name__ == "__main__":
    sys.exit(measure.run(main))
