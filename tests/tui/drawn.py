"""The screens of the terminal view as text, of a cluster that stands still: what the documentation shows."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

from eye.tui import cells, events_page
from eye.tui.desk import Kept
from eye.tui.watching import Watching
from tests.tui.still import BUSY, DOWN, NOW, STALE, StillView, alert, node_view, sightings

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

COLUMNS, LINES, LOG = 80, 20, 3


class AtOnce:
    """A desk that has every answer as it is asked."""

    def ask(
        self, question: Hashable, answer: Callable[[], Any], *, every: float, lane: Hashable | None = None
    ) -> Kept:
        return Kept(answer(), 0.0)

    def age(self, kept: Kept) -> float | None:
        return 0.0


def cluster() -> StillView:
    view = StillView(node_view(), DOWN, node_view("mystic-node-3"), STALE, BUSY)
    view.warnings = [
        alert(),
        alert(
            "mystic-node-1", rule="full", severity="warning", state="pending", fired_at=None, text="memory 91 %"
        ),
        alert("mystic-node-2", rule="gone", state="resolved", resolved_at=NOW - 2.0, text="answers again"),
    ]
    names = [node.name for node in view.shown]
    view.sightings = lambda: sightings(names, **{"mystic-node-4__mystic-node-3": "down"})  # type: ignore[method-assign]
    view.records = [
        {"what": "node_up", "at": NOW - 60, "node": "mystic-node-1", "address": "127.0.0.1:41873"},
        {"what": "child_exited", "at": NOW - 0.8, "node": "mystic-node-1", "path": "/shop/orders",
         "reason": "ValueError: no such order", "will_restart": True},
        {"what": "node_down", "at": NOW - 0.5, "node": "mystic-node-2", "reason": "connection refused"},
    ]  # fmt: skip
    return view


def drawn(*steps: Callable[[Watching], object]) -> list[str]:
    """Draw the screen after these steps, in UTC."""
    zone = os.environ.get("TZ")
    os.environ["TZ"] = "UTC"
    time.tzset()
    try:
        return [cells.plain(line) for line in _drawn(steps)]
    finally:
        os.environ.pop("TZ") if zone is None else os.environ.update(TZ=zone)
        time.tzset()


def _drawn(steps: tuple[Callable[[Watching], object], ...]) -> list[cells.Line]:
    view = cluster()
    watching = Watching(view, AtOnce())  # type: ignore[arg-type]
    watching.look()
    watching.page(COLUMNS - 1, LINES)
    for step in steps:
        step(watching)
        watching.look()
        watching.page(COLUMNS - 1, LINES)
    slider = watching.scene.slider(COLUMNS)
    log = 0 if watching.where[-1] in ("help", "events") else LOG
    room = LINES - 3 - bool(slider) - (log + 1 if log else 0)
    page = watching.page(COLUMNS - 1, room)
    top = [watching.summary(), page.tabs, *([slider] if slider else []), *page.above]
    rows = [page.make(row) for row in range(min(page.rows, room - len(page.above) - bool(page.heading)))]
    below = (
        [events_page.rule(COLUMNS), *events_page.log(watching.scene.seen.events, COLUMNS - 1, log)] if log else []
    )
    return [
        cells.cut(line, COLUMNS)
        for line in (*top, *([page.heading] if page.heading else []), *rows, (), *below, watching.footer())
    ]


SCREENS: dict[str, list[Callable[[Watching], object]]] = {
    "nodes": [],
    "sight": [lambda watching: watching.turn(1)],
    "alerts": [lambda watching: watching.turn(2)],
    "events": [lambda watching: watching.turn(3)],
    "graphs": [lambda watching: watching.open("graphs")],
    "tree": [lambda watching: watching.open("tree")],
    "processes": [lambda watching: watching.open("processes")],
    "process": [
        lambda watching: watching.open("tree"),
        lambda watching: watching.move(3),
        lambda watching: watching.node_pages.look_closely(asks_for_state=True),
    ],
    "past": [lambda watching: watching.open("tree"), lambda watching: watching.look_back(-60)],
}
