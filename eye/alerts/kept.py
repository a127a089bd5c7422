"""What one life of a program tells the next of its alerts: a small file, written only when something changed."""

from __future__ import annotations

import json
import logging
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from eye.alerts.ledger import Ledger
    from eye.alerts.rules import Rule
    from eye.clock import Clock

logger = logging.getLogger("eye.alerts")


class Kept:
    """The file of one node. That it cannot be read or written is told once, and costs nothing else."""

    def __init__(self, path: Path | None, ledger: Ledger, clock: Clock) -> None:
        """`path` None keeps nothing."""
        self._path, self._ledger, self._clock = path, ledger, clock
        self._is_told = False

    def restore(self, rules: tuple[Rule, ...]) -> None:
        """Have the ledger know what an earlier life has left."""
        if self._path is None:
            return
        try:
            told: Any = json.loads(self._path.read_text(encoding="utf-8"))
            self._ledger.take_over(told, rules, self._clock.monotonic(), self._clock.now())
        except FileNotFoundError:
            pass  # the first life
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            self._tell("read", error)

    def save(self) -> None:
        """Write down what fires now."""
        if self._path is None:
            return
        beside = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            beside.write_text(json.dumps(self._ledger.as_data(self._clock.now())), encoding="utf-8")
            beside.replace(self._path)
            self._is_told = False
        except OSError as error:
            self._tell("written", error)

    def _tell(self, done: str, error: Exception) -> None:
        if not self._is_told:
            self._is_told = True
            logger.warning("what fires cannot be %s (%s: %s): a restart forgets it", done, self._path, error)
