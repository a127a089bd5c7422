"""What history costs: writing beside bare `sqlite3`, a day of 100 nodes on the disk, questions, an observer.

    python benchmarks/history.py [--nodes 100] [--hours 24] [--rounds 5] [--watched 1000] [--only PART…]

The parts are `write`, `day` and `observer`. The peer of writing is `executemany` of rows with a column for each
metric, in the same transactions and with the same settings of SQLite. The day is made with a clock that is moved
by hand; its figures go as those of machines do. The observer is a whole node in an OS process of its own, once
without and once with history, looking at simulated nodes (`farm`).
"""

from __future__ import annotations

import argparse
import os
import random
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import measure

from eye.history.database import url_of
from eye.history.keeping import Moments
from eye.history.retention import DAY, HOUR, Keep
from eye.history.sql_store import SqlStore
from eye.history.store import Row
from eye.metrics.catalogue import CATALOGUE, Kind, Unit
from eye.metrics.recent import figures
from eye.metrics.sample import HostReading, ProcessReading, Sample
from eye.testing import ManualClock

BEGIN = 1_800_000_000.0 // DAY * DAY
BATCH = 2  # seconds
FLOOR, STORE, WHOLE = "sqlite3, executemany", "the store", "from samples, tidied"
PARTS = ("write", "day", "observer")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--nodes", type=int, default=100)
    options.add_argument(
        "--hours", type=float, default=24.0, help="how much of a day is made (default: all of it)"
    )
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--watched", type=int, default=1000, help="nodes that are observed (default: 1000)")
    options.add_argument("--seconds", type=float, default=20.0, help="how long they are (default: 20)")
    options.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    chosen = options.parse_args()
    print(f"History, {len(CATALOGUE)} metrics ({measure.about_here()})")
    with tempfile.TemporaryDirectory(prefix="eye-history-") as folder:
        if "write" in chosen.only:
            write(Path(folder), chosen.nodes, chosen.rounds)
        if "day" in chosen.only:
            day(Path(folder), chosen.nodes, chosen.hours)
    if "observer" in chosen.only:
        observer(chosen.watched, chosen.seconds)


# -------------------------------------------------------------------------- what machines say


class Machines:
    """So many machines whose figures go as those of machines do: some walk, some tremble, most stand still."""

    _MINE = 8  # that are different; the others say the same at other times

    def __init__(self, nodes: int, seconds: int = 3600) -> None:
        self.names = [f"node-{number:03}" for number in range(nodes)]
        self._seconds = seconds
        self._said = [list(self._hour(random.Random(seed))) for seed in range(min(nodes, self._MINE))]

    def rows(self, second: int) -> list[Row]:
        """What all of them say in one second."""
        found = []
        for number, name in enumerate(self.names):
            said = self._said[number % len(self._said)]
            jitter, named = said[(second + 37 * number) % self._seconds]
            at = BEGIN + second + jitter
            uptime = round(at - BEGIN + 1e6, 2)
            found.append(Row(name, at, {**named, "host.uptime": uptime, "node.uptime": uptime}))
        return found

    def _hour(self, chance: random.Random) -> Iterator[tuple[float, dict[str, float]]]:
        now: dict[str, float] = {}
        for metric in CATALOGUE:
            now[metric.key] = {Unit.BYTES: 5 * 2**30, Unit.COUNT: 100}.get(metric.unit, 0.2)
        for _ in range(self._seconds):
            for metric in CATALOGUE:
                now[metric.key] = self._next(metric, now[metric.key], chance)
            yield round(chance.gauss(0.02, 0.003), 3), dict(now)

    @staticmethod
    def _next(metric: Any, value: float, chance: random.Random) -> float:
        if metric.kind is Kind.COUNTER:
            busy = metric.name in ("context_switches", "net_received_total", "net_sent_total")
            return value + (chance.randrange(100, 20_000) if busy else int(chance.random() < 0.02))
        if metric.unit is Unit.SHARE:
            return round(min(max(value + 0.1 * (0.2 - value) + chance.gauss(0, 0.03), 0.0), 1.0), 4)
        if metric.name in ("memory", "disk"):
            return value + 4096 * round(chance.gauss(0, 200))
        if metric.name.startswith("load_"):
            return round(max(value + (chance.gauss(0, 0.05) if chance.random() < 0.2 else 0), 0.0), 2)
        if metric.name.startswith(("net_", "disk_read", "disk_write")):
            return (
                float(chance.randrange(100, 20_000)) if metric.name[:3] == "net" or chance.random() < 0.1 else 0.0
            )
        if metric.name in ("processes", "threads", "open_files", "mailbox"):
            return value + (chance.choice((-1, 1)) if chance.random() < 0.1 else 0)
        return value


# ------------------------------------------------------------------------------- writing


def write(folder: Path, nodes: int, rounds: int) -> None:
    """Write five minutes of all nodes, a batch at a time, each contestant into a file of its own."""
    machines = Machines(nodes, 600)
    batches = [
        [row for at in range(BATCH) for row in machines.rows(second + at)] for second in range(0, 300, BATCH)
    ]
    samples = [[_heard(row) for row in batch] for batch in batches]
    count = sum(map(len, batches))
    number = iter(range(10**6))
    contestants = {
        FLOOR: lambda: _timed(lambda: _bare(folder / f"{next(number)}.sqlite3", batches)),
        STORE: lambda: _timed(lambda: _store(folder / f"{next(number)}.sqlite3", batches)),
        WHOLE: lambda: _timed(lambda: _whole(folder / f"{next(number)}.sqlite3", samples)),
    }
    walls: measure.Results = {name: [] for name in contestants}
    cpus: measure.Results = {name: [] for name in contestants}
    names = list(contestants)
    for turn in range(rounds):
        for name in names[turn % 3 :] + names[: turn % 3]:
            wall, cpu = contestants[name]()
            walls[name].append(wall / count)
            cpus[name].append(cpu / count * 1000)
    measure.show(f"A sample is written in ({nodes} nodes, a batch each {BATCH} s)", walls, FLOOR)
    measure.show("CPU for 1,000 samples", cpus, FLOOR, unit="ms", scale=1e3)
    for name, found in walls.items():
        measure.note(f"{name}: {1 / median(found):,.0f} samples a second")


def _timed(do: Any) -> tuple[float, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    do()
    return time.perf_counter() - wall, time.process_time() - cpu


def _bare(file: Path, batches: list[list[Row]]) -> None:
    columns = [metric.key.replace(".", "_") for metric in CATALOGUE]
    connection = sqlite3.connect(file, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute(
        f"CREATE TABLE samples (node INTEGER, at INTEGER, {', '.join(f'{one} REAL' for one in columns)}, "
        "PRIMARY KEY (node, at)) WITHOUT ROWID"
    )
    statement = f"INSERT INTO samples VALUES ({', '.join('?' * (len(columns) + 2))})"
    numbers = {row.node: number for number, row in enumerate(batches[0])}
    for batch in batches:
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(
            statement, ((numbers[row.node], round(row.at * 1000), *row.figures.values()) for row in batch)
        )
        connection.execute("COMMIT")
    connection.close()


def _store(file: Path, batches: list[list[Row]]) -> None:
    store = SqlStore(url_of(str(file)), time.time)
    for batch in batches:
        store.write(batch)
    store.close()


def _whole(file: Path, samples: list[list[Any]]) -> None:
    store, moments = SqlStore(url_of(str(file)), time.time), Moments()
    for batch in samples:
        store.write([moments.row(one) for one in batch])
    while store.tidy(BEGIN + 340):
        pass
    store.close()


class _Heard:
    """What comes from a collector."""

    def __init__(self, node: str, sample: Sample) -> None:
        self.node, self.sample, self.at = node, sample, sample.at


def _heard(row: Row) -> _Heard:
    parts: dict[str, dict[str, Any]] = {"host": {"name": "orthanc"}, "process": {"pid": 1}}
    for metric in CATALOGUE:
        parts[metric.part][metric.field] = row.figures[metric.key]
    sample = Sample(row.node, "boot", row.at, HostReading(**parts["host"]), ProcessReading(**parts["process"]))
    assert figures(sample) == row.figures
    return _Heard(row.node, sample)


# --------------------------------------------------------------------------------- a day


def day(folder: Path, nodes: int, hours: float) -> None:
    """Write a day, as it would be written, and see how large it is and how fast it answers."""
    file = folder / "day.sqlite3"
    clock = ManualClock(BEGIN)
    store = SqlStore(url_of(str(file)), clock.now, Keep(raw=2 * DAY))  # thinned below, all at once
    machines = Machines(nodes)
    seconds = round(hours * HOUR)
    cpu, worst = time.process_time(), 0.0
    for second in range(0, seconds, BATCH):
        rows = [row for at in range(BATCH) for row in machines.rows(second + at)]
        clock.advance(BATCH)
        store.write(rows)
        for _ in range(4):  # as the writer does
            began = time.perf_counter()
            more = store.tidy(clock.now())
            worst = max(worst, time.perf_counter() - began)
            if not more:
                break
    cpu = time.process_time() - cpu
    count = nodes * seconds
    before = _size(store, file)
    print(f"\n{count:,} samples: {hours:g} hours of {nodes} nodes at 1 Hz")
    measure.note(f"before thinning: {before / 2**20:.1f} MB, {before / count:.1f} bytes a sample")
    measure.note(f"CPU, with making the figures: {cpu / count * 1e6:.1f} us a sample; longest step of tidying "
                 f"{worst * 1e3:.0f} ms")  # fmt: skip
    questions(store, file, clock.now(), machines.names[0])
    store.close()
    clock.advance(2 * DAY)
    thinned = SqlStore(url_of(str(file)), clock.now, Keep())
    steps = 0
    while thinned.tidy(clock.now()):
        steps += 1
    after = _size(thinned, file)
    thinned.close()
    measure.note(f"after thinning, in {steps:,} steps: {after / 2**20:.1f} MB")
    if hours == 24 and nodes == 100:
        measure.aim("a day of 100 nodes before thinning", before / 2**20, 400, unit="MB")


def _size(store: SqlStore, file: Path) -> int:
    with store._connection() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    return sum(path.stat().st_size for path in file.parent.glob(f"{file.name}*") if not path.name.endswith("-shm"))


def questions(store: SqlStore, file: Path, now: float, node: str) -> None:
    """Ask what a person asks."""
    asked = {
        "24 h, a point each 5 min": (DAY, 300.0),
        "24 h, a point each 90 s": (DAY, 90.0),
        "1 h, a point each second": (HOUR, 1.0),
    }
    found: measure.Results = {}
    for name, (length, step) in asked.items():
        found[name] = []
        for _ in range(9):
            began = time.perf_counter()
            store.read(
                node, ["host.cpu", "host.memory", "host.processes"], since=now - length, until=now, step=step
            )
            found[name].append(time.perf_counter() - began)
    measure.show("Three metrics of one node", found, "24 h, a point each 5 min", unit="ms", scale=1e3)
    command = [sys.executable, "-m", "eye.cli.main", "history", "--history", str(file), "--node", node]
    times = ["--since", str(now - DAY), "--until", str(now), "--step", "5m"]
    measure.wall([*command, *times], os.environ)  # files into the cache, .pyc files written
    ran = [measure.wall([*command, *times], os.environ) for _ in range(11)]
    whole, cpu = (median(one[which] for one in ran) for which in (0, 1))
    assert all(code == 0 and printed for _, _, code, printed in ran)
    measure.note(f"the whole command, with Python's start and all that it loads: {cpu:.2f} CPU-s")
    measure.aim("`history --since 24h --step 5m` of one node, the command", whole, 0.2, unit="s")


# ------------------------------------------------------------------------------ observers


def observer(count: int, seconds: float) -> None:
    """Look at so many nodes, without history and with it."""
    import watching
    from farm import Farm

    print(f"\nAn observer of {count} nodes at 1 Hz, CPU of one core")
    with Farm(count) as farm, tempfile.TemporaryDirectory(prefix="eye-history-") as folder:
        found: measure.Results = {"without": [], "with history": []}
        for turn in range(3):
            for name in list(found) if turn % 2 == 0 else reversed(found):
                file = "off" if name == "without" else str(Path(folder, f"{turn}.sqlite3"))
                told = watching.run(watching.OBSERVER, farm, seconds, False, 0, file)
                found[name].append(told["cpu"])
    measure.show("share of a core", found, "without", unit="%", scale=100)
    more = median(one - other for one, other in zip(found["with history"], found["without"], strict=True))
    measure.note(f"history adds {more:.1%} of a core")


if __name__ == "__main__":
    sys.exit(measure.run(main))
