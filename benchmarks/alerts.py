"""What asking alert rules costs: one look at so many nodes with ten rules, and an observer that asks them at 1 Hz.

    python benchmarks/alerts.py [--nodes 1000] [--seconds 20] [--rounds 30] [--no-farm]

A look is what happens once a second: read the nodes from the board, ask every rule about every one, note what
changed. It is measured when nothing fires, when one node in twenty fires, and when all of them do. The floor asks
the same ten questions of the same readings with comparisons written by hand, and remembers nothing.

Then an observer in an OS process of its own watches simulated nodes (`farm`), without rules and with them.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import measure
from farm import Farm, allow_many_files
from fleet import isolated

from eye.alerts import rule_file
from eye.alerts.ledger import Ledger
from eye.alerts.rules import RuleSet
from eye.clock import SystemClock
from eye.cluster.node import Member, Status
from eye.metrics.sample import HostReading, ProcessReading, Sample
from eye.monitor.alerting import Reader
from eye.monitor.board import Board
from eye.monitor.config import NodeConfig
from eye.monitor.node import Node
from eye.monitor.node_view import NodeView

RULES = """
[sinks.log]
enabled = false
[rules.mem]
when = "mem > 3GB for 1m"
[rules.threads]
when = "threads > 500"
[rules.load]
when = "load > 20 for 5m"
[rules.web]
when = "cpu > 80 processes > 50"
nodes = "node-*1"
"""
"""With the six default rules: ten."""

GB = 1024**3
READY_WITHIN, SETTLED = 120.0, 5.0  # seconds


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--nodes", type=int, default=1000)
    options.add_argument("--seconds", type=float, default=20.0, help="how long the observer watches (default: 20)")
    options.add_argument("--rounds", type=int, default=30)
    options.add_argument("--no-farm", action="store_true", help="only the looks")
    chosen = options.parse_args()
    rules = rule_file.read(RULES, "rules")
    print(f"{len(rules.rules)} rules, {chosen.nodes} nodes ({measure.about_here()})")
    looks(rules, chosen.nodes, chosen.rounds)
    if not chosen.no_farm:
        observers(chosen.nodes, chosen.seconds)


# ----------------------------------------------------------------------------------- looks


def looks(rules: RuleSet, count: int, rounds: int) -> None:
    """Measure one look, and say what share of a core it is once a second."""
    contestants: dict[str, Callable[[], float]] = {"by hand": by_hand(count)}
    for name, busy in (("nothing fires", 0), ("1 in 20 fires", 20), ("all fire", 1)):
        contestants[name] = look(rules, count, busy)
    results = measure.interleaved(contestants, rounds)
    measure.show("One look", results, "by hand", unit="ms", scale=1e3, digits=2)
    quiet = sorted(results["nothing fires"])[rounds // 2]
    measure.note(f"at one look a second: {quiet:.2%} of a core while nothing fires")


def board_of(count: int, busy: int) -> Board:
    """Fill a board; of every `busy` nodes one is busy."""
    board, names = Board(SystemClock()), [f"node-{number}" for number in range(count)]
    now = time.time()
    board.put_members([Member(one, "127.0.0.1:1", "boot", now, Status.UP, now, now) for one in names])
    for number, name in enumerate(names):
        cpu = 0.95 if busy and number % busy == 0 else 0.2
        host = HostReading("host", GB, 4 * GB, cpu, 4, 0.5, 100, 7200.0)
        process = ProcessReading(1, GB // 4, 0.1, 12, 17, 3, 60.0, 2)
        board.put_reading(name, Sample(name, "boot", now, host, process), 0.001)
    return board


def look(rules: RuleSet, count: int, busy: int) -> Callable[[], float]:
    board, ledger, clock = board_of(count, busy), Ledger(), SystemClock()
    reader = Reader(board, rules.rules, clock.now, 3600.0)
    moment = [clock.monotonic()]

    def run() -> float:
        began = time.perf_counter()
        facts = reader.facts()
        moment[0] += 1.0
        ledger.look(rules.rules, facts, moment[0], clock.now())
        return time.perf_counter() - began

    for _ in range(40):  # until what is to fire fires
        run()
    return run


def by_hand(count: int) -> Callable[[], float]:
    board = board_of(count, 0)

    def asked(node: NodeView) -> int:
        host, process = node.host, node.process
        if host is None or process is None or node.status == "down":
            return 1
        return (
            (host.cpu is not None and host.cpu * 100 > 90)
            + (100 * host.memory_used / host.memory_total > 85)
            + (node.status == "down")
            + (node.seen_at is None)
            + (process.restarts > 5)
            + ((process.mailbox or 0) > 1000)
            + (host.memory_used > 3 * GB)
            + (process.thread_count > 500)
            + ((host.load_1m or 0.0) > 20)
            + (host.cpu is not None and host.cpu * 100 > 80 and host.process_count > 50)
        )

    def run() -> float:
        began = time.perf_counter()
        sum(asked(node) for node in board.nodes())
        return time.perf_counter() - began

    return run


# ------------------------------------------------------------------------------- observers


def observers(count: int, seconds: float) -> None:
    print(f"\nAn observer of {count} nodes, all looked at once a second")
    with Farm(count) as farm, tempfile.TemporaryDirectory(prefix="eye-alerts-") as folder:
        addresses = Path(folder, "addresses")
        addresses.write_text("\n".join(farm.addresses))
        cpu: dict[str, float] = {}
        for who in ("without", "with"):
            told = run_observer(who, farm, addresses, seconds, Path(folder))
            cpu[who] = told["cpu"]
            print(f"  {who:<8} rules  {told['cpu']:>6.1%} of a core, {measure.megabytes(told['rss'])}", flush=True)
        measure.note(f"the rules cost {cpu['with'] - cpu['without']:.1%} of a core")


def run_observer(who: str, farm: Farm, addresses: Path, seconds: float, folder: Path) -> Any:
    command = [sys.executable, __file__, f"--{who}", str(farm.cookie_file), str(addresses), str(seconds)]
    done = subprocess.run(
        command, env=isolated(folder), stdout=subprocess.PIPE, text=True, check=True, timeout=600
    )
    return json.loads(done.stdout.splitlines()[-1])


def observe(asks: bool, cookie_file: str, addresses: str, seconds: str) -> None:
    """Watch everybody, with or without rules. In a process of its own."""
    allow_many_files()
    everybody = Path(addresses).read_text().split()
    config = NodeConfig(
        "observer", connect=tuple(everybody[:3]), discover=("static",), cookie_file=Path(cookie_file)
    )
    node = Node.start(config, observer=True)
    try:
        if asks:
            node.evaluate(rule_file.read(RULES, "rules"))
        deadline = time.monotonic() + READY_WITHIN
        while sum(one.host is not None for one in node.view.nodes()) < len(everybody):
            if time.monotonic() > deadline:
                raise TimeoutError(f"not all nodes were seen in {READY_WITHIN:g} s")
            node.view.look()
            time.sleep(0.1)
        watch(node, SETTLED)
        began, cpu = time.monotonic(), time.process_time()
        watch(node, float(seconds))
        share = (time.process_time() - cpu) / (time.monotonic() - began)
        print(json.dumps({"cpu": share, "rss": measure.memory_of(os.getpid())[0]}))
    finally:
        node.stop()


def watch(node: Node, seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        node.view.look()
        time.sleep(1.0)


if __name__ == "__main__":
    if len(sys.argv) > 4 and sys.argv[1] in ("--with", "--without"):
        observe(sys.argv[1] == "--with", *sys.argv[2:])
    else:
        sys.exit(measure.run(main))
