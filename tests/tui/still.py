"""A cluster that stands still, for the terminal view to be painted of."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from eye.errors import EyeError, UnknownNode
from eye.metrics.sample import HostReading, ProcessReading
from eye.monitor.node_view import NodeView

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

NOW = 1795462080.0
GIB = 1024**3


def node_view(name: str = "mystic-node-1", **changes: Any) -> NodeView:
    host = HostReading("orthanc", 6 * GIB, 24 * GIB, 0.2, 2, 0.42, 100, 7200.0)
    process = ProcessReading(4242, 48234496, 0.007, 12, 17, 0, 7190.5)
    fields = {
        "name": name, "status": "up", "address": "127.0.0.1:41873", "seen_at": NOW - 0.2, "since": NOW - 60.0,
        "reason": None, "boot": "b" * 16, "host": host, "process": process, "round_trip": 0.0008,
    }  # fmt: skip
    return NodeView(**{**fields, **changes})


DOWN = node_view(
    "mystic-node-2",
    status="down",
    seen_at=NOW - 12.0,
    since=NOW - 2.0,
    reason="connection refused",
    round_trip=None,
)
YOUNG = node_view("mystic-node-3", status="connecting", seen_at=None, host=None, process=None, round_trip=None)
STALE = node_view("mystic-node-4", seen_at=NOW - 30.0)
BUSY = node_view(
    "mystic-node-5",
    status="suspect",
    host=HostReading("barad-dur", 23 * GIB, 24 * GIB, 0.97, 8, 12.0, 1234, 86400.0 * 3),
    process=ProcessReading(77, 2 * GIB, 0.5, 40, 1017, 3, 12.0),
)


def process(id_: str, path: str, **changes: Any) -> dict[str, Any]:
    return {
        "id": id_, "name": None, "path": path, "kind": "worker", "module": "shop.orders.Orders",
        "status": "running",
        "serial": 7, "os_process": None, "incarnation": 1, "restarts": 0, "restart": "permanent",
        "last_exit": None, "last_exit_at": None, "mailbox": 0, "mailbox_age": None, "handled": 1204,
        "started_at": NOW - 60.0,
        "strategy": None, "budget": None, "since": NOW - 60.0, "cause": None, "history": [],
        "not_restarted": None,
        "next_try_at": None, "lost": None, "departed": [], "children": [], **changes,
    }  # fmt: skip


DEPARTED = {
    "id": "import-7", "word": "crash", "detail": "no such file", "reason": "FileNotFoundError: no such file",
    "restart": "temporary", "rule": "a temporary child is never started again", "at": NOW - 4.0,
}  # fmt: skip
CAUSE = {
    "child": "orders", "word": "crash", "detail": "no such order", "reason": "ValueError: no such order",
    "failed_start": False, "at": NOW - 0.8, "used": 1, "max_restarts": 3, "max_seconds": 5.0,
}  # fmt: skip


def document() -> dict[str, Any]:
    budget = {"max_restarts": 3, "max_seconds": 5.0, "used": 1}
    sampler = process("sampler", "/eye/local/sampler", mailbox=12, mailbox_age=4.0)
    orders = process(
        "orders",
        "/eye/local/orders",
        incarnation=3,
        cause=CAUSE,
        restarts=2,
        last_exit="ValueError: no such order",
        history=[
            {"at": NOW - 30.0, "waited": 0.0, "because": CAUSE},
            {"at": NOW - 0.8, "waited": 1.5, "because": CAUSE},
        ],
    )
    gone = process("gone", "/eye/local/gone", status="stopped", last_exit="shutdown", handled=None)
    local = process(
        "local",
        "/eye/local",
        kind="supervisor",
        strategy="one_for_one",
        budget=budget,
        children=[sampler, orders, gone],
        departed=[DEPARTED],
    )
    root = process(
        "eye", "/eye", kind="supervisor", strategy="rest_for_one", budget={**budget, "used": 0}, children=[local]
    )
    return {"version": 1, "node": "mystic-node-1", "at": NOW, "tree": root, "others": []}


def past_document(at: float) -> dict[str, Any]:
    """The same before anything had happened, drawn five seconds before."""
    orders = process("orders", "/eye/local/orders", started_at=at - 60.0)
    local = process("local", "/eye/local", kind="supervisor", strategy="one_for_one",
                    budget={"max_restarts": 3, "max_seconds": 5.0, "used": 0}, children=[orders])  # fmt: skip
    root = process("eye", "/eye", kind="supervisor", strategy="rest_for_one", children=[local],
                   budget={"max_restarts": 3, "max_seconds": 5.0, "used": 0})  # fmt: skip
    return {"version": 1, "node": "mystic-node-1", "at": at, "as_of": at - 5.0, "tree": root, "others": []}


def sightings(names: list[str], **differing: str) -> dict[str, Any]:
    """Everybody sees everybody up, but for `differing`: `{"a__b": "down"}` is what a sees of b."""
    rows = [
        {
            "node": teller,
            "error": None,
            "sees": {
                other: {"status": differing.get(f"{teller}__{other}", "up"), "age": 0.4}
                for other in names
                if other != teller and differing.get(f"{teller}__{other}") != "nothing"
            },
        }
        for teller in names
    ]
    return {"version": 1, "at": NOW, "nodes": names, "rows": rows, "left_out": 0}


def alert(node: str = "mystic-node-5", **changes: Any) -> dict[str, Any]:
    fields = {
        "rule": "busy", "node": node, "severity": "critical", "state": "firing", "since": NOW - 30.0,
        "fired_at": NOW - 12.0, "resolved_at": None, "value": 0.97, "text": "CPU 97 % for 12 s", "silenced": False,
    }  # fmt: skip
    return {**fields, **changes}


def flat(tree: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield tree
    for child in tree["children"]:
        yield from flat(child)


class StillView:
    """What `eye.monitor.view.View` is to the terminal view."""

    def __init__(self, *nodes: NodeView) -> None:
        self.shown = nodes
        self.records: list[dict[str, Any]] = []
        self.trouble: EyeError | None = None
        self.done: list[tuple[Any, ...]] = []
        self.looked: list[list[str]] = []
        self.warnings: list[dict[str, Any]] = []
        self.has_history = False

    def nodes(self) -> tuple[NodeView, ...]:
        return self.shown

    def now(self) -> float:
        return NOW

    def look(self, seconds: float = 30.0, nodes: Iterable[str] | None = None) -> None:
        self.looked.append(list(nodes or ()))

    def alerts(self) -> list[dict[str, Any]]:
        return self.warnings

    def events(self) -> list[dict[str, Any]]:
        return self.records

    def trail(self, node: str, metric: str) -> list[float | None]:
        top = 1.0 if metric.endswith("cpu") else 8.0 * GIB
        return [top * step / 10 for step in range(10)]

    def graph(self, node: str, metrics: list[str], *, seconds: float, step: float) -> dict[str, Any]:
        self._ask("graph", node, seconds)
        count = int(seconds / step)
        tops = {
            "host.cpu": 0.2, "host.memory": 6.0 * GIB, "host.memory_total": 24.0 * GIB, "node.memory": 4.8e7,
            "host.processes": 100.0, "node.restarts": 3.0,
        }  # fmt: skip
        waves = [(1.0 + math.sin(at / 5.0) * math.cos(at / 17.0)) / 2.0 for at in range(count)]
        points = {
            metric: [
                None if at < count // 4 else [tops.get(metric, 0.1) * (wave if "cpu" in metric else 1.0)] * 3
                for at, wave in enumerate(waves)
            ]
            for metric in metrics
        }
        starts = [NOW - seconds + at * step for at in range(count)]
        return {"version": 1, "node": node, "at": NOW, "step": step, "starts": starts, "points": points}

    def tree(self, node: str, at: float | None = None) -> dict[str, Any]:
        self._ask("tree", node, at)
        return document() if at is None else past_document(at)

    def past_nodes(self, at: float) -> tuple[NodeView, ...]:
        self.done.append(("past", at))
        if self.trouble is not None:
            raise self.trouble
        return tuple(
            replace(node, status="up", reason=None, seen_at=at - 0.4, since=at - 60) for node in self.shown
        )

    def sightings(self) -> dict[str, Any]:
        self.done.append(("sightings",))
        if self.trouble is not None:
            raise self.trouble
        return sightings([node.name for node in self.shown])

    def processes(self, node: str, *, sort: str, limit: int) -> dict[str, Any]:
        self._ask("processes", node, sort)
        rows = list(flat(document()["tree"]))
        return {"version": 1, "node": node, "at": NOW, "sort": sort, "count": len(rows), "processes": rows}

    def cost(self, node: str) -> dict[str, Any]:
        self._ask("cost", node)
        return {"requests": 2.04, "received": 90.0, "sent": 1433.0, "cpu_percent": 0.0612, "askers": [{}, {}]}

    def collect_garbage(self, node: str) -> dict[str, Any]:
        self._ask("gc", node)
        return {"rss_before": 50_000_000, "rss_after": 40_000_000, "collected": [10, 5, 2], "pause": 0.0123}

    def crash(self, node: str, process: str) -> str:
        self._ask("crash", node, process)
        return process

    def handle(self, node: str, process: str, deed: str) -> str:
        self._ask("handle", node, process, deed)
        return process

    def state(self, node: str, process: str) -> dict[str, Any]:
        self._ask("state", node, process)
        state = [["_orders", "{17: 'ring', 18: 'cloak'}"], ["_last", "None"]]
        return {"version": 1, "node": node, "at": NOW, "path": process, "behaviour": "shop.orders.Orders",
                "status": "running", "state": state}  # fmt: skip

    def _ask(self, *what: Any) -> None:
        self.done.append(what)
        if what[1] not in [node.name for node in self.shown]:
            raise UnknownNode(what[1], "")
        if self.trouble is not None:
            raise self.trouble
