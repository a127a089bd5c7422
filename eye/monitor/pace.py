"""How often a node is asked for its figures: who wishes what, how far this observer is behind, and what follows.

    somebody looks at it closely (it is on a screen) ... every interval, whatever happens
    somebody looks at all nodes ........................ every interval, doubled with each strain
    somebody looks, but not at this one ................ the same while there are few nodes; beyond them every
                                                         `slow_every` seconds, doubled with each strain
    nobody looks ....................................... not at all

Strained is an observer that falls behind its own beat. Nothing is asked more seldom than every `SLOWEST` seconds,
unless the interval itself is longer. No thread and no process in here; moments are of the steady clock.
"""

from __future__ import annotations

import threading
from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

SLOWEST = 30.0
"""Seconds between two questions to a node, at most."""

FEW = 50
"""Nodes that are all asked at every interval, also those that nobody looks at closely."""

SLOW_EVERY = 5.0
"""Seconds between two questions to a node that nobody looks at closely, where there are more."""

_NEVER = float("-inf")


class Wish(IntEnum):
    """What is wished of a node at present, the most demanding of all wishes."""

    NOTHING = 0
    SOMETIMES = 1  # somebody looks at others
    ALWAYS = 2  # somebody looks at all
    CLOSELY = 3  # somebody looks at just this one


class Rule(NamedTuple):
    """The numbers of the rule."""

    interval: float = 1.0
    few: int = FEW
    slow_every: float = SLOW_EVERY

    def every(self, wish: Wish, nodes: int, strain: int) -> float:
        """Say how many seconds are to lie between two questions to a node, one of so many."""
        if wish is Wish.CLOSELY:
            return self.interval
        is_slow = wish is not Wish.ALWAYS and nodes > self.few
        usual = max(self.slow_every, self.interval) if is_slow else self.interval
        return max(min(usual * (1 << strain), SLOWEST), usual)


class Wishes:
    """Who wishes to see what, and until when. A wish that is not renewed runs out; those of several add up."""

    def __init__(self) -> None:
        self._any = self._all = _NEVER
        self._close: dict[str, float] = {}

    def add(self, until: float, nodes: Iterable[str] | None, now: float) -> bool:
        """Wish to see these nodes closely, or all, until then; say whether any is to be asked sooner for it."""
        sooner = self._any <= now
        self._any = max(self._any, until)
        if nodes is None:
            sooner = sooner or self._all <= now
            self._all = max(self._all, until)
            return sooner
        for node in nodes:
            before = self._close.get(node, _NEVER)
            sooner = sooner or before <= now
            self._close[node] = max(before, until)
        if len(self._close) > _MANY:
            self._close = {node: end for node, end in self._close.items() if end > now}
        return sooner

    def of(self, node: str, now: float) -> Wish:
        """Say what is wished of a node."""
        if self._close.get(node, _NEVER) > now:
            return Wish.CLOSELY
        if self._all > now:
            return Wish.ALWAYS
        return Wish.SOMETIMES if self._any > now else Wish.NOTHING

    def are_there(self, now: float) -> bool:
        """Whether anybody wishes to see anything."""
        return self._any > now


_MANY = 1000  # wishes; what has run out is then forgotten


class Strain:
    """How far an observer is behind: 0 not at all; it doubles the time between questions with each step.

    A step up when one beat after the other is late, at most one in `PATIENCE` seconds, and down when none has been
    for `REST` seconds.
    """

    PATIENCE = 5.0
    REST = 15.0
    MOST = 5

    def __init__(self) -> None:
        self.steps = 0
        self._lock = threading.Lock()  # told by all collectors
        self._changed = self._late = _NEVER

    def tell(self, is_late: bool, now: float) -> bool:
        """Say that a beat came, and whether it is the second late one; answer whether that changes anything."""
        with self._lock:
            if is_late:
                self._late = now
                if self.steps < self.MOST and now - self._changed >= self.PATIENCE:
                    self.steps, self._changed = self.steps + 1, now
                    return True
            elif self.steps and now - max(self._late, self._changed) >= self.REST:
                self.steps, self._changed = self.steps - 1, now
                return True
            return False
