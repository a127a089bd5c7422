"""What other nodes, and people, may ask about the alerts of a node: what they are, and to be silent of some."""

from __future__ import annotations

import getpass
import logging
from typing import TYPE_CHECKING, Any, ClassVar

from eye.alerts.silences import Silence, SilenceFile
from eye.cluster.dispatch import asked_by
from eye.errors import ActionRefused, ConfigError
from eye.monitor.config import data_folder
from eye.monitor.methods import ALERTS, SILENCE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from eye.alerts.ledger import Ledger
    from eye.clock import Clock
    from eye.cluster.interconnect import Method

logger = logging.getLogger("eye.monitor")

_LONGEST_SILENCE = 366 * 86400.0


def silence_file(environ: Mapping[str, str]) -> SilenceFile:
    """Give the silences of this user, which all their nodes on this machine heed."""
    folder = data_folder(environ)
    return SilenceFile(None if folder is None else folder / "silences.json")


class AlertService:
    """Answers other nodes about the alerts of this one."""

    exposed: ClassVar[tuple[Method, ...]] = (ALERTS, SILENCE)

    def __init__(
        self,
        name: str,
        ledger: Ledger,
        clock: Clock,
        allow: frozenset[str],
        silences: Callable[[], SilenceFile],
    ) -> None:
        """Take the node's name, its alerts, its clock, what others may do, and where silences are kept."""
        self._name, self._ledger, self._clock, self._allow = name, ledger, clock, allow
        self._silences = silences

    def alerts(self) -> dict[str, Any]:
        """Answer the alerts."""
        self._check("read")
        at = self._clock.now()
        return {
            "version": 1,
            "node": self._name,
            "at": at,
            "evaluates": self._ledger.evaluates,
            "alerts": self._ledger.records(at) if self._ledger.evaluates else [],
        }

    def silence(self, rule: str, node: str, seconds: float, reason: str) -> dict[str, Any]:
        """Have nobody told of a rule for so long; of no seconds, have them told again."""
        self._check("silence")
        at = self._clock.now()
        told = {"version": 1, "node": self._name, "evaluates": self._ledger.evaluates, "until": None}
        if not self._ledger.evaluates:
            return told
        add_silence(self._silences(), Silence(rule, node, at + seconds, reason, asked_by()), seconds, at)
        logger.warning("node %s: %s at %s is silenced by %s for %g s", self._name, rule, node, asked_by(), seconds)
        return {**told, "until": at + seconds}

    def _check(self, right: str) -> None:
        if right not in self._allow:
            refused = ActionRefused(self._name, right)
            logger.warning("%s was refused what it asked for: %s", asked_by(), refused)
            raise refused


def add_silence(file: SilenceFile, silence: Silence, seconds: float, at: float) -> None:
    """Write a silence of so many seconds into a file, or take it back.

    Raises:
        ConfigError: it makes no sense, or the file cannot be written.
    """
    if not 0 <= seconds <= _LONGEST_SILENCE:
        raise ConfigError(f"a silence lasts up to a year, not {seconds:g} s")
    if not all(0 < len(one) <= 200 and one.isprintable() for one in (silence.rule, silence.node)):
        raise ConfigError("a silence names a rule and nodes by globs of up to 200 characters")
    try:
        if seconds == 0:
            file.lift(silence.rule, silence.node, at)
        else:
            file.add(silence._replace(reason=silence.reason[:500]), at)
    except OSError as error:
        raise ConfigError(f"the silence cannot be kept: {(error.strerror or str(error)).lower()}") from None


def who_asks() -> str:
    """Name the person at this terminal, for whoever wonders about a silence."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "somebody"
