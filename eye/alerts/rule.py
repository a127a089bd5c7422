"""When an alert fires, and when it is over: the whole decision, nothing else.

No clock, no thread, no node in here. `decide` is told how things stand and what is seen now, and answers how
they stand then.

    ok --RAISE--> pending --RAISE, for as long as `wait`--> firing --CLEAR--> clearing --CLEAR, for `keep`--> ok
                     |                                        ^                  |
                     '--anything else--> ok                   '--anything else---'

What is seen is one of four: the level to fire is reached (RAISE), the level to clear is (CLEAR), neither is
(BETWEEN: the space in which an alert stays what it is), or nobody knows (UNKNOWN: the node says nothing). What is
not known makes no alert, and ends none: one that fires is not over because its node has vanished.

So a figure that dances around one level fires once: only `keep` seconds of nothing but CLEAR end an alert.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple


class Verdict(Enum):
    """What is seen of one node, in the eyes of one rule."""

    RAISE = "raise"
    BETWEEN = "between"
    CLEAR = "clear"
    UNKNOWN = "unknown"


class Phase(Enum):
    """How a rule stands for one node. `CLEARING` is firing still, to everybody outside."""

    OK = "ok"
    PENDING = "pending"
    FIRING = "firing"
    CLEARING = "clearing"

    @property
    def is_firing(self) -> bool:
        """Whether those who are told of alerts have one."""
        return self is Phase.FIRING or self is Phase.CLEARING


class Terms(NamedTuple):
    """How long it takes, in seconds: to fire once the level is reached, and to be over once it is left."""

    wait: float = 0.0
    keep: float = 0.0


class Standing(NamedTuple):
    """A phase, and the moment at which it began."""

    phase: Phase
    since: float


_OK, _PENDING, _FIRING, _CLEARING = Phase.OK, Phase.PENDING, Phase.FIRING, Phase.CLEARING

NEXT: dict[Phase, dict[Verdict, Phase]] = {
    # seen:    RAISE                       BETWEEN                    CLEAR                       UNKNOWN
    _OK: dict(zip(Verdict, (_PENDING, _OK, _OK, _OK), strict=True)),
    _PENDING: dict(zip(Verdict, (_PENDING, _OK, _OK, _OK), strict=True)),
    _FIRING: dict(zip(Verdict, (_FIRING, _FIRING, _CLEARING, _FIRING), strict=True)),
    _CLEARING: dict(zip(Verdict, (_FIRING, _FIRING, _CLEARING, _FIRING), strict=True)),
}
"""Where a phase leads, by what is seen. Time leads on from two of them: see `_DUE`."""

_DUE: dict[Phase, tuple[str, Phase]] = {_PENDING: ("wait", _FIRING), _CLEARING: ("keep", _OK)}


def decide(terms: Terms, standing: Standing, seen: Verdict, now: float) -> Standing:
    """Answer how the rule stands now that this is seen.

    Args:
        terms: of the rule.
        standing: how it stood.
        seen: what is seen.
        now: the moment, by the clock of `standing.since`.
    """
    phase = NEXT[standing.phase][seen]
    if phase is not standing.phase:
        standing = Standing(phase, now)
    due = _DUE.get(phase)
    if due is not None and now - standing.since >= getattr(terms, due[0]):
        standing = Standing(due[1], now)
    return standing


def begin_again(standing: Standing, now: float) -> Standing:
    """Answer how the rule stands when nobody has looked for a while: what was being timed is timed anew."""
    if standing.phase is Phase.PENDING:
        return Standing(Phase.OK, now)
    return Standing(Phase.FIRING, now) if standing.phase is Phase.CLEARING else standing
