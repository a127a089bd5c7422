"""What a call and a cast cost, against Pykka's own `ask` and `tell` and against two bare threads.

    python benchmarks/calls_and_casts.py [--rounds 9]

Once with all CPUs, once on one: between two threads the second CPU costs more than it gives (a sleeping one
has to be woken), and its figures scatter. The table on one CPU is the one to watch.
"""

from __future__ import annotations

import argparse
import json
import queue
import sys
import threading
import time
from typing import Any

import measure
import pykka

from eye.supervision import GenServer, System

CALLS, CASTS = 4_000, 200_000


class Echo(GenServer):
    def init(self, done: threading.Event) -> None:
        self._count, self._done = 0, done

    def handle_call(self, message: Any, caller: Any) -> Any:
        return message

    def handle_cast(self, message: int) -> None:
        self._count += 1
        if message == CASTS:
            self._done.set()


class PykkaEcho(pykka.ThreadingActor):
    use_daemon_thread = True

    def __init__(self, done: threading.Event) -> None:
        super().__init__()
        self._count, self._done = 0, done

    def on_receive(self, message: Any) -> Any:
        self._count += 1
        if message == CASTS:
            self._done.set()
        return message


class Pair:
    """The floor: two threads and two queues, and nothing else."""

    def __init__(self) -> None:
        self._there: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._back: queue.SimpleQueue[Any] = queue.SimpleQueue()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        get, put, count = self._there.get, self._back.put, 0
        while (item := get()) is not None:
            if item[0]:
                put(item[1])
            else:
                count += 1
                if item[1] == CASTS:
                    put(None)

    def ask(self, value: int) -> None:
        self._there.put((True, value))
        self._back.get()

    def tell_all(self) -> None:
        put = self._there.put
        for number in range(1, CASTS + 1):
            put((False, number))
        self._back.get()

    def stop(self) -> None:
        self._there.put(None)


def compare(rounds: int) -> dict[str, measure.Results]:
    done = threading.Event()
    pair = Pair()
    actor = PykkaEcho.start(done)
    with System() as system:
        server = system.start(Echo, done)
        assert server is not None

        def calls(ask: Any) -> float:
            began = time.perf_counter()
            for number in range(CALLS):
                ask(number)
            return (time.perf_counter() - began) / CALLS

        def casts(tell: Any) -> float:
            done.clear()
            began = time.perf_counter()
            for number in range(1, CASTS + 1):
                tell(number)
            done.wait()
            return (time.perf_counter() - began) / CASTS

        def floor_casts() -> float:
            began = time.perf_counter()
            pair.tell_all()
            return (time.perf_counter() - began) / CASTS

        try:
            return {
                "calls": measure.interleaved(
                    {
                        "pykka ask": lambda: calls(actor.ask),
                        "eye call": lambda: calls(server.call),
                        "two queues": lambda: calls(pair.ask),
                    },
                    rounds,
                ),
                "casts": measure.interleaved(
                    {
                        "pykka tell": lambda: casts(actor.tell),
                        "eye cast": lambda: casts(server.cast),
                        "one queue": floor_casts,
                    },
                    rounds,
                ),
            }
        finally:
            actor.stop()
            pair.stop()


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--rounds", type=int, default=9)
    options.add_argument("--json", action="store_true", help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.json:
        measure.take_cpus()
        print(json.dumps(compare(chosen.rounds)))
        return
    print(f"Calls and casts ({measure.about_here()}; {CALLS:,} calls and {CASTS:,} casts a round)")
    for cpus, gate in ((None, 8.0), (1, 5.0)):
        if cpus and not measure.can_choose_cpus():
            measure.note("this system does not let a process choose its CPUs: no figures on one CPU")
            continue
        arguments = ("--json", "--rounds", str(chosen.rounds))
        results = measure.in_fresh_interpreter(__file__, *arguments, cpus=cpus)
        where = "one CPU" if cpus else "all CPUs"
        calls, casts = results["calls"], results["casts"]
        measure.show(f"a call, there and back, on {where}", calls, "pykka ask")
        measure.aim("times as fast as ask:", measure.ratio(calls, "pykka ask", "eye call"), 1.3, at_least=True)
        measure.show(f"a cast, until it is handled, on {where}", casts, "pykka tell", digits=2)
        measure.aim("times as fast as tell:", measure.ratio(casts, "pykka tell", "eye cast"), gate, at_least=True)


if __name__ == "__main__":
    sys.exit(measure.run(main))
