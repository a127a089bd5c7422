"""The pages of one node that was opened: its graphs, its tree, its processes, and one of these from near.

Holds what was chosen on them, and makes their lines from what the nodes last answered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eye.monitor.process_list import SORTS
from eye.tui import cells, detail_page, hints, moment, process_page, processes_page, tree_page
from eye.tui.page import Page, page_of, tab_at, tabs

if TYPE_CHECKING:
    from collections.abc import Callable

    from eye.monitor.node_view import NodeView
    from eye.tui.cells import Line
    from eye.tui.desk import Kept
    from eye.tui.questions import Questions

TABS = ("graphs", "tree", "processes")


class NodePages:
    """What is shown of a node, and where on it one is."""

    def __init__(self, questions: Questions, has_history: Callable[[], bool]) -> None:
        self._questions, self._has_history = questions, has_history
        self.tab = TABS[0]
        self.place = 0  # the chosen line of a tree, or of a list of processes
        self.paths: list[str] = []  # of the processes on the page
        self.process: str | None = None  # the path of the one that is seen from near
        self.asks_for_state = False
        self.sort = "mailbox"
        self.search = ""
        self.span: float | None = None  # seconds that the graphs reach back; None: as fits the node
        self.statuses: dict[str, str] = {}  # of the processes on the page, by their paths
        self._folded: set[str] = set()
        self._supervisors: set[str] = set()
        self._uptime: float | None = None

    # ---------------------------------------------------------------------------- what is seen

    def page(self, node: NodeView, now: float, at: float | None, columns: int, lines: int) -> Page:
        """Make the page of the moment; `at` is a moment of the past, `lines` how many there are for all of it."""
        self._uptime = node.process.uptime if node.process is not None else None
        above = [*detail_page.heading(node, now, columns)]
        if own := detail_page.own_figures(node, columns):
            above.append(own)
        cost = self._questions.cost(node.name).answer if at is None else None
        if lines >= 12 and (price := detail_page.price(cost, columns)):
            above.append(price)
        if lines >= 24:
            above.append(())
        if self.process is not None:
            body, trouble = self._from_near(node, at, columns)
            return page_of(self._tabs(node, trouble, columns), body, above=above)
        if self.tab == "graphs":
            body, trouble = self._graphs(node, at, columns, lines - len(above))
            return page_of(self._tabs(node, trouble, columns), body, above=above)
        body, trouble = self._tree(node, at, columns) if self.tab == "tree" else self._processes(node, at, columns)
        heading: Line = processes_page.heading(self.sort, columns) if self.tab == "processes" else ()
        chosen = self.place if self.paths else None
        return page_of(self._tabs(node, trouble, columns), body, above=above, heading=heading, chosen=chosen)

    def _graphs(self, node: NodeView, at: float | None, columns: int, lines: int) -> tuple[list[Line], str]:
        self.paths = []
        kept = self._questions.graphs(node.name, self.span or self._fitting())
        if kept.answer is None and kept.trouble is not None:
            return [((cells.tame(kept.trouble), "down"),)], ""
        return detail_page.graphs(kept.answer, columns, lines, at), self._trouble(kept)

    def _tree(self, node: NodeView, at: float | None, columns: int) -> tuple[list[Line], str]:
        kept = self._questions.tree(node.name, at)
        if kept.answer is None:
            return self._nothing(kept, "tree")
        rows = tree_page.rows(kept.answer, folded=self._folded, columns=columns, search=self.search)
        self.paths = [row.path for row in rows]
        self._supervisors = {row.path for row in rows if row.is_supervisor}
        self.statuses = {one["path"]: one["status"] for one in tree_page.flat(kept.answer)}
        self.place = min(self.place, max(len(rows) - 1, 0))
        drawn = kept.answer.get("as_of")
        old = f"  unchanged since {moment.clock_of(drawn)}" if at is not None and drawn else ""
        return [row.line for row in rows] or [(("nothing matches", "dim"),)], self._trouble(kept) or old

    def _processes(self, node: NodeView, at: float | None, columns: int) -> tuple[list[Line], str]:
        kept = (
            self._questions.processes(node.name, self.sort) if at is None else self._questions.tree(node.name, at)
        )
        if kept.answer is None:
            return self._nothing(kept, "processes")
        # Of the past there are trees; what is sorted on the node now, is sorted here then.
        listed = (
            kept.answer["processes"] if at is None else sorted(tree_page.flat(kept.answer), key=SORTS[self.sort])
        )
        shown = [one for one in listed if self.search.casefold() in str(one["path"]).casefold()]
        self.paths = [str(one["path"]) for one in shown]
        self.statuses = {str(one["path"]): one["status"] for one in shown}
        self.place = min(self.place, max(len(self.paths) - 1, 0))
        lines = processes_page.rows({"processes": shown}, columns)
        if (more := kept.answer.get("count", len(listed)) - len(listed)) > 0:
            lines.append(((f"  and {more} more; another order shows others", "dim"),))
        return lines or [(("nothing matches", "dim"),)], self._trouble(kept)

    def _from_near(self, node: NodeView, at: float | None, columns: int) -> tuple[list[Line], str]:
        path = self.process or ""
        self.paths = [path]
        kept = self._questions.tree(node.name, at)
        if kept.answer is None:
            return self._nothing(kept, "tree")
        tree = tree_page.find(kept.answer, path)
        self.statuses = {} if tree is None else {path: tree["status"]}
        lines = process_page.rows(tree, path, kept.answer["at"], columns)
        if self.asks_for_state and at is None:
            told = self._questions.state(node.name, path)
            lines += process_page.state(told.answer, told.trouble, self._questions.age(told), columns)
        elif at is None and tree is not None:
            lines += [(), (("i asks it for its state, which it tells between two messages", "dim"),)]
        return lines, self._trouble(kept)

    def _nothing(self, kept: Kept, what: str) -> tuple[list[Line], str]:
        self.paths = []
        trouble = None if kept.trouble is None else cells.tame(kept.trouble)
        return [((trouble or f"waits for the node's {what} …", "down" if trouble else "dim"),)], ""

    def _trouble(self, kept: Kept) -> str:
        if kept.trouble is None:
            return ""
        age = self._questions.age(kept)
        return ("  " if age is None else f"  {age:.0f} s old: ") + cells.tame(kept.trouble)

    def _tabs(self, node: NodeView, trouble: str, columns: int) -> Line:
        spans = [*tabs(TABS, self.tab, self._name(node.name))]
        if self.process is not None:
            spans.append(("  one process", "dim"))
        elif self.tab == "graphs":
            spans.append((f"  the last {hints.reach(self.span or self._fitting())}", "dim"))
        elif self.search:
            spans.append((f"  search: {cells.shorten(cells.tame(self.search), 20)}", "key"))
        spans.append((trouble, "down" if not trouble.startswith("  unchanged") else "dim"))
        return cells.cut(tuple(spans), columns)

    @staticmethod
    def _name(name: str) -> str:
        return cells.shorten(cells.tame(name), 24)

    def _fitting(self) -> float:
        return detail_page.fitting_span(self._uptime)

    # ------------------------------------------------------------------------- what is chosen

    @property
    def chosen(self) -> str | None:
        """The path of the chosen process."""
        if self.process is not None:
            return self.process
        return (self.paths[self.place] or None) if self.place < len(self.paths) else None

    def enter(self, tab: str | None) -> None:
        """Come to a node anew."""
        self.place, self.process, self.search, self.paths = 0, None, "", []
        self.tab = tab or self.tab

    def move(self, by: int) -> None:
        self.place = min(max(self.place + by, 0), max(len(self.paths) - 1, 0))

    def point_at(self, line: int) -> None:
        if self.process is None and line < len(self.paths):
            self.place = line

    def press_tabs(self, x: int, node: str) -> None:
        """Take a click on the tabs."""
        if (tab := tab_at(x, TABS, self._name(node))) is not None:
            self.turn_to(tab)

    def press_heading(self, x: int, columns: int) -> None:
        """Take a click on the titles: another order."""
        self.sort = processes_page.column_at(x, columns) or self.sort

    def turn_to(self, tab: str) -> None:
        """Show another page of the node."""
        if tab != self.tab or self.process is not None:
            self.tab, self.place, self.paths, self.process = tab, 0, [], None

    def open(self) -> None:
        """Fold or unfold the chosen supervisor; look at any other process from near."""
        if self.tab == "tree" and self.process is None and self.chosen in self._supervisors:
            self.fold()
        elif self.process is None and self.chosen is not None and self.tab != "graphs":
            self.look_closely()

    def look_closely(self, *, asks_for_state: bool = False) -> None:
        """Show one process; with its state, or with that asked anew."""
        if self.chosen is None:
            return
        self.process, self.asks_for_state = self.chosen, asks_for_state
        if asks_for_state:
            self._questions.ask_for_state_again()

    def back(self) -> bool:
        """Leave the process, or the search; False where there is nothing to leave."""
        if self.process is not None:
            self.process = None
        elif self.search:
            self.search = ""
        else:
            return False
        return True

    def look_for(self, text: str) -> None:
        """Show only processes of such names."""
        self.search, self.place = text, 0

    def sort_by(self, step: int) -> None:
        if self.tab != "processes":
            return
        sorts = processes_page.SORTS
        self.sort = sorts[(sorts.index(self.sort) + step) % len(sorts)]

    def reach(self, step: int) -> str | None:
        """Let the graphs reach back further (1), or less far (-1); answer why they do not."""
        spans = detail_page.SPANS + (detail_page.LONG_SPANS if self._has_history() else ())
        now = self.span or self._fitting()
        at = (spans.index(now) if now in spans else len(spans) - 1) + step
        self.span = spans[min(max(at, 0), len(spans) - 1)]
        if at >= len(spans) and not self._has_history():
            return "nodes remember their last hour; further back reaches who keeps a history: --history"
        return None

    def fold(self) -> None:
        """Fold the chosen supervisor, or unfold it."""
        if self.tab == "tree" and self.chosen in self._supervisors:
            self._folded ^= {self.chosen}

    def fold_all(self) -> None:
        """Fold every supervisor below the root, or unfold all."""
        self._folded = set() if self._folded else {path for path in self._supervisors if path.count("/") > 1}
