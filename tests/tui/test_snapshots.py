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
from tests.tui.still import StillView

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.pilot import Pilot

SIZES = pytest.mark.parametrize("size", [(80, 24), (130, 36)], ids=["80x24", "130x36"])


async def settle(app: Observe, pilot: Pilot[int]) -> None:
    """Paint until nothing that was asked is on its way."""
    app.beat()
    await pilot.pause()
    while app.watching._desk._busy:
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
        ("question_mark",),
        ("down", "g"),
        ("slash", "x", "less_than_sign"),
    ],
    ids=["nodes", "graphs", "tree", "processes", "help", "question", "bad-filter"],
)
def test_screen(snap_compare: Any, view: StillView, pressed: tuple[str, ...], size: tuple[int, int]) -> None:
    app = Observe(view, ManualClock(), interval=3600.0)

    assert snap_compare(app, run_before=keys(*pressed), terminal_size=size)


@SIZES
def test_empty(snap_compare: Any, size: tuple[int, int]) -> None:
    app = Observe(StillView(), ManualClock(), interval=3600.0)

    assert snap_compare(app, run_before=keys(), terminal_size=size)


def test_filtered_and_paused(snap_compare: Any, view: StillView) -> None:
    app = Observe(view, ManualClock(), wanted=parse("status:up cpu>10"), interval=3600.0)

    assert snap_compare(app, run_before=keys("space"), terminal_size=(100, 20))


def test_without_colour(snap_compare: Any, view: StillView, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = Observe(view, ManualClock(), interval=3600.0)

    assert snap_compare(app, run_before=keys(), terminal_size=(100, 20))
