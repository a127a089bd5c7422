"""A history in a database: SQLite or PostgreSQL, by SQLAlchemy Core.

What is written goes into the journal, what is read comes from the stretches and from what is still in the
journal, and `sql_tidy` carries one into the other. A file that turns out to be damaged is set aside under another
name, and a new one begun: what was is not thrown away, and what comes is kept.
"""

from __future__ import annotations

import logging
import math
import os
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import or_, select
from sqlalchemy.exc import SQLAlchemyError

from eye.errors import HistoryUnusable
from eye.history import schema
from eye.history.aside import identity, may_be_database, set_aside
from eye.history.batches import NODE, Line, pack_batch, pack_points
from eye.history.database import make_engine, prepare
from eye.history.opened import Opened, pieces
from eye.history.retention import HOUR, Keep, Kind, window_of
from eye.history.schema import SQUAD, journal, metrics, nodes, stretches
from eye.history.sql_reading import Reading
from eye.history.sql_tidy import Tidier
from eye.history.troubles import Trouble, sentence, trouble

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from sqlalchemy import URL, Connection, Engine

    from eye.history.store import Filling, Past, Row

logger = logging.getLogger("eye.history")


class SqlStore:
    """A `Store` in the database at a URL."""

    def __init__(
        self, url: URL, now: Callable[[], float], keep: Keep | None = None, *, must_exist: bool = False
    ) -> None:
        """Connect to nothing yet.

        Args:
            now: tells the time, which becomes part of the name of a file that is set aside.
            keep: how long what is kept; `Keep()` unless told otherwise.
            must_exist: whether a file that is not there is trouble, rather than made.
        """
        self._url = url
        self._now = now
        self._must_exist = must_exist
        self._opened: Opened | None = None
        self._opening = threading.Lock()
        self._tidier = Tidier(keep or Keep(), self._nodes_gone)

    @property
    def place(self) -> str:
        if self._file is not None:
            return str(self._file)
        return self._url.set(drivername="postgresql").render_as_string(hide_password=True)

    @property
    def _file(self) -> Path | None:
        return Path(str(self._url.database)) if self._url.drivername == "sqlite" else None

    # ------------------------------------------------------------------- opening and closing

    def open(self) -> None:
        self._open()

    def _open(self) -> Opened:
        with self._opening:
            if self._opened is not None:
                return self._opened
            if self._file is not None:
                prepare(self._file, must_exist=self._must_exist)
            engine = make_engine(self._url, only_reads=self._must_exist)
            which = None if self._file is None else identity(self._file)
            try:
                with engine.begin() as connection:
                    version = schema.version(connection)
                    is_up_to_date = version == schema.VERSION
                if version is None and self._must_exist:  # a reader makes no tables in what may be somebody else's
                    raise HistoryUnusable(self.place, "it holds no history; nothing has been kept there yet")
                if not is_up_to_date:  # only then is there something to write, which a reader may not be able to
                    with engine.execution_options(writes=True).begin() as connection:
                        schema.bring_up_to_date(connection, self.place)
            except SQLAlchemyError as error:
                engine.dispose()
                raise self._unusable(error, which) from None
            except BaseException:
                engine.dispose()
                raise
            if which is None and self._file is not None:
                which = identity(self._file)
            self._opened = Opened(engine, which, self.place)
            return self._opened

    def close(self) -> None:
        with self._opening:
            opened, self._opened = self._opened, None
        if opened is not None:
            opened.let_go()

    def _let_go(self, opened: Opened) -> None:
        """Close what is of no use any more, unless somebody has, and perhaps opened another."""
        with self._opening:
            if self._opened is opened:
                self._opened = None
        opened.let_go()

    def _unusable(self, error: SQLAlchemyError, which: tuple[int, int] | None) -> HistoryUnusable:
        """Say what is wrong; set the file aside that is damaged, if that is still where it was."""
        if (
            trouble(error) is Trouble.NO_PLACE
            and self._file is not None
            and not os.access(self._file.parent, os.W_OK)
        ):
            # SQLite only says that it cannot open the file, or one of those that it keeps beside it.
            if self._must_exist:
                needs = "its folder lets nobody write, and SQLite does even to read; copy it to another"
                return HistoryUnusable(self.place, needs)
            return HistoryUnusable(self.place, Trouble.READ_ONLY.value)
        if trouble(error) is Trouble.CORRUPT and self._must_exist:
            return HistoryUnusable(
                self.place, f"{sentence(error)}, or it is no database; name another, or move it out of the way"
            )
        if trouble(error) is not Trouble.CORRUPT or self._file is None:
            return HistoryUnusable(self.place, sentence(error))
        if not may_be_database(self._file):  # somebody's own file, named by mistake
            return HistoryUnusable(self.place, "it is no SQLite database; name another, or move it out of the way")
        try:
            moved = set_aside(self._file, which, self._now())
        except OSError as problem:
            said = (problem.strerror or str(problem)).lower()
            return HistoryUnusable(self.place, f"{sentence(error)}, and it cannot be set aside: {said}")
        kept = f"it is kept as {moved.name}, and a new one is begun" if moved else "a new one was begun meanwhile"
        return HistoryUnusable(self.place, f"{sentence(error)}; {kept}")

    def _is_elsewhere(self, opened: Opened) -> bool:
        """Tell whether the file that is open has lost its name: what is written there, nobody finds again."""
        if self._file is None or self._must_exist or opened.file is None:
            return False
        return identity(self._file) != opened.file

    def _mode(self, engine: Engine, writes: bool) -> Engine:
        """Choose how a transaction goes. Who reads has to see one moment: packing moves things between tables."""
        if writes or self._file is not None:
            return engine.execution_options(writes=writes)
        return engine.execution_options(isolation_level="REPEATABLE READ")

    @contextmanager
    def _connection(self, *, writes: bool = False) -> Iterator[Connection]:
        with self._transaction(writes=writes) as (connection, _):
            yield connection

    @contextmanager
    def _transaction(self, *, writes: bool = True) -> Iterator[tuple[Connection, Opened]]:
        opened = self._opened
        if opened is not None and self._is_elsewhere(opened):
            logger.warning("the history's file %s was removed, or moved away; a new one is begun", self.place)
            self._let_go(opened)
            opened = None
        opened = opened or self._open()
        try:
            with opened.in_use(), self._mode(opened.engine, writes).begin() as connection:
                yield connection, opened
        except SQLAlchemyError as error:
            if writes:
                opened.forget()
            if trouble(error) is Trouble.CORRUPT and self._file is not None:
                self._let_go(opened)
            raise self._unusable(error, opened.file) from None

    # ------------------------------------------------------------------------------ writing

    def claim(self, writer: str, names: Collection[str], now: float, seconds: float) -> frozenset[str]:
        if not names:
            return frozenset()
        mine: set[str] = set()
        with self._transaction() as (connection, opened):
            opened.forget(nodes)  # another program may have forgotten one, and given its number to another
            opened.numbers(connection, nodes, names)
            for some in pieces(sorted(names)):
                is_free = or_(nodes.c.writer == writer, nodes.c.writer.is_(None), nodes.c.claimed_until < now)
                claimed = {"writer": writer, "claimed_until": now + seconds}
                update = nodes.update().where(nodes.c.name.in_(some), is_free).values(claimed)
                if connection.execute(update).rowcount == len(some):  # as a rule
                    mine |= set(some)
                    continue
                found = select(nodes.c.name).where(nodes.c.name.in_(some), nodes.c.writer == writer)
                mine |= set(connection.execute(found).scalars())
        return frozenset(mine)

    def release(self, writer: str) -> None:
        with self._connection(writes=True) as connection:
            gone = {"writer": None, "claimed_until": 0.0}
            connection.execute(nodes.update().where(nodes.c.writer == writer).values(gone))

    def write(self, rows: Sequence[Row], fillings: Sequence[Filling] = ()) -> None:
        if not rows and not fillings:
            return
        of_nodes = {row.node for row in rows} | {one.node for one in fillings}
        of_metrics = {name for row in rows for name in row.figures} | {
            name for one in fillings for name in one.points
        }
        with self._transaction() as (connection, opened):
            numbers = _Numbers(
                opened.numbers(connection, nodes, of_nodes), opened.numbers(connection, metrics, of_metrics)
            )
            if rows:
                connection.execute(journal.insert(), _batches(rows, numbers))
            if fillings:
                connection.execute(stretches.insert(), _filled(fillings, numbers))

    def describe(self, units: Mapping[str, str]) -> None:
        with self._transaction() as (connection, opened):
            opened.numbers(connection, metrics, units.keys())
            for name, unit in units.items():
                connection.execute(metrics.update().where(metrics.c.name == name).values(unit=unit[:20]))

    def tidy(self, now: float, passed: float = math.inf) -> bool:
        return self._tidier.step(self._connection, now, passed)

    def _nodes_gone(self) -> None:
        opened = self._opened
        if opened is not None:
            opened.forget(nodes)

    # ------------------------------------------------------------------------------ reading

    def nodes(self) -> tuple[str, ...]:
        with self._connection() as connection:
            return Reading(connection).nodes()

    def metrics(self) -> dict[str, str]:
        with self._connection() as connection:
            found = connection.execute(select(metrics.c.name, metrics.c.unit).order_by(metrics.c.name))
            return {name: unit for name, unit in sorted(found)}  # noqa: C416 - typed so

    def last(self, names: Collection[str], since: float) -> dict[str, float]:
        with self._connection() as connection:
            return Reading(connection).last(names, since)

    def read(self, node: str, names: Sequence[str], *, since: float, until: float, step: float) -> Past:
        with self._connection() as connection:
            return Reading(connection).read(node, names, since=since, until=until, step=step)


class _Numbers(NamedTuple):
    """What a batch needs: the numbers of nodes and of metrics."""

    nodes: Mapping[str, int]
    metrics: Mapping[str, int]


def _batches(rows: Sequence[Row], of: _Numbers) -> list[dict[str, Any]]:
    squads: dict[int, list[Line]] = {}
    numbers: dict[tuple[str, ...], tuple[int, ...]] = {}  # of the metrics of a row: most have the same
    for row in rows:
        node, names = of.nodes[row.node], tuple(row.figures)
        if names not in numbers:
            numbers[names] = tuple(min(of.metrics.get(name, NODE), NODE) for name in names)
        line = Line(node, round(row.at * 1000), numbers[names], tuple(row.figures.values()))
        squads.setdefault(node // SQUAD, []).append(line)
    return [{"squad": squad, **pack_batch(lines)._asdict()} for squad, lines in squads.items()]


def _filled(fillings: Sequence[Filling], of: _Numbers) -> list[dict[str, Any]]:
    by_hour: dict[tuple[int, float], list[Any]] = {}
    for one in sorted(fillings, key=lambda filling: filling.at):
        numbered = ((of.metrics.get(name, NODE), point) for name, point in one.points.items())
        points = {number: point for number, point in numbered if number < NODE}
        of_hour = by_hour.setdefault((of.nodes[one.node], window_of(one.at, HOUR)), [])
        of_hour.append((round(one.at * 1000), points))
    kind = Kind.YOUNG_MINUTES.value
    return [{"kind": kind, "node": node, **pack_points(them)._asdict()} for (node, _), them in by_hour.items()]
