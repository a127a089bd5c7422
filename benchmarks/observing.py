"""What the terminal view costs: so many rows that change once a second, painted, beside Textual's own DataTable.

    python benchmarks/observing.py [--rows 100 1000] [--seconds 30] [--starts 5] [--whole 100 1000]

Each in an OS process of its own, in a pseudo-terminal of 120 columns and 40 lines that is read as fast as it is
written; the figures come from a view that stands still but for its numbers. So it is the painting alone: what
watching so many nodes costs, `watching.py` tells. The first rows are timed from the moment the app is made.

Then `sorcerers_eye observe` is started as a person starts it, beside three nodes, and timed from the start of the
OS process until every row has its figures on the screen; `python -c pass` beside it. At last it watches so many
simulated nodes (`farm`), with all that it does.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import pty
import random
import re
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import measure
from farm import Farm
from fleet import COMMAND, Fleet, isolated

from eye.metrics.sample import HostReading, ProcessReading
from eye.monitor.node_view import NodeView

OURS, THEIRS = "observe", "DataTable"
SETTLED = 3.0  # seconds that are not counted


class Restless:
    """A view of nodes whose figures are others at each look."""

    has_history = False

    def __init__(self, count: int) -> None:
        now = time.time()
        host = HostReading("orthanc", 6 << 30, 24 << 30, 0.2, 2, 0.42, 100, 7200.0)
        process = ProcessReading(4242, 48 << 20, 0.007, 12, 17, 0, 7190.5)
        self._nodes = tuple(
            NodeView(f"mystic-node-{number:04}", "up", "127.0.0.1:1", now, now, None, "b", host, process, 0.001)
            for number in range(count)
        )
        self._trails = [[random.random() for _ in range(10)] for _ in range(50)]

    def look(self, seconds: float = 30.0, nodes: Iterable[str] | None = None) -> None:
        now = time.time()
        self._nodes = tuple(
            replace(
                node,
                seen_at=now,
                host=replace(node.host, cpu=random.random(), memory_used=random.randrange(24 << 30)),
            )
            for node in self._nodes
        )

    def nodes(self) -> tuple[NodeView, ...]:
        return self._nodes

    def now(self) -> float:
        return time.time()

    def events(self) -> list[dict[str, Any]]:
        return []

    def alerts(self) -> list[dict[str, Any]]:
        return []

    def trail(self, node: str, metric: str) -> list[float | None]:
        return list(random.choice(self._trails))


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--rows", type=int, nargs="+", default=[100, 1000])
    options.add_argument("--seconds", type=float, default=30.0, help="how long each is watched (default: 30)")
    options.add_argument("--starts", type=int, default=5, help="how often it is started (default: 5)")
    options.add_argument("--whole", type=int, nargs="*", default=[100, 1000], metavar="NODES")
    options.add_argument("--paint", choices=(OURS, THEIRS), help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.paint is not None:
        paint(chosen.paint, chosen.rows[0], chosen.seconds)
        return
    print(f"Painting a table that changes at 1 Hz ({measure.about_here()})\n")
    print(f"  {'rows':>5}  {'':<10}  {'CPU-s/min':>9}  {'first rows':>10}  {'RSS':>8}")
    for rows in chosen.rows:
        cost = {}
        for who in (OURS, THEIRS):
            told = run(who, rows, chosen.seconds)
            cost[who] = told["cpu"]
            first = f"{told['first'] * 1000:.0f} ms"
            print(f"  {rows:>5}  {who:<10}  {told['cpu']:>9.2f}  {first:>10}  {told['rss'] / 2**20:>5.1f} MB")
        measure.note(f"{rows:>5}  ratio of CPU to DataTable: {cost[OURS] / cost[THEIRS]:.3g}")
    if chosen.starts:
        starts(chosen.starts)
    if chosen.whole:
        whole(chosen.whole, chosen.seconds)


def starts(rounds: int) -> None:
    """Time `observe` from nothing to the first rows."""
    print("\nFrom nothing to the first rows, three nodes\n")
    with Fleet(3) as fleet:
        fleet.await_up()
        for what, command, wanted in (
            ("python -c pass", [sys.executable, "-c", "print('%')"], 1),
            ("observe", [*COMMAND, "observe"], 3),
        ):
            took = sorted(until_figures(command, fleet.environ, wanted) for _ in range(rounds))
            middle, least, most = (1000 * took[at] for at in (len(took) // 2, 0, -1))
            print(f"  {what:<16} {middle:>5.0f} ms  [{least:.0f}, {most:.0f}]")


def until_figures(command: Sequence[str], environ: dict[str, str], wanted: int) -> float:
    """Start it, and count the seconds until that many shares stand on the screen; end it."""
    began = time.perf_counter()
    process, master = in_terminal(command, environ)
    written = b""
    while len(re.findall(rb"\d?%", written)) < wanted:
        written += os.read(master, 1 << 16)
    took = time.perf_counter() - began
    end(process, master)
    return took


def whole(counts: Sequence[int], seconds: float) -> None:
    """Measure all that `observe` does: it watches so many (simulated) nodes, and paints them."""
    print("\nThe whole of it: watching and painting; and the same, with all of it kept\n")
    print(f"  {'nodes':>5}  {'':<14}  {'CPU-s/min':>9}  {'all seen':>8}  {'RSS':>8}")
    for count in counts:
        with Farm(count) as farm:
            for what in ("", "--history FILE"):
                cpu, seen, rss = watch(farm, count, bool(what), seconds)
                print(f"  {count:>5}  {what:<14}  {cpu:>9.2f}  {seen:>6.1f} s  {rss / 2**20:>5.1f} MB")


def watch(farm: Farm, count: int, keeps: bool, seconds: float) -> tuple[float, float, int]:
    import psutil

    with tempfile.TemporaryDirectory(prefix="eye-observing-") as folder:
        connect = [part for address in farm.addresses[:3] for part in ("--connect", address)]
        command = [*COMMAND, "observe", "--cookie-file", str(farm.cookie_file), *connect]
        if keeps:
            command += ["--history", str(Path(folder, "history.sqlite3"))]
        began = time.perf_counter()
        process, master = in_terminal(command, isolated(Path(folder)))
        written = b""
        while f"{count} up".encode() not in written:
            written = written[-1000:] + os.read(master, 1 << 16)
        seen = time.perf_counter() - began
        threading.Thread(target=drain, args=(master,), daemon=True).start()
        time.sleep(20.0)  # what was wished of all nodes at first has run out
        observer = psutil.Process(process.pid)
        before = sum(observer.cpu_times()[:2])
        time.sleep(seconds)
        cpu = (sum(observer.cpu_times()[:2]) - before) * 60.0 / seconds
        rss = observer.memory_info().rss
        end(process, master)
        return cpu, seen, rss


def in_terminal(command: Sequence[str], environ: dict[str, str]) -> tuple[subprocess.Popen[bytes], int]:
    """Start it in a pseudo-terminal of its own; answer what it writes into."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    environ = {**environ, "TERM": "xterm-256color"}
    process = subprocess.Popen(
        command, stdin=slave, stdout=slave, stderr=slave, env=environ, start_new_session=True
    )
    os.close(slave)
    return process, master


def end(process: subprocess.Popen[bytes], master: int) -> None:
    threading.Thread(target=drain, args=(master,), daemon=True).start()
    process.terminate()
    process.wait(30)
    os.close(master)


def run(who: str, rows: int, seconds: float) -> dict[str, float]:
    """Paint in a process of its own, and read what it paints."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    told, tells = os.pipe()
    command = [sys.executable, __file__, "--paint", who, "--rows", str(rows), "--seconds", str(seconds)]
    environ = {**os.environ, "TERM": "xterm-256color", "EYE_TELLS": str(tells)}
    process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, env=environ, pass_fds=[tells])
    os.close(slave)
    os.close(tells)
    reader = threading.Thread(target=drain, args=(master,), daemon=True)
    reader.start()
    with os.fdopen(told) as answers:
        answer = answers.read()
    process.wait(30)
    os.close(master)
    return dict(json.loads(answer))


def drain(master: int) -> None:
    try:
        while os.read(master, 1 << 16):
            pass
    except OSError:
        pass  # it has ended


def paint(who: str, rows: int, seconds: float) -> None:
    """Run one of the two apps, and tell what it took."""
    import psutil

    began = time.perf_counter()
    view = Restless(rows)
    app = our_app(view) if who == OURS else their_app(view)
    told: dict[str, float] = {}

    def first() -> None:
        told.setdefault("first", time.perf_counter() - began)

    def begin() -> None:
        told["cpu"] = time.process_time()

    def end() -> None:
        told["cpu"] = (time.process_time() - told["cpu"]) * 60.0 / seconds
        told["rss"] = psutil.Process().memory_info().rss
        app.exit()

    def on_mount(app: Any) -> None:  # Textual calls that of each class, so this one comes on top
        app.call_after_refresh(lambda: app.call_after_refresh(first))
        app.set_timer(SETTLED, begin)
        app.set_timer(SETTLED + seconds, end)

    app.__class__ = type("Timed", (type(app),), {"on_mount": on_mount})
    app.run()
    os.write(int(os.environ["EYE_TELLS"]), json.dumps(told).encode())


def our_app(view: Restless) -> Any:
    from eye.clock import SystemClock
    from eye.tui.app import Observe

    return Observe(view, SystemClock())  # type: ignore[arg-type]


def their_app(view: Restless) -> Any:
    from textual.app import App
    from textual.widgets import DataTable

    class Plain(App[None]):
        """The same figures in the table that Textual brings."""

        def compose(self) -> Any:
            yield DataTable()

        def on_mount(self) -> None:
            table = self.query_one(DataTable)
            table.add_columns("NODE", "STATUS", "CPU", "MEMORY", "PROCS", "RESTARTS", "UPTIME")
            for node in view.nodes():
                table.add_row(*self.row(node), key=node.name)
            self.set_interval(1.0, self.beat)

        def beat(self) -> None:
            view.look()
            table = self.query_one(DataTable)
            keys = list(table.columns)
            for node in view.nodes():
                for key, text in zip(keys, self.row(node), strict=True):
                    table.update_cell(node.name, key, text)

        def row(self, node: NodeView) -> list[str]:
            host, process = node.host, node.process
            assert host is not None
            assert process is not None
            figures = (host.process_count, process.restarts, process.uptime)
            return [node.name, node.status, f"{host.cpu:.0%}", f"{host.memory_used >> 20}M", *map(str, figures)]

    return Plain()


if __name__ == "__main__":
    main()
