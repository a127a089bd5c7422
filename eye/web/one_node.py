"""A view of one node alone, for those who came with a signed link: a `View` with everybody else left out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from eye.monitor.node_view import NodeView


class OneNode:
    """What a `Publisher` asks of a view, answered for one node."""

    def __init__(self, view: Any, node: str) -> None:
        self._view = view
        self._node = node
        self._read = 0  # the number of the last event that was looked at
        self._own = 0  # the number of the last event of this node
        self.node_name: str = view.node_name

    @property
    def alerts_version(self) -> int | None:
        return getattr(self._view, "alerts_version", None)

    def nodes(self) -> tuple[NodeView, ...]:
        return tuple(node for node in self._view.nodes() if node.name == self._node)

    def look(self, seconds: float = 15.0) -> None:
        self._view.look(seconds, nodes=[self._node])

    def now(self) -> float:
        return float(self._view.now())

    def events_after(self, number: int) -> tuple[int, list[tuple[int, dict[str, Any]]]]:
        """Answer the number of this node's last event: of others not even that they happen is told."""
        del number
        if not hasattr(self._view, "events_after"):  # a view of somebody's own need not have them
            return 0, []
        last, new = self._view.events_after(self._read)
        own = [at for at, record in new if record["node"] == self._node]
        self._read, self._own = last, max(own, default=self._own)
        return self._own, []
