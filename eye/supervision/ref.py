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
import queue
import threading
from typing import TYPE_CHECKING, Any, Protocol

from eye.errors import CallFailed, CallingSelf, CallTimeout, NoProcess, ServerExited
from eye.supervision.messages import NOT_BARE, Caller, Cast, Down, Exit, Info, Monitor, SystemRequest, Wake
from eye.supervision.reasons import KILL, KILLED, NOPROC, NORMAL, TIMEOUT, Crash, ProcessExit, Reason, as_reason

if TYPE_CHECKING:
    from collections.abc import Callable

    from eye.supervision.inbox import Inbox
    from eye.supervision.system import System

DEFAULT_TIMEOUT = 5.0
"""Seconds that a call waits unless told otherwise, as in OTP."""

_serials = itertools.count(1)


class _Here(threading.local):
    """Which process the running thread belongs to."""

    ref: Ref | None = None


here = _Here()


def current() -> Ref | None:
    """Answer the process whose code is running; None in a thread that belongs to no process."""
    return here.ref


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
        "actor_ref",
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
        "started_at",
        "status",
        "system",
        "trap_exit",
    )

    def __init__(self, system: System, behaviour: type, id_: Any, name: str | None, parent: Ref | None) -> None:
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
        """starting, running, exited."""
        self.started_at = system.clock.now()
        self.exited_at: float | None = None
        self.exit_reason: Reason | None = None
        self.handled = 0
        """How many messages have been handled."""
        self.trap_exit = False
        self.published: Any = None
        """What the process shows of itself to whoever looks (a supervisor: its children)."""
        self.actor_ref: Any
        """The Pykka actor that carries the process."""
        self._stopped: threading.Event
        """Pykka's own mark that the actor is no more."""
        self._lock = threading.Lock()
        self._links: set[Ref] = set()
        self._monitors: dict[Monitor, None] = {}
        self._joiners: dict[Caller, None] = {}
        self._callers: dict[Caller, None] = {}
        self._current: Caller | None = None
        self._doom: Reason | None = None
        self._waiting: Caller | None = None
        self._has_ended = False
        self._thread: threading.Thread | None = None
        self._os_process: OsProcess | None = None
        self._inbox: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._put: Callable[[Any], None] = self._inbox.put

    # ------------------------------------------------------------------ asking and telling

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
            CallingSelf: a process may not wait for itself.
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
            raise self.failure_of(caller)
        return caller.value

    def _wait(self, caller: Caller, timeout: float | None) -> bool:
        me = caller.sender
        if me is None:
            return self.system.clock.acquire(caller.lock, timeout)
        me._waiting = caller
        if me._doom is not None:
            caller.fail(me._doom)
        try:
            in_time = self.system.clock.acquire(caller.lock, timeout)
        finally:
            me._waiting = None
        leave_if_doomed(me)
        return in_time

    def failure_of(self, caller: Caller) -> CallFailed:
        """Make the error of a call that was failed."""
        reason = caller.error
        if reason is NOPROC:
            return NoProcess(str(self), shorten(caller.request), NOPROC)
        return self._exited(shorten(caller.request), reason)

    def _exited(self, request: str, reason: Reason | None) -> ServerExited:
        failure = ServerExited(str(self), request, reason)
        if isinstance(reason, Crash):
            failure.__cause__ = reason.exception
        return failure

    def cast(self, message: Any) -> None:
        """Tell, and do not wait. A message to a process that is gone vanishes."""
        me = here.ref
        if me is not None and me.exit_reason is not None:
            return  # declared dead: what its thread still says is not heard
        self._put(Cast(message) if type(message) in NOT_BARE else message)

    def send(self, message: Any) -> None:
        """Send any other message; `handle_info` gets it."""
        me = here.ref
        if me is not None and me.exit_reason is not None:
            return
        self._put(Info(message))

    def ask_process(self, what: Callable[[Any], Any], timeout: float | None = DEFAULT_TIMEOUT) -> Any:
        """Have the process itself do `what(behaviour)` between two messages, and answer the result."""
        me = here.ref
        if me is self:
            raise CallingSelf(str(self), shorten(what), "calling_self")
        leave_if_doomed(me)
        return self.await_answer(self.inquire(what), timeout)

    def inquire(self, what: Callable[[Any], Any]) -> Caller:
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
            raise self._exited(request, ended)

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
                self._doom = reason
            if self._os_process is not None:
                self._os_process.terminate()
            self._interrupt()

    def kill(self) -> None:
        """Declare the process dead, now: its name is free, links and monitors are told `killed`.

        The thread itself ends when the code it runs returns; until then `system.abandoned()` lists it.
        An OS process really ends.
        """
        if self.exit_reason is None:
            self._doom = KILLED
            if self._os_process is not None:
                self._os_process.kill()
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
        waiter = Caller("join()", self, me)
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
        first, second = (self, other) if self.serial < other.serial else (other, self)
        with first._lock, second._lock:
            if self.exit_reason is None and other.exit_reason is None:
                self._links.add(other)
                other._links.add(self)
                return
        if self.exit_reason is None:
            self.signal(other, NOPROC, from_link=True)
        else:
            other.signal(self, NOPROC, from_link=True)

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
        """Put a message of the framework's own into the mailbox."""
        self._put(item)

    # ------------------------------------------------------------------- what is known of it

    @property
    def mailbox_length(self) -> int:
        """How many messages wait; none once the process has ended."""
        return self._inbox.qsize() if self.exit_reason is None else 0

    @property
    def links(self) -> frozenset[Ref]:
        with self._lock:
            return frozenset(self._links)

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

    def mark_running(self) -> None:
        """`init` has returned."""
        with self._lock:
            if self.exit_reason is None:
                self.status = "running"

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

    def set_aside(self, item: Any) -> None:
        """Give back an item that was taken out of the mailbox: whoever asked will be told of the end."""
        if isinstance(item, SystemRequest):
            self.await_later(item.caller)
        elif isinstance(item, Caller):
            self.await_later(item)

    def finish(self, reason: Reason, *, abandon: bool = False) -> bool:
        """End, once: free the name, fail the waiting, tell monitors and links, in that order.

        Args:
            reason: why.
            abandon: whether the thread may still run somebody's code.

        Returns:
            Whether this was the end; False where it had ended before.
        """
        with self._lock:
            if self.exit_reason is not None:
                return False
            self.exited_at = self.system.clock.now()
            self.exit_reason = reason
            links, self._links = self._links, set()
            if abandon:
                self.system.abandon(self)
        self._put = _discard  # nothing piles up behind a reference that somebody keeps
        self.system.free_name(self)
        self._stopped.set()
        self.published = None
        if self._current is not None:
            self._current.fail(reason)
        for caller in list(self._callers):
            caller.fail(reason)
        self._sweep(reason)
        self._tell_monitors(reason)
        for other in links:
            self._tell_link(other, reason)
        with self._lock:
            self._has_ended = True
            self.status = "exited"
            joiners = list(self._joiners)
        self.system.forget(self)
        for waiter in joiners:
            waiter.reply()
        return True

    def _sweep(self, reason: Reason) -> None:
        """Fail whoever waits for an answer from a mailbox that nobody empties any more."""
        while True:
            try:
                item = self._inbox.get_nowait()
            except queue.Empty:
                return
            if isinstance(item, SystemRequest):
                item.caller.fail(reason)
            elif isinstance(item, Caller):
                item.fail(reason)

    def _tell_monitors(self, reason: Reason) -> None:
        # Under the lock that `demonitor` takes: once that has returned, no notice comes.
        with self._lock:
            monitors, self._monitors = self._monitors, {}
            for monitor in monitors:
                monitor.watcher.deliver(Down(monitor, self, reason))

    def _tell_link(self, other: Ref, reason: Reason) -> None:
        # Under the lock that `unlink` takes, for the same reason.
        with other._lock:
            if self in other._links:
                other._links.discard(self)
                other.signal(self, reason, from_link=True)


class OsProcess(Protocol):
    """What a reference needs of the OS process that an isolated server runs in."""

    def terminate(self) -> None: ...
    def kill(self) -> None: ...


class Stopping:
    """What `Ref.stop` has the process do: nothing but end."""

    def __init__(self, reason: Reason) -> None:
        self.reason = reason

    def __call__(self, _behaviour: Any) -> None: ...


def _discard(_item: Any) -> None:
    """The mailbox of a process that is gone."""


def shorten(value: Any) -> str:
    """Show a value in an error or a report, cut where it gets long."""
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:197]}..."
