"""The probe of the operating system: what it says when the system does not, and whether it is right."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from eye.clock import SystemClock
from eye.metrics.family import Family
from eye.metrics.psutil_probe import PsutilProbe
from eye.testing import ManualClock

MEGABYTE = 1024**2
NO_SUCH_PID = 2**22 + 1  # Linux has none above 2**22
ON_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="compares with /proc and procps")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(start=time.time())


def until(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"


@contextmanager
def child(script: str) -> Iterator[subprocess.Popen[str]]:
    """Start a child, wait until it says that it is ready, and end it by closing its input."""
    command = [sys.executable, "-c", script]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process
        process.communicate("\n", timeout=20)


# ------------------------------------------------------------------- when the system does not say


@pytest.mark.parametrize("error", [psutil.AccessDenied(1), psutil.NoSuchProcess(1), FileNotFoundError("/proc")])
@pytest.mark.parametrize(
    ("function", "field", "unknown"),
    [
        ("virtual_memory", "memory_used", 0),
        ("cpu_times", "cpu", None),
        ("pids", "process_count", 0),
        ("boot_time", "uptime", 0.0),
        ("cpu_count", "cores", 1),
        ("swap_memory", "swap_used", None),
        ("disk_usage", "disk_total", None),
        ("disk_io_counters", "disk_read", None),
        ("net_io_counters", "network_sent", None),
        ("cpu_times", "busiest_core", None),
        ("cpu_times", "core_cpus", None),
        ("cpu_stats", "context_switches", None),
    ],
)
def test_a_figure_that_is_refused_is_unknown_and_harms_no_other(
    function, field, unknown, error, clock, monkeypatch
) -> None:
    def refuse(*_arguments, **_more):
        raise error

    monkeypatch.setattr(psutil, function, refuse if function != "cpu_count" else lambda: None)

    reading = PsutilProbe(clock).read_host()

    assert getattr(reading, field) == unknown
    assert reading.name
    assert function == "virtual_memory" or reading.memory_used > 0


def test_a_system_without_load_average_has_none(clock, monkeypatch) -> None:
    monkeypatch.delattr(os, "getloadavg", raising=False)

    assert PsutilProbe(clock).read_host().load_1m is None


def test_a_process_that_may_not_even_look_at_itself_has_a_reading(clock, monkeypatch) -> None:
    def refuse(self):
        raise psutil.AccessDenied(self.pid)

    monkeypatch.setattr(psutil.Process, "memory_info", refuse)
    monkeypatch.setattr(Family, "pids", lambda self: [])
    probe = PsutilProbe(clock)
    probe.read_process()
    clock.advance(1.0)

    use = probe.read_process()

    assert (use.pid, use.memory_rss, use.thread_count, use.cpu) == (os.getpid(), 0, 0, None)


def test_a_child_that_exits_between_the_list_and_the_look_is_left_out(clock, monkeypatch) -> None:
    monkeypatch.setattr(Family, "pids", lambda self: [NO_SUCH_PID])
    probe = PsutilProbe(clock)

    use = probe.read_process()

    assert use.child_count == 0
    assert use.memory_rss > MEGABYTE


def test_children_that_cannot_be_listed_are_left_out(clock, monkeypatch) -> None:
    def refuse(self):
        raise psutil.AccessDenied(1)

    monkeypatch.setattr(Family, "pids", refuse)

    assert PsutilProbe(clock).read_process().child_count == 0


# ----------------------------------------------------------------------------------- boot time


def test_the_boot_time_is_read_once(clock, monkeypatch) -> None:
    asked = []
    monkeypatch.setattr(psutil, "boot_time", lambda: asked.append(1) or clock.now() - 500.0)
    probe = PsutilProbe(clock)

    first = probe.read_host().uptime
    clock.advance(3600.0)
    second = probe.read_host().uptime

    assert (first, second) == (500.0, 4100.0)
    assert len(asked) == 1


def test_the_boot_time_is_read_again_when_somebody_sets_the_clock(clock, monkeypatch) -> None:
    booted = [clock.now() - 500.0]
    monkeypatch.setattr(psutil, "boot_time", lambda: booted[0])
    probe = PsutilProbe(clock)
    probe.read_host()

    clock.jump(50 * 365 * 86400.0)  # from 1970 to now, as a machine without a battery does
    booted[0] += 50 * 365 * 86400.0  # and so does the kernel's answer

    assert probe.read_host().uptime == 500.0


# ------------------------------------------------------------------------------- cpu, children


def test_two_probes_do_not_disturb_each_other(clock) -> None:
    first, second = PsutilProbe(clock), PsutilProbe(clock)
    first.read_process()
    clock.advance(1.0)

    assert first.read_process().cpu is not None
    assert second.read_process().cpu is None


@pytest.mark.e2e
def test_memory_and_threads_of_a_child_are_counted() -> None:
    probe = PsutilProbe(SystemClock())
    alone = probe.read_process()
    script = f"x = bytearray(b'x' * {64 * MEGABYTE})\nprint('ready', flush=True)\ninput()"

    with child(script) as idle:
        use = probe.read_process()

        assert use.memory_rss >= alone.memory_rss + 60 * MEGABYTE
        assert use.child_count == alone.child_count + 1
        assert use.thread_count >= alone.thread_count + 1
        assert idle.poll() is None

    assert probe.read_process().child_count == alone.child_count


@pytest.mark.e2e
def test_the_cpu_of_a_child_is_counted_while_it_runs(clock) -> None:
    script = (
        "import time\nprint('ready', flush=True)\n"
        "while time.process_time() < 0.5: pass\nprint('done', flush=True)\ninput()"
    )
    probe = PsutilProbe(clock)

    with child(script) as busy:
        probe.read_process()
        clock.advance(1.0)
        assert busy.stdout is not None
        assert busy.stdout.readline() == "done\n"

        cpu = probe.read_process().cpu

    # Half a second in the second that went by on the handed-in clock, less what it used for its start.
    assert cpu is not None
    assert 0.3 / (psutil.cpu_count() or 1) < cpu <= 1.0


@pytest.mark.e2e
def test_a_child_that_exits_between_two_looks_is_counted_to_its_end(clock) -> None:
    script = "import time\nprint('ready', flush=True)\ninput()\nwhile time.process_time() < 0.5: pass"
    probe = PsutilProbe(clock)

    with child(script):
        with_child = probe.read_process().child_count
        clock.advance(1.0)
    use = probe.read_process()
    clock.advance(1.0)
    afterwards = probe.read_process()

    assert use.child_count == with_child - 1
    assert use.cpu is not None
    assert 0.3 / (psutil.cpu_count() or 1) < use.cpu <= 1.0
    assert afterwards.cpu is not None
    assert 0.0 <= afterwards.cpu < use.cpu


@pytest.mark.e2e
def test_a_busy_machine_is_busy_and_never_more_than_that() -> None:
    probe = PsutilProbe(SystemClock())
    seen: list[float | None] = [probe.read_host().cpu]

    def is_busy() -> bool:  # asking without pause is work enough
        seen.append(probe.read_host().cpu)
        return seen[-1] is not None and seen[-1] > 0.0

    until(is_busy)

    assert seen[0] is None
    assert all(0.0 <= cpu <= 1.0 for cpu in seen if cpu is not None)


# ------------------------------------------------------------------------ what the machine says


@ON_LINUX
@pytest.mark.e2e
def test_memory_agrees_with_free() -> None:
    reading = PsutilProbe(SystemClock()).read_host()
    printed = subprocess.run(["free", "-b"], capture_output=True, text=True, check=True).stdout
    total, *_, available = map(int, printed.splitlines()[1].split()[1:])

    assert reading.memory_total == total
    assert reading.memory_used == pytest.approx(total - available, abs=max(256 * MEGABYTE, total // 50))


@ON_LINUX
@pytest.mark.e2e
def test_uptime_agrees_with_proc_and_with_uptime() -> None:
    reading = PsutilProbe(SystemClock()).read_host()
    kernel = float(Path("/proc/uptime").read_text().split()[0])
    printed = subprocess.run(["uptime", "-s"], capture_output=True, text=True, check=True).stdout.strip()
    booted = datetime.strptime(printed, "%Y-%m-%d %H:%M:%S").astimezone().timestamp()

    assert reading.uptime == pytest.approx(kernel, abs=5.0)
    assert time.time() - reading.uptime == pytest.approx(booted, abs=5.0)


@ON_LINUX
@pytest.mark.e2e
def test_processes_cores_and_load_agree_with_the_machine() -> None:
    probe = PsutilProbe(SystemClock())
    reading = probe.read_host()
    printed = subprocess.run(["ps", "-e", "-o", "pid="], capture_output=True, text=True, check=True).stdout
    load = float(Path("/proc/loadavg").read_text().split()[0])
    cores = sum(line.startswith("processor") for line in Path("/proc/cpuinfo").read_text().splitlines())

    assert reading.process_count == pytest.approx(len(printed.split()), abs=25)
    assert reading.cores == cores
    assert reading.load_1m == pytest.approx(load, abs=0.5)


@ON_LINUX
@pytest.mark.e2e
def test_memory_of_the_process_agrees_with_proc(monkeypatch) -> None:
    monkeypatch.setattr(Family, "pids", lambda self: [])
    use = PsutilProbe(SystemClock()).read_process()
    pages = int(Path("/proc/self/statm").read_text().split()[1])

    assert use.memory_rss == pytest.approx(pages * os.sysconf("SC_PAGE_SIZE"), abs=8 * MEGABYTE)


# -------------------------------------------------------------------------- what is looked at rarely


def test_what_costs_more_is_looked_at_rarely_and_repeated_in_between(clock, monkeypatch) -> None:
    looks = []
    swap_memory = psutil.swap_memory
    monkeypatch.setattr(psutil, "swap_memory", lambda: looks.append(clock.monotonic()) or swap_memory())
    probe, began = PsutilProbe(clock), clock.monotonic()
    for _ in range(20):
        assert probe.read_host().swap_total is not None
        clock.advance(1.0)

    assert [at - began for at in looks] == [0.0, 1.0, 6.0, 11.0, 16.0]


def test_speeds_are_what_counters_went_up_by_a_second_over_all_cards_but_loopback(clock, monkeypatch) -> None:
    sent = {"eth0": 1000, "wlan0": 500, "lo": 10**9}

    def cards(**_more):
        return {name: SimpleNamespace(bytes_sent=count, bytes_recv=0) for name, count in sent.items()}

    monkeypatch.setattr(psutil, "net_io_counters", cards)
    probe = PsutilProbe(clock)
    first = probe.read_host()
    sent["eth0"] += 300
    sent["lo"] += 10**9
    clock.advance(1.0)
    second = probe.read_host()
    clock.advance(5.0)
    sent.clear()
    third = probe.read_host()

    assert (first.network_sent, first.network_send_rate, first.network_receive_rate) == (1500, None, None)
    assert (second.network_sent, second.network_send_rate, second.network_receive_rate) == (1800, 300.0, 0.0)
    assert (third.network_sent, third.network_send_rate) == (0, None)  # the cards are gone


def test_a_machine_without_disks_has_no_figures_of_them(clock, monkeypatch) -> None:
    monkeypatch.setattr(psutil, "disk_io_counters", lambda **_more: None)

    host = PsutilProbe(clock).read_host()

    assert (host.disk_read, host.disk_write_rate) == (None, None)
    assert host.network_sent is not None


def test_the_node_tells_its_open_files_its_collector_and_its_python(clock) -> None:
    probe = PsutilProbe(clock)
    gc.collect()  # what other tests left to be closed
    before = probe.read_process()
    gc.collect()
    with ExitStack() as held:
        for _ in range(200):
            held.enter_context(open(os.devnull))  # more than anything else here opens or closes meanwhile
        clock.advance(1.0)
        after = probe.read_process()

    assert before.open_files is not None
    assert after.open_files == pytest.approx(before.open_files + 200, abs=50)
    assert after.gc_collections >= before.gc_collections + 1
    assert (after.gc_uncollectable, after.python) == (0, ".".join(map(str, sys.version_info[:3])))


# ------------------------------------------------------------------------------------ in a container


class Group:
    """A control group that may use 1 GB and half a core."""

    memory_total = 2**30
    cores: float | None = 0.5

    def __init__(self) -> None:
        self.used, self.seconds = 2**28, 100.0

    def read_memory_used(self) -> int:
        return self.used

    def read_cpu_seconds(self) -> float:
        return self.seconds


def test_in_a_container_memory_and_cpu_are_its_own_of_what_it_may_use(clock) -> None:
    group = Group()
    probe = PsutilProbe(clock, lambda _memory, _cores: group)
    probe.read_host(), probe.read_process()
    group.seconds += 0.25
    clock.advance(1.0)
    host = probe.read_host()

    assert (host.source, host.memory_used, host.memory_total, host.cores) == ("container", 2**28, 2**30, 1)
    assert host.cpu == pytest.approx(0.5)


def test_a_burst_beyond_the_limit_is_all_of_it(clock) -> None:
    group = Group()
    probe = PsutilProbe(clock, lambda _memory, _cores: group)
    probe.read_host()
    group.seconds += 0.9
    clock.advance(1.0)

    assert probe.read_host().cpu == 1.0


def test_limits_that_come_and_go_are_noticed(clock) -> None:
    groups = [None, Group(), None]
    probe = PsutilProbe(clock, lambda _memory, _cores: groups.pop(0))
    sources = []
    for _ in range(3):
        sources.append(probe.read_host().source)
        clock.advance(59.0)
        assert probe.read_host().source == sources[-1]
        clock.advance(1.0)

    assert sources == ["host", "container", "host"]


@pytest.mark.parametrize("error", [FileNotFoundError("memory.current"), ValueError("max")])
def test_a_group_that_is_being_taken_down_harms_nobody(error, clock, monkeypatch) -> None:
    group = Group()
    probe = PsutilProbe(clock, lambda _memory, _cores: group)

    def refuse(self):
        raise error

    monkeypatch.setattr(Group, "read_memory_used", refuse)
    monkeypatch.setattr(Group, "read_cpu_seconds", refuse)
    clock.advance(1.0)
    host = probe.read_host()

    assert host.memory_used > 0
    assert host.cpu is None
