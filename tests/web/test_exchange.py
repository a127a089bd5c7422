"""HTTP as bytes: what is a request however it is cut, what is none, and what an answer looks like."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eye.web.exchange import MOST_BODY, MOST_HEAD, Answer, Asked, Refused, Talk, environ_of

POST = (
    b"POST /eye/api/v1/gc/a%20b?x=1&y=%C3%BC HTTP/1.1\r\nHost: eye.example.org:8080\r\nX-Eye-Token: secret\r\n"
    b"Cookie: a=1\r\nCookie: b=2\r\nX_Eye_Token: forged\r\nContent-Type: application/json\r\n"
    b'Content-Length: 13\r\n\r\n{"deed":true}'
)


def whole(data: bytes) -> Asked:
    asked = Talk().hear(data)
    assert asked is not None
    return asked


@given(st.lists(st.integers(1, len(POST) - 1), max_size=12))
def test_a_request_is_the_same_however_it_is_cut(cuts: list[int]) -> None:
    edges = [0, *sorted(set(cuts)), len(POST)]
    talk = Talk()
    answers = [talk.hear(POST[start:end]) for start, end in itertools.pairwise(edges)]

    assert answers[-1] == whole(POST)
    assert all(answer is None for answer in answers[:-1])


@given(st.binary(max_size=400))
def test_what_is_no_request_is_refused_or_waited_for(noise: bytes) -> None:
    talk, status = Talk(), 0
    try:
        talk.hear(noise)
    except Refused as refused:
        status = refused.status

    assert status == 0 or 400 <= status < 500


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"GET /" + b"x" * MOST_HEAD + b" HTTP/1.1\r\n", 431),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 20000\r\n\r\n" + b"x" * (MOST_BODY + 1), 413),
        (
            b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4e20\r\n" + b"x" * (MOST_BODY + 1),
            413,
        ),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc", 400),
        (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n", 413),  # none of it is here
        (b"GET http://[::1/ HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ],
)
def test_what_is_too_much_or_has_two_meanings_is_refused_with_a_sentence(data: bytes, status: int) -> None:
    talk = Talk()

    with pytest.raises(Refused) as refused:
        talk.hear(data)

    said = talk.refusal(refused.value)
    assert refused.value.status == status
    assert said.startswith(f"HTTP/1.1 {status}".encode())
    assert b"connection: close" in said.lower()
    assert said.endswith(b"}\n")


def test_an_environment_says_what_was_asked() -> None:
    environ = environ_of(whole(POST), ("192.0.2.7", 4711), ("127.0.0.1", 8080), is_secure=True, sock=None)

    assert environ["PATH_INFO"] == "/eye/api/v1/gc/a b"
    assert environ["QUERY_STRING"] == "x=1&y=%C3%BC"
    assert environ["HTTP_COOKIE"] == "a=1; b=2"
    assert environ["HTTP_X_EYE_TOKEN"] == "secret"  # and not what looks the same with an underscore
    assert (environ["CONTENT_TYPE"], environ["CONTENT_LENGTH"]) == ("application/json", "13")
    assert (environ["wsgi.url_scheme"], environ["REMOTE_ADDR"]) == ("https", "192.0.2.7")
    assert environ["wsgi.input"].read() == b'{"deed":true}'


def test_an_address_may_be_whole() -> None:
    asked = whole(b"GET http://eye.example.org/a?b HTTP/1.1\r\nHost: elsewhere\r\n\r\n")
    environ = environ_of(asked, ("::1", 1), ("::1", 2), is_secure=False, sock=None)

    assert (environ["HTTP_HOST"], environ["PATH_INFO"], environ["QUERY_STRING"]) == ("eye.example.org", "/a", "b")


def answered(data: bytes, app: Any) -> tuple[bytes, bool]:
    talk, sent = Talk(), bytearray()
    asked = talk.hear(data)
    assert asked is not None
    environ = environ_of(asked, ("::1", 1), ("::1", 2), is_secure=False, sock=None)
    Answer(talk, asked, sent.extend).run(app, environ)
    return bytes(sent), talk.goes_on()


def say(*pieces: bytes, status: str = "200 OK", **headers: str) -> Any:
    def app(environ: Any, start_response: Any) -> Any:
        start_response(status, [(name.replace("_", "-"), value) for name, value in headers.items()])
        return pieces

    return app


def test_an_answer_of_unknown_length_comes_in_chunks_and_the_connection_goes_on() -> None:
    said, goes_on = answered(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", say(b"one", b"", b"three"))

    assert said.endswith(b"\r\n\r\n3\r\none\r\n5\r\nthree\r\n0\r\n\r\n")
    assert goes_on


def test_an_old_client_is_answered_until_the_end_of_the_connection() -> None:
    said, goes_on = answered(b"GET / HTTP/1.0\r\n\r\n", say(b"one", b"two"))

    assert said.endswith(b"\r\n\r\nonetwo")
    assert not goes_on


@pytest.mark.parametrize(
    ("request_line", "status", "body"),
    [(b"HEAD", "200 OK", b""), (b"GET", "304 NOT MODIFIED", b""), (b"GET", "404 NOT FOUND", b"gone")],
)
def test_what_has_no_body_is_sent_none(request_line: bytes, status: str, body: bytes) -> None:
    app = say(b"gone", status=status, Content_Length="4")
    said, goes_on = answered(request_line + b" / HTTP/1.1\r\nHost: a\r\n\r\n", app)

    assert said.startswith(f"HTTP/1.1 {status}".encode())
    assert said.partition(b"\r\n\r\n")[2] == body
    assert goes_on


def test_who_waits_to_be_told_to_go_on_is() -> None:
    talk = Talk()
    talk.hear(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")

    assert talk.wants_to_go_on().startswith(b"HTTP/1.1 100")
    assert talk.hear(b"abc") is not None
