"""A process as others see it: a reference to call, tell, link, monitor, stop, and read.

How nobody is forgotten: an asker puts its question first and looks second whether the server has ended;
a server that ends marks itself first and empties its mailbox second. Whatever the order, one of the two
settles the question, and a question can be settled only once. The same holds for a question that the
server has taken out of its mailbox: it is noted down before the server looks whether it is dead.

How a process ends that is told to: it is *doomed* (`_doom` says with which reason), and leaves at its next
message, or at once where it waits for an answer. A kill does not wait for that: it ends the reference
here and now, and abandons the thread.
"""

from __future__ import annotations

import itertools
import os
import queue
import threading
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, overload

from eye.errors import CallingSelf, CallTimeout, MailboxFull, NoProcess
from eye.supervision.backlog import Backlog
from eye.supervision.deadlocks import break_deadlock
from eye.supervision.ending import finish
from eye.supervision.failures import exited, failure_of
from eye.supervision.failures import shorten as shorten
from eye.supervision.messages import (
    NOT_BARE,
    Caller,
    Cast,
    Down,
    Exit,
    Info,
    Monitor,
    Stopping,
    SystemRequest,
    Waiter,
    Wake,
)
from eye.supervision.reasons import (
    KILL,
    KILLED,
    NOPROC,
    NORMAL,
    TIMEOUT,
    ProcessExit,
    Reason,
    as_reason,
)
from eye.supervision.running import current as current
from eye.supervision.running import here as here
from eye.supervision.running import is_unheard
from eye.supervision.running import unheard as unheard

if TYPE_CHECKING:
    from collections.abc import Callable

    from eye.supervision.attention import Attention
    from eye.supervision.bounded_inbox import BoundedInbox
    from eye.supervision.inbox import Inbox
    from eye.supervision.messages import OfProcess, Request
    from eye.supervision.system import System
    from eye.supervision.via import Name

R = TypeVar("R")

DEFAULT_TIMEOUT = 5.0
"""Seconds that a call waits unless told otherwise, as in OTP."""

_serials = itertools.count(1)


# Who has asked lets the server run before going to sleep: on one CPU the answer is often there by then, and
# a sleep, its timer and a wake-up are saved (a call in 15.6 instead of 17.5 us). Where it is not, it costs a
# system call. Measured with busy processes and busy threads beside it too: never slower.
_give_way: Callable[[], object] = getattr(os, "sched_yield", lambda: None)


def leave_if_doomed(me: Ref | None) -> None:
    """End the running process here if it has been told to: what it waits for next would be in vain."""
    if me is not None and me._doom is not None:
        raise ProcessExit(me._doom)


class Ref:
    """A process as others see it: send, call, link, monitor, stop, and read what is known of it.

    A reference outlives its process: then messages to it vanish and calls raise `NoProcess`. The
    replacement that a supervisor starts has a reference of its own; a *name* finds it.
    """

    __slots__ = (
        "__weakref__",
        "_actor",
        "_attention",
        "_backlog",
        "_callers",
        "_current",
        "_doom",
        "_has_ended",
        "_inbox",
        "_joiners",
        "_links",
        "_lock",
        "_monitors",
        "_os_process",
        "_put",
        "_stopped",
        "_thread",
        "_waiting",
        "behaviour",
        "exit_reason",
        "exited_at",
        "follows_parent",
        "handled",
        "id",
        "incarnation",
        "name",
        "parent",
        "published",
        "serial",
        "served",
        "started_at",
        "status",
        "system",
        "told_to_exit_at",
        "trap_exit",
    )

    def __init__(self, system: System, behaviour: type, id_: Any, name: Name | None, parent: Ref | None) -> None:
        self.system = system
        self.behaviour = behaviour
        self.serial = next(_serials)
        """A number that no other process of this OS process has had (Erlang's pid)."""
        self.id = id_
        self.name = name
        self.parent = parent
        """The process that started this one; None where plain code did."""
        self.follows_parent = False
        """Whether it was started linked: an exit of its parent then ends it even if it traps exits."""
        self.incarnation = 1
        """How many times its supervisor has started this child, this time included."""
        self.status = "starting"
        """starting, running, suspended, exited."""
        self.started_at = system.clock.now()
        self.told_to_exit_at: float | None = None
        """When an exit signal came that it cannot but follow; a thread does so at its next message."""
        self.exited_at: float | None = None
        self.exit_reason: Reason | None = None
        self.handled = 0
        """How many messages have been handled."""
        self.served = 0
        """How many times it was asked, stopped or looked at beside that."""
        self.trap_exit = False
        self.published: Any = None
        """What the process shows of itself to whoever looks (a supervisor: its children)."""
        self._actor: Any
        """The Pykka actor that carries the process."""
        self._stopped: threading.Event | None = None
        """Pykka's own mark that the actor is no more; where somebody looks at it."""
        self._lock = threading.Lock()
        self._links: set[Ref] = set()
        self._monitors: dict[Monitor, None] = {}
        self._joiners: dict[Waiter, None] = {}
        self._callers: dict[Caller, None] = {}
        self._current: Caller | None = None
        self._doom: Reason | None = None
        self._waiting: Caller | None = None
        self._has_ended = False
        self._thread: threading.Thread | None = None
        self._os_process: OsProcess | None = None
        self._attention: Attention | None = None
        self._backlog: Backlog | None = None
        self._inbox: queue.SimpleQueue[Any] | BoundedInbox = queue.SimpleQueue()
        self._put: Callable[[Any], None] = self._inbox.put

    # ------------------------------------------------------------------ asking and telling

    @overload
    def call(self, request: Request[R], timeout: float | None = DEFAULT_TIMEOUT) -> R: ...
    @overload
    def call(self, request: Any, timeout: float | None = DEFAULT_TIMEOUT) -> Any: ...
    def call(self, request: Any, timeout: float | None = DEFAULT_TIMEOUT) -> Any:
        """Ask, and wait for the answer.

        Args:
            request: what `handle_call` gets.
            timeout: seconds to wait; None for as long as it takes. A server whose caller gave up
                still does the work, and its late answer goes nowhere.

        Raises:
            NoProcess: the process is gone, or never was.
            CallTimeout: the answer did not come in time.
            ServerExited: the server exited first; its `reason` says why, and if it crashed here, the
                exception it crashed with is the cause of this one.
            CallingSelf, CallDeadlock: a process may not wait for itself, nor for one that waits for it.
            MailboxFull: its mailbox is bounded, and there was no room.
        """
        me = here.ref
        if me is self:
            raise CallingSelf(str(self), shorten(request), "calling_self")
        leave_if_doomed(me)
        if self.exit_reason is not None:
            raise NoProcess(str(self), shorten(request), NOPROC)
        caller = Caller(request, self, me)
        self._put(caller)
        if self.exit_reason is not None:
            # It was alive when we asked, so this is why it did not answer; as a monitor would have said.
            caller.fail(self.exit_reason)
        return self.await_answer(caller, timeout)

    def await_answer(self, caller: Caller, timeout: float | None) -> Any:
        """Wait for the answer to a question that lies in this mailbox; see `call`."""
        in_time = self._wait(caller, timeout)
        if not in_time and caller.fail(TIMEOUT):
            raise CallTimeout(str(self), shorten(caller.request), f"timeout: no answer within {timeout:g} s")
        if caller.error is not None:
            raise failure_of(caller)
        return caller.value

    def _wait(self, caller: Caller, timeout: float | None) -> bool:
        me = caller.sender
        if me is None:
            _give_way()
            return caller.is_answered or self.system.clock.acquire(caller.lock, timeout)
        me._waiting = caller
        if me._doom is not None:
            caller.fail(me._doom)
        if self._waiting is not None and self.system.detects_deadlocks:
            break_deadlock(caller)
        _give_way()
        try:
            in_time = caller.is_answered or self.system.clock.acquire(caller.lock, timeout)
        finally:
            me._waiting = None
        leave_if_doomed(me)
        return in_time

    def cast(self, message: Any) -> None:
        """Tell, and do not wait. A message to a process that is gone vanishes."""
        if unheard and is_unheard():
            return
        self._put(Cast(message) if type(message) in NOT_BARE else message)

    def send(self, message: Any) -> None:
        """Send any other message; `handle_info` gets it."""
        if unheard and is_unheard():
            return
        self._put(Info(message))

    def ask_process(self, what: Callable[[Any], Any] | OfProcess, timeout: float | None = DEFAULT_TIMEOUT) -> Any:
        """Have the process itself do `what(behaviour)` between two messages, and answer the result."""
        me = here.ref
        if me is self:
            raise CallingSelf(str(self), shorten(what), "calling_self")
        leave_if_doomed(me)
        return self.await_answer(self.inquire(what), timeout)

    def inquire(self, what: Callable[[Any], Any] | OfProcess) -> Caller:
        """Put the same question without waiting: the answer will be in the `Caller`."""
        caller = Caller(what, self, here.ref)
        if self.exit_reason is not None:
            caller.fail(NOPROC)
            return caller
        self._put(SystemRequest(what, caller))
        if self.exit_reason is not None:
            caller.fail(self.exit_reason)
        return caller

    # ------------------------------------------------------------------- ends and signals

    def stop(self, reason: Reason | str = NORMAL, timeout: float | None = None) -> None:
        """Ask the process to end in good order, and wait until it has.

        What lies in its mailbox already is handled first, then `terminate` runs with `reason`.

        Raises:
            NoProcess: it is gone already.
            CallTimeout: the time ran out; the process goes on ending.
            ServerExited: it ended for another reason than `reason`.
        """
        wanted = as_reason(reason)
        me, request = here.ref, f"stop({wanted})"
        if me is self:
            raise CallingSelf(str(self), request, "calling_self")
        leave_if_doomed(me)
        if self.exit_reason is not None:
            raise NoProcess(str(self), request, NOPROC)
        self._put(SystemRequest(Stopping(wanted), Caller(wanted, self, me)))
        ended = self.join(timeout)
        if ended is None:
            raise CallTimeout(str(self), request, f"timeout: still running after {timeout:g} s")
        if ended != wanted:
            raise exited(str(self), request, ended)

    def exit(self, reason: Reason | str) -> None:
        """Send an exit signal, as if from a linked process that ended with `reason`.

        A process that traps exits gets it as a message. Any other ends at its next message (or at once
        where it waits for an answer, or sent the signal itself), unless the reason is `normal`. `kill`
        ends whatever it does: a thread cannot be interrupted, so it is *abandoned*: declared dead at
        once, and no more heard.
        """
        me = here.ref
        if me is not None and me.exit_reason is not None and me is not self:
            return
        self.signal(me, as_reason(reason))
        if me is self:
            leave_if_doomed(me)

    def signal(self, sender: Ref | None, reason: Reason, *, from_link: bool = False) -> None:
        """Deliver an exit signal from `sender`."""
        if self.exit_reason is not None:
            return
        if reason == KILL and not from_link:
            self.kill()
        elif self.trap_exit:
            self._put(Exit(sender, reason))
        elif reason != NORMAL or sender is self:
            if self._doom is None:
                self._doom, self.told_to_exit_at = reason, self.system.clock.now()
            if self._os_process is not None:
                self._os_process.terminate()
            self._interrupt()

    def kill(self) -> None:
        """Declare the process dead, now: its name is free, links and monitors are told `killed`.

        The thread itself ends when the code it runs returns; until then `system.abandoned()` lists it.
        An OS process really ends: then everybody is told once it has, and nobody is left behind.
        """
        if self.exit_reason is not None:
            return
        self._doom = KILLED
        if self._os_process is not None:
            self._os_process.kill()
        else:
            self.finish(KILLED, abandon=True)
        self._interrupt()

    def _interrupt(self) -> None:
        waiting = self._waiting
        if waiting is not None and self._doom is not None:
            waiting.fail(self._doom)
        self._inbox.put(Wake())

    def join(self, timeout: float | None = None) -> Reason | None:
        """Wait until the process has ended, and everybody concerned has been told.

        Returns:
            Its exit reason; None if it still runs after `timeout` seconds.
        """
        me = here.ref
        if me is self:
            raise CallingSelf(str(self), "join()", "calling_self")
        waiter = Waiter("join()", self, me)
        with self._lock:
            if self._has_ended:
                return self.exit_reason
            self._joiners[waiter] = None
        try:
            in_time = self._wait(waiter, timeout)
        finally:
            with self._lock:
                self._joiners.pop(waiter, None)
        return self.exit_reason if in_time or not waiter.fail(TIMEOUT) else None

    @property
    def is_alive(self) -> bool:
        return self.exit_reason is None

    # ---------------------------------------------------------------- links and monitors

    def link(self, other: Ref) -> None:
        """Share fate: when one of the two ends, the other gets an exit signal. A second link adds nothing.

        Where one of them has ended already, the other gets its exit signal, `noproc`, at once.
        """
        if other is self:
            return
        if unheard and is_unheard():
            raise ProcessExit(NOPROC)  # declared dead: it shall not take others along
        first, second = (self, other) if self.serial < other.serial else (other, self)
        with first._lock, second._lock:
            if self.exit_reason is None and other.exit_reason is None:
                self._links.add(other)
                other._links.add(self)
                return
        alive, gone = (self, other) if self.exit_reason is None else (other, self)
        if alive is here.ref and not alive.trap_exit:
            raise ProcessExit(NOPROC)  # here and now, as a link to nobody fails in OTP; its cleanup still runs
        alive.signal(gone, NOPROC, from_link=True)

    def unlink(self, other: Ref) -> None:
        """Take a link back, on both sides. No exit signal comes over it once this has returned."""
        with self._lock:
            self._links.discard(other)
        with other._lock:
            other._links.discard(self)

    def monitor(self, watcher: Ref | Inbox) -> Monitor:
        """Have `watcher` told, by one `Down` message, when this process ends (at once if it has)."""
        monitor = Monitor(self, watcher)
        with self._lock:
            if self.exit_reason is None:
                self._monitors[monitor] = None
                return monitor
        watcher.deliver(Down(monitor, self, NOPROC))
        return monitor

    def demonitor(self, monitor: Monitor, *, flush: bool = False) -> None:
        """Take a monitor back: no notice comes any more. With `flush`, not even one that waits already."""
        monitor.is_flushed = flush
        with self._lock:
            self._monitors.pop(monitor, None)

    def deliver(self, item: Any) -> None:
        """Put a message of the framework's own into the mailbox, or one whose sender is not there to be told."""
        try:
            self._put(item)
        except MailboxFull:
            pass  # counted there

    # ------------------------------------------------------------------- what is known of it

    @property
    def mailbox_length(self) -> int:
        """How many messages wait; none once the process has ended."""
        if self.exit_reason is not None:
            return 0
        attention = self._attention
        return self._inbox.qsize() + (0 if attention is None else len(attention.set_aside))

    @property
    def oldest_message_age(self) -> float | None:
        """For how many seconds its oldest message has waited, at least; None if none waits.

        It is told from how the mailbox looked before: exact to the time between two looks. `System.look`
        is a look at all of them (a node's sampler takes one at each tick), and so is to read this.
        """
        return self.look(self.system.clock.monotonic())

    def look(self, at: float) -> float | None:
        """Note down how full the mailbox is; answer what that says of the oldest message."""
        inbox, waiting = self._inbox, self.mailbox_length
        if not waiting:
            self._backlog = None
            return None
        backlog = self._backlog
        if backlog is None:
            backlog = self._backlog = Backlog()
        taken = self.handled + self.served + getattr(inbox, "removed", 0)
        return backlog.oldest_age(at, taken, waiting)

    @property
    def dropped(self) -> int:
        """How many messages a bounded mailbox had no room for."""
        return getattr(self._inbox, "dropped", 0)

    @property
    def links(self) -> frozenset[Ref]:
        with self._lock:
            return frozenset(self._links)

    @property
    def actor_ref(self) -> Any:
        """The process as Pykka's own reference: `ask`, `tell`, `stop` and `is_alive` work as they do there."""
        return self._actor.actor_ref

    @property
    def path(self) -> str:
        """Where it stands in the tree: `/eye/metrics/sampler`."""
        above = self.parent.path if self.parent is not None else ""
        return f"{above}/{self.id}"

    @property
    def ancestors(self) -> tuple[Ref, ...]:
        """Who started it, who started that one, and so on up."""
        return () if self.parent is None else (self.parent, *self.parent.ancestors)

    def __str__(self) -> str:
        return f"{self.path}#{self.serial}"

    def __repr__(self) -> str:
        return f"<Ref {self} {self.exit_reason or self.status}>"

    # ---------------------------------------------------------------- for the process itself

    def mark(self, status: str) -> None:
        """Show how it is: running, once `init` has returned, or suspended."""
        with self._lock:
            if self.exit_reason is None:
                self.status = status

    def set_current(self, caller: Caller) -> None:
        """Note down whose question is being worked on, so that its asker hears of a crash or a kill."""
        self._current = caller
        if self.exit_reason is not None:  # killed since the question was taken out of the mailbox
            caller.fail(self.exit_reason)
            raise ProcessExit(self.exit_reason)

    def clear_current(self) -> None:
        self._current = None

    def await_later(self, caller: Caller) -> None:
        """Remember a caller whose answer comes later, so that it is told if the server ends first."""
        self._callers[caller] = None
        if self.exit_reason is not None:
            caller.fail(self.exit_reason)
        elif caller.is_answered:
            self.forget_caller(caller)

    def forget_caller(self, caller: Caller) -> None:
        self._callers.pop(caller, None)
        if self._attention is not None:
            self._attention.note_answer(self, caller)

    def set_aside(self, item: Any) -> None:
        """Give back an item that was taken out of the mailbox: whoever asked will be told of the end."""
        if isinstance(item, SystemRequest):
            self.await_later(item.caller)
        elif isinstance(item, Caller):
            self.await_later(item)

    def finish(self, reason: Reason, *, abandon: bool = False) -> bool:
        """End, once: free the name, fail the waiting, tell links and monitors, in that order.

        Args:
            reason: why.
            abandon: whether the thread may still run somebody's code.

        Returns:
            Whether this was the end; False where it had ended before.
        """
        return finish(self, reason, abandon=abandon)


class OsProcess(Protocol):
    """What a reference needs of the OS process that an isolated server runs in."""

    def terminate(self) -> None: ...
    def kill(self) -> None: ...
