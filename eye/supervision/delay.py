"""How long to wait before a child is started again: longer each time it fails again, and never too long.

OTP starts a child again at once, and so do we unless a `Delay` is asked for, in the child's spec or for all
children of a supervisor. A child that cannot work just now (its database is away) then does not use up its
supervisor's budget within microseconds.

    ChildSpec(Importer, delay=Delay(first=0.5, longest=60.0))

    attempt       1    2    3    4    5    6     7     8     9    10    11
    seconds     0.1  0.2  0.4  0.8  1.6  3.2   6.4  12.8  25.6  30.0  30.0     Delay()

The accounting stays OTP's: every exit and every try that fails is charged to the restart window at the moment
it happens, and one too many is one too many. So a delay longer than `max_seconds / max_restarts` makes a
crash loop that never trips the budget: it goes on for ever, slowly, and `restarts` counts it.

No clock and no chance in here: the supervisor hands in how long the child had run, and a number drawn.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from eye.errors import BadChildSpec


@dataclass(frozen=True, slots=True)
class Delay:
    """Exponential, capped, with jitter. `Delay(first=0)` is none: a child's way out of its supervisor's."""

    first: float = 0.1
    """Seconds before the first restart."""
    factor: float = 2.0
    """By how much each wait is longer than the one before it."""
    longest: float = 30.0
    """Seconds that no wait exceeds."""
    jitter: float = 0.1
    """The share of each wait that chance may take off: what failed together shall not come back together."""
    reset_after: float | None = None
    """Seconds after which a child that ran so long counts as well again, and the next wait is `first`;
    unless given, as long as the longest wait."""

    def __post_init__(self) -> None:
        _check("first", self.first, 0.0, math.inf, "seconds >= 0,")
        _check("factor", self.factor, 1.0, math.inf, "a number >= 1,")
        _check("longest", self.longest, self.first, math.inf, f"seconds >= first, which is {self.first:g},")
        _check("jitter", self.jitter, 0.0, 1.0, "a share from 0 to 1,")
        if self.reset_after is not None:
            _check("reset_after", self.reset_after, 0.0, math.inf, "seconds >= 0 or None,")

    def seconds(self, attempt: int, chance: float) -> float:
        """Say how long to wait before the restart number `attempt`, counted from 1.

        Args:
            attempt: how many times in a row it has failed.
            chance: a number from 0.0 up to (not including) 1.0, drawn anew each time.
        """
        return self._full(attempt) * (1.0 - self.jitter * chance)

    def attempt_after(self, attempt: int, ran: float) -> int:
        """Number the next attempt, where the last was number `attempt` (0: there was none) and the child then
        ran for `ran` seconds."""
        is_well = ran >= (self.longest if self.reset_after is None else self.reset_after)
        return 1 if is_well else attempt + 1

    def _full(self, attempt: int) -> float:
        if self.first == 0.0:
            return 0.0
        try:
            return min(self.first * self.factor ** (attempt - 1), self.longest)
        except OverflowError:  # 2.0 ** 5000
            return self.longest


def _check(name: str, value: Any, least: float, most: float, allowed: str) -> None:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not (is_number and math.isfinite(value) and least <= value <= most):
        raise BadChildSpec(f"delay: {name} must be {allowed} not {value!r}")
