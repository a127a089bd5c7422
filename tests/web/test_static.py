"""The files that browsers get: made of the sources as they are now, small, and sufficient by themselves."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from eye.web import assets

REPOSITORY = Path(__file__).parents[2]
LIMIT = 60_000  # bytes, all together


def test_what_is_served_was_made_of_what_is_read() -> None:
    command = [sys.executable, REPOSITORY / "docs" / "shorten.py", "--check"]

    run = subprocess.run(command, capture_output=True, text=True, check=False)

    assert run.returncode == 0, f"run docs/shorten.py: {run.stdout}{run.stderr}"


def test_all_files_together_are_small() -> None:
    assert sum(len(asset.body) for asset in assets.load().files.values()) < LIMIT


def test_nothing_is_loaded_from_elsewhere() -> None:
    named = [
        found
        for asset in assets.load().files.values()
        for found in re.findall(r"https?://[^\s\"'`)]+", asset.body.decode())
    ]

    assert set(named) <= {"http://www.w3.org/2000/svg"}  # the name of a language, not an address
