"""What the people who watch a node's page cost the node that serves it.

    python benchmarks/web_viewers.py [--viewers 50] [--seconds 30] [--rounds 3]

Three nodes that know each other, side by side: nobody watches the page of the first (it is only asked for its
readings by the other two), one person that of the second, many that of the third. Every viewer gets the changes
of all three nodes once a second.
"""

from __future__ import annotations

import argparse
import contextlib
import re
import sys
import threading
import time
from statistics import median

import measure
from fleet import Fleet
from simple_websocket import Client, ConnectionClosed

NOBODY, ONE = "nobody watches", "1 viewer"
SETTLED = 5.0  # seconds that are not counted


class Viewer:
    """A browser that only reads."""

    def __init__(self, url: str) -> None:
        self.messages = self.bytes = 0
        self._socket = Client(url)
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        with contextlib.suppress(ConnectionClosed):
            while True:
                self.bytes += len(self._socket.receive())
                self.messages += 1

    def close(self) -> None:
        with contextlib.suppress(ConnectionClosed, OSError):
            self._socket.close()
        self._thread.join(2.0)


def page_of(fleet: Fleet, name: str) -> str:
    deadline = time.monotonic() + 10
    while (found := re.search(r"http://(\S+:\d+)/", fleet.said(name))) is None:
        if time.monotonic() > deadline:
            raise RuntimeError(f"{name} names no page: {fleet.said(name)}")
        time.sleep(0.05)
    return f"ws://{found[1]}/ws"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--viewers", type=int, default=50)
    options.add_argument("--seconds", type=float, default=30.0, help="how long one round looks (default: 30)")
    options.add_argument("--rounds", type=int, default=3)
    chosen = options.parse_args()
    many = f"{chosen.viewers} viewers"
    print(f"Viewers of a page ({measure.about_here()}; {chosen.rounds} rounds of {chosen.seconds:g} s)")
    with contextlib.ExitStack() as stack:
        fleet = stack.enter_context(Fleet(3, ["--web", "0"]))
        fleet.await_up()
        fleet.rest()
        viewers = {NOBODY: 0, ONE: 1, many: chosen.viewers}
        pids = dict(zip(viewers, (node.pid for node in fleet.nodes.values()), strict=True))
        watching: dict[str, list[Viewer]] = {name: [] for name in viewers}
        for (name, count), node in zip(viewers.items(), fleet.names, strict=True):
            for _ in range(count):
                viewer = Viewer(page_of(fleet, node))
                stack.callback(viewer.close)
                watching[name].append(viewer)
        time.sleep(SETTLED)
        results: measure.Results = {name: [] for name in viewers}
        began = time.monotonic()
        received = {name: sum(viewer.bytes for viewer in them) for name, them in watching.items()}
        for _ in range(chosen.rounds):
            before = {name: measure.cpu_seconds(pid) for name, pid in pids.items()}
            start = time.monotonic()
            time.sleep(chosen.seconds)
            minutes = (time.monotonic() - start) / 60
            for name, pid in pids.items():
                results[name].append(max(measure.cpu_seconds(pid) - before[name], 0.005) / minutes)
        took = time.monotonic() - began
        rate = sum(viewer.bytes for viewer in watching[many]) - received[many]
        memory = {name: measure.memory_of(pid)[0] for name, pid in pids.items()}
    measure.show("CPU of the serving node", results, NOBODY, unit="CPU-s/min", scale=1, digits=2)
    one_more = (median(results[many]) - median(results[ONE])) / (chosen.viewers - 1)
    measure.note(f"the first viewer: {median(results[ONE]) - median(results[NOBODY]):.2f} CPU-s/min")
    measure.aim("one viewer more", one_more, 0.1, unit="CPU-s/min")
    measure.note(f"each gets {rate / chosen.viewers / took / 1000:.2f} kB/s")
    measure.note("RSS " + ", ".join(f"{name}: {measure.megabytes(size)}" for name, size in memory.items()))


if __name__ == "__main__":
    sys.exit(measure.run(main))
