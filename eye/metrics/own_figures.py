"""The functions of a program that tell its own figures, and the processes that ask them.

Somebody else's function may raise, take its time or never return. So the sampler does not call it: it reads what
was answered last. A process of its own, the asker, calls one function after the other, once a beat; another, the
keeper, looks at the clock meanwhile, and kills an asker that hangs. That cannot end its thread (nothing can, in
Python), but the asker that its supervisor starts instead goes on with the other functions; the one that hangs is
left alone until it has returned, and longer each time.

    figures               one_for_one
    |-- asker             calls
    '-- keeper            says when to call, and when it has taken too long

A function that fails is told of once, in the log, and its figure is absent until it answers again.
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any, NamedTuple

from eye.errors import BadMetric
from eye.metrics.custom import MOST, as_figure, described
from eye.metrics.sample import About
from eye.supervision.answers import Continue
from eye.supervision.child_spec import ChildSpec
from eye.supervision.gen_server import GenServer
from eye.supervision.supervisor import Supervisor

if TYPE_CHECKING:
    from collections.abc import Callable

    from eye.clock import Clock
    from eye.metrics.catalogue import Kind

    Function = Callable[[], Any]

logger = logging.getLogger("eye.metrics")

PATIENCE = 1.0
"""Seconds that a function may take."""

_FRESH = 3.0  # beats for which an answer is shown
_FIRST_PAUSE, _LONGEST_PAUSE = 10.0, 300.0  # seconds for which one that hung is left alone


class _Figure:
    """A function, and what is known of it."""

    __slots__ = ("about", "at", "fn", "hangs", "is_given_up", "name", "not_before", "problem", "since", "value")

    def __init__(self, name: str, fn: Function, about: About) -> None:
        self.name, self.fn, self.about = name, fn, about
        self.value: int | float | None = None
        self.at = float("-inf")  # when it answered
        self.since: float | None = None  # when the call that still runs began
        self.problem: str | None = None  # what was logged
        self.is_given_up = False  # nobody waits for the call that still runs
        self.hangs = 0  # in a row
        self.not_before = float("-inf")  # when it may be asked again


class OwnFigures:
    """All own figures of a node. It outlives the processes that ask; may be used from any thread."""

    def __init__(self, node: str, clock: Clock, last_number: Callable[[], int] = lambda: 0) -> None:
        """`last_number` tells the number of the node's last sample: which of them knew of a figure."""
        self._node, self._clock, self._last_number = node, clock, last_number
        self._lock = threading.Lock()
        self._figures: dict[str, _Figure] = {}
        self._asker: object = None  # whose answers count
        self._about: dict[str, About] | None = None
        self._told_after = -1

    def add(self, name: str, fn: Function, help: str, unit: str, kind: Kind) -> None:
        """Have `fn` asked for a figure; one of the same name is replaced.

        Raises:
            BadMetric: the name or the unit cannot be, or there are `custom.MOST` already.
        """
        if not callable(fn):
            raise BadMetric(name, f"a function without arguments is expected, not {fn!r}")
        about = described(name, help, unit, kind)
        with self._lock:
            if len(self._figures) >= MOST and name not in self._figures:
                raise BadMetric(name, f"a node has at most {MOST} of them")
            self._figures = self._figures | {name: _Figure(name, fn, about)}
            self._about = {one.name: one.about for one in self._figures.values()}
            self._told_after = self._last_number()

    def about(self) -> dict[str, About] | None:
        """Say what they are; None where there are none."""
        return self._about

    def is_told(self, number: int) -> bool:
        """Whether somebody who has the sample of that number has been told what they are."""
        return self._told_after < number <= self._last_number()

    def read(self, beat: float) -> dict[str, int | float]:
        """Answer what was told lately; `beat` is the seconds from one question to the next."""
        if not self._figures:
            return {}
        oldest = self._clock.monotonic() - max(_FRESH * beat, beat + PATIENCE)
        with self._lock:
            return {
                one.name: one.value
                for one in self._figures.values()
                if one.value is not None and one.problem is None and one.at >= oldest
            }

    # ----------------------------------------------------------------- for the processes

    def begin(self, asker: object) -> list[_Figure]:
        """From now on only `asker` is heard. Answers whom it is to ask: all who are not being asked still.

        Whoever hung is asked again when it has returned, and after a pause that grows each time.
        """
        with self._lock:
            self._asker = asker
            now = self._clock.monotonic()
            return [one for one in self._figures.values() if one.since is None and now >= one.not_before]

    def ask(self, asker: object, figure: _Figure) -> bool:
        """Call a function, here and now; answer whether `asker` is to go on."""
        with self._lock:
            if self._asker is not asker:
                return False
            figure.since, figure.is_given_up = self._clock.monotonic(), False
        value, problem = None, None
        try:
            value = as_figure(figure.fn())
        except BaseException as error:  # noqa: BLE001  # somebody else's function
            problem = f"{type(error).__name__}: {error}"
        with self._lock:
            figure.since = None
            if self._asker is not asker:
                return False  # what came too late was told of already
            figure.value, figure.at, figure.hangs = value, self._clock.monotonic(), 0
        self._tell(figure, problem)
        return True

    def overdue(self) -> tuple[_Figure | None, float | None]:
        """Answer which function has taken too long; or, if one is being called, when it will have."""
        with self._lock:
            for one in self._figures.values():
                if one.since is not None and not one.is_given_up:
                    deadline = one.since + PATIENCE
                    return (one, None) if self._clock.monotonic() >= deadline else (None, deadline)
        return None, None

    def give_up(self, figure: _Figure) -> None:
        """Hear no more of the asker that is stuck there."""
        with self._lock:
            self._asker = None
            figure.is_given_up = True
            pause = min(_FIRST_PAUSE * 2**figure.hangs, _LONGEST_PAUSE)
            figure.hangs += 1
            figure.not_before = self._clock.monotonic() + pause
        self._tell(figure, f"it has not answered for more than {PATIENCE:g} s")

    def _tell(self, figure: _Figure, problem: str | None) -> None:
        before, figure.problem = figure.problem, problem
        if problem is not None and before is None:
            logger.warning(
                "node %s: its own metric %r is not shown: %s (told once, until it answers again)",
                self._node,
                figure.name,
                problem,
            )
        elif problem is None and before is not None:
            logger.info("node %s: its own metric %r is shown again", self._node, figure.name)


ASKER = "eye.figures.asker"


class Beat(NamedTuple):
    """It is time to ask."""


class Look(NamedTuple):
    """It is time to see whether somebody hangs."""


class Ask(NamedTuple):
    """To the asker: ask all of them."""


class Keeper(GenServer):
    """Has the functions asked at every beat, by an asker that it replaces when that hangs."""

    def init(self, figures: OwnFigures, interval: float) -> None:
        self._figures, self._interval = figures, interval
        self._is_looking = False
        self._beat_later()  # for the first time the asker asks by itself

    def handle_info(self, message: Any) -> Any:
        if isinstance(message, Beat):
            self._beat()
            self._beat_later()
        elif isinstance(message, Look):
            self._is_looking = False
            self._look()
        else:
            return super().handle_info(message)
        return None

    def _beat(self) -> None:
        stuck, deadline = self._figures.overdue()
        if stuck is None and deadline is None:
            self.system.cast(ASKER, Ask())

    def _beat_later(self) -> None:
        self.system.send_after(self.ref, self._interval, Beat())
        self._look_later(PATIENCE)

    def _look(self) -> None:
        stuck, deadline = self._figures.overdue()
        if stuck is not None:
            self._figures.give_up(stuck)
            if (asker := self.system.whereis(ASKER)) is not None:
                asker.kill()
        elif deadline is not None:
            self._look_later(max(deadline - self.system.clock.monotonic(), 0.0))

    def _look_later(self, seconds: float) -> None:
        if not self._is_looking:
            self._is_looking = True
            self.system.send_after(self.ref, seconds, Look())


class Asker(GenServer):
    """Calls the functions, one after the other."""

    def init(self, figures: OwnFigures) -> Continue:
        self._figures = figures
        return Continue(Ask())  # after one that hung the others have waited long enough

    def handle_continue(self, message: Ask) -> None:
        self.handle_cast(message)

    def handle_cast(self, message: Any) -> Any:
        if not isinstance(message, Ask):
            return super().handle_cast(message)
        for figure in self._figures.begin(self):
            if not self._figures.ask(self, figure):
                return None
        return None


def group(figures: OwnFigures, interval: float) -> ChildSpec:
    """Say what runs beside the sampler once there is an own figure."""
    children = [
        ChildSpec(Asker, id="asker", name=ASKER, args=(figures,)),
        ChildSpec(Keeper, id="keeper", args=(figures, interval)),
    ]
    # No more than one function a `PATIENCE` can hang: the budget is for something else.
    return ChildSpec(Supervisor, id="figures", name="eye.figures", args=(children,), kwargs={"max_restarts": 10})
