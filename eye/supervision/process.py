"""A process: a mailbox, a thread that empties it, and an end that everybody concerned is told about.

The one file that knows Pykka. A Pykka actor carries each process: it owns the inbox and the thread. What
Pykka promises less of than Erlang is made good here (measured on Pykka 4.5):

    Pykka                                           here
    an exception in `ask` leaves the actor alive    any exception ends the process
    `start` returns before `on_start` has run       `start` returns what `init` came to
    `ask` waits for ever; an asker can be forgotten every call ends: answer, exit reason or time limit
    `SystemExit` in one actor stops every actor     it ends that process alone
    `tell` to a dead actor raises                   a message to nobody vanishes
    one registry for the whole program              a `System` of one's own, as many as one likes
    no links, monitors, exit reasons                see `Ref`

How nobody is forgotten: an asker puts its question first and looks second whether the server has ended;
a server that ends marks itself first and empties its mailbox second. Whatever the order, one of the two
settles the question, and a question can be settled only once.
"""

from __future__ import annotations

import itertools
import logging
import queue
import sys
import threading
from typing import TYPE_CHECKING, Any, Protocol, cast

import pykka

from eye.errors import CallFailed, CallingSelf, CallTimeout, NoProcess, ServerExited, StartFailed
from eye.supervision.messages import Caller, Down, Exit, Info, Monitor, SystemRequest, Wake
from eye.supervision.reasons import (
    KILL,
    KILLED,
    NOPROC,
    NORMAL,
    SHUTDOWN,
    TIMEOUT,
    Crash,
    ProcessExit,
    Reason,
    as_reason,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from eye.supervision.system import System

logger = logging.getLogger("eye.supervision")

DEFAULT_TIMEOUT = 5.0
"""Seconds that a call waits unless told otherwise, as in OTP."""

IGNORED = Reason("ignore")
"""What a start answers with when `init` returned `Ignore`."""

_serials = itertools.count(1)


class _Here(threading.local):
    """Which process the running thread belongs to."""

    ref: Ref | None = None


_here = _Here()


def current() -> Ref | None:
    """Answer the process whose code is running; None in a thread that belongs to no process."""
    return _here.ref


class Behaviour(Protocol):
    """What a process runs: a `GenServer`, told by its `Process` when to do what."""

    trap_exit: bool

    def attach(self, ref: Ref) -> None: ...
    def begin(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Reason | None: ...
    def proceed(self) -> Reason | None: ...
    def receive(self, item: Any) -> Reason | None: ...
    def end(self, reason: Reason) -> Reason: ...


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
        "_inbox",
        "_joiners",
        "_links",
        "_lock",
        "_monitors",
        "_put",
        "_thread",
        "_waiting",
        "actor_ref",
        "behaviour",
        "exit_reason",
        "exited_at",
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
        self.incarnation = 1
        """How many times its supervisor has started this child, this time included."""
        self.status = "starting"
        self.started_at = system.clock.now()
        self.exited_at: float | None = None
        self.exit_reason: Reason | None = None
        self.handled = 0
        """How many messages have been handled."""
        self.trap_exit = False
        self.published: Any = None
        """What the process shows of itself to whoever looks (a supervisor: its children)."""
        self.actor_ref: pykka.ActorRef[Any]
        """The Pykka actor that carries the process."""
        self._lock = threading.Lock()
        self._links: set[Ref] = set()
        self._monitors: dict[Monitor, None] = {}
        self._joiners: list[threading.Lock] = []
        self._callers: dict[Caller, None] = {}
        self._current: Caller | None = None
        self._doom: Reason | None = None
        self._waiting: Caller | None = None
        self._thread: threading.Thread | None = None
        self._inbox: queue.SimpleQueue[Any]
        self._put: Callable[[Any], None]

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
        me = _here.ref
        if me is self:
            raise CallingSelf(str(self), _short(request), "calling_self")
        if self.exit_reason is not None:
            raise NoProcess(str(self), _short(request), NOPROC)
        caller = Caller(request, self, me)
        self._put(caller)
        if self.exit_reason is not None:
            caller.fail(NOPROC)
        return self.await_answer(caller, timeout)

    def await_answer(self, caller: Caller, timeout: float | None) -> Any:
        """Wait for the answer to a question that lies in this mailbox; see `call`."""
        me = caller.sender
        if me is not None:
            me._waiting = caller
            if me._doom is not None and not caller.is_answered:
                caller.fail(me._doom)
        try:
            in_time = self.system.clock.acquire(caller.lock, timeout)
        finally:
            if me is not None:
                me._waiting = None
        if not in_time and caller.fail(TIMEOUT):
            raise CallTimeout(str(self), _short(caller.request), f"timeout: no answer within {timeout:g} s")
        if caller.error is not None:
            if me is not None and me._doom is not None and caller.error is me._doom:
                raise ProcessExit(me._doom)
            raise self.failure_of(caller)
        return caller.value

    def failure_of(self, caller: Caller) -> CallFailed:
        reason = caller.error
        if reason is NOPROC:
            return NoProcess(str(self), _short(caller.request), NOPROC)
        failure = ServerExited(str(self), _short(caller.request), reason)
        if isinstance(reason, Crash):
            failure.__cause__ = reason.exception
        return failure

    def cast(self, message: Any) -> None:
        """Tell, and do not wait. A message to a process that is gone vanishes."""
        me = _here.ref
        if me is not None and me.exit_reason is not None:
            return  # declared dead: what its thread still says is not heard
        self._put(message)

    def send(self, message: Any) -> None:
        """Send any other message; `handle_info` gets it."""
        me = _here.ref
        if me is not None and me.exit_reason is not None:
            return
        self._put(Info(message))

    def ask_process(self, what: Callable[[Any], Any], timeout: float | None = DEFAULT_TIMEOUT) -> Any:
        """Have the process itself do `what(behaviour)` between two messages, and answer the result."""
        if _here.ref is self:
            raise CallingSelf(str(self), _short(what), "calling_self")
        return self.await_answer(self.inquire(what), timeout)

    def inquire(self, what: Callable[[Any], Any]) -> Caller:
        """Put the same question without waiting: the answer will be in the `Caller`."""
        caller = Caller(what, self, _here.ref)
        if self.exit_reason is None:
            self._put(SystemRequest(what, caller))
        if self.exit_reason is not None:
            caller.fail(NOPROC)
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
        if _here.ref is self:
            raise CallingSelf(str(self), f"stop({wanted})", "calling_self")
        if self.exit_reason is not None:
            raise NoProcess(str(self), f"stop({wanted})", NOPROC)
        self._put(SystemRequest(_Stopper(wanted), Caller(wanted, self, _here.ref)))
        ended = self.join(timeout)
        if ended is None:
            raise CallTimeout(str(self), f"stop({wanted})", f"timeout: still running after {timeout:g} s")
        if ended != wanted:
            failure = ServerExited(str(self), f"stop({wanted})", ended)
            if isinstance(ended, Crash):
                failure.__cause__ = ended.exception
            raise failure

    def exit(self, reason: Reason | str) -> None:
        """Send an exit signal, as if from a linked process that ended with `reason`.

        A process that traps exits gets it as a message. Any other ends at its next message (or at once
        where it waits for an answer), unless the reason is `normal`. `kill` ends whatever it does: a
        thread cannot be interrupted, so it is *abandoned*: declared dead at once, and no more heard.
        """
        self.signal(_here.ref, as_reason(reason))

    def signal(self, sender: Ref | None, reason: Reason, *, from_link: bool = False) -> None:
        """Deliver an exit signal from `sender`."""
        if reason == KILL and not from_link:
            self.kill()
        elif self.trap_exit:
            self._put(Exit(sender, reason))
        elif reason != NORMAL or sender is self:
            self._condemn(reason)

    def kill(self) -> None:
        """Declare the process dead, now: its name is free, links and monitors are told `killed`.

        The thread itself ends when the code it runs returns; until then `system.abandoned()` lists it.
        """
        self._doom = KILLED
        self.system.abandon(self)
        if not self.finish(KILLED):
            self.system.reclaim(self)
        self._interrupt()

    def _condemn(self, reason: Reason) -> None:
        if self._doom is None:
            self._doom = reason
        self._interrupt()

    def _interrupt(self) -> None:
        waiting = self._waiting
        if waiting is not None and self._doom is not None:
            waiting.fail(self._doom)
        self._inbox.put(Wake())

    def join(self, timeout: float | None = None) -> Reason | None:
        """Wait until the process has ended.

        Returns:
            Its exit reason; None if it still runs after `timeout` seconds.
        """
        lock = threading.Lock()
        lock.acquire()
        with self._lock:
            if self.status != "exited":
                self._joiners.append(lock)
            else:
                lock.release()
        self.system.clock.acquire(lock, timeout)
        return self.exit_reason

    @property
    def is_alive(self) -> bool:
        return self.exit_reason is None

    # ---------------------------------------------------------------- links and monitors

    def link(self, other: Ref) -> None:
        """Share fate: when one of the two ends, the other gets an exit signal. A second link adds nothing."""
        if other is self:
            return
        with self._lock:
            self._links.add(other)
        with other._lock:
            alive = other.exit_reason is None
            if alive:
                other._links.add(self)
        if not alive:
            with self._lock:
                self._links.discard(other)
            self.signal(other, NOPROC, from_link=True)

    def unlink(self, other: Ref) -> None:
        """Take a link back, on both sides."""
        with self._lock:
            self._links.discard(other)
        with other._lock:
            other._links.discard(self)

    def monitor(self, watcher: Ref | Inbox) -> Monitor:
        """Have `watcher` told, by one `Down` message, when this process ends (at once if it has)."""
        monitor = Monitor(self, watcher)
        with self._lock:
            alive = self.exit_reason is None
            if alive:
                self._monitors[monitor] = None
        if not alive:
            watcher.deliver(Down(monitor, self, NOPROC))
        return monitor

    def demonitor(self, monitor: Monitor, *, flush: bool = False) -> None:
        """Take a monitor back. With `flush`, a notice that is waiting already is not shown either."""
        monitor.is_flushed = flush
        with self._lock:
            self._monitors.pop(monitor, None)

    def deliver(self, item: Any) -> None:
        """Put a message of the framework's own into the mailbox."""
        self._put(item)

    # ------------------------------------------------------------------- what is known of it

    @property
    def mailbox_length(self) -> int:
        """How many messages wait."""
        return self._inbox.qsize()

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

    def await_later(self, caller: Caller) -> None:
        """Remember a caller whose answer comes later, so that it is told if the server ends first."""
        self._callers[caller] = None
        if caller.is_answered:
            self.forget_caller(caller)

    def set_current(self, caller: Caller | None) -> None:
        """Say whose question is being worked on, so that its asker hears of a crash."""
        self._current = caller

    def forget_caller(self, caller: Caller) -> None:
        self._callers.pop(caller, None)

    def finish(self, reason: Reason) -> bool:
        """End, once: free the name, fail the waiting, tell links and monitors. Answers whether this was it."""
        with self._lock:
            if self.exit_reason is not None:
                return False
            self.exited_at = self.system.clock.now()
            self.exit_reason = reason
            links, self._links = self._links, set()
            monitors, self._monitors = self._monitors, {}
        self.system.forget(self)
        self._put = _discard  # nothing piles up behind a reference that somebody keeps
        if self._current is not None:
            self._current.fail(reason)
        for caller in list(self._callers):
            caller.fail(reason)
        self._sweep(reason)
        for monitor in monitors:
            monitor.watcher.deliver(Down(monitor, self, reason))
        for other in links:
            with other._lock:
                other._links.discard(self)
            other.signal(self, reason, from_link=True)
        with self._lock:
            self.status = "exited"
            joiners, self._joiners = self._joiners, []
        for lock in joiners:
            lock.release()
        return True

    def _sweep(self, reason: Reason) -> None:
        """Fail whoever waits for an answer from a mailbox that nobody empties any more."""
        while True:
            try:
                item = self._inbox.get_nowait()
            except queue.Empty:
                return
            if isinstance(item, Caller):
                item.fail(reason)
            elif isinstance(item, SystemRequest):
                item.caller.fail(reason)
            elif (reply_to := getattr(item, "reply_to", None)) is not None:
                reply_to.set_exception((ServerExited, ServerExited(str(self), _short(item), reason), None))


class Inbox:
    """A mailbox for plain code: a thread that is no process can be sent to, and told of exits."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._items: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def send(self, message: Any) -> None:
        self._items.put(message)

    cast = send

    def deliver(self, item: Any) -> None:
        self._items.put(item)

    def get(self, timeout: float | None = None) -> Any:
        """Wait for the next message.

        Raises:
            TimeoutError: nothing came within `timeout` seconds (of real time).
        """
        try:
            item = self._items.get(timeout=timeout)
        except queue.Empty:
            raise TimeoutError(f"no message within {timeout:g} s") from None
        return item

    def drain(self) -> list[Any]:
        """Take all that is there, without waiting."""
        items = []
        while True:
            try:
                items.append(self._items.get_nowait())
            except queue.Empty:
                return items


class _Stopper:
    """What `Ref.stop` has the process do: nothing but end."""

    def __init__(self, reason: Reason) -> None:
        self.reason = reason

    def __call__(self, _behaviour: Any) -> None: ...


class Process(pykka.ThreadingActor):
    """The Pykka actor that carries a process: its inbox, its thread, its loop."""

    use_daemon_thread = True  # a stuck process must not keep the program from exiting

    def __init__(self, ref: Ref, behaviour: Behaviour, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        super().__init__()
        self._ref = ref
        self._behaviour = behaviour
        self._arguments = (args, kwargs)
        self._started = Caller("start", ref, _here.ref)
        ref.actor_ref = self.actor_ref
        ref._inbox = cast("queue.SimpleQueue[Any]", self.actor_inbox)
        ref._put = ref._inbox.put
        ref.await_later(self._started)  # whoever kills it in its `init` thereby answers its starter

    @staticmethod
    def _create_actor_inbox() -> Any:
        return queue.SimpleQueue()

    def launch(self) -> Caller:
        """Start the thread; answers the question «how did `init` go?»."""
        # Not `Process.start`: it would enter the actor in Pykka's registry, where anybody's `stop_all`
        # (and any other actor's SystemExit) reaches it, past its supervisor.
        self._start_actor_loop()
        return self._started

    def _start_actor_loop(self) -> None:
        ref = self._ref
        ref._thread = threading.Thread(target=self._actor_loop, name=f"{ref.path}#{ref.serial}", daemon=True)
        ref._thread.start()

    def _actor_loop(self) -> None:
        ref = self._ref
        _here.ref = ref
        try:
            reason = self._start_up()
            if reason is None:
                reason = self._work()
            self._end(reason)
        finally:
            _here.ref = None
            ref.system.reclaim(ref)

    def _start_up(self) -> Reason | None:
        args, kwargs = self._arguments
        del self._arguments
        try:
            reason = self._behaviour.begin(args, kwargs)
        except ProcessExit as signal:
            reason = signal.reason
        except BaseException as error:  # noqa: BLE001 - the process loop: a crash is a crash, SystemExit too
            reason = Crash.of(error)
        if reason is None and self._ref._doom is not None:
            reason = self._ref._doom
        if reason is not None:
            self._ref.forget_caller(self._started)  # it shall hear of it when the process is gone, not before
            self._finish(NORMAL if reason is IGNORED else reason)
            self._started.fail(reason)
            return NORMAL
        self._ref.status = "running"
        self._started.reply()
        return None

    def _work(self) -> Reason:
        ref = self._ref
        get = ref._inbox.get
        receive = self._behaviour.receive
        try:
            if (reason := self._behaviour.proceed()) is not None:
                return self._behaviour.end(reason)
            while True:
                item = get()
                if ref._doom is not None:
                    if not isinstance(item, Wake):
                        ref._put(item)  # swept with the rest of the mailbox
                    return ref._doom
                reason = receive(item) if type(item) is not SystemRequest else self._serve(item)
                if reason is not None:
                    return self._behaviour.end(reason)
                ref.handled += 1
        except ProcessExit as signal:
            if signal.reason is not ref._doom:
                return self._behaviour.end(signal.reason)
            return signal.reason
        except BaseException as error:  # noqa: BLE001 - the process loop: a crash is a crash, SystemExit too
            return self._behaviour.end(Crash.of(error))

    def _serve(self, request: SystemRequest) -> Reason | None:
        if isinstance(request.what, _Stopper):
            return request.what.reason
        self._ref.handled -= 1  # the framework's own questions do not count as work done
        try:
            request.caller.reply(request.what(self._behaviour))
        except Exception as error:  # noqa: BLE001 - asked from outside: the asker's mistake, not the server's
            request.caller.fail(Crash.of(error))
        return None

    def _end(self, reason: Reason) -> None:
        self._finish(reason)
        self.actor_stopped.set()

    def _finish(self, reason: Reason) -> None:
        ref = self._ref
        if ref.exit_reason is None and isinstance(reason, Crash):
            logger.error("process %s crashed: %s\n%s", ref, reason, reason.traceback.rstrip())
        ref.finish(reason)


def spawn(
    system: System,
    behaviour: type,
    args: tuple[Any, ...] = (),
    kwargs: dict[str, Any] | None = None,
    *,
    id_: Any = None,
    name: str | None = None,
    linked: bool = False,
    incarnation: int = 1,
) -> Ref | None:
    """Start a process and wait, however long it takes, until its `init` has returned.

    Returns:
        Its reference; None if `init` answered `Ignore`.

    Raises:
        AlreadyStarted: the name is taken.
        StartFailed: `init` raised, stopped or answered nonsense. The process is gone, its cleanup not run.
    """
    me = _here.ref
    ref = Ref(system, behaviour, id_ if id_ is not None else name or behaviour.__name__, name, me)
    ref.incarnation = incarnation
    server = cast("Behaviour", behaviour())
    server.attach(ref)
    process = Process(ref, server, args, kwargs or {})
    system.enter(ref)
    if linked and me is not None:
        ref.link(me)
    caller = process.launch()
    try:
        ref.await_answer(caller, None)
    except (ServerExited, NoProcess):
        reason = caller.error
        if reason is IGNORED:
            return None
        failure = StartFailed(ref.path, reason)
        if isinstance(reason, Crash):
            failure.__cause__ = reason.exception
        raise failure from failure.__cause__
    return ref


def is_busy(ref: Ref) -> bool:
    """Whether the thread of a process runs somebody's code right now (False: it waits for a message).

    Read from the outside, off the interpreter's own frames, so that it costs the process nothing.
    """
    thread = ref._thread
    if thread is None or thread.ident is None or not thread.is_alive():
        return False
    frame = sys._current_frames().get(thread.ident)
    return frame is not None and frame.f_code is not Process._work.__code__


def _discard(_item: Any) -> None:
    """The mailbox of a process that is gone."""


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:197]}..."


__all__ = [
    "DEFAULT_TIMEOUT",
    "IGNORED",
    "KILLED",
    "SHUTDOWN",
    "Behaviour",
    "Inbox",
    "Process",
    "Ref",
    "current",
    "is_busy",
    "spawn",
]
