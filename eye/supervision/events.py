"""What happened in the supervision tree, as values.

The framework broadcasts one of these on the topic `TOPIC` for everything that a person who watches the
tree would want to see move. They are facts: nothing waits for whoever hears them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from eye.supervision.reasons import Reason

TOPIC = "eye.supervision.events"


@dataclass(frozen=True, slots=True)
class Event:
    """Something happened at `at` (UTC seconds) to the process at `path`."""

    at: float
    path: str


@dataclass(frozen=True, slots=True)
class ChildStarted(Event):
    """A supervisor started a child; `incarnation` 1 is its first start."""

    serial: int
    incarnation: int
    cause: str | None = None


@dataclass(frozen=True, slots=True)
class ChildStartFailed(Event):
    """A child's `init` failed, at its first start or at a restart."""

    reason: Reason


@dataclass(frozen=True, slots=True)
class ChildExited(Event):
    """A child exited that its supervisor had not asked to."""

    serial: int
    reason: Reason
    will_restart: bool


@dataclass(frozen=True, slots=True)
class ChildStopped(Event):
    """A supervisor stopped a child."""

    serial: int
    reason: Reason


@dataclass(frozen=True, slots=True)
class ChildAbandoned(Event):
    """A child had to be killed at its limit, and its thread cannot be: it is left behind, unheard."""

    serial: int


@dataclass(frozen=True, slots=True)
class GaveUp(Event):
    """A supervisor saw too many restarts, stopped its children and exited."""

    max_restarts: int
    max_seconds: float
    cause: Any = None
