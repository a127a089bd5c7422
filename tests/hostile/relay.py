"""A wire that misbehaves: it sits between a client and a node, and does to their bytes what it is told to.

    client <==> Relay <==> node          Relay.to_node, Relay.to_client: what happens to the bytes of that way

One thread moves everything. What is to happen may be changed at any moment, from any thread, and goes for the
connections that stand as for those to come. Other tests may use it as they like.
"""

from __future__ import annotations

import selectors
import socket
import struct
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

_CHUNK = 64 * 1024  # bytes read at once
_MOST_HELD = 4 * 1024 * 1024  # bytes on their way; the sender has to wait then
_BEAT = 0.005  # seconds between two looks at what is to happen now
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close with RST


class Way:
    """What happens to the bytes that go one way."""

    def __init__(self) -> None:
        self.heal()

    def heal(self) -> None:
        """Carry everything on, as it is and at once."""
        self.stalled = False  # nothing is taken any more
        self.delay = 0.0  # seconds that each byte is on its way
        self.cut_after: int | None = None  # bytes of a connection that pass before it is cut
        self.spoil: Callable[[bytes], bytes] | None = None  # what becomes of a piece
        self.piece = _CHUNK  # bytes that pass at once


def flipped(chance: Random) -> Callable[[bytes], bytes]:
    """Spoil one bit of each piece."""

    def spoil(data: bytes) -> bytes:
        spoilt = bytearray(data)
        spoilt[chance.randrange(len(spoilt))] ^= 1 << chance.randrange(8)
        return bytes(spoilt)

    return spoil


def twice(data: bytes) -> bytes:
    """Spoil a piece by sending it again."""
    return data + data


class _Half:
    """One way of one connection."""

    def __init__(self, way: Way, source: socket.socket, sink: socket.socket) -> None:
        self.way, self.source, self.sink = way, source, sink
        self.on_its_way: deque[tuple[float, bytes]] = deque()
        self.held = self.passed = 0
        self.has_ended = self.is_over = False

    def wants_to_read(self) -> bool:
        return not (self.way.stalled or self.has_ended or self.held > _MOST_HELD)

    def read(self) -> bool:
        """Take what has come; say whether the connection is to be cut."""
        data = self.source.recv(min(_CHUNK, self.way.piece))
        if not data:
            self.has_ended = True
            return False
        limit, is_cut = self.way.cut_after, False
        if limit is not None and self.passed + len(data) >= limit:
            data, is_cut = data[: max(0, limit - self.passed)], True
        self.passed += len(data)
        if self.way.spoil is not None and data:
            data = self.way.spoil(data)
        self.on_its_way.append((time.monotonic() + self.way.delay, data))
        self.held += len(data)
        return is_cut

    def write(self) -> None:
        """Pass on what has been on its way for long enough."""
        while self.on_its_way and not self.way.stalled and self.on_its_way[0][0] <= time.monotonic():
            due, data = self.on_its_way.popleft()
            try:
                sent = self.sink.send(data)
            except BlockingIOError:
                sent = 0
            self.held -= sent
            if sent < len(data):
                self.on_its_way.appendleft((due, data[sent:]))
                return
        if self.has_ended and not self.on_its_way and not self.is_over:
            self.is_over = True
            self.sink.shutdown(socket.SHUT_WR)


class Relay:
    """Listens on loopback, and carries to `target` what comes; a context manager."""

    def __init__(self, target: tuple[str, int]) -> None:
        self._target = target
        self.to_node, self.to_client = Way(), Way()
        self.resets = True
        """Whether a cut is a reset (RST) or an orderly end (FIN)."""
        self.dialled = 0
        """How many connections there have been."""
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self._listener.setblocking(False)
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._pairs: list[tuple[_Half, _Half]] = []
        self._is_cut = self._is_closed = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="relay", daemon=True)
        self._thread.start()

    def __enter__(self) -> Relay:
        return self

    def __exit__(self, *raised: object) -> None:
        self._is_closed = True
        self._thread.join(10.0)
        assert not self._thread.is_alive()

    def cut(self) -> None:
        """End all connections that stand, by now. Blocks until they have ended."""
        with self._changed:
            self._is_cut = True
            assert self._changed.wait_for(lambda: not self._is_cut, 10.0)

    def heal(self) -> None:
        """Misbehave no more. What is spoilt already stays so."""
        self.to_node.heal()
        self.to_client.heal()

    # -------------------------------------------------------------------------- on the thread

    def _run(self) -> None:
        while not self._is_closed:
            with selectors.DefaultSelector() as selector:
                selector.register(self._listener, selectors.EVENT_READ)
                self._register(selector)
                ready = {key.fileobj for key, _ in selector.select(_BEAT)}
            if self._listener in ready:
                self._accept()
            for pair in list(self._pairs):
                self._move(pair, ready)
            with self._changed:
                if self._is_cut:
                    for pair in list(self._pairs):
                        self._end(pair)
                    self._is_cut = False
                    self._changed.notify_all()
        for pair in list(self._pairs):
            self._end(pair)
        self._listener.close()

    def _register(self, selector: selectors.BaseSelector) -> None:
        for pair in self._pairs:
            for half in pair:
                if half.wants_to_read():
                    selector.register(half.source, selectors.EVENT_READ)

    def _accept(self) -> None:
        client, _ = self._listener.accept()
        self.dialled += 1
        try:
            node = socket.create_connection(self._target, 5.0)
        except OSError:
            client.close()
            return
        for sock in (client, node):
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._pairs.append((_Half(self.to_node, client, node), _Half(self.to_client, node, client)))

    def _move(self, pair: tuple[_Half, _Half], ready: set[Any]) -> None:
        try:
            for half in pair:
                is_cut = half.source in ready and half.read()
                half.write()
                if is_cut:
                    self._end(pair)
                    return
        except OSError:
            self._end(pair)
            return
        if all(half.is_over for half in pair):
            self._end(pair, resets=False)

    def _end(self, pair: tuple[_Half, _Half], resets: bool | None = None) -> None:
        self._pairs.remove(pair)
        for half in pair:
            if self.resets if resets is None else resets:
                half.source.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            half.source.close()
