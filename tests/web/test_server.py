"""The view on a real socket: a snapshot, then changes; strangers refused; a clean end."""

from __future__ import annotations

import http.client
import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from simple_websocket import Client, ConnectionClosed

from eye.errors import AddressInUse
from eye.web import WebServer, create_app
from tests.web.world import World, node

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask

pytestmark = pytest.mark.e2e


class Place:
    """A view that is served, and the publisher that a test ticks by hand."""

    def __init__(self, world: World, **options: Any) -> None:
        self.world = world
        self.app: Flask = create_app(world, **options)
        self.publisher = self.app.extensions["eye"].publisher
        self.server = WebServer(self.app)
        self._sockets: list[Client] = []

    def open(self, origin: str | None = None) -> Client:
        # simple_websocket's client leaves the port out of Host, so the page of the same origin has none either.
        headers = {"Origin": origin or "http://127.0.0.1"}
        client = Client(f"ws://127.0.0.1:{self.server.port}/ws", headers=headers)
        self._sockets.append(client)
        return client

    def knock(self, origin: str) -> int:
        """Ask for a WebSocket, and answer the status; 101 would be a yes."""
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=10)
        wishes = {"Upgrade": "websocket", "Connection": "Upgrade", "Origin": origin}
        wishes |= {"Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}
        connection.request("GET", "/ws", headers=wishes)
        status = connection.getresponse().status
        connection.close()
        return status

    def get(self, path: str, host: str | None = None) -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=10)
        connection.request("GET", path, headers={"Host": host} if host else {})
        answer = connection.getresponse()
        answer.body = answer.read()  # type: ignore[attr-defined]
        connection.close()
        return answer

    def close(self) -> None:
        for client in self._sockets:
            try:
                client.close()
            except ConnectionClosed:
                pass
            client.thread.join(5)
        self.server.close()


@pytest.fixture
def place() -> Iterator[Place]:
    place = Place(World(node("a"), node("b", "down")), max_clients=2)
    yield place
    place.close()


def hear(client: Client) -> dict[str, Any]:
    text = client.receive(timeout=30)
    assert text is not None, "nothing came"
    return json.loads(text)


def test_a_snapshot_comes_first_and_then_what_changed(place: Place) -> None:
    client = place.open()
    snapshot = hear(client)
    place.world.change("a", host={"cpu": 0.5})
    place.publisher.tick()
    changes = hear(client)

    assert snapshot["type"] == "snapshot"
    assert [each["node"] for each in snapshot["nodes"]] == ["a", "b"]
    assert changes["type"] == "changes"
    (row,) = changes["rows"]
    assert row[0] == 0
    assert row[1 + snapshot["fields"].index("host.cpu_percent")] == 50.0


def test_all_viewers_get_the_same_text(place: Place) -> None:
    one, other = place.open(), place.open()

    assert hear(one) == hear(other)


def test_one_viewer_too_many_is_told_so(place: Place) -> None:
    hear(place.open())
    hear(place.open())

    assert place.knock(f"http://127.0.0.1:{place.server.port}") == 503
    assert place.get("/healthz").status == 200


def test_a_page_from_elsewhere_opens_no_socket_and_the_log_says_what_to_do(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    status = place.knock("http://evil.example")

    assert status == 403
    assert "evil.example" in caplog.text
    assert "origins=" in caplog.text


def test_a_foreign_host_is_refused(place: Place) -> None:
    assert place.get("/", host="evil.example").status in (400, 403, 421)
    assert place.get("/").status == 200


def test_a_client_that_floods_is_let_go(place: Place) -> None:
    client = place.open()
    hear(client)
    for _ in range(50):
        client.send("x")

    def listen() -> None:
        for _ in range(20):
            place.world.pass_time(1)
            place.publisher.tick()
            client.receive(timeout=2)

    with pytest.raises(ConnectionClosed):
        listen()


def test_the_end_is_quick_and_told_to_everybody(place: Place) -> None:
    client = place.open()
    hear(client)

    began = time.monotonic()
    place.server.close()
    took = time.monotonic() - began

    with pytest.raises(ConnectionClosed) as closed:
        client.receive(timeout=5)
    assert closed.value.reason == 1001
    assert took < 5  # two seconds are promised; a busy machine gets the rest


def test_a_port_in_use_is_one_sentence(place: Place) -> None:
    with pytest.raises(AddressInUse, match=str(place.server.port)):
        WebServer(create_app(World()), "127.0.0.1", place.server.port)
