"""What each screen looks like, to the last cell, in colour: `pytest --snapshot-update` takes them anew.

They hold for the one version of Textual that the tests are run with.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from eye.metrics.filters import parse
from eye.testing import ManualClock
from eye.tui.app import Observe
from tests.tui.still import NOW, StillView, alert, node_view, sightings

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.pilot import Pilot

WARNINGS = [
    alert(),
    alert("mystic-node-1", rule="full", severity="warning", state="pending", fired_at=None, text="memory 91 %"),
    alert("mystic-node-2", rule="gone", resolved_at=NOW - 2.0, state="resolved", text="answers again"),
]
HALF_BROKEN = {"mystic-node-1__mystic-node-2": "down", "mystic-node-5__mystic-node-3": "nothing"}
SIZES = pytest.mark.parametrize("size", [(80, 24), (130, 36)], ids=["80x24", "130x36"])


async def settle(app: Observe, pilot: Pilot[int]) -> None:
    """Paint until nothing that was asked is on its way."""
    app.beat()
    await pilot.pause()
    while app.watching._questions._desk._busy:
        await asyncio.sleep(0.001)
    app.beat()
    await pilot.pause()


def keys(*pressed: str) -> Callable[[Pilot[Any]], Any]:
    async def play(pilot: Pilot[Any]) -> None:
        await settle(pilot.app, pilot)  # type: ignore[arg-type]
        for key in pressed:
            await pilot.press(key)
            await settle(pilot.app, pilot)  # type: ignore[arg-type]

    return play


@SIZES
@pytest.mark.parametrize(
    "pressed",
    [
        (),
        ("enter",),
        ("t", "down", "down"),
        ("enter", "3"),
        ("t", "down", "down", "down", "enter"),
        ("t", "down", "down", "down", "i"),
        ("2",),
        ("3",),
        ("4",),
        ("question_mark",),
        ("down", "g"),
        ("t", "down", "down", "a"),
        ("slash", "x", "less_than_sign"),
        ("left_square_bracket",),
        ("t", "comma", "comma"),
        ("enter", "left_square_bracket"),
    ],
    ids=[
        "nodes", "graphs", "tree", "processes", "process", "state", "sight", "alerts", "events", "help",
        "question", "actions", "bad-filter", "past", "past-tree", "past-graphs",
    ],
)  # fmt: skip
def test_screen(snap_compare: Any, view: StillView, pressed: tuple[str, ...], size: tuple[int, int]) -> None:
    view.warnings = WARNINGS
    view.sightings = lambda: sightings([node.name for node in view.shown], **HALF_BROKEN)  # type: ignore[method-assign]
    app = Observe(view, ManualClock(), interval=3600.0)

    assert snap_compare(app, run_before=keys(*pressed), terminal_size=size)


@SIZES
def test_empty(snap_compare: Any, size: tuple[int, int]) -> None:
    app = Observe(StillView(), ManualClock(), interval=3600.0)

    assert snap_compare(app, run_before=keys(), terminal_size=size)


def test_filtered_and_paused(snap_compare: Any, view: StillView) -> None:
    app = Observe(view, ManualClock(), wanted=parse("status:up cpu>10"), interval=3600.0)

    assert snap_compare(app, run_before=keys("space"), terminal_size=(100, 20))


def test_hostile_names(snap_compare: Any) -> None:
    """One row each, and the columns stand where they stand without them."""
    names = ["\x1b[31mred\x07", "\u202egnp.exe", "e" + "\u0301" * 10_000, "日本語の長い名前です",
             "👨\u200d👩\u200d👧",
             "a" * 10_000, "\u200b\u2060", "line\nbreak", "مرحبا", "<script>[red]x[/]"]  # fmt: skip
    app = Observe(StillView(*map(node_view, names)), ManualClock(), interval=3600.0)  # type: ignore[arg-type]

    assert snap_compare(app, run_before=keys(), terminal_size=(100, 20))


def test_without_colour(snap_compare: Any, view: StillView, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = Observe(view, ManualClock(), interval=3600.0)

    assert snap_compare(app, run_before=keys(), terminal_size=(100, 20))
