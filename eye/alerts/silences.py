"""Silences: alerts that are known of, about which nobody is to be told until a certain time.

A silenced alert is seen on every screen and marked there; it is only not sent to the sinks. When its silence ends
and it still fires, it is told then.
"""

from __future__ import annotations

import json
import os
from contextlib import contextmanager
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

_MOST = 1000  # in one file


class Silence(NamedTuple):
    """Which rules at which nodes, by globs, until when (UTC seconds), why, and who said so."""

    rule: str
    node: str = "*"
    until: float = 0.0
    reason: str = ""
    by: str = ""

    def covers(self, rule: str, node: str, at: float) -> bool:
        """Whether nobody is to be told of that rule at that node, at the moment `at`."""
        return at < self.until and fnmatchcase(rule, self.rule) and fnmatchcase(node, self.node)


class SilenceFile:
    """The silences that were said at run time, in a file of this user: every node of theirs here heeds it.

    It is read again when it was written, by whomever. All methods may be called from any thread.
    """

    def __init__(self, path: Path | None) -> None:
        """`path` None keeps nothing."""
        self._path = path
        self._stamp: tuple[int, int] | None = None
        self._silences: tuple[Silence, ...] = ()

    def read(self) -> tuple[Silence, ...]:
        """Answer what the file says now; a file that cannot be read says nothing new."""
        if self._path is None:
            return self._silences
        try:
            stat = self._path.stat()
        except OSError:
            self._stamp, self._silences = None, ()
            return ()
        stamp = (stat.st_mtime_ns, stat.st_size)
        if stamp != self._stamp:
            found = _load(self._path)
            if found is not None:
                self._stamp, self._silences = stamp, found
        return self._silences

    def add(self, silence: Silence, at: float) -> None:
        """Say one more, in place of one of the same words; those that are over are thrown out.

        Raises:
            OSError: the file cannot be written.
        """
        with self._alone():
            self._write((*(one for one in self.read() if one[:2] != silence[:2] and one.until > at), silence))

    def lift(self, rule: str, node: str, at: float) -> int:
        """Take those of these words back; answer how many there were. Raises what `add` raises."""
        with self._alone():
            left = [one for one in self.read() if one.until > at]
            kept = [one for one in left if (one.rule, one.node) != (rule, node)]
            if len(kept) != len(left):
                self._write(kept)
            return len(left) - len(kept)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Let nobody else write between our reading and our writing; on systems without `flock` that may be."""
        if self._path is None:
            yield
            return
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self._path.with_name(f"{self._path.name}.lock").open("w") as held:
            try:
                import fcntl

                fcntl.flock(held, fcntl.LOCK_EX)
            except ImportError:
                pass
            yield

    def _write(self, silences: Iterable[Silence]) -> None:
        kept = tuple(silences)[-_MOST:]
        if self._path is None:
            self._silences = kept
            return
        beside = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        beside.write_text(json.dumps({"version": 1, "silences": [one._asdict() for one in kept]}, indent=1))
        beside.replace(self._path)


def _load(path: Path) -> tuple[Silence, ...] | None:
    try:
        content: Any = json.loads(path.read_text(encoding="utf-8"))
        return tuple(_silence(one) for one in content["silences"][-_MOST:])
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None  # not ours, or half of it: what was known still counts


def _silence(told: dict[str, Any]) -> Silence:
    return Silence(
        str(told["rule"]),
        str(told.get("node", "*")),
        float(told["until"]),
        str(told.get("reason", "")),
        str(told.get("by", "")),
    )
