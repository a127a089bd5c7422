"""The process that sees to it that every known node has a collector, and no other.

Collectors live under the `NodeSupervisor`, which restarts those that crash but does not know who there
should be: that is the cluster's business. This process listens to the cluster. It stands after the
supervisor in a rest_for_one group, so when the supervisor itself has to be restarted, empty, this one is
too, and fills it again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eye.cluster.members import TOPIC as MEMBERS_TOPIC
from eye.cluster.members import MembersChanged
from eye.errors import ChildNotFound
from eye.supervision.dynamic_supervisor import DynamicSupervisor
from eye.supervision.gen_server import GenServer

if TYPE_CHECKING:
    from collections.abc import Callable

    from eye.monitor.board import Board
    from eye.supervision.child_spec import ChildSpec
    from eye.supervision.process import Ref


class Roster(GenServer):
    """Keeps one collector for each member of the cluster."""

    def init(self, board: Board, supervisor: str, collector_for: Callable[[str], ChildSpec]) -> None:
        """Hire for whoever is known by now.

        Args:
            board: knows the members.
            supervisor: the name of the dynamic supervisor that the collectors live under.
            collector_for: makes the child spec of a node's collector.
        """
        self._board = board
        self._collector_for = collector_for
        found = self.system.whereis(supervisor)
        if found is None:
            self.exit(f"no process is named {supervisor!r}")
        assert found is not None
        self._supervisor: Ref = found
        self._hired: set[str] = set()
        self.subscribe(MEMBERS_TOPIC)
        self._reconcile()

    def handle_info(self, message: Any) -> Any:
        if not isinstance(message, MembersChanged):
            return super().handle_info(message)
        self._reconcile()
        return None

    def _reconcile(self) -> None:
        wanted = set(self._board.members())
        for name in sorted(wanted - self._hired):
            DynamicSupervisor.start_child(self._supervisor, self._collector_for(name))
            self._hired.add(name)
        for name in sorted(self._hired - wanted):
            self._dismiss(name)
            self._hired.discard(name)

    def _dismiss(self, name: str) -> None:
        # Its reference changes with every restart; its id does not.
        for child in DynamicSupervisor.which_children(self._supervisor):
            if child.id == name and child.ref is not None:
                try:
                    DynamicSupervisor.stop_child(self._supervisor, child.ref)
                except ChildNotFound:
                    pass  # it ended in between, which is what was wanted
