"""Stand-ins: what an OS process of its own holds in place of its parent's references, timers and the rest.

Each has the methods of what it stands for; what is asked of it is done by the parent, on the thread of the
very process whose code is running here, as if that code ran there. So a call from here is a call by that
process: it is interrupted by an exit signal, counts for links, and names its caller.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eye.clock import SystemClock
from eye.supervision.border import come_back
from eye.supervision.crossing import dumps, kinds
from eye.supervision.inbox import Inbox
from eye.supervision.messages import Caller, Monitor
from eye.supervision.ref import Ref
from eye.supervision.task import Task
from eye.supervision.timers import Timer

if TYPE_CHECKING:
    from collections.abc import Callable

    from eye.supervision.crossing import Crossing


class StandIn:
    """What every stand-in can do: be sent back, and be let go of."""

    __slots__ = ()

    _number: int
    _arrived: int
    _crossing: Crossing

    def settle_in(self, *more: Any) -> None: ...

    def __reduce__(self) -> Any:
        return come_back, (self._number,)

    def __reduce_ex__(self, _protocol: Any) -> Any:
        return come_back, (self._number,)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return self._crossing.ask(self._number, f".{name}")

    def __del__(self) -> None:
        try:
            self._crossing.released.append((self._number, self._arrived))
        except AttributeError:
            pass  # it never settled in

    def __str__(self) -> str:
        return str(self._crossing.ask(self._number, "__str__"))


def _asking(name: str) -> Callable[..., Any]:
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return self._crossing.ask(self._number, name, args, kwargs)

    method.__name__ = name
    return method


def _telling(name: str) -> Callable[..., None]:
    def method(self: Any, *args: Any, **kwargs: Any) -> None:
        self._crossing.tell(self._number, name, *args, **kwargs)

    method.__name__ = name
    return method


def _read(name: str) -> Any:
    return property(lambda self: self._crossing.ask(self._number, f".{name}"))


_MINE = ("_arrived", "_crossing", "_number")


class RefStandIn(StandIn, Ref):
    """A process: this one, or another."""

    __slots__ = (*_MINE, "_traps", "_vanishes")

    published = None
    """What others show of themselves can be read where they are; from here they are asked."""

    def settle_in(self, *more: Any) -> None:
        self.serial, self.id, self.name = more
        self._traps: bool | None = None

    @property
    def system(self) -> Any:  # type: ignore[override]
        return self._crossing.system

    @property
    def trap_exit(self) -> bool:
        traps = self._traps
        return bool(self._crossing.ask(self._number, ".trap_exit")) if traps is None else traps

    @trap_exit.setter
    def trap_exit(self, traps: bool) -> None:
        self._traps = traps
        self._crossing.tell(self._number, "=trap_exit", traps)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RefStandIn) and self.serial == other.serial

    def __hash__(self) -> int:
        return hash(self.serial)

    def __repr__(self) -> str:
        return f"<Ref {self.id}#{self.serial}, from another OS process>"

    def set_current(self, caller: Caller) -> None:
        """The parent has done so."""

    def clear_current(self) -> None:
        """The parent does so."""

    call = _asking("call")
    ask_process = _asking("ask_process")
    stop = _asking("stop")
    exit = _asking("exit")
    kill = _asking("kill")
    join = _asking("join")
    link = _asking("link")
    unlink = _asking("unlink")
    monitor = _asking("monitor")
    demonitor = _asking("demonitor")
    cast = _telling("cast")
    send = _telling("send")
    deliver = _telling("deliver")
    await_later = _telling("await_later")
    forget_caller = _telling("forget_caller")
    is_alive = _read("is_alive")
    mailbox_length = _read("mailbox_length")
    links = _read("links")
    path = _read("path")
    ancestors = _read("ancestors")


class CallerStandIn(StandIn, Caller):
    """A question that was asked of this process, or of another that handed it on."""

    __slots__ = (*_MINE, "__weakref__")

    reply = _asking("reply")

    def give(self, value: Any = None) -> None:  # type: ignore[override]
        # Goes with the word that the callback is done, which is about to follow: one message fewer for each call.
        self._crossing.parting = self._number, dumps(value)

    fail = _asking("fail")
    is_answered = _read("is_answered")


class InboxStandIn(StandIn, Inbox):
    """A mailbox of plain code."""

    send = _telling("send")
    cast = _telling("send")
    deliver = _telling("deliver")
    get = _asking("get")
    drain = _asking("drain")


class MonitorStandIn(StandIn, Monitor):
    """A standing wish to be told of an end."""

    __slots__ = (*_MINE, "__weakref__")

    is_flushed = False  # a notice that was taken back does not cross the border


class TimerStandIn(StandIn, Timer):
    """A message that is on its way."""

    __slots__ = (*_MINE, "__weakref__")

    cancel = _asking("cancel")
    remaining = _read("remaining")
    is_pending = _read("is_pending")


class TimersStandIn(StandIn):
    after = _asking("after")
    at = _asking("at")


class TopicsStandIn(StandIn):
    subscribe = _asking("subscribe")
    unsubscribe = _asking("unsubscribe")
    forget = _asking("forget")
    has_subscribers = _asking("has_subscribers")
    broadcast = _telling("broadcast")


class TaskStandIn(StandIn, Task[Any]):
    """A task that this process owns, or was told of."""

    ref = _read("ref")
    owner = _read("owner")
    await_result = _asking("await_result")
    yield_result = _asking("yield_result")
    shutdown = _asking("shutdown")
    ignore = _asking("ignore")
    notify = _asking("notify")
    _end = _asking("_end")


class SystemStandIn(StandIn):
    """The system that this process belongs to; its other processes live in the parent, or beside this one."""

    start = _asking("start")
    whereis = _asking("whereis")
    processes = _asking("processes")
    present = _asking("present")
    abandoned = _asking("abandoned")
    call = _asking("call")
    cast = _telling("cast")
    send = _telling("send")
    emit = _telling("emit")
    send_after = _asking("send_after")
    send_at = _asking("send_at")
    monitor = _asking("monitor")
    inbox = _asking("inbox")
    perform = _asking("perform")
    count_restart = _telling("count_restart")

    clock: Any = None
    timers: Any = None
    topics: Any = None


class ClockStandIn:
    """The parent's clock, where it is not simply the operating system's."""

    def __init__(self, number: int, crossing: Crossing) -> None:
        self._number, self._crossing = number, crossing

    def now(self) -> float:
        return self._crossing.ask(self._number, "clock.now")  # type: ignore[no-any-return]

    def monotonic(self) -> float:
        return self._crossing.ask(self._number, "clock.monotonic")  # type: ignore[no-any-return]

    acquire = SystemClock.acquire


kinds.update(
    {
        "ref": RefStandIn,
        "inbox": InboxStandIn,
        "caller": CallerStandIn,
        "monitor": MonitorStandIn,
        "timer": TimerStandIn,
        "timers": TimersStandIn,
        "topics": TopicsStandIn,
        "task": TaskStandIn,
        "system": SystemStandIn,
    }
)
