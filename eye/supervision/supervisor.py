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
from eye.supervision import events, policy, reports
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
from eye.supervision.children import (
    ChildInfo,
    ChildRecord,
    CountChildren,
    Counts,
    DeleteChild,
    Published,
    RestartChild,
    StartChild,
    StopChild,
    TryAgain,
    WhichChildren,
)
from eye.supervision.gen_server import GenServer
from eye.supervision.messages import Exit, Info
from eye.supervision.process import is_busy, spawn
from eye.supervision.reasons import KILLED, NOPROC, SHUTDOWN, Crash, ProcessExit, Reason, is_clean, shutdown
from eye.supervision.ref import Ref
from eye.supervision.restart_window import RestartWindow

if TYPE_CHECKING:
    from eye.supervision.messages import Caller

logger = logging.getLogger("eye.supervision")


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
        self._children: dict[Any, ChildRecord] = {spec.id: ChildRecord(spec.id, spec) for spec in specs}
        self._by_ref: dict[Ref, ChildRecord] = {}
        self.ref.published = Published(strategy, lambda: self._window, self._list)
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
        return value_of(supervisor.call(StartChild(as_child_spec(child)), None))  # type: ignore[no-any-return]

    @staticmethod
    def stop_child(supervisor: Ref, id_: Any) -> None:
        """Stop a child and keep its spec (of a temporary one: forget it).

        Raises:
            ChildNotFound: there is no such child.
        """
        value_of(supervisor.call(StopChild(id_), None))

    @staticmethod
    def restart_child(supervisor: Ref, id_: Any) -> Ref | None:
        """Start a child again that was stopped.

        Raises:
            ChildRunning, ChildRestarting, ChildNotFound, StartFailed
        """
        return value_of(supervisor.call(RestartChild(id_), None))  # type: ignore[no-any-return]

    @staticmethod
    def delete_child(supervisor: Ref, id_: Any) -> None:
        """Forget the spec of a child that does not run.

        Raises:
            ChildRunning, ChildRestarting, ChildNotFound
        """
        value_of(supervisor.call(DeleteChild(id_), None))

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
        record = self._by_ref.get(signal.sender) if signal.sender is not None else None
        if record is None or signal.sender is None:
            return None  # stopped by ourselves, or replaced already
        ref, reason = signal.sender, signal.reason
        del self._by_ref[ref]
        record.note_exit(reason, self._now())
        record.status = "restarting" if policy.wants_back(record.spec.restart, reason) else "stopped"
        if not is_clean(reason) or record.spec.restart is Restart.PERMANENT:
            reports.child_exited(self.ref, record.spec, reason)
        steps = self._decide(record, reason, failed_restart=False)
        comes_back = any(isinstance(step, policy.Start) for step in steps)
        self.system.emit(events.ChildExited(self._now(), ref.path, ref.serial, reason, comes_back))
        return self._carry_out(steps, record, reason)

    def _try_again(self, message: TryAgain) -> Stop | None:
        record = self._children.get(message.id)
        if record is None or record.status != "restarting" or record.attempt != message.attempt:
            return None  # stopped, deleted or restarted between the tries
        reason = record.last_exit or NOPROC
        return self._carry_out(self._decide(record, reason, failed_restart=True), record, reason)

    def _decide(self, record: ChildRecord, reason: Reason, *, failed_restart: bool) -> tuple[policy.Step, ...]:
        self._window, steps = policy.decide(
            self._rules,
            tuple(_state_of(one) for one in self._concerned(record)),
            record.key,
            reason,
            self._window,
            self.system.clock.monotonic(),
            failed_restart=failed_restart,
        )
        return steps

    def _concerned(self, record: ChildRecord) -> Sequence[ChildRecord]:
        alone = policy.Rules(Strategy.ONE_FOR_ONE, AutoShutdown.NEVER)
        # Spares a supervisor of thousands a look at all of them for each one that exits.
        return (record,) if self._rules == alone else tuple(self._children.values())

    def _carry_out(self, steps: tuple[policy.Step, ...], record: ChildRecord, reason: Reason) -> Stop | None:
        """Take the steps that the policy decided on. The only place where they are taken."""
        for step in steps:
            if isinstance(step, policy.Leave):
                self._leave_down(self._children[step.id])
            elif isinstance(step, policy.Remove):
                self._children.pop(step.id, None)
            elif isinstance(step, policy.Stop):
                for key in step.ids:
                    self._stop_one(self._children[key])
            elif isinstance(step, policy.Start):
                self._start_again(step.ids, f"{record.spec.id} exited: {reason}")
            else:
                return self._leave(step, reason)
        return None

    def _start_again(self, keys: tuple[Any, ...], because: str) -> None:
        for key in keys:
            record = self._children[key]
            last, is_restart = record.ref, record.incarnation > 0
            if self._start(record, cause=because) is not None:
                # Not here and now: whoever wants this supervisor to stop must be able to get in between.
                record.status, record.ref = "restarting", last
                record.attempt += 1
                self.ref.deliver(Info(TryAgain(key, record.attempt)))
                return
            if is_restart and record.status == "running":
                record.restarts += 1
                self.system.count_restart()

    def _leave(self, step: policy.Step, reason: Reason) -> Stop:
        if isinstance(step, policy.GiveUp):
            window = self._window
            reports.gave_up(self.ref, window, reason)
            self.system.emit(
                events.GaveUp(self._now(), self.ref.path, window.max_restarts, window.max_seconds, reason)
            )
        return Stop(SHUTDOWN)  # `terminate` stops the children

    # --------------------------------------------------------------------- start and stop

    def _start(self, record: ChildRecord, cause: str | None = None) -> Reason | None:
        """Start one child; answer why it did not start, or None."""
        spec = record.spec
        try:
            ref = self._spawn(spec, record.incarnation + 1)
        except BaseException as error:
            if self.ref.exit_reason is not None:
                raise  # it is this supervisor that is to end
            # Part of the process loop: whatever a start raises, SystemExit too, is why there is no child.
            return self._note_failed_start(record, error)
        if ref is None:
            record.mark_down()
            if spec.restart is Restart.TEMPORARY or not self.keeps_ignored:
                self._children.pop(record.key, None)
            return None
        record.incarnation += 1
        self._by_ref[ref] = record
        record.ref, record.status = ref, "running"
        reports.child_started(self.ref, ref)
        self.system.emit(events.ChildStarted(self._now(), ref.path, ref.serial, record.incarnation, cause))
        return None

    def _note_failed_start(self, record: ChildRecord, error: BaseException) -> Reason:
        reason: Reason = error.reason if isinstance(error, (StartFailed, ProcessExit)) else Crash.of(error)
        record.mark_down()
        record.note_exit(reason, self._now())
        reports.child_not_started(self.ref, record.spec, reason)
        path = f"{self.ref.path}/{record.spec.id}"
        self.system.emit(events.ChildStartFailed(self._now(), path, reason))
        return reason

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
                isolation=spec.isolation,
            )
        ref = start(*spec.args, **spec.kwargs)
        if ref is None:
            return None
        if not isinstance(ref, Ref):
            raise BadChildSpec(f"child {spec.id!r}: start must return a Ref or None, not {ref!r}")
        ref.follows_parent = ref.parent is self.ref
        ref.link(self.ref)
        return ref

    def _stop_one(self, record: ChildRecord) -> None:
        """Stop one child within its limit, and wait until it is down."""
        ref = record.ref
        if ref is not None and record.status == "running":
            self._ask_to_stop(record, ref)
            limit = record.spec.shutdown_limit
            self._await_stopped(record, ref, None if isinstance(limit, Shutdown) else limit)
        record.mark_down()

    def _ask_to_stop(self, record: ChildRecord, ref: Ref) -> None:
        # Unlink first: its exit is our own doing, not an incident.
        self.ref.unlink(ref)
        self._by_ref.pop(ref, None)
        if record.spec.shutdown_limit is Shutdown.BRUTAL_KILL:
            runs_on = is_busy(ref)
            ref.kill()
            if runs_on and ref in self.system.abandoned():
                reports.child_abandoned(self.ref, ref)
                self.system.emit(events.ChildAbandoned(self._now(), ref.path, ref.serial))
        else:
            ref.signal(self.ref, SHUTDOWN)

    def _await_stopped(self, record: ChildRecord, ref: Ref, seconds: float | None) -> None:
        limit = record.spec.shutdown_limit
        expected = KILLED if limit is Shutdown.BRUTAL_KILL else SHUTDOWN
        reason = ref.join(seconds)
        if reason is None:
            ref.kill()
            reason = ref.join()
            if reason == KILLED:  # and not, at the last moment, of its own accord
                expected = KILLED
                reports.child_killed_at_limit(self.ref, ref, limit)
                self.system.emit(events.ChildAbandoned(self._now(), ref.path, ref.serial))
        assert reason is not None
        record.note_exit(reason, self._now())
        self.system.emit(events.ChildStopped(self._now(), ref.path, ref.serial, reason))
        may_be_done = record.spec.restart is not Restart.PERMANENT and is_clean(reason)
        if reason != expected and not may_be_done:
            reports.child_stopped_badly(self.ref, ref, reason)

    def _stop_all(self) -> None:
        for record in reversed(list(self._children.values())):
            self._stop_one(record)

    def _leave_down(self, record: ChildRecord) -> None:
        """A child is not wanted back: keep it listed."""
        record.mark_down()

    # ---------------------------------------------------------- children at run time, by id

    def _add(self, spec: ChildSpec) -> Ref | None:
        check_significance(spec, self._rules.auto_shutdown)
        present = self._children.get(spec.id)
        if present is not None:
            if present.status == "running" and present.ref is not None:
                raise AlreadyStarted(str(spec.id), present.ref)
            raise AlreadyPresent(spec.id, self.ref.path)
        return self._start_new(ChildRecord(spec.id, spec))

    def _start_new(self, record: ChildRecord) -> Ref | None:
        self._children[record.key] = record
        reason = self._start(record)
        if reason is not None:
            self._children.pop(record.key, None)
            raise StartFailed(f"{self.ref.path}/{record.spec.id}", reason)
        return record.ref

    def _find(self, id_: Any) -> ChildRecord:
        try:
            return self._children[id_]
        except (KeyError, TypeError):  # not there, or nothing that could be an id
            raise ChildNotFound(id_, self.ref.path) from None

    def _stop_by_id(self, id_: Any) -> None:
        record = self._find(id_)
        self._stop_one(record)
        if record.spec.restart is Restart.TEMPORARY:
            self._children.pop(id_, None)

    def _idle_child(self, id_: Any) -> ChildRecord:
        record = self._find(id_)
        if record.status == "restarting":
            raise ChildRestarting(id_, self.ref.path)
        if record.status == "running":
            raise ChildRunning(id_, self.ref.path)
        return record

    def _restart_by_id(self, id_: Any) -> Ref | None:
        record = self._idle_child(id_)
        reason = self._start(record)
        if reason is not None:
            raise StartFailed(f"{self.ref.path}/{id_}", reason)
        return record.ref

    def _delete_by_id(self, id_: Any) -> None:
        self._idle_child(id_)
        del self._children[id_]

    # ---------------------------------------------------------------------- what is known

    def _now(self) -> float:
        return self.system.clock.now()

    def _list(self) -> tuple[ChildInfo, ...]:
        # The copy of the values is made in one go, so that any thread may ask.
        return tuple(ChildInfo.of(one) for one in list(self._children.values()))

    def _count(self) -> Counts:
        records = self._children.values()
        supervisors = sum(one.spec.is_supervisor for one in records)
        active = sum(one.status == "running" and one.ref is not None and one.ref.is_alive for one in records)
        return Counts(len(records), active, supervisors, len(records) - supervisors)


def _state_of(record: ChildRecord) -> policy.ChildState:
    return policy.ChildState(
        record.key,
        record.spec.restart,
        record.spec.significant,
        is_alive=record.status == "running",
        is_restarting=record.status == "restarting",
    )


class _Refused(NamedTuple):
    """A request that was refused: the error is the caller's, the supervisor lives on."""

    error: EyeError


def _attempt(action: Any) -> Any:
    try:
        return action()
    except EyeError as error:
        return _Refused(error)


def value_of(answer: Any) -> Any:
    """Take a supervisor's answer apart: what it is, or the error it stands for."""
    if isinstance(answer, _Refused):
        raise answer.error
    return answer
