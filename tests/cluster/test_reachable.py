"""Which address a node tells others."""

from __future__ import annotations

import socket

import pytest

from eye.cluster import reachable
from eye.cluster.node import Address
from eye.cluster.reachable import address_to_tell, primary_address
from eye.errors import BadAddress

V4, V6 = "10.0.0.5", "2001:db8::5"
HOSTNAME = socket.gethostname()


def primary(wildcard: str) -> str:
    return V6 if ":" in wildcard else V4


def nowhere(wildcard: str) -> None:
    del wildcard


@pytest.mark.parametrize(
    ("listen", "advertise", "told"),
    [
        # what is listened at, where it can be dialled
        ("127.0.0.1:4711", None, "127.0.0.1:4711"),
        ("10.1.2.3:4711", None, "10.1.2.3:4711"),
        ("[::1]:4711", None, "[::1]:4711"),
        ("eye.example.org:4711", None, "eye.example.org:4711"),
        ("unix:/run/eye.sock", None, "unix:/run/eye.sock"),
        # what this machine is reached by, where that is every address
        ("0.0.0.0:4711", None, f"{V4}:4711"),
        ("0:4711", None, f"{V4}:4711"),
        ("[::]:4711", None, f"[{V6}]:4711"),
        # what its owner says, whatever is listened at
        ("127.0.0.1:4711", "eye.example.org:80", "eye.example.org:80"),
        ("0.0.0.0:4711", "192.168.0.9:8000", "192.168.0.9:8000"),
        ("0.0.0.0:4711", "192.168.0.9:0", "192.168.0.9:4711"),
        ("0.0.0.0:4711", "[2001:db8::9]:0", "[2001:db8::9]:4711"),
        ("unix:/run/eye.sock", "eye.example.org:80", "eye.example.org:80"),
        ("0.0.0.0:4711", "unix:/shared/eye.sock", "unix:/shared/eye.sock"),
    ],
)
def test_the_address_that_is_told(listen: str, advertise: str | None, told: str) -> None:
    assert address_to_tell(Address.parse(listen), advertise, primary) == told
    assert Address.parse(told)


@pytest.mark.parametrize("listen", ["0.0.0.0:4711", "[::]:4711"])
def test_a_machine_without_an_address_tells_its_name(listen: str) -> None:
    assert address_to_tell(Address.parse(listen), None, nowhere) == f"{HOSTNAME}:4711"


def test_what_its_owner_says_has_to_be_an_address() -> None:
    with pytest.raises(BadAddress, match="HOST:PORT"):
        address_to_tell(Address("0.0.0.0", 4711), "eye.example.org", primary)


# ------------------------------------------------------------------------------ this machine's own


class NoRoute(socket.socket):
    """A socket of a machine on a network that leads nowhere."""

    def connect(self, address: object) -> None:
        raise OSError(101, "Network is unreachable")


@pytest.mark.parametrize("wildcard", ["0.0.0.0", "0", "::"])
def test_the_primary_address_is_one_that_can_be_dialled(wildcard: str) -> None:
    found = primary_address(wildcard)

    assert found is None or not Address(found, 4711).is_wildcard


@pytest.mark.parametrize(
    ("interfaces", "found"),
    [
        ([("::", 1), ("127.0.0.1", 1), ("::", 2), ("10.0.0.5", 2), ("10.0.0.6", 3)], "10.0.0.5"),
        ([("::", 1), ("127.0.0.1", 1), ("::", 2)], None),
        ([], None),
    ],
)
def test_without_a_route_it_is_the_first_address_that_others_could_dial(
    monkeypatch: pytest.MonkeyPatch, interfaces: list[tuple[str, int]], found: str | None
) -> None:
    monkeypatch.setattr(reachable.socket, "socket", NoRoute)
    monkeypatch.setattr(reachable, "list_interfaces", lambda: interfaces)

    assert primary_address("0.0.0.0") == found
