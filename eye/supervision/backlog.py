"""How long the oldest message of a mailbox has been waiting: told from outside, so that nobody pays for it.

Messages carry no time of arrival; to note one down would cost a third of a cast. But whoever looks at a
mailbox now and then knows how many messages had arrived by when: those that were taken out, and those that
lay there. The oldest that waits is the next one to be taken, number `taken + 1`. It had arrived by the first
look that counted so many.

    look at      0 s    1 s    2 s    3 s
    taken          0      2      2      2        the oldest is number 3; the first look that had counted
    waiting        1      0      3      7        three arrivals was the one at 2 s: it waits for 1 s or more

So the answer is never too long, and too short by one interval between two looks at most.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

MOST_LOOKS = 512
"""So many looks at one mailbox are remembered; beyond that, every second one is."""


class _Look(NamedTuple):
    at: float
    arrived: int


class Backlog:
    """What was seen of one mailbox."""

    __slots__ = ("_looks",)

    def __init__(self) -> None:
        self._looks: deque[_Look] = deque()

    def look(self, at: float, taken: int, waiting: int) -> None:
        """Note down what is seen at a moment: how many messages were taken out so far, how many lie there."""
        looks = self._looks
        while looks and looks[0].arrived <= taken:
            looks.popleft()  # whatever had arrived by then has been taken out
        arrived = taken + waiting
        while looks and looks[-1].arrived > arrived:
            looks.pop()  # two threads looked at once, or something was taken back
        if waiting and (not looks or looks[-1].arrived < arrived):
            looks.append(_Look(at, arrived))
            if len(looks) > MOST_LOOKS:
                self._looks = deque(look for place, look in enumerate(looks) if place % 2 == 0)

    def oldest_age(self, at: float, taken: int, waiting: int) -> float | None:
        """Look once more, and answer how long the oldest message has waited at least; None if none does."""
        self.look(at, taken, waiting)
        # Where none is left, the process has taken a message while we looked.
        return max(at - self._looks[0].at, 0.0) if waiting and self._looks else None
