"""A real node under attack: whoever has no cookie costs it nothing, and those who have it are served meanwhile.

In each attack `fetch` goes on working, memory stays where it was, and the log says why somebody was refused: once
a minute at most for each address and cause, with the remedy, and never with the cookie.
"""

from __future__ import annotations

import contextlib
import json
import multiprocessing.managers
import os
import pickle
import random
import re
import resource
import socket
import struct
import threading
import time
from collections import Counter
from multiprocessing.reduction import ForkingPickler
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from eye.clock import SystemClock
from eye.cluster import codec, frames
from eye.cluster.channel import PREFACE
from eye.cluster.engines.listener import dial
from eye.cluster.node import Address
from eye.cluster.registry import NODES
from eye.cluster.security import Cookie
from eye.errors import ClusterError
from tests.hostile.camp import Camp, Running, eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from eye.cluster.engines.wire import Wire

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

GROWTH = 30 * 1024 * 1024  # bytes that the node's memory may grow
SOON = 20.0
OTHER = Cookie("another cookie that is long enough too")
CLOSED = re.compile(r"closed a connection from (\S+): (.*)")


class Fortress:
    """One node, and whoever attacks it."""

    def __init__(self, camp: Camp, start: Callable[..., Running], *options: str) -> None:
        self.camp, self._options = camp, options
        self.node = start("start", "--name", "fortress", "--listen", "127.0.0.1:0", *options)
        self.address = Address.parse(self.node.address())
        self._stack = contextlib.ExitStack()
        assert self.fetches()  # what it needs to answer is loaded now
        self._rss, self._threads = self.node.rss(), self.node.threads()
        self._descriptors = self.node.descriptors()

    @contextlib.contextmanager
    def serving(self) -> Iterator[None]:
        """Assert that it serves whoever has the cookie all the time that this lasts."""
        is_over = threading.Event()
        wrong: list[BaseException] = []

        def fetch() -> None:
            try:
                while not is_over.is_set():
                    assert self.fetches()
            except BaseException as error:
                wrong.append(error)

        thread = threading.Thread(target=fetch)
        thread.start()
        try:
            yield
        finally:
            is_over.set()
            thread.join(2 * SOON)
        assert not thread.is_alive()
        assert wrong == []

    def fetches(self) -> bool:
        """Whether somebody who has the cookie is served."""
        ran = self.camp.run(
            "fetch", "--connect", str(self.address), "--cookie-file", str(self.camp.cookie_file),
            "--format", "json", *self._options,
        )  # fmt: skip
        assert ran.code == 0, ran
        assert ran.err == "", ran
        (entry,) = json.loads(ran.out)["nodes"]
        return bool(entry["node"] == "fortress" and entry["status"] == "up")

    def knock(self, preface: bytes = PREFACE) -> socket.socket:
        sock = self._stack.enter_context(socket.create_connection((self.address.host, self.address.port), SOON))
        sock.settimeout(SOON)
        sock.sendall(preface)
        return sock

    def enter(self) -> Wire:
        """Go in with the right cookie."""
        wire = dial(self.address, self.camp.cookie.authkey, SystemClock())
        self._stack.callback(wire.close)
        return wire

    @property
    def secrets(self) -> list[str]:
        text = self.camp.cookie_file.read_text().strip()
        return [text, self.camp.cookie.authkey.hex(), repr(self.camp.cookie.authkey)[2:-1]]

    def let_go(self) -> None:
        self._stack.close()

    def holds(self) -> None:
        """Assert that it works, has not grown, has let go of everybody, and said what it should."""
        assert self.fetches()
        grown = self.node.rss() - self._rss
        assert grown < GROWTH, f"{grown / 1e6:.1f} MB more than before"
        self.let_go()
        eventually(lambda: self.node.threads() <= self._threads + 2, what="the end of the sessions")
        eventually(lambda: self.node.descriptors() <= self._descriptors + 2, what="the closing of the sockets")
        said = "".join(self.node.err)
        assert not any(secret in said for secret in self.secrets)
        assert "Traceback" not in said, said
        refused = Counter((peer, cause.partition(": ")[0]) for peer, cause in CLOSED.findall(said))
        assert all(times == 1 for times in refused.values()), refused

    def says(self, cause: str) -> None:
        """Wait until it has said that it closed a connection for that cause; it closes first."""
        eventually(lambda: any(one.startswith(cause) for one in self.refusals()), what=f"«{cause}»")

    def refusals(self) -> list[str]:
        """Why somebody was not let in."""
        return [cause for _, cause in CLOSED.findall("".join(self.node.err))]


@pytest.fixture
def fortress(request: pytest.FixtureRequest, camp: Camp, start: Callable[..., Running]) -> Iterator[Fortress]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
    fortress = Fortress(camp, start, *getattr(request, "param", ()))
    yield fortress
    fortress.let_go()
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def read_frame(sock: socket.socket) -> bytes:
    (size,) = struct.unpack("!I", sock.recv(4, socket.MSG_WAITALL))
    return sock.recv(size, socket.MSG_WAITALL)


def is_hung_up(sock: socket.socket) -> bool:
    """Wait until the other side has closed; whatever it says before goes by."""
    try:
        while sock.recv(65536):
            pass
    except ConnectionError:
        pass
    return True


both_channels = pytest.mark.parametrize("fortress", [(), ("--tls", "always")], ids=["plain", "tls"], indirect=True)


# ------------------------------------------------------------------------------------- strangers


def test_500_silent_connections_keep_nobody_out(fortress: Fortress) -> None:
    with fortress.serving():
        socks = [fortress.knock(b"") for _ in range(500)]
        assert all(is_hung_up(sock) for sock in socks)

    fortress.holds()
    fortress.says("it said nothing within 5 s")
    assert len(fortress.refusals()) == 1


@both_channels
def test_garbage_gets_no_answer_but_the_greeting(fortress: Fortress) -> None:
    chance = random.Random("garbage")
    with fortress.serving():
        for number in range(500):
            sock = fortress.knock((b"", PREFACE, b"\x16\x03\x01")[number % 3])
            with contextlib.suppress(OSError):
                sock.sendall(chance.randbytes(chance.randrange(1, 5000)))
                sock.shutdown(socket.SHUT_WR)
            assert is_hung_up(sock)
            sock.close()

    fortress.holds()
    assert set(fortress.refusals()) <= {
        "it does not speak as a node does",
        "it does not speak TLS as a node does",
        "it speaks without TLS, which is wanted beyond loopback; is it of an older version?",
        "connection reset by peer",
    }


@both_channels
def test_a_flood_of_bytes_before_the_proof_is_not_kept(fortress: Fortress) -> None:
    with fortress.serving():
        for begins in (
            PREFACE + struct.pack("!I", 200),
            PREFACE + struct.pack("!I", 1 << 31),
            b"\x16\x03\x01\x40\x00",
            b"\x16\x03\x01\x00\x04\x01\xff\xff\xff",  # a ClientHello of 16 MiB
        ):
            sock = fortress.knock(begins)
            with contextlib.suppress(OSError):
                for _ in range(200):
                    sock.sendall(b"x" * 1_000_000)
            assert is_hung_up(sock)

    fortress.holds()


def test_oversized_frames_are_refused_by_their_length(fortress: Fortress) -> None:
    with fortress.serving():
        for size in (257, 1 << 20, (1 << 32) - 1) * 20:
            sock = fortress.knock()
            read_frame(sock)
            sock.sendall(struct.pack("!I", size))
            assert is_hung_up(sock)
        for size in (frames.AFTER_PROOF + 1, (1 << 32) - 1) * 20:
            peer = fortress.enter()
            peer._socket.sendall(struct.pack("!I", size))
            assert is_hung_up(peer._socket)

    fortress.holds()
    fortress.says("it does not speak as a node does")
    fortress.says("what it sent is not what a node sends")


def test_a_peer_with_the_cookie_cannot_fill_the_log_or_the_memory_by_varying_its_nonsense(
    fortress: Fortress,
) -> None:
    with fortress.serving():
        peer = fortress.enter()
        peer.send(("registry\x1b[31m\nnode" + "x" * 2_000_000, "nodes", (), {"a": 1}))
        assert is_hung_up(peer._socket)
        for number in range(100):
            peer = fortress.enter()
            peer._socket.sendall(frames.frame(codec.encode({f"{number}": number})[: 1 + number % 3]))
            assert is_hung_up(peer._socket)
        for number in range(20):
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(
                    codec, "encode", lambda *_, number=number: _asking_for(f"{number}" + "x" * 2_000_000)
                )
                with contextlib.suppress(ClusterError, EOFError, OSError):
                    fortress.enter()

    fortress.holds()
    assert len("".join(fortress.node.err)) < 5_000
    assert "\x1b" not in "".join(fortress.node.err)
    nonsense = [cause for cause in fortress.refusals() if "is not what a node sends" in cause]
    assert len(nonsense) == 1, nonsense
    assert len(nonsense[0]) < 400


def _asking_for(name: str) -> bytes:
    return msgspec.msgpack.encode((None, name, ("calls",), {}))


def test_a_handshake_that_was_overheard_opens_nothing(fortress: Fortress, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[bytes] = []
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as between:

        def overhear() -> None:
            front, _ = between.accept()
            back = socket.create_connection((fortress.address.host, fortress.address.port), SOON)
            with front, back:
                front.settimeout(0.02)
                back.settimeout(0.02)
                until = time.monotonic() + SOON
                while time.monotonic() < until:
                    for source, sink, kept in ((front, back, said), (back, front, heard)):
                        try:
                            data = source.recv(65536)
                        except TimeoutError:
                            continue
                        if not data:
                            return
                        kept.append(data)
                        sink.sendall(data)

        thread = threading.Thread(target=overhear)
        thread.start()
        asker = fortress.camp.asker()
        asker.request(f"127.0.0.1:{between.getsockname()[1]}", NODES, timeout=SOON)
        asker.close()
        thread.join()
    spoken = b"".join(said)
    assert spoken.startswith(PREFACE)

    with fortress.serving():
        for replayed in (spoken, spoken[: 4 + 4 + 64], spoken + spoken) * 20:
            sock = fortress.knock(b"")
            answer = b""
            with contextlib.suppress(ConnectionError):
                sock.sendall(replayed)
                while part := sock.recv(65536):
                    answer += part
            assert len(answer) in (0, 4 + 4 + 32)  # the greeting, or not even that
            sock.close()

    fortress.holds()
    fortress.says("its cookie differs from ours; give both nodes the same --cookie-file")


def test_a_peer_with_another_cookie_is_told_in_the_log_what_to_do_and_once(fortress: Fortress) -> None:
    other = fortress.camp.home / "other"
    other.write_text("another cookie that is long enough too\n")
    other.chmod(0o600)

    for _ in range(5):
        ran = fortress.camp.run("fetch", "--connect", str(fortress.address), "--cookie-file", str(other))
        assert ran.code != 0
        assert "--cookie-file" in ran.err
        assert "Traceback" not in ran.err
        assert not any(secret in ran.out + ran.err for secret in fortress.secrets)

    fortress.holds()
    fortress.says("its cookie differs from ours; give both nodes the same --cookie-file")
    assert len(fortress.refusals()) == 1


# ---------------------------------------------------------------------------------- with the cookie


def test_a_peer_that_stops_reading_costs_one_reply(fortress: Fortress) -> None:
    deaf = [fortress.enter() for _ in range(5)]
    one = frames.frame(codec.encode(("registry", "nodes", (), {})))

    def ask(wire: Wire) -> None:
        with contextlib.suppress(OSError):
            wire._socket.settimeout(1.0)
            for _ in range(200):
                wire._socket.sendall(one * 2000)

    threads = [threading.Thread(target=ask, args=(wire,)) for wire in deaf]
    with fortress.serving():
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    fortress.holds()


# ---------------------------------------------------------------------------- stock multiprocessing


class Stock(multiprocessing.managers.BaseManager):
    """What Python brings."""


Stock.register("agent")


class Bomb:
    """Unpickled, it leaves a mark."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.mark),)


GETS_NOWHERE = (multiprocessing.AuthenticationError, AssertionError, OSError, EOFError)


def test_a_stock_manager_makes_the_node_unpickle_nothing(fortress: Fortress, tmp_path: Path) -> None:
    mark = tmp_path / "marked"
    bomb = pickle.dumps(Bomb(mark))
    pickle.loads(pickle.dumps(Bomb(tmp_path / "that-it-works")))
    assert (tmp_path / "that-it-works").exists()
    keys = [fortress.camp.cookie.authkey, fortress.camp.cookie_file.read_bytes().strip(), OTHER.authkey, b""]
    failed: list[BaseException] = []

    def connect(key: bytes) -> None:
        try:
            Stock((fortress.address.host, fortress.address.port), authkey=key).connect()
        except GETS_NOWHERE as error:
            failed.append(error)

    threads = [threading.Thread(target=connect, args=(key,), daemon=True) for key in keys]
    with fortress.serving():
        for thread in threads:
            thread.start()
        for begins in (b"", PREFACE, b"\x80\x04"):
            sock = fortress.knock(begins)
            with contextlib.suppress(OSError):
                sock.sendall(frames.frame(bomb))
            assert is_hung_up(sock)
        for thread in threads:
            thread.join(SOON)

    assert not any(thread.is_alive() for thread in threads)
    assert len(failed) == len(keys)
    assert not mark.exists()
    fortress.holds()


def test_a_pickle_from_a_peer_with_the_cookie_is_not_unpickled_either(fortress: Fortress, tmp_path: Path) -> None:
    mark = tmp_path / "marked"
    request = ("registry", "nodes", (Bomb(mark),), {})
    bombs = [pickle.dumps(Bomb(mark), protocol) for protocol in range(pickle.HIGHEST_PROTOCOL + 1)]
    bombs += [pickle.dumps(request), bytes(ForkingPickler.dumps(request))]

    with fortress.serving():
        for bomb in bombs:
            raw, within = fortress.enter(), fortress.enter()
            raw._socket.sendall(frames.frame(bomb))
            within.send(("registry", "announce", (bomb, bomb), {}))
            kind, _ = within.recv()
            assert kind == "#ERROR"
            assert is_hung_up(raw._socket)

    assert not mark.exists()
    assert fortress.node.process.poll() is None
    fortress.holds()
