"""One cluster that stands still, in a time zone of its own."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.tui.still import BUSY, DOWN, NOW, STALE, YOUNG, StillView, node_view

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def view() -> StillView:
    view = StillView(node_view(), DOWN, YOUNG, STALE, BUSY)
    view.records = [
        {"what": "node_up", "at": NOW - 60, "node": "mystic-node-1", "address": "127.0.0.1:41873"},
        {"what": "node_down", "at": NOW - 2, "node": "mystic-node-2", "reason": "connection refused"},
    ]
    return view


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The event log shows local time."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()
