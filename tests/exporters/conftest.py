"""Nodes to show: one that is up and says what the contract's example says, and changes to it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from eye.metrics.sample import HostReading, ProcessReading
from eye.monitor.node_view import NodeView

NOW = 1_795_462_080.1


@pytest.fixture
def now() -> float:
    return NOW


@pytest.fixture(scope="session")
def make_node() -> Callable[..., NodeView]:
    """A node that is up; any field of its view, or of its readings as `host_…` and `process_…`, may be changed."""

    def make(name: str = "mystic-node-1", **changes: object) -> NodeView:
        host = {
            "name": "orthanc",
            "memory_used": 536870912,
            "memory_total": 25199075328,
            "cpu": 0.2,
            "cores": 2,
            "load_1m": 0.42,
            "process_count": 100,
            "uptime": 7200.0,
        }
        process = {
            "pid": 4242,
            "memory_rss": 48234496,
            "cpu": 0.007,
            "thread_count": 12,
            "process_count": 17,
            "restarts": 0,
            "uptime": 7190.5,
            "mailbox": 3,
        }
        fields = {
            "status": "up",
            "address": "127.0.0.1:41873",
            "seen_at": NOW - 0.1,
            "since": NOW - 7190.0,
            "reason": None,
            "boot": "0123456789abcdef",
            "round_trip": 0.0004,
        }
        for key, value in changes.items():
            part, _, field = key.partition("_")
            target = {"host": host, "process": process}.get(part if field else "", fields)
            target[field if target is not fields else key] = value
        fields.setdefault("host", HostReading(**host))  # type: ignore[arg-type]
        fields.setdefault("process", ProcessReading(**process))  # type: ignore[arg-type]
        return NodeView(name=name, **fields)  # type: ignore[arg-type]

    return make
