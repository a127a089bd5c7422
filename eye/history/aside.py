"""Setting a damaged file aside: it gets another name, with what belongs to it, and nothing is deleted.

Several programs may find the damage at the same moment. The first one moves the file; the others find, under
the lock, that the file is no longer the one they had opened, or is gone.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_PARTS = ("-wal", "-shm")  # what SQLite keeps beside the file
_ENDINGS = (".sqlite3", ".sqlite", ".db")
_MAGIC = b"SQLite format 3\0"


def identity(file: Path) -> tuple[int, int] | None:
    """Tell a file from another of the same name; None if there is none."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def is_there(file: Path) -> bool:
    """Tell whether there may be such a file. In a folder that shows nothing there may: who opens it will learn."""
    try:
        file.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True


def may_be_database(file: Path) -> bool:
    """Tell a database that may be damaged from a file of another kind: by its name, or by how it begins."""
    if file.suffix in _ENDINGS:
        return True
    try:
        with file.open("rb") as opened:
            return opened.read(len(_MAGIC)) == _MAGIC
    except OSError:
        return False


def set_aside(file: Path, damaged: tuple[int, int] | None, now: float) -> Path | None:
    """Move a file out of the way; answer where it is now, None if the damaged one is no longer there.

    Raises:
        OSError: it cannot be moved.
    """
    with _Lock(file):
        if damaged is None or identity(file) != damaged:
            return None
        stamp = datetime.fromtimestamp(now, UTC).strftime("%Y%m%d-%H%M%S")
        target = file.with_name(f"{file.name}.damaged-{stamp}")
        number = 1
        while target.exists():
            number += 1
            target = file.with_name(f"{file.name}.damaged-{stamp}-{number}")
        for part in _PARTS:
            beside = file.with_name(file.name + part)
            if beside.exists():
                beside.rename(target.with_name(target.name + part))
        return file.rename(target)


class _Lock:
    """Held by one program at a time: the file beside the file. On systems without `flock` by nobody."""

    def __init__(self, file: Path) -> None:
        self._path = file.with_name(f"{file.name}.lock")

    def __enter__(self) -> None:
        self._held = self._path.open("w")
        try:
            import fcntl

            fcntl.flock(self._held, fcntl.LOCK_EX)
        except ImportError:
            pass

    def __exit__(self, *_: object) -> None:
        self._held.close()
