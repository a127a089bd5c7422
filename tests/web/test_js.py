"""The pure parts of the browser's side, by Node's own test runner."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest


def test_the_browsers_pure_modules() -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("no Node.js on this machine")
    files = sorted(str(path) for path in (Path(__file__).parent / "js").glob("*.test.mjs"))
    assert files

    run = subprocess.run([node, "--test", *files], capture_output=True, text=True, timeout=50, check=False)

    assert run.returncode == 0, run.stdout + run.stderr
