"""Which names of own figures an observer takes in: so many of each node, so many of all nodes together.

A name is for ever to whoever hears it: a column of a database, an instrument, a series of Prometheus. A program
has a hundred of them at most (`custom.MOST`), but one that puts the number of an order into a name, or a peer that
means harm, would have another hundred with every sample. So names are counted where samples come in, and by that
for everything behind it: views, alerts, history, exporters.

    a name of the node that is known ........... in
    the node has told `OF_A_NODE` within an hour .. left out, and said once an hour
    all of them have told `OF_ALL` .............. left out, and said once an hour
    any other .................................. in, and known until it was not told for an hour

The places of a node are kept when it leaves: whoever comes back does not begin anew.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from eye.metrics.custom import MOST, complete

if TYPE_CHECKING:
    from collections.abc import Collection

    from eye.metrics.sample import Sample

logger = logging.getLogger("eye.metrics")

OF_A_NODE = 2 * MOST
"""Different names of one node within an hour: one that is restarted as another version may have others."""

OF_ALL = 2000
"""Different names of all nodes within an hour."""

HOUR = 3600.0
_SWEEP = 600.0  # seconds between two looks for names that are told no more


class _Told:
    """What one node has told."""

    __slots__ = ("about", "at", "figures", "last", "names")

    def __init__(self) -> None:
        self.last: dict[str, float] = {}  # of each name that has a place, when it was told; but see `freshen`
        self.names: set[str] = set()  # those that the last sample told, at `at`
        self.figures: frozenset[str] = frozenset()  # those of them that had a figure
        self.about: object = None  # what it said of them
        self.at = 0.0

    def freshen(self) -> None:
        """Bring `last` up to date: as long as the names are the same, only `at` is."""
        self.last.update(dict.fromkeys(self.names & self.last.keys(), self.at))


class Admission:
    """Counts names. Used by one thread at a time."""

    def __init__(self) -> None:
        self._nodes: dict[str, _Told] = {}
        self._holders: dict[str, int] = {}  # of each name, how many nodes have it
        self._said: dict[str, float] = {}  # of which nodes it was said that they tell too many; "" is all
        self._swept = float("-inf")

    def take(self, node: str, sample: Sample, before: Sample | None, now: float) -> Sample:
        """Take in a sample from the wire: complete it (`custom.complete`), leave out what has no place.

        Args:
            node: the node whose sample it is.
            before: the sample of that node that was taken in last, if there was one.
            now: the moment, by a monotonic clock.
        """
        if max(len(sample.custom), len(sample.about or ())) > MOST:
            self._say(node, now, f"more than {MOST} figures of its own at once")
        sample = complete(sample, before)
        if not sample.custom and not sample.about:
            return sample
        told = self._nodes.get(node)
        if told is None:
            self._sweep(now)
            told = _Told()
        elif sample.about is told.about and sample.custom.keys() == told.figures:
            told.at = now  # nearly always
            return sample
        told.freshen()
        names = dict.fromkeys((*sample.custom, *(sample.about or ())))
        told.names = self._placed(node, told, names, now)
        if len(told.names) < len(names):
            custom = {name: value for name, value in sample.custom.items() if name in told.names}
            about = sample.about and {name: one for name, one in sample.about.items() if name in told.names}
            sample = replace(sample, custom=custom, about=about)
        told.about, told.figures, told.at = sample.about, frozenset(sample.custom), now
        self._nodes[node] = told
        return sample

    def _placed(self, node: str, told: _Told, names: Collection[str], now: float) -> set[str]:
        """Answer which of the names have a place, and give one to those for which there is room."""
        found = set()
        for name in sorted(names, key=lambda name: name not in told.last):  # first those that have one
            if name not in told.last:
                if self._is_full(node, told, name, now):
                    continue
                self._holders[name] = self._holders.get(name, 0) + 1
            told.last[name] = now
            found.add(name)
        return found

    def _is_full(self, node: str, told: _Told, name: str, now: float) -> bool:
        if len(told.last) >= OF_A_NODE or (len(self._holders) >= OF_ALL and name not in self._holders):
            self._sweep(now)
        if len(told.last) >= OF_A_NODE:
            self._say(node, now, f"more than {OF_A_NODE} different figures of its own within an hour")
            return True
        if len(self._holders) >= OF_ALL and name not in self._holders:
            self._say("", now, f"more than {OF_ALL} different figures of their own within an hour, now {node!r}")
            return True
        return False

    def _sweep(self, now: float) -> None:
        """Forget the names that were not told for an hour, and the nodes that have none."""
        if now - self._swept < _SWEEP:
            return
        self._swept = now
        for node, told in list(self._nodes.items()):
            told.freshen()
            for name in [name for name, at in told.last.items() if now - at > HOUR]:
                del told.last[name]
                self._holders[name] -= 1
                if not self._holders[name]:
                    del self._holders[name]
            if not told.last:
                del self._nodes[node]
        self._said = {one: at for one, at in self._said.items() if now - at < HOUR}

    def _say(self, node: str, now: float, what: str) -> None:
        if now - self._said.get(node, float("-inf")) < HOUR:
            return
        self._said[node] = now
        who = f"node {node!r} tells" if node else "the nodes tell"
        logger.warning(
            "%s %s: the further ones are left out. A name is for what stays the same, as 'orders'; what changes "
            "(a number, a date, a customer) is a value, or not for a name",
            who, what,
        )  # fmt: skip
