"""The processes behind the page crash, and whoever watches goes on watching."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any
from urllib.request import urlopen

import pytest
from simple_websocket import Client, ConnectionClosed

from eye.monitor.config import NodeConfig
from eye.monitor.node import Node
from eye.web import serve
from eye.web.lobby import Lobby

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.e2e


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    environ = {"XDG_CONFIG_HOME": str(tmp_path / "config"), "EYE_FOLDER": str(tmp_path / "run")}
    node = Node.start(NodeConfig("a", interval=0.2, allow=frozenset({"kill"})), environ=environ)
    yield node
    node.stop()


def hear(client: Client, kind: str) -> dict[str, Any]:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        text = client.receive(timeout=30)
        if text is not None and (message := json.loads(text))["type"] == kind:
            return message
    raise AssertionError(f"no {kind!r} came")


def fetch(url: str) -> bytes:
    """Get an address, which may be between two owners for a moment."""
    deadline = time.monotonic() + 20
    while True:
        try:
            with urlopen(url, timeout=10) as answer:
                return bytes(answer.read())
        except OSError:
            assert time.monotonic() < deadline, "the page did not come back"
            time.sleep(0.05)


def open_socket(url: str) -> Client:
    return Client(url.replace("http", "ws") + "ws", headers={"Origin": "http://127.0.0.1"})


@pytest.mark.parametrize("reason", ["a bug", "kill"])
def test_a_hub_that_crashes_comes_back_and_nobody_has_to_reload(node: Node, reason: str) -> None:
    client = open_socket(serve(node))
    before = hear(client, "snapshot")

    node.view.crash("a", "hub", reason)
    after = hear(client, "snapshot")
    client.close()
    client.thread.join(10)

    assert after["epoch"] != before["epoch"]
    assert [entry["node"] for entry in after["nodes"]] == ["a"]


def test_a_web_server_that_crashes_listens_on_the_same_port_again(node: Node) -> None:
    url = serve(node)
    client = open_socket(url)
    hear(client, "snapshot")

    node.view.crash("a", "web")
    with pytest.raises(ConnectionClosed):
        hear(client, "never")
    client.thread.join(10)

    assert json.loads(fetch(f"{url}api/v1/nodes"))["nodes"][0]["node"] == "a"
    client = open_socket(url)
    hear(client, "snapshot")
    client.close()
    client.thread.join(10)


def test_a_server_that_makes_a_mistake_is_started_again(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    url = serve(node)
    honest, calls = Lobby._accept, []

    def stumble(lobby: Lobby) -> None:
        calls.append(lobby)
        if len(calls) == 1:
            raise ValueError("a bug in the lobby")
        honest(lobby)

    monkeypatch.setattr(Lobby, "_accept", stumble)
    body = fetch(f"{url}healthz")

    assert json.loads(body)["status"] == "ok"
    assert calls[0] is not calls[-1]


def test_the_views_come_back_with_their_supervisor(node: Node) -> None:
    url = serve(node)

    node.view.crash("a", "/eye/views")

    assert fetch(f"{url}healthz") is not None
