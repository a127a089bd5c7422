"""Names that stand for many nodes, asked of a small name server of our own: what it says, what it no longer says,
and what we say when it says nothing."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.resolver
import dns.rrset
import pytest

from eye.cluster.discovery.dns import DnsDiscovery, SrvDiscovery
from eye.cluster.node import Address, NodeInfo
from eye.errors import ConfigError
from eye.testing import PATIENCE, until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SRV = "_eye._tcp.example.org"
NAME = "eye.example.org"
SILENT = object()
"""What a name server says that says nothing."""


class NameServer:
    """Answers over UDP what the test has entered: records by name and type, a code of failure, or `SILENT`."""

    asking: dns.resolver.Resolver
    """The one that discovery asks by, where it is `getaddrinfo` that asks."""

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        self.entries: dict[tuple[str, str], Any] = {}
        self.ttl = 3600
        self.asked: list[tuple[str, str]] = []
        self._sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._sock.bind((host, port))
        self.port = self._sock.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, name="name server", daemon=True)
        self._thread.start()

    def enter(self, name: str, kind: str, *records: str) -> None:
        self.entries[name, kind] = records

    def fail(self, name: str, kind: str, how: Any) -> None:
        self.entries[name, kind] = how

    def _serve(self) -> None:
        while (came := self._sock.recvfrom(4096))[0]:
            wire, who = came
            if (answer := self._answer(dns.message.from_wire(wire))) is not None:
                self._sock.sendto(answer.to_wire(), who)

    def _answer(self, query: dns.message.Message) -> dns.message.Message | None:
        (question,) = query.question
        name, kind = str(question.name).rstrip("."), dns.rdatatype.to_text(question.rdtype)
        self.asked.append((name, kind))
        entry = self.entries.get((name, kind))
        if entry is SILENT:
            return None
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.RA
        if isinstance(entry, tuple) and entry:
            answer.answer.append(dns.rrset.from_text(question.name, self.ttl, "IN", kind, *entry))
        elif entry is not None and not isinstance(entry, tuple):
            answer.set_rcode(entry)
        elif not any(known == name for known, _ in self.entries):
            answer.set_rcode(dns.rcode.NXDOMAIN)
        return answer

    def resolver(self, **more: Any) -> dns.resolver.Resolver:
        resolver = dns.resolver.Resolver(configure=False)
        resolver.nameservers, resolver.port = ["127.0.0.1"], self.port
        resolver.lifetime = more.pop("lifetime", PATIENCE)
        for key, value in more.items():
            setattr(resolver, key, value)
        return resolver

    def close(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.sendto(b"", self._sock.getsockname())
        self._thread.join(PATIENCE)
        self._sock.close()


@pytest.fixture
def server() -> Iterator[NameServer]:
    server = NameServer()
    yield server
    server.close()
    until(lambda: not [one for one in threading.enumerate() if one.name == "eye-dns"])


@pytest.fixture
def make_hosts(server: NameServer) -> Iterator[Callable[..., DnsDiscovery]]:
    """Discovery by name whose `getaddrinfo` is dnspython's, in place of the system's: it asks our name server."""

    def make(name: str = NAME, lifetime: float = PATIENCE) -> DnsDiscovery:
        server.asking = server.resolver(lifetime=lifetime)
        dns.resolver.override_system_resolver(server.asking)
        return DnsDiscovery(name, 4711, patience=2 * PATIENCE, resolve=socket.getaddrinfo)

    yield make
    dns.resolver.restore_system_resolver()


def srv(server: NameServer, patience: float = PATIENCE, **more: Any) -> SrvDiscovery:
    return SrvDiscovery(SRV, patience=patience, resolver=server.resolver(**more))


# ------------------------------------------------------------------------------------- addresses


def test_a_name_gives_all_its_addresses_of_both_families(server: NameServer, make_hosts: Any) -> None:
    server.enter(NAME, "A", "10.0.0.1", "10.0.0.2")
    server.enter(NAME, "AAAA", "2001:db8::1")

    assert make_hosts().find() == {"10.0.0.1:4711", "10.0.0.2:4711", "[2001:db8::1]:4711"}


@pytest.mark.parametrize(("kind", "record"), [("A", "10.0.0.1"), ("AAAA", "2001:db8::1")])
def test_one_family_is_enough(server: NameServer, make_hosts: Any, kind: str, record: str) -> None:
    server.enter(NAME, kind, record)

    assert make_hosts().find() == {str(Address(record, 4711))}


def test_each_look_gives_what_the_name_server_says_now(server: NameServer, make_hosts: Any) -> None:
    hosts = make_hosts()
    server.ttl = 3600  # which binds a cache; we keep none

    for addresses in (["10.0.0.1"], ["10.0.0.1", "10.0.0.2"], ["10.0.0.2"], ["10.0.0.7"]):
        server.enter(NAME, "A", *addresses)
        assert hosts.find() == {f"{one}:4711" for one in addresses}


@pytest.mark.parametrize("how", ["gone", "empty", "servfail", "silent"])
def test_what_was_found_is_given_still_when_the_name_is_gone(
    server: NameServer, make_hosts: Any, how: str
) -> None:
    hosts = make_hosts()
    server.enter(NAME, "A", "10.0.0.1")
    assert hosts.find() == {"10.0.0.1:4711"}

    if how == "gone":
        server.entries.clear()
    for kind in ("A", "AAAA") if how != "gone" else ():
        server.fail(NAME, kind, {"empty": (), "servfail": dns.rcode.SERVFAIL, "silent": SILENT}[how])
    server.asking.lifetime = 0.1  # seconds, for the one that is silent
    for _ in range(2):
        assert hosts.find() == {"10.0.0.1:4711"}

    server.asking.lifetime = PATIENCE
    server.entries.clear()
    server.enter(NAME, "A", "10.0.0.2")
    assert hosts.find() == {"10.0.0.2:4711"}


def test_a_name_that_comes_later_is_found_then(server: NameServer, make_hosts: Any) -> None:
    hosts = make_hosts()
    with pytest.raises(OSError, match="no addresses of"):
        hosts.find()

    server.enter(NAME, "A", "10.0.0.1")

    assert hosts.find() == {"10.0.0.1:4711"}


def test_a_name_that_nobody_has_is_said_with_what_to_try(make_hosts: Any) -> None:
    with pytest.raises(
        OSError,
        match=r"^no addresses of nobody\.example\.org \(.+\)\. Does a node run there, and is the name right\? "
        r"To see what this machine finds: getent ahosts nobody\.example\.org$",
    ):
        make_hosts("nobody.example.org").find()


@pytest.mark.parametrize("failure", [SILENT, dns.rcode.SERVFAIL], ids=["silent", "servfail"])
def test_a_name_server_that_does_not_answer_is_said_with_what_to_try(
    server: NameServer, make_hosts: Any, failure: Any
) -> None:
    for kind in ("A", "AAAA"):
        server.fail(NAME, kind, failure)

    with pytest.raises(OSError, match=rf"no name server answered for {NAME} within 20 s\. It is asked again"):
        make_hosts(lifetime=0.05).find()


def test_a_numeric_address_needs_no_name_server() -> None:
    assert DnsDiscovery("127.0.0.1", 4711).find() == {"127.0.0.1:4711"}


@pytest.mark.parametrize("name", ["x" * 64 + ".example.org", "a..b"])
def test_what_can_be_no_host_name_is_said(name: str) -> None:
    with pytest.raises(OSError, match="can be nobody's host name; correct --discover"):
        DnsDiscovery(name, 4711).find()


# -------------------------------------------------------------------------------- the deadline


class Slow:
    """Stands in for `getaddrinfo` with a name server that answers when it may."""

    def __init__(self) -> None:
        self.may_answer = threading.Event()
        self.times = 0

    def __call__(self, name: str, port: int, **_more: Any) -> list[Any]:
        self.times += 1
        assert self.may_answer.wait(PATIENCE)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.0.0.1", port))]


def test_a_look_does_not_wait_for_longer_than_it_may() -> None:
    slow = Slow()
    hosts = DnsDiscovery(NAME, 4711, patience=0.02, resolve=slow)

    for _ in range(3):
        with pytest.raises(TimeoutError, match=r"no name server answered for eye\.example\.org within 0\.02 s"):
            hosts.find()
    assert slow.times == 1  # the one that hangs is waited for; there is no second beside it

    slow.may_answer.set()
    until(lambda: hosts._last)
    assert hosts.find() == {"10.0.0.1:4711"}


def test_one_that_is_withdrawn_asks_no_more_and_keeps_nothing_that_comes_late() -> None:
    slow = Slow()
    hosts = DnsDiscovery(NAME, 4711, patience=0.02, resolve=slow)
    with pytest.raises(TimeoutError):
        hosts.find()

    hosts.withdraw()
    hosts.withdraw()
    slow.may_answer.set()
    assert hosts._thread is not None
    hosts._thread.join(PATIENCE)

    assert hosts.find() == frozenset()
    assert hosts._last == frozenset()
    assert slow.times == 1


def test_nothing_is_announced(server: NameServer) -> None:
    srv(server).announce(NodeInfo("a", "10.0.0.1:4711", "boot-a", 1.0))

    assert server.asked == []


# ------------------------------------------------------------------------------------------- SRV


def test_an_srv_record_gives_hosts_and_ports(server: NameServer) -> None:
    server.enter(SRV, "SRV", "0 0 4711 one.example.org.", "0 5 4712 one.example.org.", "9 0 4711 two.example.org.")

    assert srv(server).find() == {"one.example.org:4711", "one.example.org:4712", "two.example.org:4711"}


@pytest.mark.parametrize(
    "record",
    [
        "0 0 0 .",  # RFC 2782: nobody offers this
        "0 0 4711 .",
        "0 0 0 one.example.org.",
        "0 0 4711 /run/eye.sock.",  # never a path of this machine
        "0 0 4711 a\\032b.example.org.",
        "0 0 4711 [::1].",
    ],
)
def test_an_srv_record_that_leads_to_no_host_is_left_out(server: NameServer, record: str) -> None:
    server.enter(SRV, "SRV", record, "0 0 4711 two.example.org.")

    assert srv(server).find() == {"two.example.org:4711"}


def test_srv_records_change_and_are_kept_when_they_vanish(server: NameServer) -> None:
    found = srv(server)
    server.enter(SRV, "SRV", "0 0 4711 one.example.org.")
    assert found.find() == {"one.example.org:4711"}

    server.enter(SRV, "SRV", "0 0 4711 two.example.org.")
    assert found.find() == {"two.example.org:4711"}

    for failure in (dns.rcode.NXDOMAIN, dns.rcode.SERVFAIL, (), SILENT):
        server.fail(SRV, "SRV", failure)
        if failure is SILENT:
            found._patience = 0.1
        assert found.find() == {"two.example.org:4711"}


@pytest.mark.parametrize(
    ("failure", "says"),
    [
        (dns.rcode.NXDOMAIN, f"no SRV record of {SRV}. Does a node run there, and is the name right, "),
        ((), f"no SRV record of {SRV}. Does a node run there, and is the name right, "),
        (
            dns.rcode.SERVFAIL,
            f"the name servers could not say anything of {SRV}; they are asked again at each look",
        ),
        (
            dns.rcode.REFUSED,
            f"the name servers could not say anything of {SRV}; they are asked again at each look",
        ),
        (SILENT, f"no name server answered for {SRV} within 0.2 s. It is asked again at each look"),
    ],
    ids=["nxdomain", "empty", "servfail", "refused", "silent"],
)
def test_what_is_said_when_there_is_no_record_is_the_same_each_time(
    server: NameServer, failure: Any, says: str
) -> None:
    """A text that changes is logged each time."""
    server.fail(SRV, "SRV", failure)
    found = srv(server, patience=0.2 if failure is SILENT else PATIENCE)
    said = set()

    for _ in range(2):
        with pytest.raises(OSError) as refused:
            found.find()
        said.add(str(refused.value))

    assert len(said) == 1
    assert said.pop().startswith(says)


def test_a_resolver_that_caches_is_as_old_as_the_ttl(server: NameServer) -> None:
    server.enter(SRV, "SRV", "0 0 4711 one.example.org.")
    cached = srv(server, cache=dns.resolver.Cache())
    assert cached.find() == {"one.example.org:4711"}
    server.enter(SRV, "SRV", "0 0 4711 two.example.org.")

    assert cached.find() == {"one.example.org:4711"}
    assert srv(server).find() == {"two.example.org:4711"}

    server.ttl = 0
    fresh = srv(server, cache=dns.resolver.Cache())
    assert fresh.find() == {"two.example.org:4711"}
    server.enter(SRV, "SRV", "0 0 4711 one.example.org.")
    assert fresh.find() == {"one.example.org:4711"}


def test_a_machine_without_a_resolver_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def unconfigured() -> None:
        raise dns.resolver.NoResolverConfiguration("cannot open /etc/resolv.conf")

    monkeypatch.setattr(dns.resolver, "Resolver", unconfigured)

    with pytest.raises(OSError, match=r"no SRV record of .*: cannot open /etc/resolv\.conf"):
        SrvDiscovery(SRV).find()


def test_without_dnspython_srv_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dns", None)

    with pytest.raises(ConfigError, match=r"pip install 'sorcerers-eye\[dns\]'"):
        SrvDiscovery(SRV).find()


# -------------------------------------------------------------------- the system's own resolver


SYSTEM = """
import importlib.util, subprocess, sys
from pathlib import Path
from eye.cluster.discovery.dns import DnsDiscovery, SrvDiscovery

spec = importlib.util.spec_from_file_location("name_server", sys.argv[1])
module = importlib.util.module_from_spec(spec)
sys.modules["name_server"] = module
spec.loader.exec_module(module)
subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
subprocess.run(["mount", "--bind", sys.argv[2], str(Path("/etc/resolv.conf").resolve())], check=True)

server = module.NameServer(port=53)
server.enter(module.NAME, "A", "10.0.0.1", "10.0.0.2")
server.enter(module.NAME, "AAAA", "2001:db8::1")
server.enter(module.SRV, "SRV", "0 0 4711 one.example.org.")
print(*sorted(DnsDiscovery(module.NAME, 4711).find()))
print(*sorted(SrvDiscovery(module.SRV).find()))
try:
    print(DnsDiscovery("nobody.example.org", 4711).find())
except OSError as error:
    print(error)
server.close()
"""


@pytest.mark.e2e
def test_the_system_s_own_resolver_is_asked(tmp_path: Path) -> None:
    """In a namespace of its own, where /etc/resolv.conf names our server."""
    if os.geteuid() != 0:
        pytest.skip("namespaces are root's")
    if not Path("/etc/resolv.conf").exists():
        pytest.skip("no /etc/resolv.conf here")
    conf = tmp_path / "resolv.conf"
    conf.write_text("nameserver 127.0.0.1\noptions timeout:5 attempts:1\n")
    apart = ["unshare", "--net", "--mount"]
    if subprocess.run([*apart, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("no namespaces here")

    done = subprocess.run(
        [*apart, sys.executable, "-c", SYSTEM, __file__, str(conf)],
        cwd=Path(__file__).parents[3], capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    addresses, records, nobody = done.stdout.splitlines()
    # A system that has no IPv6 of its own may leave those out (AI_ADDRCONFIG).
    assert {"10.0.0.1:4711", "10.0.0.2:4711"} <= set(addresses.split()) <= {
        "10.0.0.1:4711", "10.0.0.2:4711", "[2001:db8::1]:4711"
    }  # fmt: skip
    assert records == "one.example.org:4711"
    assert nobody.startswith("no addresses of nobody.example.org (")
    assert nobody.endswith("To see what this machine finds: getent ahosts nobody.example.org")
