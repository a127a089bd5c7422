"""What every probe promises (`eye.metrics.probe`), asked of each of them."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

import psutil
import pytest

from eye.metrics.probe import SHORTEST_WINDOW, Probe
from eye.metrics.psutil_probe import PsutilProbe
from eye.metrics.scripted_probe import ScriptedProbe
from eye.testing import ManualClock, until


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(start=time.time())


@pytest.fixture(params=[ScriptedProbe, PsutilProbe])
def probe(request: pytest.FixtureRequest, clock: ManualClock) -> Probe:
    return request.param(clock)


def ripen(probe: Probe, clock: ManualClock) -> None:
    """Look until both shares are known; a real system has to have counted a tick of real time for that."""
    deadline = time.monotonic() + 20.0
    while probe.read_host().cpu is None or probe.read_process().cpu is None:
        assert time.monotonic() < deadline, "no share of CPU after 20 s"
        clock.advance(1.0)
    # The last look may have found that no tick had passed, and left its window open. The next one will not.
    counted = sum(psutil.cpu_times())
    until(lambda: sum(psutil.cpu_times()) > counted)
    clock.advance(1.0)
    probe.read_host(), probe.read_process()


def test_the_first_look_has_no_share_of_cpu(probe: Probe) -> None:
    assert probe.read_host().cpu is None
    assert probe.read_process().cpu is None


def test_a_second_look_that_comes_too_soon_has_none_either(probe: Probe, clock: ManualClock) -> None:
    probe.read_host(), probe.read_process()
    clock.advance(SHORTEST_WINDOW / 2)

    assert probe.read_host().cpu is None
    assert probe.read_process().cpu is None


def test_from_the_second_look_on_a_share_is_0_to_1(probe: Probe, clock: ManualClock) -> None:
    ripen(probe, clock)

    for _ in range(20):
        clock.advance(0.06)
        for cpu in (probe.read_host().cpu, probe.read_process().cpu):
            assert cpu is not None
            assert 0.0 <= cpu <= 1.0


def test_a_look_that_comes_too_soon_says_what_the_previous_one_said(probe: Probe, clock: ManualClock) -> None:
    ripen(probe, clock)
    host, process = probe.read_host().cpu, probe.read_process().cpu

    clock.advance(SHORTEST_WINDOW / 10)

    assert (probe.read_host().cpu, probe.read_process().cpu) == (host, process)


def test_host_and_process_have_a_window_each(probe: Probe, clock: ManualClock) -> None:
    probe.read_host()
    clock.advance(1.0)

    assert probe.read_process().cpu is None


def test_a_reading_of_the_host_makes_sense(probe: Probe) -> None:
    host = probe.read_host()

    assert host.name
    assert 0 < host.memory_used <= host.memory_total
    assert host.cores >= 1
    assert host.load_1m is None or host.load_1m >= 0.0
    assert host.process_count >= 1
    assert host.uptime > 0.0


def test_a_reading_of_the_process_makes_sense(probe: Probe) -> None:
    use = probe.read_process()

    assert use.pid == (os.getpid() if isinstance(probe, PsutilProbe) else 4242)
    assert use.memory_rss > 0
    assert use.thread_count >= 1
    assert use.child_count >= 0


def test_what_is_looked_at_rarely_makes_sense_or_is_unknown(probe: Probe, clock: ManualClock) -> None:
    ripen(probe, clock)
    host, use = probe.read_host(), probe.read_process()

    assert host.source in ("host", "container")
    for used, total in ((host.swap_used, host.swap_total), (host.disk_used, host.disk_total)):
        assert (used is None) == (total is None)
        assert used is None or total is None or 0 <= used <= total
    for speed in (host.disk_read_rate, host.disk_write_rate, host.network_receive_rate, host.network_send_rate):
        assert speed is None or speed >= 0.0
    assert all(0.0 <= share <= 1.0 for share in host.core_cpus or ())
    assert host.busiest_core == max(host.core_cpus or (), default=None)
    assert use.open_files is None or use.open_files > 0
    assert use.gc_collections is None or use.gc_collections >= 0


@pytest.mark.parametrize("seconds", [0.0, 1.0, 86400.0])
def test_uptime_is_the_clocks(seconds: float, probe: Probe, clock: ManualClock) -> None:
    before = probe.read_host().uptime

    clock.advance(seconds)

    assert probe.read_host().uptime == pytest.approx(before + seconds)


@pytest.mark.parametrize("read", [lambda probe: probe.read_host(), lambda probe: probe.read_process()])
def test_a_reading_never_changes(read: Callable[[Probe], object], probe: Probe) -> None:
    reading = read(probe)

    with pytest.raises(AttributeError):
        reading.cpu = 1.0  # type: ignore[attr-defined]
