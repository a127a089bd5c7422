"""Starting one child and stopping one child: the handiwork of every supervisor, and its records.

Nothing is decided here. `supervisor` says whom to start and whom to stop; this file does it, notes down
what came of it, and tells: by a report for whoever reads logs, by an event for whoever watches the tree.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, ClassVar

from eye.errors import BadChildSpec, StartFailed
from eye.supervision import events, reports
from eye.supervision.child_spec import ChildSpec, Restart, Shutdown
from eye.supervision.children import ChildInfo, ChildRecord, Counts, Published
from eye.supervision.gen_server import GenServer
from eye.supervision.incidents import REMEMBERED, Departed, Incident, LeftDown, without_traceback
from eye.supervision.process import is_busy
from eye.supervision.reasons import KILLED, NORMAL, SHUTDOWN, Crash, ProcessExit, Reason, is_clean
from eye.supervision.ref import Ref
from eye.supervision.spawning import spawn

if TYPE_CHECKING:
    from collections.abc import Callable

    from eye.supervision.child_spec import Strategy
    from eye.supervision.restart_window import RestartWindow


class Caretaker(GenServer):
    """A process that starts and stops others, one after the other, and keeps a record of each."""

    keeps_ignored: ClassVar[bool] = True
    """Whether a child whose `init` answered `Ignore` stays listed, without a process."""

    _window: RestartWindow

    def take_charge(self, strategy: Strategy, children: tuple[ChildSpec, ...]) -> None:
        """Begin: a record for each child, none of them started yet, and all of it open to whoever looks."""
        self.trap_exit = True
        now = self._now()
        self._children: dict[Any, ChildRecord] = {spec.id: ChildRecord(spec.id, spec, now) for spec in children}
        self._by_ref: dict[Ref, ChildRecord] = {}
        self._departed: deque[Departed] = deque(maxlen=REMEMBERED)
        self.ref.published = Published(
            strategy, lambda: self._window, self._children, self._departed, self.system.clock
        )

    # ------------------------------------------------------------------------------- start

    def _start(self, record: ChildRecord, because: Incident | None = None) -> Reason | None:
        """Start one child; answer why it did not start, or None."""
        try:
            ref = self._spawn(record.spec, record.incarnation + 1)
        except BaseException as error:
            if self.ref.exit_reason is not None:
                raise  # it is this supervisor that is to end
            # Part of the process loop: whatever a start raises, SystemExit too, is why there is no child.
            return self._note_failed_start(record, error)
        record.mark_down()
        if ref is None:
            record.left_down = self._left_down(record, NORMAL, "its init answered that there is nothing to do")
            if record.spec.restart is Restart.TEMPORARY or not self.keeps_ignored:
                self._children.pop(record.key, None)
            return None
        self._note_started(record, ref, because)
        return None

    def _note_started(self, record: ChildRecord, ref: Ref, because: Incident | None) -> None:
        if because is not None and record.incarnation > 0:
            record.note_restart(self._now(), because, record.waited)
            self.system.count_restart()
        record.incarnation += 1
        self._by_ref[ref] = record
        record.ref, record.status, record.left_down = ref, "running", None
        record.started_moment, record.waited = self.system.clock.monotonic(), 0.0
        record.published = ref.published if isinstance(ref.published, Published) else None
        reports.child_started(self.ref, ref, record)
        cause = None if because is None else str(because)
        self._emit(events.ChildStarted, ref.path, ref.serial, record.incarnation, cause, because)

    def _note_failed_start(self, record: ChildRecord, error: BaseException) -> Reason:
        if isinstance(error, (StartFailed, ProcessExit)):
            reason: Reason = error.reason
        else:
            reason = Crash.of(error)
        record.mark_down()
        record.note_exit(reason, self._now())
        record.left_down = self._left_down(record, reason, "it did not start")
        self._emit(events.ChildStartFailed, self._path_of(record), reason)
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
                mailbox=spec.mailbox,
            )
        ref = start(*spec.args, **spec.kwargs)
        if ref is None:
            return None
        if not isinstance(ref, Ref):
            raise BadChildSpec(f"child {spec.id!r}: start must return a Ref or None, not {ref!r}")
        ref.follows_parent = ref.parent is self.ref
        ref.link(self.ref)
        return ref

    # -------------------------------------------------------------------------------- stop

    def _stop_one(self, record: ChildRecord) -> None:
        """Stop one child within its limit, and wait until it is down. A wait for its next try is over, too."""
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
            # An OS process of its own really ends, and so there is nothing to tell of.
            runs_on = record.spec.isolation == "thread" and is_busy(ref)
            ref.kill()
            if runs_on and ref in self.system.abandoned():
                self._tell_killed(record, ref, "was killed in the middle of something")
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
                self._tell_killed(record, ref, f"did not stop within {limit} s")
        assert reason is not None
        record.note_exit(reason, self._now())
        self._emit(events.ChildStopped, ref.path, ref.serial, reason)
        may_be_done = record.spec.restart is not Restart.PERMANENT and is_clean(reason)
        if reason != expected and not may_be_done:
            reports.child_stopped_badly(self.ref, ref, record, reason)

    def _tell_killed(self, record: ChildRecord, ref: Ref, why: str) -> None:
        # A supervisor that is killed stops nobody any more: whoever of its children does not heed `killed` stays.
        orphans = () if record.published is None else tuple(str(one) for one in record.published.live())
        reports.child_killed(self.ref, ref, record, why, orphans)
        if record.spec.isolation == "thread":
            self._emit(events.ChildAbandoned, ref.path, ref.serial, why, orphans)
            self.system.miss(ref)

    def _stop_all(self) -> None:
        for record in reversed(list(self._children.values())):
            self._stop_one(record)

    # ---------------------------------------------------------------------- what is known

    def _now(self) -> float:
        return self.system.clock.now()

    def _emit(self, kind: Callable[..., events.Event], path: str, *values: Any) -> None:
        """Tell whoever listens; where nobody does it costs next to nothing."""
        if self.system.topics.has_subscribers(events.TOPIC):
            self.system.emit(kind(self._now(), path, *values))

    def _path_of(self, record: ChildRecord) -> str:
        return f"{self.ref.path}/{record.spec.id}"

    def _forget(self, record: ChildRecord, reason: Reason, rule: str) -> None:
        """Strike a child off the list, and its spec with it; why is remembered for a while."""
        if self._children.pop(record.key, None) is not None and reason != NORMAL:
            self._departed.append(Departed(record.spec.id, self._left_down(record, reason, rule)))

    def _left_down(self, record: ChildRecord, reason: Reason, rule: str) -> LeftDown:
        return LeftDown(without_traceback(reason), record.spec.restart, rule, self._now())

    def _list(self) -> tuple[ChildInfo, ...]:
        return tuple(ChildInfo.of(one, self.system.clock) for one in self._children.values())

    def _count(self) -> Counts:
        records = self._children.values()
        supervisors = sum(one.spec.is_supervisor for one in records)
        active = sum(one.status == "running" and one.ref is not None and one.ref.is_alive for one in records)
        return Counts(len(records), active, supervisors, len(records) - supervisors)
