"""The process that sees to it that every known node is watched, and no other.

Collectors live under the `NodeSupervisor`, which restarts those that crash but does not know who there
should be: that is the cluster's business. This process listens to the cluster. It stands after the
supervisor in a rest_for_one group, so when the supervisor itself has to be restarted, empty, this one is
too, and fills it again.

The first nodes have a collector each: one that crashes leaves the others alone, and one sees it in the tree.
Beyond a number of them (`NodeConfig.alone`) a collector watches a batch, for a thread to each would cost more
than the watching.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eye.cluster.members import TOPIC as MEMBERS_TOPIC
from eye.cluster.members import MembersChanged
from eye.errors import ChildNotFound
from eye.monitor.collector import LOOKING, Looking
from eye.monitor.config import ALONE, BATCH
from eye.supervision.dynamic_supervisor import DynamicSupervisor
from eye.supervision.gen_server import GenServer

if TYPE_CHECKING:
    from collections.abc import Callable

    from eye.monitor.board import Board
    from eye.supervision.child_spec import ChildSpec
    from eye.supervision.process import Ref


class Crew:
    """The nodes that one collector watches: handed to it, and to whoever takes its place."""

    def __init__(self, id_: str, most: int) -> None:
        self.id, self.most = id_, most
        self.nodes: frozenset[str] = frozenset()

    def __iter__(self) -> Any:
        return iter(self.nodes)

    def __len__(self) -> int:
        return len(self.nodes)

    def __contains__(self, node: object) -> bool:
        return node in self.nodes

    def __repr__(self) -> str:
        return f"<{len(self.nodes)} nodes>" if self.most > 1 else f"<{', '.join(self.nodes)}>"


class Roster(GenServer):
    """Keeps the collectors that the members of the cluster want."""

    def init(
        self,
        board: Board,
        supervisor: str,
        collector_for: Callable[[Crew], ChildSpec],
        *,
        alone: int = ALONE,
        batch: int = BATCH,
    ) -> None:
        """Hire for whoever is known by now.

        Args:
            board: knows the members.
            supervisor: the name of the dynamic supervisor that the collectors live under.
            collector_for: makes the child spec of the collector of a crew.
            alone: nodes that have a collector each.
            batch: nodes that share one, beyond those.
        """
        self._board = board
        self._collector_for = collector_for
        self._alone, self._batch = alone, batch
        found = self.system.whereis(supervisor)
        if found is None:
            self.exit(f"no process is named {supervisor!r}")
        assert found is not None
        self._supervisor: Ref = found
        self._crews: dict[str, Crew] = {}  # of each node
        self._batches = 0
        self.subscribe(MEMBERS_TOPIC)
        self._reconcile()

    def handle_info(self, message: Any) -> Any:
        if not isinstance(message, MembersChanged):
            return super().handle_info(message)
        self._reconcile()
        return None

    def _reconcile(self) -> None:
        wanted = set(self._board.members())
        changed = False
        for node in sorted(self._crews.keys() - wanted):
            changed |= self._let_go(node)
        hired = []
        for node in sorted(wanted - self._crews.keys()):
            crew, is_new = self._crew_with_room(node)
            crew.nodes |= {node}
            self._crews[node] = crew
            if is_new:
                hired.append(crew)
            else:
                changed = True
        for crew in hired:
            DynamicSupervisor.start_child(self._supervisor, self._collector_for(crew))
        if changed:
            self.system.topics.broadcast(LOOKING, Looking())

    def _crew_with_room(self, node: str) -> tuple[Crew, bool]:
        crews = set(self._crews.values())
        if sum(crew.most == 1 for crew in crews) < self._alone:
            return Crew(node, 1), True
        roomy = [crew for crew in crews if len(crew) < crew.most]
        if roomy:
            return max(roomy, key=len), False
        self._batches += 1
        return Crew(f"batch-{self._batches}", self._batch), True

    def _let_go(self, node: str) -> bool:
        """Watch a node no more; say whether its collector has others."""
        crew = self._crews.pop(node)
        crew.nodes -= {node}
        if not crew.nodes:
            self._dismiss(crew.id)
        return bool(crew.nodes)

    def _dismiss(self, id_: str) -> None:
        # Its reference changes with every restart; its id does not.
        for child in DynamicSupervisor.which_children(self._supervisor):
            if child.id == id_ and child.ref is not None:
                try:
                    DynamicSupervisor.stop_child(self._supervisor, child.ref)
                except ChildNotFound:
                    pass  # it ended in between, which is what was wanted
