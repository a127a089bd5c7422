"""Which nodes are shown and in what order, and which of them is chosen.

The chosen one is a node, not a line: what is done is done to it, wherever it has gone meanwhile. While somebody
moves among rows whose order changes by itself, they stand still; who wants to stay with one follows it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eye.metrics.filters import Filter, parse
from eye.tui import cells, nodes_page
from eye.tui.nodes_page import Order

if TYPE_CHECKING:
    from collections.abc import Callable

    from eye.monitor.node_view import NodeView
    from eye.tui.cells import Line
    from eye.tui.cluster_pages import Seen

_HOLD = 6.0  # seconds that rows stand still after somebody moved among them
_RESTLESS = {"cpu", "memory", "mem%", "procs", "rss", "super", "seen"}  # columns whose order changes by itself


class Table:
    """The rows, as of the last `take`."""

    def __init__(self, now: Callable[[], float], wanted: Filter | None = None, order: Order = Order()) -> None:  # noqa: B008
        self._now = now
        self.wanted = wanted or parse("")
        self.order = order
        self.rows: list[NodeView] = []
        self.chosen: str | None = None  # a node's name
        self.follows = False
        self._held_until = 0.0

    def take(self, seen: Seen) -> None:
        """Choose among what is seen now, and sort it."""
        before = self.names
        self.rows = nodes_page.arrange(seen.nodes, self.wanted, self.order, seen.now)
        if self.is_held:
            self.rows = nodes_page.hold(self.rows, before)
        if self.rows and self.chosen not in self.names:
            self.chosen = self.rows[0].name

    @property
    def names(self) -> list[str]:
        return [node.name for node in self.rows]

    @property
    def is_held(self) -> bool:
        """Whether the rows stand still, because somebody is moving among them."""
        return not self.follows and self.order.key in _RESTLESS and self._now() < self._held_until

    @property
    def note(self) -> str:
        """What is to be said of the order."""
        if self.follows and self.chosen is not None:
            return f"follows {cells.shorten(cells.tame(self.chosen), 24)}"
        return "rows stand still while you move" if self.is_held else ""

    def headline(self) -> Line:
        """Write what they are chosen by; nothing if all are shown."""
        if self.wanted.is_empty:
            return ()
        return ((f"filter: {cells.shorten(cells.tame(self.wanted.text), 40)}  ", "key"),)

    def move(self, by: int) -> None:
        """Choose another row."""
        names = self.names
        at = names.index(self.chosen) if self.chosen in names else 0
        self.choose(min(max(at + by, 0), len(names) - 1))

    def choose(self, row: int) -> None:
        """Choose what is on that row, if there is one."""
        if 0 <= row < len(self.rows):
            self.chosen = self.rows[row].name
            self._held_until = self._now() + _HOLD

    def sort_by(self, key: str) -> None:
        """Sort by that column; once more turns it round."""
        self.order, self._held_until = self.order.by(key), 0.0

    def step(self, step: int) -> None:
        """Sort by the next column, or the one before."""
        self.order, self._held_until = self.order.next(step), 0.0

    def press(self, x: int, columns: int) -> None:
        """Take a click on the titles."""
        shown = nodes_page.layout(columns, self.names)
        if (key := nodes_page.column_at(x, shown)) is not None:
            self.sort_by(key)
