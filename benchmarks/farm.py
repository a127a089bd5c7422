"""So many simulated nodes in one OS process: what an observer of a fleet meets, without the fleet.

    with Farm(1000) as farm:
        farm.addresses, farm.cookie_file
        ...

Each node has a port of its own, a name, a boot id, and takes a sample once a second, at a moment of its own.
Connections, proofs, frames and types are those of real nodes (`eye.cluster`); only the threads are missing: one
loop answers for all. `python benchmarks/farm.py COUNT TLS FOLDER` is that loop, which ends with its stdin.
"""

from __future__ import annotations

import heapq
import itertools
import json
import os
import random
import resource
import selectors
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import msgspec

from eye.cluster import codec, dispatch, frames, sockets
from eye.cluster.channel import PlainChannel, begins_tls
from eye.cluster.node import Member, NodeInfo, Status, new_boot
from eye.cluster.registry import Digest
from eye.cluster.security import ServerHandshake, load_cookie
from eye.cluster.tls import Tls, TlsMode
from eye.metrics.sample import HostReading, ProcessReading, Sample
from eye.monitor.methods import Report

_VERSION = 1  # of the list of members, which never changes
_CHUNK = 64 * 1024


class Farm:
    """The farm, seen from the benchmark."""

    def __init__(self, count: int, *, tls: bool = False) -> None:
        self._command = [sys.executable, __file__, str(count), "1" if tls else ""]

    def __enter__(self) -> Farm:
        self._folder = tempfile.mkdtemp(prefix="eye-farm-")
        self.cookie_file = Path(self._folder, "cookie")
        self._process = subprocess.Popen(
            [*self._command, self._folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        self.addresses: list[str] = json.loads(self._process.stdout.readline())
        return self

    @property
    def pid(self) -> int:
        return self._process.pid

    def __exit__(self, *_: object) -> None:
        self._process.communicate()  # closes its stdin, and waits
        shutil.rmtree(self._folder, ignore_errors=True)


def allow_many_files() -> None:
    """Raise the limit of open files as far as this user may."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


# ------------------------------------------------------------------------------- in its process


class _Node:
    """One simulated node: its sample of the moment, and who waits for the next."""

    def __init__(self, number: int, listener: socket.socket, at: float) -> None:
        host, port = listener.getsockname()[:2]
        self.listener = listener
        self.info = NodeInfo(f"node-{number:04}", f"{host}:{port}", new_boot(), at)
        self.number = 0
        self.waiting: list[_Connection] = []
        self.sample: Sample

    def measure(self, at: float) -> None:
        """Take a sample, and tell those who wait for it."""
        self.number += 1
        busy = random.random()
        host = HostReading("orthanc", 536870912, 25199075328, busy, 2, 0.42, 100, 7200.0)
        process = ProcessReading(4242, 48234496, busy / 10, 12, 17, 0, at - self.info.started_at)
        self.sample = Sample(self.info.name, self.info.boot, at, host, process)
        waiting, self.waiting = self.waiting, []
        for connection in waiting:
            connection.reply(Report(self.number, self.sample))


class _Connection:
    """One peer of one node: TLS or not, the proof, then questions."""

    def __init__(self, loop: _Loop, node: _Node, sock: socket.socket) -> None:
        self._loop, self._node, self._socket = loop, node, sock
        self._channel: Any = None
        self._reader = frames.FrameReader()
        self._handshake: ServerHandshake | None = None
        self._is_proved = self._is_in = False

    def readable(self) -> None:
        try:
            data = self._socket.recv(_CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._loop.selector.unregister(self._socket)
            self._socket.close()
            if self in self._node.waiting:
                self._node.waiting.remove(self)
            return
        if self._channel is None:
            self._channel = self._loop.tls.answer() if begins_tls(data) else PlainChannel(dials=False)
        self._reader.feed(self._channel.receive(data))
        if self._channel.is_open and self._handshake is None:
            self._handshake = ServerHandshake(self._loop.cookie, os.urandom(32), self._channel.binding)
            self._send(self._handshake.greeting)
        while (body := self._reader.next()) is not None:
            self._take(body)
        self._flush()

    def _take(self, body: bytes) -> None:
        assert self._handshake is not None
        if not self._is_proved:
            verdict = self._handshake.verdict(body)
            assert verdict is not None, "the cookie of the benchmark"
            self._is_proved = True
            self._send(verdict)
        elif not self._is_in:
            self._is_in = True
            self.reply(None)
        else:
            self._answer(*dispatch.read_request(body)[:3])

    def _answer(self, service: str, name: str, args: msgspec.Raw) -> None:
        node = self._node
        if name == "sample":
            self.reply(node.sample)
        elif name == "sample_after":
            known, _ = codec.decode_part(args, tuple[int, float])
            if known == node.number:
                node.waiting.append(self)
            else:
                self.reply(Report(node.number, node.sample))
        elif service == "registry":
            given = codec.decode_part(args, list[Any])
            members = None if given[-1:] == [_VERSION] else self._loop.members
            self.reply(Digest(node.info, time.time(), _VERSION, members))
        else:
            self._send(dispatch.error_reply(LookupError(f"a simulated node has no method {service}.{name}")))

    def reply(self, value: Any) -> None:
        self._send(codec.encode(("#RETURN", value)))

    def _send(self, body: bytes) -> None:
        self._channel.send(frames.frame(body))
        self._flush()

    def _flush(self) -> None:
        out = self._channel.outgoing
        while out:
            try:
                del out[: self._socket.send(out)]
            except BlockingIOError:
                time.sleep(0.001)  # a long list of members; the peer is about to read it
            except OSError:
                return  # it has gone


class _Loop:
    def __init__(self, count: int, tls: bool, folder: str) -> None:
        self.cookie = load_cookie(Path(folder, "cookie"))
        self.tls = Tls.from_cookie(self.cookie, TlsMode.ALWAYS if tls else TlsMode.OFF)
        self.selector = selectors.DefaultSelector()
        at = time.time()
        self._nodes = [_Node(number, self._listen(), at) for number in range(count)]
        self.members = tuple(
            Member(one.info.name, one.info.address, one.info.boot, at, Status.UP, at, at) for one in self._nodes
        )
        for node in self._nodes:
            node.measure(at)
            self.selector.register(node.listener, selectors.EVENT_READ, node)
        self.selector.register(sys.stdin, selectors.EVENT_READ)

    @staticmethod
    def _listen() -> socket.socket:
        listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        listener.setblocking(False)
        return listener

    def run(self) -> None:
        print(json.dumps([node.info.address for node in self._nodes]), flush=True)
        order, now = itertools.count(), time.monotonic()
        ticks = [(now + random.random(), next(order), node) for node in self._nodes]
        heapq.heapify(ticks)
        while True:
            for key, _ in self.selector.select(max(0.0, ticks[0][0] - time.monotonic())):
                if key.fileobj is sys.stdin:
                    return
                if isinstance(key.data, _Node):
                    sock, _ = key.data.listener.accept()
                    sock.setblocking(False)
                    sockets.tune(sock)
                    self.selector.register(sock, selectors.EVENT_READ, _Connection(self, key.data, sock).readable)
                else:
                    key.data()
            while ticks[0][0] <= time.monotonic():
                due, _, node = ticks[0]
                node.measure(time.time())
                heapq.heapreplace(ticks, (due + 1.0, next(order), node))


if __name__ == "__main__":
    allow_many_files()
    _Loop(int(sys.argv[1]), bool(sys.argv[2]), sys.argv[3]).run()
