"""Between socket and frames: nothing, or TLS; both ends of a channel, and nobody else, have its binding."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eye.cluster.channel import PREFACE, PlainChannel, begins_tls
from eye.cluster.security import Cookie
from eye.cluster.tls import Tls
from eye.errors import DecodeRefused

if TYPE_CHECKING:
    from eye.cluster.channel import Channel

COOKIE = Cookie("a cookie for tests that is long enough")
OTHER = Cookie("another cookie that is long enough too")
OURS, THEIRS = Tls.from_cookie(COOKIE), Tls.from_cookie(OTHER)


def connect(one: Channel, other: Channel, piece: int = 1 << 20) -> tuple[bytes, bytes]:
    """Carry bytes to and fro until neither has anything to say; give what came out at each end."""
    out = (bytearray(), bytearray())
    while one.outgoing or other.outgoing:
        for source, target, found in ((one, other, out[1]), (other, one, out[0])):
            data = bytes(source.outgoing[:piece])
            del source.outgoing[:piece]
            if data:
                found += target.receive(data)
    return bytes(out[0]), bytes(out[1])


@pytest.mark.parametrize("piece", [1, 7, 1 << 20])
def test_what_is_sent_through_tls_comes_out_at_the_other_end(piece: int) -> None:
    dialling, answering = OURS.dial("127.0.0.1"), OURS.answer()
    connect(dialling, answering, piece)
    assert dialling.is_open
    assert answering.is_open

    dialling.send(b"there" * 30_000)
    answering.send(b"back")

    assert connect(dialling, answering, piece) == (b"back", b"there" * 30_000)


def test_both_ends_have_one_binding_and_no_two_channels_do() -> None:
    ends = [(OURS.dial("a"), OURS.answer()), (OURS.dial("a"), Tls.from_cookie(COOKIE).answer())]
    for dialling, answering in ends:
        connect(dialling, answering)

    assert ends[0][0].binding == ends[0][1].binding
    assert ends[1][0].binding == ends[1][1].binding
    assert ends[0][0].binding != ends[1][0].binding


@pytest.mark.parametrize(("dials", "answers"), [(OURS, THEIRS), (THEIRS, OURS)])
def test_two_clusters_do_not_speak_to_each_other(dials: Tls, answers: Tls) -> None:
    with pytest.raises(ssl.SSLError, match="CERTIFICATE_VERIFY_FAILED"):
        connect(dials.dial("a"), answers.answer())


def test_a_certificate_is_asked_of_whoever_dials() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    stranger = context.wrap_bio(incoming, outgoing)
    answering = OURS.answer()
    with pytest.raises(ssl.SSLWantReadError):
        stranger.do_handshake()
    answering.receive(outgoing.read())
    incoming.write(bytes(answering.outgoing))
    stranger.do_handshake()

    with pytest.raises(ssl.SSLError, match="PEER_DID_NOT_RETURN_A_CERTIFICATE"):
        answering.receive(outgoing.read())


def test_an_old_protocol_is_refused() -> None:
    old = OURS._of_now().client
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    outgoing = ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        context.wrap_bio(ssl.MemoryBIO(), outgoing).do_handshake()

    assert old.minimum_version is ssl.TLSVersion.TLSv1_3
    with pytest.raises(ssl.SSLError, match="UNSUPPORTED_PROTOCOL"):
        OURS.answer().receive(outgoing.read())


def test_a_certificate_out_of_its_time_is_refused() -> None:
    long_ago = Tls.from_cookie(COOKIE, now=lambda: 1_600_000_000.0)

    with pytest.raises(ssl.SSLCertVerificationError, match="expired") as refused:
        connect(OURS.dial("a"), long_ago.answer())

    assert "compare the clocks" in str(OURS.meaning(refused.value, "a:1"))


def test_a_node_makes_itself_a_new_certificate_in_good_time() -> None:
    now = [1_800_000_000.0]
    tls = Tls.from_cookie(COOKIE, now=lambda: now[0])
    first = tls._of_now().certificate

    now[0] += 11 * 3600
    assert tls._of_now().certificate == first
    now[0] += 2 * 3600
    assert tls._of_now().certificate != first


def test_a_plain_channel_only_takes_the_preface_away() -> None:
    dialling, answering = PlainChannel(dials=True), PlainChannel(dials=False)
    assert not answering.is_open

    dialling.send(b"hello")

    assert connect(dialling, answering, 3) == (b"", b"hello")
    assert answering.is_open
    assert dialling.binding == answering.binding == b""


@given(st.binary(min_size=1, max_size=60))
def test_random_bytes_open_no_channel(said: bytes) -> None:
    channel: Channel = OURS.answer() if begins_tls(said) else PlainChannel(dials=False)
    try:
        channel.receive(said)
    except (DecodeRefused, ssl.SSLError):
        pass
    assert not channel.is_open or said.startswith(PREFACE)
