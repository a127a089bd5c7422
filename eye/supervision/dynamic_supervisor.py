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

from eye.errors import BadChildSpec, ChildNotFound, MaxChildrenReached
from eye.supervision.child_spec import Child, ChildSpec, Shutdown, as_child_spec, check_significance
from eye.supervision.children import ChildRecord, StartChild, StopChild
from eye.supervision.ref import Ref
from eye.supervision.supervisor import Supervisor, value_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eye.supervision.delay import Delay
    from eye.supervision.incidents import Incident


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
        delay: Delay | None = None,
    ) -> Any:
        """Start empty.

        Args:
            max_restarts, max_seconds: the budget that all children share.
            max_children: how many there may be, those between a crash and a restart included.
            extra_arguments: put before each child's own arguments, at every start.
            delay: how long a child waits before it is started again, where its own spec does not say.
        """
        if max_children is not None and (isinstance(max_children, bool) or not _is_count(max_children)):
            raise BadChildSpec(f"max_children must be a whole number >= 0 or None, not {max_children!r}")
        self._keys = itertools.count(1)
        self._max_children = max_children
        self._extra = tuple(extra_arguments)
        return super().init([], max_restarts=max_restarts, max_seconds=max_seconds, delay=delay)

    @staticmethod
    def start_child(supervisor: Ref, child: Child) -> Ref | None:
        """Start a child; any number may have the same id. Answers None if its `init` answered `Ignore`.

        Raises:
            MaxChildrenReached: there are as many as there may be.
            StartFailed: its `init` failed; nothing is kept.
        """
        return value_of(supervisor.call(StartChild(as_child_spec(child)), None))  # type: ignore[no-any-return]

    @staticmethod
    def stop_child(supervisor: Ref, child: Ref) -> None:
        """Stop a child by its reference; one that fails to restart, by its last.

        Raises:
            ChildNotFound: it is no child of this supervisor, or was stopped before.
        """
        value_of(supervisor.call(StopChild(child), None))

    def _add(self, spec: ChildSpec) -> Ref | None:
        check_significance(spec, self._rules.auto_shutdown)
        if self._max_children is not None and len(self._children) >= self._max_children:
            raise MaxChildrenReached(self.ref.path, self._max_children)
        return self._start_new(ChildRecord(next(self._keys), self._with_extra(spec), self._now(), is_added=True))

    def _with_extra(self, spec: ChildSpec) -> ChildSpec:
        if not self._extra:
            return spec
        return replace(spec, args=(*self._extra, *spec.args))

    def _find(self, id_: Any) -> ChildRecord:
        record = self._by_ref.get(id_) if isinstance(id_, Ref) else None
        if record is None and isinstance(id_, Ref):
            # Between a crash and its replacement a child is known by the last reference it had.
            record = next((one for one in self._children.values() if one.ref is id_), None)
        if record is None:
            raise ChildNotFound(id_, self.ref.path)
        return record

    def _stop_by_id(self, id_: Any) -> None:
        record = self._find(id_)
        self._stop_one(record)
        self._children.pop(record.key, None)

    def _leave_down(self, record: ChildRecord, because: Incident) -> None:
        self._remove(record, because)

    def _stop_all(self) -> None:
        running = [(one, one.ref) for one in self._children.values() if one.ref and one.status == "running"]
        for record, ref in running:
            self._ask_to_stop(record, ref)
        # All have been asked, so the limits run side by side: the n-th waits only for what is left of its own.
        asked_at = self.system.clock.monotonic()
        for record, ref in running:
            limit = record.spec.shutdown_limit
            spent = self.system.clock.monotonic() - asked_at
            self._await_stopped(record, ref, None if isinstance(limit, Shutdown) else max(limit - spent, 0.0))
        for record in self._children.values():
            record.mark_down()  # those that wait for their next try, too


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and value >= 0
