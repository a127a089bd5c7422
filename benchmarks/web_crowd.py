"""What a crowd that watches one page costs the process that serves it.

    python benchmarks/web_crowd.py [--clients 500] [--nodes 100] [--seconds 10] [--rounds 3]

One after another, in rotated order, each with the same crowd: our own server, the same over TLS, gunicorn
(gthread) with the same application, and the floor: a thread for each client that waits for its turn and sends
bytes which somebody made already. All nodes change every second, which is the most there can be to say. The crowd
is another OS process, which reads everything and answers pings.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import selectors
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import measure

from eye.metrics.sample import HostReading, ProcessReading
from eye.monitor.node_view import NodeView
from eye.web import WebServer, create_app
from eye.web.certificate import Certificate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask

OURS, TLS, GUNICORN, FLOOR = "our server", "… over TLS", "gunicorn gthread", "floor"
KINDS = (OURS, TLS, GUNICORN, FLOOR)
HERE = Path(__file__).parent
SETTLED = 3.0  # seconds that are not counted
HANDSHAKE = (
    b"GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
PONG = b"\x8a\x80\x00\x00\x00\x00"


class Moving:
    """A view of nodes of which every one is another every second."""

    node_name = "here"

    def __init__(self, count: int) -> None:
        host = HostReading("host", 1 << 29, 1 << 34, 0.2, 4, 0.5, 200, 7200.0)
        process = ProcessReading(4242, 46 << 20, 0.01, 12, 17, 0, 7190.0)
        self._nodes = tuple(
            NodeView(
                name=f"node-{number:04}", status="up", address="127.0.0.1:4711", seen_at=time.time(),
                since=time.time(), reason=None, boot=f"{number:016x}", host=host, process=process, round_trip=0.01,
            )
            for number in range(count)
        )  # fmt: skip

    def nodes(self) -> tuple[NodeView, ...]:
        now = time.time()
        share = now * 0.137 % 1.0
        return tuple(
            replace(each, seen_at=now, host=replace(each.host, cpu=(share + at / 97) % 1.0))
            for at, each in enumerate(self._nodes)
        )

    def look(self, seconds: float = 15.0, nodes: Any = None) -> None: ...

    def fresh(self, timeout: float) -> tuple[NodeView, ...]:
        return self.nodes()

    def now(self) -> float:
        return time.time()

    def tree(self, node: str, timeout: float, at: float | None = None) -> dict[str, Any]:
        return {}


# ------------------------------------------------------------------------------------- servers


def make_app(count: int = 100, clients: int = 500) -> Flask:
    """Make the application that gunicorn serves too."""

    def run_hub(publisher: Any) -> None:
        threading.Thread(target=beat, args=(publisher.tick, lambda: publisher.feed.closed), daemon=True).start()

    return create_app(Moving(count), max_clients=clients, run_hub=run_hub)


def beat(tick: Any, is_over: Any) -> None:
    start, number = time.monotonic(), 0
    while not is_over():
        tick()
        number += 1
        time.sleep(max(0.0, start + number - time.monotonic()))


def serve(kind: str, count: int, clients: int, folder: Path) -> None:
    """Serve until stdin ends. Prints the port."""
    if kind == FLOOR:
        port = serve_floor(count)
    else:
        certificate = Certificate(folder / "cert.pem", folder / "key.pem") if kind == TLS else None
        port = WebServer(make_app(count, clients), certificate=certificate).port
    print(port, flush=True)
    sys.stdin.read()
    os._exit(0)  # whoever still watches need not be told


def accept_all(talk: Any) -> int:
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)

    def accept() -> None:
        while True:
            client, _ = listener.accept()
            threading.Thread(target=answer, args=(client,), daemon=True).start()

    def answer(client: socket.socket) -> None:
        client.recv(4096)
        client.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n")
        with contextlib.suppress(OSError):
            talk(client)

    threading.Thread(target=accept, daemon=True).start()
    return int(listener.getsockname()[1])


def frame(text: str) -> bytes:
    payload = text.encode()
    return b"\x81\x7f" + len(payload).to_bytes(8, "big") + payload


def message(view: Moving) -> bytes:
    from eye.web import encoder
    from eye.web.nodes import nodes_document

    nodes = nodes_document(view.nodes(), time.time())["nodes"]
    rows = tuple((at, *encoder.values_of(each)) for at, each in enumerate(nodes))
    return frame(encoder.changes_text(encoder.Changes(rows), 1, time.time()))


def serve_floor(count: int) -> int:
    view, turn, said = Moving(count), threading.Condition(), [b""]

    def tick() -> None:
        data = message(view)
        with turn:
            said[0] = data
            turn.notify_all()

    def talk(client: socket.socket) -> None:
        while True:
            with turn:
                turn.wait()
                data = said[0]
            client.sendall(data)

    threading.Thread(target=beat, args=(tick, lambda: False), daemon=True).start()
    return accept_all(talk)


@contextlib.contextmanager
def served(kind: str, count: int, clients: int, folder: Path) -> Iterator[tuple[int, int]]:
    """Have it served by another OS process; answer its port and its process id."""
    if kind == GUNICORN:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        command = [sys.executable, "-m", "gunicorn", "-c", "python:eye.web.gunicorn_settings"]
        command += ["--threads", str(clients + 32), "--worker-connections", str(2 * clients + 100)]
        command += ["--bind", f"127.0.0.1:{port}", f"web_crowd:make_app({count}, {clients})"]
        process = subprocess.Popen(command, cwd=HERE, stderr=subprocess.DEVNULL)
        try:
            yield port, worker_of(process.pid, port)
        finally:
            process.terminate()
            process.wait()
        return
    command = [sys.executable, __file__, "--serve", kind, "--nodes", str(count), "--clients", str(clients)]
    command += ["--folder", str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield int(process.stdout.readline()), process.pid


def worker_of(pid: int, port: int) -> int:
    import psutil

    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        children = psutil.Process(pid).children()
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            if children:
                return int(children[0].pid)
        time.sleep(0.05)
    raise RuntimeError("gunicorn did not start")


# ------------------------------------------------------------------------------------- the crowd


class One:
    """A client: it counts the frames that come, and answers pings."""

    def __init__(self, port: int, tls: ssl.SSLContext | None) -> None:
        self.sock: socket.socket = socket.create_connection(("127.0.0.1", port))
        if tls is not None:
            self.sock = tls.wrap_socket(self.sock)
        self.sock.sendall(HANDSHAKE)
        head = b""
        while b"\r\n\r\n" not in head:
            head += self.sock.recv(4096)
        if b" 101 " not in head[:20]:
            raise RuntimeError(head.splitlines()[0].decode())
        self.left = bytearray(head.partition(b"\r\n\r\n")[2])
        self.sock.setblocking(False)
        self.frames = self.bytes = 0

    def read(self) -> None:
        with contextlib.suppress(BlockingIOError, ssl.SSLWantReadError):
            while data := self.sock.recv(65536):
                self.bytes += len(data)
                self.left += data
        while len(self.left) >= 2:
            size, start = self.left[1] & 127, 2
            if size > 125:
                start = 4 if size == 126 else 10
                if len(self.left) < start:
                    return
                size = int.from_bytes(self.left[2:start], "big")
            if len(self.left) < start + size:
                return
            if self.left[0] & 15 == 9:
                self.sock.send(PONG)
            else:
                self.frames += 1
            del self.left[: start + size]


def watch(port: int, clients: int, secure: bool) -> None:
    """Be the crowd until stdin ends. Prints frames and bytes so far whenever a line comes."""
    tls = None
    if secure:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
    crowd = [One(port, tls) for _ in range(clients)]
    selector = selectors.DefaultSelector()
    for one in crowd:
        selector.register(one.sock, selectors.EVENT_READ, one)
        one.read()
    selector.register(sys.stdin, selectors.EVENT_READ)
    print("here", flush=True)
    while True:
        for key, _ in selector.select():
            if key.data is not None:
                key.data.read()
            elif not sys.stdin.readline():
                return
            else:
                print(sum(one.frames for one in crowd), sum(one.bytes for one in crowd), flush=True)


@contextlib.contextmanager
def crowd(port: int, clients: int, secure: bool) -> Iterator[Any]:
    command = [sys.executable, __file__, "--watch", str(port), "--clients", str(clients)]
    command += ["--secure"] if secure else []
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        if process.stdout.readline().strip() != "here":
            raise RuntimeError("not everybody got in")

        def count() -> list[int]:
            process.stdin.write("\n")  # type: ignore[union-attr]
            process.stdin.flush()  # type: ignore[union-attr]
            return [int(each) for each in process.stdout.readline().split()]  # type: ignore[union-attr]

        yield count
        process.stdin.close()


# ------------------------------------------------------------------------------------- measuring


def look(kind: str, chosen: argparse.Namespace, folder: Path) -> dict[str, float]:
    with (
        served(kind, chosen.nodes, chosen.clients, folder) as (port, pid),
        crowd(port, chosen.clients, kind == TLS) as count,
    ):
        time.sleep(SETTLED)
        (frames, size), cpu, start = count(), measure.cpu_seconds(pid), time.monotonic()
        time.sleep(chosen.seconds)
        took, used = time.monotonic() - start, measure.cpu_seconds(pid) - cpu
        more_frames, more_size = count()
        return {
            "cpu": 100 * used / took,
            "rate": (more_frames - frames) / took / chosen.clients,
            "bytes": (more_size - size) / took / chosen.clients,
            "memory": measure.memory_of(pid)[0],
        }


def make_certificate(folder: Path) -> None:
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
         "-subj", "/CN=localhost", "-keyout", folder / "key.pem", "-out", folder / "cert.pem"],
        check=True, capture_output=True,
    )  # fmt: skip


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--clients", type=int, default=500)
    options.add_argument("--nodes", type=int, default=100)
    options.add_argument("--seconds", type=float, default=10.0, help="how long one round looks (default: 10)")
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--serve", choices=KINDS, help=argparse.SUPPRESS)
    options.add_argument("--watch", type=int, help=argparse.SUPPRESS)
    options.add_argument("--secure", action="store_true", help=argparse.SUPPRESS)
    options.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.serve:
        serve(chosen.serve, chosen.nodes, chosen.clients, chosen.folder)
        return
    if chosen.watch:
        watch(chosen.watch, chosen.clients, chosen.secure)
        return
    about = f"{chosen.clients} clients, {chosen.nodes} nodes, all of which change every second"
    print(f"A crowd ({measure.about_here()}; {chosen.rounds} rounds of {chosen.seconds:g} s; {about})")
    results: dict[str, list[dict[str, float]]] = {kind: [] for kind in KINDS}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_certificate(folder)
        for turn in range(chosen.rounds):
            for kind in KINDS[turn % len(KINDS) :] + KINDS[: turn % len(KINDS)]:
                results[kind].append(look(kind, chosen, folder))
    cpu = {kind: [each["cpu"] for each in them] for kind, them in results.items()}
    measure.show("CPU of the serving process", cpu, FLOOR, unit="% of a core", scale=1, digits=1)
    for kind, them in results.items():
        middle = {what: median(each[what] for each in them) for what in them[0]}
        measure.note(
            f"{kind}: each client gets {middle['rate']:.2f} messages a second, {middle['bytes'] / 1000:.1f} kB/s; "
            f"RSS {measure.megabytes(middle['memory'])}"
        )
    measure.aim("our server, with 500 clients and 100 nodes", median(cpu[OURS]), 20, unit="% of a core")


if __name__ == "__main__":
    if "--serve" in sys.argv or "--watch" in sys.argv:
        main()
    else:
        sys.exit(measure.run(main))
