"""Saying in the log why somebody was not let in: with the remedy, and not again within a minute.

A peer that dials every second with the wrong cookie must be seen once, not drown everything else; and
one that is meant to fill the disk must not be able to.
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from eye.clock import Clock

log = logging.getLogger("eye.cluster")

_QUIET = 60.0  # seconds
_MOST = 1000  # addresses remembered
_LONGEST = 200  # characters of a detail


class Refusals:
    """Logs each cause once a minute for each address.

    What a peer can make another each time it comes, the detail, is told but does not count. It may hold megabytes
    and escape sequences, so it is told in part, and in ASCII.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._said: dict[tuple[str, str], float] = {}

    def say(self, peer: str, cause: str, detail: str = "") -> bool:
        """Log that this peer was refused for this cause, unless that was said just now."""
        now = self._clock.monotonic()
        with self._lock:
            said = self._said.pop((peer, cause), None)
            again = said is None or now - said >= _QUIET
            self._said[peer, cause] = now if said is None or again else said
            if len(self._said) > _MOST:
                del self._said[next(iter(self._said))]  # the one refused longest ago
        if again:
            told = detail[:_LONGEST].encode("unicode_escape").decode()
            log.warning("closed a connection from %s: %s%s", peer, cause, f": {told}" if told else "")
        return again
