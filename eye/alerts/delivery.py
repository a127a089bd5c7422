"""What a sink does next: the whole decision, nothing else. `sink` carries it out.

No thread, no clock, no socket in here. `decide` is told what happened, and answers with how things stand and the
steps to take, in their order.

    idle ----Arrived----> sending ----Sent--------------------------> resting ----Due----> sending, or idle
                           |   ^
        Failed, Overdue ---'   '--Due-- pausing       1, 2, 4, … 60 seconds, and not for ever:
                                                      then these alerts are given up, and the next have their turn
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

LONGEST_PAUSE = 60.0
REST = 1.0
"""Seconds between two deliveries: what comes meanwhile goes out together."""


class Doing(Enum):
    """What a sink is doing."""

    IDLE = "idle"
    SENDING = "sending"
    PAUSING = "pausing"
    RESTING = "resting"


class State(NamedTuple):
    """How things stand; `attempt` counts those that were made at what is to be sent now."""

    doing: Doing = Doing.IDLE
    attempt: int = 0


class Arrived(NamedTuple):
    """There is something to be told, or may be."""


class Sent(NamedTuple):
    """It was told."""


class Failed(NamedTuple):
    """It could not be told, or nobody knows: it took too long."""

    problem: str
    is_final: bool = False


class Due(NamedTuple):
    """The time that was to be waited is over."""

    has_more: bool


Event = Arrived | Sent | Failed | Due


class Send(NamedTuple):
    """Try to tell what waits."""


class Wait(NamedTuple):
    """Let so many seconds pass."""

    seconds: float


class Forget(NamedTuple):
    """What was tried to be told is told, or given up, for this reason."""

    given_up: str | None = None


Step = Send | Wait | Forget


def decide(state: State, event: Event, attempts: int) -> tuple[State, tuple[Step, ...]]:
    """Decide what to do next.

    Args:
        state: how things stand.
        event: what happened. What does not belong to what is being done is of an earlier life, and ignored.
        attempts: after how many a thing is given up.
    """
    doing, attempt = state
    match event:
        case Arrived() if doing is Doing.IDLE:
            return State(Doing.SENDING, 1), (Send(),)
        case Sent() if doing is Doing.SENDING:
            return State(Doing.RESTING), (Forget(), Wait(REST))
        case Failed(problem, is_final) if doing is Doing.SENDING:
            if is_final or attempt >= attempts:
                return State(Doing.RESTING), (Forget(problem), Wait(REST))
            return State(Doing.PAUSING, attempt), (Wait(pause_after(attempt)),)
        case Due() if doing is Doing.PAUSING:
            return State(Doing.SENDING, attempt + 1), (Send(),)
        case Due(has_more) if doing is Doing.RESTING:
            return (State(Doing.SENDING, 1), (Send(),)) if has_more else (State(), ())
    return state, ()


def pause_after(attempt: int) -> float:
    """Say how long to wait after so many attempts."""
    return min(2.0 ** min(attempt - 1, 30), LONGEST_PAUSE)
