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

from eye.errors import NoProcess, ServerExited, StartFailed
from eye.supervision import reports
from eye.supervision.inbox import Inbox
from eye.supervision.messages import NOT_BARE, Caller, SystemRequest
from eye.supervision.reasons import NORMAL, SHUTDOWN, Crash, ProcessExit, Reason, is_clean
from eye.supervision.ref import Ref, Stopping, current, here, leave_if_doomed

if TYPE_CHECKING:
    from collections.abc import Callable

    from eye.supervision.child_spec import Isolation
    from eye.supervision.system import System

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
    def end(self, reason: Reason) -> Reason: ...


class Process(pykka.ThreadingActor):
    """The Pykka actor that carries a process: its inbox, its thread, its loop."""

    use_daemon_thread = True  # a stuck process must not keep the program from exiting

    def __init__(self, ref: Ref, behaviour: Behaviour, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        super().__init__()
        self._ref = ref
        self._behaviour = behaviour
        self._arguments = (args, kwargs)
        self._started = Caller("start", ref, here.ref)
        cast("_Door", self.actor_inbox).ref = ref
        ref.actor_ref, ref._stopped = self.actor_ref, self.actor_stopped
        ref.await_later(self._started)  # whoever kills it in its `init` thereby answers its starter

    @staticmethod
    def _create_actor_inbox() -> _Door:
        return _Door()

    def launch(self) -> Caller:
        """Start the thread; answers the question «how did `init` go?»."""
        # Not `Process.start`: it would enter the actor in Pykka's registry, where anybody's `stop_all`
        # (and any other actor's SystemExit) reaches it, past its supervisor.
        self._start_actor_loop()
        return self._started

    def _start_actor_loop(self) -> None:
        ref = self._ref
        ref._thread = threading.Thread(target=self._actor_loop, name=str(ref), daemon=True)
        ref._thread.start()

    def _actor_loop(self) -> None:
        ref = self._ref
        here.ref = ref
        try:
            reason = self._start_up()
            if reason is None:
                ref.finish(self._work())
        finally:
            here.ref = None
            ref.system.reclaim(ref)

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
            reason = Crash.of(error)
        if ref._doom is not None:
            reason = ref._doom
        if reason is None:
            ref.mark_running()
            self._started.reply()
            return None
        if isinstance(reason, Crash) and ref._doom is None:
            reports.init_crashed(ref, reason)
        ref.forget_caller(self._started)  # it shall hear of it when the process is gone, not before
        ref.finish(NORMAL if reason is IGNORED else reason)
        self._started.fail(reason)
        return reason

    def _work(self) -> Reason:
        """Handle one message after the other until there is a reason to end; answer it."""
        ref = self._ref
        get, receive = ref._inbox.get, self._behaviour.receive
        item: Any = None
        try:
            reason = self._behaviour.proceed() if ref._doom is None else ref._doom
            while reason is None:
                item = get()
                if ref._doom is not None:
                    ref.set_aside(item)
                    break
                if type(item) is SystemRequest:
                    reason = self._serve(item)
                else:
                    reason = receive(item)
                    ref.handled += 1
        except ProcessExit as signal:
            reason = signal.reason
        except BaseException as error:  # noqa: BLE001 - the process loop: a crash is a crash, SystemExit too
            reason = Crash.of(error)
        return self._close(reason, item)

    def _close(self, reason: Reason | None, item: Any) -> Reason:
        """Clean up and report, unless a signal ended the process: then there is neither."""
        ref = self._ref
        if ref._doom is not None or reason is None:
            return cast("Reason", ref._doom)
        reason = self._behaviour.end(reason)
        if ref._doom is not None:
            return ref._doom
        if not is_clean(reason):
            reports.server_exited(ref, self._behaviour, item, reason)
            reports.process_crashed(ref, reason)
        return reason

    def _serve(self, request: SystemRequest) -> Reason | None:
        self._ref.set_current(request.caller)
        if isinstance(request.what, Stopping):
            return request.what.reason
        try:
            request.caller.reply(self._behaviour.consult(request.what))
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
            failure = self.server.failure_of(self)
            self._future.set_exception((type(failure), failure, None))
        return True


NOT_BARE.add(PykkaCaller)


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
    isolation: Isolation = "thread",
) -> Ref | None:
    """Start a process and wait, however long it takes, until its `init` has returned.

    Returns:
        Its reference; None if `init` answered `Ignore`.

    Raises:
        AlreadyStarted: the name is taken.
        StartFailed: `init` raised, stopped or answered nonsense. The process is gone, its cleanup not run.
    """
    me = here.ref
    leave_if_doomed(me)
    ref = Ref(system, behaviour, id_ if id_ is not None else name or behaviour.__name__, name, me)
    ref.incarnation = incarnation
    try:
        server = _make(behaviour, isolation)
        server.attach(ref)
    except Exception as error:
        raise StartFailed(ref.path, Crash.of(error)) from error
    process = Process(ref, server, args, kwargs or {})
    system.enter(ref)
    if linked and me is not None:
        ref.follows_parent = True
        ref.link(me)
    try:
        caller = process.launch()
    except RuntimeError as error:  # can't start new thread
        system.reclaim(ref)
        ref.finish(Crash.of(error))
        raise StartFailed(ref.path, Crash.of(error)) from error
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


def _make(behaviour: type, isolation: Isolation) -> Behaviour:
    if isolation == "process":
        from eye.supervision.isolated import Isolated  # only who isolates pays for it

        return Isolated(behaviour)
    return cast("Behaviour", behaviour())


def is_busy(ref: Ref) -> bool:
    """Whether the thread of a process runs somebody's code right now (False: it waits for a message).

    Read from the outside, off the interpreter's own frames, so that it costs the process nothing.
    """
    thread = ref._thread
    if thread is None or thread.ident is None or not thread.is_alive():
        return False
    frame = sys._current_frames().get(thread.ident)
    return frame is not None and frame.f_code is not Process._work.__code__


__all__ = ["IGNORED", "Behaviour", "Inbox", "Process", "PykkaCaller", "Ref", "current", "is_busy", "spawn"]
