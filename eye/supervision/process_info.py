"""What can be known of one process, read from outside, without asking it (Erlang's `process_info`).

    process_info(ref).messages      what waits in its mailbox, and still waits afterwards
    process_info(ref).stack         where its code is right now
    process_info(dead)              None

A process that is stuck, busy or suspended is read like any other, and at no cost to it: everything comes
from its reference, from the interpreter's own structures, or from the operating system.
"""

from __future__ import annotations

import gc
import queue
import sys
import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eye.supervision.messages import Cast, Info, SystemRequest, Wake

if TYPE_CHECKING:
    from eye.supervision.inbox import Inbox
    from eye.supervision.messages import Monitor
    from eye.supervision.ref import Ref


@dataclass(frozen=True, slots=True)
class ProcessInfo:
    """One process, as it was a moment ago."""

    path: str
    name: str | None
    serial: int
    initial_call: str
    """The class it was started with."""
    ancestors: tuple[Ref, ...]
    """Who started it, who started that one, and so on up."""
    status: str
    """starting, running, suspended."""
    told_to_exit_at: float | None
    """Since when (UTC seconds) it should have ended: a thread goes on until its next message. None for most."""
    trap_exit: bool
    mailbox_length: int
    messages: tuple[Any, ...]
    """What waits in its mailbox, the oldest first: casts and other messages as they are, questions as `Caller`."""
    handled: int
    """How many messages it has handled: its share of the work."""
    links: frozenset[Ref]
    monitors: tuple[Monitor, ...]
    """Whom it watches."""
    watchers: tuple[Ref | Inbox, ...]
    """Who watches it."""
    os_process: int | None
    """The number of its own OS process; None for a thread."""
    memory: int | None
    """Bytes resident, of an OS process of its own. Threads share theirs: nobody can say what one takes."""
    stack: tuple[str, ...]
    """What its thread does, outermost first: `module.function:line`. Of an OS process of its own, the thread
    on this side of the border."""

    @property
    def current_function(self) -> str | None:
        """Where it is right now; for an idle process the loop that waits for a message."""
        return self.stack[-1] if self.stack else None


def process_info(ref: Ref) -> ProcessInfo | None:
    """Read what is known of a process; None once it has ended. Any thread may ask, and nobody waits."""
    os_process = getattr(ref._os_process, "pid", None)
    with ref._lock:
        watchers = tuple(monitor.watcher for monitor in ref._monitors)
    info = ProcessInfo(
        path=ref.path,
        name=None if ref.name is None else str(ref.name),
        serial=ref.serial,
        initial_call=f"{ref.behaviour.__module__}.{ref.behaviour.__qualname__}",
        ancestors=ref.ancestors,
        status=ref.status,
        told_to_exit_at=ref.told_to_exit_at,
        trap_exit=ref.trap_exit,
        mailbox_length=ref.mailbox_length,
        messages=_waiting(ref),
        handled=ref.handled,
        links=ref.links,
        monitors=_watched_by(ref),
        watchers=watchers,
        os_process=os_process,
        memory=None if os_process is None else _resident(os_process),
        stack=_stack(ref),
    )
    return info if ref.exit_reason is None else None


def _waiting(ref: Ref) -> tuple[Any, ...]:
    """List what lies in the mailbox, without taking it out.

    A `SimpleQueue` lets nobody look; but it tells the garbage collector what it holds: up to Python 3.12 a
    list with the places of what was taken out still in front, from 3.13 on the items themselves.
    """
    inbox, attention = ref._inbox, ref._attention
    if isinstance(inbox, queue.SimpleQueue):
        length = inbox.qsize()
        held = [one for one in gc.get_referents(inbox) if one is not type(inbox)]
        items = held if sys.version_info >= (3, 13) else list(held[0])
        length = min(length, inbox.qsize())  # what came or went meanwhile is left out
        items = items[len(items) - length :]
    else:
        items = inbox.waiting()
    if attention is not None:
        items = [*attention.set_aside, *items]  # what came while it was suspended came first
    return tuple(_shown(item) for item in items if type(item) is not Wake)


def _shown(item: Any) -> Any:
    if isinstance(item, (Cast, Info)):
        return item.message
    return item.caller if isinstance(item, SystemRequest) else item


def _watched_by(ref: Ref) -> tuple[Monitor, ...]:
    watched: list[Monitor] = []
    for other in ref.system.present():
        with other._lock:
            watched += [monitor for monitor in other._monitors if monitor.watcher is ref]
    return tuple(watched)


def _stack(ref: Ref) -> tuple[str, ...]:
    thread = ref._thread
    frame = None if thread is None or thread.ident is None else sys._current_frames().get(thread.ident)
    if frame is None:
        return ()
    lines = reversed(list(traceback.walk_stack(frame)))
    return tuple(f"{one.f_globals.get('__name__')}.{one.f_code.co_qualname}:{line}" for one, line in lines)


def _resident(pid: int) -> int | None:
    """Read how much memory an OS process has; None where the operating system keeps no /proc."""
    try:
        with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as status:
            line = next(line for line in status if line.startswith("VmRSS:"))
    except (OSError, StopIteration):
        return None
    return int(line.split()[1]) * 1024
