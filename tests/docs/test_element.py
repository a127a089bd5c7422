"""The page on embedding names every attribute, variable, part and event of the element, and no others."""

from __future__ import annotations

import re
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
BROWSER = REPOSITORY / "eye" / "web" / "browser"
PAGE = (REPOSITORY / "docs" / "embedding.md").read_text("utf-8")
SECTION = PAGE.partition("## The element in any page")[2].partition("\n## ")[0]
SCRIPTS = "".join(path.read_text("utf-8") for path in BROWSER.glob("*.js"))


def test_every_attribute_is_in_the_table() -> None:
    look = re.search(r'const LOOK = "([^"]+)"', SCRIPTS)
    assert look is not None

    named = set(re.findall(r"`([a-z]+)`", " ".join(re.findall(r"^\| (`.*?`) \|", SECTION, re.MULTILINE))))

    assert named == {*look[1].split(), "src", "theme", "linked"}


def test_every_variable_is_named() -> None:
    sheet = (BROWSER / "eye.css").read_text("utf-8")

    assert set(re.findall(r"--eye-[a-z-]+", SECTION)) == set(re.findall(r"--eye-[a-z-]+", sheet))


def test_every_part_and_event_is_named() -> None:
    assert set(re.findall(r"::part\((\w+)\)", SECTION)) == set(re.findall(r'part: "(\w+)"', SCRIPTS))
    assert set(re.findall(r"^\| `eye-(\w+)`", SECTION, re.MULTILINE)) == set(re.findall(r'tell\("(\w+)"', SCRIPTS))
