"""A process that is looked at more closely: suspended, measured or traced, while it runs.

Usually nobody does, and then it costs nothing: the loop of a process knows nothing of this. When somebody
switches one of the three on, which is a request like any other, that loop is left waiting, and the slower
one of this file empties the mailbox until all three are off again.

    the loop of every process ──▶ a request: «be suspended» ──▶ `attend`: hold back, measure, tell
                  ▲                                                  |
                  '──────────────── all is off ◀─────────────────────'
"""

from __future__ import annotations

import logging
from collections import deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from eye.supervision.bounded_inbox import BoundedInbox
from eye.supervision.ending import sweep
from eye.supervision.messages import (
    NOT_BARE,
    Caller,
    Cast,
    Exit,
    Info,
    PackedCast,
    PackedInfo,
    SystemRequest,
    Wake,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from eye.supervision.process import Behaviour
    from eye.supervision.reasons import Reason
    from eye.supervision.ref import Ref

logger = logging.getLogger("eye.supervision")

_NOTICES = NOT_BARE - {Caller, Info, Cast, PackedCast, PackedInfo}


@dataclass(frozen=True, slots=True)
class Statistics:
    """What a process did since somebody switched its statistics on."""

    started_at: float
    """When the process was started, in UTC seconds."""
    since: float
    """When the statistics were switched on, in UTC seconds."""
    calls: int = 0
    casts: int = 0
    infos: int = 0
    """Whatever else it handled: messages, notices, signals."""
    replies: int = 0
    busy: float = 0.0
    """Seconds that its callbacks took, their waiting included."""

    @property
    def handled(self) -> int:
        """How many messages it handled."""
        return self.calls + self.casts + self.infos


@dataclass(frozen=True, slots=True)
class Traced:
    """Something that was seen of a traced process, at `at` (UTC seconds)."""

    at: float
    path: str
    serial: int


@dataclass(frozen=True, slots=True)
class MessageIn(Traced):
    """It begins to handle a message."""

    kind: str
    """call, cast, info, or the class of what the framework has to say: `Down`, `Exit`, …"""
    message: Any
    sender: Ref | None = None
    """Of a call: who asks; None for plain code."""


@dataclass(frozen=True, slots=True)
class ReplyOut(Traced):
    """A call of it was answered, by itself or by whoever has the caller."""

    request: Any
    reply: Any
    to: Ref | None = None


class Attention:
    """What is switched on for one process; made when something is, gone when nothing is."""

    def __init__(self) -> None:
        self.is_suspended = False
        self.set_aside: deque[Any] = deque()
        """What came while it was suspended, the oldest first."""
        self.statistics: Statistics | None = None
        self.tracer: Any = None
        """Whoever is told: a function, something that can be sent to, a logger."""
        self.item: Any = None
        """What is being handled; for the report, should it crash."""
        self.asked: dict[Caller, None] = {}
        """Calls that were seen coming, and have no answer yet."""

    @property
    def is_off(self) -> bool:
        return not (self.is_suspended or self.set_aside or self.statistics is not None or self.tracer is not None)

    def note_item(self, ref: Ref, item: Any) -> None:
        """A message is about to be handled."""
        self.item = item
        kind, message = _told(item)
        if kind == "call" and not item.is_answered:
            self.asked[item] = None
        if self.statistics is not None:
            name = {"call": "calls", "cast": "casts"}.get(kind, "infos")
            self.statistics = replace(self.statistics, **{name: getattr(self.statistics, name) + 1})
        if self.tracer is not None:
            sender = item.sender if kind == "call" else None
            self._tell(MessageIn(ref.system.clock.now(), ref.path, ref.serial, kind, message, sender))

    def note_time(self, seconds: float) -> None:
        """That message has been handled."""
        if self.statistics is not None:
            self.statistics = replace(self.statistics, busy=self.statistics.busy + seconds)

    def note_answer(self, ref: Ref, caller: Caller) -> None:
        """A question to this process has been settled; by any thread."""
        if caller not in self.asked:
            return
        del self.asked[caller]
        if caller.error is not None:
            return
        if self.statistics is not None:
            self.statistics = replace(self.statistics, replies=self.statistics.replies + 1)
        if self.tracer is not None:
            now = ref.system.clock.now()
            self._tell(ReplyOut(now, ref.path, ref.serial, caller.request, caller.value, caller.sender))

    def _tell(self, event: Traced) -> None:
        to = self.tracer
        try:
            if isinstance(to, logging.Logger):
                to.info("%s", event)
            elif hasattr(to, "send"):
                to.send(event)
            else:
                to(event)
        except Exception:
            # Who looks on must not stop what goes on: as in OTP, the trace is over.
            self.tracer = None
            logger.exception("the trace of %s is switched off: whoever was told of it raised", event.path)


def pay_attention(ref: Ref) -> Attention:
    """Answer what is switched on for the running process."""
    if ref._attention is None:
        ref._attention = Attention()
    return ref._attention


def attend(ref: Ref, behaviour: Behaviour, serve: Callable[[SystemRequest], Reason | None]) -> Reason | None:
    """Empty the mailbox as the usual loop does, but with attention; answer why to end, or None when all is off."""
    attention = pay_attention(ref)
    clock = ref.system.clock
    while not attention.is_off:
        item = _next(ref, attention)
        if ref._doom is not None:
            ref.set_aside(item)
            return ref._doom
        if type(item) is SystemRequest:
            attention.item = item
            reason = serve(item)
        elif attention.is_suspended:
            # The exit of its parent, or nothing at all.
            reason = item.reason if type(item) is Exit else None
        else:
            attention.note_item(ref, item)
            began = clock.monotonic()
            try:
                reason = behaviour.receive(item)
            finally:
                attention.note_time(clock.monotonic() - began)
            ref.handled += 1
        if reason is not None:
            return reason
    ref._attention = None
    return None


def _next(ref: Ref, attention: Attention) -> Any:
    inbox = ref._inbox
    if not attention.is_suspended:
        try:
            return attention.set_aside.popleft()
        except IndexError:
            return inbox.get()
    if isinstance(inbox, BoundedInbox):
        # There they stay where they are: what is set aside would count no more.
        return inbox.get_first(lambda item: _is_served(ref, item))
    while not _is_served(ref, item := inbox.get()):
        attention.set_aside.append(item)
        if ref.exit_reason is not None:  # killed just now; that was too late for whoever ended it to see
            sweep(ref, ref.exit_reason)
    return item


def _is_served(ref: Ref, item: Any) -> bool:
    """Whether a suspended process sees to it: it can be looked at, resumed, and ended."""
    kind = type(item)
    is_parents_exit = kind is Exit and ref.follows_parent and item.sender is ref.parent
    return kind is SystemRequest or kind is Wake or is_parents_exit


def _told(item: Any) -> tuple[str, Any]:
    if isinstance(item, Caller):
        return "call", item.request
    if isinstance(item, Info):
        return "info", item.message
    if isinstance(item, Cast):
        return "cast", item.message
    return (type(item).__name__, item) if type(item) in _NOTICES else ("cast", item)
