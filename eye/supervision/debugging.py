"""Looking into a live process, and holding it (what Erlang's `sys` gives).

    suspend(ref)                          it handles nothing; what comes waits, in order
    get_state(ref)                        {"count": 41}, also while it is suspended
    replace_state(ref, {"count": 0})      or a function from the state to the new one
    resume(ref)                           what waited is handled
    get_status(ref)                       the whole picture: mailbox, links, statistics, state
    statistics(ref, True)                 count from now on; `statistics(ref)` reads
    trace(ref, print)                     told of every message and every answer, until `trace(ref, None)`

Each asks the process itself, which answers between two messages: so each takes a time limit, and waits for
a process that is busy. To look at one that is stuck, read `process_info`, which asks nobody.

While suspended a process can still be looked at, resumed, stopped and killed, and the exit of its parent
still ends it. Everything else waits: calls run into their own time limits, a supervisor restarts nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from eye.supervision.attention import Statistics, pay_attention
from eye.supervision.messages import OfProcess
from eye.supervision.names import find_here
from eye.supervision.ref import DEFAULT_TIMEOUT, Ref

if TYPE_CHECKING:
    import logging

    from eye.supervision.gen_server import GenServer
    from eye.supervision.inbox import Inbox
    from eye.supervision.system import Target

    Listener = Callable[[Any], Any] | Ref | Inbox | logging.Logger


@dataclass(frozen=True, slots=True)
class Status:
    """One process, as it shows itself."""

    path: str
    behaviour: str
    """The class it was started with."""
    status: str
    """running or suspended."""
    parent: Ref | None
    ancestors: tuple[Ref, ...]
    trap_exit: bool
    mailbox_length: int
    links: frozenset[Ref]
    handled: int
    is_traced: bool
    statistics: Statistics | None
    state: Any
    """As `GenServer.format_status` lets it be seen."""


def suspend(target: Target, timeout: float | None = DEFAULT_TIMEOUT) -> None:
    """Have a process handle nothing until it is resumed. To one that is suspended it does nothing.

    Raises:
        NoProcess, CallTimeout, ServerExited: as of a call.
    """
    find_here(target, "suspend").ask_process(_Suspend(), timeout)


def resume(target: Target, timeout: float | None = DEFAULT_TIMEOUT) -> None:
    """Have a process go on: with what came meanwhile, in the order in which it came."""
    find_here(target, "resume").ask_process(_Resume(), timeout)


def get_state(target: Target, timeout: float | None = DEFAULT_TIMEOUT) -> Any:
    """Answer the state of a server: its attributes, as a dict, unless its `system_get_state` says otherwise.

    The dict is a copy, what is in it is not (it is where the server has an OS process of its own): look, and
    change nothing.
    """
    return find_here(target, "its state").ask_process(_GetState(), timeout)


def replace_state(
    target: Target,
    change: Callable[[Any], Any] | Mapping[str, Any],
    timeout: float | None = DEFAULT_TIMEOUT,
) -> Any:
    """Give a server another state, and answer what that is.

    Args:
        target: the server.
        change: new values for some of its attributes; or a function, which is called in the server with the state
            that `get_state` shows and returns all of the new one.
        timeout: seconds.

    Raises:
        ServerExited: the function raised; its error is the cause. The state is as it was, and the server lives.
    """
    return find_here(target, "replace its state").ask_process(_ReplaceState(change), timeout)


def get_status(target: Target, timeout: float | None = DEFAULT_TIMEOUT) -> Status:
    """Answer the whole picture of a process, with its state as its `format_status` lets it be seen."""
    ref = find_here(target, "its status")
    state = ref.ask_process(_ShownState(), timeout)
    return ref.ask_process(_GetStatus(state), timeout)  # type: ignore[no-any-return]


def statistics(
    target: Target,
    switch: bool | Literal["get"] = "get",
    timeout: float | None = DEFAULT_TIMEOUT,
) -> Statistics | None:
    """Switch the statistics of a process on (True, from nought) or off (False); answer them, None where off."""
    if switch not in (True, False, "get"):
        raise ValueError(f"statistics takes True, False or 'get', not {switch!r}")
    return find_here(target, "its statistics").ask_process(_Count(switch), timeout)  # type: ignore[no-any-return]


def trace(target: Target, to: Listener | None, timeout: float | None = DEFAULT_TIMEOUT) -> None:
    """Tell `to` of every message that a process begins to handle, and of every answer to its calls.

    Args:
        target: the process.
        to: a function, called on the process's own thread with a `MessageIn` or a `ReplyOut`; a process or inbox,
            which is sent them; a logger, which gets a line for each (INFO); None switches the trace off.
        timeout: seconds.

    One trace at a time: a new one takes the place of the last. One whose listener raises is switched off.
    """
    find_here(target, "trace").ask_process(_Trace(to), timeout)


# What is asked. Classes of this module, so that each can cross into another OS process.


@dataclass(frozen=True)
class _Suspend(OfProcess):
    def do(self, ref: Ref) -> None:
        pay_attention(ref).is_suspended = True
        ref.mark("suspended")


@dataclass(frozen=True)
class _Resume(OfProcess):
    def do(self, ref: Ref) -> None:
        if ref._attention is not None:
            ref._attention.is_suspended = False
            ref.mark("running")


@dataclass(frozen=True)
class _Count(OfProcess):
    switch: bool | Literal["get"]

    def do(self, ref: Ref) -> Statistics | None:
        if self.switch is True:
            now = ref.system.clock.now()
            pay_attention(ref).statistics = Statistics(ref.started_at, now)
        found = None if ref._attention is None else ref._attention.statistics
        if self.switch is False and ref._attention is not None:
            ref._attention.statistics = None
        return found


@dataclass(frozen=True)
class _Trace(OfProcess):
    to: Any

    def do(self, ref: Ref) -> None:
        if self.to is not None or ref._attention is not None:
            pay_attention(ref).tracer = self.to


@dataclass(frozen=True)
class _GetStatus(OfProcess):
    state: Any

    def do(self, ref: Ref) -> Status:
        attention = ref._attention
        return Status(
            path=ref.path,
            behaviour=f"{ref.behaviour.__module__}.{ref.behaviour.__qualname__}",
            status=ref.status,
            parent=ref.parent,
            ancestors=ref.ancestors,
            trap_exit=ref.trap_exit,
            mailbox_length=ref.mailbox_length,
            links=ref.links,
            handled=ref.handled,
            is_traced=attention is not None and attention.tracer is not None,
            statistics=None if attention is None else attention.statistics,
            state=self.state,
        )


@dataclass(frozen=True)
class _GetState:
    def __call__(self, server: GenServer) -> Any:
        return server.system_get_state()


@dataclass(frozen=True)
class _ReplaceState:
    change: Callable[[Any], Any] | Mapping[str, Any]

    def __call__(self, server: GenServer) -> Any:
        state = server.system_get_state()
        changed = {**state, **self.change} if isinstance(self.change, Mapping) else self.change(state)
        server.system_replace_state(changed)
        return server.system_get_state()


@dataclass(frozen=True)
class _ShownState:
    def __call__(self, server: GenServer) -> Any:
        return server.format_status({"state": server.system_get_state()})["state"]
