"""Multicast: nodes on one wire find each other, and nobody else; where there is no wire, they are told so.

Each test has a group and a port of its own, drawn by the system: not by `random`, which pytest-randomly seeds
alike in all that run at once.
"""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import sys
import threading
from collections import deque
from pathlib import Path
from random import SystemRandom
from typing import TYPE_CHECKING, Any

import pytest

from eye.cluster.discovery import multicast
from eye.cluster.discovery.datagrams import FRESH, Hint, Signed
from eye.cluster.discovery.multicast import MulticastDiscovery
from eye.cluster.interfaces import list_interfaces
from eye.cluster.node import NodeInfo
from eye.cluster.security import Cookie
from eye.testing import PATIENCE, until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

COOKIE = Cookie("the cookie of our own cluster, long enough")
FOREIGN = Cookie("the cookie of another cluster, long enough")
A = NodeInfo("a", "127.0.0.1:1", "boot-a", 1.0)
B = NodeInfo("b", "127.0.0.1:2", "boot-b", 2.0)
C = NodeInfo("c", "127.0.0.1:3", "boot-c", 3.0)
ELSEWHERE = NodeInfo("d", "10.99.0.1:4711", "boot-d", 4.0)
pytestmark = pytest.mark.e2e

LOOPBACK = [one for one in list_interfaces() if one[0].startswith("127.")]


def comes_round(index: int) -> bool:
    """Whether a datagram of IPv6 that stays on this machine comes back by that interface."""
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
            sock.setblocking(False)  # it is there at once, or never
            sock.bind(("::", 0))
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 0)
            wish = socket.inet_pton(socket.AF_INET6, "ff02::4d46") + index.to_bytes(4, sys.byteorder)
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, wish)
            sock.sendto(b"!", ("ff02::4d46", sock.getsockname()[1], 0, index))
            return sock.recv(1) == b"!"
    except OSError:
        return False


ROUND6 = [one for one in list_interfaces() if one[0] == "::" and comes_round(one[1])][:1]
FAMILIES = [
    pytest.param("239.255.{}.{}", LOOPBACK, id="ipv4"),
    pytest.param(
        "ff02::{:x}:{:x}",
        ROUND6,
        id="ipv6",
        marks=pytest.mark.skipif(not ROUND6, reason="no interface here has multicast of IPv6"),
    ),
]


class Time:
    """UTC as the test has it."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


class Listener:
    """A strategy of multicast on the test's wire, and what it heard of."""

    def __init__(self, group: str, port: int, interfaces: list[tuple[str, int]], **more: Any) -> None:
        self.interfaces = interfaces
        self.cookie = more.pop("cookie", COOKIE)
        self.strategy = MulticastDiscovery(
            self.cookie, group, str(port), interfaces=lambda: self.interfaces, **more
        )
        self.rung: deque[None] = deque()
        self.strategy.start(lambda: self.rung.append(None))

    def joins(self, info: NodeInfo | None = None) -> Listener:
        if info is not None:
            self.strategy.announce(info)
        self.strategy.find()
        return self

    def hears(self, count: int = 1) -> None:
        """Wait until it was told `count` times in all that somebody is new."""
        until(lambda: len(self.rung) >= count)


class Wire:
    """A group and a port that nobody else has, and those who meet there."""

    def __init__(self, group: str, interfaces: list[tuple[str, int]]) -> None:
        draw = SystemRandom()
        self.template = group
        self.group = group.format(draw.randrange(1, 255), draw.randrange(1, 255))
        self.port = draw.randrange(20000, 32000)  # below those that the system gives away
        self.interfaces = interfaces
        self.listeners: list[Listener] = []

    def listener(self, *, group: str | None = None, **more: Any) -> Listener:
        interfaces = more.pop("interfaces", self.interfaces)
        self.listeners.append(Listener(group or self.group, self.port, interfaces, **more))
        return self.listeners[-1]

    def throw(self, *datagrams: bytes) -> None:
        """Send datagrams as a stranger would."""
        address, index = self.interfaces[0]
        family = socket.AF_INET6 if ":" in self.group else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            if family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, index)
            else:
                sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(address))
            for datagram in datagrams:
                sock.sendto(datagram, (self.group, self.port))


@pytest.fixture
def make_wire() -> Iterator[Callable[..., Wire]]:
    before = set(threading.enumerate())
    wires: list[Wire] = []

    def make(group: str = "239.255.{}.{}", interfaces: list[tuple[str, int]] = LOOPBACK) -> Wire:
        if not interfaces:
            pytest.skip("no loopback interface")
        wires.append(Wire(group, interfaces))
        return wires[-1]

    yield make
    for wire in wires:
        for listener in wire.listeners:
            listener.strategy.withdraw()
    assert set(threading.enumerate()) <= before


@pytest.fixture
def wire4(make_wire: Callable[..., Wire]) -> Wire:
    return make_wire()


# ------------------------------------------------------------------------------ who finds whom


@pytest.mark.parametrize(("group", "interfaces"), FAMILIES)
def test_two_of_one_machine_share_the_port_and_find_each_other(
    make_wire: Callable[..., Wire], group: str, interfaces: list[tuple[str, int]]
) -> None:
    wire = make_wire(group, interfaces)
    a = wire.listener().joins(A)
    b = wire.listener().joins(B)

    a.hears()
    b.hears()  # it asked who is there, and need not wait for the next look of the other

    assert a.strategy.find() == {B.address}
    assert b.strategy.find() == {A.address}


def test_without_a_group_both_families_are_used(make_wire: Callable[..., Wire]) -> None:
    wire = make_wire()
    pair = [
        MulticastDiscovery(COOKIE, port=str(wire.port), interfaces=lambda: LOOPBACK + ROUND6) for _ in range(2)
    ]
    heard = threading.Event()
    pair[0].start(heard.set)
    pair[0].find()
    pair[1].announce(B)
    pair[1].find()

    assert heard.wait(PATIENCE)
    assert pair[0].find() == {B.address}
    for one in pair:
        one.withdraw()


def test_one_who_only_looks_is_answered_and_not_found(wire4: Wire) -> None:
    a = wire4.listener().joins(A)
    observer = wire4.listener().joins()

    observer.hears()
    assert observer.strategy.find() == {A.address}

    wire4.listener().joins(B)
    a.hears()
    assert a.strategy.find() == {B.address}


def test_a_foreign_cookie_is_not_found_and_not_answered(wire4: Wire) -> None:
    a = wire4.listener().joins(A)
    foreign = wire4.listener(cookie=FOREIGN).joins(C)
    b = wire4.listener().joins(B)

    b.hears()  # datagrams come in the order in which they were sent: the foreign ones were before
    a.hears()

    assert a.strategy.find() == {B.address}
    assert b.strategy.find() == {A.address}
    assert foreign.strategy.find() == frozenset()
    assert not foreign.rung


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a socket hears the groups it has joined, no others")
@pytest.mark.parametrize(("group", "interfaces"), FAMILIES)
def test_another_group_at_the_same_port_is_another_place(
    make_wire: Callable[..., Wire], group: str, interfaces: list[tuple[str, int]]
) -> None:
    wire = make_wire(group, interfaces)
    a = wire.listener().joins(A)
    other = wire.listener(group=group.format(255, 255)).joins(C)
    b = wire.listener().joins(B)

    a.hears()
    b.hears()

    assert a.strategy.find() == {B.address}
    assert other.strategy.find() == frozenset()


def test_who_says_goodbye_is_given_no_longer(wire4: Wire) -> None:
    a, b = wire4.listener().joins(A), wire4.listener().joins(B)
    a.hears()

    b.strategy.withdraw()

    until(lambda: a.strategy.find() == frozenset())


def test_who_falls_silent_is_given_for_a_minute_and_a_half(wire4: Wire) -> None:
    time = Time()
    a, b = wire4.listener(now=time).joins(A), wire4.listener(now=time).joins(B)
    a.hears()
    del b

    time.now += 3 * FRESH - 1
    assert a.strategy.find() == {B.address}
    time.now += 2
    assert a.strategy.find() == frozenset()


def test_a_node_that_moved_is_found_where_it_is_now(wire4: Wire) -> None:
    a, b = wire4.listener().joins(A), wire4.listener().joins(B)
    a.hears()

    b.strategy.announce(NodeInfo("b", "127.0.0.1:22", "boot-b", 2.0))
    b.strategy.find()

    a.hears(2)
    assert "127.0.0.1:22" in a.strategy.find()


def test_a_clock_that_was_set_back_silences_nobody(wire4: Wire) -> None:
    time = Time()
    a = wire4.listener(now=time).joins(A)
    wire4.listener(now=time).joins(B).hears()

    time.now -= 3600

    wire4.listener(now=time).joins(C).hears()
    a.hears(2)


# ------------------------------------------------------------------- what a datagram can cause


def test_garbage_ends_nothing_and_is_nobody(wire4: Wire) -> None:
    a = wire4.listener().joins(A)

    wire4.throw(b"", b"EYED", b"EYED" + b"\0" * 16, os.urandom(1200), os.urandom(9000), b"\xff" * 65000)
    wire4.listener().joins(B)

    a.hears()
    assert a.strategy.find() == {B.address}


def test_a_replay_brings_nobody_back(wire4: Wire) -> None:
    a = wire4.listener().joins(A)
    ours = Signed(COOKIE)
    at = a.strategy._now()
    here = ours.write(Hint("here", C.address, C.boot, at))

    wire4.throw(here, ours.write(Hint("gone", C.address, C.boot, at + 0.1)), here)
    wire4.throw(ours.write(Hint("here", B.address, B.boot, at)))

    a.hears(2)
    assert a.strategy.find() == {B.address}


def test_what_we_do_not_know_makes_nobody_known(wire4: Wire) -> None:
    """A newer node may say what we have not heard of yet."""
    a = wire4.listener().joins(A)
    ours = Signed(COOKIE)

    for kind in ("ask", "gone", "", "sings"):
        wire4.throw(ours.write(Hint(kind, C.address, C.boot, a.strategy._now())))
    wire4.throw(ours.write(Hint("here", B.address, B.boot, a.strategy._now())))

    a.hears()
    assert a.strategy.find() == {B.address}
    assert len(a.rung) == 1


def test_our_own_words_are_not_heard_as_those_of_another(wire4: Wire) -> None:
    a = wire4.listener().joins(A)
    a.strategy.find()
    ours = Signed(COOKIE)

    wire4.throw(ours.write(Hint("here", "127.0.0.1:77", A.boot, a.strategy._now())))
    wire4.listener().joins(B)

    a.hears()
    assert a.strategy.find() == {B.address}


def test_more_than_it_remembers_are_neither_kept_nor_new(wire4: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    """Were they new each time, each would have us look, and each look would be heard by all of them."""
    monkeypatch.setattr(multicast, "_MOST", 3)
    a = wire4.listener().joins(A)
    ours, at = Signed(COOKIE), a.strategy._now()

    for round_ in range(3):
        for number in range(6):
            wire4.throw(ours.write(Hint("here", f"10.0.0.{number}:1", f"boot-{number}", at + round_)))
    wire4.throw(ours.write(Hint("gone", "10.0.0.0:1", "boot-0", at + 4)))
    wire4.throw(ours.write(Hint("here", "10.0.0.9:1", "boot-9", at + 5)))

    a.hears(4)
    assert a.strategy.find() == {"10.0.0.1:1", "10.0.0.2:1", "10.0.0.9:1"}
    assert len(a.rung) == 4


def test_many_who_ask_get_one_answer_a_second(wire4: Wire) -> None:
    time = Time()
    wire4.listener(now=time).joins(A)
    ears = wire4.listener(now=time).joins(B)
    ears.hears()
    ours, said = Signed(COOKIE), []
    read = ears.strategy._signed.read

    def reading(datagram: bytes, now: float) -> Hint | None:
        hint = read(datagram, now)
        said.append(hint)
        return hint

    ears.strategy._signed.read = reading  # type: ignore[method-assign]

    time.now += 2
    for number in range(20):
        wire4.throw(ours.write(Hint("ask", "127.0.0.1:1", f"asks-{number}", time.now)))
    wire4.listener(now=time).joins(C)
    ears.hears(2)

    until(lambda: any(hint is not None and hint.boot == A.boot for hint in said))
    assert sum(hint is not None and hint.boot == A.boot for hint in said) == 1


# ------------------------------------------------------------------------------ how it ends


def is_bound(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.bind(("", port))  # without a word of sharing it
        except OSError:
            return True
    return False


def test_to_withdraw_ends_the_thread_and_closes_the_sockets(wire4: Wire) -> None:
    before = threading.active_count()
    a = wire4.listener().joins(A)
    assert threading.active_count() == before + 1
    assert is_bound(wire4.port)

    a.strategy.withdraw()
    a.strategy.withdraw()

    assert threading.active_count() == before
    assert not is_bound(wire4.port)
    assert a.strategy.find() == frozenset()
    assert threading.active_count() == before
    assert not is_bound(wire4.port)


def test_one_that_never_looked_has_nothing_to_close(wire4: Wire) -> None:
    wire4.listener().strategy.withdraw()

    assert not is_bound(wire4.port)


def test_whoever_looks_while_it_withdraws_leaves_nothing_open(make_wire: Callable[..., Wire]) -> None:
    """The node that stops withdraws, on another thread than the one that looks."""
    for _ in range(20):
        wire = make_wire()
        a = wire.listener().joins(A)
        raised: list[BaseException] = []
        looked = threading.Event()

        def look(a: Listener = a, raised: list[BaseException] = raised, looked: threading.Event = looked) -> None:
            try:
                while not a.strategy._stops:
                    a.strategy.find()
                    looked.set()
                a.strategy.find()
            except BaseException as error:
                raised.append(error)

        thread = threading.Thread(target=look)
        thread.start()
        assert looked.wait(PATIENCE)
        a.strategy.withdraw()
        thread.join(PATIENCE)

        assert not thread.is_alive()
        assert raised == []
        assert not is_bound(wire.port)


# ---------------------------------------------------------------------------- without a network


@pytest.mark.parametrize(
    ("interfaces", "says"),
    [
        ([], r"no network interface of this machine takes part\. "),
        ([("203.0.113.7", 4242)], r"takes part \(239\.\S+ cannot be joined on 203\.0\.113\.7: .+\)"),
    ],
)
def test_without_a_network_it_says_so_and_what_to_do_and_tries_again(
    wire4: Wire, interfaces: list[tuple[str, int]], says: str
) -> None:
    a = wire4.listener(interfaces=interfaces)
    a.strategy.announce(A)

    for _ in range(2):
        with pytest.raises(
            OSError, match=says + r".*use --connect HOST:PORT or --discover dns:NAME:PORT$"
        ) as first:
            a.strategy.find()
    assert str(first.value).count("cannot be joined") <= 1

    a.interfaces = LOOPBACK
    a.joins()
    wire4.listener().joins(B)
    a.hears()
    assert a.strategy.find() == {B.address}


def test_a_port_that_somebody_does_not_share_is_said(wire4: Wire) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("", wire4.port))

        with pytest.raises(OSError, match=r"takes part .no 239.*[Aa]ddress already in use"):
            wire4.listener().strategy.find()

    wire4.listener().joins(A)


def test_a_trouble_is_logged_once(wire4: Wire, caplog: pytest.LogCaptureFixture) -> None:
    a = wire4.listener(interfaces=[*LOOPBACK, ("203.0.113.7", 4242)])

    with caplog.at_level(logging.INFO, "eye.cluster"):
        for _ in range(3):
            a.strategy.find()

    assert len([line for line in caplog.messages if "203.0.113.7" in line]) == 1


def test_an_address_for_this_machine_alone_is_warned_of(wire4: Wire, caplog: pytest.LogCaptureFixture) -> None:
    strategy = wire4.listener().strategy

    strategy.announce(A)
    strategy.announce(NodeInfo("a", "unix:/run/eye.sock", "boot-a", 1.0))
    strategy.announce(ELSEWHERE)

    assert [line.split(",")[0].rpartition(" ")[2] for line in caplog.messages] == [A.address, "unix:/run/eye.sock"]
    assert "--listen 0.0.0.0:PORT" in caplog.text


# ------------------------------------------------------------------------- two machines, one wire


NODE = """
import sys, threading
from eye.cluster.discovery.multicast import MulticastDiscovery
from eye.cluster.node import NodeInfo
from eye.cluster.security import Cookie

group, *addresses = sys.argv[1:]
made, heard = [], []
for address in addresses:
    made.append(MulticastDiscovery(Cookie("the cookie of our own cluster, long enough"), group))
    heard.append(threading.Event())
def begin(one, event, address):
    one.start(lambda: one.find() - set(addresses) and event.set())  # who is in this process does not count
    one.announce(NodeInfo("node", address, f"boot-{address}", 1.0))
    one.find()
for one, event, address in zip(made, heard, addresses):
    begin(one, event, address)
print("joined", flush=True)
if not all(event.wait(10) for event in heard):
    sys.exit("nobody was heard of")
print("heard", flush=True)  # and answered: that comes first
sys.stdin.read()
print(*sorted(made[-1].find() - set(addresses)), flush=True)
for one in made:
    one.withdraw()
"""


def ip(*arguments: str) -> None:
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False, timeout=20)
    assert done.returncode == 0, f"ip {' '.join(arguments)}: {done.stderr.strip()}"


HAS_IPV6 = Path("/proc/net/if_inet6").exists()


def routes(namespace: str) -> str:
    shown = ["ip", "-n", namespace, "-6", "route", "show", "table", "local", "dev", "wire"]
    return subprocess.run(shown, capture_output=True, text=True, check=True, timeout=20).stdout


@pytest.fixture
def machines() -> Iterator[list[str]]:
    """Two namespaces with a wire between them: 10.99.0.1 and fe80::1, 10.99.0.2 and fe80::2."""
    if os.geteuid() != 0:
        pytest.skip("namespaces are root's")
    names = [f"eyemc{os.getpid()}{side}" for side in "ab"]
    try:
        try:
            for name in names:
                ip("netns", "add", name)
                ip("-n", name, "link", "set", "lo", "up")
            a, b = names
            ip("-n", a, "link", "add", "wire", "type", "veth", "peer", "name", "wire", "netns", b)
        except (AssertionError, OSError) as error:
            pytest.skip(f"no namespaces here: {error}")
        for number, name in enumerate(names, 1):
            ip("-n", name, "link", "set", "dev", "wire", "addrgenmode", "none")
            ip("-n", name, "address", "add", f"10.99.0.{number}/24", "dev", "wire")
            if HAS_IPV6:
                ip("-n", name, "address", "add", f"fe80::{number}/64", "dev", "wire", "nodad")
            ip("-n", name, "link", "set", "wire", "up")
        for name in names:  # IPv6 begins a moment after the wire has
            until(lambda name=name: not HAS_IPV6 or "ff00::/8" in routes(name))
        yield names
    finally:
        for name in names:
            subprocess.run(["ip", "netns", "delete", name], capture_output=True, check=False)


def run_in(namespace: str, code: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        ["ip", "netns", "exec", namespace, sys.executable, "-c", code, *arguments],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        cwd=Path(__file__).parents[3],
    )  # fmt: skip


@pytest.mark.parametrize("group", ["239.255.77.69", "ff02::4d45"])
def test_two_machines_on_one_wire_find_each_other(machines: list[str], group: str) -> None:
    if ":" in group and not HAS_IPV6:
        pytest.skip("no IPv6 in this kernel")
    talk_over_the_wire(machines, group)


def talk_over_the_wire(machines: list[str], group: str) -> None:
    """On the first there is another node, for that machine alone: the second is not told of it."""
    with run_in(machines[0], NODE, group, "127.0.0.1:1", "10.99.0.1:2") as a:
        assert a.stdout is not None
        assert a.stdout.readline() == "joined\n"
        with run_in(machines[1], NODE, group, "10.99.0.2:3") as b:
            assert b.stdout is not None
            assert b.stdout.readline() == "joined\n"
            assert a.stdout.readline() == b.stdout.readline() == "heard\n"
            assert b.communicate(timeout=PATIENCE) == ("10.99.0.1:2\n", "")
        found, warned = a.communicate(timeout=PATIENCE)
        assert found in ("10.99.0.2:3\n", "\n")  # it has said goodbye, which may be heard by now
        assert ["127.0.0.1:1" in line for line in warned.splitlines()] == [True]
    assert (a.returncode, b.returncode) == (0, 0)


ALONE = """
from eye.cluster.discovery.multicast import MulticastDiscovery
from eye.cluster.security import Cookie

one = MulticastDiscovery(Cookie("the cookie of our own cluster, long enough"))
try:
    print(one.find())
except OSError as error:
    print(error)
one.withdraw()
"""


def test_a_machine_without_any_network_is_told_what_to_do(machines: list[str]) -> None:
    for name, link in ((machines[0], "lo"), (machines[0], "wire")):
        ip("-n", name, "link", "set", link, "down")

    with run_in(machines[0], ALONE) as alone:
        said, failed = alone.communicate(timeout=20)

    assert said.startswith("no network interface of this machine takes part (")
    assert "--connect HOST:PORT" in said
    assert failed == ""
