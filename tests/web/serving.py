"""The view, served for real: by our own server, plain and with TLS, and by gunicorn; and clients of any kind."""

from __future__ import annotations

import os
import select
import socket
import ssl
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, CloseConnection, Ping, RejectConnection, Request, TextMessage

from eye.web import WebServer, create_app
from eye.web.certificate import Certificate
from tests.web.world import World, node

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask

SEATS = 9
HOME = Path(__file__).parents[2]


def make_app(nodes: int = 30) -> Flask:
    """Make a view of nodes that change ten times a second, as soon as somebody looks."""
    world = World(*(node(f"n{number}") for number in range(nodes)))

    def tick(publisher: Any) -> None:
        pause, turn = threading.Event(), 0
        while not publisher.feed.closed:
            turn += 1
            for name in world.held:
                world.change(name, host={"cpu": (turn % 100) / 100})
            publisher.tick()
            pause.wait(0.1)

    def run_hub(publisher: Any) -> None:
        threading.Thread(target=tick, args=(publisher,), daemon=True).start()

    return create_app(world, run_hub=run_hub, max_clients=SEATS, actions="0123456789abcdef", links=True)


def make_certificate(folder: Path, since: float = -1.0, until: float = 1.0) -> tuple[Path, Path]:
    """Make a certificate for 127.0.0.1 and its key, valid for some days from now."""
    import datetime
    import ipaddress

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + datetime.timedelta(days=since))
        .not_valid_after(now + datetime.timedelta(days=until))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    cert_file, key_file = folder / "cert.pem", folder / "key.pem"
    cert_file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return cert_file, key_file


class Served:
    """Where a view is served, and how to end it."""

    def __init__(self, port: int, tls: ssl.SSLContext | None, stop: Any) -> None:
        self.port, self.tls = port, tls
        self.stop = stop

    def connect(self, receive_buffer: int = 0) -> socket.socket:
        sock = socket.socket()
        if receive_buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        sock.settimeout(30)
        try:
            sock.connect(("127.0.0.1", self.port))
        except OSError:
            sock.close()
            raise
        return sock if self.tls is None else self.tls.wrap_socket(sock, server_hostname="127.0.0.1")

    def get(self, path: str = "/healthz", **headers: str) -> tuple[int, bytes]:
        """Ask over a connection of its own."""
        with self.connect() as sock:
            return ask(sock, path, Connection="close", **headers)


def ask(sock: socket.socket, path: str, **headers: str) -> tuple[int, bytes]:
    """Ask over a connection, and read one answer."""
    from http.client import HTTPResponse

    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    sock.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{lines}\r\n".encode())
    answer = HTTPResponse(sock)
    answer.begin()
    return answer.status, answer.read()


class Peer:
    """One WebSocket, which does what a test has it do and nothing by itself."""

    def __init__(self, served: Served, path: str = "/ws", receive_buffer: int = 0) -> None:
        self.sock = served.connect(receive_buffer)
        self.ws = WSConnection(ConnectionType.CLIENT)
        self.closed_with: int | None = None
        self.came_at: list[float] = []
        self.has_enough = False
        self.status = 0
        self.sock.sendall(self.ws.send(Request(host=f"127.0.0.1:{served.port}", target=path)))
        while not self.status:
            data = self.sock.recv(4096)
            self.ws.receive_data(data or None)
            for event in self.ws.events():
                if isinstance(event, AcceptConnection):
                    self.status = 101
                elif isinstance(event, RejectConnection):
                    self.status = event.status_code
                elif isinstance(event, TextMessage):
                    self.came_at.append(time.monotonic())
            assert data or self.status, "the server said nothing"

    def listen(self, until: float, *, pongs: bool = True) -> None:
        """Read, and answer pings, until that moment, or the end, or enough has been heard."""
        while self.closed_with is None and not self.has_enough and (left := until - time.monotonic()) > 0:
            try:
                self.sock.settimeout(min(max(left, 0.01), 1.0))
                data = self.sock.recv(65536)
            except TimeoutError:
                continue
            except OSError:
                data = b""
            if not data:
                self.closed_with = self.closed_with or 1006
                return
            self.ws.receive_data(data)
            for event in self.ws.events():
                if isinstance(event, TextMessage):
                    self.came_at.append(time.monotonic())
                elif isinstance(event, CloseConnection):
                    self.closed_with = event.code
                    with suppress(OSError):
                        self.sock.sendall(self.ws.send(event.response()))
                elif isinstance(event, Ping) and pongs:
                    with suppress(OSError):
                        self.sock.sendall(self.ws.send(event.response()))

    def flood(self, until: float, event: Any) -> None:
        """Send that as fast as it goes, until that moment or the end."""
        frames = b"".join(self.ws.send(event) for _ in range(200))
        while time.monotonic() < until:
            try:
                self.sock.settimeout(1)
                self.sock.sendall(frames)
            except TimeoutError:
                continue
            except OSError:
                return

    def close(self) -> None:
        self.sock.close()


@contextmanager
def own_server(folder: Path, *, secure: bool) -> Iterator[Served]:
    certificate = client_tls = None
    if secure:
        cert, key = make_certificate(folder)
        certificate = Certificate(cert, key)
        client_tls = ssl.create_default_context(cafile=str(cert))
    server = WebServer(make_app(), certificate=certificate)
    try:
        yield Served(server.port, client_tls, server.close)
    finally:
        server.close()


@contextmanager
def gunicorn(folder: Path) -> Iterator[Served]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "gunicorn", "-c", "python:eye.web.gunicorn_settings", "--bind"]
    command += [f"127.0.0.1:{port}", "--no-control-socket", "tests.web.serving:make_app()"]
    with (folder / "gunicorn.log").open("w") as log:
        process = subprocess.Popen(command, cwd=HOME, stderr=log, env=os.environ | {"PYTHONPATH": str(HOME)})
    served = Served(port, None, process.terminate)
    try:
        deadline = time.monotonic() + 30
        while True:
            with suppress(OSError):
                if served.get()[0] == 200:
                    break
            is_coming = process.poll() is None and time.monotonic() < deadline
            assert is_coming, (folder / "gunicorn.log").read_text()
            select.select([], [], [], 0.05)
        served.process = process  # type: ignore[attr-defined]
        yield served
    finally:
        process.terminate()
        process.wait(10)
