"""From the crash of a process to the `init` of its replacement, and what of it is the starting of a thread.

    python benchmarks/restart_latency.py [--rounds 7]

The clock stops when the first line of the new code runs. A crash here is whole: cleanup, links and monitors
told, the budget kept, and reports, which nobody takes (a `NullHandler`), or in one row somebody does: a handler
that writes them out to nowhere.

The peer is the least that could be called a supervisor: one thread with a queue, told by the dying thread, that
starts a new one. `eye, new threads` is our own supervisor with parking switched off.
"""

from __future__ import annotations

import argparse
import io
import json
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


def crash_written_out(once: Callable[[], float]) -> float:
    logger, writes = logging.getLogger("eye"), logging.StreamHandler(Nowhere())
    logger.addHandler(writes)
    try:
        return once()
    finally:
        logger.removeHandler(writes)


class Nowhere(io.TextIOBase):
    def write(self, text: str) -> int:
        return len(text)


def crash_by_hand() -> tuple[Callable[[], float], Callable[[], object]]:
    """A queue, a thread that starts threads, and nothing else."""
    began: queue.SimpleQueue[float] = queue.SimpleQueue()
    exits: queue.SimpleQueue[Any] = queue.SimpleQueue()
    crashed_at = [0.0]

    def work(inbox: queue.SimpleQueue[str]) -> None:
        began.put(time.perf_counter())
        try:
            message = inbox.get()
            crashed_at[0] = time.perf_counter()
            raise ValueError(message)
        except ValueError as error:
            exits.put(error)

    def supervise() -> None:
        while True:
            inbox: queue.SimpleQueue[str] = queue.SimpleQueue()
            children[:] = [inbox]
            threading.Thread(target=work, args=(inbox,), daemon=True).start()
            if str(exits.get()) == "stop":
                return

    children: list[queue.SimpleQueue[str]] = []
    threading.Thread(target=supervise, daemon=True).start()
    began.get()

    def once() -> float:
        children[0].put("crash")
        return began.get() - crashed_at[0]

    return once, lambda: children[0].put("stop")


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


BARE, LEAST, NEW, OURS = "a new thread", "least supervisor", "eye, new threads", "eye"


def compare(rounds: int) -> measure.Results:
    for name in ("eye", "pykka"):
        logger = logging.getLogger(name)
        logger.addHandler(logging.NullHandler())
        logger.propagate = False
    in_pykka, stop_pykka = crash_in_pykka()
    by_hand, stop_by_hand = crash_by_hand()
    with System() as system, System(parked_threads=0) as without:
        supervised, on_new_threads = crash_supervised(system), crash_supervised(without)
        try:
            return measure.interleaved(
                {
                    BARE: lambda: median(start_thread() for _ in range(EACH)),
                    LEAST: lambda: median(by_hand() for _ in range(EACH)),
                    "pykka, by hand": lambda: median(in_pykka() for _ in range(EACH)),
                    NEW: lambda: median(on_new_threads() for _ in range(EACH)),
                    OURS: lambda: median(supervised() for _ in range(EACH)),
                    "eye, reports written": lambda: median(crash_written_out(supervised) for _ in range(EACH)),
                },
                rounds,
            )
        finally:
            stop_pykka()
            stop_by_hand()


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--rounds", type=int, default=7)
    options.add_argument("--json", action="store_true", help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.json:
        measure.take_cpus()
        print(json.dumps(compare(chosen.rounds)))
        return
    print(f"Crash to replacement ({measure.about_here()}; {EACH} a round)")
    for cpus in (None, 1):
        if cpus and not measure.can_choose_cpus():
            continue
        arguments = ("--json", "--rounds", str(chosen.rounds))
        results = measure.in_fresh_interpreter(__file__, *arguments, cpus=cpus)
        where = "one CPU" if cpus else "all CPUs"
        measure.show(f"crash -> the replacement's first line, on {where}", results, NEW)
        measure.aim("of the same on a newly started thread:", measure.ratio(results, OURS, NEW), 0.4)
        measure.note(f"{measure.ratio(results, OURS, LEAST):.2f} of the least supervisor, which starts a thread")


if __name__ == "__main__":
    sys.exit(measure.run(main))
