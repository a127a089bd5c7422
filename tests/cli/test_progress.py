"""A bar on stderr, where somebody sees it; and the words around receipts."""

from __future__ import annotations

import io

import pytest

from eye.cli.progress import Progress, bar
from eye.cli.receipts import span


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def at_a_terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Not a fixture: pytest puts its own stderr in place between the two."""
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    return terminal


@pytest.mark.parametrize(
    ("done", "of", "drawn"),
    [(0, 8, "░░░░"), (1, 8, "░░░░"), (4, 8, "██░░"), (8, 8, "████"), (9, 8, "████"), (0, 0, "████")],
)
def test_a_bar_is_as_full_as_it_is_done(done: int, of: int, drawn: str) -> None:
    assert bar(done, of, width=4) == drawn


def test_it_is_one_line_that_is_gone_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = at_a_terminal(monkeypatch)
    with Progress("collecting", of=40) as progress:
        for _ in range(40):
            progress.step()

    drawn = terminal.getvalue().split("\r\x1b[K")
    assert drawn[1].endswith("░ 0/40")
    assert drawn[-2].endswith("█ 40/40")
    assert drawn[-1] == ""
    assert "\n" not in terminal.getvalue()


def test_where_there_is_little_to_do_it_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = at_a_terminal(monkeypatch)
    with Progress("collecting", of=Progress.FEW) as progress:
        progress.step()
        progress.hide()

    assert terminal.getvalue() == ""


def test_where_nobody_looks_it_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = io.StringIO()
    monkeypatch.setattr("sys.stderr", plain)
    with Progress("collecting", of=40) as progress:
        progress.step()

    assert plain.getvalue() == ""


@pytest.mark.parametrize(
    ("seconds", "written"),
    [(0.0, "0.0 ms"), (0.0034, "3.4 ms"), (0.034, "34 ms"), (0.999, "999 ms"), (1.55, "1.6 s")],
)
def test_a_pause_is_written_as_exactly_as_it_matters(seconds: float, written: str) -> None:
    assert span(seconds) == written
