"""What a person watches, and what is on the screen for it: everything but the terminal.

`Watching` holds what was chosen (a page, a row, an order, a filter, a node, a moment) and makes the lines of each
page from what the view knows at that moment. It never waits: what has to be asked of a node, the desk asks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from eye.metrics.filters import Filter, parse
from eye.tui import alerts_page, cells, cluster_pages, events_page, help_page, hints, moment, nodes_page
from eye.tui.cluster_pages import TABS
from eye.tui.deeds import DEEDS, RESUME, SUSPEND
from eye.tui.node_pages import TABS as NODE_TABS
from eye.tui.node_pages import NodePages
from eye.tui.nodes_page import Order
from eye.tui.page import page_of, tab_at
from eye.tui.questions import Questions
from eye.tui.scene import Scene
from eye.tui.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable

    from eye.monitor.view import View
    from eye.tui.cells import Line
    from eye.tui.deeds import Deed
    from eye.tui.desk import Desk
    from eye.tui.page import Page

PAST = "this is the past, in which nothing can be done; Esc goes back to now"


class Start(NamedTuple):
    """How the screen begins."""

    order: Order = Order()
    tab: str = TABS[0]
    node_tab: str | None = None  # opens the first node on that page


class Watching:
    """The state of one screen."""

    def __init__(
        self,
        view: View,
        desk: Desk,
        wants: Callable[[str], bool] | None = None,
        wanted: Filter | None = None,
        interval: float = 1.0,
        start: Start = Start(),  # noqa: B008  it never changes
    ) -> None:
        """`wants` says by its name which nodes there are at all, `wanted` which of them are shown for now."""
        self._view = view
        self._questions = Questions(view, desk, interval)
        self.scene = Scene(view, self._questions, wants)
        self.node_pages = NodePages(self._questions, lambda: view.has_history)
        self.table = Table(view.now, wanted, start.order)
        self.tab = start.tab
        self.opened: str | None = None  # a node's name
        self.is_helping = False
        self._opens = start.node_tab
        self._line: int | None = None  # of the events, where it is not the last
        self._first_seen = 0  # the first column of the matrix

    # ---------------------------------------------------------------------------- what is seen

    def look(self) -> None:
        """Take in what there is to see at the moment; what is painted, and what keys mean, follows from it."""
        self.table.take(self.scene.look())
        if self._opens is not None and self.table.rows:
            self.open(self._opens)
            self._opens = None

    @property
    def where(self) -> tuple[str | None, ...]:
        """Which page it is, as far as it matters for scrolling."""
        if self.is_helping:
            return ("help",)
        if self.opened is not None:
            return self.opened, self.node_pages.tab, self.node_pages.process
        return (self.tab,)

    def visible(self, first: int, height: int) -> list[str]:
        """Name the nodes whose figures are on the screen, of which the page shows so many lines."""
        if self.opened is not None:
            return [self.opened]
        return self.table.names[first : first + height] if self.tab == TABS[0] else []

    def summary(self) -> Line:
        """Write the first line."""
        seen = self.scene.seen
        spans = [("Sorcerer's Eye  ", "title")]
        if self.scene.is_paused:
            spans.append((f" PAUSED {moment.clock_of(seen.now)} ", "bar"))
            spans.append(("  ", "text"))
        counts = nodes_page.summary(seen.nodes, len(self.table.rows), seen.now)
        return (*spans, *alerts_page.headline(seen.alerts), *self.table.headline(), *counts)

    def page(self, columns: int, lines: int) -> Page:
        """Make the page of the moment; `lines` are there for all of it."""
        seen = self.scene.seen
        if self.is_helping:
            return page_of((("Keys", "title"),), help_page.rows())
        if self.opened is not None:
            node = next((one for one in seen.nodes if one.name == self.opened), None)
            if node is not None:
                return self.node_pages.page(node, seen.now, self.scene.at, columns, lines)
            name = cells.shorten(cells.tame(self.opened), 40)
            if self.scene.is_waiting:
                return page_of((), [(("asks the nodes what it was like then …", "dim"),)])
            gone = "is no longer in the cluster" if self.scene.at is None else "was not in the cluster then"
            return page_of((), [((f"node {name} {gone}; Esc goes back", "down"),)])
        if self.tab == "who sees whom":
            return self._sight(columns)
        if self.tab == "alerts":
            return cluster_pages.alerts(seen, columns)
        if self.tab == "events":
            return cluster_pages.events(seen, columns, self._line)
        trail = self._view.trail if self.scene.at is None else _no_trail
        return cluster_pages.nodes(seen, self.table, trail, columns, waits=self.scene.is_waiting)

    def _sight(self, columns: int) -> Page:
        if self.scene.at is not None:
            said = "who saw whom is not remembered: Esc goes back to now"
            return page_of(cluster_pages.tab_line(self.tab), [(), ((f"  {said}", "dim"),)])
        kept = self._questions.sightings(len(self.scene.seen.nodes))
        return cluster_pages.sight(kept, self._questions.age(kept), columns, self._first_seen)

    def footer(self) -> Line:
        """Name the keys that count here."""
        if self.is_helping:
            return hints.footer("help")
        if self.scene.at is not None:
            return hints.footer("the past")
        if self.opened is None:
            return hints.footer(self.tab)
        return hints.footer("process" if self.node_pages.process else self.node_pages.tab)

    # ------------------------------------------------------------------------- what is chosen

    def move(self, by: int) -> None:
        """Choose another row."""
        if self.opened is not None:
            self.node_pages.move(by)
        elif self.tab == "events":
            last = events_page.count(self.scene.seen.events) - 1
            place = max((last if self._line is None else self._line) + by, 0)
            self._line = None if place >= last else place
        elif self.tab == TABS[0]:
            self.table.move(by)

    def point_at(self, line: int) -> None:
        """Choose what is on that line of the page."""
        if self.is_helping:
            self.back()
        elif self.opened is not None:
            self.node_pages.point_at(line)
        elif self.tab == TABS[0]:
            self.table.choose(line)

    def press_tabs(self, x: int) -> None:
        """Take a click on the tabs."""
        if self.opened is not None:
            self.node_pages.press_tabs(x, self.opened)
        elif (tab := tab_at(x, TABS)) is not None:
            self.turn_to(tab)

    def press_heading(self, x: int, columns: int) -> None:
        """Take a click on the titles: another order."""
        if self.opened is not None:
            self.node_pages.press_heading(x, columns)
        elif self.tab == TABS[0]:
            self.table.press(x, columns)

    def open(self, tab: str | None = None) -> None:
        """Open the chosen node; in it, what is chosen there."""
        if self.opened is None and self.table.chosen is not None and self.tab == TABS[0]:
            self.opened = self.table.chosen
            self.node_pages.enter(tab)
        elif self.opened is not None and tab is not None:
            self.node_pages.turn_to(tab)
        elif self.opened is not None:
            self.node_pages.open()

    def back(self) -> None:
        """Leave the help, the past, a process, the node, the other pages, the filter: whatever is the last."""
        if self.is_helping:
            self.is_helping = False
        elif self.scene.at is not None:
            self.scene.go_to(None)
        elif self.opened is not None:
            if not self.node_pages.back():
                self.opened = None
        elif self.tab != TABS[0]:
            self.turn_to(TABS[0])
        else:
            self.table.wanted = parse("")

    def turn_to(self, tab: str) -> None:
        """Show another page of the cluster."""
        self.tab, self._line, self._first_seen = tab, None, 0

    def turn(self, number: int) -> None:
        """Show the page of that number, of the node or of the cluster; -1 is the next one."""
        names = NODE_TABS if self.opened is not None else TABS
        now = self.node_pages.tab if self.opened is not None else self.tab
        at = (names.index(now) + 1) % len(names) if number < 0 else number
        if at < len(names):
            (self.node_pages.turn_to if self.opened is not None else self.turn_to)(names[at])

    def step(self, step: int) -> None:
        """Sort by the next column, or the one before; of the matrix, show other columns."""
        if self.opened is not None:
            self.node_pages.sort_by(step)
        elif self.tab == "who sees whom":
            self._first_seen = max(self._first_seen + 5 * step, 0)
        elif self.tab == TABS[0]:
            self.table.step(step)

    def sort_by(self, key: str) -> None:
        """Sort the nodes by that column; once more turns it round."""
        if self.opened is None:
            self.table.sort_by(key)

    def reverse(self) -> None:
        """Turn the order round."""
        self.sort_by(self.table.order.key)

    def follow(self) -> None:
        """Let the chosen row be kept in sight, wherever it goes; or let it go."""
        self.table.follows = not self.table.follows

    def pause(self) -> None:
        """Let the screen stand still, or go on."""
        self.scene.pause()

    def look_back(self, by: float) -> None:
        """Go so many seconds further, or back, in time."""
        self.scene.step(by)

    def fold_all(self) -> None:
        """Fold every supervisor of the tree, or unfold all."""
        self.node_pages.fold_all()

    def take_filter(self, wanted: Filter) -> None:
        """Show these nodes."""
        self.table.wanted = wanted

    def wider(self, step: int) -> str | None:
        """In graphs, reach back further or less far; in a tree, fold. Answers why it cannot be."""
        if self.opened is None:
            return None
        if self.node_pages.tab == "graphs":
            return self.node_pages.reach(step)
        self.node_pages.fold()
        return None

    def aim(self, name: str) -> tuple[tuple[Deed, str, str] | None, str]:
        """Say what to do, to which node and which process of it; or why nothing can be done."""
        deed, node = DEEDS[name], self.opened or (self.table.chosen if self.tab == TABS[0] else None)
        process = self.node_pages.chosen if self.opened is not None else None
        if self.scene.at is not None:
            return None, PAST
        if node is None:
            return None, f"{deed.name}: there is no node that was chosen"
        if deed.of_process and process is None:
            return None, f"{deed.name}: first choose a process, in the tree of a node or among its processes"
        if deed is SUSPEND and self.node_pages.statuses.get(process or "") == "suspended":
            deed = RESUME
        return (deed, node, process or ""), ""


def _no_trail(_node: str, _metric: str) -> list[float | None]:
    """Of the past there is the table, and not what led to it."""
    return []
