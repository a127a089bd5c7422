"""What the terminal is given: in place or below, with escape codes or without, and always on the beat."""

from __future__ import annotations

import io
import os
import sys
from types import SimpleNamespace

import pytest

from eye.cli import screen
from eye.cli.screen import Page, beats, tell


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    terminal = Terminal()
    # Not `sys.stdout` itself: pytest puts its own there again between this fixture and the test.
    monkeypatch.setattr(screen, "sys", SimpleNamespace(stdout=terminal, stderr=sys.stderr))
    monkeypatch.setattr(screen, "size", lambda: (80, 24))
    monkeypatch.setenv("TERM", "xterm")
    return terminal


def test_on_a_terminal_a_page_is_shown_in_its_place(terminal: Terminal) -> None:
    page = Page(in_place=True)

    page.show("one\n")
    page.show("two\n")

    assert terminal.getvalue() == "\x1b[H\x1b[2Jone\x1b[K\n\x1b[J" + "\x1b[Htwo\x1b[K\n\x1b[J"


def test_a_page_that_is_too_long_says_how_much_is_missing(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(screen, "size", lambda: (80, 5))

    Page(in_place=True).show("".join(f"line {number}\n" for number in range(10)))

    shown = terminal.getvalue()
    assert "line 2\x1b[K" in shown
    assert "line 3" not in shown
    assert "… 7 more lines" in shown


@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_who_minds_escape_codes_gets_none(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    page = Page(in_place=True)

    page.show("one\n")
    page.show("two\n")

    assert terminal.getvalue() == "one\n\ntwo\n"


def test_an_empty_no_color_says_nothing(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "")

    assert screen.takes_escape_codes()


def test_into_a_file_pages_go_one_below_the_other(capsys: pytest.CaptureFixture[str]) -> None:
    page = Page(in_place=True, between="--\n")

    page.show("one\n")
    page.show("two\n")

    assert capsys.readouterr().out == "one\n--\ntwo\n"


def test_news_is_one_line_and_harmless(capsys: pytest.CaptureFixture[str]) -> None:
    tell("two\nlines \x1b[31m")

    assert capsys.readouterr().err == "sorcerers_eye: two lines \N{REPLACEMENT CHARACTER}[31m\n"


class Beat:
    """A clock that moves when one rests, and by `work` at each beat."""

    def __init__(self) -> None:
        self.moment, self.rests = 100.0, list[float]()

    def monotonic(self) -> float:
        return self.moment

    def rest(self, seconds: float) -> None:
        self.rests.append(round(seconds, 6))
        self.moment += seconds


def test_one_beat_unless_it_is_repeated() -> None:
    assert len(list(beats(None, Beat()))) == 1


def test_the_beat_is_kept_however_long_the_work_takes() -> None:
    beat = Beat()
    rhythm = beats(2.0, beat)
    moments = []

    for work in (0.5, 1.9, 0.0, 4.5, 0.5):  # the fourth misses two beats
        next(rhythm)
        moments.append(beat.moment - 100.0)
        beat.moment += work

    assert moments == [0.0, 2.0, 4.0, 6.0, 12.0]


def test_the_size_is_that_of_the_terminal_unless_columns_says_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(os, "get_terminal_size", lambda _: os.terminal_size((100, 40)))

    assert screen.size() == (100, 40)
    monkeypatch.setenv("COLUMNS", "60")
    assert screen.size() == (60, 40)
