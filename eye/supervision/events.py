"""What happened in the supervision tree, as values.

The framework broadcasts one of these on the topic `TOPIC` for everything that a person who watches the
tree would want to see move. They are facts: nothing waits for whoever hears them. Of one crash they come in
this order:

    ProcessCrashed     the process itself: its last message, its state, its traceback
    ChildExited        its supervisor: what it makes of it, and how much of the budget that costs
    RestartDelayed     where a delay is asked for
    ChildStopped       of each sibling that goes with it
    ChildStarted       of each that comes back; or ChildStartFailed, or at the end GaveUp
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from eye.supervision.incidents import Incident
    from eye.supervision.reasons import Reason

TOPIC = "eye.supervision.events"


@dataclass(frozen=True, slots=True)
class Event:
    """Something happened at `at` (UTC seconds) to the process at `path`."""

    at: float
    path: str


@dataclass(frozen=True, slots=True)
class ProcessCrashed(Event):
    """A process crashed: what it was doing, and what its state was, both as short texts."""

    serial: int
    reason: Reason
    last_message: str | None = None
    """None where it crashed in `init`."""
    state: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ChildStarted(Event):
    """A supervisor started a child; `incarnation` 1 is its first start."""

    serial: int
    incarnation: int
    cause: str | None = None
    incident: Incident | None = None


@dataclass(frozen=True, slots=True)
class ChildStartFailed(Event):
    """A child's `init` failed, at its first start or at a restart."""

    reason: Reason


@dataclass(frozen=True, slots=True)
class ChildExited(Event):
    """A child exited that its supervisor had not asked to; `rule` says why, if it is not started again."""

    serial: int
    reason: Reason
    will_restart: bool
    rule: str | None = None
    incident: Incident | None = None


@dataclass(frozen=True, slots=True)
class RestartDelayed(Event):
    """A child waits for its next try, and its group with it."""

    seconds: float
    next_try_at: float
    attempt: int
    incident: Incident | None = None


@dataclass(frozen=True, slots=True)
class ChildStopped(Event):
    """A supervisor stopped a child."""

    serial: int
    reason: Reason


@dataclass(frozen=True, slots=True)
class ChildAbandoned(Event):
    """A child had to be killed, and its thread cannot be: it is left behind, unheard."""

    serial: int
    why: str = ""
    orphans: tuple[str, ...] = ()
    """Of a supervisor: its children that may be left behind with nobody to stop them."""


@dataclass(frozen=True, slots=True)
class MailboxOverflowed(Event):
    """A bounded mailbox was full, and messages were refused or dropped; told once a second at most."""

    serial: int
    limit: int
    when_full: str
    """reject, drop_oldest or drop_newest."""
    dropped: int
    """How many in all."""


@dataclass(frozen=True, slots=True)
class ThreadEnded(Event):
    """The thread of an abandoned process has come to its end after all; nothing is left of it."""

    serial: int
    abandoned_for: float
    """Seconds since it was given up."""


@dataclass(frozen=True, slots=True)
class GaveUp(Event):
    """A supervisor saw too many restarts, stopped its children and exited."""

    max_restarts: int
    max_seconds: float
    cause: Any = None
    incident: Incident | None = None
