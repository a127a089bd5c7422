"""History against real disks, servers and signals: what goes wrong is said, what was kept stays, it goes on."""

from __future__ import annotations

import json
import logging
import os
import random
import re
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from eye.clock import SystemClock
from eye.history.database import place_of, url_of
from eye.history.keeping import Keeping
from eye.history.sql_store import SqlStore
from eye.history.writer import Asking, Writer
from eye.metrics.sample import HostReading, ProcessReading, Sample
from eye.supervision import System
from eye.supervision.debugging import resume, suspend
from eye.testing import until

if TYPE_CHECKING:
    from tests.postgres import Postgres

pytestmark = pytest.mark.e2e

HOST = HostReading("orthanc", 512 * 2**20, 2 * 2**30, 0.2, 2, 0.42, 100, 7200.0)
PROCESS = ProcessReading(4242, 46 * 2**20, 0.007, 12, 17, 0, 60.0)
NODES = [f"node-{number}" for number in range(20)]
PATIENCE = 30.0


@dataclass(frozen=True)
class Heard:
    node: str
    sample: Sample
    at: float


class Scribe:
    """A writer in a system of its own, on the real clock, that writes every tenth of a second."""

    def __init__(self, place: str) -> None:
        self.place = place
        self.keeping = Keeping(self._make_store, place_of(place))
        self.said: dict[str, list[float]] = {node: [] for node in NODES}
        self._system = System(clock=SystemClock())
        asking = Asking(lambda: None, lambda *_: None)
        writer = self._system.start(Writer, self.keeping, "samples", asking, me="me", every=0.1)
        assert writer is not None
        self.writer = writer

    def _make_store(self) -> SqlStore:
        return SqlStore(url_of(self.place), time.time)

    def say(self) -> float:
        """Have a sample of each node come in."""
        at = round(time.time(), 3)
        for node in NODES:
            self._system.topics.broadcast("samples", Heard(node, Sample(node, "boot", at, HOST, PROCESS), at))
            self.said[node].append(at)
        return at

    def is_written(self, at: float) -> bool:
        """Whether the sample of that moment is in the database."""
        return self.keeping.waiting == 0 and at in self.kept(NODES[-1])

    def kept(self, node: str) -> set[float]:
        store = self.keeping.store
        assert isinstance(store, SqlStore)
        begin, now, near = self.said[node][0] - 1, time.time(), set[float]()
        while begin < now + 1:  # a minute at a time, for that fine a step
            past = store.read(node, ["host.cpu"], since=begin, until=begin + 60, step=0.004)
            there = zip(past.starts, past.points.get("host.cpu", ()), strict=False)
            near |= {round(start, 3) for start, point in there if point is not None}
            begin += 60
        return {at for at in self.said[node] if any(start <= at < start + 0.0045 for start in near)}

    def await_trouble(self) -> str:
        until(lambda: self.go_on() and self.keeping.trouble, PATIENCE)
        assert self.writer.is_alive
        return str(self.keeping.trouble)

    def go_on(self) -> bool:
        """Have samples come in as nodes would, and not as fast as the machine can: only so many may wait."""
        last = self.said[NODES[0]][-1:]
        if not last or time.time() - last[0] > 0.05:
            self.say()
        return True

    def await_recovery(self) -> None:
        until(lambda: self.keeping.trouble is None, PATIENCE)
        for node in (NODES[0], NODES[-1]):
            # Not as soon as nothing waits any more: what was taken out may not be written yet.
            until(lambda node=node: self.kept(node) == set(self.said[node]), PATIENCE)  # type: ignore[misc]

    def stop(self) -> None:
        self._system.stop()


@pytest.fixture
def scribe() -> Iterator[Callable[[str], Scribe]]:
    made: list[Scribe] = []

    def make(place: str) -> Scribe:
        made.append(Scribe(place))
        return made[-1]

    yield make
    for one in made:
        one.stop()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    """A small disk of its own."""
    small = Disk(tmp_path / "disk")
    yield small
    small.unmount()


class Disk:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self._run("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder))

    def remount(self, options: str) -> None:
        self._run("mount", "-o", f"remount,{options}", str(self.folder))

    def unmount(self) -> None:
        subprocess.run(["umount", "-l", str(self.folder)], check=False)

    @staticmethod
    def _run(*command: str) -> None:
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        except FileNotFoundError:
            pytest.skip("no mount on this machine")
        if done.returncode != 0:
            pytest.skip(f"no disk can be mounted here: {done.stderr.strip()}")


def said_of(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [one.getMessage() for one in caplog.records if one.name == "eye.history"]


@pytest.fixture(autouse=True)
def _listening(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)


def check_said(caplog: pytest.LogCaptureFixture, trouble: str) -> None:
    """One sentence when it broke, one when all was well again."""
    broken, well = said_of(caplog)
    assert trouble in broken
    assert "is written again" in well


# ------------------------------------------------------------------------------- disks


def test_a_full_disk_is_said_and_what_waited_is_written_when_there_is_room(
    disk: Disk, scribe: Callable[[str], Scribe], caplog: pytest.LogCaptureFixture
) -> None:
    one = scribe(str(disk.folder / "history.sqlite3"))
    first = one.say()
    until(lambda: one.is_written(first), PATIENCE)
    ballast = disk.folder / "ballast"
    try:
        with ballast.open("wb") as full:
            while True:
                full.write(b"x" * 4096)
                full.flush()
    except OSError:
        pass  # now it is full

    assert one.await_trouble() == "its disk is full"
    disk.remount("size=16m")
    one.await_recovery()

    check_said(caplog, "its disk is full")


def test_a_read_only_disk_is_said(
    disk: Disk, scribe: Callable[[str], Scribe], caplog: pytest.LogCaptureFixture
) -> None:
    file = disk.folder / "history.sqlite3"
    store = SqlStore(url_of(str(file)), time.time)
    store.open()
    store.close()
    disk.remount("ro")

    one = scribe(str(file))
    trouble = one.await_trouble()
    disk.remount("rw")
    one.await_recovery()

    assert trouble == "it cannot be written: the file, its folder or its disk is read-only"
    check_said(caplog, "read-only")


def test_a_folder_in_which_nothing_can_be_made_is_said(
    disk: Disk, scribe: Callable[[str], Scribe], caplog: pytest.LogCaptureFixture
) -> None:
    (disk.folder / "mine").mkdir()
    disk.remount("ro")

    one = scribe(str(disk.folder / "mine" / "history.sqlite3"))
    trouble = one.await_trouble()
    disk.remount("rw")
    one.await_recovery()

    assert "read-only" in trouble
    check_said(caplog, "read-only")


def test_a_file_that_another_program_has_locked_is_said(
    tmp_path: Path, scribe: Callable[[str], Scribe], caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "history.sqlite3"
    one = scribe(str(file))
    first = one.say()
    until(lambda: one.is_written(first), PATIENCE)
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    trouble = one.await_trouble()
    assert first in one.kept(NODES[0]), "it can be read meanwhile"
    other.execute("ROLLBACK")
    other.close()
    one.await_recovery()

    assert trouble == "another program holds it locked"
    check_said(caplog, "another program holds it locked")


def test_a_file_that_is_destroyed_while_it_is_written_is_set_aside_and_it_goes_on(
    tmp_path: Path, scribe: Callable[[str], Scribe], caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "history.sqlite3"
    one = scribe(str(file))
    first = one.say()
    until(lambda: one.is_written(first), PATIENCE)
    suspend(one.writer)  # or it may have it open again, and then read nothing that is not in its cache
    one.keeping.store.close()  # so that what was written is in the file
    file.write_bytes(b"nonsense" * 10_000)
    resume(one.writer)

    until(lambda: one.go_on() and (one.keeping.trouble or said_of(caplog)), PATIENCE)
    until(lambda: one.keeping.trouble is None, PATIENCE)
    last = one.say()
    until(lambda: one.is_written(last), PATIENCE)

    (kept,) = tmp_path.glob("history.sqlite3.damaged-*")
    assert kept.read_bytes() == b"nonsense" * 10_000
    assert re.search(r"its file is damaged.*; it is kept as history\.sqlite3\.damaged-", said_of(caplog)[0])
    with sqlite3.connect(file) as new:
        assert new.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    new.close()


@pytest.mark.parametrize("takes_all", [True, False], ids=["with-its-wal", "alone"])
def test_a_file_that_is_removed_while_it_is_written_is_said_and_a_new_one_begun(
    tmp_path: Path, scribe: Callable[[str], Scribe], caplog: pytest.LogCaptureFixture, *, takes_all: bool
) -> None:
    file = tmp_path / "history.sqlite3"
    one = scribe(str(file))
    first = one.say()
    until(lambda: one.is_written(first), PATIENCE)

    for gone in tmp_path.glob("history.sqlite3*") if takes_all else [file]:
        gone.unlink(missing_ok=True)
    last = one.say()
    until(lambda: one.is_written(last), PATIENCE)

    assert first not in one.kept(NODES[0]), "that was in the file that somebody removed"
    assert [text for text in said_of(caplog) if "was removed, or moved" in text]
    with sqlite3.connect(file) as new:
        assert new.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    new.close()


# ------------------------------------------------------------------------------ PostgreSQL


@pytest.fixture
def server() -> Iterator[Postgres]:
    """A server that may be killed."""
    from tests.postgres import Postgres

    own = Postgres()
    yield own
    own.stop()


def test_a_postgresql_that_is_killed_is_said_and_what_waited_is_written_when_it_is_back(
    server: Postgres, scribe: Callable[[str], Scribe], caplog: pytest.LogCaptureFixture
) -> None:
    one = scribe(server.new_database())
    first = one.say()
    until(lambda: one.is_written(first), PATIENCE)

    server.kill()
    trouble = one.await_trouble()
    server.start()
    one.await_recovery()

    assert "the database server does not answer, or ended the connection" in trouble
    check_said(caplog, "does not answer")


def test_connections_that_are_dropped_are_made_again(server: Postgres, scribe: Callable[[str], Scribe]) -> None:
    one = scribe(server.new_database())
    first = one.say()
    until(lambda: one.is_written(first), PATIENCE)

    server.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'sorcerers_eye'")
    last = one.say()
    until(lambda: one.is_written(last), PATIENCE)

    assert one.kept(NODES[0]) == set(one.said[NODES[0]])


def test_a_database_that_is_not_there_is_said(server: Postgres, scribe: Callable[[str], Scribe]) -> None:
    trouble = scribe(server.url("nowhere")).await_trouble()

    assert "has no such database" in trouble


# --------------------------------------------------------------------------------- SIGKILL

_WRITE = """
import sys, time
from eye.history.database import url_of
from eye.history.sql_store import SqlStore
from eye.history.store import Row

store, begin, number = SqlStore(url_of(sys.argv[1]), time.time), float(sys.argv[2]), int(sys.argv[3])
while True:
    number += 1
    store.write([Row(f"node-{node}", begin + number, {"host.cpu": float(number), "host.memory": 1.0})
                 for node in range(20)])
    print(number, flush=True)
    if number % 20 == 0:  # as if five minutes went by
        while store.tidy(begin + number + 40):
            pass
"""


def test_a_sigkill_at_any_moment_loses_at_most_the_last_batch_and_spoils_nothing(tmp_path: Path) -> None:
    file, begin, number = tmp_path / "history.sqlite3", 1_800_014_400.0, 0
    chance = random.Random(7)
    for _ in range(12):
        written = _write_until_killed(file, begin, number, chance)

        with sqlite3.connect(file) as check:
            assert check.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        check.close()
        store = SqlStore(url_of(str(file)), time.time)
        ends = set()
        for node in range(20):
            past = store.read(f"node-{node}", ["host.cpu"], since=begin, until=begin + written + 5, step=1)
            there = {
                round(start - begin): point.mean
                for start, point in zip(past.starts, past.points["host.cpu"], strict=True)
                if point is not None
            }
            assert {at: float(at) for at in range(1, written + 1)}.items() <= there.items(), "what was promised"
            ends.add(max(there))
        store.close()
        assert len(ends) == 1, "a batch is there as a whole, or not at all"
        assert ends <= {written, written + 1}
        number = ends.pop()


def _write_until_killed(file: Path, begin: float, number: int, chance: random.Random) -> int:
    """Write from a process of its own; answer the last batch that it said it had written."""
    process = subprocess.Popen(
        [sys.executable, "-c", _WRITE, str(file), str(begin), str(number)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    for _ in range(chance.randrange(1, 60)):
        assert process.stdout.readline()
    # At some moment within the next batch, or a step of tidying.
    killer = threading.Timer(chance.uniform(0.0, 0.01), process.send_signal, (signal.SIGKILL,))
    killer.start()
    last = process.stdout.read().split()
    process.wait(10)
    killer.join()
    process.stdout.close()
    if last:
        return int(last[-1])
    with sqlite3.connect(file) as found:  # nothing was said after what we had read
        del found
    return _last_read(file, begin)


def _last_read(file: Path, begin: float) -> int:
    store = SqlStore(url_of(str(file)), time.time)
    try:
        return round(store.last(["node-0"], begin)["node-0"] - begin)
    finally:
        store.close()


# ------------------------------------------------------------------------- the whole program


class Folder:
    """A user of their own."""

    def __init__(self, path: Path) -> None:
        self.environ = {
            **{key: value for key, value in os.environ.items() if not key.startswith("EYE_")},
            "EYE_FOLDER": str(path / "run"),
            "XDG_CONFIG_HOME": str(path / "config"),
            "XDG_DATA_HOME": str(path / "data"),
            "PYTHONWARNINGS": "error",
        }
        self.file = path / "data" / "sorcerers_eye" / "history.sqlite3"
        self.processes: list[subprocess.Popen[str]] = []

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "eye.cli.main", *arguments],
            env=self.environ, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.processes.append(process)
        assert process.stderr is not None
        line = process.stderr.readline()
        assert " is up at " in line or " view is at " in line, line
        return process

    def history(self, *arguments: str) -> dict[str, Any]:
        done = self.run("history", "--format", "json", *arguments)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)  # type: ignore[no-any-return]

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "eye.cli.main", *arguments],
            env=self.environ, capture_output=True, text=True, timeout=30, check=False,
        )  # fmt: skip

    def points(self, *nodes: str) -> dict[str, list[list[float]]]:
        asked = [one for node in nodes for one in ("--node", node)]
        if not self.file.exists():
            return {}
        done = self.run("history", "--format", "json", "--metric", "cpu", "--since", "2m", "--step", "1s", *asked)
        return (
            {one["node"]: one["points"] for one in json.loads(done.stdout)["series"]}
            if done.returncode == 0
            else {}
        )

    def stop(self) -> None:
        for process in reversed(self.processes):
            process.terminate()
        for process in self.processes:
            try:
                process.communicate(timeout=15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Folder]:
    made = Folder(tmp_path)
    yield made
    made.stop()


@pytest.mark.timeout(120)
def test_whoever_serves_a_view_keeps_what_it_sees_and_the_command_shows_it(folder: Folder) -> None:
    folder.start("start", "--name", "seen")
    folder.start("start", "--name", "seeing", "--web", "0")

    until(lambda: min(map(len, folder.points("seen", "seeing").values()), default=0) >= 5, PATIENCE)

    text = folder.run("history", "--node", "seen", "--metric", "cpu", "--metric", "memory", "--since", "5m")
    plot = folder.run("history", "--plot", "--metric", "memory")
    assert re.search(r"Node: seen\nTIME +CPU LOAD +MEMORY USAGE\n\d{4}-\d\d-\d\d \d\d:\d\d", text.stdout)
    assert "seen: Memory Usage" in plot.stdout
    assert max(map(len, plot.stdout.splitlines())) <= 80
    assert folder.file.stat().st_mode & 0o077 == 0


@pytest.mark.timeout(120)
def test_a_node_alone_keeps_nothing_and_the_command_says_so(folder: Folder) -> None:
    folder.start("start", "--name", "alone")

    done = folder.run("history")

    assert done.returncode == 1
    assert "nothing has been kept there yet" in done.stderr
    assert not folder.file.exists()


@pytest.mark.timeout(120)
def test_what_a_killed_observer_missed_is_fetched_by_the_next(folder: Folder) -> None:
    folder.start("start", "--name", "seen")
    observer = folder.start("web", "--no-browser")
    until(lambda: len(folder.points("seen").get("seen", [])) >= 4, PATIENCE)
    observer.kill()
    observer.wait(10)
    with sqlite3.connect(folder.file) as check:
        assert check.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    check.close()
    before = {at for at, *_ in folder.points("seen")["seen"]}
    until(lambda: time.time() > max(before) + 9.0, PATIENCE)  # it passes unseen

    folder.start("web", "--no-browser")

    def has_no_hole() -> bool:
        moments = sorted(at for at, *_ in folder.points("seen").get("seen", []))
        return (
            len(moments) > 0
            and moments[-1] > max(before) + 12
            and all(later - one <= 2.0 for one, later in pairwise(moments))
        )

    until(has_no_hole, 60.0)
    assert before <= {at for at, *_ in folder.points("seen")["seen"]}


@pytest.mark.timeout(120)
def test_several_observers_of_one_user_write_each_sample_once(folder: Folder) -> None:
    folder.start("start", "--name", "seen")
    for _ in range(3):
        folder.start("web", "--no-browser")
    until(lambda: len(folder.points("seen").get("seen", [])) >= 12, 60.0)

    store = SqlStore(url_of(str(folder.file)), time.time)
    now = time.time()
    past = store.read("seen", ["node.uptime"], since=now - 10, until=now, step=0.1)
    numbers = [point.number for point in past.points["node.uptime"] if point is not None]
    store.close()
    # A sample is taken each second or so; written twice it would be there twice at its moment.
    assert set(numbers) == {1}
    assert len(numbers) <= 12
    assert folder.run("history").returncode == 0
