"""Calls per second over one connection: BaseManager as it comes, with our serializer, with TLS.

    python benchmarks/serializers.py [--rounds 7] [--calls 3000]

All servers are in OS processes of their own, on 127.0.0.1, and answer the same sample of a node. The peer is the
stock BaseManager with pickle and its proxy; «blocking» is our serializer in its place, over a blocking socket as
well. Nodes ask by the switchboard, which moves many connections: one at a time, or, as whoever watches, many.
"""

from __future__ import annotations

import argparse
import contextlib
import multiprocessing
import pickle
import sys
import time
from collections.abc import Callable, Iterator
from multiprocessing.managers import BaseManager
from typing import Any, ClassVar

import measure

from eye.clock import SystemClock
from eye.cluster import codec, dispatch
from eye.cluster.engines.listener import Wire, dial
from eye.cluster.engines.manager import ManagerEngine
from eye.cluster.node import Address
from eye.cluster.security import Cookie
from eye.cluster.switchboard import Switchboard
from eye.cluster.tls import Tls, TlsMode
from eye.metrics.sample import HostReading, ProcessReading, Sample
from eye.monitor.methods import SAMPLE

COOKIE = Cookie("a cookie of a benchmark is not a secret" * 2)
HOST = HostReading("orthanc", 536870912, 25199075328, 0.2, 2, 0.42, 100, 7200.0)
PROCESS = ProcessReading(4242, 48234496, 0.007, 12, 17, 0, 7190.5)
ANSWER = Sample("mystic-node-1", "4f2a9c1b00aa11bb", 1795462080.1, HOST, PROCESS)
AT_ONCE = 64
PEER = "stock BaseManager, pickle"


class Node:
    """What the stock manager shares."""

    def sample(self) -> Sample:
        return ANSWER


class Stock(BaseManager):
    pass


Stock.register("node", Node)


class Agent:
    """The same for our engine."""

    exposed: ClassVar = (SAMPLE,)

    def sample(self) -> Sample:
        return ANSWER


def serve_stock(pipe: Any) -> None:
    server = Stock(("127.0.0.1", 0), COOKIE.authkey).get_server()
    pipe.send(server.address)
    server.serve_forever()


def serve_ours(pipe: Any, mode: TlsMode) -> None:
    engine = ManagerEngine(COOKIE, SystemClock(), tls=Tls.from_cookie(COOKIE, mode))
    pipe.send(str(engine.serve(Address("127.0.0.1", 0), [Agent()])))
    pipe.recv()


@contextlib.contextmanager
def in_a_process(serve: Callable[..., None], *args: Any) -> Iterator[Any]:
    """Serve in an OS process; gives the address."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(theirs, *args), daemon=True)
    process.start()
    try:
        yield ours.recv()
    finally:
        process.kill()
        process.join()


@contextlib.contextmanager
def asking(address: str, mode: TlsMode) -> Iterator[Switchboard]:
    switchboard = Switchboard(COOKIE, SystemClock(), tls=Tls.from_cookie(COOKIE, mode))
    switchboard.request(address, SAMPLE, timeout=5.0)
    try:
        yield switchboard
    finally:
        switchboard.close()


def one_at_a_time(switchboard: Switchboard, address: str, calls: int) -> float:
    began = time.perf_counter()
    for _ in range(calls):
        switchboard.request(address, SAMPLE, timeout=5.0)
    return (time.perf_counter() - began) / calls


def blocking(wire: Wire, calls: int) -> float:
    began = time.perf_counter()
    for _ in range(calls):
        wire.send_bytes(dispatch.ask(SAMPLE, ()), 5.0)
        dispatch.understand(SAMPLE, wire.recv_bytes(5.0)).get()
    return (time.perf_counter() - began) / calls


def many_at_a_time(switchboard: Switchboard, address: str, calls: int) -> float:
    done: list[Any] = []

    def take(answer: Any) -> None:
        done.append(answer.get())

    began = time.perf_counter()
    asked = 0
    while len(done) < calls:
        while asked < calls and asked - len(done) < AT_ONCE:
            switchboard.submit(address, SAMPLE, (), timeout=5.0, done=take)
            asked += 1
        before = len(done)
        switchboard.run_until(lambda before=before: len(done) > before)
    return (time.perf_counter() - began) / calls


def first_call(address: str, mode: TlsMode) -> float:
    began = time.perf_counter()
    with asking(address, mode):
        return time.perf_counter() - began


def first_call_of_stock(address: tuple[str, int]) -> float:
    began = time.perf_counter()
    manager = Stock(address, COOKIE.authkey)
    manager.connect()
    manager.node().sample()
    return time.perf_counter() - began


def stock_calls(proxy: Any, calls: int) -> float:
    began = time.perf_counter()
    for _ in range(calls):
        proxy.sample()
    return (time.perf_counter() - began) / calls


def there_and_back(write: Callable[[Any], bytes], read: Callable[[bytes], Any], times: int = 5000) -> float:
    began = time.perf_counter()
    for _ in range(times):
        read(write(ANSWER))
    return (time.perf_counter() - began) / times


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--rounds", type=int, default=7)
    options.add_argument("--calls", type=int, default=3000)
    chosen = options.parse_args()
    calls = chosen.calls
    print(f"One connection, {calls} calls a round ({measure.about_here()})")
    with contextlib.ExitStack() as stack:
        stock = stack.enter_context(in_a_process(serve_stock))
        manager = Stock(stock, COOKIE.authkey)
        manager.connect()
        proxy = manager.node()  # type: ignore[attr-defined]
        contestants = {PEER: lambda: stock_calls(proxy, calls)}
        firsts = {PEER: lambda: first_call_of_stock(stock)}
        for name, mode in (("ours", TlsMode.OFF), ("ours with TLS", TlsMode.ALWAYS)):
            address = stack.enter_context(in_a_process(serve_ours, mode))
            board = stack.enter_context(asking(address, mode))
            tls = Tls.from_cookie(COOKIE, mode)
            wire = stack.enter_context(contextlib.closing(dial(Address.parse(address), COOKIE.authkey, tls=tls)))
            contestants[f"{name}, blocking"] = lambda w=wire: blocking(w, calls)
            contestants[f"{name}, one at a time"] = lambda b=board, a=address: one_at_a_time(b, a, calls)
            contestants[f"{name}, {AT_ONCE} at a time"] = lambda b=board, a=address: many_at_a_time(b, a, calls)
            firsts[name] = lambda a=address, m=mode: first_call(a, m)
        results = measure.interleaved(contestants, chosen.rounds)
        first = measure.interleaved(firsts, chosen.rounds)
    coding = measure.interleaved(
        {
            "pickle": lambda: there_and_back(pickle.dumps, pickle.loads),
            "ours": lambda: there_and_back(codec.encode, lambda body: codec.decode(body, Sample)),
        },
        chosen.rounds,
    )
    rates = {name: [1 / seconds for seconds in figures] for name, figures in results.items()}
    measure.show("calls per second (more is better)", rates, PEER, unit="/s", scale=1, digits=0)
    measure.show("connect, prove, first answer", first, PEER, unit="ms", scale=1e3)
    measure.show("one sample to bytes and back", coding, "pickle")
    measure.note(f"{len(pickle.dumps(ANSWER))} bytes as pickle, {len(codec.encode(ANSWER))} as ours")
    measure.aim("ours to pickle:", measure.ratio(rates, "ours, blocking", PEER), 1.0, at_least=True)


if __name__ == "__main__":
    sys.exit(measure.run(main))
