"""How soon a cluster of eight knows: from a SIGKILL to «down» on the screen, from a start to «up» on every node.

    python benchmarks/detection.py [--nodes 8] [--rounds 9]

The screen is the page: what counts is the message that its WebSocket brings (the browser then paints it). The
floor of «down» is a bare TCP connection to the same node, which the kernel closes when it has taken the process
apart; the peer is Erlang's `nodedown`, where there is an Erlang. The floor of «up» is the node's own word for it.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Mapping
from statistics import median
from typing import Any

import erlang
import measure
from fleet import Fleet
from simple_websocket import Client, ConnectionClosed

from eye.cluster.node import Status

FLOOR, KNOWN, DOWN = "bare TCP connection", "down in every registry", "down on the screen"
PEER = "nodedown of Erlang"
OWN, EVERYWHERE, ON_SCREEN = "says that it is up", "up in every registry", "up on the screen"
PATIENCE = 30.0  # seconds after which something is wrong
SETTLED = 1.0  # seconds between two rounds


class Screen:
    """A page, as its browser knows it: the status of every node."""

    def __init__(self, url: str) -> None:
        self._changed = threading.Condition()
        self._names: list[str] = []
        self._status_at = 0
        self._status: dict[str, str] = {}
        self._socket = Client(url)
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def await_status(self, name: str, status: str) -> None:
        """Wait until the page shows it."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._status.get(name) == status, PATIENCE):
                raise TimeoutError(f"the page never showed {name} as {status}: {self._status}")

    def _read(self) -> None:
        with contextlib.suppress(ConnectionClosed):
            while True:
                self._take(json.loads(self._socket.receive()))

    def _take(self, message: dict[str, Any]) -> None:
        with self._changed:
            if message["type"] == "snapshot":
                self._names = [node["node"] for node in message["nodes"]]
                self._status_at = 1 + message["fields"].index("status")
                self._status = {node["node"]: node["status"] for node in message["nodes"]}
            elif message["type"] == "changes":
                for row in message["rows"]:
                    self._status[self._names[row[0]]] = row[self._status_at]
            self._changed.notify_all()

    def close(self) -> None:
        with contextlib.suppress(ConnectionClosed, OSError):
            self._socket.close()
        self._thread.join(2.0)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--nodes", type=int, default=8)
    options.add_argument("--rounds", type=int, default=9)
    chosen = options.parse_args()
    print(f"{chosen.nodes} nodes, one of them killed and started again ({measure.about_here()})")
    with contextlib.ExitStack() as stack:
        kill_erlang = stack.enter_context(erlang.killings()) if erlang.is_here() else None
        fleet = stack.enter_context(Fleet(chosen.nodes))
        fleet.await_up()
        fleet.run("web", "web", "--no-browser")
        screen = Screen(said(fleet, "web", r"http://(\S+:\d+)/", "ws://{}/ws"))
        stack.callback(screen.close)
        for name in fleet.names:
            screen.await_status(name, "up")
        downs: measure.Results = {FLOOR: [], KNOWN: [], DOWN: []} | ({PEER: []} if kill_erlang else {})
        ups: measure.Results = {OWN: [], EVERYWHERE: [], ON_SCREEN: []}
        for number in range(chosen.rounds):
            victim = fleet.names[number % len(fleet.names)]
            time.sleep(SETTLED)
            one_round(fleet, screen, victim, downs, ups)
            if kill_erlang:
                downs[PEER].append(kill_erlang())
    measure.show("SIGKILL", downs, PEER if kill_erlang else FLOOR, unit="ms", scale=1e3)
    measure.aim(DOWN, median(downs[DOWN]), 1.0, unit="s")
    measure.show("start, from a cold interpreter", ups, OWN, unit="ms", scale=1e3)
    measure.aim("whole again", max(ups[EVERYWHERE]), 5.0, unit="s")


def one_round(fleet: Fleet, screen: Screen, victim: str, downs: measure.Results, ups: measure.Results) -> None:
    host, _, port = fleet.address_of(victim).rpartition(":")
    with socket.create_connection((host, int(port))) as bare:
        bare.settimeout(PATIENCE)
        began = time.perf_counter()
        os.kill(fleet.nodes[victim].pid, signal.SIGKILL)
        waits = {
            FLOOR: lambda: wait_for_the_end(bare),
            KNOWN: lambda: fleet.await_status(victim, Status.DOWN, PATIENCE),
            DOWN: lambda: screen.await_status(victim, "down"),
        }
        note(waits, began, downs)
    fleet.nodes[victim].wait()

    began = time.perf_counter()
    fleet.start(victim)
    waits = {
        OWN: lambda: said(fleet, victim, r"is up at (\S+)"),
        EVERYWHERE: lambda: fleet.await_up(PATIENCE),
        ON_SCREEN: lambda: screen.await_status(victim, "up"),
    }
    note(waits, began, ups)


def note(waits: Mapping[str, Callable[[], object]], began: float, results: measure.Results) -> None:
    """Wait for several things at once, and note for each how long it took."""
    failed: list[BaseException] = []

    def go(name: str) -> None:
        try:
            waits[name]()
            results[name].append(time.perf_counter() - began)
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=go, args=(name,)) for name in waits]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]


def wait_for_the_end(bare: socket.socket) -> None:
    """Read from a connection until the other side has closed it."""
    with contextlib.suppress(ConnectionError):
        while bare.recv(4096):
            pass


def said(fleet: Fleet, name: str, pattern: str, form: str = "{}") -> str:
    deadline = time.monotonic() + PATIENCE
    while (found := re.search(pattern, fleet.said(name))) is None:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{name} did not say {pattern!r}: {fleet.said(name)}")
        time.sleep(0.005)
    return form.format(found[1])


if __name__ == "__main__":
    sys.exit(measure.run(main))
