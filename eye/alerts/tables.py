"""Reading the tables of a TOML file, value by value, and noting each mistake with its place."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from eye.alerts.places import Path, Places


class Tables:
    """The content of one file. `problems` are what is wrong with it, as `BadRules` tells them."""

    def __init__(self, content: dict[str, Any], places: Places) -> None:
        self.content, self._places = content, places
        self.problems: list[tuple[int, int, str, str]] = []

    def tables(self, key: str) -> dict[str, dict[str, Any]]:
        """Take the tables of a kind, `[key.NAME]`, by their names."""
        tables = self.content.get(key, {})
        if not isinstance(tables, dict):
            self.bad((key,), f"tables are expected: [{key}.NAME]")
            return {}
        for name, table in tables.items():
            if not isinstance(table, dict):
                self.bad((key, name), f"a table is expected: [{key}.{name}]")
        return {name: table for name, table in tables.items() if isinstance(table, dict)}

    def text(self, path: Path, table: dict[str, Any], key: str) -> str | None:
        """Take a text; None where there is none."""
        value = table.get(key)
        if value is None or isinstance(value, str):
            return value
        self.bad((*path, key), "a text in quotes is expected", in_value=True)
        return None

    def yes(self, path: Path, table: dict[str, Any], key: str, usual: bool) -> bool:
        """Take a yes or no."""
        value = table.get(key, usual)
        if not isinstance(value, bool):
            self.bad((*path, key), "true or false is expected", in_value=True)
        return bool(value)

    def one_of(self, path: Path, table: dict[str, Any], key: str, those: tuple[str, ...], usual: str) -> str:
        """Take one of several words."""
        value = table.get(key, usual)
        if value not in those:
            self.bad((*path, key), f"{key} is one of {', '.join(those)}, not {value!r}", in_value=True)
            return usual
        return str(value)

    def check_keys(self, path: Path, table: dict[str, Any], known: tuple[str, ...]) -> None:
        """Refuse what is not known here."""
        for key in table:
            if key not in known:
                close = get_close_matches(key, known, n=1)
                hint = f"; did you mean {close[0]!r}?" if close else f"; there are: {', '.join(known)}"
                self.bad((*path, key), f"there is no setting {key!r} here{hint}")

    def bad(self, path: Path, problem: str, *, in_value: bool = False, at: int | None = None) -> None:
        """Note a mistake: of a key, or in its value, there at the character `at` of a text."""
        place = self._places.of(path)
        column = place.value if in_value else place.column
        if at is not None:
            column += 1 + at  # after the quote
        self.problems.append((place.line, column, self._places.line(place.line), problem))
