"""The read model: the only thing that screens see.

A table in a terminal, a page, an exporter ask a `View` and nothing else. It answers from the board,
without waiting, and looking is what makes the nodes be asked: a view that is read renews an interest
that runs out by itself some seconds after the last reader has gone.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from eye.cluster.node import Status
from eye.cluster.registry import FORGET
from eye.errors import HistoryOff, NodeDown, NotDown, UnknownNode
from eye.monitor import looking_back
from eye.monitor.collector import LOOKING, Looking
from eye.monitor.methods import COST, CRASH, GC, GC_ESTIMATE, HANDLE, PROCESSES, RECENT, STATE, TREE, TREE_AT
from eye.monitor.node_view import NodeView
from eye.monitor.pace import Wish
from eye.monitor.past import past
from eye.monitor.sightings import sightings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from eye.cluster.interconnect import Engine
    from eye.history.store import Store
    from eye.monitor.agent import Agent
    from eye.monitor.parts import Parts
    from eye.supervision.system import System

_INTEREST = 15.0  # seconds that one look keeps the collectors asking


class View:
    """The cluster as one node sees it. All methods may be called from any thread."""

    def __init__(self, system: System, parts: Parts, agent: Agent) -> None:
        self.node_name = parts.info.name
        """The node that sees."""
        self._system = system
        self._board = parts.board
        self._engine: Callable[[], Engine] = parts.engine.get
        self._agent = agent
        self._interval = parts.config.interval
        self._alerts = parts.alerts
        self._history = parts.history
        self._latest = None if parts.is_hidden else parts.latest
        self._boot, self._started = parts.info.boot, parts.info.started_at

    @property
    def version(self) -> int:
        """A number that is another after every change."""
        return self._board.version

    def now(self) -> float:
        """Tell the time of the seeing node, in UTC seconds: what every age is reckoned from."""
        return self._system.clock.now()

    def nodes(self) -> tuple[NodeView, ...]:
        """Answer every node as it is known now, in name order. Never waits, asks nobody."""
        return self._board.nodes()

    def own(self) -> NodeView | None:
        """Answer the seeing node itself, as it measured itself last; None of one that only looks. Asks nobody."""
        sample = None if self._latest is None else self._latest.get()
        if sample is None:
            return None
        return NodeView(
            name=self.node_name,
            status=Status.UP.value,
            address=self._address_of_own(),
            seen_at=sample.at,
            since=self._started,
            reason=None,
            boot=self._boot,
            host=sample.host,
            process=sample.process,
            round_trip=0.0,
            custom=sample.custom,
            about=sample.about,
        )

    def _address_of_own(self) -> str:
        member = self._board.member(self.node_name)
        return "" if member is None else member.address

    def look(self, seconds: float = _INTEREST, nodes: Iterable[str] | None = None) -> None:
        """Keep the nodes being asked for so long. Whoever shows something live calls this as it goes.

        Args:
            nodes: the names of those that are looked at closely, the rows on a screen: the others are asked more
                seldom, and `NodeView.every` says how often. All are unless given.
        """
        if self._board.look(seconds, nodes):
            self._system.topics.broadcast(LOOKING, Looking())

    def wait(self, version: int, timeout: float) -> int:
        """Block until something changed since `version`, or for `timeout` seconds; answer the version now."""
        return self._board.wait(version, timeout)

    def fresh(self, timeout: float = 2.0) -> tuple[NodeView, ...]:
        """Look, and wait until every node that is up has said something lately, at most `timeout` seconds."""
        self.look(timeout + 1.0)
        deadline = time.monotonic() + timeout
        oldest = 2 * self._board.rule.every(Wish.ALWAYS, 0, self._board.strain.steps)
        waiting: list[str] = []
        while True:
            version = self.version
            waiting = [name for name in waiting or self._up() if self._board.age(name) > oldest]
            left = deadline - time.monotonic()
            if not waiting or left <= 0:
                return self.nodes()
            self._board.wait(version, min(left, 0.25))

    def _up(self) -> list[str]:
        return [one.name for one in self._board.members().values() if one.status is Status.UP]

    def past(self, at: float, timeout: float = 2.0) -> dict[str, Any]:
        """Answer the table as it was at a moment of the last hour, in UTC seconds of the seeing node: see `past`.

        Returns:
            `version`, `at`, and `nodes`, each as `GET /api/v1/nodes` has it.

        Raises:
            NothingKept
        """
        from eye.monitor.document import node_document

        entries = [
            {**node_document(node), "since": node.since, "reason": node.reason}
            for node in self.past_nodes(at, timeout)
        ]
        return {"version": 1, "at": at, "nodes": entries}

    def past_nodes(self, at: float, timeout: float = 2.0) -> tuple[NodeView, ...]:
        """Answer what `past` does, as `nodes` answers it."""
        return past(self.node_name, self._board, self._agent, self._engine(), at, self.now(), timeout)

    def sightings(self, timeout: float = 2.0) -> dict[str, Any]:
        """Ask the nodes how each of them sees the others: see `sightings`.

        Returns:
            `version`, `at`, `nodes` (all names), `rows` and `left_out` (nodes that have no row). A row has
            `node`, `error` (None, or why it does not tell) and `sees`: of each other node its `status` there and
            `age`, the seconds since it was last heard of; `via` where that is another's word.
        """
        return sightings(self.node_name, self._board.members(), self._engine(), self.now(), timeout)

    def tree(self, node: str, timeout: float = 2.0, at: float | None = None) -> dict[str, Any]:
        """Draw the supervision tree of a node, or show how it looked at a moment of the last hour.

        Args:
            at: that moment, in UTC seconds of the seeing node; now unless given.

        Returns:
            `version`, `node`, `at` (UTC seconds of that node), `tree`, `others` and `as_of`, when that was drawn:
            see `eye.supervision.introspection.tree`. Figures of a past tree are those of its drawing.

        Raises:
            UnknownNode, NodeDown, DeadlineExceeded, NodeUnreachable; NothingKept: that is too long ago
        """
        if at is not None:
            ago = max(self.now() - at, 0.0)
            if node == self.node_name:
                return self._agent.tree_at(ago)
            return self._engine().request(self._address(node), TREE_AT, ago, timeout=timeout)  # type: ignore[no-any-return]
        if node == self.node_name:
            return self._agent.tree()
        return self._engine().request(self._address(node), TREE, timeout=timeout)  # type: ignore[no-any-return]

    def processes(
        self, node: str, sort: str = "mailbox", limit: int = 100, timeout: float = 2.0
    ) -> dict[str, Any]:
        """List the processes of a node, sorted there; see `process_list`.

        Returns:
            `version`, `node`, `at`, `sort`, `count` (all that there are) and `processes`, at most `limit`.

        Raises:
            what `tree` raises
        """
        if node == self.node_name:
            return self._agent.processes(sort, limit)
        return self._engine().request(self._address(node), PROCESSES, sort, limit, timeout=timeout)  # type: ignore[no-any-return]

    def recent(
        self, node: str, metrics: Iterable[str], *, seconds: float, step: float, timeout: float = 2.0
    ) -> dict[str, Any]:
        """Answer what a node measured in the last so many seconds, an hour at most.

        Args:
            metrics: their names with their scopes: `host.cpu`, `node.restarts`.
            step: seconds that are drawn together into one point.

        Returns:
            `version`, `node`, `at` (UTC seconds of that node), `step`, `starts` (of the points) and `points`: for
            each metric a list of `[mean, least, greatest]`, or None where nothing was measured.

        Raises:
            what `tree` raises
        """
        names = list(metrics)
        if node == self.node_name:
            return self._agent.recent(names, seconds, step)
        return self._engine().request(self._address(node), RECENT, names, seconds, step, timeout=timeout)  # type: ignore[no-any-return]

    @property
    def has_history(self) -> bool:
        """Whether what was before the last hour is kept, and can be asked for."""
        return not isinstance(self._history, str)

    @property
    def past_store(self) -> Store:
        """What keeps the history.

        Raises:
            HistoryOff: none is kept.
        """
        if isinstance(self._history, str):
            raise HistoryOff(self._history)
        return self._history.store

    @property
    def history_trouble(self) -> str | None:
        """What keeps the history from being written, now; None if nothing does."""
        return None if isinstance(self._history, str) else self._history.trouble

    def history(
        self, node: str, metrics: Iterable[str], *, since: float, until: float, step: float
    ) -> dict[str, Any]:
        """Answer what a node measured from `since` to `until`, UTC seconds, from the database.

        Returns:
            what `recent` returns, and the `tier` that it was read from: `raw`, `1m` or `1h`.

        Raises:
            HistoryOff: none is kept. HistoryUnusable: the database does not answer.
        """
        return looking_back.series(
            self.past_store, node, list(metrics), since=since, until=until, step=step, now=self.now()
        )

    def graph(
        self, node: str, metrics: Iterable[str], *, seconds: float, step: float, timeout: float = 2.0
    ) -> dict[str, Any]:
        """Answer what a graph of the last so many seconds draws: the node's last hour, and history before it.

        What the node does not remember, or is not there to tell, comes from the history, if there is one.

        Returns:
            what `recent` returns.

        Raises:
            what `recent` and `history` raise, but not HistoryOff
        """
        return looking_back.graph(self, node, list(metrics), seconds=seconds, step=step, timeout=timeout)

    def cost(self, node: str, timeout: float = 2.0) -> dict[str, Any]:
        """Answer what those who look at a node cost it: see `methods.COST`. Raises what `tree` raises."""
        if node == self.node_name:
            return self._agent.cost()
        return self._engine().request(self._address(node), COST, timeout=timeout)  # type: ignore[no-any-return]

    def trail(self, node: str, metric: str) -> list[float | None]:
        """Answer the last values of a metric of `watch.TRAILS`, the oldest first. Never waits."""
        return self._board.trail(node, metric)

    def events(self) -> list[dict[str, Any]]:
        """Answer what happened lately in the cluster, as records of `chronicle`. Never waits."""
        return self._board.events()

    def events_after(self, number: int) -> tuple[int, list[tuple[int, dict[str, Any]]]]:
        """Answer the number of the last event, and those that came after the one of that number. Never waits."""
        return self._board.events_after(number)

    @property
    def alerts_version(self) -> int:
        """A number that is another after every change of the alerts."""
        return self._alerts.version

    def alerts(self) -> list[dict[str, Any]]:
        """Answer the alerts that this node evaluates, what fires first; see `eye.alerts.alert`. Never waits."""
        return self._alerts.records(self.now())

    def estimate_garbage(self, node: str, timeout: float = 5.0) -> dict[str, Any]:
        """Ask how long a node would be likely to stand still for a collection; see `garbage.Collections.estimate`.

        Raises:
            ActionRefused, and what `tree` raises
        """
        if node == self.node_name:
            return self._agent.estimate_garbage()
        return self._engine().request(self._address(node), GC_ESTIMATE, timeout=timeout)  # type: ignore[no-any-return]

    def collect_garbage(self, node: str, timeout: float = 30.0) -> dict[str, Any]:
        """Have a node collect garbage; answer its receipt, see `garbage.Collections.collect`.

        Raises:
            ActionRefused, ActionTooSoon, and what `tree` raises
        """
        if node == self.node_name:
            return self._agent.collect_garbage()
        return self._engine().request(self._address(node), GC, timeout=timeout)  # type: ignore[no-any-return]

    def crash(self, node: str, process: str, reason: str = "crashed on purpose", timeout: float = 5.0) -> str:
        """End a process of a node on purpose, if that node allows it; answer the path of the process.

        Raises:
            ActionRefused, UnknownProcess, and what `tree` raises
        """
        if node == self.node_name:
            return self._agent.crash(process, reason)
        address = self._address(node)
        return self._engine().request(address, CRASH, process, reason, timeout=timeout)  # type: ignore[no-any-return]

    def handle(self, node: str, process: str, deed: str, timeout: float = 10.0) -> str:
        """Stop, restart, suspend or resume a process of a node, if that node allows it (`kill`).

        Returns:
            the path of the process it was done to.

        Raises:
            ActionRefused, UnknownProcess, CannotHandle, and what `tree` raises
        """
        if node == self.node_name:
            return self._agent.handle(process, deed)
        address = self._address(node)
        return self._engine().request(address, HANDLE, process, deed, timeout=timeout)  # type: ignore[no-any-return]

    def state(self, node: str, process: str, timeout: float = 5.0) -> dict[str, Any]:
        """Answer the state of a process of a node, if that node allows it (`state`): see `handling.state`.

        Raises:
            ActionRefused, UnknownProcess, CannotHandle, and what `tree` raises
        """
        if node == self.node_name:
            return self._agent.state(process)
        return self._engine().request(self._address(node), STATE, process, timeout=timeout)  # type: ignore[no-any-return]

    def forget(self, node: str, timeout: float = 5.0) -> int:
        """Have every node forget one that is down and will not come back; answer how many have.

        Raises:
            NotDown: it lives, as one of them sees it. UnknownNode: nobody knows it.
        """
        members = self._board.members()
        if node in members and members[node].status not in (Status.DOWN, Status.CONNECTING):
            raise NotDown(node)
        others = [one.address for one in members.values() if one.status is not Status.DOWN and one.name != node]
        answers = self._engine().request_all([one for one in others if one], FORGET, node, timeout=timeout)
        for answer in answers.values():
            if isinstance(answer.error, NotDown):
                raise answer.error
        told = [answer for answer in answers.values() if answer.error is None and answer.value]
        if not told:
            raise UnknownNode(node, ", ".join(sorted(members)))
        return len(told)

    def document(self) -> dict[str, Any]:
        """Answer the nodes in the form of the JSON contract."""
        from eye.monitor.document import document

        return document(self.nodes(), self.now())

    def _address(self, node: str) -> str:
        members = self._board.members()
        member = members.get(node)
        if member is None:
            raise UnknownNode(node, ", ".join(sorted(members)))
        if member.status is Status.DOWN:
            raise NodeDown(node, member.reason or "it does not answer")
        return member.address
