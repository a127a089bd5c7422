"""The view's own login: files that open it, a cookie for people, a header for programs, and who guesses."""

from __future__ import annotations

import base64
import errno
import hashlib
import io
import os
from typing import TYPE_CHECKING, Any

import pytest
from werkzeug.test import create_environ, run_wsgi_app

from eye.errors import ConfigError, SecretUnusable
from eye.web import create_app
from eye.web.login import LASTS, Tries
from eye.web.secret_files import Passwords, Token, load, load_token, set_password
from tests.web.world import World, node

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from flask.testing import FlaskClient

TOKEN = "a token that nobody guesses"
HTML = {"Accept": "text/html,*/*"}


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    return write(tmp_path / "token", TOKEN)


@pytest.fixture
def people(tmp_path: Path) -> Path:
    file = tmp_path / "people"
    set_password(file, "alice", "correct horse")
    set_password(file, "bob", "battery staple")
    return file


def write(path: Path, text: str, mode: int = 0o600) -> Path:
    path.write_text(text + "\n", encoding="utf-8")
    path.chmod(mode)
    return path


# ------------------------------------------------------------------------------------- files


def test_a_token_is_made_where_there_is_none_and_is_its_owners_alone(tmp_path: Path) -> None:
    file = tmp_path / "new"
    doors = load(f"token:{file}")

    made = file.read_text(encoding="utf-8").strip()
    assert isinstance(doors, Token)
    assert (len(made), file.stat().st_mode & 0o777) == (64, 0o600)
    assert doors.name_of("", made) == "token"
    assert doors.name_of("", made[:-1]) is None
    assert load_token(file) == made


@pytest.mark.parametrize("do", [lambda file: load(f"token:{file}"), lambda file: set_password(file, "alice", "x")])
def test_a_file_that_cannot_be_made_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, do: Callable[[Path], object]
) -> None:
    def refuse(*_args: object, **_more: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    for name in ("open", "unlink"):  # on a disk that is read-only even what is not there cannot be removed
        monkeypatch.setattr(os, name, refuse)

    with pytest.raises(SecretUnusable, match="read-only file system"):
        do(tmp_path / "secret")


def test_of_a_token_a_digest_will_do(tmp_path: Path) -> None:
    file = write(tmp_path / "token", f"# for the operators\nsha256:{hashlib.sha256(TOKEN.encode()).hexdigest()}")
    doors = load(f"token:{file}")

    assert doors is not None
    assert doors.name_of("", TOKEN) == "token"
    assert doors.name_of("", file.read_text(encoding="utf-8").split()[-1]) is None


def test_passwords_are_hashed_and_changed_one_by_one(people: Path) -> None:
    set_password(people, "alice", "another one")
    doors = load(f"basic:{people}")

    assert isinstance(doors, Passwords)
    assert doors.name_of("alice", "another one") == "alice"
    assert doors.name_of("alice", "correct horse") is None
    assert doors.name_of("bob", "battery staple") == "bob"
    assert doors.name_of("carol", "nobody has this password") is None
    assert "horse" not in people.read_text(encoding="utf-8")
    assert people.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("kind", "text", "mode", "says"),
    [
        ("token", TOKEN, 0o644, "chmod 600"),
        ("token", "short", 0o600, "at least 16 characters"),
        ("token", f"{TOKEN}\n{TOKEN}", 0o600, "one line"),
        ("token", "sha256:abcdefabcdef", 0o600, "64 digits"),
        ("basic", "alice:secret", 0o600, "line 1 is not NAME:HASH"),
        ("basic", "alice", 0o600, "line 1 is not NAME:HASH"),
        ("basic", "alice:scrypt:32768$salt$0a", 0o600, "line 1 is not NAME:HASH"),
        ("basic", "alice:pbkdf2:sha256:1000$salt", 0o600, "line 1 is not NAME:HASH"),  # half of it
        ("basic", "", 0o600, "it names nobody"),
        ("basic", "alice:scrypt:1:1:1$a$b", 0o640, "chmod 600"),
    ],
)
def test_a_file_that_cannot_be_used_says_what_to_do(
    tmp_path: Path, kind: str, text: str, mode: int, says: str
) -> None:
    file = write(tmp_path / "file", text, mode)

    with pytest.raises(SecretUnusable, match=says) as refused:
        load(f"{kind}:{file}")

    assert str(file) in str(refused.value)
    assert text[:5] == "" or text not in str(refused.value)


@pytest.mark.parametrize("way", ["", "yes", "token", "token:", "oauth:file"])
def test_what_is_no_way_to_log_in_is_refused(way: str) -> None:
    with pytest.raises(ConfigError, match=f"login must be token:FILE, basic:FILE or none, not '{way}'"):
        load(way)


def test_a_file_that_is_not_there_lets_nobody_log_in() -> None:
    with pytest.raises(SecretUnusable, match="no such file"):
        load("basic:/nowhere/at/all")


def test_a_login_that_is_no_text_is_refused() -> None:
    with pytest.raises(ConfigError, match="login must be"):
        create_app(World(), login=42)


# ------------------------------------------------------------------------------------- people


def view(login: str, **options: Any) -> FlaskClient:
    return create_app(World(node("a")), login=login, **options).test_client()


def test_a_person_is_led_to_the_login_and_back(token_file: Path) -> None:
    page = view(f"token:{token_file}")

    led = page.get("/?filter=cpu%3E80&node=a", headers=HTML)
    asked = page.get(f"/{led.headers['Location']}")
    let_in = page.post(f"/{led.headers['Location']}", data={"secret": TOKEN})

    assert (led.status_code, led.headers["Location"]) == (303, "login?filter=cpu%3E80&node=a")
    assert (asked.status_code, 'type="password"' in asked.text, ">Name<" in asked.text) == (200, True, False)
    assert "form-action 'self'" in asked.headers["Content-Security-Policy"]
    assert (let_in.status_code, let_in.headers["Location"]) == (303, "./?filter=cpu%3E80&node=a")
    assert page.get("/", headers=HTML).status_code == 200
    assert page.get("/api/v1/me").get_json()["login"] == "token"


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(people: Path) -> None:
    page = view(f"basic:{people}")

    given = page.post("/login", data={"name": "alice", "secret": "correct horse"}).headers["Set-Cookie"]
    secure = page.post(
        "/login", data={"name": "alice", "secret": "correct horse"}, base_url="https://localhost"
    ).headers["Set-Cookie"]

    assert given.startswith("eye-login=")
    assert {"HttpOnly", "Path=/", "SameSite=Strict", f"Max-Age={LASTS}"} < set(given.split("; "))
    assert "Secure" not in given.split("; ")
    assert "Secure" in secure.split("; ")
    assert page.get("/api/v1/me").get_json()["login"] == "alice"


def test_a_login_ends_with_its_time_with_its_password_and_when_one_leaves(people: Path) -> None:
    world = World(node("a"))
    page = create_app(world, login=f"basic:{people}").test_client()

    def log_in() -> int:
        page.post("/login", data={"name": "alice", "secret": "correct horse"})
        return page.get("/api/v1/nodes").status_code

    first = log_in()
    world.time += LASTS
    after_a_week = page.get("/api/v1/nodes").status_code
    again = log_in()
    left = page.post("/logout")
    after_that = page.get("/api/v1/nodes").status_code

    assert (first, after_a_week, again, after_that) == (200, 401, 200, 401)
    assert (left.status_code, left.headers["Location"]) == (303, "login")


def test_a_cookie_is_worth_nothing_once_the_password_is_another(people: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("eye.web.blueprint.secrets.token_bytes", lambda count: b"k" * count)
    before = view(f"basic:{people}")
    before.post("/login", data={"name": "alice", "secret": "correct horse"})
    cookie = before.get_cookie("eye-login")
    assert cookie is not None
    same = view(f"basic:{people}")
    set_password(people, "alice", "another one")
    other = view(f"basic:{people}")
    for page in (same, other):
        page.set_cookie("eye-login", cookie.value)

    assert same.get("/api/v1/nodes").status_code == 200  # the view was started again: nobody has to log in
    assert other.get("/api/v1/nodes").status_code == 401


@pytest.mark.parametrize("cookie", ["", "x", "x.y", "W10.W10", "a" * 3000])
def test_a_cookie_that_is_none_is_none(token_file: Path, cookie: str) -> None:
    page = view(f"token:{token_file}")
    page.set_cookie("eye-login", cookie)

    assert page.get("/api/v1/nodes").status_code == 401


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"},
     {"Sec-Fetch-Site": "same-site"}],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/login", "/logout"])
def test_another_page_logs_nobody_in_or_out(token_file: Path, path: str, headers: dict[str, str]) -> None:
    page = view(f"token:{token_file}", origins=["https://evil.example"])

    answer = page.post(path, data={"secret": TOKEN}, headers=headers)

    assert answer.status_code == 403
    assert "Set-Cookie" not in answer.headers


# ------------------------------------------------------------------------------------- programs


def basic(name: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


def test_a_program_sends_its_token(token_file: Path) -> None:
    page = view(f"token:{token_file}")

    told = page.get("/api/v1/nodes")

    assert (told.status_code, told.headers["WWW-Authenticate"].split()[0].lower()) == (401, "bearer")
    assert page.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200
    assert page.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}x"}).status_code == 401
    assert page.get("/metrics", headers=basic("token", TOKEN)).status_code == 401
    assert page.get("/metrics", headers=HTML).status_code == 401  # only the page leads to the login


def test_a_program_sends_its_password_and_it_is_hashed_once(people: Path, monkeypatch: Any) -> None:
    page = view(f"basic:{people}")
    hashed: list[str] = []
    honest = Passwords.name_of
    monkeypatch.setattr(Passwords, "name_of", lambda self, *given: hashed.append(given[0]) or honest(self, *given))

    codes = [page.get("/metrics", headers=basic("bob", "battery staple")).status_code for _ in range(5)]
    wrong = page.get("/metrics", headers=basic("bob", "wrong"))

    assert (codes, hashed) == ([200] * 5, ["bob", "bob"])
    assert (wrong.status_code, wrong.headers["WWW-Authenticate"].split()[0].lower()) == (401, "basic")


def test_a_browser_is_not_made_to_ask_with_a_box_of_its_own(people: Path) -> None:
    answer = view(f"basic:{people}").get("/api/v1/nodes", headers={"Sec-Fetch-Site": "same-origin"})

    assert (answer.status_code, "WWW-Authenticate" in answer.headers) == (401, False)


# ------------------------------------------------------------------------------------- who guesses


def test_of_a_login_that_never_ends_little_is_read(token_file: Path) -> None:
    read = 0

    class Endless(io.RawIOBase):
        """What a server hands on that has undone «Transfer-Encoding: chunked»."""

        def readable(self) -> bool:
            return True

        def readinto(self, into: Any) -> int:
            nonlocal read
            read += len(into)
            return len(into) if read < 10_000_000 else 0

    environ = create_environ("/login", method="POST", content_type="application/x-www-form-urlencoded")
    environ |= {"wsgi.input": io.BufferedReader(Endless()), "wsgi.input_terminated": True}
    del environ["CONTENT_LENGTH"]

    _, status, _ = run_wsgi_app(create_app(World(), login=f"token:{token_file}"), environ)

    assert status.startswith("4")
    assert read < 100_000


def test_who_guesses_has_to_wait_and_only_who_does(token_file: Path, caplog: pytest.LogCaptureFixture) -> None:
    page = view(f"token:{token_file}")

    def guess(secret: str, address: str = "192.0.2.1") -> Any:
        return page.post("/login", data={"secret": secret}, environ_base={"REMOTE_ADDR": address})

    codes = [guess("wrong").status_code for _ in range(7)]
    even_if_right = guess(TOKEN)
    program = page.get(
        "/metrics", headers={"Authorization": f"Bearer {TOKEN}"}, environ_base={"REMOTE_ADDR": "192.0.2.1"}
    )

    assert codes == [403] * 5 + [429] * 2
    assert (even_if_right.status_code, even_if_right.headers["Retry-After"]) == (429, "30")
    assert program.status_code == 429
    assert guess(TOKEN, "192.0.2.2").status_code == 303
    assert caplog.text.count("192.0.2.1 was wrong about its login 5 times in a row") == 1
    assert TOKEN not in caplog.text


def test_tries_are_counted_by_network_and_forgotten() -> None:
    time = 0.0
    tries = Tries(now=lambda: time)

    for number in range(5):
        tries.was_wrong(f"2001:db8::{number}")
    whole_network = tries.wait("2001:db8::ffff"), tries.wait("2001:db8:0:1::")
    time = 30.0
    after = tries.wait("2001:db8::1")
    tries.was_wrong("2001:db8::1")
    again = tries.wait("2001:db8::1")
    time = 200.0
    counted = tries.was_wrong("2001:db8::1")
    for number in range(3000):
        tries.was_wrong(f"10.0.{number // 256}.{number % 256}")

    assert whole_network == (30.0, 0.0)
    assert (after, again, counted) == (0.0, 30.0, 1)
    assert len(tries._wrong) == 1000
