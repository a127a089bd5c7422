"""Which moment is on the screen, and what there is to see of it: now, that of the pause, or one of the past."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eye.tui import alerts_page, cells, moment
from eye.tui.cluster_pages import Seen

if TYPE_CHECKING:
    from collections.abc import Callable

    from eye.monitor.node_view import NodeView
    from eye.monitor.view import View
    from eye.tui.cells import Line
    from eye.tui.questions import Questions


class Scene:
    """What is `seen`, taken in anew at each `look`."""

    def __init__(self, view: View, questions: Questions, wants: Callable[[str], bool] | None) -> None:
        """`wants` says by its name which nodes there are at all."""
        self._view, self._questions, self._wants = view, questions, wants
        self._frozen: Seen | None = None
        self._trouble: str | None = None
        self._waits = False
        self.at: float | None = None
        """The moment that is looked back to."""
        self.seen = Seen((), view.now(), [], [])

    @property
    def is_paused(self) -> bool:
        return self._frozen is not None and self.at is None

    @property
    def is_waiting(self) -> bool:
        """Whether nothing is known yet of the moment that is looked back to."""
        return self.at is not None and self._waits

    def look(self) -> Seen:
        """Take in what there is to see at the moment."""
        self.seen = self._as_of(self.at) if self.at is not None else self._frozen or self._now()
        return self.seen

    def slider(self, columns: int) -> Line:
        """Write the line that says which moment is shown; nothing while that is now."""
        if self.at is None:
            return ()
        if self._trouble is not None:
            return cells.cut(((" LOOKING BACK ", "bar"), (f" {cells.tame(self._trouble)}", "down")), columns)
        return moment.slider(self.at, self._view.now(), columns)

    def step(self, by: float) -> None:
        """Go so many seconds further, or back, in time."""
        self.go_to(moment.step(self.at, by, self._view.now()))

    def press_slider(self, x: int, columns: int) -> None:
        """Take a click on the slider: another moment."""
        self.go_to(moment.at_column(x, self._view.now(), columns))

    def go_to(self, at: float | None) -> None:
        """Show that moment; None is now."""
        self.at = at
        if at is None:
            self._trouble = None
            self._questions.leave_the_past()

    def pause(self) -> None:
        """Let the screen stand still, or go on."""
        self._frozen = self._now() if self._frozen is None else None
        self._questions.is_still = self._frozen is not None

    def _now(self) -> Seen:
        nodes = self._only_wanted(self._view.nodes())
        return Seen(nodes, self._view.now(), self._events(), self._view.alerts())

    def _as_of(self, at: float) -> Seen:
        known, kept = self._questions.past(at)
        self._trouble, self._waits = kept.trouble, kept.answer is None and kept.trouble is None
        events = [record for record in self._events() if record["at"] <= known]
        alerts = alerts_page.at(self._view.alerts(), known)
        return Seen(self._only_wanted(kept.answer or ()), known, events, alerts)

    def _events(self) -> list[dict[str, Any]]:
        """In the order in which they happened: what a node tells late of before stands where it belongs."""
        return sorted(self._view.events(), key=lambda record: float(record["at"]))

    def _only_wanted(self, nodes: tuple[NodeView, ...]) -> tuple[NodeView, ...]:
        wants = self._wants
        return nodes if wants is None else tuple(node for node in nodes if wants(node.name))
