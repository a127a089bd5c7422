"""What becomes of a socket whose peer goes at the worst moment."""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING, Any

from wsproto.utilities import LocalProtocolError

from eye.web import create_app, guards
from eye.web.feed import Feed
from eye.web.socket_route import speak
from tests.web.world import World, node

if TYPE_CHECKING:
    import pytest


class Leaving:
    """A connection whose peer said goodbye after we looked, and before we ping it."""

    connected = pong_received = True
    is_flooded = False

    def __init__(self) -> None:
        self.ws = self.sock = self
        self.input_buffer: list[Any] = []

    def look(self) -> None:
        """Nothing came."""

    def send(self, _event: object) -> bytes:
        raise LocalProtocolError("Event Ping(payload=b'') cannot be sent in state ConnectionState.CLOSED.")


def test_a_goodbye_that_crosses_a_ping_ends_the_connection_without_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    closed: list[Any] = []
    monkeypatch.setattr(guards, "protect", lambda ws: None)
    monkeypatch.setattr(guards, "close_cleanly", lambda ws, code, sentence: closed.append((code, sentence)))
    feed = Feed()
    feed.publish("e", 1, None, lambda: "{}")
    moments = iter([0.0, guards.PING_EVERY + 1])

    speak(Leaving(), feed, now=lambda: next(moments, time.monotonic()))

    assert closed == [(guards.GOING_AWAY, "the connection was lost")]


def test_who_goes_during_the_handshake_is_no_error_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    ours, theirs = socket.socketpair()
    theirs.close()
    app = create_app(World(node("a")))
    headers = {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version": "13",
        "Origin": "http://localhost",
    }

    with ours:
        answer = app.test_client().get("/ws", headers=headers, environ_overrides={"gunicorn.socket": ours})

    assert answer.status_code == 400
    assert caplog.records == []
    assert app.extensions["eye"].publisher.viewers == 0
