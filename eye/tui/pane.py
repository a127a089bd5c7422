"""The one widget that paints: lines with roles, of which only those that changed are painted again.

Textual's line API asks for single lines; its DataTable lays a whole table out anew at each change (4.7 CPU-seconds
a minute for 100 rows at 1 Hz, where this takes a tenth). A pane is told how many lines there are and how to make
one, and makes those that can be seen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from eye.tui.cells import Line, plain

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from textual.events import Click

STYLES = {
    "text": Style(),
    "dim": Style(dim=True),
    "title": Style(bold=True),
    "sorted": Style(bold=True, underline=True),
    "up": Style(color="green"),
    "suspect": Style(color="yellow"),
    "down": Style(color="red", bold=True),
    "connecting": Style(color="cyan"),
    "warn": Style(color="yellow"),
    "alarm": Style(color="red", bold=True),
    "key": Style(color="cyan", bold=True),
    "chart": Style(color="green"),
    "bar": Style(reverse=True),
}
"""How each role looks. Only the sixteen colours that a terminal's user has chosen."""

_CHOSEN = Style(reverse=True)


class Pane(ScrollView, can_focus=False):
    """Lines that scroll, one of which may be chosen."""

    DEFAULT_CSS = "Pane { scrollbar-size-horizontal: 0; scrollbar-size-vertical: 1; background: transparent; }"

    class Chosen(Message):
        """A line was clicked, in that column; `is_again` says that it was chosen already."""

        def __init__(self, pane: Pane, row: int, column: int, is_again: bool) -> None:
            super().__init__()
            self.pane, self.row, self.column, self.is_again = pane, row, column, is_again

        @property
        def control(self) -> Pane:
            return self.pane

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._count = 0
        self._make: Callable[[int], Line] = lambda _row: ()
        self._painted: dict[int, tuple[Line, bool]] = {}
        self.chosen: int | None = None

    def show(
        self, count: int, make: Callable[[int], Line], chosen: int | None = None, *, sticks: bool = False
    ) -> None:
        """Show so many lines; `make` gives one by its number. What is seen and differs is painted again.

        One that `sticks` to its end goes on to show it when lines are added, unless somebody has scrolled away.
        """
        was_at_end = self.first + self.size.height >= self._count
        if count != self._count:
            self._count = count
            self.virtual_size = Size(self.size.width, count)
        self._make = make
        self.chosen = chosen
        if sticks and was_at_end:
            self.reveal_end()
        first = self.first
        painted = self._painted
        self._painted = {}
        for row in range(first, first + self.size.height):
            now = self._line(row)
            if painted.get(row) != now:
                self.refresh_line(row)
            self._painted[row] = now

    def show_lines(self, lines: Sequence[Line], chosen: int | None = None) -> None:
        """Show these lines."""
        self.show(len(lines), lambda row: lines[row] if row < len(lines) else (), chosen)

    def show_all(self, lines: Sequence[Line]) -> None:
        """Show these lines, and be as high as they are many; with none, take no room at all."""
        self.display = bool(lines)
        if lines:
            self.styles.height = len(lines)
        self.show_lines(lines)

    @property
    def first(self) -> int:
        """The first line that is seen."""
        return int(self.scroll_offset.y)

    def reveal(self, row: int) -> None:
        """Scroll as far as needed for a line to be seen."""
        top, height = int(self.scroll_offset.y), max(self.size.height, 1)
        if row < top:
            self.scroll_to(y=row, animate=False, force=True)
        elif row >= top + height:
            self.scroll_to(y=row - height + 1, animate=False, force=True)

    def reveal_end(self) -> None:
        """Scroll to the last line."""
        self.scroll_to(y=max(self._count - self.size.height, 0), animate=False, force=True)

    def text(self) -> str:
        """Read everything, without roles: for tests."""
        return "\n".join(plain(self._make(row)) for row in range(self._count))

    def render_line(self, y: int) -> Strip:
        row = y + int(self.scroll_offset.y)
        line, is_chosen = self._line(row)
        self._painted[row] = line, is_chosen
        if is_chosen:  # in one colour: reversed, each role would be a patch of its own
            return Strip([Segment(plain(line))]).adjust_cell_length(self.size.width).apply_style(_CHOSEN)
        segments = [Segment(text, STYLES.get(role, STYLES["text"])) for text, role in line]
        return Strip(segments).adjust_cell_length(self.size.width)

    def on_click(self, event: Click) -> None:
        row = event.y + int(self.scroll_offset.y)
        if row < self._count:
            self.post_message(self.Chosen(self, row, event.x, is_again=row == self.chosen))

    def _line(self, row: int) -> tuple[Line, bool]:
        return (self._make(row) if row < self._count else ()), row == self.chosen
