"""A supervisor's children: what it keeps of each, what it shows of them, what it may be asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from eye.supervision.child_spec import ChildSpec, Strategy
    from eye.supervision.reasons import Reason
    from eye.supervision.ref import Ref
    from eye.supervision.restart_window import RestartWindow


class ChildRecord:
    """What a supervisor keeps of one child from start to start."""

    __slots__ = (
        "attempt",
        "incarnation",
        "key",
        "last_exit",
        "last_exit_at",
        "ref",
        "restarts",
        "spec",
        "status",
    )

    def __init__(self, key: Any, spec: ChildSpec) -> None:
        self.key = key
        self.spec = spec
        self.ref: Ref | None = None
        """Its process; while it is restarting, the last one it had."""
        self.status = "stopped"
        """running, restarting, stopped."""
        self.incarnation = 0
        """How many times it has been started."""
        self.attempt = 0
        """Numbers the tries to restart it, so that an old one is not taken for the present one."""
        self.restarts = 0
        self.last_exit: Reason | None = None
        self.last_exit_at: float | None = None

    def mark_down(self) -> None:
        """Note that there is no process."""
        self.ref, self.status = None, "stopped"

    def note_exit(self, reason: Reason, at: float) -> None:
        """Note why and when the last process ended, or did not come to be."""
        self.last_exit, self.last_exit_at = reason, at


@dataclass(frozen=True, slots=True)
class ChildInfo:
    """One child, as its supervisor shows it to whoever looks."""

    id: Any
    ref: Ref | None
    status: str
    spec: ChildSpec
    incarnation: int
    restarts: int
    last_exit: Reason | None
    last_exit_at: float | None

    @classmethod
    def of(cls, record: ChildRecord) -> ChildInfo:
        """Show a record as it is at this moment."""
        return cls(
            record.spec.id,
            record.ref if record.status == "running" else None,
            record.status,
            record.spec,
            record.incarnation,
            record.restarts,
            record.last_exit,
            record.last_exit_at,
        )


class Published:
    """What a supervisor shows of itself: read from any thread, without asking it.

    Made when somebody looks, not whenever something changes: a supervisor of ten thousand children
    that come and go would do little else.
    """

    __slots__ = ("_children", "_window", "strategy")

    def __init__(
        self,
        strategy: Strategy,
        window: Callable[[], RestartWindow],
        children: Callable[[], tuple[ChildInfo, ...]],
    ) -> None:
        self.strategy = strategy
        self._window = window
        self._children = children

    @property
    def window(self) -> RestartWindow:
        return self._window()

    @property
    def children(self) -> tuple[ChildInfo, ...]:
        return self._children()


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


class CountChildren(NamedTuple):
    pass


class TryAgain(NamedTuple):
    """A supervisor's message to itself: the restart failed, and is due once more."""

    id: Any
    attempt: int
