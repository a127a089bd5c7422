"""A supervisor's children: what it keeps of each, what it shows of them, what it may be asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from eye.supervision.incidents import REMEMBERED, Departed, Incident, LeftDown, Lost, Restarted

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Callable

    from eye.clock import Clock
    from eye.supervision.child_spec import ChildSpec, Strategy
    from eye.supervision.reasons import Reason
    from eye.supervision.ref import Ref
    from eye.supervision.restart_window import RestartWindow
    from eye.supervision.timers import Timer


class ChildRecord:
    """What a supervisor keeps of one child from start to start."""

    __slots__ = (
        "attempt",
        "due",
        "history",
        "incarnation",
        "incident",
        "is_added",
        "key",
        "last_exit",
        "last_exit_at",
        "left_down",
        "lost",
        "published",
        "ref",
        "restarts",
        "since",
        "spec",
        "started_moment",
        "status",
        "timer",
        "tries",
        "waited",
    )

    def __init__(self, key: Any, spec: ChildSpec, since: float, *, is_added: bool = False) -> None:
        self.key = key
        self.spec = spec
        self.since = since
        """When the supervisor took it on, in UTC seconds; `restarts` counts from then."""
        self.is_added = is_added
        """Whether it was added at run time, and so is lost when its supervisor exits."""
        self.ref: Ref | None = None
        """Its process; while it is restarting, the last one it had."""
        self.status = "stopped"
        """running, restarting, stopped."""
        self.incarnation = 0
        """How many times it has been started."""
        self.started_moment = 0.0
        """When it was last started, by the clock that never jumps."""
        self.tries = 0
        """How many times in a row it has failed, as its delay counts them."""
        self.attempt = 0
        """Numbers the tries to restart it, so that an old one is not taken for the present one."""
        self.incident: Incident | None = None
        """What the present try to restart it answers."""
        self.timer: Timer | None = None
        """What ends its wait for the next try, if it waits."""
        self.due: float | None = None
        """The moment of that next try, by the clock that never jumps."""
        self.waited = 0.0
        """How long its last wait was to be."""
        self.restarts = 0
        self.history: tuple[Restarted, ...] = ()
        """Its last restarts, the oldest first."""
        self.left_down: LeftDown | None = None
        self.published: Published | None = None
        """Of a supervisor: what it shows of its own children."""
        self.lost: Lost | None = None
        self.last_exit: Reason | None = None
        self.last_exit_at: float | None = None

    @property
    def is_waiting(self) -> bool:
        """Whether its delay is not over yet."""
        return self.timer is not None

    def mark_down(self) -> None:
        """Note that there is no process, and that none is waited for."""
        self.end_wait()
        self.ref, self.status = None, "stopped"

    def end_wait(self) -> None:
        if self.timer is not None:
            self.timer.cancel()
            self.timer = self.due = None

    def note_exit(self, reason: Reason, at: float) -> None:
        """Note why and when the last process ended, or did not come to be."""
        self.last_exit, self.last_exit_at = reason, at
        if self.published is not None:
            self.lost, self.published = self.published.added(), None

    def note_restart(self, at: float, because: Incident, waited: float) -> None:
        """Note that it was started again, and why."""
        self.restarts += 1
        self.history = (*self.history, Restarted(at, because.without_traceback(), waited))[-REMEMBERED:]


@dataclass(frozen=True, slots=True)
class ChildInfo:
    """One child, as its supervisor shows it to whoever looks."""

    id: Any
    ref: Ref | None
    status: str
    """running, restarting, stopped."""
    spec: ChildSpec
    incarnation: int
    restarts: int
    """How often it was started again since `since`."""
    last_exit: Reason | None
    last_exit_at: float | None
    since: float
    """When its supervisor took it on, in UTC seconds."""
    next_try_at: float | None
    """Where it waits for its next try: when that will be, in UTC seconds."""
    history: tuple[Restarted, ...]
    """Its last restarts, the oldest first."""
    left_down: LeftDown | None
    """Where it is down for good: why."""
    lost: Lost | None
    """Of a supervisor: the children added at run time that went with its last exit."""

    @property
    def cause(self) -> Incident | None:
        """Why it was last started again."""
        return self.history[-1].because if self.history else None

    @classmethod
    def of(cls, record: ChildRecord, clock: Clock) -> ChildInfo:
        """Show a record as it is at this moment."""
        due = record.due
        return cls(
            record.spec.id,
            record.ref if record.status == "running" else None,
            record.status,
            record.spec,
            record.incarnation,
            record.restarts,
            record.last_exit,
            record.last_exit_at,
            record.since,
            # Told from now: the wait is by a clock that does not jump, and the one on the wall may have.
            None if due is None else clock.now() + max(due - clock.monotonic(), 0.0),
            record.history,
            record.left_down,
            record.lost,
        )


class Published:
    """What a supervisor shows of itself: read from any thread, without asking it.

    Made when somebody looks, not whenever something changes: a supervisor of ten thousand children
    that come and go would do little else.
    """

    __slots__ = ("_clock", "_departed", "_records", "_window", "strategy")

    def __init__(
        self,
        strategy: Strategy,
        window: Callable[[], RestartWindow],
        records: dict[Any, ChildRecord],
        departed: deque[Departed],
        clock: Clock,
    ) -> None:
        self.strategy = strategy
        self._window = window
        self._records = records
        self._departed = departed
        self._clock = clock

    @property
    def window(self) -> RestartWindow:
        return self._window()

    @property
    def children(self) -> tuple[ChildInfo, ...]:
        # The copy of the values is made in one go, so that any thread may look.
        return tuple(ChildInfo.of(one, self._clock) for one in list(self._records.values()))

    @property
    def departed(self) -> tuple[Departed, ...]:
        """Children that ended not long ago and are listed no more, the oldest first; none that ended `normal`."""
        return tuple(self._departed)

    def process_of(self, key: Any) -> Ref | None:
        """Find the live process of one child."""
        record = self._records.get(key)
        ref = None if record is None or record.status != "running" else record.ref
        return ref if ref is not None and ref.is_alive else None

    def live(self) -> list[Ref]:
        """List the live processes of all children."""
        running = [one.ref for one in list(self._records.values()) if one.status == "running"]
        return [ref for ref in running if ref is not None and ref.is_alive]

    def added(self) -> Lost | None:
        """List the children that were added at run time: nobody will start them again but who added them."""
        added = [one for one in list(self._records.values()) if one.is_added]
        return Lost(len(added), tuple(str(one.spec.id) for one in added[:REMEMBERED])) if added else None


class Counts(NamedTuple):
    """How many children there are: specs, with a live process, supervisors, workers."""

    specs: int
    active: int
    supervisors: int
    workers: int


class StartChild(NamedTuple):
    spec: ChildSpec


class StopChild(NamedTuple):
    id: Any


class RestartChild(NamedTuple):
    id: Any


class DeleteChild(NamedTuple):
    id: Any


class WhichChildren(NamedTuple):
    pass


class WhichChild(NamedTuple):
    id: Any


class CountChildren(NamedTuple):
    pass


class TryAgain(NamedTuple):
    """A supervisor's message to itself: the restart failed, and is due once more."""

    id: Any
    attempt: int


class WaitOver(NamedTuple):
    """A timer's message to a supervisor: the delay of this child is over."""

    id: Any
    attempt: int
