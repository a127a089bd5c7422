"""The cookie file, and the handshake, byte by byte."""

from __future__ import annotations

import os
import pickle
import stat
import threading
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eye.cluster.security import ClientHandshake, Cookie, ServerHandshake, default_cookie_path, load_cookie
from eye.errors import AuthenticationRefused, CookieUnusable, DecodeRefused

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "a cookie for tests that is long enough"
COOKIE, OTHER = Cookie(SECRET), Cookie(SECRET + "!")
S, C = b"s" * 32, b"c" * 32


# -------------------------------------------------------------------------------------- the file


def test_a_cookie_is_made_when_there_is_none_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "cookie"

    made = load_cookie(path)

    assert load_cookie(path) == made
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert len(path.read_text().strip()) == 64
    assert [one.name for one in path.parent.iterdir()] == ["cookie"]


def test_whoever_starts_at_once_gets_the_same_cookie(tmp_path: Path) -> None:
    cookies: list[Cookie] = []
    start = threading.Barrier(8)

    def load() -> None:
        start.wait()
        cookies.append(load_cookie(tmp_path / "x" / "cookie"))

    threads = [threading.Thread(target=load) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(cookies) == 8
    assert len({cookie.digest for cookie in cookies}) == 1


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o644, 0o666, 0o610])
def test_a_cookie_that_others_could_open_is_refused_with_the_remedy(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "cookie"
    path.write_text(SECRET)
    path.chmod(mode)

    with pytest.raises(CookieUnusable, match=f"mode {mode:04o}.*chmod 600 {path}"):
        load_cookie(path)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "at least 32 characters"),
        (b"short\n", "at least 32"),
        (b" " * 40, "at least 32"),
        (b"\xff" * 40, "not text"),
    ],
)
def test_a_cookie_file_with_something_else_in_it_is_refused(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "cookie"
    path.write_bytes(content)
    path.chmod(0o600)

    with pytest.raises(CookieUnusable, match=says) as refused:
        load_cookie(path)

    assert str(path) in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_folder_or_a_pipe_is_no_cookie(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)

    for path in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(CookieUnusable, match=r"not a plain file|is a directory"):
            load_cookie(path)


def test_a_missing_cookie_is_not_made_when_it_may_not_be(tmp_path: Path) -> None:
    with pytest.raises(CookieUnusable, match="no such file"):
        load_cookie(tmp_path / "cookie", create=False)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_cookie_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "cookie"
    path.write_text(SECRET)
    path.chmod(0o000)

    with pytest.raises(CookieUnusable, match="may not read it"):
        load_cookie(path)


def test_the_default_place_follows_xdg(tmp_path: Path) -> None:
    assert default_cookie_path({"XDG_CONFIG_HOME": "/c"}, tmp_path).as_posix() == "/c/sorcerers_eye/cookie"
    for environ in ({}, {"XDG_CONFIG_HOME": ""}, {"XDG_CONFIG_HOME": "relative"}):
        assert default_cookie_path(environ, tmp_path) == tmp_path / ".config" / "sorcerers_eye" / "cookie"


def test_a_cookie_never_shows_what_it_is() -> None:
    assert SECRET not in repr(COOKIE) + str(COOKIE) + COOKIE.digest + f"{COOKIE}"
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(COOKIE)


# --------------------------------------------------------------------------------- the handshake


def test_two_with_one_cookie_agree() -> None:
    server, client = ServerHandshake(COOKIE, S), ClientHandshake(COOKIE, C)

    verdict = server.verdict(client.answer(server.greeting))

    assert verdict is not None
    client.check(verdict, "there")


def test_a_client_with_another_cookie_is_refused() -> None:
    server, client = ServerHandshake(COOKIE, S), ClientHandshake(OTHER, C)

    assert server.verdict(client.answer(server.greeting)) is None


def test_a_server_with_another_cookie_is_refused() -> None:
    server, client = ServerHandshake(OTHER, S), ClientHandshake(COOKIE, C)
    client.answer(server.greeting)

    with pytest.raises(AuthenticationRefused):
        client.check(OTHER.sign(b"server", C, S), "there")


def test_a_proof_of_one_role_is_none_of_the_other() -> None:
    client = ClientHandshake(COOKIE, S)
    proof = client.answer(ServerHandshake(COOKIE, S).greeting)[32:]

    with pytest.raises(AuthenticationRefused):
        client.check(proof, "there")


def test_a_proof_for_one_channel_is_none_for_another() -> None:
    server, client = ServerHandshake(COOKIE, S, b"channel 1"), ClientHandshake(COOKIE, C, b"channel 2")

    assert server.verdict(client.answer(server.greeting)) is None


@given(st.binary(max_size=100))
def test_random_bytes_prove_nothing(said: bytes) -> None:
    try:
        assert ServerHandshake(COOKIE, S).verdict(said) is None
    except DecodeRefused:
        assert len(said) != 64
    with pytest.raises(DecodeRefused):
        ClientHandshake(COOKIE, C).answer(said)
