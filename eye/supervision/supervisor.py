"""A supervisor: a process whose work is to start other processes, notice when they exit, and start them again.

It decides nothing itself. `policy.decide` says what follows an exit; this file takes the steps: start,
stop, forget, give up. It does one thing at a time: while it starts or stops a slow child, everything else
that is asked of it waits.

    class Pipeline(Supervisor):
        def init(self, source):
            return super().init(
                [(Reader, source), ChildSpec(Parser, restart=Restart.TRANSIENT), Writer],
                strategy=Strategy.REST_FOR_ONE, max_restarts=5, max_seconds=10,
            )

A start that fails *during a restart* is tried again, but never in a loop: the supervisor sends itself a
message and goes back to its mailbox, so that a request to stop can get in between the tries.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from eye.errors import (
    AlreadyPresent,
    AlreadyStarted,
    BadChildSpec,
    ChildNotFound,
    ChildRestarting,
    ChildRunning,
    EyeError,
    StartFailed,
)
from eye.supervision import events, policy
from eye.supervision.answers import Stop
from eye.supervision.child_spec import (
    AutoShutdown,
    Child,
    ChildSpec,
    Restart,
    Shutdown,
    Strategy,
    as_child_spec,
    as_child_specs,
    check_significance,
)
from eye.supervision.gen_server import GenServer
from eye.supervision.messages import Exit, Info
from eye.supervision.process import Ref, spawn
from eye.supervision.reasons import KILLED, NOPROC, SHUTDOWN, Crash, Reason, is_clean, shutdown
from eye.supervision.restart_window import RestartWindow

if TYPE_CHECKING:
    from eye.supervision.messages import Caller

logger = logging.getLogger("eye.supervision")


class ChildRecord:
    """What a supervisor keeps of one child from start to start."""

    __slots__ = ("incarnation", "key", "last_exit", "last_exit_at", "ref", "restarts", "spec", "status")

    def __init__(self, key: Any, spec: ChildSpec) -> None:
        self.key = key
        self.spec = spec
        self.ref: Ref | None = None
        self.status = "stopped"  # running, restarting, stopped
        self.incarnation = 0
        self.restarts = 0
        self.last_exit: Reason | None = None
        self.last_exit_at: float | None = None


@dataclass(frozen=True, slots=True)
class ChildInfo:
    """One child, as its supervisor shows it to whoever looks."""

    id: Any
    ref: Ref | None
    status: str
    spec: ChildSpec
    incarnation: int
    restarts: int
    last_exit: Reason | None
    last_exit_at: float | None


@dataclass(frozen=True, slots=True)
class Published:
    """What a supervisor shows of itself: read from any thread, without asking it."""

    strategy: Strategy
    window: RestartWindow
    children: tuple[ChildInfo, ...]


class Counts(NamedTuple):
    """How many children there are: specs, with a live process, supervisors, workers."""

    specs: int
    active: int
    supervisors: int
    workers: int


class StartChild(NamedTuple):
    spec: ChildSpec


class StopChild(NamedTuple):
    id: Any


class RestartChild(NamedTuple):
    id: Any


class DeleteChild(NamedTuple):
    id: Any


class WhichChildren(NamedTuple):
    pass


class CountChildren(NamedTuple):
    pass


class TryAgain(NamedTuple):
    id: Any
    ref: Ref | None


class Supervisor(GenServer):
    """Keeps its children running."""

    is_supervisor: ClassVar[bool] = True
    keeps_ignored: ClassVar[bool] = True
    """Whether a child whose `init` answered `Ignore` stays listed, without a process."""

    def init(
        self,
        children: Sequence[Child] = (),
        *,
        strategy: Strategy = Strategy.ONE_FOR_ONE,
        max_restarts: int = 3,
        max_seconds: float = 5.0,
        auto_shutdown: AutoShutdown = AutoShutdown.NEVER,
    ) -> Any:
        """Start the children in order; if one fails, stop the earlier ones in reverse and fail with it.

        Args:
            children: specs, classes, or (class, *arguments).
            strategy: who is restarted when one exits.
            max_restarts, max_seconds: the budget; one restart more within the time, and it gives up.
            auto_shutdown: whether it stops when its significant children are done.
        """
        if not isinstance(strategy, Strategy):
            raise BadChildSpec(f"strategy must be a Strategy, not {strategy!r}")
        if not isinstance(auto_shutdown, AutoShutdown):
            raise BadChildSpec(f"auto_shutdown must be an AutoShutdown, not {auto_shutdown!r}")
        specs = as_child_specs(children, auto_shutdown)
        self.trap_exit = True
        self._rules = policy.Rules(strategy, auto_shutdown)
        self._window = RestartWindow(max_restarts, max_seconds)
        self._children: dict[Any, ChildRecord] = {}
        for spec in specs:
            self._children[spec.id] = ChildRecord(spec.id, spec)
        self._publish()
        for record in list(self._children.values()):
            if (failure := self._start(record)) is not None:
                self._stop_all()
                return Stop(shutdown(StartFailed(f"child {record.spec.id!r}", failure)))
        return None

    # ----------------------------------------------------------------- what others may ask

    @staticmethod
    def start_child(supervisor: Ref, child: Child) -> Ref | None:
        """Add a child and start it. It counts as the last one.

        Raises:
            AlreadyStarted: a child of that id runs. AlreadyPresent: it is there, but does not run.
            StartFailed: its `init` failed; the spec is not kept.
        """
        return _value(supervisor.call(StartChild(as_child_spec(child)), None))  # type: ignore[no-any-return]

    @staticmethod
    def stop_child(supervisor: Ref, id_: Any) -> None:
        """Stop a child and keep its spec (of a temporary one: forget it).

        Raises:
            ChildNotFound: there is no such child.
        """
        _value(supervisor.call(StopChild(id_), None))

    @staticmethod
    def restart_child(supervisor: Ref, id_: Any) -> Ref | None:
        """Start a child again that was stopped.

        Raises:
            ChildRunning, ChildRestarting, ChildNotFound, StartFailed
        """
        return _value(supervisor.call(RestartChild(id_), None))  # type: ignore[no-any-return]

    @staticmethod
    def delete_child(supervisor: Ref, id_: Any) -> None:
        """Forget the spec of a child that does not run.

        Raises:
            ChildRunning, ChildRestarting, ChildNotFound
        """
        _value(supervisor.call(DeleteChild(id_), None))

    @staticmethod
    def which_children(supervisor: Ref) -> tuple[ChildInfo, ...]:
        """List the children in the order they were added. `introspection` reads the same without asking."""
        return supervisor.call(WhichChildren(), None)  # type: ignore[no-any-return]

    @staticmethod
    def count_children(supervisor: Ref) -> Counts:
        return supervisor.call(CountChildren(), None)  # type: ignore[no-any-return]

    # --------------------------------------------------------------------------- callbacks

    def handle_call(self, message: Any, caller: Caller) -> Any:
        if isinstance(message, StartChild):
            return _attempt(lambda: self._add(message.spec))
        if isinstance(message, StopChild):
            return _attempt(lambda: self._stop_by_id(message.id))
        if isinstance(message, RestartChild):
            return _attempt(lambda: self._restart_by_id(message.id))
        if isinstance(message, DeleteChild):
            return _attempt(lambda: self._delete_by_id(message.id))
        if isinstance(message, WhichChildren):
            return self._list()
        if isinstance(message, CountChildren):
            return self._count()
        return super().handle_call(message, caller)

    def handle_cast(self, message: Any) -> None:
        logger.error("supervisor %s received an unexpected cast: %r", self.ref, message)

    def handle_info(self, message: Any) -> Any:
        if isinstance(message, Exit):
            return self._on_child_exit(message)
        if isinstance(message, TryAgain):
            return self._try_again(message)
        logger.error("supervisor %s received an unexpected message: %r", self.ref, message)
        return None

    def terminate(self, reason: Reason) -> None:
        self._stop_all()

    # ------------------------------------------------------------------- a child has exited

    def _on_child_exit(self, signal: Exit) -> Stop | None:
        record = next((one for one in self._children.values() if one.ref is signal.sender), None)
        if record is None or signal.sender is None:
            return None  # stopped by ourselves, or replaced already
        reason = signal.reason
        self._note_exit(record, reason)
        wanted = policy.wants_back(record.spec.restart, reason)
        self._report_exit(record, reason)
        self.system.emit(
            events.ChildExited(self.system.clock.now(), signal.sender.path, signal.sender.serial, reason, wanted)
        )
        record.status = "restarting" if wanted else "stopped"
        return self._carry_out(record.key, reason, failed_restart=False)

    def _try_again(self, message: TryAgain) -> Stop | None:
        record = self._children.get(message.id)
        if record is None or record.status != "restarting" or record.ref is not message.ref:
            return None  # stopped or deleted between the tries
        return self._carry_out(record.key, record.last_exit or NOPROC, failed_restart=True)

    def _carry_out(self, key: Any, reason: Reason, *, failed_restart: bool) -> Stop | None:
        """Take the steps that the policy decides on. The only place where they are taken."""
        states = tuple(
            policy.ChildState(one.key, one.spec.restart, one.spec.significant, alive=one.status == "running")
            for one in self._children.values()
        )
        self._window, steps = policy.decide(
            self._rules, states, key, reason, self._window, self._monotonic(), failed_restart=failed_restart
        )
        for step in steps:
            if isinstance(step, policy.Leave):
                self._leave_down(self._children[step.id])
            elif isinstance(step, policy.Remove):
                self._children.pop(step.id, None)
            elif isinstance(step, policy.Stop):
                for child in step.ids:
                    self._stop_one(self._children[child])
            elif isinstance(step, policy.Start):
                self._start_again(step.ids, key, reason)
            else:
                return self._leave(step, reason)
        self._publish()
        return None

    def _start_again(self, ids: tuple[Any, ...], cause: Any, reason: Reason) -> None:
        because = f"{self._children[cause].spec.id if cause in self._children else cause} exited: {reason}"
        for key in ids:
            record = self._children[key]
            last, was_started = record.ref, record.incarnation > 0
            if self._start(record, cause=because) is not None:
                # Not here and now: whoever wants this supervisor to stop must be able to get in between.
                record.status, record.ref = "restarting", last
                self._publish()
                self.ref.deliver(Info(TryAgain(key, last)))
                return
            if was_started and record.status == "running":
                record.restarts += 1
                self.system.restarts += 1
                self._publish()

    def _leave(self, step: policy.Step, reason: Reason) -> Stop:
        if isinstance(step, policy.GiveUp):
            window = self._window
            logger.error(
                "supervisor %s gives up: more than %d restarts in %g s (last exit: %s)",
                self.ref,
                window.max_restarts,
                window.max_seconds,
                reason,
            )
            self.system.emit(
                events.GaveUp(
                    self.system.clock.now(), self.ref.path, window.max_restarts, window.max_seconds, reason
                )
            )
        return Stop(SHUTDOWN)  # `terminate` stops the children

    # --------------------------------------------------------------------- start and stop

    def _start(self, record: ChildRecord, cause: str | None = None) -> Reason | None:
        """Start one child; answer why it did not start, or None."""
        spec = record.spec
        record.incarnation += 1
        path = f"{self.ref.path}/{spec.id}"
        try:
            ref = self._spawn(spec, record.incarnation)
        except Exception as error:  # noqa: BLE001 - a start function is user code: whatever it raises is the reason
            reason = error.reason if isinstance(error, StartFailed) else Crash.of(error)
            self._mark_down(record)
            record.last_exit, record.last_exit_at = reason, self.system.clock.now()
            logger.error("supervisor %s: child %r did not start: %s", self.ref, spec.id, reason)
            self.system.emit(events.ChildStartFailed(self.system.clock.now(), path, reason))
            self._publish()
            return reason
        record.ref = ref
        record.status = "running" if ref is not None else "stopped"
        if ref is None and (spec.restart is Restart.TEMPORARY or not self.keeps_ignored):
            self._children.pop(record.key, None)
        if ref is not None:
            logger.info("supervisor %s: started %s", self.ref, ref)
            self.system.emit(
                events.ChildStarted(self.system.clock.now(), ref.path, ref.serial, record.incarnation, cause)
            )
        self._publish()
        return None

    def _spawn(self, spec: ChildSpec, incarnation: int) -> Ref | None:
        start = spec.start
        if isinstance(start, type) and hasattr(start, "begin"):
            return spawn(
                self.system,
                start,
                spec.args,
                dict(spec.kwargs),
                id_=spec.id,
                name=spec.name,
                linked=True,
                incarnation=incarnation,
            )
        ref = start(*spec.args, **spec.kwargs)
        if ref is None:
            return None
        if not isinstance(ref, Ref):
            raise BadChildSpec(f"child {spec.id!r}: start must return a Ref or None, not {ref!r}")
        ref.link(self.ref)
        return ref

    def _stop_one(self, record: ChildRecord) -> None:
        """Stop one child within its limit, and wait until it is down."""
        ref, limit = record.ref, record.spec.shutdown_limit
        if ref is None or record.status != "running":
            self._mark_down(record)
            return
        # Unlink first: its exit is our own doing, not an incident.
        self.ref.unlink(ref)
        if limit is Shutdown.BRUTAL_KILL:
            ref.kill()
            reason: Reason | None = ref.join()
        else:
            ref.signal(self.ref, SHUTDOWN)
            reason = ref.join(None if isinstance(limit, Shutdown) else limit)
            if reason is None:
                ref.kill()
                reason = ref.join()
                self._report_abandoned(ref, limit)
        assert reason is not None
        self._note_exit(record, reason)
        self._mark_down(record)
        self._report_stop(record, ref, reason, limit)
        self._publish()

    def _stop_all(self) -> None:
        for record in reversed(list(self._children.values())):
            self._stop_one(record)

    def _leave_down(self, record: ChildRecord) -> None:
        """A child is not wanted back: keep it listed."""
        self._mark_down(record)

    def _mark_down(self, record: ChildRecord) -> None:
        record.ref, record.status = None, "stopped"

    def _note_exit(self, record: ChildRecord, reason: Reason) -> None:
        record.last_exit, record.last_exit_at = reason, self.system.clock.now()

    # ---------------------------------------------------------- children at run time, by id

    def _add(self, spec: ChildSpec) -> Ref | None:
        check_significance(spec, self._rules.auto_shutdown)
        present = self._children.get(spec.id)
        if present is not None:
            if present.status == "running" and present.ref is not None:
                raise AlreadyStarted(str(spec.id), present.ref)
            raise AlreadyPresent(spec.id, self.ref.path)
        record = self._children[spec.id] = ChildRecord(spec.id, spec)
        reason = self._start(record)
        if reason is not None:
            self._children.pop(spec.id, None)
            self._publish()
            raise StartFailed(f"{self.ref.path}/{spec.id}", reason)
        return record.ref

    def _find(self, id_: Any) -> ChildRecord:
        if id_ not in self._children:
            raise ChildNotFound(id_, self.ref.path)
        return self._children[id_]

    def _stop_by_id(self, id_: Any) -> None:
        record = self._find(id_)
        self._stop_one(record)
        if record.spec.restart is Restart.TEMPORARY:
            self._children.pop(id_, None)
        self._publish()

    def _idle(self, id_: Any) -> ChildRecord:
        record = self._find(id_)
        if record.status == "restarting":
            raise ChildRestarting(id_, self.ref.path)
        if record.status == "running":
            raise ChildRunning(id_, self.ref.path)
        return record

    def _restart_by_id(self, id_: Any) -> Ref | None:
        record = self._idle(id_)
        reason = self._start(record)
        if reason is not None:
            raise StartFailed(f"{self.ref.path}/{id_}", reason)
        return record.ref

    def _delete_by_id(self, id_: Any) -> None:
        self._idle(id_)
        del self._children[id_]
        self._publish()

    # ---------------------------------------------------------------------- what is known

    def _monotonic(self) -> float:
        return self.system.clock.monotonic()

    def _list(self) -> tuple[ChildInfo, ...]:
        return tuple(
            ChildInfo(
                one.spec.id,
                one.ref if one.status == "running" else None,
                one.status,
                one.spec,
                one.incarnation,
                one.restarts,
                one.last_exit,
                one.last_exit_at,
            )
            for one in self._children.values()
        )

    def _count(self) -> Counts:
        records = self._children.values()
        supervisors = sum(one.spec.is_supervisor for one in records)
        active = sum(one.status == "running" for one in records)
        return Counts(len(records), active, supervisors, len(records) - supervisors)

    def _publish(self) -> None:
        self.ref.published = Published(self._rules.strategy, self._window, self._list())

    # -------------------------------------------------------------------------- reports

    def _report_exit(self, record: ChildRecord, reason: Reason) -> None:
        if is_clean(reason) and record.spec.restart is not Restart.PERMANENT:
            return
        logger.error(
            "supervisor %s: child %r (%s) exited: %s",
            self.ref,
            record.spec.id,
            record.spec.restart.value,
            reason,
        )

    def _report_abandoned(self, ref: Ref, limit: float | Shutdown) -> None:
        logger.error(
            "supervisor %s: child %s did not stop within %s s and is abandoned; its thread runs on, unheard",
            self.ref,
            ref,
            limit,
        )
        self.system.emit(events.ChildAbandoned(self.system.clock.now(), ref.path, ref.serial))

    def _report_stop(self, record: ChildRecord, ref: Ref, reason: Reason, limit: float | Shutdown) -> None:
        self.system.emit(events.ChildStopped(self.system.clock.now(), ref.path, ref.serial, reason))
        asked_for = (SHUTDOWN, KILLED) if limit is Shutdown.BRUTAL_KILL else (SHUTDOWN,)
        fine = reason in asked_for or (record.spec.restart is not Restart.PERMANENT and is_clean(reason))
        if not fine and reason != KILLED:
            logger.error("supervisor %s: child %s exited while being stopped: %s", self.ref, ref, reason)


class _Refused(NamedTuple):
    """A request that was refused: the error is the caller's, the supervisor lives on."""

    error: EyeError


def _attempt(action: Any) -> Any:
    try:
        return action()
    except EyeError as error:
        return _Refused(error)


def _value(answer: Any) -> Any:
    if isinstance(answer, _Refused):
        raise answer.error
    return answer
