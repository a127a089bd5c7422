"""Globs: what they match, and which are mistakes."""

from __future__ import annotations

import click
import pytest

from eye.cli.globs import Glob, matcher, unmatched


@pytest.mark.parametrize(
    ("globs", "name", "matches"),
    [
        ((), "anything", True),
        (("web-*",), "web-1", True),
        (("web-*",), "db-1", False),
        (("web-*", "db-?"), "db-1", True),
        (("web-[12]",), "web-2", True),
        (("web-[!12]",), "web-2", False),
        (("WEB-*",), "web-1", False),
        (("web",), "web-1", False),
    ],
)
def test_what_a_glob_matches(globs: tuple[str, ...], name: str, matches: bool) -> None:
    assert matcher(globs)(name) is matches


def test_which_globs_match_nobody() -> None:
    assert unmatched(("web-*", "db-1", "d?-2"), iter(["web-1", "db-2"])) == ["db-1"]


@pytest.mark.parametrize("glob", ["*", "a[]]b", "a[!]]b", "a[b][c]", "a]b"])
def test_good_globs(glob: str) -> None:
    assert Glob().convert(glob, None, None) == glob


@pytest.mark.parametrize(("glob", "at"), [("[", 1), ("a[b", 2), ("a[]", 2), ("a[!]", 2), ("[a]x[b", 5)])
def test_an_unclosed_bracket_is_pointed_at(glob: str, at: int) -> None:
    with pytest.raises(click.BadParameter, match=rf"the '\[' at character {at} is never closed"):
        Glob().convert(glob, None, None)
