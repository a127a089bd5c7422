"""Bytes that nobody meant to send: random ones, real ones a little changed, cut short, far too long.

They go to whatever reads bytes, and over real sockets to a node in a process of its own, which must go on
answering and take no more memory, threads and descriptors than before. EYE_FUZZ is the number of inputs of each
test, EYE_SEED makes them others; a failure names the input.
"""

from __future__ import annotations

import contextlib
import os
import random
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import psutil
import pytest

from eye.clock import SystemClock
from eye.cluster import codec, dispatch, frames
from eye.cluster.channel import PREFACE, PlainChannel
from eye.cluster.conversation import Conversation, Stage, TlsWanted
from eye.cluster.engines.manager import ManagerEngine
from eye.cluster.interconnect import Method
from eye.cluster.node import Address, Member, NodeInfo, Status
from eye.cluster.registry import ANNOUNCE, LEAVE, NODES_SINCE, Digest
from eye.cluster.security import MAGIC, ClientHandshake, Cookie, ServerHandshake
from eye.cluster.tls import Tls, TlsMode
from eye.errors import ClusterError, DecodeRefused, FrameTooLarge
from tests.hostile.camp import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

COUNT = int(os.environ.get("EYE_FUZZ", "2000"))
SEED = os.environ.get("EYE_SEED", "fuzz")
SOON = 20.0
SECRET = "a cookie for tests that is long enough"
COOKIE = Cookie(SECRET)
ECHO = Method("lab", "echo", (Any,), Any)
GROWTH = 30 * 1024 * 1024  # bytes

pytestmark = pytest.mark.timeout(60 + COUNT // 50)


# ------------------------------------------------------------------------------- what is sent


ME = NodeInfo("mystic-node-1", "127.0.0.1:4711", "0123456789abcdef", 1795462080.1)
YOU = Member("mystic-node-2", "10.0.0.2:4711", "fedcba9876543210", 1.0, Status.SUSPECT, 2.0, 3.0, "silent")
PLAIN = {
    "a": [1, -1, 2**63, 1.5, None, True, b"bytes", "text" * 20],
    "nested": [[[{"b": {}}]]],
    "many": list(range(40)),
}
REQUESTS = [
    dispatch.ask(ANNOUNCE, (ME, 7)),
    dispatch.ask(LEAVE, ("mystic-node-1", "0123456789abcdef")),
    dispatch.ask(NODES_SINCE, (0,)),
    dispatch.ask(ECHO, (PLAIN,)),
    codec.encode((None, "accept_connection", ("calls",), {})),
]
REPLIES = [
    codec.encode(("#RETURN", Digest(ME, 1.0, 2, (YOU, YOU)))),
    codec.encode(("#RETURN", PLAIN)),
    codec.encode(("#ERROR", ("ValueError", ("no", 1)))),
    codec.encode(("#ERROR", ("eye.errors.DeadlineExceeded", ("somebody", 1.0)))),
    codec.encode(("#RETURN", None)),
]
REAL = REQUESTS + REPLIES
WANTED = [
    Any, Digest, NodeInfo, Member, list[int], dict[str, Any], tuple[str, Any], tuple[str, msgspec.Raw], set[int],
    tuple[str, str, msgspec.Raw, dict[str, msgspec.Raw]], tuple[None, str, tuple[str], dict[str, Any]], Status,
    tuple[str, tuple[Any, ...]], bytes, str, float | None, dict[str, list[Member]],
]  # fmt: skip
TELLING = [  # what says how much is to come, in MessagePack and in our frames
    b"\xdd\xff\xff\xff\xff", b"\xdf\xff\xff\xff\xff", b"\xc6\xff\xff\xff\xff", b"\xdb\xff\xff\xff\xff",
    b"\xdc\xff\xff", b"\xc9\xff\xff\xff\xff\xff", b"\xd6\xff", b"\xc7\x0c\xff", b"\xc1", b"\x91" * 120,
    b"\x81\xa1a" * 120,
    b"\x81\x91", b"\x00\x00\x00\x00", b"\xff\xff\xff\xff", b"\x00\x40\x00\x01",
    b"\x80\x00\x00\x00", b"\xcf" + b"\xff" * 8,
]  # fmt: skip


def changed(chance: random.Random, data: bytes) -> bytes:
    """Change real bytes a little."""
    new = bytearray(data)
    for _ in range(chance.choice((1, 1, 1, 2, 3, 8))):
        at = chance.randrange(len(new) + 1)
        to = min(len(new), at + chance.choice((1, 1, 2, 4, 16, 64)))
        kind = chance.randrange(7)
        if kind == 0 and at < len(new):
            new[at] ^= 1 << chance.randrange(8)
        elif kind == 1:
            del new[at:to]
        elif kind == 2:
            new[at:at] = chance.randbytes(chance.choice((1, 2, 4, 8, 100)))
        elif kind == 3:
            new[at:at] = new[at:to] * chance.choice((1, 2, 50))
        elif kind == 4:
            new[at:to] = chance.choice(TELLING)
        elif kind == 5:
            del new[at:]
        else:
            new[at:to] = chance.choice(REAL)
    return bytes(new)


def any_bytes(chance: random.Random, real: list[bytes] = REAL) -> bytes:
    kind = chance.randrange(8)
    if kind == 0:
        return chance.randbytes(chance.choice((0, 1, 2, 3, 4, 5, 16, 64, 300, 5000)))
    if kind == 1:
        return chance.choice(TELLING) + chance.randbytes(chance.randrange(40))
    if kind == 2:
        return bytes(
            chance.choice(b"\x80\x81\x90\x91\xa1\xc0\xc7\xd9\xdc\xde\x01a") for _ in range(chance.randrange(400))
        )
    return changed(chance, chance.choice(real))


def inputs(what: str, count: int = COUNT) -> Iterator[random.Random]:
    """One source of chance for each input, so that a single one can be made again."""
    for number in range(count):
        yield random.Random(f"{SEED} {what} {number}")


@contextlib.contextmanager
def naming(data: bytes) -> Iterator[None]:
    """Name the input in whatever goes wrong with it."""
    begun = time.thread_time()
    try:
        yield
    except BaseException as error:
        error.add_note(f"the input was {data[:3000]!r}")
        raise
    assert time.thread_time() - begun < 2.0, f"too long over {data[:3000]!r}"


# --------------------------------------------------------------------------- whatever reads bytes


def test_whatever_is_decoded_gives_a_value_or_is_refused() -> None:
    accepted = 0
    for chance in inputs("decode"):
        body, wanted = any_bytes(chance), chance.choice(WANTED)
        with naming(body), contextlib.suppress(DecodeRefused):
            value = codec.decode(body, wanted)
            accepted += 1
            if wanted is Any:
                assert codec.decode(codec.encode(value)) is not NotImplemented
    assert 0 < accepted < COUNT


def test_whatever_is_asked_is_answered_or_refused() -> None:
    table = dispatch.table_of([Lab()])
    for chance in inputs("request"):
        body = any_bytes(chance, REQUESTS)
        with naming(body), contextlib.suppress(DecodeRefused):
            reply = dispatch.reply_to(table, body, lambda _method, _error: None)
            assert codec.decode(reply, tuple[str, msgspec.Raw])[0] in ("#RETURN", "#ERROR")


def test_whatever_is_answered_is_understood_or_is_an_error() -> None:
    for chance in inputs("reply"):
        body, method = any_bytes(chance, REPLIES), chance.choice((ECHO, ANNOUNCE, LEAVE, NODES_SINCE))
        with naming(body):
            answer = dispatch.understand(method, body)
            assert answer.error is None or str(answer.error) is not None


def test_frames_come_out_as_they_went_in_however_the_stream_was_cut() -> None:
    for chance in inputs("frames"):
        bodies = [any_bytes(chance) for _ in range(chance.randrange(4))]
        stream = b"".join(map(frames.frame, bodies))
        whole = chance.random() < 0.5
        if not whole:
            stream = changed(chance, stream)
        reader, found, pieces = frames.FrameReader(), [], stream
        with naming(stream), contextlib.suppress(FrameTooLarge):
            while pieces:
                size = chance.choice((1, 2, 3, 5, 17, 1000))
                reader.feed(pieces[:size])
                pieces = pieces[size:]
                while (body := reader.next()) is not None:
                    found.append(body)
        if whole:
            assert found == bodies
            assert not reader.is_inside
        else:
            assert sum(map(len, found)) <= len(stream)


def test_whatever_a_server_says_ends_a_conversation_in_one_of_our_errors() -> None:
    for chance in inputs("conversation"):
        talk = Conversation("10.0.0.1:4711", COOKIE, chance.randbytes(32))
        stage = chance.choice((Stage.GREETING, Stage.PROOF, Stage.SESSION, Stage.OPEN))
        server = ServerHandshake(COOKIE, chance.randbytes(32))
        if stage is not Stage.GREETING:
            talk.receive(frames.frame(server.greeting))
        if stage in (Stage.SESSION, Stage.OPEN):
            verdict = server.verdict(bytes(talk.outgoing[4:]))
            assert verdict is not None
            talk.receive(frames.frame(verdict))
        if stage is Stage.OPEN:
            talk.receive(frames.frame(codec.encode(("#RETURN", None))))
        assert talk.stage is stage
        data = changed(chance, frames.frame(any_bytes(chance, [server.greeting, *REPLIES])))
        with naming(data), contextlib.suppress(ClusterError, TlsWanted):
            talk.receive(data)
        assert talk.stage is not Stage.OPEN or stage in (Stage.OPEN, Stage.SESSION)


def test_whatever_a_client_says_first_never_proves_anything() -> None:
    for chance in inputs("proof"):
        server = ServerHandshake(COOKIE, chance.randbytes(32))
        answer = ClientHandshake(COOKIE, chance.randbytes(32)).answer(server.greeting)
        data = changed(chance, answer)
        if data == answer:
            continue
        with naming(data), contextlib.suppress(DecodeRefused):
            assert server.verdict(data) is None
        channel = PlainChannel(dials=False)
        preface = changed(chance, PREFACE)
        with naming(preface), contextlib.suppress(DecodeRefused):
            channel.receive(preface)
            assert not channel.is_open or preface.startswith(PREFACE)


# ------------------------------------------------------------------------------------ a live node


class Lab:
    exposed = (ECHO, ANNOUNCE, LEAVE, NODES_SINCE)

    def echo(self, value: Any) -> Any:
        return value

    def announce(self, info: NodeInfo, version: int) -> Digest:
        return Digest(info, 1.0, version, ())

    def leave(self, name: str, boot: str) -> None:
        del name, boot

    def nodes_since(self, version: int) -> Digest:
        return Digest(ME, 1.0, version, (YOU,))


class Target:
    """A node in a process of its own that listens plainly and with TLS, and somebody who looks after it."""

    def __init__(self, log: Path) -> None:
        self._log = log
        with log.open("w") as err:
            self._process = subprocess.Popen(
                [sys.executable, "-W", "error", "-c", "from tests.hostile.test_fuzz import serve; serve()"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=err, text=True,
                cwd=Path(__file__).parents[2],
            )  # fmt: skip
        assert self._process.stdout is not None
        self.plain, self.tls = (Address.parse(self._process.stdout.readline().strip()) for _ in range(2))
        self._askers = {
            str(self.plain): ManagerEngine(COOKIE, SystemClock(), tls=Tls.from_cookie(COOKIE, TlsMode.OFF)),
            str(self.tls): ManagerEngine(COOKIE, SystemClock(), tls=Tls.from_cookie(COOKIE, TlsMode.ALWAYS)),
        }
        self._seen = psutil.Process(self._process.pid)
        self._before: tuple[int, int, int] | None = None

    def answers(self) -> None:
        for address, asker in self._askers.items():
            assert asker.request(address, ECHO, "still there", timeout=SOON) == "still there"

    def _takes(self) -> tuple[int, int, int]:
        return self._seen.memory_info().rss, self._seen.num_threads(), self._seen.num_fds()

    def has_settled(self) -> None:
        """Remember what it takes now, for later."""
        self.answers()
        self._before = self._takes()

    def has_not_grown(self) -> None:
        assert self._before is not None
        rss, threads, descriptors = self._before
        eventually(lambda: self._takes()[1] <= threads + 3, what="the end of the sessions")
        eventually(lambda: self._takes()[2] <= descriptors + 3, what="the closing of the sockets")
        grown = self._takes()[0] - rss
        assert grown < GROWTH, f"{grown / 1e6:.1f} MB more than before"

    def said(self) -> str:
        return self._log.read_text()

    def close(self) -> None:
        for asker in self._askers.values():
            asker.close()
        self._process.communicate("", timeout=SOON)
        assert self._process.returncode == 0


def serve() -> None:
    """Be the node of `Target`, until stdin ends."""
    engines = []
    for mode in (TlsMode.OFF, TlsMode.ALWAYS):
        engine = ManagerEngine(COOKIE, SystemClock(), tls=Tls.from_cookie(COOKIE, mode))
        print(engine.serve(Address("127.0.0.1", 0), [Lab()]), flush=True)  # noqa: T201
        engines.append(engine)
    sys.stdin.read()
    for engine in engines:
        engine.close()


@pytest.fixture
def target(tmp_path: Path) -> Iterator[Target]:
    target = Target(tmp_path / "log")
    yield target
    target.close()


class Caller:
    """One connection of a batch: it says something odd, hangs up its half, and waits for the other half."""

    def __init__(self, target: Target, chance: random.Random) -> None:
        self._chance = chance
        kind = chance.choice((self._noise, self._opening, self._handshake, self._frames, self._hello))
        self._speak: Callable[[], None] = kind
        self.is_tls = kind == self._hello
        address = target.tls if self.is_tls else target.plain
        self.sock = socket.create_connection((address.host, address.port), SOON)

    def speak(self) -> None:
        try:
            self._speak()
            self.sock.shutdown(socket.SHUT_WR)
        except TimeoutError:
            raise
        except OSError:
            pass  # it has hung up already

    def wait(self) -> None:
        """Wait until the node has closed."""
        with self.sock, contextlib.suppress(ConnectionError):
            while self.sock.recv(65536):
                pass

    def _noise(self) -> None:
        self.sock.sendall(any_bytes(self._chance))

    def _opening(self) -> None:
        limits = (0, 63, 64, 65, 255, 256, 257, 1 << 20, frames.AFTER_PROOF, (1 << 32) - 1)
        size = self._chance.choice(limits).to_bytes(4, "big")
        self.sock.sendall(PREFACE + size + self._chance.randbytes(self._chance.choice((0, 1, 63, 64, 65, 300))))

    def _handshake(self) -> None:
        self.sock.sendall(PREFACE)
        self.sock.sendall(changed(self._chance, self._answer()))

    def _frames(self) -> None:
        self.sock.sendall(PREFACE)
        self.sock.sendall(self._answer())
        assert len(self._frame()) == 32
        first = frames.frame(REQUESTS[-1])
        if self._chance.random() < 0.1:
            self.sock.sendall(changed(self._chance, first))
            return
        self.sock.sendall(first)
        assert codec.decode(self._frame()) == ["#RETURN", None]
        for _ in range(self._chance.randrange(1, 4)):
            said = frames.frame(any_bytes(self._chance, REQUESTS))
            self.sock.sendall(said if self._chance.random() < 0.7 else changed(self._chance, said))

    def _hello(self) -> None:
        hello = bytes(_DIALLER.dial("127.0.0.1").outgoing)
        self.sock.sendall(changed(self._chance, hello))

    def _answer(self) -> bytes:
        greeting = self._frame()
        assert greeting.startswith(MAGIC)
        return frames.frame(ClientHandshake(COOKIE, self._chance.randbytes(32)).answer(greeting))

    def _frame(self) -> bytes:
        head = self.sock.recv(4, socket.MSG_WAITALL)
        if len(head) < 4:
            raise ConnectionError
        return self.sock.recv(int.from_bytes(head, "big"), socket.MSG_WAITALL)


_DIALLER = Tls.from_cookie(COOKIE, TlsMode.ALWAYS)
_BATCH = 50  # connections at once; fewer than the 64 beyond which the oldest stranger has to go


@pytest.mark.e2e
def test_a_live_node_outlives_them_all(target: Target) -> None:
    batch: list[Caller] = []
    for number, chance in enumerate(inputs("live", COUNT), start=1):
        batch.append(Caller(target, chance))
        if len(batch) < _BATCH and number < COUNT:
            continue
        for caller in batch:
            caller.speak()
        for caller in batch:
            caller.wait()
        batch.clear()
        target.answers()
        if number == 10 * _BATCH:
            target.has_settled()
        elif number % (20 * _BATCH) == 0 and number > 10 * _BATCH:
            target.has_not_grown()

    if number > 10 * _BATCH:
        target.has_not_grown()
    assert "Traceback" not in target.said()
    assert SECRET not in target.said()


@pytest.mark.e2e
def test_whoever_asks_outlives_whatever_listens_there() -> None:
    """The other way round: it is the server that talks nonsense, at any point of the conversation."""
    chances = iter(inputs("server", max(50, COUNT // 20)))
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    is_over = threading.Event()

    def talk() -> None:
        while not is_over.is_set():
            sock, _ = listener.accept()
            if is_over.is_set():
                sock.close()
                return
            with sock, contextlib.suppress(ConnectionError, StopIteration):
                _misserve(sock, next(chances))

    thread = threading.Thread(target=talk)
    thread.start()
    asker = ManagerEngine(COOKIE, SystemClock())
    address = f"127.0.0.1:{listener.getsockname()[1]}"
    try:
        for _ in range(max(50, COUNT // 20)):
            begun = time.monotonic()
            # What the real cookie's owner says wrongly may be taken for an answer; it is one that we would trust.
            with contextlib.suppress(ClusterError, LookupError, ValueError, TimeoutError):
                asker.request(address, NODES_SINCE, 0, timeout=1.0)
            assert time.monotonic() - begun < 10.0
    finally:
        asker.close()
        is_over.set()
        socket.create_connection(("127.0.0.1", listener.getsockname()[1])).close()
        thread.join(SOON)
        listener.close()


def _misserve(sock: socket.socket, chance: random.Random) -> None:
    sock.settimeout(SOON)

    def say(body: bytes, is_right: bool) -> None:
        sock.sendall(frames.frame(body) if is_right else changed(chance, frames.frame(body)))

    def hear() -> bytes:
        head = sock.recv(4, socket.MSG_WAITALL)
        if len(head) < 4:
            raise ConnectionError
        return sock.recv(int.from_bytes(head, "big"), socket.MSG_WAITALL)

    wrong_at = chance.randrange(4)
    server = ServerHandshake(COOKIE, chance.randbytes(32))
    say(server.greeting, wrong_at != 0)
    if wrong_at == 0 or sock.recv(4, socket.MSG_WAITALL) != PREFACE:
        return
    verdict = server.verdict(hear())
    assert verdict is not None
    say(verdict, wrong_at != 1)
    if wrong_at == 1:
        return
    hear()
    say(REPLIES[-1], wrong_at != 2)
    if wrong_at == 2:
        return
    hear()
    say(any_bytes(chance, REPLIES), is_right=chance.random() < 0.5)
