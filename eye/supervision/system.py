"""Everything that processes of one program share: one clock, one table of names, one set of timers.

A program usually has one `System`; a test makes its own, so that nothing leaks from one test into the
next. `stop` ends every process in good order, the last started first.

    with System() as system:
        beats = system.start(Heartbeats, name="beats")
        beats.call(SilentSince(12.5))
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from eye.clock import SystemClock
from eye.errors import CallFailed, NoProcess
from eye.supervision import events
from eye.supervision.messages import Down, Info, Monitor
from eye.supervision.process import DEFAULT_TIMEOUT, Inbox, Ref, spawn
from eye.supervision.reasons import NOPROC, SHUTDOWN, Reason
from eye.supervision.registry import Names
from eye.supervision.timers import Timer, Timers

if TYPE_CHECKING:
    from types import TracebackType

    from eye.clock import Clock
    from eye.supervision.pubsub import Topics

Target = Ref | str
"""A process, or the name of one."""


class System:
    """The processes of one program, and what they share."""

    def __init__(self, *, clock: Clock | None = None) -> None:
        from eye.supervision.pubsub import Topics  # a PubSub is a GenServer, which is made of a System

        self.clock: Clock = clock or SystemClock()
        self.names = Names()
        self.timers = Timers(self.clock)
        self.topics: Topics = Topics()
        self.restarts = 0
        """How many children supervisors of this system have started again."""
        self._processes: dict[Ref, None] = {}
        self._abandoned: dict[Ref, None] = {}
        self._lock = threading.Lock()
        self._stopped = False

    # ------------------------------------------------------------------------- processes

    def start(
        self, behaviour: type, *args: Any, name: str | None = None, linked: bool = False, **kwargs: Any
    ) -> Ref | None:
        """Start a `GenServer` or `Supervisor`, and wait until its `init` has returned.

        Args:
            behaviour: the class.
            args, kwargs: what `init` gets.
            name: what others may call it.
            linked: whether it shares the fate of the process that starts it.

        Returns:
            Its reference; None if `init` answered `Ignore`.

        Raises:
            AlreadyStarted: the name is taken.
            StartFailed: `init` failed, and the process is gone.
        """
        return spawn(self, behaviour, args, kwargs, name=name, linked=linked)

    def whereis(self, name: str) -> Ref | None:
        """Find who has a name now."""
        return self.names.find(name)

    def processes(self) -> tuple[Ref, ...]:
        """List the live processes, the oldest first."""
        with self._lock:
            return tuple(self._processes)

    def abandoned(self) -> tuple[Ref, ...]:
        """List the processes that were killed while their threads still run: Python cannot end a thread."""
        with self._lock:
            return tuple(self._abandoned)

    def call(self, target: Target, request: Any, timeout: float | None = DEFAULT_TIMEOUT) -> Any:
        """`Ref.call`, for a reference or a name."""
        ref = self.names.find(target) if isinstance(target, str) else target
        if ref is None:
            raise NoProcess(str(target), repr(request), NOPROC)
        return ref.call(request, timeout)

    def cast(self, target: Target, message: Any) -> None:
        """`Ref.cast`, for a reference or a name. Where nobody has the name, the message vanishes."""
        ref = self.names.find(target) if isinstance(target, str) else target
        if ref is not None:
            ref.cast(message)

    def send(self, target: Target, message: Any) -> None:
        """`Ref.send`, for a reference or a name."""
        ref = self.names.find(target) if isinstance(target, str) else target
        if ref is not None:
            ref.send(message)

    def send_after(self, target: Target, delay: float, message: Any) -> Timer:
        """Send `message` in `delay` seconds. A name is looked up when the timer fires."""
        return self.timers.after(delay, lambda: self._deliver(target, Info(message)))

    def send_at(self, target: Target, deadline: float, message: Any) -> Timer:
        """Send `message` at a moment of `clock.monotonic`."""
        return self.timers.at(deadline, lambda: self._deliver(target, Info(message)))

    def _deliver(self, target: Target, item: Any) -> None:
        ref = self.names.find(target) if isinstance(target, str) else target
        if ref is not None:
            ref.deliver(item)

    def monitor(self, target: Target, watcher: Ref | Inbox) -> Monitor:
        """Have `watcher` told by one `Down` when `target` ends. A free name is told of at once."""
        ref = self.names.find(target) if isinstance(target, str) else target
        if ref is not None:
            return ref.monitor(watcher)
        monitor = Monitor(None, watcher)
        watcher.deliver(Down(monitor, None, NOPROC))
        return monitor

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
        is sent an exit signal. A process that does not end within `timeout` seconds is abandoned.
        """
        with self._lock:
            if self._stopped:
                return
            self._stopped = True
        for only_top_level in (True, False):
            for ref in reversed(self.processes()):
                if ref.parent is None or not only_top_level:
                    self._stop_one(ref, reason, timeout)
        self.timers.stop()

    def _stop_one(self, ref: Ref, reason: Reason, timeout: float | None) -> None:
        try:
            ref.stop(reason, timeout)
        except CallFailed:
            # Gone already, or it did not end as asked: its own report said so. What still runs is cut off.
            if ref.is_alive:
                ref.kill()

    def __enter__(self) -> System:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # ------------------------------------------------------------------ for processes themselves

    def enter(self, ref: Ref) -> None:
        """Take a new process in, and give it its name."""
        if ref.name is not None:
            self.names.claim(ref.name, ref)
        with self._lock:
            self._processes[ref] = None

    def forget(self, ref: Ref) -> None:
        """Let a process go that has ended."""
        if ref.name is not None:
            self.names.release(ref.name, ref)
        with self._lock:
            self._processes.pop(ref, None)

    def abandon(self, ref: Ref) -> None:
        with self._lock:
            self._abandoned[ref] = None

    def reclaim(self, ref: Ref) -> None:
        """The thread of a process has ended."""
        with self._lock:
            self._abandoned.pop(ref, None)
