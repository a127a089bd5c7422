"""How far something is, on stderr, where that is a terminal: one line that is written over, gone at the end."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType

_WIDTH = 24  # characters of the bar
_GONE = "\r\x1b[K"


def bar(done: int, of: int, width: int = _WIDTH) -> str:
    """Draw a bar that is as full as `done` of `of`."""
    full = width if of <= 0 else min(done * width // of, width)
    return "█" * full + "░" * (width - full)


class Progress:
    """A bar on stderr. Where that is no terminal, or there is little to do, it is silent.

    with Progress("collecting", of=40) as progress:
        progress.step()
    """

    FEW = 5
    """So many are done before anybody has read a bar."""

    def __init__(self, what: str, of: int) -> None:
        self._what, self._of, self._done = what, of, 0
        self._is_shown = (
            of > self.FEW and sys.stderr is not None and sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
        )

    def step(self) -> None:
        """One more is done."""
        self._done += 1
        self._draw()

    def hide(self) -> None:
        """Make room for a line of something else; the next step draws the bar below it."""
        if self._is_shown:
            sys.stderr.write(_GONE)
            sys.stderr.flush()

    def _draw(self) -> None:
        if self._is_shown:
            sys.stderr.write(f"{_GONE}{self._what} {bar(self._done, self._of)} {self._done}/{self._of}")
            sys.stderr.flush()

    def __enter__(self) -> Progress:
        self._draw()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.hide()
