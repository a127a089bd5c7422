"""The tables of a history in a database, and how a database of an earlier version becomes one of this.

    meta       name, value                    the version of the schema
    nodes      id, name, writer, claimed_until    who writes it down, for now
    metrics    id, name, unit                 `host.cpu`; `custom.orders`, whose unit nobody else knows
    journal    squad, since, until, content   what was written lately: a row for a few nodes and a second or two
    stretches  kind, node, since, until, content   five minutes, an hour, a day of one node: see `retention.Kind`

Why not a row for each sample: 100 nodes at 1 Hz are 8.64 million of them a day, 41 bytes each with four fixed
columns (356 MB), 226 with the 34 metrics that there are, and there is no fixed list of columns. Why not pack at
once: what is in memory alone is lost with the process. So each batch is written as it comes, as one row for
each `SQUAD` nodes with all figures of theirs in it (`packing`), and minutes later packed again, node by node.
Measured: 32 bytes a sample in all, with its points and with what SQLite needs, so a day of those nodes is
264 MB, and 25 MB when the samples have gone; see `benchmarks/history.py`.

The same statements run on SQLite and PostgreSQL. A database of a later version is refused, never changed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    inspect,
    select,
    text,
)

from eye.errors import SchemaTooNew
from eye.history.store import LONGEST_NAME

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

VERSION = 2
"""Of the schema that is below."""

SQUAD = 16
"""Nodes whose figures of one moment are written side by side."""

_PREFIX = "eye_"  # in PostgreSQL there may be other tables beside ours
tables = MetaData()
_Id = Integer  # an INTEGER PRIMARY KEY is what SQLite counts up by itself

meta = Table(
    f"{_PREFIX}meta",
    tables,
    Column("name", String(40), primary_key=True),
    Column("value", Integer, nullable=False),
)

nodes = Table(
    f"{_PREFIX}nodes",
    tables,
    Column("id", _Id, primary_key=True),
    Column("name", String(LONGEST_NAME), nullable=False, unique=True),
    Column("writer", String(80)),
    Column("claimed_until", Float, nullable=False, server_default="0"),
)

metrics = Table(
    f"{_PREFIX}metrics",
    tables,
    Column("id", _Id, primary_key=True),
    Column("name", String(LONGEST_NAME), nullable=False, unique=True),
    Column("unit", String(20), nullable=False, server_default=""),
)

journal = Table(
    f"{_PREFIX}journal",
    tables,
    Column("id", _Id, primary_key=True),
    Column("squad", Integer, nullable=False),
    Column("since", BigInteger, nullable=False),  # milliseconds since 1970, as everywhere here
    Column("until", BigInteger, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Index(f"{_PREFIX}journal_by_time", "squad", "since"),
)

stretches = Table(
    f"{_PREFIX}stretches",
    tables,
    Column("id", _Id, primary_key=True),
    Column("kind", Integer, nullable=False),
    Column("node", Integer, nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("until", BigInteger, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Index(f"{_PREFIX}stretches_by_time", "kind", "node", "since", "until"),
)


def bring_up_to_date(connection: Connection, place: str) -> None:
    """Make the tables, or the changes that are missing, within the transaction of the connection.

    Raises:
        SchemaTooNew: the database is from a later version of this program.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(7305793)"))  # two that start at once take turns
    found = version(connection)
    if found is None:
        tables.create_all(connection)
        connection.execute(meta.insert().values(name="version", value=VERSION))
        return
    if found > VERSION:
        raise SchemaTooNew(place, found, VERSION)
    for step in range(found, VERSION):
        _CHANGES[step](connection)
    if found < VERSION:
        connection.execute(meta.update().where(meta.c.name == "version").values(value=VERSION))


def version(connection: Connection) -> int | None:
    """Answer the version of the schema that is there; None if there is none."""
    if not inspect(connection).has_table(meta.name):
        return None
    return connection.execute(select(meta.c.value).where(meta.c.name == "version")).scalar_one_or_none()


def _claims_and_units(connection: Connection) -> None:
    """From 1 to 2: a database may have several writers, of which each node has one; own figures have units."""
    connection.execute(text(f"ALTER TABLE {nodes.name} ADD COLUMN writer VARCHAR(80)"))
    connection.execute(text(f"ALTER TABLE {nodes.name} ADD COLUMN claimed_until FLOAT NOT NULL DEFAULT 0"))
    connection.execute(text(f"ALTER TABLE {metrics.name} ADD COLUMN unit VARCHAR(20) NOT NULL DEFAULT ''"))


_CHANGES: dict[int, Callable[[Connection], None]] = {1: _claims_and_units}
"""What leads from each version to the next."""
