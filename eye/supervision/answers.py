"""What a callback may answer with: small values, so that the answer reads like the sentence it is.

    return 42                                   handle_call: the reply is 42
    return Reply(42, then=Continue(Refill()))   the reply, and a step to take before any other message
    return NoReply()                            not yet; `caller.reply(42)` will follow, from anywhere
    return Stop(NORMAL, reply=42)               the reply, and then the end
    return Ignore()                             init: nothing to do here, and no error either

`timeout=` asks for an `IdleTimeout` message if nothing else arrives within so many seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from eye.supervision.reasons import NORMAL, Reason


class _Nothing:
    def __repr__(self) -> str:
        return "NOTHING"

    def __reduce__(self) -> str:
        return "NOTHING"  # the one there is, also after a way to another OS process


NOTHING: Final = _Nothing()
"""Stands for «no reply», since None is one."""


@dataclass(frozen=True, slots=True)
class Continue:
    """Call `handle_continue(message)` before any other message is looked at."""

    message: Any = None


@dataclass(frozen=True, slots=True)
class Reply:
    """Answer the caller, and go on."""

    value: Any
    then: Continue | None = None
    timeout: float | None = None


@dataclass(frozen=True, slots=True)
class NoReply:
    """Go on without an answer (in `handle_call`: an answer that comes later)."""

    then: Continue | None = None
    timeout: float | None = None


@dataclass(frozen=True, slots=True)
class Stop:
    """End the process with this reason, after `terminate`; a caller that waits gets `reply` first."""

    reason: Reason | BaseException | str = NORMAL
    reply: Any = NOTHING


@dataclass(frozen=True, slots=True)
class Ignore:
    """From `init`: do not start, and do not count that as a failure."""
