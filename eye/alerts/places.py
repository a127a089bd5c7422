"""Where in a TOML file a value stands: a mistake is to be pointed at, and a parser forgets the places.

It goes by lines: headings, and keys with what follows them. A value that it does not find (in an inline table,
say) is placed where its table or its key is. It need not be right to be useful, and it is never relied on.
"""

from __future__ import annotations

import re
import tomllib
from typing import Any, NamedTuple

_HEADING = re.compile(r"\s*(\[\[?)\s*(.+?)\s*\]\]?\s*(#.*)?$")
_KEY = re.compile(
    r"""\s*((?:"[^"]*"|'[^']*'|[A-Za-z0-9_-]+)(?:\s*\.\s*(?:"[^"]*"|'[^']*'|[A-Za-z0-9_-]+))*)\s*=\s*"""
)

Path = tuple[str | int, ...]


class Place(NamedTuple):
    """A line and a column, both from 1 on; `value` is the column where the value of a key begins."""

    line: int
    column: int
    value: int


class Places:
    """The places of one file."""

    def __init__(self, text: str) -> None:
        self._lines = text.splitlines() or [""]
        self._found: dict[Path, Place] = {(): Place(1, 1, 1)}
        table: Path = ()
        counts: dict[Path, int] = {}
        for number, line in enumerate(self._lines, 1):
            if heading := _HEADING.match(line):
                table = _path(heading[2])
                if heading[1] == "[[":
                    counts[table] = counts.get(table, -1) + 1
                    table = (*table, counts[table])
                self._put(table, Place(number, heading.start(1) + 1, heading.start(1) + 1))
            elif key := _KEY.match(line):
                self._put((*table, *_path(key[1])), Place(number, key.start(1) + 1, key.end() + 1))

    def _put(self, path: Path, place: Place) -> None:
        self._found.setdefault(path, place)

    def of(self, path: Path) -> Place:
        """Find where a value stands, or what it is in."""
        while path not in self._found:
            path = path[:-1]
        return self._found[path]

    def line(self, number: int) -> str:
        """Give the text of a line; of one beyond the end, an empty one."""
        return self._lines[number - 1] if number <= len(self._lines) else ""


def _path(key: str) -> Path:
    try:
        nested: Any = tomllib.loads(f"{key} = 1")
    except tomllib.TOMLDecodeError:
        return (key,)
    found: list[str | int] = []
    while isinstance(nested, dict):
        name, nested = next(iter(nested.items()))
        found.append(name)
    return tuple(found)
