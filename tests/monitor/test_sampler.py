"""The sampler keeps its beat, says nothing false at first, and leaves its last sample behind when it crashes."""

from __future__ import annotations

import pytest

from eye.metrics.sample import Sample
from eye.metrics.sampler import TOPIC, Latest, Sampler
from eye.metrics.scripted_probe import ScriptedProbe
from eye.supervision import ChildSpec, GenServer, Supervisor, System, suspend
from eye.testing import PATIENCE, ManualClock, drain, until


@pytest.fixture
def probe(clock: ManualClock) -> ScriptedProbe:
    return ScriptedProbe(clock)


def start(system: System, probe: ScriptedProbe, interval: float = 1.0) -> Latest:
    latest = Latest()
    sampler = ChildSpec(
        Sampler,
        args=("a", "boot", lambda: probe, latest),
        kwargs={"started_at": system.clock.monotonic(), "interval": interval, "warm_up": 0.0},
        id="sampler",
    )
    system.start(Supervisor, [sampler], name="top")
    return latest


def test_a_sample_is_there_when_the_node_has_started(system: System, probe: ScriptedProbe) -> None:
    latest = start(system, probe)

    sample = latest.get()
    assert sample is not None
    assert (sample.node, sample.boot, sample.host.name) == ("a", "boot", "orthanc")


def test_cpu_is_unknown_rather_than_zero_until_it_was_measured(
    system: System, clock: ManualClock, probe: ScriptedProbe
) -> None:
    latest = start(system, probe)
    before = latest.get()
    clock.advance(1)
    drain(system)
    after = latest.get()

    assert before is not None
    assert before.host.cpu is None
    assert after is not None
    assert after.host.cpu == pytest.approx(0.2)


def test_the_beat_does_not_drift_and_missed_beats_are_skipped(
    system: System, clock: ManualClock, probe: ScriptedProbe
) -> None:
    start(system, probe, interval=1.0)
    inbox = system.inbox()
    system.topics.subscribe(TOPIC, inbox)
    began = clock.now()
    for step in (1.25, 0.75, 1.0, 5.5, 0.5):
        clock.advance(step)
        drain(system)

    moments = [round(item.at - began, 6) for item in inbox.drain() if isinstance(item, Sample)]
    assert moments == [1.25, 2.0, 3.0, 8.5, 9.0]


def test_a_crash_leaves_the_last_sample_and_its_replacement_goes_on(
    system: System, clock: ManualClock, probe: ScriptedProbe, caplog: pytest.LogCaptureFixture
) -> None:
    latest = start(system, probe)
    before = latest.get()
    probe.fail_once(RuntimeError("the sensor is gone"))
    clock.advance(1)
    drain(system)
    left_behind = latest.get()
    clock.advance(1)
    drain(system)
    after = latest.get()

    assert left_behind is not None
    assert before is not None
    assert left_behind.at >= before.at
    assert after is not None
    assert after.at > left_behind.at
    assert after.process.restarts == 1


def test_it_counts_the_supervised_processes(system: System, probe: ScriptedProbe) -> None:
    latest = start(system, probe)

    sample = latest.get()
    assert sample is not None
    assert sample.process.process_count == 2


def test_it_says_how_long_the_longest_mailbox_is(system: System, clock: ManualClock, probe: ScriptedProbe) -> None:
    latest = start(system, probe)
    number, _ = latest.after(-1, 0.0)
    busy = system.start(GenServer, name="busy")
    assert busy is not None
    suspend(busy)
    for _ in range(7):
        busy.cast("work")
    until(lambda: busy.mailbox_length == 7)
    clock.advance(1)
    _, sample = latest.after(number, PATIENCE)

    assert sample is not None
    assert sample.process.mailbox == 7
