"""What is logged, on a terminal."""

from __future__ import annotations

import logging

import pytest

from eye.cli.logs import Held, OneLine


def record(message: str) -> logging.LogRecord:
    return logging.LogRecord("eye.monitor", logging.WARNING, __file__, 1, "told: %s", (message,), None)


@pytest.mark.parametrize("shows_all", [False, True])
def test_no_escape_sequence_of_anybody_reaches_the_terminal(shows_all: bool) -> None:
    line = OneLine(shows_all=shows_all).format(record("\x1b]0;owned\x07\x9b31m\r\u202e gone"))

    assert line.endswith("told: \ufffd]0;owned\ufffd\ufffd31m\ufffd\ufffd gone")


def test_what_has_several_lines_is_one() -> None:
    assert OneLine().format(record("a\n\n  b\nc")).endswith("told: a b c")
    assert OneLine(shows_all=True).format(record("a\nb")).endswith("told: a\nb")


class Talkative(logging.Handler):
    """While it writes the first record, somebody who had hold of the other handler logs one more."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[str] = []
        self.held: Held | None = None

    def emit(self, record_: logging.LogRecord) -> None:
        self.told.append(record_.getMessage())
        if len(self.told) == 1 and self.held is not None:
            self.held.handle(record("meanwhile"))


def test_what_is_logged_while_what_was_held_back_is_let_out_is_told_once() -> None:
    behind = Talkative()
    held = behind.held = Held(behind)
    for message in ("one", "two"):
        held.handle(record(message))

    held.let_out()
    held.handle(record("later"))

    assert sorted(behind.told) == ["told: later", "told: meanwhile", "told: one", "told: two"]
