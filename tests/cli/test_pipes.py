"""A reader that goes away ends who goes on, even while there is nothing to write; Ctrl-C is the other way."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

from eye.cli.screen import nobody_reads

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

    from eye.monitor.node import Node


def test_a_pipe_without_a_reader_is_noticed_unwritten(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = os.pipe()
    with os.fdopen(theirs, "w") as out:
        monkeypatch.setattr("sys.stdout", out)

        before = nobody_reads()
        os.close(ours)

        assert (before, nobody_reads()) == (False, True)


@pytest.mark.parametrize("stop", ["reader", "ctrl-c"])
def test_who_watches_alerts_ends_well(
    start: Callable[..., subprocess.Popen[str]], node: Node, home: Path, stop: str
) -> None:
    rules = home / "rules.toml"
    rules.write_text('defaults = false\n[rules.alive]\nwhen = "processes > 0"\n')
    with start("alerts", "--watch", "--alerts", str(rules)) as watching:
        assert watching.stdout is not None
        assert watching.stderr is not None
        assert "alive at mystic-node-1" in watching.stdout.readline()  # and then nothing changes any more

        if stop == "reader":
            watching.stdout.close()
        else:
            watching.send_signal(signal.SIGINT)

        assert watching.wait(20) == 0
        assert "Traceback" not in watching.stderr.read()
