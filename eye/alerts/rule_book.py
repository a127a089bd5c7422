"""The rules that are asked now, and the file they are from: read again when somebody has changed it.

It outlives the process that asks them. What there is to decide, `look` does: a file that is another than at the
last look may be half written, so it is read when it has been the same at two looks. One that cannot be used
changes nothing, and is told of once; the next change is a new chance.

    it is as it was when it was read ......... nothing
    it is another than at the last look ...... wait
    it is another, and was so at the last .... read it
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from eye.alerts import rule_file
from eye.alerts.news import RulesChanged
from eye.errors import EyeError

if TYPE_CHECKING:
    from collections.abc import Callable

    from eye.alerts.rules import RuleSet, Stamp

logger = logging.getLogger("eye.alerts")


class Watched(NamedTuple):
    """What is known of a file: how it was when it was read, and at the last look. None is: it was not there."""

    read: Stamp | None
    seen: Stamp | None


def look(watched: Watched, stamp: Stamp | None) -> tuple[Watched, bool]:
    """Decide whether a file is to be read, which is like that now."""
    if stamp == watched.read or stamp != watched.seen:
        return Watched(watched.read, stamp), False
    return Watched(stamp, stamp), True


class RuleBook:
    """The rules of now. Used by one process at a time."""

    def __init__(self, rules: RuleSet) -> None:
        """Rules that know their file (`rule_file.load`) are read again when that changes."""
        self.rules = rules
        origin = rules.origin
        self._watched = None if origin is None else Watched(origin.stamp, origin.stamp)
        self._trouble: str | None = None

    def reread(self, use: Callable[[RuleSet], None]) -> RulesChanged | None:
        """Look whether the file has changed, and have other rules used; answer what there is to tell.

        Args:
            use: makes what other rules need. What it raises (`EyeError`) counts as a mistake of the file.
        """
        if self._watched is None or self.rules.origin is None:
            return None
        path = Path(self.rules.origin.path)
        self._watched, is_due = look(self._watched, rule_file.stamp_of(path))
        return self._read(path, use) if is_due else None

    def _read(self, path: Path, use: Callable[[RuleSet], None]) -> RulesChanged | None:
        try:
            rules = rule_file.load(path).without(self.rules.left_out)
            is_other = rules != self.rules
            if is_other:
                use(rules)
        except EyeError as error:
            return self._tell_trouble(path, str(error).removeprefix(f"{path}: "))
        self.rules = rules
        if self._trouble is None and not is_other:
            return None  # it was only touched
        self._trouble = None
        asked = len(rules.rules)
        logger.warning("%s has changed: %d rule%s asked now", path, asked, " is" if asked == 1 else "s are")
        return RulesChanged(str(path), asked, None)

    def _tell_trouble(self, path: Path, trouble: str) -> RulesChanged | None:
        if trouble == self._trouble:
            return None
        self._trouble = trouble
        logger.error("%s has changed, and cannot be used; the rules of before go on: %s", path, trouble)
        return RulesChanged(str(path), len(self.rules.rules), trouble)
