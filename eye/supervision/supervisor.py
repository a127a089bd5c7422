"""A supervisor: a process whose work is to start other processes, notice when they exit, and start them again.

It decides nothing itself: `policy.decide` says what follows an exit, `restarter` takes the steps, `caretaker`
starts and stops. This file is what others may ask of it. It does one thing at a time: while it starts or stops
a slow child, everything else that is asked of it waits.

    class Pipeline(Supervisor):
        def init(self, source):
            return super().init(
                [(Reader, source), ChildSpec(Parser, restart=Restart.TRANSIENT), Writer],
                strategy=Strategy.REST_FOR_ONE, max_restarts=5, max_seconds=10,
            )
"""

from __future__ import annotations

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
from eye.supervision import policy, reports
from eye.supervision.answers import Stop
from eye.supervision.child_spec import (
    AutoShutdown,
    Child,
    ChildSpec,
    Restart,
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
    RestartChild,
    StartChild,
    StopChild,
    WhichChild,
    WhichChildren,
)
from eye.supervision.delay import Delay
from eye.supervision.reasons import NORMAL, Crash, Reason, shutdown
from eye.supervision.ref import Ref
from eye.supervision.restart_window import RestartWindow
from eye.supervision.restarter import Restarter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eye.supervision.messages import Caller


class Supervisor(Restarter):
    """Keeps its children running."""

    is_supervisor: ClassVar[bool] = True

    def init(
        self,
        children: Sequence[Child] = (),
        *,
        strategy: Strategy = Strategy.ONE_FOR_ONE,
        max_restarts: int = 3,
        max_seconds: float = 5.0,
        auto_shutdown: AutoShutdown = AutoShutdown.NEVER,
        delay: Delay | None = None,
    ) -> Any:
        """Start the children in order; if one fails, stop the earlier ones in reverse and fail with it.

        Args:
            children: specs, classes, or (class, *arguments).
            strategy: who is restarted when one exits.
            max_restarts, max_seconds: the budget; one restart more within the time, and it gives up.
            auto_shutdown: whether it stops when its significant children are done.
            delay: how long a child waits before it is started again, where its own spec does not say.
        """
        if not isinstance(strategy, Strategy):
            raise BadChildSpec(f"strategy must be a Strategy, not {strategy!r}")
        if not isinstance(auto_shutdown, AutoShutdown):
            raise BadChildSpec(f"auto_shutdown must be an AutoShutdown, not {auto_shutdown!r}")
        specs = as_child_specs(children, auto_shutdown)
        if not (delay is None or isinstance(delay, Delay)):
            raise BadChildSpec(f"delay must be a Delay or None, not {delay!r}")
        self._rules = policy.Rules(strategy, auto_shutdown)
        self._window = RestartWindow(max_restarts, max_seconds)
        self._delay = delay
        self.take_charge(strategy, specs)
        for record in list(self._children.values()):
            if (failure := self._start(record)) is not None:
                reports.child_not_started(self.ref, record, failure)
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
    def which_child(supervisor: Ref, id_: Any) -> ChildInfo:
        """Show one child: its process, its spec, and what became of it.

        Raises:
            ChildNotFound: there is no such child.
        """
        return value_of(supervisor.call(WhichChild(id_), None))  # type: ignore[no-any-return]

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
        if isinstance(message, WhichChild):
            return _attempt(lambda: ChildInfo.of(self._find(message.id), self.system.clock))
        if isinstance(message, CountChildren):
            return self._count()
        return super().handle_call(message, caller)

    def handle_cast(self, message: Any) -> None:
        reports.unexpected(self.ref, "cast", message)

    def terminate(self, reason: Reason) -> None:
        self._stop_all()

    # ---------------------------------------------------------- children at run time, by id

    def _add(self, spec: ChildSpec) -> Ref | None:
        check_significance(spec, self._rules.auto_shutdown)
        present = self._children.get(spec.id)
        if present is not None:
            if present.status == "running" and present.ref is not None:
                raise AlreadyStarted(str(spec.id), present.ref)
            raise AlreadyPresent(spec.id, self.ref.path)
        return self._start_new(ChildRecord(spec.id, spec, self._now(), is_added=True))

    def _start_new(self, record: ChildRecord) -> Ref | None:
        self._children[record.key] = record
        if (reason := self._start(record)) is not None:
            self._children.pop(record.key, None)
            raise self._start_failed(record, reason)
        return record.ref

    def _start_failed(self, record: ChildRecord, reason: Reason) -> EyeError:
        # As in OTP, who holds the name that the child was to have is answered as such.
        taken = reason.exception if isinstance(reason, Crash) else None
        if isinstance(taken, AlreadyStarted) and taken.who == str(record.spec.name):
            return taken
        return StartFailed(self._path_of(record), reason)

    def _find(self, id_: Any) -> ChildRecord:
        try:
            return self._children[id_]
        except (KeyError, TypeError):  # not there, or nothing that could be an id
            raise ChildNotFound(id_, self.ref.path) from None

    def _stop_by_id(self, id_: Any) -> None:
        record = self._find(id_)
        self._stop_one(record)
        record.left_down = self._left_down(record, record.last_exit or NORMAL, "stopped on request")
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
        record.tries = 0
        if (reason := self._start(record)) is not None:
            raise self._start_failed(record, reason)
        return record.ref

    def _delete_by_id(self, id_: Any) -> None:
        self._idle_child(id_)
        del self._children[id_]


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
