"""From the crash of a process to the `init` of its replacement, against just starting a thread.

    python benchmarks/restart_latency.py [--rounds 7]

The clock stops when the first line of the new code runs. A crash here is whole: its reports are made and
handed to `logging` (to a handler that throws them away), links and monitors told, the budget kept.
"""

from __future__ import annotations

import argparse
import logging
import queue
import sys
import threading
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import measure
import pykka

from eye.supervision import ChildSpec, GenServer, Supervisor, System

EACH = 100  # crashes a round

Began: queue.SimpleQueue[float] = queue.SimpleQueue()


class Fragile(GenServer):
    crashed_at = 0.0

    def init(self, began: queue.SimpleQueue[float]) -> None:
        began.put(time.perf_counter())

    def handle_cast(self, message: str) -> None:
        Fragile.crashed_at = time.perf_counter()
        raise ValueError(message)


class PykkaFragile(pykka.ThreadingActor):
    """What one writes by hand: an actor that tells another of its failure, which starts a new one."""

    crashed_at = 0.0

    def __init__(self, keeper: Any, began: queue.SimpleQueue[float]) -> None:
        super().__init__()
        self._keeper, self._began = keeper, began

    def on_start(self) -> None:
        self._began.put(time.perf_counter())

    def on_receive(self, message: str) -> None:
        PykkaFragile.crashed_at = time.perf_counter()
        raise ValueError(message)

    def on_failure(self, *_: object) -> None:
        self._keeper.tell("failed")


class PykkaKeeper(pykka.ThreadingActor):
    def __init__(self, began: queue.SimpleQueue[float]) -> None:
        super().__init__()
        self._began = began

    def on_start(self) -> None:
        self.child = PykkaFragile.start(self.actor_ref, self._began)

    def on_receive(self, message: str) -> Any:
        if message == "failed":
            self.child = PykkaFragile.start(self.actor_ref, self._began)
        return self.child


def crash_supervised(system: System) -> Callable[[], float]:
    began: queue.SimpleQueue[float] = queue.SimpleQueue()
    child = ChildSpec(Fragile, name="fragile", args=(began,))
    system.start(Supervisor, [child], max_restarts=10**6)
    began.get()

    def once() -> float:
        system.cast("fragile", "crash")
        seconds = began.get() - Fragile.crashed_at
        while system.whereis("fragile") is None:  # its name is given a moment later
            time.sleep(0.0001)
        return seconds

    return once


def crash_in_pykka() -> tuple[Callable[[], float], Callable[[], object]]:
    began: queue.SimpleQueue[float] = queue.SimpleQueue()
    keeper = PykkaKeeper.start(began)
    began.get()

    def once() -> float:
        keeper.ask("who").tell("crash")
        return began.get() - PykkaFragile.crashed_at

    return once, pykka.ActorRegistry.stop_all


def start_thread() -> float:
    began: queue.SimpleQueue[float] = queue.SimpleQueue()
    at = time.perf_counter()
    thread = threading.Thread(target=lambda: began.put(time.perf_counter()))
    thread.start()
    seconds = began.get() - at
    thread.join()
    return seconds


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--rounds", type=int, default=7)
    rounds = options.parse_args().rounds
    for name in ("eye", "pykka"):
        logger = logging.getLogger(name)
        logger.addHandler(logging.NullHandler())
        logger.propagate = False
    print(f"Crash to replacement ({measure.about_here()}; {EACH} a round)")
    in_pykka, stop_pykka = crash_in_pykka()
    with System() as system:
        supervised = crash_supervised(system)
        try:
            results = measure.interleaved(
                {
                    "a new thread": lambda: median(start_thread() for _ in range(EACH)),
                    "pykka, by hand": lambda: median(in_pykka() for _ in range(EACH)),
                    "eye supervisor": lambda: median(supervised() for _ in range(EACH)),
                },
                rounds,
            )
        finally:
            stop_pykka()
    measure.show("crash -> the replacement's first line", results, "a new thread")
    measure.aim(
        "of starting a new thread (issue 3):", measure.ratio(results, "eye supervisor", "a new thread"), 0.4
    )


if __name__ == "__main__":
    sys.exit(measure.run(main))
