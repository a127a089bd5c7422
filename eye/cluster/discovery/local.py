"""Nodes of this user on this machine find each other in a folder, without any option.

Each node keeps one small file there, and keeps it locked (`flock`) for as long as it lives. The kernel
lets go of the lock when the process ends, however it ends, so a file without a lock is one of a node
that died; no pid has to be trusted. The file is locked before it gets its name, so that nobody ever sees
a live node's file unlocked, or half of it.

    <folder>/mystic-node-1.4f2a9c1b00aa11bb     name and digest of the cookie
    (the folder itself is locked by whoever adds or removes, for a moment)

The folder must be ours alone: a stranger who could write there could have us dial anywhere.
"""

from __future__ import annotations

import fcntl
import os
import stat
import threading
import weakref
from typing import TYPE_CHECKING

import msgspec

from eye.errors import FolderUnusable, NameTaken

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from eye.cluster.node import NodeInfo

_LARGEST = 4096  # bytes of a file
_LOCK_TRIES, _LOCK_WAIT = 200, 0.01  # times, seconds


class Entry(msgspec.Struct, frozen=True):
    """What a node has left in the folder.

    `cookie_digest` tells whether it has our cookie; `is_alive` whether it lives. `touched_at` is when it
    last looked into the folder, in UTC seconds by this machine's clock: about when it died, if it did.
    """

    name: str
    address: str
    boot: str
    started_at: float
    pid: int
    cookie_digest: str
    is_alive: bool = False
    touched_at: float = 0.0


def default_folder(environ: Mapping[str, str], uid: int, temp: str | Path = "/tmp") -> Path:
    """Say where the nodes of this user meet: `$XDG_RUNTIME_DIR/sorcerers_eye`, or a folder in `temp`."""
    from pathlib import Path  # it costs a short-lived command 5 ms, and only here

    runtime = environ.get("XDG_RUNTIME_DIR", "")
    if os.path.isabs(runtime) and os.path.isdir(runtime):
        return Path(runtime, "sorcerers_eye")
    return Path(environ.get("TMPDIR") or temp, f"sorcerers_eye-{uid}")


def read_all(folder: Path) -> list[Entry]:
    """Read everything in the folder, of the living and the dead, by name. Changes nothing.

    Raises:
        FolderUnusable: when the folder is not ours alone. One that does not exist is just empty.
    """
    try:
        _check(folder)
        names = sorted(name for name in os.listdir(folder) if not name.startswith("."))
    except FileNotFoundError:
        return []
    except OSError as error:
        raise FolderUnusable(str(folder), f"cannot be read: {error.strerror}") from None
    entries = (_read(os.path.join(folder, name)) for name in names)
    return [entry for entry in entries if entry is not None]


class LocalDiscovery:
    """Finds the nodes of this user on this machine that have the same cookie.

    Raises:
        FolderUnusable: when the folder cannot be made, or is not ours alone.
    """

    def __init__(self, folder: Path, cookie_digest: str) -> None:
        self._folder, self._digest = folder, cookie_digest
        self._info: NodeInfo | None = None
        self._path: Path | None = None
        self._held: int | None = None  # the descriptor that holds our lock
        _make(folder)
        _holders.add(self)

    def __str__(self) -> str:
        return f"local discovery in {self._folder}"

    def announce(self, info: NodeInfo) -> None:
        """Put our file into the folder, in place of one that an earlier life has left.

        Raises:
            NameTaken: when a live node of this name and cookie is there.
        """
        self._info = info
        path = self._folder / f"{info.name}.{self._digest}"
        content = msgspec.json.encode(
            Entry(info.name, info.address, info.boot, info.started_at, os.getpid(), self._digest)
        )
        with _changing(self._folder):
            there = _read(str(path))
            if there is not None and there.is_alive and there.boot != info.boot:
                raise NameTaken(info.name, there.address)
            before, self._held = self._held, _place(path, content)
        if before is not None:
            os.close(before)
        if self._path is not None and self._path != path:
            self._path.unlink(missing_ok=True)
        self._path = path

    def find(self) -> frozenset[str]:
        """Give the addresses of the others; remove what dead nodes have left."""
        if self._held is not None:
            os.utime(self._held)  # still alive, for whoever finds our file when we are not
        if self._info is not None and self._path is not None and not self._path.exists():
            self.announce(self._info)  # somebody has tidied up
        entries = read_all(self._folder)
        if not all(entry.is_alive for entry in entries):
            self._bury()
        ours = self._path.name if self._path else None
        return frozenset(
            entry.address
            for entry in entries
            if entry.is_alive and entry.cookie_digest == self._digest and _file_name(entry) != ours
        )

    def withdraw(self) -> None:
        """Take our file away."""
        self._info = None
        if self._path is not None:
            self._path.unlink(missing_ok=True)
            self._path = None
        if self._held is not None:
            os.close(self._held)
            self._held = None

    def _bury(self) -> None:
        with _changing(self._folder):
            for entry in read_all(self._folder):
                if not entry.is_alive:
                    (self._folder / _file_name(entry)).unlink(missing_ok=True)


def _file_name(entry: Entry) -> str:
    return f"{entry.name}.{entry.cookie_digest}"


def _make(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _check(folder)
    except OSError as error:
        raise FolderUnusable(str(folder), f"cannot be made: {error.strerror}") from None


def _check(folder: Path) -> None:
    found = os.lstat(folder)  # a link could lead into a folder of ours that is not meant for this
    if not stat.S_ISDIR(found.st_mode):
        raise FolderUnusable(str(folder), "is not a folder")
    if found.st_uid != os.geteuid():
        raise FolderUnusable(str(folder), f"belongs to another user (uid {found.st_uid})")
    if found.st_mode & 0o022:
        raise FolderUnusable(str(folder), f"can be written by others; run: chmod 700 {folder}")


def _read(path: str) -> Entry | None:
    """Read one file and see whether its node lives; None if it is gone, or is no node's file."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        touched_at = os.fstat(descriptor).st_mtime
        entry = msgspec.json.decode(os.read(descriptor, _LARGEST), type=Entry)
        # Lookers share the lock, so they never take each other for a live node.
        is_alive = not _lock(descriptor, fcntl.LOCK_SH)
    except (OSError, ValueError):
        return None
    finally:
        os.close(descriptor)
    if os.path.basename(path) != _file_name(entry):
        return None
    return msgspec.structs.replace(entry, is_alive=is_alive, touched_at=touched_at)


def _place(path: Path, content: bytes) -> int:
    """Put a locked file with that content at that path, all at once. The caller is `_changing` the folder."""
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    aside.unlink(missing_ok=True)
    descriptor = os.open(aside, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        _lock(descriptor, fcntl.LOCK_EX)
        os.write(descriptor, content)
        os.rename(aside, path)
    except BaseException:
        os.close(descriptor)
        aside.unlink(missing_ok=True)
        raise
    return descriptor


def _lock(descriptor: int, how: int) -> bool:
    try:
        fcntl.flock(descriptor, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


class _changing:
    """Hold the folder's lock: one at a time adds or removes files."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __enter__(self) -> None:
        _make(self._folder)
        # The folder itself is the lock: no file of its own is left behind.
        self._descriptor = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | os.O_NOFOLLOW)
        pause = threading.Event()
        # It is held for a moment only; who holds it longer is stopped (SIGSTOP), and we do not wait for that.
        for _ in range(_LOCK_TRIES):
            if _lock(self._descriptor, fcntl.LOCK_EX):
                return
            pause.wait(_LOCK_WAIT)
        os.close(self._descriptor)
        raise FolderUnusable(str(self._folder), "is locked by another process, which does not go on")

    def __exit__(self, *raised: object) -> None:
        os.close(self._descriptor)


# A process that was forked (not started anew) shares our lock, and would keep it when we die.
_holders: weakref.WeakSet[LocalDiscovery] = weakref.WeakSet()


def _let_go_in_the_child() -> None:
    for holder in list(_holders):
        if holder._held is not None:
            os.close(holder._held)
            holder._held = holder._path = None


os.register_at_fork(after_in_child=_let_go_in_the_child)
