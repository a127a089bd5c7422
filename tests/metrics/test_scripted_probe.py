"""The twin says what it was told to."""

from __future__ import annotations

import pytest

from eye.metrics.scripted_probe import ScriptedProbe
from eye.testing import ManualClock


def test_it_says_what_it_was_told_to_say() -> None:
    clock = ManualClock()
    probe = ScriptedProbe(clock)
    probe.read_host(), probe.read_process()
    clock.advance(1.0)

    probe.set_host(cpu=0.97, memory_used=4)
    probe.set_process(thread_count=99)

    assert (probe.read_host().cpu, probe.read_host().memory_used) == (0.97, 4)
    assert probe.read_process().thread_count == 99


def test_its_uptime_grows_with_the_clock_from_where_it_was_set() -> None:
    clock = ManualClock()
    probe = ScriptedProbe(clock)
    clock.advance(10.0)
    assert probe.read_host().uptime == 7210.0

    probe.set_host(uptime=5.0)
    clock.advance(1.0)

    assert probe.read_host().uptime == 6.0


def test_it_raises_once_for_each_error_it_was_given() -> None:
    probe = ScriptedProbe(ManualClock())
    probe.fail_once(RuntimeError("first"))
    probe.fail_once(OSError("second"))

    with pytest.raises(RuntimeError, match="first"):
        probe.read_host()
    with pytest.raises(OSError, match="second"):
        probe.read_process()

    assert probe.read_host().name == "orthanc"
    assert probe.looks == 3


def test_what_the_system_tells_is_completed_with_what_the_node_knows() -> None:
    use = ScriptedProbe(ManualClock()).read_process()

    reading = use.reading(process_count=17, restarts=3, uptime=9.5)

    assert (reading.pid, reading.process_count, reading.restarts, reading.uptime) == (4242, 17, 3, 9.5)
    assert (reading.memory_rss, reading.thread_count) == (use.memory_rss, use.thread_count)
