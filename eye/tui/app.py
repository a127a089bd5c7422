"""`sorcerers_eye observe`: the part that knows Textual. What is on the screen, `watching` knows."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, ClassVar

from textual.app import App
from textual.widgets import Input

from eye.errors import BadFilter, EyeError
from eye.metrics.custom import metrics_of
from eye.metrics.filters import Filter, parse
from eye.monitor.clean import clean
from eye.tui import cells
from eye.tui.desk import Desk
from eye.tui.ending import end_by_signal
from eye.tui.keys import KEYS
from eye.tui.pane import Pane
from eye.tui.watching import TABS, Watching

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.app import ComposeResult
    from textual.binding import BindingType
    from textual.events import Key

    from eye.clock import Clock
    from eye.monitor.view import View
    from eye.tui.cells import Line

_EVENT_ROWS = (6, 14, 0)


class Observe(App[int]):
    """The live view of a cluster, as `view` knows it."""

    CSS = """
    Screen { background: transparent; }
    #summary, #heading, #footer { height: 1; }
    #page { height: 1fr; }
    #events { height: 6; }
    #ask { display: none; height: 1; border: none; padding: 0; background: transparent; }
    """
    ENABLE_COMMAND_PALETTE = False
    AUTO_FOCUS = None  # the keys are for the page, not for the filter
    BINDINGS: ClassVar[list[BindingType]] = KEYS

    def __init__(
        self,
        view: View,
        clock: Clock,
        *,
        wants: Callable[[str], bool] | None = None,
        wanted: Filter | None = None,
        interval: float = 1.0,
    ) -> None:
        super().__init__(ansi_color=True)
        self._view = view
        self._interval = interval
        self.watching = Watching(view, Desk(clock, self._has_come), wants, wanted, interval)
        self._event_rows = 0  # which of `_EVENT_ROWS`
        self._question: tuple[str, Callable[[], str]] | None = None
        self._notice: Line = ()
        self._before = ""  # the filter that another is being written in place of

    # -------------------------------------------------------------------------------- painting

    def compose(self) -> ComposeResult:
        for name in ("summary", "heading", "page", "events", "footer"):
            yield Pane(id=name)
        yield Input(id="ask", placeholder="mystic-*  status:down  cpu>80  mem>1GB", compact=True)

    def on_mount(self) -> None:
        end_by_signal(self.exit)
        self.set_interval(self._interval, self.beat)
        self.set_interval(0.1, self._first_rows, repeat=20)
        self.call_after_refresh(self.beat)

    def on_resize(self) -> None:
        self.call_after_refresh(self.beat)

    def beat(self) -> None:
        """Paint what there is to see now."""
        self._view.look()
        watching, columns = self.watching, self.size.width
        self._pane("summary").show_lines([cells.cut(watching.summary(), columns)])
        table = self._pane("page")
        page = watching.page(columns - 1, table.size.height)
        self._pane("heading").show_lines([page.heading])
        table.show(page.rows, page.make, page.chosen)
        events = self._pane("events")
        events.display = not watching.is_helping and _EVENT_ROWS[self._event_rows] > 0
        if events.display:
            events.show_lines(watching.events(columns - 1))
            events.reveal_end()
        self._pane("footer").show_lines([cells.cut(self._footer(), columns)])

    def _first_rows(self) -> None:
        if not self.watching.rows:
            self.beat()

    def _has_come(self) -> None:
        if self.is_running:
            self.call_from_thread(self.beat)

    def _footer(self) -> Line:
        if self._question is not None:
            return ((f" {self._question[0]}  y: yes, any other key: no", "alarm"),)
        return self._notice or self.watching.footer()

    def _pane(self, name: str) -> Pane:
        return self.query_one(f"#{name}", Pane)

    # ------------------------------------------------------------------------------------ keys

    def on_key(self, event: Key) -> None:
        """Take the answer to a question, and what is typed ahead."""
        box = self.query_one("#ask", Input)
        if box.display:
            # Whoever types fast has written on before Textual knew where it goes: it comes here then.
            if event.is_printable and event.character:
                event.prevent_default().stop()
                box.insert_text_at_cursor(event.character)
            elif event.key == "enter":
                event.prevent_default().stop()
                self._close(box)
        elif self._question is not None:
            event.stop()
            event.prevent_default()
            _, act = self._question
            self._question = None
            if event.key == "y":
                self._act(act)
            self.beat()
        elif self._notice:
            self._notice = ()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Let no key do anything else while a question is open, or a filter is written."""
        del parameters
        if self._question is not None:
            return False
        if self.query_one("#ask", Input).display:
            return action in ("leave", "quit")
        if self.watching.is_helping:
            return action in ("help", "leave", "move", "open", "end", "quit")
        return True

    def action_end(self) -> None:
        """Leave the help, or the program."""
        if self.watching.is_helping:
            self.action_leave()
        else:
            self.exit()

    def action_help(self) -> None:
        self.watching.is_helping = not self.watching.is_helping
        self.beat()

    def action_leave(self) -> None:
        box = self.query_one("#ask", Input)
        if box.display:  # what was written is given up
            self.watching.wanted = parse(self._before, None)
            self._close(box)
            return
        self.watching.back()
        self.beat()

    def action_open(self, tab: str | None = None) -> None:
        if self.watching.is_helping:
            self.watching.back()
        else:
            self.watching.open(tab)
        self.beat()

    def action_move(self, by: int) -> None:
        if self.watching.is_helping:
            self.watching.back()
        self.watching.move(by)
        self.beat()
        table = self._pane("page")
        if table.chosen is not None:
            table.reveal(table.chosen)

    def action_page(self, by: int) -> None:
        self.action_move(by * max(self._pane("page").size.height - 1, 1))

    def action_sort(self, step: int) -> None:
        self.watching.sort(step)
        self.beat()

    def action_reverse(self) -> None:
        self.watching.reverse()
        self.beat()

    def action_pause(self) -> None:
        self.watching.pause()
        self.beat()

    def action_tab(self, number: int) -> None:
        at = (TABS.index(self.watching.tab) + 1) % len(TABS) if number < 0 else number
        self.watching.turn_to(TABS[at])
        self.beat()

    def action_reach(self, step: int) -> None:
        self.watching.reach(step)
        self.beat()

    def action_fold(self) -> None:
        self.watching.fold()
        self.beat()

    def action_fold_all(self) -> None:
        self.watching.fold_all()
        self.beat()

    def action_events(self) -> None:
        self._event_rows = (self._event_rows + 1) % len(_EVENT_ROWS)
        self._pane("events").styles.height = _EVENT_ROWS[self._event_rows]
        self.call_after_refresh(self.beat)

    def on_pane_chosen(self, message: Pane.Chosen) -> None:
        if message.pane.id == "page":
            self.watching.point_at(message.row, message.column, self.size.width - 1)
            if message.is_again:
                self.watching.open()
        elif message.pane.id == "heading":
            self.watching.press(message.column, self.size.width - 1)
        self.beat()

    # ---------------------------------------------------------------------------------- filter

    def action_filter(self) -> None:
        box = self.query_one("#ask", Input)
        self._before = box.value = self.watching.wanted.text
        box.display = True
        self.screen.set_focus(box)  # at once: `focus` would let the keys that come next go to the page

    def on_input_changed(self, message: Input.Changed) -> None:
        try:
            self.watching.wanted = parse(message.value, metrics_of(self._view.nodes()))
            self._notice = ()
        except BadFilter as error:
            self._notice = ((f" character {error.at + 1}: {clean(error.problem)}", "down"),)
        if message.input.display:
            self.beat()

    def on_input_submitted(self, message: Input.Submitted) -> None:
        self._close(message.input)

    def _close(self, box: Input) -> None:
        box.display = False
        self._notice = ()
        self.set_focus(None)
        self.beat()

    # --------------------------------------------------------------------------------- actions

    def action_collect_garbage(self) -> None:
        node = self.watching.opened or self.watching.chosen
        if node is not None:
            self._ask(
                f"Collect garbage on {clean(node)}? It stops for the time that takes.", lambda: self._gc(node)
            )

    def action_crash(self) -> None:
        node, process = self.watching.opened, self.watching.process
        if node is not None and process is not None:
            self._ask(
                f"Crash {clean(process)} on {clean(node)}?",
                lambda: f"{self._view.crash(node, process)} was told to crash",
            )

    def _gc(self, node: str) -> str:
        receipt = self._view.collect_garbage(node)
        freed = max(receipt["rss_before"] - receipt["rss_after"], 0)
        collected = sum(receipt["collected"])
        return (
            f"{node}: {collected} objects collected, {cells.size(freed).strip()} freed, "
            f"stopped for {receipt['pause'] * 1000:.1f} ms"
        )

    def _ask(self, question: str, act: Callable[[], str]) -> None:
        self._question = (question, act)
        self.beat()

    def _act(self, act: Callable[[], str]) -> None:
        """Do it on a thread of its own, and say what came of it."""

        def run() -> None:
            try:
                self._notice = ((f" {clean(act())}", "up"),)
            except EyeError as error:
                self._notice = ((f" {clean(str(error))}", "down"),)
            self._has_come()

        self._notice = ((" …", "dim"),)
        threading.Thread(target=run, name="eye-observe-act", daemon=True).start()
