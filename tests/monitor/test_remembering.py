"""A node that keeps a history: in its tree, behind its view, over HTTP; and one that cannot."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

import pytest

from eye.clock import SystemClock
from eye.errors import ConfigError, HistoryOff
from eye.history import database
from eye.monitor.config import NodeConfig
from eye.monitor.node import Node
from eye.monitor.remembering import keeping
from eye.supervision.supervisor import Supervisor
from eye.testing import until
from eye.web.blueprint import create_app

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.e2e
PATIENCE = 20.0


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Node]]:
    made: list[Node] = []

    def make(name: str = "keeper", history: str | None = None, **changes: Any) -> Node:
        environ = {"EYE_FOLDER": str(tmp_path / "run"), "EYE_COOKIE_FILE": str(tmp_path / "cookie")}
        config = NodeConfig(name=name, history=history or str(tmp_path / "h.sqlite3"), interval=0.2, **changes)
        made.append(Node.start(config, environ=environ))
        return made[-1]

    yield make
    for node in made:
        node.stop()


def test_the_home_folder_may_be_written_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "h.sqlite3").touch()

    found = keeping("~/h.sqlite3", "1d,30d,730d", SystemClock(), writes=False)

    assert not isinstance(found, str)


def kept(node: Node, name: str = "keeper") -> list[Any]:
    now = node.view.now()
    told = node.view.history(name, ["host.cpu", "custom.orders"], since=now - 60, until=now, step=0.2)
    return [point for point in told["points"].get("host.cpu", []) if point is not None]


def test_it_is_in_the_tree_and_comes_back_when_it_is_killed(start: Callable[..., Node]) -> None:
    node = start()
    until(lambda: len(kept(node)) > 5, PATIENCE)
    writer = node.system.whereis("eye.history")
    assert writer is not None

    writer.kill()
    before = len(kept(node))
    until(lambda: len(kept(node)) > before + 5, PATIENCE)

    assert node.is_alive
    assert node.system.whereis("eye.history") is not writer
    root = node.system.whereis("eye")
    assert root is not None
    assert "history" in {child.id for child in Supervisor.which_children(root)}


def test_nothing_is_written_before_somebody_has_a_view(start: Callable[..., Node], tmp_path: Path) -> None:
    node = start()

    assert node.system.whereis("eye.history") is None
    assert not (tmp_path / "h.sqlite3").exists()


def test_all_that_is_seen_is_kept_and_what_waits_is_written_at_the_end(start: Callable[..., Node]) -> None:
    node, other = start(), start("other", history="off")
    other.gauge("orders", lambda: 7, unit="count")
    until(lambda: kept(node, "other"), PATIENCE)
    until(lambda: node.view.past_store.metrics().get("custom.orders") == "count", PATIENCE)
    at = node.view.now()
    until(lambda: node.view.now() > at + 0.5)

    node.stop()

    again = start("reader")
    last = again.view.past_store.last(["keeper"], at - 60)["keeper"]
    assert last > at


def test_a_node_that_nobody_may_read_keeps_what_it_sees_itself(start: Callable[..., Node]) -> None:
    node = start(deny=frozenset({"read"}))
    until(lambda: len(kept(node)) > 5, PATIENCE)
    writer = node.system.whereis("eye.history")

    until(lambda: len(kept(node)) > 25, PATIENCE)

    assert node.system.whereis("eye.history") is writer, "that its last hour cannot be read is no reason to crash"


def test_who_only_reads_shows_what_another_keeps_and_writes_nothing(start: Callable[..., Node]) -> None:
    keeper, reader = start(), start("reader", writes_history=False)
    assert not reader.view.has_history, "there was nothing when it began"
    until(lambda: len(kept(keeper)) > 5, PATIENCE)

    later = start("later", writes_history=False)

    assert later.view.has_history
    assert len(kept(later, "keeper")) > 5
    assert {one.system.whereis("eye.history") for one in (reader, later)} == {None}
    later.stop()
    assert len(kept(keeper)) > 5


def test_without_a_history_that_is_said(start: Callable[..., Node]) -> None:
    view = start(history="off").view

    assert not view.has_history
    with pytest.raises(HistoryOff, match="see --history"):
        view.history("keeper", ["host.cpu"], since=0.0, until=1.0, step=1.0)
    assert view.graph("keeper", ["host.cpu"], seconds=86400, step=60)["points"]


def test_without_sqlalchemy_its_extra_is_named_and_everything_else_goes_on(
    start: Callable[..., Node], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    monkeypatch.setattr(database, "find_spec", lambda name: None)

    view = start().view

    (said,) = [one.getMessage() for one in caplog.records if one.name == "eye.monitor"]
    assert said == "no history is kept: it needs SQLAlchemy; pip install 'sorcerers-eye[history]'"
    assert not view.has_history
    until(lambda: all(node.host is not None for node in view.fresh()), PATIENCE)


def test_a_place_that_is_none_is_refused_at_the_start() -> None:
    with pytest.raises(ConfigError, match="history must be off, a file"):
        NodeConfig(name="a", history="mysql://db/eye")


def test_over_http(start: Callable[..., Node]) -> None:
    node = start()
    until(lambda: len(kept(node)) > 5, PATIENCE)
    page = create_app(node).test_client()

    def ask(path: str) -> tuple[int, Any]:
        answer = page.get(path)
        return answer.status_code, json.loads(answer.data)

    status, told = ask("/api/v1/history?node=keep*&metric=host.cpu&metric=node.memory&since=1m&step=1s")
    assert (status, told["version"], told["step"], told["trouble"]) == (200, 1, 1.0, None)
    assert [(one["node"], one["metric"], one["unit"]) for one in told["series"]] == [
        ("keeper", "host.cpu", "share"),
        ("keeper", "node.memory", "bytes"),
    ]
    at, mean, least, most = told["series"][0]["points"][-1]
    assert told["since"] - 1 <= at <= told["until"]
    assert 0.0 <= least <= mean <= most <= 1.0

    assert ask("/api/v1/history?filter=cpu>=0&since=5m")[1]["series"][0]["points"]
    assert ask("/api/v1/history?node=nobody")[1]["series"] == []
    for path, number, says in (
        ("history?since=soon", 400, "since must be"),
        ("history?step=0", 400, "step must be"),
        ("history?node=web-[", 400, "is never closed"),
        ("history?metric=colour", 400, "unknown metric"),
        ("history?filter=status:up", 400, "of the past it is not known"),
        ("history?since=700d&step=1s", 400, "more than 200000 points"),
        ("history?metric=" + ",".join("abcdefghijklmnopqrstuvwxyz"), 400, "at most 20 metrics"),
        ("recent/keeper?seconds=40000000", 400, "seconds must be"),
    ):
        status, told = ask(f"/api/v1/{path}")
        assert (status, says in told["error"]) == (number, True), told

    status, told = ask("/api/v1/recent/keeper?seconds=86400&step=60&metrics=host.cpu")
    assert status == 200
    assert len(told["starts"]) <= 1001
    assert told["points"]["host.cpu"][-1] is not None or told["points"]["host.cpu"][-2] is not None


def test_over_http_without_a_history(start: Callable[..., Node]) -> None:
    answer = create_app(start(history="off")).test_client().get("/api/v1/history")

    assert answer.status_code == 404
    assert "no history is kept" in json.loads(answer.data)["error"]
