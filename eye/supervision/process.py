"""A process: a mailbox, a thread that empties it, and an end that everybody concerned is told about.

The one file that knows Pykka. A Pykka actor carries each process: it owns the inbox and the thread. What
Pykka promises less of than Erlang is made good here and in `ref` (measured on Pykka 4.5):

    Pykka                                           here
    an exception in `ask` leaves the actor alive    any exception ends the process
    `start` returns before `on_start` has run       `start` returns what `init` came to
    `on_stop` or `on_failure`, neither with a why   `terminate(reason)`
    `ask` waits for ever; an asker can be forgotten every call ends: answer, exit reason or time limit
    `SystemExit` in one actor stops every actor     it ends that process alone
    `tell` to a dead actor raises                   a message to nobody vanishes
    one registry for the whole program              a `System` of one's own, as many as one likes
    no links, monitors, exit reasons                see `Ref`
"""

from __future__ import annotations

import queue
import sys
import threading
from typing import TYPE_CHECKING, Any, Protocol, cast

import pykka
from pykka.messages import _ActorStop

from eye.supervision import reports
from eye.supervision.attention import attend
from eye.supervision.failures import failure_of
from eye.supervision.inbox import Inbox
from eye.supervision.messages import NOT_BARE, Caller, OfProcess, Stopping, SystemRequest, Waiter
from eye.supervision.reasons import NORMAL, SHUTDOWN, Crash, ProcessExit, Reason, is_clean, uncaught
from eye.supervision.ref import Ref, current, here

if TYPE_CHECKING:
    from collections.abc import Callable


IGNORED = Reason("ignore")
"""What a start answers with when `init` returned `Ignore`."""


class Behaviour(Protocol):
    """What a process runs: a `GenServer`, told by its `Process` when to do what."""

    trap_exit: bool

    def attach(self, ref: Ref) -> None: ...
    def consult(self, what: Callable[[Any], Any]) -> Any: ...
    def begin(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Reason | None: ...
    def proceed(self) -> Reason | None: ...
    def receive(self, item: Any) -> Reason | None: ...
    def receive_cast(self, message: Any) -> Reason | None: ...
    def end(self, reason: Reason) -> Reason: ...
    def release(self) -> None: ...


_making = threading.Lock()


class Process(pykka.ThreadingActor):
    """The Pykka actor that carries a process: its inbox, its thread, its loop."""

    use_daemon_thread = True  # a stuck process must not keep the program from exiting

    def __init__(self, ref: Ref, behaviour: Behaviour, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        # Not yet `super().__init__()`, see `actor_ref`.
        self._ref = ref
        self._behaviour = behaviour
        self._arguments = (args, kwargs)
        self._started = Waiter("start", ref, here.ref)
        ref._actor = self
        ref.await_later(self._started)  # whoever kills it in its `init` thereby answers its starter

    @property
    def actor_ref(self) -> Any:
        """The process as Pykka sees it, made when somebody asks: hardly anybody does, and what Pykka makes for
        each actor (a random urn, an event, a reference) would be a third of a start and 1.5 kB.
        """
        with _making:
            if not hasattr(self, "_actor_ref"):
                super().__init__()
                cast("_Door", self.actor_inbox).ref = self._ref
                self._ref._stopped = self.actor_stopped
                if self._ref.exit_reason is not None:
                    self.actor_stopped.set()
            return self._actor_ref

    @staticmethod
    def _create_actor_inbox() -> _Door:
        return _Door()

    def __str__(self) -> str:
        return str(self._ref)

    def launch(self) -> Caller:
        """Start the thread; answers the question «how did `init` go?»."""
        # Not `Process.start`: it would enter the actor in Pykka's registry, where anybody's `stop_all`
        # (and any other actor's SystemExit) reaches it, past its supervisor.
        started = self._started
        self._start_actor_loop()
        return started

    def _start_actor_loop(self) -> None:
        self._ref.system.threads.run(self._run, str(self._ref))

    def _run(self) -> bool:
        """Live, from `init` to the end; answer whether another process may have the thread."""
        ref = self._ref
        ref._thread = threading.current_thread()
        here.ref = ref
        try:
            reason = self._start_up()
            if reason is None:
                reason = self._work()
                self._behaviour.release()
                ref.finish(reason)
        finally:
            here.ref = None
            was_abandoned = ref.system.reclaim(ref)
            if not was_abandoned:
                ref._thread = None
        del self._behaviour  # whoever keeps the reference does not keep the state
        if isinstance(reason, Crash):
            reason.let_go()  # all reports are made
        return not was_abandoned

    def _start_up(self) -> Reason | None:
        """Run `init`; answer why it came to nothing, or None."""
        ref = self._ref
        args, kwargs = self._arguments
        del self._arguments
        reason: Reason | None = None
        try:
            if ref._doom is None:
                reason = self._behaviour.begin(args, kwargs)
        except ProcessExit as signal:
            reason = signal.reason
        except BaseException as error:  # noqa: BLE001 - the process loop: a crash is a crash, SystemExit too
            reason = uncaught(error)
        if ref._doom is not None:
            reason = ref._doom
        if reason is None:
            ref.mark("running")
            self._started.reply()
            del self._started
            return None
        if ref._doom is None and reason is not IGNORED and not is_clean(reason):
            reports.init_failed(ref, reason)
        self._behaviour.release()
        ref.forget_caller(self._started)  # it shall hear of it when the process is gone, not before
        ref.finish(NORMAL if reason is IGNORED else reason)
        self._started.fail(reason)
        return reason

    def _work(self) -> Reason:
        """Handle one message after the other until there is a reason to end; answer it."""
        ref = self._ref
        get, receive, receive_cast = ref._inbox.get, self._behaviour.receive, self._behaviour.receive_cast
        item: Any = None
        try:
            reason = self._behaviour.proceed() if ref._doom is None else ref._doom
            # Asked at the top, so that the way back is an unconditional jump: CPython 3.11 speeds code up only
            # where it meets one, and this loop may be entered once in a program (a quarter off a cast).
            while True:
                if reason is not None:
                    break
                item = get()
                if ref._doom is not None:
                    ref.set_aside(item)
                    break
                kind = type(item)
                if kind not in NOT_BARE:
                    reason = receive_cast(item)
                elif kind is SystemRequest:
                    reason = self._serve(item)
                    continue
                else:
                    reason = receive(item)
                ref.handled += 1
        except ProcessExit as signal:
            reason = signal.reason
        except BaseException as error:  # noqa: BLE001 - the process loop: a crash is a crash, SystemExit too
            reason = uncaught(error)
        return self._close(reason, item)

    def _close(self, reason: Reason | None, item: Any) -> Reason:
        """Clean up and report, unless a signal ended the process: then there is neither."""
        ref = self._ref
        if ref._doom is not None or reason is None:
            return cast("Reason", ref._doom)
        if ref._attention is not None:
            item = ref._attention.item
        reason = self._behaviour.end(reason)
        if ref._doom is not None:
            return ref._doom
        if not is_clean(reason):
            reports.server_exited(ref, self._behaviour, item, reason)
            reports.process_crashed(ref, reason)
        return reason

    def _serve(self, request: SystemRequest) -> Reason | None:
        """Do what was asked of the process itself, and all that follows if it is now to be looked at closely."""
        reason = self._do(request)
        if reason is not None or self._ref._attention is None:
            return reason
        return attend(self._ref, self._behaviour, self._do)

    def _do(self, request: SystemRequest) -> Reason | None:
        ref, what = self._ref, request.what
        ref.served += 1
        ref.set_current(request.caller)
        if isinstance(what, Stopping):
            return what.reason
        try:
            request.caller.reply(what.do(ref) if isinstance(what, OfProcess) else self._behaviour.consult(what))
        except Exception as error:  # noqa: BLE001 - asked from outside: the asker's mistake, not the server's
            request.caller.fail(Crash.of(error))
        self._ref.clear_current()
        return None


class _Door:
    """The inbox as Pykka sees it, for whoever has only the actor's own reference: `ask` and `tell` come in
    here as calls and infos, `stop` as an orderly stop. Nobody who asks in this way is forgotten either.
    """

    ref: Ref

    def put(self, envelope: Any) -> None:
        ref, message, future = self.ref, envelope.message, envelope.reply_to
        if future is None and not isinstance(message, _ActorStop):
            ref.send(message)
            return
        caller = PykkaCaller(message, ref, future)
        if ref.exit_reason is None:
            stops = isinstance(message, _ActorStop)
            ref.deliver(SystemRequest(Stopping(SHUTDOWN), caller) if stops else caller)
        if ref.exit_reason is not None:
            caller.fail(ref.exit_reason)

    def get(self) -> Any:
        raise queue.Empty  # the loop reads from `Ref._inbox`; Pykka's own loop does not run here

    def empty(self) -> bool:
        return True


class PykkaCaller(Caller):
    """A call that came by Pykka's `ask`: the answer goes into Pykka's future."""

    __slots__ = ("_future",)

    def __init__(self, request: Any, server: Ref, future: Any) -> None:
        super().__init__(request, server, None)
        self._future = future

    def _settle(self, value: Any, error: Reason | None) -> bool:
        if not super()._settle(value, error):
            return False
        if self._future is None:
            return True
        if error is None or isinstance(self.request, _ActorStop):
            self._future.set(value)
        else:
            failure = failure_of(self)
            self._future.set_exception((type(failure), failure, None))
        return True


NOT_BARE.add(PykkaCaller)


def is_busy(ref: Ref) -> bool:
    """Whether the thread of a process runs somebody's code right now (False: it waits for a message).

    Read from the outside, off the interpreter's own frames, so that it costs the process nothing.
    """
    thread = ref._thread
    if thread is None or thread.ident is None or not thread.is_alive():
        return False
    frame = sys._current_frames().get(thread.ident)
    return frame is not None and frame.f_code is not Process._work.__code__


__all__ = ["IGNORED", "Behaviour", "Inbox", "Process", "PykkaCaller", "Ref", "current", "is_busy"]
