"""What an installation without any extra says: what to install, and never a traceback."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

_BARE = """
import sys
from importlib.abc import MetaPathFinder

class Bare(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {EXTRAS!r}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

import importlib.util
there = importlib.util.find_spec
importlib.util.find_spec = lambda name, *more: None if name.partition(".")[0] in {EXTRAS!r} else there(name, *more)
sys.meta_path.insert(0, Bare())
from eye.cli.main import execute
sys.exit(execute(sys.argv[1:]))
"""

EXTRAS = {
    "apprise",
    "dns",
    "gunicorn",
    "nats",
    "opentelemetry",
    "prometheus_client",
    "psycopg",
    "sqlalchemy",
    "textual",
}

ASKED = {
    "history": ("history", 1),
    "history --history postgresql://nobody@127.0.0.1/none": ("history", 1),
    "observe": ("observe", 2),
    "start --name x --otlp http://127.0.0.1:9": ("otel", 2),
}
"""What needs an extra: which, and how it ends."""


@pytest.mark.parametrize("line", ASKED)
def test_the_extra_is_named(start: Callable[..., subprocess.Popen[str]], line: str) -> None:
    extra, code = ASKED[line]

    process = start(*line.split(), code=_BARE.replace("{EXTRAS!r}", repr(EXTRAS)))
    with process:
        out, err = process.communicate(timeout=30)

    assert f"pip install 'sorcerers-eye[{extra}]'" in err
    assert process.returncode == code, (out, err)
    assert "Error" not in err
