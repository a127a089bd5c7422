"""The process that asks the rules: what it passes on, and what its crash does not lose."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from eye.alerts.evaluator import Evaluator
from eye.alerts.kept import Kept
from eye.alerts.ledger import Ledger
from eye.alerts.news import TOPIC, AlertFired, AlertResolved
from eye.alerts.outbox import Outbox
from eye.alerts.rule_book import RuleBook
from eye.alerts.rules import RuleSet
from eye.alerts.silences import Silence
from eye.alerts.verdict import Facts
from eye.supervision import ChildSpec, Supervisor, System
from eye.testing import ManualClock, drain
from tests.alerts.watcher import facts, rules

RULES = rules(
    '[rules.down]\nwhen = "status:down for 3s"\nkeep = "0s"\n'
    '[rules.quiet]\nwhen = "status:down"\nsinks = ["log"]\n'
    "[sinks.bell]"
)


class World:
    """What an evaluator stands in: nodes to look at, outboxes, and a ledger that outlives it."""

    def __init__(self, system: System, clock: ManualClock, asked: RuleSet = RULES, **more: Any) -> None:
        self.system, self.clock = system, clock
        self.ledger, self.outboxes = Ledger(), {sink.name: Outbox() for sink in asked.sinks}
        self.known: list[Facts] = [facts()]
        self.silences: tuple[Silence, ...] = ()
        self.saved = 0
        self.news = system.inbox()
        system.topics.subscribe(TOPIC, self.news)
        args = (self.ledger, RuleBook(asked), self.outboxes, self.read, lambda: self.silences, self.save)
        spec = ChildSpec(Evaluator, id="evaluator", name="eye.evaluator", args=args)
        system.start(Supervisor, [spec], max_restarts=100)
        drain(system)

    def read(self) -> list[Facts]:
        return [one._replace(figures=dict(one.figures)) for one in self.known]

    def save(self) -> None:
        self.saved += 1

    def watch(self, seconds: int) -> None:
        for _ in range(seconds):
            self.clock.advance(1)
            drain(self.system)

    def waiting(self, sink: str) -> list[tuple[str, str]]:
        return [(one["rule"], one["state"]) for one in self.outboxes[sink].look(99)[1]]


@pytest.fixture
def world(system: System, clock: ManualClock) -> World:
    return World(system, clock)


def test_it_looks_once_a_beat_and_tells_those_who_are_to_be_told(world: World) -> None:
    world.known = [facts(status="down")]
    world.watch(4)

    assert world.waiting("log") == [("quiet", "firing"), ("down", "firing")]
    assert world.waiting("bell") == [("down", "firing")]
    assert [type(one) for one in world.news.drain()] == [AlertFired, AlertFired]

    world.known = [facts()]
    world.watch(1)
    assert world.waiting("bell") == [("down", "firing"), ("down", "resolved")]
    assert [type(one) for one in world.news.drain()] == [AlertResolved]


def test_what_it_knows_survives_it(world: World) -> None:
    world.known = [facts(status="down")]
    world.watch(2)

    for _ in range(5):  # it crashes again and again, in the middle of the time that the rule waits
        evaluator = world.system.whereis("eye.evaluator")
        assert evaluator is not None
        evaluator.kill()
        drain(world.system)
    world.watch(2)

    assert world.waiting("bell") == [("down", "firing")]
    assert world.ledger.records(world.clock.now())[0]["text"] == "down (no answer) for 3 s"


def test_one_that_cannot_read_crashes_and_goes_on_when_it_can(world: World) -> None:
    whole: Callable[[], list[Facts]] = world.read
    broken = {"left": 2}

    def read() -> list[Facts]:
        if broken["left"]:
            broken["left"] -= 1
            raise RuntimeError("the board is upside down")
        return whole()

    world.known = [facts(status="down")]
    evaluator = world.system.whereis("eye.evaluator")
    assert evaluator is not None
    evaluator.ask_process(lambda server: setattr(server, "_read", read), 5.0)
    world.watch(5)

    assert world.waiting("bell") == [("down", "firing")]


def test_what_was_silenced_at_run_time_is_not_told(world: World) -> None:
    world.silences = (Silence("*", "web-*", world.clock.now() + 60),)
    world.known = [facts(status="down"), facts("db-1", status="down")]

    world.watch(4)

    assert [one["node"] for one in world.outboxes["bell"].look(9)[1]] == ["db-1"]


def test_beats_that_were_missed_are_left_out(world: World) -> None:
    world.clock.advance(60.5)
    drain(world.system)
    world.known = [facts(status="down")]
    world.clock.advance(0.4)
    drain(world.system)
    early = world.waiting("log")
    world.clock.advance(0.1)
    drain(world.system)

    assert early == []
    assert world.waiting("log") == [("quiet", "firing")]


def test_it_is_saved_when_it_is_another_and_only_then(world: World) -> None:
    world.watch(5)
    assert world.saved == 0
    world.known = [facts(status="down")]
    world.watch(5)

    assert world.saved == 2


# ------------------------------------------------------------------------------------ kept


def test_what_fires_is_kept_from_one_life_of_the_program_to_the_next(tmp_path: Path, clock: ManualClock) -> None:
    path, first, second = tmp_path / "deep" / "n.json", Ledger(), Ledger()
    down = RULES.rules[1]
    first.look([down], [facts(status="down")], clock.monotonic(), clock.now())
    Kept(path, first, clock).save()
    clock.advance(100)

    Kept(path, second, clock).restore((down,))

    (record,) = second.records(clock.now())
    assert (record["state"], clock.now() - record["fired_at"]) == ("firing", 100)
    assert second.look([down], [facts(status="down")], clock.monotonic(), clock.now()).notices == []


@pytest.mark.parametrize("content", ["", "{", "[]", '{"firing": [{}]}', '{"firing": 3}'])
def test_a_file_that_makes_no_sense_is_told_of_and_costs_nothing_else(
    tmp_path: Path, clock: ManualClock, caplog: pytest.LogCaptureFixture, content: str
) -> None:
    path, ledger = tmp_path / "n.json", Ledger()
    path.write_text(content)

    Kept(path, ledger, clock).restore(RULES.rules)

    assert ledger.records(clock.now()) == []
    assert "what fires cannot be read" in caplog.text


def test_that_it_cannot_be_written_is_told_once(
    tmp_path: Path, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    kept = Kept(tmp_path / "file" / "n.json", Ledger(), clock)

    kept.save()
    kept.save()

    assert caplog.text.count("what fires cannot be written") == 1
