"""What the screen says to a person in its last lines, and asks: a sentence, a question, or which deed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eye.tui import cells

if TYPE_CHECKING:
    from collections.abc import Callable

    from eye.tui.cells import Line


class Talk:
    """What is being said or asked just now. A question goes before a sentence."""

    def __init__(self) -> None:
        self._question: tuple[str, Callable[[], str]] | None = None
        self._said: tuple[str, str] | None = None  # a sentence, and its role
        self.is_choosing = False
        """Whether the keys of what can be done are shown."""

    @property
    def is_asking(self) -> bool:
        return self._question is not None

    def ask(self, question: str, act: Callable[[], str]) -> None:
        """Ask whether something is to be done."""
        self._question = question, act

    def answer(self, key: str) -> Callable[[], str] | None:
        """Take the key that answers; give what is to be done, if it is."""
        question, self._question = self._question, None
        return question[1] if question is not None and key == "y" else None

    def say(self, sentence: str, role: str) -> None:
        """Say something until the next key."""
        self._said = sentence, role

    def heard(self) -> None:
        """Say it no more: a key was pressed."""
        self._said = None

    def lines(self, columns: int) -> list[Line]:
        """Write what is asked, else what is said; nothing if neither is."""
        if self._question is not None:
            keys = "  y: yes, any other key: no"
            has_room = columns >= 2 * len(keys)
            asked = cells.wrap(self._question[0], columns - len(keys) if has_room else columns)
            lines: list[Line] = [((line, "alarm"),) for line in asked[:-1]]
            if not has_room:
                return [*lines, ((asked[-1], "alarm"),), cells.cut(((keys.strip(), "key"),), columns)]
            return [*lines, ((asked[-1], "alarm"), (keys, "key"))]
        if self._said is not None:
            return [((line, self._said[1]),) for line in cells.wrap(self._said[0], columns)]
        return []
