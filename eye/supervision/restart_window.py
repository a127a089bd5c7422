"""How often is too often: the restarts of the last few seconds, and whether one more fits.

No clock in here. A window is told each restart and the moment it happened, and answers with the next
window; the supervisor keeps it and asks it.

    restarts   x     x        x  x            max_restarts = 3
    time    ---|--------------------|--->     max_seconds  = 5
               '----- 5 seconds ----'         the fourth within 5 seconds is one too many
"""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass

from eye.errors import BadChildSpec


@dataclass(frozen=True, slots=True)
class RestartWindow:
    """The restarts that still count, oldest first."""

    max_restarts: int = 3
    max_seconds: float = 5.0
    times: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        limit, span = self.max_restarts, self.max_seconds
        if isinstance(limit, bool) or not isinstance(limit, int) or limit < 0:
            raise BadChildSpec(f"max_restarts must be a whole number >= 0, not {limit!r}")
        if isinstance(span, bool) or not isinstance(span, (int, float)) or not 0 < span < math.inf:
            raise BadChildSpec(f"max_seconds must be seconds > 0, not {span!r}")

    def after_restart(self, now: float) -> RestartWindow:
        """Answer the window once one more restart, at `now`, is counted and the old ones are forgotten."""
        kept = self.times[self._first_kept(now) :]
        # One more than the limit is all that is ever asked about; a window never grows beyond it.
        return RestartWindow(self.max_restarts, self.max_seconds, (*kept, now)[-(self.max_restarts + 1) :])

    def used(self, now: float) -> int:
        """Count the restarts of the last `max_seconds`."""
        return len(self.times) - self._first_kept(now)

    def _first_kept(self, now: float) -> int:
        if not self.times or now - self.times[0] <= self.max_seconds:
            return 0
        # By halves: a supervisor that may restart ten thousand times looks at a dozen of them, not at all.
        return bisect_left(self.times, True, key=lambda time: now - time <= self.max_seconds)

    @property
    def is_exceeded(self) -> bool:
        """Whether the last restart counted was one too many (strictly more than `max_restarts`)."""
        return len(self.times) > self.max_restarts
