"""The line in which a filter or a search is written. What is written counts at once; Esc takes it back."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from textual.widgets import Input

from eye.errors import BadFilter
from eye.metrics.filters import parse
from eye.tui import hints

if TYPE_CHECKING:
    from collections.abc import Callable

    from eye.metrics.catalogue import Metric
    from eye.metrics.filters import Filter
    from eye.tui.cells import Line


class AskLine(Input):
    """An input that is there while something is written into it."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id, select_on_focus=False)  # what was typed ahead would be overwritten
        self._take: Callable[[str], None] = lambda _text: None
        self._before = ""  # what another is being written in place of
        self._problem: BadFilter | None = None

    def open_for_filter(
        self, now: Filter, take: Callable[[Filter], None], own: Callable[[], tuple[Metric, ...]]
    ) -> None:
        """Have a filter written, and hand on each that can be understood; `own` names what programs tell."""

        def understand(text: str) -> None:
            self._problem = None
            try:
                take(parse(text, own()))
            except BadFilter as error:
                self._problem = error

        self._open("mystic-*  status:down  cpu>80  mem>1GB", now.text, understand)

    def open_for_search(self, now: str, take: Callable[[str], None]) -> None:
        """Have a text written that is looked for."""
        self._open("a part of a process's name", now, take)

    def _open(self, example: str, text: str, take: Callable[[str], None]) -> None:
        self.placeholder, self._take, self._before, self._problem = example, take, text, None
        self.value = text
        self.cursor_position = len(text)
        self.display = True

    async def settled(self) -> None:
        """Wait until everything that was typed so far stands in the line."""
        done = asyncio.Event()
        self.call_later(done.set)  # its turn comes after the keys that it has been sent
        await done.wait()

    def take(self, text: str) -> None:
        """Hand on what was written so far."""
        self._take(text)

    def give_up(self) -> None:
        """Let it be as it was before."""
        self._take(self._before)

    def hint(self, columns: int) -> Line:
        """Write the line below: what is wrong, and where; or the keys."""
        if self._problem is not None:
            return hints.pointing(self._problem.at, self._problem.problem, columns)
        return hints.footer("filter")
