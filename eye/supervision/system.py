"""Everything that processes of one program share: one clock, one table of names, one set of timers.

A program usually has one `System`; a test makes its own, so that nothing leaks from one test into the
next. `stop` ends every process in good order, the last started first.

    with System() as system:
        beats = system.start(Heartbeats, name="beats")
        beats.call(SilentSince(12.5))
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, overload

from eye.clock import SystemClock, system_chance
from eye.errors import CallFailed, CallingSelf, NoProcess, StartFailed, SupervisionError
from eye.supervision import events
from eye.supervision.inbox import Inbox
from eye.supervision.messages import Down, Info, Monitor
from eye.supervision.names import Names
from eye.supervision.reasons import KILLED, NOPROC, SHUTDOWN, ProcessExit, Reason, shutdown
from eye.supervision.ref import DEFAULT_TIMEOUT, Ref, current
from eye.supervision.running import is_unheard, unheard
from eye.supervision.spawning import spawn
from eye.supervision.threads import MOST_PARKED, Threads
from eye.supervision.timers import Timer, Timers
from eye.supervision.via import Name, Via

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from eye.clock import Chance, Clock
    from eye.supervision.child_spec import Isolation
    from eye.supervision.mailbox import Mailbox
    from eye.supervision.messages import Request
    from eye.supervision.pubsub import Topics

R = TypeVar("R")

Target: TypeAlias = Ref | Name
"""A process, or the name of one: a word, or a key in a registry (`Via`)."""


class System:
    """The processes of one program, and what they share."""

    def __init__(
        self,
        *,
        clock: Clock | None = None,
        chance: Chance = system_chance,
        parked_threads: int = MOST_PARKED,
        detects_deadlocks: bool = True,
    ) -> None:
        from eye.supervision.pubsub import Topics  # a PubSub is a GenServer, which is made of a System

        self.clock: Clock = clock or SystemClock()
        self.chance = chance
        """Draws the numbers that a delay between restarts is spread with."""
        self.detects_deadlocks = detects_deadlocks
        """Whether a call that would close a circle of waiting processes fails at once, with `CallDeadlock`."""
        self.names = Names()
        self.timers = Timers(self.clock)
        self.threads = Threads(parked_threads)
        """Keeps the threads of up to `parked_threads` processes that have ended, for those that start next."""
        self.topics: Topics = Topics()
        self.is_quiet = False
        """Whether nothing is logged: for a program that itself says how the start of its tree went."""
        self.has_isolated = False
        """Whether a process of this system has had an OS process of its own."""
        self.restarts = 0
        """How many children supervisors of this system have started again."""
        self.longest_mailbox = 0
        """How many messages the fullest mailbox held at the last `look`."""
        self._processes: dict[Ref, None] = {}
        self._abandoned: dict[Ref, bool] = {}  # and whether its end is to be told
        self._lock = threading.Lock()
        self._stopped = False
        self._closed = False

    # ------------------------------------------------------------------------- processes

    def start(
        self,
        behaviour: type,
        *args: Any,
        name: Name | None = None,
        linked: bool = False,
        isolation: Isolation = "thread",
        mailbox: Mailbox | None = None,
        **kwargs: Any,
    ) -> Ref | None:
        """Start a `GenServer` or `Supervisor`, and wait until its `init` has returned.

        Args:
            behaviour: the class.
            args, kwargs: what `init` gets.
            name: what others may call it.
            linked: whether it shares the fate of the process that starts it.
            isolation: "process" gives it an OS process of its own.
            mailbox: how many messages may wait, and what happens to one too many; None for no limit.

        Returns:
            Its reference; None if `init` answered `Ignore`.

        Raises:
            AlreadyStarted: the name is taken.
            NoProcess, NotUnique: it is a name in a registry that does not exist, or where it names nobody.
            StartFailed: `init` failed, and the process is gone.
        """
        return spawn(self, behaviour, args, kwargs, name=name, linked=linked, isolation=isolation, mailbox=mailbox)

    def whereis(self, name: Name) -> Ref | None:
        """Find who has a name now."""
        return self.names.find(name)

    def processes(self) -> tuple[Ref, ...]:
        """List the live processes, the oldest first."""
        return tuple(ref for ref in self.present() if ref.is_alive)

    def present(self) -> tuple[Ref, ...]:
        """The same, and those that have ended but have not yet told everybody so."""
        with self._lock:
            return tuple(self._processes)

    def abandoned(self) -> tuple[Ref, ...]:
        """List the processes that were killed while their threads still run: Python cannot end a thread."""
        with self._lock:
            return tuple(self._abandoned)

    def look(self) -> int:
        """Look at every mailbox, so that `Ref.oldest_message_age` can tell; answer how many processes live."""
        now, live, longest = self.clock.monotonic(), self.processes(), 0
        for ref in live:
            ref.look(now)
            longest = max(longest, ref.mailbox_length)
        self.longest_mailbox = longest
        return len(live)

    @overload
    def call(self, target: Target, request: Request[R], timeout: float | None = DEFAULT_TIMEOUT) -> R: ...
    @overload
    def call(self, target: Target, request: Any, timeout: float | None = DEFAULT_TIMEOUT) -> Any: ...
    def call(self, target: Target, request: Any, timeout: float | None = DEFAULT_TIMEOUT) -> Any:
        """`Ref.call`, for a reference or a name."""
        ref = self.names.find(target) if isinstance(target, (str, Via)) else target
        if ref is None:
            raise NoProcess(str(target), repr(request), NOPROC)
        return ref.call(request, timeout)

    def cast(self, target: Target, message: Any) -> None:
        """`Ref.cast`, for a reference or a name. Where nobody has the name, the message vanishes."""
        ref = self.names.find(target) if isinstance(target, (str, Via)) else target
        if ref is not None:
            ref.cast(message)

    def send(self, target: Target, message: Any) -> None:
        """`Ref.send`, for a reference or a name."""
        ref = self.names.find(target) if isinstance(target, (str, Via)) else target
        if ref is not None:
            ref.send(message)

    def send_after(self, target: Target, delay: float, message: Any) -> Timer:
        """Send `message` in `delay` seconds. A name is looked up when the timer fires."""
        if unheard and is_unheard():
            raise ProcessExit(KILLED)  # what an abandoned process says is not heard later, either
        return self.timers.after(delay, self._deliver, target, Info(message))

    def send_at(self, target: Target, deadline: float, message: Any) -> Timer:
        """Send `message` at a moment of `clock.monotonic`."""
        if unheard and is_unheard():
            raise ProcessExit(KILLED)
        return self.timers.at(deadline, self._deliver, target, Info(message))

    def _deliver(self, target: Target, item: Any) -> None:
        ref = self.names.find(target) if isinstance(target, (str, Via)) else target
        if ref is not None:
            ref.deliver(item)

    def monitor(self, target: Target, watcher: Ref | Inbox) -> Monitor:
        """Have `watcher` told by one `Down` when `target` ends. A free name is told of at once."""
        ref = self.names.find(target) if isinstance(target, (str, Via)) else target
        if ref is not None:
            return ref.monitor(watcher)
        monitor = Monitor(None, watcher)
        watcher.deliver(Down(monitor, None, NOPROC))
        return monitor

    def perform(self, fn: Callable[..., R], *args: Any) -> R:
        """Answer `fn(*args)`. Asked in an OS process of its own, it is done here, in that process's name."""
        return fn(*args)

    def inbox(self) -> Inbox:
        """Make a mailbox for plain code."""
        return Inbox(self)

    def emit(self, event: events.Event) -> None:
        """Tell whoever listens what happened."""
        self.topics.broadcast(events.TOPIC, event)

    # ---------------------------------------------------------------------------- the end

    def stop(self, reason: Reason = SHUTDOWN, timeout: float | None = None) -> None:
        """Stop every process in good order, those that plain code started last first, then the timers.

        Each top-level process stops its own children. What is left after that, unlinked and forgotten,
        is stopped too. A process that does not end within `timeout` seconds is abandoned. Nothing can be
        started any more once this has returned, and of its threads only the abandoned still run.

        Raises:
            CallingSelf: a process of this system asked; it would wait for its own end.
        """
        me = current()
        if me is not None and me.system is self:
            raise CallingSelf(str(me), "System.stop()", "calling_self")
        with self._lock:
            if self._stopped:
                return
            self._stopped = True
        for ref in reversed(self.processes()):
            if ref.parent is None:
                self._stop_one(ref, reason, timeout)
        while not self._close():
            for ref in reversed(self.present()):
                self._stop_one(ref, reason, timeout)
        self.timers.stop()
        if self.has_isolated:
            from eye.supervision import fork_server  # only who isolated pays for it

            fork_server.release(self)
        with self._lock:
            abandoned = {ref._thread for ref in self._abandoned}
        self.threads.close(spared=abandoned)

    def _stop_one(self, ref: Ref, reason: Reason, timeout: float | None) -> None:
        try:
            ref.stop(reason, timeout)
        except CallFailed:
            # Gone already, or it did not end as asked: its own report said so. What still runs is cut off.
            ref.kill()
            ref.join()

    def _close(self) -> bool:
        with self._lock:
            self._closed = not self._processes
            return self._closed

    def __enter__(self) -> System:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # ------------------------------------------------------------------ for processes themselves

    def enter(self, ref: Ref) -> None:
        """Take a new process in, and give it its name."""
        with self._lock:
            if self._closed:
                raise StartFailed(ref.path, shutdown("its system has been stopped"))
            self._processes[ref] = None
        if ref.name is None:
            return
        # The name last: from then on anybody may find it and kill it, and then it has to be forgotten.
        try:
            self.names.claim(ref.name, ref)
        except SupervisionError:
            self.forget(ref)
            self.reclaim(ref)
            raise

    def free_name(self, ref: Ref) -> None:
        """Take back a process's name and what it registered, the first thing when it ends."""
        self.names.release(ref)

    def forget(self, ref: Ref) -> None:
        """Let a process go, the last thing when it ends: everybody concerned has been told."""
        with self._lock:
            self._processes.pop(ref, None)

    def abandon(self, ref: Ref) -> None:
        """Note that a process ended while its thread may run on."""
        with self._lock:
            self._abandoned[ref] = False
            unheard.add(ref)

    def count_restart(self) -> None:
        """Note that a supervisor has started a child again."""
        with self._lock:
            self.restarts += 1

    def reclaim(self, ref: Ref) -> bool:
        """Note that the thread of a process has nothing more to do; answer whether it had been abandoned."""
        with self._lock:
            if ref not in self._abandoned:
                return False
            is_missed = self._abandoned.pop(ref)
            unheard.discard(ref)
        if is_missed:
            self._tell_thread_ended(ref)
        return True

    def miss(self, ref: Ref) -> None:
        """Have an event tell when the thread of an abandoned process comes to its end."""
        with self._lock:
            runs_on = ref in self._abandoned
            if runs_on:
                self._abandoned[ref] = True
        if not runs_on:
            self._tell_thread_ended(ref)

    def _tell_thread_ended(self, ref: Ref) -> None:
        if self.topics.has_subscribers(events.TOPIC):
            now = self.clock.now()
            self.emit(events.ThreadEnded(now, ref.path, ref.serial, now - (ref.exited_at or now)))
