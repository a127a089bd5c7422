"""One observer, so many nodes at one sample a second: CPU, memory, threads, and how old its oldest figure is.

    python benchmarks/watching.py [--nodes 100 500 1000] [--seconds 20] [--tls] [--rows 40]

The observer is a whole node in an OS process of its own, as a page or a screen has it, with all it does:
membership, collectors, board; once a second it reads all nodes, as a screen does. It is run twice: all nodes at
1 Hz, and with so many rows on its screen, where it looks at those closely and at the others as `pace` says. The
nodes are simulated (`farm`), in another process. The floor is a loop that only asks the same nodes for the same
samples over connections of the same kind: one thread, one selector, no more.
"""

from __future__ import annotations

import argparse
import json
import os
import selectors
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import measure
from farm import Farm, allow_many_files
from fleet import isolated

from eye.clock import SystemClock
from eye.cluster import dispatch, frames
from eye.cluster.engines.listener import dial
from eye.cluster.engines.manager import ManagerEngine
from eye.cluster.node import Address
from eye.cluster.security import load_cookie
from eye.cluster.tls import Tls, TlsMode
from eye.monitor.config import NodeConfig
from eye.monitor.methods import SAMPLE
from eye.monitor.node import Node

FLOOR, OBSERVER, ROWS = "bare loop", "observer", "on screen"
READY_WITHIN = 120.0  # seconds until every node is seen
SETTLED = 3.0  # seconds after that which are not counted


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--nodes", type=int, nargs="+", default=[100, 500, 1000])
    options.add_argument("--seconds", type=float, default=20.0, help="how long each is looked at (default: 20)")
    options.add_argument("--rows", type=int, default=40, help="looked at closely, the second time (default: 40)")
    options.add_argument("--tls", action="store_true", help="over TLS, as beyond loopback")
    chosen = options.parse_args()
    print(f"Watching at 1 Hz{', over TLS' if chosen.tls else ''} ({measure.about_here()})\n")
    print(f"  {'nodes':>5}  {'':<9}  {'CPU':>7}  {'RSS':>8}  {'grew':>8}  {'threads':>7}  {'all seen':>8}", end="")
    print(f"  {'oldest':>7}  {'a minute':>9}")
    for count in chosen.nodes:
        with Farm(count, tls=chosen.tls) as farm:
            cpu = {}
            for who in (FLOOR, OBSERVER, ROWS):
                told = run(who, farm, chosen.seconds, chosen.tls, chosen.rows)
                cpu[who] = told["cpu"]
                show(count, who, told)
            measure.note(f"{count:>5}  ratio of CPU to the floor: {cpu[OBSERVER] / max(cpu[FLOOR], 1e-4):.3g}")


def show(count: int, who: str, told: dict[str, Any]) -> None:
    oldest = f"{told['oldest']:.2f} s" if "oldest" in told else "-"
    print(
        f"  {count:>5}  {who:<9}  {told['cpu']:>6.1%}  {measure.megabytes(told['rss']):>8}"
        f"  {measure.megabytes(told['rss'] - told['rss_before']):>8}  {told['threads']:>7}"
        f"  {told['ready']:>6.1f} s  {oldest:>7}  {told['cpu'] * 60:>7.1f} s",
        flush=True,
    )


def run(who: str, farm: Farm, seconds: float, tls: bool, rows: int, history: str = "off") -> Any:
    """Run a contestant in an OS process of its own, and read what it found."""
    with tempfile.TemporaryDirectory(prefix="eye-watching-") as folder:
        addresses = Path(folder, "addresses")
        addresses.write_text("\n".join(farm.addresses))
        given = [str(farm.cookie_file), str(addresses), str(seconds), "always" if tls else "auto"]
        given += [str(rows) if who == ROWS else "", history] if who != FLOOR else []
        command = [sys.executable, __file__, f"--{who.replace(' ', '-')}", *given]
        process = subprocess.run(
            command, env=isolated(Path(folder)), stdout=subprocess.PIPE, text=True, check=True, timeout=600
        )
    return json.loads(process.stdout.splitlines()[-1])


class Meter:
    """What this process uses, from one moment on."""

    def __init__(self) -> None:
        self.rss_before, _ = measure.memory_of(os.getpid())
        self._began_at = time.monotonic()

    def all_seen(self) -> None:
        """Everybody is seen."""
        self._ready = time.monotonic() - self._began_at

    def begin(self) -> None:
        """Everything has settled."""
        self._began, self._cpu = time.monotonic(), time.process_time()

    def end(self) -> dict[str, Any]:
        share = (time.process_time() - self._cpu) / (time.monotonic() - self._began)
        return {
            "cpu": share,
            "rss": measure.memory_of(os.getpid())[0],
            "rss_before": self.rss_before,
            "threads": threading.active_count(),
            "ready": self._ready,
        }


# ------------------------------------------------------------------------ in processes of their own


def observe(cookie_file: str, addresses: str, seconds: str, mode: str, rows: str, history: str) -> None:
    """Watch as a node does that shows a page, or so many rows of one."""
    allow_many_files()
    everybody = Path(addresses).read_text().split()
    meter = Meter()
    config = NodeConfig(
        name="observer",
        connect=tuple(everybody[:3]),
        discover=("static",),
        cookie_file=Path(cookie_file),
        history=history,
    )
    node = Node.start(
        config,
        observer=True,
        make_engine=lambda cookie, clock: ManagerEngine(cookie, clock, tls=Tls.from_cookie(cookie, TlsMode(mode))),
    )
    view = node.view
    try:
        deadline = time.monotonic() + READY_WITHIN
        while (seen := sum(one.host is not None for one in view.nodes())) < len(everybody):
            if time.monotonic() > deadline:
                raise TimeoutError(f"only {seen} of {len(everybody)} nodes were seen in {READY_WITHIN:g} s")
            view.look()
            time.sleep(0.1)
        meter.all_seen()
        shown = None if not rows else [one.name for one in view.nodes()[: int(rows)]]
        view.look(5.0, shown)  # what was wished until now runs out
        until = time.monotonic() + (SETTLED if shown is None else 15.0 + SETTLED)
        while time.monotonic() < until:
            view.look(5.0, shown)
            time.sleep(1.0)
        meter.begin()
        oldest = 0.0
        until = time.monotonic() + float(seconds)
        while time.monotonic() < until:
            view.look(5.0, shown)
            now = view.now()
            seen = [one.seen_at for one in view.nodes() if shown is None or one.name in shown]
            oldest = max(oldest, max(now - (at or 0.0) for at in seen))
            time.sleep(1.0)
        print(json.dumps(meter.end() | {"oldest": oldest}))
    finally:
        node.stop()


def poll(cookie_file: str, addresses: str, seconds: str, mode: str) -> None:
    """Ask everybody once a second, and do nothing else."""
    allow_many_files()
    cookie = load_cookie(Path(cookie_file))
    tls = Tls.from_cookie(cookie, TlsMode(mode))
    meter = Meter()
    selector = selectors.DefaultSelector()
    wires = [
        dial(Address.parse(one), cookie.authkey, SystemClock(), 30.0, tls)
        for one in Path(addresses).read_text().split()
    ]
    for wire in wires:
        selector.register(wire._socket, selectors.EVENT_READ, (wire, frames.FrameReader()))
    meter.all_seen()
    question = frames.frame(dispatch.ask(SAMPLE, ()))
    time.sleep(SETTLED)
    meter.begin()
    for _ in range(max(int(float(seconds)), 1)):
        due = time.monotonic() + 1.0
        for wire in wires:
            wire._channel.send(question)
            wire._flush(due)
        answered = 0
        while answered < len(wires):
            for key, _ in selector.select():
                wire, reader = key.data
                reader.feed(wire._channel.receive(wire._socket.recv(65536)))
                while (body := reader.next()) is not None:
                    dispatch.understand(SAMPLE, body).get()
                    answered += 1
        time.sleep(max(0.0, due - time.monotonic()))
    print(json.dumps(meter.end()))


if __name__ == "__main__":
    alone = {"--observer": observe, "--on-screen": observe, "--bare-loop": poll}
    if len(sys.argv) > 4 and sys.argv[1] in alone:
        alone[sys.argv[1]](*sys.argv[2:])
    else:
        sys.exit(measure.run(main))
