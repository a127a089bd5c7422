"""Forgetting in the database what has had its time: stretches, then nodes of which nothing is left, then pages.

How far thinning has got is written down, so that a clock that is wrong at the start of a program is not believed
either: see `retention.forget_by`.
"""

from __future__ import annotations

import math
import sqlite3
from typing import TYPE_CHECKING, Any

from sqlalchemy import exists, select
from sqlalchemy.exc import DatabaseError

from eye.history.batches import last_of
from eye.history.opened import insert_missing
from eye.history.retention import DAY, Kind, forget_by
from eye.history.schema import SQUAD, journal, meta, nodes, stretches

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from contextlib import AbstractContextManager

    from sqlalchemy import Connection

    Connect = Callable[..., AbstractContextManager[Connection]]

_AT_ONCE = 200  # stretches deleted in one step
_PAGES = 256  # given back to the disk in one step, of 4 kB
_MANY_FREE = 1024
_NOTE_EVERY = 600.0  # seconds of thinning after which it is written down how far that has got
_UNIT = 60.0  # seconds: `meta` holds whole numbers, which PostgreSQL has 31 bits for
_THINNED = "thinned"
_LOOK_FOR_NODES = 3600.0  # seconds between two looks for nodes of which nothing is left


class Thinner:
    """Forgets, one step at a time."""

    def __init__(self, nodes_gone: Callable[[], None]) -> None:
        """`nodes_gone` is told when numbers of nodes are free again."""
        self._nodes_gone = nodes_gone
        self._thinned: float | None = None
        self._noted: float | None = None
        self._looked_for_nodes = -math.inf

    def reckon(self, connect: Connect, now: float, passed: float) -> float:
        """Answer how far thinning may go, after so many more seconds in which this program ran."""
        if self._thinned is None:
            with connect() as connection:
                found = select(meta.c.value).where(meta.c.name == _THINNED)
                noted = connection.execute(found).scalar_one_or_none()
            self._thinned = self._noted = None if noted is None else noted * _UNIT
        self._thinned = forget_by(self._thinned, now, passed)
        if self._noted is None or abs(self._thinned - self._noted) >= _NOTE_EVERY:
            self._note(connect, self._thinned)
        return self._thinned

    def _note(self, connect: Connect, thinned: float) -> None:
        value = {"value": int(thinned / _UNIT)}
        with connect(writes=True) as connection:
            known = connection.execute(meta.update().where(meta.c.name == _THINNED).values(value))
            if not known.rowcount:
                insert_missing(connection, meta, [{"name": _THINNED, **value}])
        self._noted = thinned

    def forget(self, connect: Connect, kind: Kind, before: float) -> bool:
        """Delete some stretches of one node whose time is over."""
        too_old = (stretches.c.kind == kind.value, stretches.c.since < before * 1000)
        with connect() as connection:
            has_some = exists().where(stretches.c.node == nodes.c.id, *too_old)
            node = connection.execute(select(nodes.c.id).where(has_some).limit(1)).scalar_one_or_none()
            if node is None:
                return False
            found = select(stretches.c.id).where(stretches.c.node == node, *too_old).limit(_AT_ONCE)
            numbers = list(connection.execute(found).scalars())
        with connect(writes=True) as connection:
            connection.execute(stretches.delete().where(stretches.c.id.in_(numbers)))
        return True

    def forget_nodes(self, connect: Connect, now: float) -> bool:
        """Delete some nodes that nobody claims and of which nothing is left. In a fleet names come and go."""
        if abs(now - self._looked_for_nodes) < _LOOK_FOR_NODES:
            return False
        # Its number is another's afterwards. Whoever writes of a node has claimed it some seconds before.
        kinds = [kind.value for kind in Kind]
        has_some = exists().where(stretches.c.kind.in_(kinds), stretches.c.node == nodes.c.id)
        empty = select(nodes.c.id).where(nodes.c.claimed_until < now - DAY, ~has_some).limit(_AT_ONCE)
        with connect() as connection:
            found = set(connection.execute(empty).scalars())
            found -= _in_journal(connection, found)
        if not found:
            self._looked_for_nodes = now
            return False
        with connect(writes=True) as connection:
            still_empty = (nodes.c.id.in_(found), nodes.c.claimed_until < now - DAY, ~has_some)
            gone = connection.execute(nodes.delete().where(*still_empty)).rowcount
        self._nodes_gone()
        return gone > 0

    def give_back(self, connect: Connect) -> bool:
        """Give some free pages back to the disk, where there are many; PostgreSQL sees to it itself."""
        with connect() as connection:
            if connection.dialect.name != "sqlite":
                return False
            free = connection.exec_driver_sql("PRAGMA freelist_count").scalar_one()
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        if free < _MANY_FREE or free < pages / 4:
            return False
        with connect(writes=True) as connection:
            # One page is given back with each row of the result, and only `executescript` goes through all of
            # them. It ends the transaction first; what it does is one of its own.
            raw: Any = connection.connection.driver_connection
            script = f"PRAGMA incremental_vacuum({_PAGES})"
            try:
                raw.executescript(script)
            except sqlite3.Error as error:  # past SQLAlchemy, which would have made one of its own of it
                raise DatabaseError(script, None, error) from error
        return True


def _in_journal(connection: Connection, numbers: Collection[int]) -> set[int]:
    """Answer of which of these nodes something waits in the journal."""
    there: set[int] = set()
    squads = {number // SQUAD for number in numbers}
    for content in connection.execute(select(journal.c.content).where(journal.c.squad.in_(squads))).scalars():
        there |= last_of(content).keys()
    return there
