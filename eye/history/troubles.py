"""What is wrong with a database, from the error that its driver gave: which of a few kinds it is, and a sentence.

Whoever runs the monitor wants to know what to do, not what SQLite calls it; each sentence says that. All
but the corrupt file is expected to pass, and is tried again.
"""

from __future__ import annotations

import sqlite3
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy.exc import SQLAlchemyError


class Trouble(Enum):
    """What it is."""

    LOCKED = "another program holds it locked"
    FULL = "its disk is full"
    READ_ONLY = "it cannot be written: the file, its folder or its disk is read-only"
    NO_PLACE = "its file cannot be opened or made there"
    DISK = "its disk fails"
    CORRUPT = "its file is damaged"
    GONE = "the database server does not answer, or ended the connection"
    REFUSED = "the database server lets nobody in with that name and password, or has no such database"
    OTHER = "the database refused"


_OF_SQLITE = {  # the primary codes of https://sqlite.org/rescode.html
    sqlite3.SQLITE_BUSY: Trouble.LOCKED,
    sqlite3.SQLITE_LOCKED: Trouble.LOCKED,
    sqlite3.SQLITE_FULL: Trouble.FULL,
    sqlite3.SQLITE_READONLY: Trouble.READ_ONLY,
    sqlite3.SQLITE_PERM: Trouble.READ_ONLY,
    sqlite3.SQLITE_CANTOPEN: Trouble.NO_PLACE,
    sqlite3.SQLITE_IOERR: Trouble.DISK,
    sqlite3.SQLITE_CORRUPT: Trouble.CORRUPT,
    sqlite3.SQLITE_NOTADB: Trouble.CORRUPT,
}

_OF_POSTGRES = {  # classes and codes of https://www.postgresql.org/docs/15/errcodes-appendix.html
    "08": Trouble.GONE,
    "57": Trouble.GONE,
    "28": Trouble.REFUSED,
    "3D": Trouble.REFUSED,
    "25006": Trouble.READ_ONLY,
    "53100": Trouble.FULL,
    "55P03": Trouble.LOCKED,
    "40": Trouble.LOCKED,
}

_SAY_MORE = (Trouble.OTHER, Trouble.NO_PLACE, Trouble.DISK, Trouble.GONE, Trouble.REFUSED)


def trouble(error: SQLAlchemyError) -> Trouble:
    """Say what kind of trouble an error is about."""
    cause = getattr(error, "orig", None)
    if isinstance(cause, sqlite3.Error):
        code = getattr(cause, "sqlite_errorcode", None)
        if code is None:
            return Trouble.OTHER
        # Of a folder that lets nothing be made in it, SQLite can only say that it cannot open the file.
        return _OF_SQLITE.get(code & 0xFF, Trouble.OTHER)
    state = getattr(cause, "sqlstate", None) or ""
    if state:
        return _OF_POSTGRES.get(state) or _OF_POSTGRES.get(state[:2], Trouble.OTHER)
    said = str(cause or error).lower()
    if cause is not None and any(one in said for one in ("password", "role", "does not exist", "no pg_hba")):
        return Trouble.REFUSED
    return Trouble.GONE if cause is not None or getattr(error, "connection_invalidated", False) else Trouble.OTHER


def sentence(error: SQLAlchemyError) -> str:
    """Say it in words, in one line."""
    what = trouble(error)
    cause = str(getattr(error, "orig", None) or error).strip().splitlines()
    more = f" ({cause[0].strip().rstrip('.')})" if what in _SAY_MORE and cause else ""
    return f"{what.value}{more}"
