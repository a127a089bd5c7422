"""A database that is open: its engine, which file that is, and the numbers of the names in it.

What was found out about a file goes with it. Somebody who still has hold of one that was damaged, set aside or
removed meanwhile must not take the new one for it, nor the numbers of its names.
"""

from __future__ import annotations

import logging
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from eye.history.schema import metrics
from eye.history.store import MOST_METRICS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from sqlalchemy import Connection, Engine, Table

logger = logging.getLogger("eye.history")

_AT_ONCE = 500  # names in one statement


class Opened:
    """What an `SqlStore` has open. The numbers are for the thread that writes."""

    def __init__(self, engine: Engine, file: tuple[int, int] | None, place: str) -> None:
        """`file` is the identity of the file, None if it is none; `place` is what it is called."""
        self.engine, self.file = engine, file
        self._place = place
        self._numbers: dict[str, dict[str, int]] = {}  # by the tables' names
        self._refused: frozenset[str] = frozenset()  # metrics for which there was no room
        self._is_told = False
        self._lock = threading.Lock()
        self._users, self._is_over = 0, False

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Keep it open meanwhile, whoever lets go of it."""
        with self._lock:
            self._users += 1
        try:
            yield
        finally:
            with self._lock:
                self._users -= 1
            self._dispose_when_free()

    def let_go(self) -> None:
        """Close it, as soon as nobody uses it: what is used then the pool would never close."""
        self._is_over = True
        self._dispose_when_free()

    def _dispose_when_free(self) -> None:
        with self._lock:
            is_free = self._is_over and not self._users
        if is_free:
            self.engine.dispose()

    def numbers(self, connection: Connection, table: Table, names: Collection[str]) -> dict[str, int]:
        """Answer the numbers of names, and of others; give numbers to those that have none, if there is room."""
        known = self._numbers.setdefault(table.name, {})
        unknown = sorted(name for name in names if name not in known)
        if table is metrics and self._refused.issuperset(unknown):
            return known
        unknown = _look_up(connection, table, unknown, known)
        if table is metrics and unknown:
            unknown = self._that_have_room(connection, unknown)
        if not unknown:
            return known
        # Only those that are missing: PostgreSQL uses a number up for each, also where there is a conflict.
        insert_missing(connection, table, [{"name": name} for name in unknown])
        _look_up(connection, table, unknown, known)
        return known

    def _that_have_room(self, connection: Connection, new: list[str]) -> list[str]:
        there = connection.execute(select(func.count()).select_from(metrics)).scalar_one()
        room = max(MOST_METRICS - there, 0)
        if len(new) > room:
            self._refused = frozenset(new[room:])  # they are not looked up again with each batch
            if not self._is_told:
                self._is_told = True
                logger.warning(
                    "the history at %s knows %d names of metrics, and takes no more: %r and other new ones are "
                    "left out. Names are for what stays the same; to begin anew, name another with --history",
                    self._place, MOST_METRICS, new[room],
                )  # fmt: skip
        return new[:room]

    def forget(self, table: Table | None = None) -> None:
        """Forget the numbers, of one table or all: those of a transaction that failed, say, are not there."""
        if table is not None:
            self._numbers.pop(table.name, None)
            return
        self._numbers.clear()
        self._refused = frozenset()


def _look_up(connection: Connection, table: Table, names: Sequence[str], known: dict[str, int]) -> list[str]:
    """Get to know the numbers of names that have one; answer the others."""
    for some in pieces(names):
        found = select(table.c.name, table.c.id).where(table.c.name.in_(some))
        known.update((name, number) for name, number in connection.execute(found))
    return [name for name in names if name not in known]


def insert_missing(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """Insert rows, but for those that somebody else has inserted meanwhile."""
    insert: Any
    if connection.dialect.name == "sqlite":
        from sqlalchemy.dialects.sqlite import insert
    else:
        from sqlalchemy.dialects.postgresql import insert
    connection.execute(insert(table).on_conflict_do_nothing(), rows)


def pieces(names: Sequence[str]) -> Iterator[Sequence[str]]:
    """Cut names into as many as one statement takes."""
    for begin in range(0, len(names), _AT_ONCE):
        yield names[begin : begin + _AT_ONCE]
