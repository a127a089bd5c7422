"""How busy, from two looks at what only ever counts up: the whole arithmetic, nothing else.

The system does not know how busy a CPU *is*; it knows how many seconds it *was* busy since boot. A
share needs two looks, and this is where the earlier one is kept. No psutil and no clock in here: who
looks brings the figures and the moment along.

What a family of processes has used is the hard one, because its members come and go:

    in both looks ............ what it used in between
    gone, and waited for ..... its parent's «waited for» grew by its whole life: less what was known
    gone, nobody waited ...... nothing more is known of it
    new ...................... all of it
    more than all cores could have done in between
                ... is older than the previous look, and is not counted (a child that was overlooked)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from eye.errors import ProbeNotReady
from eye.metrics.probe import SHORTEST_WINDOW

if TYPE_CHECKING:
    from collections.abc import Mapping


class HostTimes(NamedTuple):
    """Seconds since boot that all cores together were busy, and that they were not."""

    busy: float
    idle: float


class ProcessTimes(NamedTuple):
    """CPU seconds that a process has used, and that the children it has waited for had used."""

    own: float
    waited: float


class _Window:
    """When the previous look was, and what came of it."""

    def __init__(self) -> None:
        self._opened: float | None = None
        self._share: float | None = None

    def _previous_share(self) -> float:
        if self._share is None:
            raise ProbeNotReady("a share of CPU needs two looks; this was the first")
        return self._share

    def _is_too_short(self, at: float) -> bool:
        return self._opened is not None and at - self._opened < SHORTEST_WINDOW


class HostShare(_Window):
    """How busy a machine was between looks."""

    def __init__(self) -> None:
        super().__init__()
        self._times = HostTimes(0.0, 0.0)

    def look(self, at: float, times: HostTimes) -> float:
        """Take a look at the moment `at` (monotonic), and say how busy it was since the previous one.

        Raises:
            ProbeNotReady: there is no previous one, or it is too recent.
        """
        if self._is_too_short(at):
            return self._previous_share()
        first, before = self._opened is None, self._times
        # Either may go back a little: Linux takes back iowait that it had already counted (proc(5)).
        busy, idle = max(times.busy - before.busy, 0.0), max(times.idle - before.idle, 0.0)
        if not first and busy + idle <= 0.0:
            return self._previous_share()  # no tick has passed: the window stays open
        self._opened, self._times = at, times
        if first:
            return self._previous_share()
        self._share = busy / (busy + idle)
        return self._share


class Speeds:
    """How fast counters go up, a second."""

    def __init__(self) -> None:
        self._at = 0.0
        self._counts: Mapping[str, int] = {}

    def look(self, at: float, counts: Mapping[str, int]) -> dict[str, float]:
        """Take a look at the moment `at` (monotonic), and say by how much each went up since the previous one.

        There is nothing of a counter that is new, and of one that went back, as it does when its device is gone.
        """
        before, seconds = self._counts, at - self._at
        self._at, self._counts = at, counts
        if seconds <= 0:
            return {}
        return {
            name: (count - before[name]) / seconds
            for name, count in counts.items()
            if name in before and count >= before[name]
        }


class FamilyShare(_Window):
    """How much of a machine's CPU a process and its descendants used between looks."""

    def __init__(self) -> None:
        super().__init__()
        self._members: Mapping[int, ProcessTimes] = {}

    def look(self, at: float, cores: float, members: Mapping[int, ProcessTimes]) -> float:
        """Take a look at the moment `at` (monotonic), and say what share of all cores they used since.

        Args:
            members: the times of each, by its process id.

        Raises:
            ProbeNotReady: there is no previous look, or it is too recent.
        """
        if self._is_too_short(at):
            return self._previous_share()
        opened, before = self._opened, self._members
        self._opened, self._members = at, members
        if opened is None:
            return self._previous_share()
        most = (at - opened) * cores
        self._share = min(spent(before, members, most) / most, 1.0)
        return self._share


def spent(before: Mapping[int, ProcessTimes], now: Mapping[int, ProcessTimes], most: float) -> float:
    """Reckon the CPU seconds that a family used between two looks (the rules are in the module's docstring).

    Args:
        most: what all cores together could have done in between.

    Returns:
        Never less than 0. It may exceed `most` by what ticks round.
    """
    possible = most * 1.1 + 0.1
    own = waited = 0.0
    for pid, times in now.items():
        known = before.get(pid)
        if known is not None:
            own += max(times.own - known.own, 0.0)
            waited += max(times.waited - known.waited, 0.0)
        elif times.own + times.waited <= possible:
            own += times.own
            waited += times.waited
    reaped = waited - sum(times.own + times.waited for pid, times in before.items() if pid not in now)
    return own + (reaped if 0.0 < reaped <= possible else 0.0)
