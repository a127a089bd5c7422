"""TLS by itself where it is needed, nowhere else, and never less than was asked for."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from eye.clock import SystemClock
from eye.cluster.certificates import Files
from eye.cluster.engines.manager import ManagerEngine
from eye.cluster.interconnect import Method
from eye.cluster.node import Address
from eye.cluster.security import Cookie
from eye.cluster.tls import Tls, TlsMode
from eye.errors import AuthenticationRefused, NodeUnreachable, TlsUnusable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SECRET = "a cookie for tests that is long enough"
COOKIE = Cookie(SECRET)
OTHER = Cookie("another cookie that is long enough too")
ECHO = Method("lab", "echo", (Any,), Any)
SOON = 10.0


class Lab:
    exposed = (ECHO,)

    def echo(self, value: Any) -> Any:
        return value


@pytest.fixture
def engine() -> Iterator[Callable[..., ManagerEngine]]:
    with contextlib.ExitStack() as stack:

        def make(tls: Tls | None = None, cookie: Cookie = COOKIE) -> ManagerEngine:
            made = ManagerEngine(cookie, SystemClock(), tls=tls)
            stack.callback(made.close)
            return made

        yield make


def serve(engine: ManagerEngine) -> str:
    return str(engine.serve(Address("127.0.0.1", 0), [Lab()]))


AUTO, ALWAYS, OFF = (Tls.from_cookie(COOKIE, mode) for mode in (TlsMode.AUTO, TlsMode.ALWAYS, TlsMode.OFF))


@pytest.mark.parametrize(
    ("mode", "family", "place", "wanted"),
    [
        (AUTO, socket.AF_INET, ("127.0.0.1", 1), False),
        (AUTO, socket.AF_INET, ("127.9.9.9", 1), False),
        (AUTO, socket.AF_INET, ("10.0.0.1", 1), True),
        (AUTO, socket.AF_INET, ("0.0.0.0", 1), True),
        (AUTO, socket.AF_INET6, ("::1", 1, 0, 0), False),
        (AUTO, socket.AF_INET6, ("::ffff:127.0.0.1", 1, 0, 0), False),
        (AUTO, socket.AF_INET6, ("::ffff:10.0.0.1", 1, 0, 0), True),
        (AUTO, socket.AF_INET6, ("fe80::1%eth0", 1, 0, 2), True),
        (AUTO, socket.AF_UNIX, "/run/x.sock", False),
        (ALWAYS, socket.AF_INET, ("127.0.0.1", 1), True),
        (ALWAYS, socket.AF_UNIX, "/run/x.sock", False),
        (OFF, socket.AF_INET, ("10.0.0.1", 1), False),
    ],
)
def test_where_tls_is_wanted(mode: Tls, family: int, place: Any, wanted: bool) -> None:
    assert mode.is_wanted(family, place) is wanted


@pytest.mark.e2e
def test_a_dialler_that_is_told_to_use_tls_does(engine: Callable[..., ManagerEngine]) -> None:
    # What a port that Docker publishes on loopback looks like: plain from here, beyond loopback from there.
    address = serve(engine(ALWAYS))

    assert engine(AUTO).request(address, ECHO, 1, timeout=SOON) == 1


@pytest.mark.e2e
def test_a_dialler_that_may_not_use_tls_says_so(engine: Callable[..., ManagerEngine]) -> None:
    address = serve(engine(ALWAYS))

    with pytest.raises(NodeUnreachable, match="--tls off"):
        engine(OFF).request(address, ECHO, 1, timeout=SOON)


@pytest.mark.e2e
def test_a_dialler_never_goes_without_tls_because_it_is_told_to(engine: Callable[..., ManagerEngine]) -> None:
    address = serve(engine(OFF))

    with pytest.raises(NodeUnreachable):
        engine(ALWAYS).request(address, ECHO, 1, timeout=SOON)


@pytest.mark.e2e
def test_another_cookie_gets_nowhere_and_both_sides_say_why(
    engine: Callable[..., ManagerEngine], caplog: pytest.LogCaptureFixture
) -> None:
    address = serve(engine(ALWAYS))

    for _ in range(3):
        with pytest.raises(AuthenticationRefused, match="cookie-file"):
            engine(Tls.from_cookie(OTHER, TlsMode.ALWAYS), OTHER).request(address, ECHO, 1, timeout=SOON)

    for server in engine(ALWAYS)._servers:  # none of its own; the log is of the first
        server.stop()
    assert caplog.text.count("its certificate is not of this cluster") <= 1
    assert SECRET not in caplog.text


@pytest.mark.e2e
def test_the_cookie_is_asked_for_within_tls_too(engine: Callable[..., ManagerEngine], tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    files = Tls.from_files(authority.files("node"), TlsMode.ALWAYS)
    address = serve(engine(files))

    assert engine(files).request(address, ECHO, 1, timeout=SOON) == 1
    with pytest.raises(AuthenticationRefused):
        engine(files, OTHER).request(address, ECHO, 1, timeout=SOON)


@pytest.mark.e2e
def test_a_machine_in_the_middle_that_has_a_certificate_gains_nothing(
    engine: Callable[..., ManagerEngine], tmp_path: Path
) -> None:
    """It may open TLS to either side, having a certificate of the same authority; proofs are for one channel."""
    authority = Authority(tmp_path)
    node = Tls.from_files(authority.files("node"), TlsMode.ALWAYS)
    address = Address.parse(serve(engine(node)))
    thief = Tls.from_files(authority.files("thief"), TlsMode.ALWAYS)
    listener = socket.create_server(("127.0.0.1", 0))

    def relay() -> None:
        front, _ = listener.accept()
        back = socket.create_connection((address.host, address.port))
        with front, back:
            carry(front, back, thief)

    thread = threading.Thread(target=relay, daemon=True)
    thread.start()
    with pytest.raises((AuthenticationRefused, NodeUnreachable)):
        engine(node).request(f"127.0.0.1:{listener.getsockname()[1]}", ECHO, 1, timeout=SOON)
    listener.close()
    thread.join(SOON)


def carry(front: socket.socket, back: socket.socket, thief: Tls) -> None:
    """Decrypt on one side, encrypt on the other, until one of them hangs up."""
    import selectors
    import ssl

    ends = {front: thief.answer(), back: thief.dial("127.0.0.1")}
    other = {front: back, back: front}
    waiting = {front: b"", back: b""}
    with selectors.DefaultSelector() as selector:
        for sock in ends:
            selector.register(sock, selectors.EVENT_READ)
        back.sendall(bytes(ends[back].outgoing))
        ends[back].outgoing.clear()
        while True:
            for key, _ in selector.select(SOON):
                sock: Any = key.fileobj
                try:
                    data = sock.recv(65536)
                    if not data:
                        return
                    waiting[other[sock]] += ends[sock].receive(data)
                    for one, channel in ends.items():
                        if channel.is_open and waiting[one]:
                            channel.send(waiting[one])
                            waiting[one] = b""
                        one.sendall(bytes(channel.outgoing))
                        channel.outgoing.clear()
                except (OSError, ssl.SSLError):
                    return


# ---------------------------------------------------------------------------------- files


class Authority:
    """A certificate authority of a company, for tests."""

    def __init__(self, folder: Path, name: str = "ca") -> None:
        from cryptography.hazmat.primitives.asymmetric import ec

        self.folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.ca = folder / f"{name}.pem"
        self._issuer = self._name(name)
        self.ca.write_bytes(self._pem(self._certificate(self._issuer, self._key, is_authority=True)))

    def files(self, name: str, host: str = "127.0.0.1", days: int = 1) -> Files:
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import ec

        key = ec.generate_private_key(ec.SECP256R1())
        cert, path = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        cert.write_bytes(self._pem(self._certificate(self._name(name), key, host=host, days=days)))
        path.touch(0o600)
        path.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return Files(cert, path, self.ca)

    @staticmethod
    def _name(text: str) -> Any:
        from cryptography import x509

        return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])

    @staticmethod
    def _pem(certificate: Any) -> bytes:
        from cryptography.hazmat.primitives import serialization

        return bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def _certificate(
        self, subject: Any, key: Any, *, host: str = "", days: int = 1, is_authority: bool = False
    ) -> Any:
        import ipaddress

        from cryptography import x509
        from cryptography.hazmat.primitives import hashes

        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=10))
            .not_valid_after(now + timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        )
        if host:
            names = [x509.IPAddress(ipaddress.ip_address(host))]
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        return builder.sign(self._key, hashes.SHA256())


@pytest.mark.e2e
def test_a_certificate_for_another_host_is_refused(engine: Callable[..., ManagerEngine], tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    address = serve(engine(Tls.from_files(authority.files("elsewhere", host="10.0.0.1"), TlsMode.ALWAYS)))

    with pytest.raises(NodeUnreachable, match=r"not accepted: .*mismatch"):
        engine(Tls.from_files(authority.files("node"), TlsMode.ALWAYS)).request(address, ECHO, 1, timeout=SOON)


@pytest.mark.e2e
def test_an_expired_certificate_is_named(engine: Callable[..., ManagerEngine], tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    address = serve(engine(Tls.from_files(authority.files("old", days=-1), TlsMode.ALWAYS)))

    with pytest.raises(NodeUnreachable, match="not valid now"):
        engine(Tls.from_files(authority.files("node"), TlsMode.ALWAYS)).request(address, ECHO, 1, timeout=SOON)


def test_files_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    good, other = authority.files("good"), authority.files("other")
    empty, open_key = tmp_path / "empty", tmp_path / "open"
    empty.write_text("nothing")
    shutil.copy(good.key, open_key)
    open_key.chmod(0o644)

    for files, said in (
        (good._replace(cert=tmp_path / "none"), "none: no such file"),
        (good._replace(key=tmp_path / "none"), "none: no such file"),
        (good._replace(ca=tmp_path / "none"), "none: no such file"),
        (good._replace(cert=empty), "empty: there is no certificate in PEM form"),
        (good._replace(ca=empty), "OpenSSL says"),
        (good._replace(key=other.key), "it is not the key of"),
        (good._replace(key=open_key), "chmod 600"),
    ):
        with pytest.raises(TlsUnusable, match=said):
            Tls.from_files(files)


# ------------------------------------------------------------------------------- other Pythons


ECHOING = """
import sys
from typing import Any
from eye.clock import SystemClock
from eye.cluster.engines.manager import ManagerEngine
from eye.cluster.interconnect import Method
from eye.cluster.node import Address
from eye.cluster.security import Cookie
from eye.cluster.tls import Tls, TlsMode
class Lab:
    exposed = (Method("lab", "echo", (Any,), Any),)
    def echo(self, value): return [sys.version_info[1], value]
cookie = Cookie(sys.argv[1])
engine = ManagerEngine(cookie, SystemClock(), tls=Tls.from_cookie(cookie, TlsMode(sys.argv[2])))
print(engine.serve(Address("127.0.0.1", 0), [Lab()]), flush=True)
sys.stdin.read()
engine.close()
"""


@pytest.mark.e2e
@pytest.mark.parametrize("mode", [TlsMode.AUTO, TlsMode.ALWAYS])
def test_nodes_of_different_pythons_talk(engine: Callable[..., ManagerEngine], mode: TlsMode) -> None:
    for python in [sys.executable, *os.environ.get("EYE_OTHER_PYTHONS", "").split()]:
        child = subprocess.Popen(
            [python, "-c", ECHOING, SECRET, mode.value],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        )  # fmt: skip
        with child:
            assert child.stdin is not None
            assert child.stdout is not None
            address = child.stdout.readline().strip()
            asker = engine(Tls.from_cookie(COOKIE, mode))

            answer = asker.request(address, ECHO, "hello", timeout=SOON)

            child.stdin.close()
            version = subprocess.check_output([python, "-c", "import sys; print(sys.version_info[1])"])
            assert answer == [int(version), "hello"]
