"""Datagrams of multicast discovery: what counts is signed, fresh and heard once; the rest is as if never sent."""

from __future__ import annotations

import math

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from eye.cluster.discovery.datagrams import FRESH, LONGEST, Hint, Signed
from eye.cluster.node import Address
from eye.cluster.security import Cookie

COOKIE = Cookie("the cookie of our own cluster, long enough")
FOREIGN = Cookie("the cookie of another cluster, long enough")
NOW = 1_800_000_000.0
HINT = Hint("here", "10.0.0.5:4711", "0123456789abcdef", NOW)

addresses = st.builds(
    lambda host, port: str(Address(host, port)),
    st.sampled_from(["10.0.0.5", "fe80::1", "a.example.org", "x" * 253]),
    st.integers(0, 65535),
)
hints = st.builds(
    Hint,
    kind=st.sampled_from(["here", "gone", "who", "ask"]),
    address=addresses,
    boot=st.text("0123456789abcdef", min_size=16, max_size=16),
    at=st.floats(NOW - FRESH, NOW + FRESH),
)


def signed(body: bytes, cookie: Cookie = COOKIE) -> bytes:
    """Sign any bytes, as only one who has the cookie can."""
    return b"EYED" + cookie.sign(b"multicast discovery\0", body)[:16] + body


def read(datagram: bytes, now: float = NOW) -> Hint | None:
    """Read a datagram as one who has heard nothing before."""
    return Signed(COOKIE).read(datagram, now)


@given(hints)
def test_what_is_written_is_read_by_those_of_the_same_cookie_alone(hint: Hint) -> None:
    datagram = Signed(COOKIE).write(hint)

    assert len(datagram) <= LONGEST
    assert read(datagram) == hint
    assert Signed(FOREIGN).read(datagram, NOW) is None


def test_neither_the_cookie_nor_its_key_is_in_a_datagram() -> None:
    datagram = Signed(COOKIE).write(HINT)

    assert COOKIE.authkey not in datagram
    assert b"long enough" not in datagram


@given(at=st.integers(0, 10_000), flip=st.integers(1, 255))
def test_a_datagram_changed_in_any_byte_does_not_count(at: int, flip: int) -> None:
    datagram = bytearray(Signed(COOKIE).write(HINT))
    datagram[at % len(datagram)] ^= flip

    assert read(bytes(datagram)) is None


@given(st.integers(0, 200))
def test_a_datagram_cut_short_or_with_something_after_it_does_not_count(length: int) -> None:
    datagram = Signed(COOKIE).write(HINT)

    assert read(datagram[: min(length, len(datagram) - 1)]) is None
    assert read(datagram + b"\0" * (length + 1)) is None


@given(st.binary(max_size=2 * LONGEST))
@example(b"\x94\xa4\xff\xff\xff\xff")  # text that is none
@example(b"\x95\xa0\xa0\xa0\xcb" + b"\0" * 8 + b"\x91" * 1100)  # deeper than Python goes
def test_garbage_is_nothing_with_a_signature_or_without(garbage: bytes) -> None:
    reader = Signed(COOKIE)

    assert [reader.read(each, NOW) for each in (garbage, b"EYED" + garbage, signed(garbage))] == [None] * 3
    assert not reader._heard


values = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text() | st.binary()


@given(
    st.lists(values | st.lists(values, max_size=3), max_size=6)
    | st.tuples(st.text(), st.text(), st.text(), st.floats()).map(list)
)
def test_whatever_the_owner_of_the_cookie_says_reading_it_raises_nothing(fields: list[object]) -> None:
    hint = read(signed(msgspec.msgpack.encode(fields)))

    if hint is not None:
        assert Address.parse(hint.address)
        assert abs(hint.at - NOW) <= FRESH


@pytest.mark.parametrize(
    "address", ["", "nobody", "10.0.0.5", "10.0.0.5:99999", "a b:1", "unix:relative", "[::1:1"]
)
def test_what_is_no_address_does_not_count(address: str) -> None:
    assert read(Signed(COOKIE).write(msgspec.structs.replace(HINT, address=address))) is None


def test_more_than_fits_does_not_count_though_it_is_signed() -> None:
    body = msgspec.msgpack.encode(HINT)
    fits = msgspec.msgpack.encode(["here", HINT.address, "b" * (LONGEST - 100), NOW])

    assert read(signed(fits)) is not None
    assert read(signed(body + b"\0" * LONGEST)) is None
    assert read(signed(msgspec.msgpack.encode(["here", HINT.address, "b" * LONGEST, NOW]))) is None


def test_a_newer_node_may_say_more() -> None:
    assert read(signed(msgspec.msgpack.encode(["here", HINT.address, HINT.boot, NOW, "more"]))) == HINT


# ------------------------------------------------------------------------------------------ its time


@pytest.mark.parametrize(
    ("at", "counts"),
    [
        (NOW, True),
        (NOW - FRESH, True),
        (NOW + FRESH, True),
        (NOW - FRESH - 0.001, False),
        (NOW + FRESH + 0.001, False),
        (0.0, False),
        (math.inf, False),
        (-math.inf, False),
        (math.nan, False),
    ],
)
def test_a_datagram_counts_for_half_a_minute_on_either_side(at: float, counts: bool) -> None:
    datagram = Signed(COOKIE).write(msgspec.structs.replace(HINT, at=at))

    assert (read(datagram) is not None) == counts


def test_the_same_datagram_counts_once() -> None:
    signed_ = Signed(COOKIE)
    datagram = signed_.write(HINT)

    assert signed_.read(datagram, NOW) == HINT
    assert signed_.read(datagram, NOW) is None
    assert signed_.read(signed_.write(msgspec.structs.replace(HINT, at=NOW + 1)), NOW) is not None


@given(st.floats(-FRESH, FRESH), st.lists(st.floats(0, FRESH), max_size=20))
def test_no_datagram_counts_twice_however_long_one_waits(skew: float, waits: list[float]) -> None:
    """What comes from a clock that is ahead counts for longer, and must be remembered for longer."""
    signed_ = Signed(COOKIE)
    datagram = signed_.write(msgspec.structs.replace(HINT, at=NOW + skew))
    now, counted = NOW, 0

    for wait in [0.0, *waits]:
        now += wait
        counted += signed_.read(datagram, now) is not None
        signed_.read(signed_.write(msgspec.structs.replace(HINT, at=now)), now)  # the others go on talking

    assert counted == 1


def test_what_is_remembered_is_bounded_and_forgotten() -> None:
    signed_ = Signed(COOKIE)
    for number in range(5000):
        signed_.read(signed_.write(msgspec.structs.replace(HINT, at=NOW + number / 1000)), NOW)

    assert len(signed_._heard) == 4096

    signed_.read(signed_.write(msgspec.structs.replace(HINT, at=NOW + 3 * FRESH)), NOW + 3 * FRESH)
    assert len(signed_._heard) == 1


def test_what_strangers_send_is_not_even_remembered() -> None:
    signed_, stranger = Signed(COOKIE), Signed(FOREIGN)

    for number in range(100):
        assert signed_.read(stranger.write(msgspec.structs.replace(HINT, at=NOW + number / 1000)), NOW) is None

    assert not signed_._heard
