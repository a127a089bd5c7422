"""What a call and a cast cost, against Pykka's own `ask` and `tell` and against two bare threads.

    python benchmarks/calls_and_casts.py [--rounds 9]

Once with all CPUs, once on one: between two threads the second CPU costs more than it gives (a sleeping one
has to be woken), and its figures scatter. The table on one CPU is the one to watch. `kept on one CPU` is the same
program with `keep_on_one_cpu`, against Pykka as it comes.
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

from eye.supervision import GenServer, System, keep_on_one_cpu

CALLS, CASTS = 4_000, 200_000
KEPT = "kept on one CPU"


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
    """The floor: two threads and two queues for each kind of talk, and nothing else."""

    def __init__(self) -> None:
        self._questions: queue.SimpleQueue[int | None] = queue.SimpleQueue()
        self._answers: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._casts: queue.SimpleQueue[int | None] = queue.SimpleQueue()
        self._done: queue.SimpleQueue[None] = queue.SimpleQueue()
        threading.Thread(target=self._answer, daemon=True).start()
        threading.Thread(target=self._count, daemon=True).start()

    def _answer(self) -> None:
        while (number := self._questions.get()) is not None:
            self._answers.put(number)

    def _count(self) -> None:
        get, count = self._casts.get, 0
        while (number := get()) is not None:
            count += 1
            if number == CASTS:
                self._done.put(None)

    def ask(self, number: int) -> int:
        self._questions.put(number)
        return self._answers.get()

    def tell(self, number: int) -> None:
        self._casts.put(number)

    def await_last(self) -> None:
        self._done.get()

    def stop(self) -> None:
        self._questions.put(None)
        self._casts.put(None)


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

        def calls_kept_on_one_cpu(ask: Any) -> float:
            with keep_on_one_cpu():
                return calls(ask)

        def casts(tell: Any, await_last: Any) -> float:
            done.clear()
            began = time.perf_counter()
            for number in range(1, CASTS + 1):
                tell(number)
            await_last()
            return (time.perf_counter() - began) / CASTS

        askers = {
            "pykka ask": lambda: calls(actor.ask),
            "eye call": lambda: calls(server.call),
            "two queues": lambda: calls(pair.ask),
        }
        if measure.can_choose_cpus():
            askers[KEPT] = lambda: calls_kept_on_one_cpu(server.call)
        try:
            return {
                "calls": measure.interleaved(askers, rounds),
                "casts": measure.interleaved(
                    {
                        "pykka tell": lambda: casts(actor.tell, done.wait),
                        "eye cast": lambda: casts(server.cast, done.wait),
                        "one queue": lambda: casts(pair.tell, pair.await_last),
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
        if cpus is None and KEPT in calls:
            kept = measure.ratio(calls, "pykka ask", KEPT)
            measure.aim("times as fast, kept on one CPU:", kept, 3.5, at_least=True)
        measure.show(f"a cast, until it is handled, on {where}", casts, "pykka tell", digits=2)
        measure.aim("times as fast as tell:", measure.ratio(casts, "pykka tell", "eye cast"), gate, at_least=True)


if __name__ == "__main__":
    sys.exit(measure.run(main))
