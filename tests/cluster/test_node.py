"""Addresses and names: what is one, and what is not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eye.cluster.node import Address, check_name, new_boot
from eye.errors import BadAddress, BadNodeName


@pytest.mark.parametrize(
    ("text", "address", "again"),
    [
        ("127.0.0.1:4711", Address("127.0.0.1", 4711), "127.0.0.1:4711"),
        ("[::1]:4711", Address("::1", 4711), "[::1]:4711"),
        ("[fe80::1%eth0]:1", Address("fe80::1%eth0", 1), "[fe80::1%eth0]:1"),
        ("orthanc.example:0", Address("orthanc.example", 0), "orthanc.example:0"),
        (":4711", Address("127.0.0.1", 4711), "127.0.0.1:4711"),
    ],
)
def test_an_address_is_read_and_written(text: str, address: Address, again: str) -> None:
    assert Address.parse(text) == address
    assert str(address) == again


@pytest.mark.parametrize(
    "text",
    [
        "",
        "host",
        "host:",
        "host:x",
        "host:-1",
        "host:65536",
        "::1:4711",
        "[::1]",
        "a b:1",
        "h:٣",
        "[::1:1",
        "http://h:1",
    ],
)
def test_what_is_no_address_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(BadAddress, match="an address is HOST:PORT"):
        Address.parse(text)


@given(st.text(max_size=30))
def test_any_text_is_an_address_or_refused(text: str) -> None:
    try:
        address = Address.parse(text)
    except BadAddress:
        return
    assert Address.parse(str(address)) == address


@pytest.mark.parametrize(
    ("host", "is_loopback"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("10.0.0.1", False),
        ("fe80::1%eth0", False),
        ("orthanc", False),
    ],
)
def test_loopback_is_known(host: str, is_loopback: bool) -> None:
    assert Address(host, 1).is_loopback is is_loopback


@pytest.mark.parametrize("name", ["a", "mystic-node-1", "app@host.example", "9", "x" * 100])
def test_a_name_is_given_back(name: str) -> None:
    assert check_name(name) == name


@pytest.mark.parametrize("name", ["", "-a", ".a", "a b", "ä", "a/b", "a\n", "x" * 101, "a*"])
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(BadNodeName, match="1 to 100 of the characters"):
        check_name(name)


def test_boots_differ() -> None:
    boots = {new_boot() for _ in range(100)}

    assert len(boots) == 100
    assert all(len(boot) == 16 and int(boot, 16) >= 0 for boot in boots)
