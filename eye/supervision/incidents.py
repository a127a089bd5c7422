"""Why a child was started again, or was not: what a supervisor remembers of it, as values and in a sentence.

    restarted because sender crashed: ValueError, 0.8 s ago, 2 of 3 in 5 s

An `Incident` is an exit, or a start that failed, that was charged to the budget. Each restart it led to is a
`Restarted` in the history of the child that was started again; a child that is down has a `LeftDown`, and of
those that are listed no more the last are remembered as `Departed`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eye.supervision.reasons import Crash, Reason

if TYPE_CHECKING:
    from eye.supervision.child_spec import Restart

REMEMBERED = 10
"""How many restarts are remembered of each child, how many departed children of each supervisor."""


@dataclass(frozen=True, slots=True)
class Incident:
    """A child exited, or did not start, and its supervisor wanted it back."""

    child: Any
    """The id of the child it happened to."""
    reason: Reason
    at: float
    """When, in UTC seconds."""
    used: int
    """How much of the budget was used up with this incident."""
    max_restarts: int
    max_seconds: float
    failed_start: bool = False
    """Whether it was a start that failed."""

    def __str__(self) -> str:
        verb = "did not start" if self.failed_start else "exited"
        return f"{self.child} {verb}: {self.reason}"

    def without_traceback(self) -> Incident:
        """Answer the same to be kept for long."""
        kept, most = without_traceback(self.reason), (self.used, self.max_restarts, self.max_seconds)
        return Incident(self.child, kept, self.at, *most, self.failed_start)

    def as_data(self) -> dict[str, Any]:
        """Answer the same in plain values."""
        return {
            "child": str(self.child),
            **reason_as_data(self.reason),
            "failed_start": self.failed_start,
            "at": self.at,
            "used": self.used,
            "max_restarts": self.max_restarts,
            "max_seconds": self.max_seconds,
        }


@dataclass(frozen=True, slots=True)
class Restarted:
    """A child was started again."""

    at: float
    """When, in UTC seconds."""
    because: Incident
    waited: float = 0.0
    """Seconds between the incident and the start, where a delay asked for them."""

    def as_data(self) -> dict[str, Any]:
        """Answer the same in plain values."""
        return {"at": self.at, "waited": self.waited, "because": self.because.as_data()}


@dataclass(frozen=True, slots=True)
class LeftDown:
    """A child is down and nobody is about to start it: why, and by which rule."""

    reason: Reason
    restart: Restart
    rule: str
    at: float
    """When, in UTC seconds."""

    def as_data(self) -> dict[str, Any]:
        """Answer the same in plain values."""
        return {**reason_as_data(self.reason), "restart": self.restart.value, "rule": self.rule, "at": self.at}


@dataclass(frozen=True, slots=True)
class Departed:
    """A child that ended otherwise than `normal`, and was not even kept in the list."""

    id: Any
    left_down: LeftDown

    def as_data(self) -> dict[str, Any]:
        """Answer the same in plain values."""
        return {"id": str(self.id), **self.left_down.as_data()}


@dataclass(frozen=True, slots=True)
class Lost:
    """Children that were added at run time, and went with the last exit of their supervisor."""

    count: int
    ids: tuple[str, ...]
    """The ids of the first of them."""

    def as_data(self) -> dict[str, Any]:
        """Answer the same in plain values."""
        return {"count": self.count, "ids": list(self.ids)}


def without_traceback(reason: Reason) -> Reason:
    """Keep of a reason what it says. An exception keeps the frames that it went through, and with them all that
    the process had: what is remembered for long must not hold on to that.
    """
    return Crash(reason.word, reason.detail) if isinstance(reason, Crash) else reason


def reason_as_data(reason: Reason) -> dict[str, Any]:
    """Answer a reason in plain values: its word, its detail, and both in one text."""
    return {
        "word": reason.word,
        "detail": None if reason.detail is None else str(reason.detail),
        "reason": str(reason),
    }
