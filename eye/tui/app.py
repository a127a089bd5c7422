"""`sorcerers_eye observe`: the part that knows Textual. What is on the screen, `watching` knows."""

from __future__ import annotations

import threading
from concurrent.futures import CancelledError
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.app import App
from textual.widgets import Input

from eye.errors import EyeError
from eye.metrics.custom import metrics_of
from eye.tui import alerts_page, cells, deeds, hints
from eye.tui.ask_line import AskLine
from eye.tui.canvas import UPPER, Canvas
from eye.tui.desk import Desk
from eye.tui.keys import KEYS
from eye.tui.pane import Pane
from eye.tui.talk import Talk
from eye.tui.watching import PAST, Start, Watching

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.app import ComposeResult
    from textual.binding import BindingType

    from eye.clock import Clock
    from eye.metrics.filters import Filter
    from eye.monitor.view import View
    from eye.tui.cells import Line
    from eye.tui.ending import Ending


class Observe(App[int]):
    """The live view of a cluster, as `view` knows it."""

    CSS = """
    Screen { background: transparent; }
    #page { height: 1fr; }
    #ask { display: none; height: 1; border: none; padding: 0; background: transparent; }
    """
    TITLE = "Sorcerer's Eye"
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
        start: Start = Start(),  # noqa: B008  it never changes
        rings: bool = False,
        ending: Ending | None = None,
    ) -> None:
        """`rings` lets the terminal ring its bell for a new alert; `ending` may end it from outside."""
        super().__init__(ansi_color=True)
        self._view = view
        self._interval = interval
        self._ending = ending
        self.watching = Watching(view, Desk(clock, self._has_come), wants, wanted, interval, start)
        self.canvas = Canvas(self._pane)
        self._talk = Talk()
        self._bell = alerts_page.Bell(rings)

    # -------------------------------------------------------------------------------- painting

    def compose(self) -> ComposeResult:
        for name in UPPER:
            yield Pane(id=name)
        yield AskLine(id="ask")
        yield Pane(id="footer")

    def on_mount(self) -> None:
        if self._ending is not None:
            self._ending.begin(self.exit)
        self.set_interval(self._interval, self.beat)
        self.set_interval(0.1, self._first_rows, repeat=20)
        self.app_resume_signal.subscribe(
            self, lambda _app: self.screen.refresh()
        )  # all of it is to be painted again
        self.call_after_refresh(self.beat)

    def on_resize(self) -> None:
        self.call_after_refresh(self.beat)

    def beat(self) -> None:
        """Paint what there is to see now."""
        self.watching.look()
        columns, height = self.size
        lines = self.canvas.paint(self.watching, columns, height, self._footer(columns))
        self._view.look(nodes=self.watching.visible(self.canvas.page.first, lines))
        if self._bell.is_due(self._view.alerts()):
            self.bell()

    def _first_rows(self) -> None:
        if not self.watching.table.rows:
            self.beat()

    def _has_come(self) -> None:
        try:
            if self.is_running:
                self.call_from_thread(self.beat)
        except (RuntimeError, CancelledError):
            if self.is_running:
                raise

    def _footer(self, columns: int) -> list[Line]:
        if lines := self._talk.lines(columns):
            return lines
        if (ask := self.query_one("#ask", AskLine)).display:
            return [ask.hint(columns)]
        return [cells.cut(hints.footer("actions") if self._talk.is_choosing else self.watching.footer(), columns)]

    def _pane(self, name: str) -> Pane:
        return self.query_one(f"#{name}", Pane)

    # ------------------------------------------------------------------------------------ keys

    def on_key(self, event: events.Key) -> None:
        """Take the answer to a question, and what is typed ahead."""
        box = self.query_one("#ask", AskLine)
        if box.display:
            # Whoever types fast has written on before Textual knew where it goes: it comes here then.
            if event.is_printable and event.character:
                event.prevent_default().stop()
                box.insert_text_at_cursor(event.character)
            elif event.key == "enter":
                event.prevent_default().stop()
                self._keep(box)
        elif self._talk.is_asking:
            event.prevent_default().stop()
            if (act := self._talk.answer(event.key)) is not None:
                self._act(act)
            self.beat()
        else:
            self._talk.heard()
            self._talk.is_choosing = self._talk.is_choosing and event.key == "escape"

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Let no key do anything else while a question is open, or a filter is written."""
        del parameters
        if action in ("quit", "suspend_process"):
            return True
        if self._talk.is_asking:
            return False
        if self.query_one("#ask", AskLine).display:
            return action == "leave"
        if self.watching.is_helping:
            return action in ("help", "leave", "move", "open", "end")
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
        box = self.query_one("#ask", AskLine)
        if box.display:  # what was written is given up
            box.give_up()
            self._close(box)
            return
        if self._talk.is_choosing:
            self._talk.is_choosing = False
        else:
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
        table = self.canvas.page
        if table.chosen is not None:
            table.reveal(table.chosen)
        else:
            table.scroll_to(y=table.first + by, animate=False, force=True)

    def action_page(self, by: int) -> None:
        self.action_move(by * max(self.canvas.page.size.height - 1, 1))

    def action_watch(self, what: str, *given: object) -> None:
        """Have `watching` do what a key is for."""
        getattr(self.watching, what)(*given)
        self.beat()

    def action_wider(self, step: int) -> None:
        """In graphs: reach back further, or less far; in a tree: fold and unfold."""
        refusal = self.watching.wider(step)
        if refusal is not None:
            self._talk.say(refusal, "suspect")
        self.beat()

    def action_events(self) -> None:
        self.canvas.next_log()
        self.beat()

    def on_pane_chosen(self, message: Pane.Chosen) -> None:
        """Take a click: what it means depends on where it was."""
        self._talk.heard()
        watching, where, x = self.watching, message.pane.id, message.column
        if where == "page":
            watching.point_at(message.row)
            if message.is_again:
                watching.open()
        elif where == "tabs":
            watching.press_tabs(x)
        elif where == "heading":
            watching.press_heading(x, self.size.width - 1)
        elif where == "slider":
            watching.scene.press_slider(x, self.size.width)
        elif where == "rule":
            self.canvas.next_log()
        self.beat()

    # ---------------------------------------------------------------------------------- filter

    def action_filter(self) -> None:
        """Have a filter for the nodes written; in a node, a search."""
        box, watching = self.query_one("#ask", AskLine), self.watching
        if watching.opened is None:
            own = lambda: metrics_of(self._view.nodes())  # noqa: E731
            box.open_for_filter(watching.table.wanted, watching.take_filter, own)
        else:
            box.open_for_search(watching.node_pages.search, watching.node_pages.look_for)
        self.screen.set_focus(box)  # at once: `focus` would let the keys that come next go to the page
        self.beat()

    def on_input_changed(self, message: Input.Changed) -> None:
        if isinstance(message.input, AskLine) and message.input.display:
            message.input.take(message.value)
            self.beat()

    async def on_event(self, event: events.Event) -> None:
        """Take Enter, for the line in which something is written, here: what is typed after it is for the page.

        The line would be told of it by a message, and be gone only by the next: keys that came at once with Enter
        would have been written into it.
        """
        is_enter = isinstance(event, events.Key) and event.key == "enter"
        if is_enter and isinstance(box := self.focused, AskLine):
            await box.settled()
            self._keep(box)
        else:
            await super().on_event(event)

    def _keep(self, box: AskLine) -> None:
        box.take(box.value)  # of which not all may have been told yet
        self._close(box)

    def _close(self, box: AskLine) -> None:
        box.display = False
        self.set_focus(None)
        self.beat()

    # --------------------------------------------------------------------------------- actions

    def action_actions(self) -> None:
        self._talk.is_choosing = True
        self.beat()

    def action_state(self) -> None:
        """Ask a process for its state, which does no harm."""
        if self.watching.scene.at is not None:
            self._talk.say(PAST, "suspect")
        elif self.watching.opened is not None:
            self.watching.node_pages.look_closely(asks_for_state=True)
        self.beat()

    def action_do(self, name: str) -> None:
        """Do something to a node or a process; ask first where it can do harm."""
        what, why_not = self.watching.aim(name)
        if what is None:
            self._talk.say(why_not, "suspect")
        else:
            deed, node, process = what
            question = deeds.question(deed, node, process, self.size.width)
            if question is None:
                self._act(lambda: deed.act(self._view, node, process))
            else:
                self._talk.ask(question, lambda: deed.act(self._view, node, process))
        self.beat()

    def _act(self, act: Callable[[], str]) -> None:
        """Do it on a thread of its own, and say what came of it."""

        def run() -> None:
            try:
                self._talk.say(act(), "up")
            except (EyeError, LookupError, ValueError, TimeoutError) as error:  # these arrive as themselves
                self._talk.say(str(error), "down")
            self._has_come()

        self._talk.say("…", "dim")
        threading.Thread(target=run, name="eye-observe-act", daemon=True).start()
