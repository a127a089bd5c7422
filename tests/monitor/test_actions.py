"""What a node does for others, what it refuses, and how what happened is told."""

from __future__ import annotations

import gc
import json
import logging
import sys
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from eye.cluster import news
from eye.cluster.dispatch import asking
from eye.cluster.node import Member, Status
from eye.errors import ActionRefused, ActionTooSoon, ConfigError, ProbeNotReady, UnknownProcess
from eye.metrics.catalogue import Kind
from eye.metrics.own_figures import OwnFigures
from eye.metrics.recent import Recent
from eye.metrics.sample import About, HostReading, ProcessReading, Sample
from eye.metrics.sampler import Latest
from eye.monitor.agent import Agent
from eye.monitor.chronicle import as_line, as_record
from eye.monitor.event_log import EventLog
from eye.monitor.garbage import AT_MOST_EVERY, Collections, Stall
from eye.monitor.methods import RIGHTS
from eye.monitor.sayings import say
from eye.supervision import ChildSpec, GenServer, Supervisor, System, events
from eye.supervision.reasons import Reason
from eye.testing import ManualClock, drain

if TYPE_CHECKING:
    from collections.abc import Callable

HOST = HostReading("orthanc", 1, 2, 0.2, 2, 0.4, 100, 7200.0)
PROCESS = ProcessReading(4242, 1, 0.01, 12, 17, 0, 60.0)
SAMPLE = Sample("a", "boot", 1.0, HOST, PROCESS)


class Idle(GenServer):
    pass


def agent_of(system: System, allow: frozenset[str], latest: Latest | None = None, **more: Any) -> Agent:
    return Agent(system, "a", latest or Latest(), allow, **more)


@pytest.mark.parametrize(
    ("right", "ask"),
    [
        ("read", lambda agent: agent.sample()),
        ("read", lambda agent: agent.sample_after(0, 0.0)),
        ("read", lambda agent: agent.recent([], 1.0, 1.0)),
        ("read", lambda agent: agent.processes("path", 1)),
        ("read", lambda agent: agent.events(0, 1)),
        ("read", lambda agent: agent.tree()),
        ("read", lambda agent: agent.cost()),
        ("gc", lambda agent: agent.collect_garbage()),
        ("gc", lambda agent: agent.estimate_garbage()),
        ("kill", lambda agent: agent.crash("/idle", "because")),
        ("kill", lambda agent: agent.handle("/idle", "stop")),
        ("state", lambda agent: agent.state("/idle")),
    ],
)
def test_what_is_not_allowed_is_refused_and_logged_with_who_asked(
    system: System, caplog: pytest.LogCaptureFixture, right: str, ask: Callable[[Agent], Any]
) -> None:
    agent = agent_of(system, frozenset(RIGHTS) - {right})

    with asking("10.0.0.7:4711"), pytest.raises(ActionRefused, match=f"--(deny|allow) {right}"):
        ask(agent)

    (record,) = caplog.records
    assert (record.levelno, "10.0.0.7:4711" in record.getMessage()) == (logging.WARNING, True)


def test_before_the_first_sample_it_says_so(system: System) -> None:
    with pytest.raises(ProbeNotReady):
        agent_of(system, frozenset({"read"})).sample()


def test_whoever_waits_for_the_next_sample_gets_it_when_it_is_taken(system: System) -> None:
    latest = Latest()
    latest.put(SAMPLE)
    agent = agent_of(system, frozenset({"read"}), latest, interval=0.5)
    first = agent.sample_after(-1, 0.0)
    told: list[Any] = []
    waiting = [threading.Thread(target=lambda: told.append(agent.sample_after(first.number, 10.0))) for _ in "abc"]
    for thread in waiting:
        thread.start()

    latest.put(Sample("a", "boot", 2.0, HOST, PROCESS))
    for thread in waiting:
        thread.join(10.0)

    assert [(one.number, one.sample.at, one.every) for one in told] == [(first.number + 1, 2.0, 0.5)] * 3


def test_what_own_figures_are_is_told_to_whoever_has_not_heard_of_it(system: System) -> None:
    latest = Latest()
    own = OwnFigures("a", system.clock, lambda: latest.number)
    agent = agent_of(system, frozenset({"read"}), latest, own=own)
    latest.put(SAMPLE)
    own.add("orders", lambda: 5, "Orders that wait", "count", Kind.GAUGE)
    latest.put(replace(SAMPLE, custom={"orders": 5}, about=own.about()))
    about = {"orders": About("Orders that wait", "count", "gauge")}

    newcomer, at_once = agent.sample_after(-1, 0.0), agent.sample_after(1, 0.0)
    knows = agent.sample_after(2, 0.0)

    assert agent.sample().about == newcomer.sample.about == at_once.sample.about == about
    assert (knows.sample.custom, knows.sample.about) == ({"orders": 5}, None)


def test_nobody_waits_longer_than_he_said_nor_after_the_node_stops(system: System) -> None:
    latest = Latest()
    latest.put(SAMPLE)
    agent = agent_of(system, frozenset({"read"}), latest)
    number = agent.sample_after(-1, 0.0).number
    assert agent.sample_after(number, 0.01).number == number
    told: list[int] = []
    waiting = threading.Thread(target=lambda: told.append(agent.sample_after(number, 10.0).number))
    waiting.start()
    while not told:
        agent.interrupt()
    waiting.join(10.0)

    assert told == [number]


def test_the_last_hour_is_told_from_the_first_sample_on(system: System, clock: ManualClock) -> None:
    """An empty ring is no missing one."""
    recent = Recent()
    agent = agent_of(system, frozenset({"read"}), recent=recent)
    before = agent.recent(["host.cpu"], 10.0, 1.0)

    recent.put(Sample("a", "boot", clock.now(), HOST, PROCESS))

    told = agent.recent(["host.cpu"], 10.0, 1.0)
    assert before["points"] == {}
    assert [point for point in told["points"]["host.cpu"] if point is not None] == [(0.2, 0.2, 0.2)]


def test_processes_are_sorted_and_cut_there(system: System) -> None:
    system.start(Supervisor, [ChildSpec(Idle, id="one"), ChildSpec(Idle, id="two", name="second")], name="top")
    agent = agent_of(system, frozenset({"read"}))

    told = agent.processes("path", 2)

    assert (told["count"], [row["path"] for row in told["processes"]]) == (3, ["/top", "/top/one"])
    assert json.loads(json.dumps(told)) == told
    with pytest.raises(ConfigError, match="sorted by"):
        agent.processes("beauty", 2)


@pytest.mark.parametrize("word", ["/top/two", "second", "two", "#"])
def test_a_process_is_found_by_whatever_it_is_called(system: System, word: str) -> None:
    system.start(Supervisor, [ChildSpec(Idle, id="one"), ChildSpec(Idle, id="two", name="second")], name="top")
    wanted = system.whereis("second")
    assert wanted is not None
    agent = agent_of(system, frozenset({"kill"}))

    assert agent.crash(f"#{wanted.serial}" if word == "#" else word, "kill") == "/top/two"

    drain(system)
    assert not wanted.is_alive


def test_a_process_that_is_not_there_or_not_alone_is_an_error(system: System) -> None:
    for number in (1, 2):
        system.start(Supervisor, [ChildSpec(Idle, id="twin")], name=f"root{number}")
    agent = agent_of(system, frozenset({"kill"}))

    with pytest.raises(UnknownProcess, match="several"):
        agent.crash("twin", "kill")
    with pytest.raises(UnknownProcess, match="lists them"):
        agent.crash("nobody", "kill")


# ---------------------------------------------------------------------------------------- garbage


def test_a_receipt_says_what_was_found_and_how_long_it_took(
    clock: ManualClock, request: pytest.FixtureRequest
) -> None:
    class Ring:
        def __init__(self) -> None:
            self.ring = self

    request.addfinalizer(gc.enable)
    gc.disable()  # or it may find some of them before us
    for _ in range(100):
        Ring()
    receipt = Collections("a", clock, lambda: 4096).collect()

    assert (receipt["node"], receipt["rss_before"], receipt["rss_after"]) == ("a", 4096, 4096)
    assert sum(receipt["collected"]) >= 100
    assert receipt["objects_after"] < receipt["objects_before"]
    assert json.loads(json.dumps(receipt)) == receipt


def test_the_pause_is_what_another_thread_could_not_do() -> None:
    def hold(seconds: float) -> None:
        with Stall() as stall:
            sys.setswitchinterval(10.0)  # nobody is let in before we are through
            try:
                until = time.perf_counter() + seconds
                while time.perf_counter() < until:
                    pass
            finally:
                sys.setswitchinterval(before)
        stalls.append(stall.longest)

    before, stalls = sys.getswitchinterval(), list[float]()
    hold(0.1)
    hold(0.6)

    assert stalls[1] > 0.55
    assert 0.05 < min(stalls) < 5.0  # on a busy machine it may be longer, but not by that much each time


def test_an_estimate_says_what_it_is_likely_to_cost_and_when_it_is_allowed(clock: ManualClock) -> None:
    collections = Collections("a", clock, lambda: 4096)
    before = collections.estimate()
    collections.collect()
    clock.advance(2)
    after = collections.estimate()

    assert (before["node"], before["rss"], before["allowed_in"]) == ("a", 4096, 0.0)
    assert before["objects"] > 1000
    assert 0.0 < before["estimate"] < 60.0
    assert after["allowed_in"] == AT_MOST_EVERY - 2
    assert json.loads(json.dumps(before)) == before


def test_an_estimate_learns_from_the_last_collection(clock: ManualClock) -> None:
    kept = [[] for _ in range(20_000)]  # type: ignore[var-annotated]
    collections = Collections("a", clock, lambda: None)
    receipt = collections.collect()
    told = collections.estimate()

    assert told["estimate"] == pytest.approx(told["objects"] * collections._per_object)
    assert collections._per_object * receipt["objects_before"] <= receipt["took"]
    assert kept


def test_objects_are_not_counted_all_the_time(clock: ManualClock) -> None:
    collections = Collections("a", clock, lambda: None)
    first = collections.estimate()
    clock.advance(0.5)
    second = collections.estimate()
    clock.advance(0.5)
    third = collections.estimate()

    assert (second["at"], third["at"]) == (first["at"], first["at"] + 1.0)


def test_a_node_does_not_collect_all_the_time(clock: ManualClock) -> None:
    collections = Collections("a", clock, lambda: None)
    collections.collect()
    clock.advance(AT_MOST_EVERY - 1)

    with pytest.raises(ActionTooSoon, match="1"):
        collections.collect()
    clock.advance(1)
    collections.collect()


# ----------------------------------------------------------------------------------------- events


def test_the_log_of_events_keeps_the_last_and_says_which_are_new() -> None:
    log = EventLog(most=3)
    for number in range(5):
        log.put({"what": str(number)})

    assert log.last == 5
    assert [event.record["what"] for event in log.after(0)] == ["2", "3", "4"]
    assert [event.number for event in log.after(4)] == [5]
    assert [event.number for event in log.after(0, most=2)] == [4, 5]
    assert log.after(5) == log.after(0, most=0) == []


MEMBER = Member("b", "127.0.0.1:1", "boot", 0.0, Status.DOWN, 1.0, 1.0, "connection refused")


@pytest.mark.parametrize(
    ("event", "mark", "words"),
    [
        (news.NodeUp(MEMBER), "●", "up at 127.0.0.1:1"),
        (news.NodeSuspect(MEMBER), "◆", "suspect"),
        (news.NodeDown(MEMBER), "✖", "connection refused"),
        (news.NodeLeft(MEMBER, "it left"), "○", "it left"),
        (news.NameConflict("b", "127.0.0.1:2", we_yield=True), "▲", "127.0.0.1:2"),
    ],
)
def test_what_happens_in_the_cluster_is_told_in_a_line(event: Any, mark: str, words: str) -> None:
    record = as_record("a", event, 12.5)
    assert record is not None
    told = say(record)

    assert json.loads(as_line(record)) == record
    assert told is not None
    assert (told[0], words in told[1]) == (mark, True)


def test_what_happens_in_a_tree_is_told_in_lines(system: System) -> None:
    inbox = system.inbox()
    system.topics.subscribe(events.TOPIC, inbox)
    system.start(Supervisor, [ChildSpec(Idle, id="idle", name="idle")], name="eye")
    ref = system.whereis("idle")
    assert ref is not None
    ref.exit(Reason("boom", "by hand"))
    drain(system)

    records = [as_record("a", event, 0.0) for event in inbox.drain()]
    lines = [said for record in records if record is not None and (said := say(record)) is not None]

    assert ("✖", "idle exited: boom: by hand") in lines
    (started,) = [text for mark, text in lines if mark == "⟳"]
    assert started.startswith("idle#2 started in its place, because")
    assert as_record("a", "something else", 0.0) is None
    assert say({"what": "something else"}) is None
