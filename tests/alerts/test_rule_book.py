"""A rule file that is changed while its rules are asked."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from eye.alerts import rule_file
from eye.alerts.news import RulesChanged
from eye.alerts.rule_book import RuleBook, Watched, look
from eye.alerts.rules import RuleSet
from eye.errors import ConfigError

OLD, NEW, NEWER = (1,), (2,), (3,)


@pytest.mark.parametrize(
    ("watched", "stamp", "after", "is_due"),
    [
        (Watched(OLD, OLD), OLD, Watched(OLD, OLD), False),
        (Watched(OLD, OLD), NEW, Watched(OLD, NEW), False),  # it may be half written
        (Watched(OLD, NEW), NEW, Watched(NEW, NEW), True),
        (Watched(OLD, NEW), NEWER, Watched(OLD, NEWER), False),
        (Watched(OLD, NEW), OLD, Watched(OLD, OLD), False),  # it is as it was
        (Watched(OLD, OLD), None, Watched(OLD, None), False),  # an editor writes another in its place
        (Watched(OLD, None), None, Watched(None, None), True),
        (Watched(None, None), None, Watched(None, None), False),
        (Watched(None, None), OLD, Watched(None, OLD), False),
    ],
)
def test_a_file_is_read_when_it_has_changed_and_stands_still(
    watched: Watched, stamp: tuple[int] | None, after: Watched, is_due: bool
) -> None:
    assert look(watched, stamp) == (after, is_due)


class World:
    """A rule file, and the book of its rules."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "rules.toml"
        self.used: list[RuleSet] = []
        self.error: ConfigError | None = None
        self.write("cpu > 90")
        self.book = RuleBook(rule_file.load(self.file))

    def write(self, when: str) -> None:
        beside = self.file.with_suffix(".new")
        beside.write_text(f'defaults = false\n[rules.busy]\nwhen = "{when}"\n[sinks.bell]\n')
        os.replace(beside, self.file)

    def use(self, rules: RuleSet) -> None:
        if self.error is not None:
            raise self.error
        self.used.append(rules)

    def reread(self) -> list[RulesChanged]:
        told = [self.book.reread(self.use) for _ in range(5)]
        return [one for one in told if one is not None]

    @property
    def when(self) -> str:
        return self.book.rules.rules[0].when.text


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [one.getMessage() for one in caplog.records if one.name == "eye.alerts"]


def test_a_file_that_nobody_touches_is_not_read(world: World) -> None:
    assert world.reread() == []
    assert world.used == []


def test_a_changed_file_is_asked_from_then_on(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.write("cpu > 80")

    assert world.reread() == [RulesChanged(str(world.file), 1, None)]

    assert world.when == "cpu > 80"
    assert world.used == [world.book.rules]
    assert said(caplog) == [f"{world.file} has changed: 1 rule is asked now"]


def test_a_file_that_says_the_same_is_no_news(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.write("cpu > 90")

    assert world.reread() == []
    assert (world.used, said(caplog)) == ([], [])


def test_a_broken_file_changes_nothing_and_is_told_of_once(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.write("cpu > tea")

    (told,) = world.reread()

    assert told.problem is not None
    assert told.problem.startswith("line 3, column")
    assert world.when == "cpu > 90"
    assert "has changed, and cannot be used; the rules of before go on: line 3" in said(caplog)[0]

    world.write("cpu > tea")  # the same mistake again
    assert world.reread() == []
    world.write("cpu > 90")
    assert [one.problem for one in world.reread()] == [None], "that all is well again is said"
    assert len(said(caplog)) == 2


def test_a_file_that_is_gone_changes_nothing_until_it_is_back(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.file.unlink()

    assert ["no such file" in str(one.problem) for one in world.reread()] == [True]
    assert world.when == "cpu > 90"

    world.write("cpu > 70")
    assert [one.problem for one in world.reread()] == [None]
    assert world.when == "cpu > 70"


def test_what_other_rules_need_and_is_not_there_is_a_mistake_of_the_file(world: World) -> None:
    world.error = ConfigError("there is no such thing here")
    world.write("cpu > 80")

    (told,) = world.reread()

    assert (told.problem, world.when) == ("there is no such thing here", "cpu > 90")


def test_what_was_left_out_stays_so(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.book = RuleBook(rule_file.load(world.file).without({"log"}))

    world.write("cpu > 80")
    world.reread()

    assert [sink.name for sink in world.book.rules.sinks] == ["bell"]


def test_rules_without_a_file_are_what_they_are() -> None:
    assert RuleBook(rule_file.default_rules()).reread(lambda rules: None) is None
