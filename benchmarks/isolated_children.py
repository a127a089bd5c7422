"""Children in OS processes of their own: from SIGKILL to the replacement, the memory of an idle one, a call.

    python benchmarks/isolated_children.py [--rounds 7]

The clock of the first table runs from `os.kill(pid, SIGKILL)` to the arrival of the replacement's first message
in the parent. The peer is the least that one would write by hand: `multiprocessing` with its fork server and
everything preloaded, and a thread that waits for the child's sentinel and starts the next one. The supervisor of
`eye` does all it does besides: links, monitors, budget, reports (taken by a `NullHandler`).

Memory is PSS, in which pages shared by n processes count 1/n. The call is set against `gen_server:call` between
two Erlang nodes, also two OS processes on this machine; where there is no Erlang, that table is left out.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import multiprocessing
import os
import queue
import signal
import threading
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from typing import Any

import erlang
import measure

from eye.supervision import ChildSpec, GenServer, Inbox, Supervisor, System

EACH = 20  # kills a round
ALIVE = 20  # idle children
CALLS = 2_000

OURS, PEER = "eye", "forkserver, preloaded"
CALL, NODES = "eye, isolated", "gen_server:call between two nodes"


class Fragile(GenServer):
    """Says which OS process it is, first of all."""

    def init(self, to: Inbox) -> None:
        to.send(os.getpid())


class Echo(GenServer):
    def handle_call(self, message: Any, caller: Any) -> Any:
        return message


def fragile(to: Connection) -> None:
    to.send(os.getpid())
    with contextlib.suppress(EOFError):
        to.recv()  # until the parent is gone


def kill(pid: int, next_pid: Callable[[], int]) -> tuple[float, int]:
    """Kill one, wait for its replacement; answer the seconds, and the replacement's number."""
    at = time.perf_counter()
    os.kill(pid, signal.SIGKILL)
    pid = next_pid()
    return time.perf_counter() - at, pid


class Round:
    """So many kills in a row; one figure, the median."""

    def __init__(self, next_pid: Callable[[], int]) -> None:
        self._next_pid = next_pid
        self._pid = next_pid()

    def __call__(self) -> float:
        seconds = []
        for _ in range(EACH):
            took, self._pid = kill(self._pid, self._next_pid)
            seconds.append(took)
        return median(seconds)


def supervised(system: System) -> Round:
    inbox = system.inbox()
    child = ChildSpec(Fragile, args=(inbox,), isolation="process")
    system.start(Supervisor, [child], max_restarts=10**6)
    return Round(lambda: inbox.get(10))


@contextlib.contextmanager
def by_hand() -> Iterator[Round]:
    """What one writes with `multiprocessing` alone."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    # It does not get our search path, and is silent about a preload that fails (cpython #117378).
    paths = [str(Path(__file__).parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    os.environ["PYTHONPATH"] = os.pathsep.join(paths)
    pids: queue.SimpleQueue[int] = queue.SimpleQueue()
    is_over = threading.Event()
    current: list[Any] = []

    def supervise() -> None:
        while not is_over.is_set():
            ours, theirs = context.Pipe()
            process = context.Process(target=fragile, args=(theirs,), daemon=True)
            process.start()
            theirs.close()
            current[:] = [process]
            pids.put(ours.recv())
            process.join()
            process.close()
            ours.close()

    thread = threading.Thread(target=supervise)
    thread.start()
    try:
        yield Round(pids.get)
    finally:
        is_over.set()
        current[0].kill()
        thread.join()


def memory_of_ours(system: System) -> list[int | None]:
    inbox = system.inbox()
    for _ in range(ALIVE):
        system.start(Fragile, inbox, isolation="process")
    return [measure.memory_of(inbox.get(10))[1] for _ in range(ALIVE)]


def memory_of_peers() -> list[int | None]:
    context = multiprocessing.get_context("forkserver")
    pairs = []
    for _ in range(ALIVE):
        ours, theirs = context.Pipe()
        process = context.Process(target=fragile, args=(theirs,), daemon=True)
        process.start()
        theirs.close()
        pairs.append((ours, process))
    sizes = [measure.memory_of(ours.recv())[1] for ours, _ in pairs]
    for ours, process in pairs:
        ours.close()
        process.join()
    return sizes


def calls(ref: Any) -> float:
    began = time.perf_counter()
    for number in range(CALLS):
        ref.call(number)
    return (time.perf_counter() - began) / CALLS


def restarts(system: System, rounds: int) -> None:
    with by_hand() as hand:
        results = measure.interleaved({PEER: hand, OURS: supervised(system)}, rounds)
    measure.show("SIGKILL -> the replacement's first message", results, PEER, unit="ms", scale=1e3, digits=2)
    measure.aim("SIGKILL to first message:", median(results[OURS]) * 1e3, 5, unit="ms")
    measure.aim("of forkserver with preload:", measure.ratio(results, OURS, PEER), 0.4)


def memory(system: System) -> None:
    ours, peers = memory_of_ours(system), memory_of_peers()
    print(f"\nan idle child, PSS, {ALIVE} alive")
    if None in ours or None in peers:
        measure.note("this system tells no PSS")
        return
    size = median(filter(None, ours))
    measure.note(f"{OURS}: {measure.megabytes(size)}; {PEER}: {measure.megabytes(median(filter(None, peers)))}")
    measure.aim("an idle isolated child:", size / 2**20, 3, unit="MB")


def round_trips(system: System, rounds: int) -> None:
    isolated, thread = system.start(Echo, isolation="process"), system.start(Echo)
    contestants = {CALL: lambda: calls(isolated), "eye, in a thread": lambda: calls(thread)}
    with contextlib.ExitStack() as machines:
        has_erlang = erlang.is_here()
        if has_erlang:
            otp = machines.enter_context(erlang.start())
            contestants = {NODES: lambda: otp.call_node(CALLS), **contestants}
        results = measure.interleaved(contestants, rounds)
    measure.show("a call, there and back", results, NODES if has_erlang else CALL)
    if has_erlang:
        measure.aim("of a call between two Erlang nodes:", measure.ratio(results, CALL, NODES), 1.5)
    else:
        measure.note("no Erlang on this machine to compare with")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--rounds", type=int, default=7)
    rounds = options.parse_args().rounds
    logger = logging.getLogger("eye")
    logger.addHandler(logging.NullHandler())
    logger.propagate = False
    print(f"Isolated children ({measure.about_here()}; {EACH} kills a round)")
    with System() as system:
        restarts(system, rounds)
        memory(system)
        round_trips(system, rounds)


if __name__ == "__main__":
    # By its name as a module, as servers usually are: both fork servers can import it once, for all children.
    import isolated_children

    measure.run(isolated_children.main)
