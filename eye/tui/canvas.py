"""The screen from top to bottom: panes, and what is painted into each.

summary    how many nodes there are, and how they are
tabs       the pages
slider     the moment, while it is not now
above      who the node is that was opened
heading    the titles of a table
page       its rows; the only part that scrolls, and takes what the others leave
rule
events     the last lines of the log
ask        a filter, while it is written
footer     keys, questions, answers
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eye.tui import cells, events_page
from eye.tui.pane import Pane

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from eye.tui.cells import Line
    from eye.tui.watching import Watching

UPPER = ("summary", "tabs", "slider", "above", "heading", "page", "rule", "events")
LOG_ROWS = (5, 13, 0)


class Canvas:
    """Paints what `watching` has to show."""

    def __init__(self, pane: Callable[[str], Pane]) -> None:
        self._pane = pane
        self._log = 0  # which of `LOG_ROWS`
        self._shown: object = None  # which page was painted last

    @property
    def page(self) -> Pane:
        """The pane that scrolls."""
        return self._pane("page")

    def next_log(self) -> None:
        """Show more of the event log, or none of it."""
        self._log = (self._log + 1) % len(LOG_ROWS)

    def paint(self, watching: Watching, columns: int, height: int, footer: Sequence[Line]) -> int:
        """Paint it all; answer how many lines of the page there are."""
        slider, log = watching.scene.slider(columns), self._log_rows(watching, height)
        lines = max(height - 2 - bool(slider) - len(footer) - (log + 1 if log else 0), 0)
        page = watching.page(columns - 1, lines)
        self._pane("summary").show_all([cells.cut(watching.summary(), columns)])
        self._pane("tabs").show_all([cells.cut(page.tabs, columns)])
        self._pane("slider").show_all([slider] if slider else [])
        self._pane("above").show_all(page.above[: max(lines - 2, 0)])
        self._pane("heading").show_all([page.heading] if page.heading else [])
        is_other, self._shown = self._shown != watching.where, watching.where
        self.page.show(page.rows, page.make, page.chosen, sticks=watching.tab == "events")
        if is_other or watching.table.follows:
            self.page.reveal(page.chosen or 0)
        self._pane("rule").show_all([events_page.rule(columns)] if log else [])
        self._pane("events").show_all(events_page.log(watching.scene.seen.events, columns - 1, log))
        self._pane("footer").show_all(footer)
        return lines

    def _log_rows(self, watching: Watching, height: int) -> int:
        if watching.where[-1] in ("help", "events"):
            return 0
        return min(LOG_ROWS[self._log], max(height // 4, 2))
