"""A cluster that stands still until a test moves it: the `View` of `eye.monitor` in memory."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from eye.errors import UnknownNode
from eye.metrics.sample import HostReading, ProcessReading
from eye.monitor.node_view import NodeView

START = 1_795_462_080.0
MIB = 1 << 20


def node(name: str, status: str = "up", **changes: Any) -> NodeView:
    """One node with readings that a test can tell apart from others."""
    host = HostReading(
        name="orthanc",
        memory_used=512 * MIB,
        memory_total=24 * 1024 * MIB,
        cpu=0.2,
        cores=2,
        load_1m=0.42,
        process_count=100,
        uptime=7200.0,
    )
    process = ProcessReading(
        pid=4242,
        memory_rss=46 * MIB,
        cpu=0.007,
        thread_count=12,
        process_count=17,
        restarts=0,
        uptime=7190.5,
    )
    made = NodeView(
        name=name,
        status=status,
        address="127.0.0.1:41873",
        seen_at=START,
        since=START - 60,
        reason=None if status == "up" else "no answer",
        boot="0123456789abcdef",
        host=host,
        process=process,
        round_trip=0.001,
    )
    return replace(made, **changes)


def tree(name: str = "root", **changes: Any) -> dict[str, Any]:
    """One process of a supervision tree, as plain data; a supervisor if it has children."""
    children = changes.get("children", [])
    made: dict[str, Any] = {
        "id": name,
        "name": name,
        "path": f"/{name}",
        "kind": "supervisor" if children else "worker",
        "module": f"tests.{name.title()}",
        "status": "running",
        "serial": 1,
        "incarnation": 1,
        "restarts": 0,
        "last_exit": None,
        "last_exit_at": None,
        "restart": "permanent",
        "mailbox": 0,
        "handled": 3,
        "started_at": START,
        "strategy": "one_for_one" if children else None,
        "budget": {"max_restarts": 3, "max_seconds": 5.0, "used": 0} if children else None,
        "children": children,
    }
    return {**made, **changes}


class World:
    """A `View`. Set `held` or `time`, and the next look sees it."""

    node_name = "watcher"

    def __init__(self, *nodes: NodeView) -> None:
        self.held = {each.name: each for each in nodes}
        self.time = START
        self.looks = 0
        self.trees: dict[str, dict[str, Any] | Exception] = {}
        self.version = 0

    def nodes(self) -> tuple[NodeView, ...]:
        return tuple(self.held[name] for name in sorted(self.held))

    def look(self, seconds: float = 15.0, nodes: Any = None) -> None:
        self.looks += 1

    def fresh(self, timeout: float) -> tuple[NodeView, ...]:
        self.look()
        return self.nodes()

    def now(self) -> float:
        return self.time

    def tree(self, node: str, timeout: float, at: float | None = None) -> dict[str, Any]:
        found = self.trees.get(node, UnknownNode(node, ", ".join(sorted(self.held))))
        if isinstance(found, Exception):
            raise found
        return {"version": 1, "node": node, "at": self.time, "tree": found}

    # what a test does to it

    def change(self, name: str, **changes: Any) -> None:
        """Change fields of the node: its own, or with `host=` and `process=` dicts of its readings."""
        before = self.held[name]
        for part in ("host", "process"):
            if isinstance(changes.get(part), dict):
                changes[part] = replace(getattr(before, part), **changes[part])
        self.held[name] = replace(before, **changes)

    def pass_time(self, seconds: float) -> None:
        """Let time pass: every up node is seen now, and its uptimes grow."""
        self.time += seconds
        for name, each in self.held.items():
            if each.status == "up" and each.host and each.process:
                self.change(
                    name,
                    seen_at=self.time,
                    host={"uptime": each.host.uptime + seconds},
                    process={"uptime": each.process.uptime + seconds},
                )
