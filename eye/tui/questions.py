"""What is asked of the nodes for a page, and how often: the one place that puts questions to the view.

Nobody waits for an answer: see `desk`. While the screen stands still nothing is asked that was answered already.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from eye.tui import detail_page

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable
    from typing import Any

    from eye.monitor.view import View
    from eye.tui.desk import Desk, Kept

_COST_EVERY = 5.0
_SIGHT_EVERY = 3.0  # seconds, and as many more as it takes to ask that many nodes
_NEVER = math.inf
_MOST_PROCESSES = 200


class Questions:
    """Puts them to the view, on behalf of whoever watches."""

    def __init__(self, view: View, desk: Desk, interval: float) -> None:
        self._view, self._desk, self._interval = view, desk, interval
        self.is_still = False
        """Whether what is known is good enough."""
        self._states = 0
        self._moment: tuple[float, Kept] | None = None

    def cost(self, node: str) -> Kept:
        return self._ask(("cost", node), lambda: self._view.cost(node), _COST_EVERY)

    def tree(self, node: str, at: float | None) -> Kept:
        if at is None:
            return self._ask(("tree", node), lambda: self._view.tree(node), self._interval)
        return self._desk.ask(
            ("tree", node, at), lambda: self._view.tree(node, at=at), every=_NEVER, lane=("tree of the past", node)
        )

    def processes(self, node: str, sort: str) -> Kept:
        return self._ask(
            ("processes", node, sort),
            lambda: self._view.processes(node, sort=sort, limit=_MOST_PROCESSES),
            self._interval,
        )

    def graphs(self, node: str, seconds: float) -> Kept:
        step = max(seconds / detail_page.POINTS, 1.0)  # a finer one would show the beat of the sampler
        keys = [*(graph.key for graph in detail_page.GRAPHS), "host.memory_total"]
        return self._ask(
            ("graphs", node, seconds),
            lambda: self._view.graph(node, keys, seconds=seconds, step=step),
            min(max(self._interval, step), 60.0),
        )

    def sightings(self, count: int) -> Kept:
        """Ask every node whom it sees; the more there are, the less often."""
        return self._ask("sightings", self._view.sightings, _SIGHT_EVERY + count / 20)

    def past(self, at: float) -> tuple[float, Kept]:
        """Ask what the table was like; answer the moment that is known so far, with what was said of it."""
        kept = self._desk.ask(("past", at), lambda: self._view.past_nodes(at), every=_NEVER, lane="past")
        if kept.answer is not None or kept.trouble is not None or self._moment is None:
            self._moment = at, kept
        return self._moment

    def leave_the_past(self) -> None:
        self._moment = None

    def state(self, node: str, process: str) -> Kept:
        """Ask a process for its state, once: see `ask_for_state_again`."""
        question = ("state", node, process, self._states)
        return self._desk.ask(question, lambda: self._view.state(node, process), every=_NEVER)

    def ask_for_state_again(self) -> None:
        self._states += 1

    def age(self, kept: Kept) -> float | None:
        return self._desk.age(kept)

    def _ask(self, question: Hashable, answer: Callable[[], Any], every: float) -> Kept:
        return self._desk.ask(question, answer, every=_NEVER if self.is_still else every)
