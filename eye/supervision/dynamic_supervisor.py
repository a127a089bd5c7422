"""A supervisor for children that come and go: it starts empty, and its children have no ids, only references.

    pool = system.start(DynamicSupervisor, max_children=100)
    worker = DynamicSupervisor.start_child(pool, (Worker, job))
    DynamicSupervisor.stop_child(pool, worker)

Always one_for_one. A child that has ended for good leaves no entry behind. Children depend on nobody, so
they are all stopped at once, each within its own limit, rather than one after the other.
"""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from eye.errors import ChildNotFound, MaxChildrenReached, StartFailed
from eye.supervision.child_spec import Child, ChildSpec, Shutdown, Strategy, as_child_spec
from eye.supervision.process import Ref
from eye.supervision.reasons import SHUTDOWN
from eye.supervision.supervisor import ChildRecord, StartChild, StopChild, Supervisor, _value

if TYPE_CHECKING:
    from collections.abc import Sequence


class DynamicSupervisor(Supervisor):
    """Keeps children running that are added at run time."""

    keeps_ignored: ClassVar[bool] = False

    def init(  # type: ignore[override]  # no list of children, no strategy: that is the difference
        self,
        *,
        max_restarts: int = 3,
        max_seconds: float = 5.0,
        max_children: int | None = None,
        extra_arguments: Sequence[Any] = (),
    ) -> Any:
        """Start empty.

        Args:
            max_restarts, max_seconds: the budget that all children share.
            max_children: how many there may be, those between a crash and a restart included.
            extra_arguments: put before each child's own arguments, at every start.
        """
        self._keys = itertools.count(1)
        self._max_children = max_children
        self._extra = tuple(extra_arguments)
        return super().init([], strategy=Strategy.ONE_FOR_ONE, max_restarts=max_restarts, max_seconds=max_seconds)

    @staticmethod
    def start_child(supervisor: Ref, child: Child) -> Ref | None:
        """Start a child; any number may have the same id. Answers None if its `init` answered `Ignore`.

        Raises:
            MaxChildrenReached: there are as many as there may be.
            StartFailed: its `init` failed; nothing is kept.
        """
        return _value(supervisor.call(StartChild(as_child_spec(child)), None))  # type: ignore[no-any-return]

    @staticmethod
    def stop_child(supervisor: Ref, child: Ref) -> None:  # type: ignore[override]  # by reference, not by id
        """Stop a child by its reference; one that fails to restart, by its last.

        Raises:
            ChildNotFound: it is no child of this supervisor, or was stopped before.
        """
        _value(supervisor.call(StopChild(child), None))

    def _add(self, spec: ChildSpec) -> Ref | None:
        if self._max_children is not None and len(self._children) >= self._max_children:
            raise MaxChildrenReached(self.ref.path, self._max_children)
        key = next(self._keys)
        record = self._children[key] = ChildRecord(key, self._with_extra(spec))
        reason = self._start(record)
        if reason is not None:
            self._children.pop(key, None)
            self._publish()
            raise StartFailed(f"{self.ref.path}/{spec.id}", reason)
        return record.ref

    def _with_extra(self, spec: ChildSpec) -> ChildSpec:
        if not self._extra:
            return spec
        return replace(spec, args=(*self._extra, *spec.args))

    def _stop_by_id(self, id_: Any) -> None:
        record = next((one for one in self._children.values() if one.ref is id_ and id_ is not None), None)
        if record is None:
            raise ChildNotFound(id_, self.ref.path)
        self._stop_one(record)
        self._children.pop(record.key, None)
        self._publish()

    def _leave_down(self, record: ChildRecord) -> None:
        self._children.pop(record.key, None)

    def _stop_all(self) -> None:
        records = [one for one in self._children.values() if one.ref is not None and one.status == "running"]
        for record in records:
            assert record.ref is not None
            self.ref.unlink(record.ref)
            if record.spec.shutdown_limit is Shutdown.BRUTAL_KILL:
                record.ref.kill()
            else:
                record.ref.signal(self.ref, SHUTDOWN)
        # All have been asked, so the limits run side by side: the n-th waits only for what is left of its own.
        asked_at = self._monotonic()
        for record in records:
            self._await_stopped(record, asked_at)
        self._children.clear()
        self._publish()

    def _await_stopped(self, record: ChildRecord, asked_at: float) -> None:
        ref, limit = record.ref, record.spec.shutdown_limit
        assert ref is not None
        left = None if isinstance(limit, Shutdown) else max(limit - (self._monotonic() - asked_at), 0.0)
        reason = ref.join(left)
        if reason is None:
            ref.kill()
            reason = ref.join()
            self._report_abandoned(ref, limit)
        assert reason is not None
        self._report_stop(record, ref, reason, limit)
