"""Where the database is, how it is spoken to, and what is wrong with it, in words.

    history = off                                   nothing is kept
    (nothing said)                                  SQLite, in the user's data folder
    /var/lib/eye.sqlite3, sqlite:////var/lib/…      SQLite, elsewhere
    postgresql://user:password@host/database        PostgreSQL, by psycopg 3

SQLite is told to write ahead (WAL), so that reading never waits for writing, and with `synchronous=NORMAL` to let
a power cut take the last seconds rather than wait for the disk each time; a crash of the program alone takes
nothing that was committed, and neither can spoil the file.
"""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eye.errors import ConfigError, HistoryOff, HistoryUnusable
from eye.history.aside import is_there

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import URL, Engine

OFF = "off"
_FILE = "history.sqlite3"
_SQLITE, _POSTGRES = "sqlite", "postgresql"
_LOCKED_FOR = 1.0  # seconds that a statement waits for another writer of the file
_CONNECT = 3  # seconds that PostgreSQL has to answer
_STATEMENT = 15_000  # milliseconds that it has for one statement
_PAGE = 4096  # bytes: of a stretch of some kB all pages but one are full; of larger ones half would be empty

_MISSING = "it needs SQLAlchemy; pip install 'sorcerers-eye[history]'"
_MISSING_DRIVER = "PostgreSQL needs psycopg; pip install 'sorcerers-eye[postgres]'"


def default_file(environ: Mapping[str, str]) -> Path:
    """Say where this user's history is: in `$XDG_DATA_HOME`, or in `~/.local/share`."""
    configured = environ.get("XDG_DATA_HOME", "")
    if os.path.isabs(configured):  # the XDG specification says that a relative path is to be ignored
        return Path(configured, "sorcerers_eye", _FILE)
    home = environ.get("HOME") or os.path.expanduser("~")
    if not os.path.isabs(home):
        raise HistoryOff("this user has no home folder to keep it in; name a database with --history")
    return Path(home, ".local", "share", "sorcerers_eye", _FILE)


def check(text: str) -> str:
    """Refuse what names no database that we know; answer the text.

    Raises:
        ConfigError: says what is allowed.
    """
    scheme, colon, rest = text.partition("://")
    if text == OFF or (text and not colon):
        return text
    if scheme.partition("+")[0] not in (_SQLITE, _POSTGRES, "postgres") or not rest:
        raise ConfigError(
            "history must be off, a file, sqlite:///FILE or postgresql://USER@HOST/DATABASE, "
            f"not {_hidden(text)!r}"
        )
    return text


def _hidden(text: str) -> str:
    """Leave a password out of a text that may have one."""
    scheme, colon, rest = text.partition("://")
    who, at, where = rest.rpartition("@")
    return f"{scheme}{colon}{who.partition(':')[0]}:***@{where}" if at and ":" in who else text


def place_of(text: str) -> str:
    """Say for people where that is; without a password."""
    scheme, colon, rest = text.partition("://")
    return rest.removeprefix("/") if colon and scheme.startswith(_SQLITE) else _hidden(text)


def what_is_missing(text: str) -> str | None:
    """Say what has to be installed for a history there, without loading any of it; None if all is there."""
    if find_spec("sqlalchemy") is None:
        return _MISSING
    return _MISSING_DRIVER if text.startswith("postgres") and find_spec("psycopg") is None else None


def url_of(text: str) -> URL:
    """Make of a text that was checked what SQLAlchemy calls a URL.

    Raises:
        HistoryOff: SQLAlchemy, or what speaks to PostgreSQL, is not installed. ConfigError: it is no URL.
    """
    check(text)
    if (missing := what_is_missing(text)) is not None:
        raise HistoryOff(missing)
    import sqlalchemy

    if "://" not in text:
        return sqlalchemy.URL.create(_SQLITE, database=os.path.abspath(os.path.expanduser(text)))
    try:
        url = sqlalchemy.make_url(text)
    except (sqlalchemy.exc.ArgumentError, ValueError):
        raise ConfigError(f"history: {_hidden(text)!r} is no URL of a database") from None
    if url.drivername.partition("+")[0] == _SQLITE:
        if not url.database or url.database == ":memory:":
            raise ConfigError("history: sqlite:///FILE needs the name of a file")
        return sqlalchemy.URL.create(_SQLITE, database=os.path.abspath(url.database))
    return url.set(drivername=f"{_POSTGRES}+psycopg")


def prepare(file: Path, *, must_exist: bool) -> None:
    """Make an empty file, and its folder, where there is none.

    Raises:
        HistoryUnusable: the folder cannot be made, or the file should be there and is not.
    """
    if must_exist:
        if not is_there(file):
            raise HistoryUnusable(str(file), "there is no such file; nothing has been kept there yet")
        return
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        said = (error.strerror or str(error)).lower()
        raise HistoryUnusable(str(file), f"its folder cannot be made: {said}") from None
    if not is_there(file):
        try:
            os.close(os.open(file, os.O_CREAT | os.O_WRONLY, 0o600))  # nobody else's business
        except OSError:
            pass  # SQLite will find the same, and say so


def make_engine(url: URL, *, only_reads: bool = False) -> Engine:
    """Make an engine. Connections are made when they are used, not already now.

    Of a file that is only read nothing is changed, not even how it is kept: it may be another program's.
    Of its transactions, those with the execution option `writes` take SQLite's lock at once: one that began
    by reading could find at its first writing that it is too late for that, and no waiting would help.
    """
    import sqlalchemy
    from sqlalchemy import event

    if url.drivername != _SQLITE:
        arguments: dict[str, Any] = {
            "connect_timeout": _CONNECT,
            "options": f"-c statement_timeout={_STATEMENT}",
            "tcp_user_timeout": _STATEMENT,
            "application_name": "sorcerers_eye",
        }
        return sqlalchemy.create_engine(url, pool_pre_ping=True, pool_size=2, connect_args=arguments)
    engine = sqlalchemy.create_engine(url, pool_size=2, connect_args={"timeout": _LOCKED_FOR})

    @event.listens_for(engine, "connect")
    def set_up(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # Python's own way would begin transactions, and end them, by itself
        if only_reads:
            return
        try:
            if connection.execute("PRAGMA page_count").fetchone() == (0,):  # of no use later, but they would write
                connection.execute(f"PRAGMA page_size={_PAGE}")
                connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=NORMAL")
        except BaseException:
            connection.close()  # the pool does not: it has not heard of it yet
            raise

    @event.listens_for(engine, "begin")
    def begin(connection: Any) -> None:
        writes = connection.get_execution_options().get("writes")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine
