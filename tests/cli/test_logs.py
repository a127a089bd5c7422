"""What is logged, on a terminal."""

from __future__ import annotations

import logging

import pytest

from eye.cli.logs import OneLine


def record(message: str) -> logging.LogRecord:
    return logging.LogRecord("eye.monitor", logging.WARNING, __file__, 1, "told: %s", (message,), None)


@pytest.mark.parametrize("shows_all", [False, True])
def test_no_escape_sequence_of_anybody_reaches_the_terminal(shows_all: bool) -> None:
    line = OneLine(shows_all=shows_all).format(record("\x1b]0;owned\x07\x9b31m\r\u202e gone"))

    assert line.endswith("told: \ufffd]0;owned\ufffd\ufffd31m\ufffd\ufffd gone")


def test_what_has_several_lines_is_one() -> None:
    assert OneLine().format(record("a\n\n  b\nc")).endswith("told: a b c")
    assert OneLine(shows_all=True).format(record("a\nb")).endswith("told: a\nb")
