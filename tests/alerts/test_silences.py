"""Silences that are said at run time, and the file that they are in."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from eye.alerts.silences import Silence, SilenceFile

NOW = 1_795_462_080.0


@pytest.mark.parametrize(("silence", "rule", "node", "is_covered"), [
    (Silence("cpu", "*", NOW + 1), "cpu", "web-1", True),
    (Silence("cpu", "web-*", NOW + 1), "cpu", "db-1", False),
    (Silence("*", "web-?", NOW + 1), "memory", "web-1", True),
    (Silence("c*", "*", NOW + 1), "memory", "web-1", False),
    (Silence("cpu", "*", NOW), "cpu", "web-1", False),
])  # fmt: skip
def test_a_silence_covers_by_globs_until_its_time_is_over(
    silence: Silence, rule: str, node: str, is_covered: bool
) -> None:
    assert silence.covers(rule, node, NOW) is is_covered


def test_what_one_program_says_another_heeds(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "silences.json"
    one, other = SilenceFile(path), SilenceFile(path)
    assert other.read() == ()

    one.add(Silence("cpu", "web-*", NOW + 60, "release", "me"), NOW)

    assert other.read() == (Silence("cpu", "web-*", NOW + 60, "release", "me"),)
    assert other.lift("cpu", "web-*", NOW) == 1
    assert one.read() == ()
    assert one.lift("cpu", "web-*", NOW) == 0


def test_the_same_words_again_are_one_silence_and_what_is_over_is_thrown_out(tmp_path: Path) -> None:
    file = SilenceFile(tmp_path / "silences.json")
    file.add(Silence("cpu", "*", NOW + 60), NOW)
    file.add(Silence("memory", "*", NOW + 10), NOW)

    file.add(Silence("cpu", "*", NOW + 600), NOW + 30)

    assert file.read() == (Silence("cpu", "*", NOW + 600),)


def test_of_silences_that_are_said_at_once_none_is_lost(tmp_path: Path) -> None:
    path, rules = tmp_path / "silences.json", [f"rule-{number}" for number in range(60)]

    with ThreadPoolExecutor(6) as many:
        list(many.map(lambda rule: SilenceFile(path).add(Silence(rule, "*", NOW + 60), NOW), rules))

    assert sorted(one.rule for one in SilenceFile(path).read()) == sorted(rules)


def test_half_a_file_takes_nothing_back(tmp_path: Path) -> None:
    file = SilenceFile(tmp_path / "silences.json")
    file.add(Silence("cpu", "*", NOW + 60), NOW)
    known = file.read()

    (tmp_path / "silences.json").write_text('{"silences": [{"rule":')

    assert file.read() == known


def test_who_has_no_folder_keeps_it_in_mind() -> None:
    file = SilenceFile(None)

    file.add(Silence("cpu", "*", NOW + 60), NOW)

    assert file.read() == (Silence("cpu", "*", NOW + 60),)
