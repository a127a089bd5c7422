"""What a person watches, and what is on the screen for it: everything but the terminal.

`Watching` holds what was chosen (a row, an order, a filter, a node, a page of it) and makes the lines of each
page from what the view knows at this moment. It never waits: what has to be asked of a node, the desk asks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from eye.metrics.filters import Filter, parse
from eye.monitor.clean import clean
from eye.tui import cells, detail_page, events_page, help_page, hints, nodes_page, processes_page, tree_page
from eye.tui.nodes_page import Order

if TYPE_CHECKING:
    from collections.abc import Callable

    from eye.monitor.node_view import NodeView
    from eye.monitor.view import View
    from eye.tui.cells import Line
    from eye.tui.desk import Desk, Kept

TABS = ("graphs", "tree", "processes")
_ABOVE = 3  # lines above a tree or a list of processes


class Page(NamedTuple):
    """A heading, and lines that are made when they are seen."""

    heading: Line
    rows: int
    make: Callable[[int], Line]
    chosen: int | None = None


def page_of(heading: Line, lines: list[Line], chosen: int | None = None) -> Page:
    """Make a page of lines that are there already."""
    return Page(heading, len(lines), lines.__getitem__, chosen)


class Watching:
    """The state of one screen."""

    def __init__(
        self,
        view: View,
        desk: Desk,
        wants: Callable[[str], bool] | None = None,
        wanted: Filter | None = None,
        interval: float = 1.0,
    ) -> None:
        """`wants` says by its name which nodes there are at all, `wanted` which of them are shown for now."""
        self._view, self._desk, self._interval = view, desk, interval
        self._wants = wants
        self.wanted = wanted or parse("")
        self.order = Order()
        self.chosen: str | None = None  # a node's name
        self.opened: str | None = None  # likewise
        self.tab = TABS[0]
        self.is_helping = False
        self.process_sort = "mailbox"
        self.span: float | None = None  # seconds that the graphs reach back; None: as fits the node
        self.place = 0  # the chosen line of a tree, or of a list of processes
        self.rows: list[NodeView] = []
        self.paths: list[str] = []  # of the processes on the page
        self._folded: set[str] = set()
        self._supervisors: set[str] = set()
        self._frozen: tuple[tuple[NodeView, ...], float, list[dict[str, Any]]] | None = None

    # ---------------------------------------------------------------------------- what is seen

    def summary(self) -> Line:
        """Write the first line."""
        nodes, now, _ = self._seen()
        if self.opened is None:
            self.rows = nodes_page.arrange(nodes, self.wanted, self.order, now)
        spans = [("Sorcerer's Eye  ", "title")]
        if self._frozen is not None:
            spans.append(("PAUSED: space goes on  ", "alarm"))
        if not self.wanted.is_empty:
            spans.append(
                (f"filter: {cells.fit(self.wanted.text, min(cells.width(self.wanted.text), 40))}  ", "key")
            )
        return (*spans, *nodes_page.summary(nodes, len(self.rows), now))

    def page(self, columns: int, height: int) -> Page:
        """Make the page of the moment."""
        if self.is_helping:
            return page_of((), help_page.rows())
        nodes, now, _ = self._seen()
        if self.opened is None:
            return self._nodes(nodes, now, columns)
        node = next((one for one in nodes if one.name == self.opened), None)
        if node is None:
            gone = f"node {clean(self.opened)} is no longer in the cluster; Esc goes back"
            return page_of((), [((gone, "down"),)])
        cost = self._desk.ask(("cost", node.name), lambda: self._view.cost(node.name), every=5.0)
        above = [*detail_page.heading(node, now, columns), detail_page.price(cost.answer, columns)]
        if self.tab == "graphs":
            body, trouble = self._graphs(node, columns, height - len(above))
            return page_of(self._tabs(trouble), above + body)
        body, trouble = self._tree(node, columns) if self.tab == "tree" else self._processes(node, columns)
        chosen = self.place + len(above) + (self.tab == "processes") if self.paths else None
        return page_of(self._tabs(trouble), above + body, chosen)

    def events(self, columns: int) -> list[Line]:
        """Make the event log, the newest last."""
        lines = events_page.rows(self._seen()[2], columns)
        return lines or [(("  nothing has happened yet", "dim"),)]

    def footer(self) -> Line:
        """Name the keys that count here."""
        return hints.footer("help" if self.is_helping else "nodes" if self.opened is None else self.tab)

    def _seen(self) -> tuple[tuple[NodeView, ...], float, list[dict[str, Any]]]:
        if self._frozen is not None:
            return self._frozen
        nodes, wants = self._view.nodes(), self._wants
        if wants is not None:
            nodes = tuple(node for node in nodes if wants(node.name))
        return nodes, self._view.now(), self._view.events()

    def _nodes(self, nodes: tuple[NodeView, ...], now: float, columns: int) -> Page:
        rows = self.rows
        if not rows:
            empty = (
                "no node was found yet; they appear as they come" if not nodes else "no node matches the filter"
            )
            return page_of((), [(), ((f"  {empty}", "dim"),)])
        shown = nodes_page.layout(columns, (node.name for node in rows))
        names = [node.name for node in rows]
        if self.chosen not in names:
            self.chosen = names[0]
        trail = self._view.trail
        return Page(
            nodes_page.heading(shown, self.order),
            len(rows),
            lambda at: nodes_page.row(rows[at], shown, now, trail, columns),
            names.index(self.chosen),
        )

    def _graphs(self, node: NodeView, columns: int, height: int) -> tuple[list[Line], str]:
        keys = [*(graph.key for graph in detail_page.GRAPHS), "host.memory_total"]
        seconds = self.span or detail_page.fitting_span(node.process.uptime if node.process else None)
        step = max(seconds / detail_page.POINTS, 1.0)  # a finer one would show the beat of the sampler
        kept = self._desk.ask(
            ("recent", node.name, seconds),
            lambda: self._view.recent(node.name, keys, seconds=seconds, step=step),
            every=max(self._interval, step),
        )
        if kept.answer is None and kept.trouble is not None:
            return [((clean(kept.trouble), "down"),)], ""
        return detail_page.graphs(kept.answer, columns, height), self._trouble(kept)

    def _tree(self, node: NodeView, columns: int) -> tuple[list[Line], str]:
        kept = self._desk.ask(("tree", node.name), lambda: self._view.tree(node.name), every=self._interval)
        if kept.answer is None:
            return self._nothing(kept, "tree")
        rows = tree_page.rows(kept.answer, folded=self._folded, columns=columns)
        self.paths = [row.path for row in rows]
        self._supervisors = {row.path for row in rows if row.is_supervisor}
        self.place = min(self.place, len(rows) - 1)
        return [row.line for row in rows], self._trouble(kept)

    def _processes(self, node: NodeView, columns: int) -> tuple[list[Line], str]:
        sort = self.process_sort
        kept = self._desk.ask(
            ("processes", node.name, sort),
            lambda: self._view.processes(node.name, sort=sort, limit=200),
            every=self._interval,
        )
        if kept.answer is None:
            return self._nothing(kept, "processes")
        self.paths = [str(one["path"]) for one in kept.answer["processes"]]
        self.place = min(self.place, max(len(self.paths) - 1, 0))
        heading = processes_page.heading(sort, columns)
        return [heading, *processes_page.rows(kept.answer, columns)], self._trouble(kept)

    def _nothing(self, kept: Kept, what: str) -> tuple[list[Line], str]:
        self.paths = []
        trouble = None if kept.trouble is None else clean(kept.trouble)
        return [((trouble or f"waits for the node's {what} …", "down" if trouble else "dim"),)], ""

    def _trouble(self, kept: Kept) -> str:
        if kept.trouble is None:
            return ""
        age = self._desk.age(kept)
        return f"  {clean(kept.trouble)}" + ("" if age is None else f"; what is shown is {age:.0f} s old")

    def _tabs(self, trouble: str) -> Line:
        tabs = ((f" {number} {tab} ", "bar" if tab == self.tab else "dim") for number, tab in enumerate(TABS, 1))
        reach = f"  the last {hints.reach(self.span or self._fitting())}" if self.tab == "graphs" else ""
        return (*tabs, (reach, "dim"), (trouble, "down"))

    # ------------------------------------------------------------------------- what is chosen

    def move(self, by: int) -> None:
        """Choose another row."""
        if self.opened is not None:
            self.place = min(max(self.place + by, 0), max(len(self.paths) - 1, 0))
        elif self.rows:
            names = [node.name for node in self.rows]
            at = names.index(self.chosen) if self.chosen in names else 0
            self.chosen = names[min(max(at + by, 0), len(names) - 1)]

    def point_at(self, line: int, x: int, columns: int) -> None:
        """Choose what is on that line of the page; on the titles of the processes, by what they are sorted."""
        at = line - _ABOVE - (self.tab == "processes")
        if self.is_helping:
            self.back()
        elif self.opened is None and line < len(self.rows):
            self.chosen = self.rows[line].name
        elif self.opened is not None and 0 <= at < len(self.paths):
            self.place = at
        elif self.opened is not None and self.tab == "processes" and at == -1:
            self.process_sort = processes_page.column_at(x, columns) or self.process_sort

    def press(self, x: int, columns: int) -> None:
        """Take a click on the heading: another order, or another page of the node."""
        if self.opened is None:
            shown = nodes_page.layout(columns, (node.name for node in self.rows))
            if (key := nodes_page.column_at(x, shown)) is not None:
                self.order = self.order.by(key)
            return
        right = 0
        for number, tab in enumerate(TABS, 1):
            right += len(f" {number} {tab} ")
            if x < right:
                self.turn_to(tab)
                return

    def open(self, tab: str | None = None) -> None:
        """Open the chosen node; in its tree, fold or unfold the chosen supervisor."""
        if self.opened is None and self.chosen is not None:
            self.opened, self.place = self.chosen, 0
            self.tab = tab or self.tab
        elif self.opened is not None and tab is not None:
            self.tab = tab
        elif self.tab == "tree":
            self.fold()

    def back(self) -> None:
        """Leave the help, then the node, then the filter."""
        if self.is_helping:
            self.is_helping = False
        elif self.opened is not None:
            self.opened = None
        else:
            self.wanted = parse("")

    def turn_to(self, tab: str) -> None:
        """Show another page of the node."""
        if self.opened is not None and tab != self.tab:
            self.tab, self.place, self.paths = tab, 0, []

    def sort(self, step: int) -> None:
        """Sort by the next column, or the one before."""
        if self.opened is None:
            self.order = self.order.next(step)
        elif self.tab == "processes":
            sorts = processes_page.SORTS
            self.process_sort = sorts[(sorts.index(self.process_sort) + step) % len(sorts)]

    def reach(self, step: int) -> None:
        """Let the graphs reach back further (1), or less far (-1)."""
        spans = detail_page.SPANS
        at = spans.index(self.span) if self.span is not None else spans.index(self._fitting())
        self.span = spans[min(max(at + step, 0), len(spans) - 1)]

    def _fitting(self) -> float:
        node = next((one for one in self._seen()[0] if one.name == self.opened), None)
        return detail_page.fitting_span(node.process.uptime if node is not None and node.process else None)

    def reverse(self) -> None:
        """Turn the order round."""
        self.order = self.order.by(self.order.key)

    def pause(self) -> None:
        """Let the screen stand still, or go on."""
        self._frozen = self._seen() if self._frozen is None else None

    def fold(self) -> None:
        """Fold the chosen supervisor, or unfold it."""
        if self.tab == "tree" and self.place < len(self.paths):
            path = self.paths[self.place]
            if path in self._supervisors:
                self._folded ^= {path}

    def fold_all(self) -> None:
        """Fold every supervisor below the root, or unfold all."""
        self._folded = set() if self._folded else {path for path in self._supervisors if path.count("/") > 1}

    @property
    def process(self) -> str | None:
        """The path of the chosen process."""
        return self.paths[self.place] if self.opened is not None and self.place < len(self.paths) else None
