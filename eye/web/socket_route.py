"""What one WebSocket does from its handshake to its end, on the thread that the server gave it.

It only ever speaks: a snapshot, then changes, whatever the feed has that this viewer has not seen.
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any

from wsproto.utilities import LocalProtocolError

from eye.web import guards

if TYPE_CHECKING:
    from collections.abc import Callable

    from eye.web.feed import Feed
    from eye.web.links import Link


def end_of(link: Link | None, view: Any) -> float:
    """Say when, by our own monotonic clock, somebody has to go who came with a link."""
    return math.inf if link is None else time.monotonic() + link.expires - float(view.now())


def speak(ws: Any, feed: Feed, *, ends: float = math.inf, now: Callable[[], float] = time.monotonic) -> None:
    """Send what comes until the peer goes or misbehaves, `ends`, or the feed is closed. Blocks all that time."""
    guards.protect(ws)
    code, sentence = guards.GOING_AWAY, "the view is closing"
    try:
        sentence = _speak(ws, feed, ends, now) or sentence
        if not feed.closed:
            code = guards.POLICY_VIOLATION
    except (OSError, LocalProtocolError):
        # The peer is gone, its unacknowledged bytes are too old (TCP_USER_TIMEOUT), or it said goodbye just now.
        sentence = "the connection was lost"
    finally:
        # simple_websocket.ConnectionClosed, a peer's own goodbye, passes through to flask-sock.
        guards.close_cleanly(ws, code, sentence)


def _speak(ws: Any, feed: Feed, ends: float, now: Callable[[], float]) -> str:
    pulse = guards.Pulse(now())
    epoch, sequence = "", -1
    while ws.connected and not feed.closed:
        message = feed.since(epoch, sequence, timeout=1.0)
        if guards.is_flooding(ws):
            return "this view only speaks; it does not listen"
        if not pulse.beat(ws, now()):
            return "no pong came"
        if now() >= ends:
            return "the time of this link is over"
        if message is not None:
            epoch, sequence, text = message
            ws.send(text)
    return ""
