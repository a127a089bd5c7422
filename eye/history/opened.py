"""A database that is open: its engine, which file that is, and the numbers of the names in it.

What was found out about a file goes with it. Somebody who still has hold of one that was damaged, set aside or
removed meanwhile must not take the new one for it, nor the numbers of its names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from sqlalchemy import Connection, Engine, Table

_AT_ONCE = 500  # names in one statement


class Opened:
    """What an `SqlStore` has open. The numbers are for the thread that writes."""

    def __init__(self, engine: Engine, file: tuple[int, int] | None) -> None:
        """`file` is the identity of the file; None if it is none."""
        self.engine, self.file = engine, file
        self._numbers: dict[str, dict[str, int]] = {}  # by the tables' names

    def numbers(self, connection: Connection, table: Table, names: Collection[str]) -> dict[str, int]:
        """Answer the numbers of names, and of others; give numbers to those that have none."""
        known = self._numbers.setdefault(table.name, {})
        unknown = sorted(name for name in names if name not in known)
        unknown = _look_up(connection, table, unknown, known)
        if not unknown:
            return known
        insert: Any
        if connection.dialect.name == "sqlite":
            from sqlalchemy.dialects.sqlite import insert
        else:
            from sqlalchemy.dialects.postgresql import insert
        # Only those that are missing: PostgreSQL uses a number up for each, also where there is a conflict.
        connection.execute(insert(table).on_conflict_do_nothing(), [{"name": name} for name in unknown])
        _look_up(connection, table, unknown, known)
        return known

    def forget(self) -> None:
        """Forget the numbers: those that were given in a transaction that failed are not there."""
        self._numbers.clear()


def _look_up(connection: Connection, table: Table, names: Sequence[str], known: dict[str, int]) -> list[str]:
    """Get to know the numbers of names that have one; answer the others."""
    for some in pieces(names):
        found = select(table.c.name, table.c.id).where(table.c.name.in_(some))
        known.update((name, number) for name, number in connection.execute(found))
    return [name for name in names if name not in known]


def pieces(names: Sequence[str]) -> Iterator[Sequence[str]]:
    """Cut names into as many as one statement takes."""
    for begin in range(0, len(names), _AT_ONCE):
        yield names[begin : begin + _AT_ONCE]
