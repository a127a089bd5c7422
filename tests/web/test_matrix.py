"""Who is let in and who is not: every combination of what a request can come with, for each way to ask.

    way        GET of data, a stream, a WebSocket, an action
    host       ours, an address, somebody else's
    origin     none, the page's own, another port, a friend (`origins`), a stranger, a sandboxed frame
    site       Sec-Fetch-Site, as browsers send it, or nothing
    login      logged in, not
    key        none, valid, made for another node, expired, made up
    token      right, wrong, none

`should` is the rule, in the words of the threat model; it knows nothing of the code that it is held against.
"""

from __future__ import annotations

import itertools
import json
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from eye.web import WebServer, create_app, links
from eye.web.blueprint import EyeBlueprint
from tests.web.world import START, World, node

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask

TOKEN = "a secret that nobody guesses"
LOGIN = "a token for whoever looks"
HOST = "eye.example.org:8080"
WAYS = {"get": "/api/v1/tree/a", "stream": "/api/v1/stream", "socket": "/ws", "act": "/api/v1/gc/a"}
HOSTS = {"ours": HOST, "address": "192.0.2.7:8080", "foreign": "evil.example"}
ORIGINS = {
    "none": None,
    "own": "http://{host}",
    "port": "http://eye.example.org:9999",
    "friend": "https://friend.example",
    "stranger": "https://evil.example",
    "frame": "null",
}
SITES = (None, "same-origin", "same-site", "cross-site", "none")
KEYS = ("none", "valid", "other", "expired", "invented")
TOKENS = {"right": TOKEN, "wrong": TOKEN[:-1], "none": None}


class Case(NamedTuple):
    """One request."""

    way: str
    host: str
    origin: str
    site: str | None
    is_logged_in: bool
    key: str
    token: str


def should(case: Case) -> int:
    """Say how a request should be answered: 200 stands for «let in», whatever comes of it then."""
    if case.host == "foreign":
        return 421
    if case.key != "none":
        if case.key != "valid" or case.way == "act":
            return 403
    elif not case.is_logged_in:
        return 401
    if case.way in ("stream", "socket"):
        if case.origin == "none":
            return 200 if case.site in (None, "none", "same-origin") else 403
        return 200 if case.origin in ("own", "friend") else 403
    if case.way == "act":
        if case.site not in (None, "none", "same-origin") or case.origin not in ("none", "own"):
            return 403
        return 200 if case.token == "right" else 403
    return 200  # a page elsewhere may send it, and is not let read what comes back


class Deeds(World):
    """A world that is told to do things."""

    def __init__(self) -> None:
        super().__init__(node("a"), node("b"))
        self.trees = {"a": {"id": "eye"}, "b": {"id": "eye"}}
        self.done: list[str] = []

    def collect_garbage(self, name: str) -> dict[str, Any]:
        self.done.append(name)
        return {}


@pytest.fixture
def world() -> Deeds:
    return Deeds()


@pytest.fixture
def app(world: Deeds, tmp_path: Path) -> Flask:
    file = tmp_path / "token"
    file.write_text(LOGIN, encoding="utf-8")
    file.chmod(0o600)
    return create_app(
        world,
        actions=TOKEN,
        links="0123456789abcdef",
        login=f"token:{file}",
        hosts=["eye.example.org"],
        origins=["https://friend.example"],
    )


def keys_of(app: Flask) -> dict[str, str]:
    import hmac

    secret = hmac.digest(b"0123456789abcdef", b"links of eye", "sha256")
    signed = {
        "valid": links.Link("a", "tree", int(START) + 60),
        "other": links.Link("b", "tree", int(START) + 60),
        "expired": links.Link("a", "tree", int(START)),
    }
    return {name: links.sign(link, secret) for name, link in signed.items()} | {"invented": "x.y"}


def request_of(case: Case, keys: dict[str, str]) -> tuple[str, dict[str, str]]:
    path = WAYS[case.way]
    if case.key != "none":
        path += f"?key={keys[case.key]}"
        if case.way in ("stream", "socket"):
            path += "&node=a"
    host = HOSTS[case.host]
    origin = ORIGINS[case.origin]
    sent = {
        "Host": host,
        "Origin": None if origin is None else origin.format(host=host),
        "Sec-Fetch-Site": case.site,
        "Authorization": f"Bearer {LOGIN}" if case.is_logged_in else None,
        "X-Eye-Token": TOKENS[case.token],
    }
    if case.way == "socket":
        sent |= {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}
        sent["Sec-WebSocket-Key"] = "dGhlIHNhbXBsZSBub25jZQ=="
    return path, {name: value for name, value in sent.items() if value is not None}


def cases(way: str) -> Iterator[Case]:
    tokens = tuple(TOKENS) if way == "act" else ("none",)
    for parts in itertools.product([way], HOSTS, ORIGINS, SITES, (True, False), KEYS, tokens):
        yield Case(*parts)  # type: ignore[arg-type]


@pytest.mark.parametrize("way", WAYS)
def test_every_combination_is_answered_as_it_should_be(
    app: Flask, world: Deeds, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys, client, wrong, count = keys_of(app), app.test_client(), [], 0
    blueprint: EyeBlueprint = app.extensions["eye"]
    for case in cases(way):
        count += 1
        path, headers = request_of(case, keys)
        before = len(world.done)
        if way == "act":
            answer = client.post(path, json={}, headers=headers)
        else:
            answer = client.get(path, headers=headers, buffered=False)
        # Flask's client has no sockets, which is told after everybody has been asked: 501.
        status = 200 if answer.status_code == 501 and way == "socket" else answer.status_code
        readable = answer.headers.get("Access-Control-Allow-Origin")
        if status != should(case):
            wrong.append((case, answer.status_code))
        elif way == "act" and (len(world.done) > before) is not (status == 200):
            wrong.append((case, "done"))
        elif readable is not None and case.origin != "friend":
            wrong.append((case, readable))
        elif status >= 400 and way != "socket":
            assert len(json.loads(answer.get_data(as_text=True))["error"]) > 10
        answer.close()

    assert count > 500
    assert not wrong, f"{len(wrong)} of {count}: {wrong[:5]}"
    assert blueprint.publisher.viewers == 0  # whoever was refused, or has gone, keeps no seat


@pytest.mark.parametrize(
    ("case", "says"),
    [
        (Case("socket", "ours", "stranger", None, True, "none", "none"), "pass origins=['https://evil.example']"),
        (Case("stream", "ours", "stranger", None, True, "none", "none"), "pass origins=['https://evil.example']"),
        (Case("get", "foreign", "none", None, True, "none", "none"), "--web-name evil.example, or hosts="),
        (Case("socket", "foreign", "own", None, True, "none", "none"), "--web-name evil.example, or hosts="),
        (Case("get", "ours", "none", None, True, "expired", "none"), "refused a signed link of 127.0.0.1"),
    ],
)
def test_a_refusal_is_one_line_in_the_log_with_its_remedy(
    app: Flask, caplog: pytest.LogCaptureFixture, case: Case, says: str
) -> None:
    path, headers = request_of(case, keys_of(app))
    for _ in range(20):
        app.test_client().get(path, headers=headers)

    assert len([record for record in caplog.records if record.name == "eye.web"]) == 1
    assert says in caplog.text
    assert LOGIN not in caplog.text


def test_each_missing_token_is_a_line_with_who_and_why(app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    case = Case("act", "ours", "own", "same-origin", True, "none", "none")
    path, headers = request_of(case, keys_of(app))

    app.test_client().post(path, json={}, headers=headers)

    (record,) = [record for record in caplog.records if record.name == "eye.web"]
    assert "'/api/v1/gc/a' was refused to token at 127.0.0.1" in record.getMessage()
    assert "send it as X-Eye-Token" in record.getMessage()


def test_who_tries_to_act_for_ever_does_not_fill_the_log(app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    client = app.test_client()
    for case in [Case("act", "ours", origin, None, True, "none", "wrong") for origin in ("own", "stranger")] * 100:
        path, headers = request_of(case, keys_of(app))
        assert client.post(path, json={}, headers=headers).status_code == 403

    assert len([record for record in caplog.records if record.name == "eye.web"]) == 2


@pytest.mark.e2e
def test_the_same_over_real_sockets(app: Flask) -> None:
    server = WebServer(app, hosts=["eye.example.org"])
    keys = keys_of(app)
    chosen = [case for case in cases("socket") if case.site is None]
    try:
        wrong = [(case, status) for case in chosen if (status := knock(server.port, case, keys)) != _of(case)]
    finally:
        server.close()

    assert len(chosen) == 180
    assert not wrong


def _of(case: Case) -> int:
    return 101 if should(case) == 200 else should(case)


def knock(port: int, case: Case, keys: dict[str, str]) -> int:
    """Ask for a WebSocket, and answer the status."""
    path, headers = request_of(case, keys)
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    with socket.create_connection(("127.0.0.1", port), timeout=20) as sock:
        sock.sendall(f"GET {path} HTTP/1.1\r\n{lines}\r\n".encode())
        return int(sock.recv(4096).split()[1])


@pytest.mark.e2e
@pytest.mark.parametrize(("proxies", "status"), [(0, 403), (1, 101)])
def test_a_proxy_is_believed_if_it_is_said_that_there_is_one(world: Deeds, proxies: int, status: int) -> None:
    server = WebServer(create_app(world), hosts=["eye.example.org"], proxies=proxies)
    sent = {
        "Host": "eye.example.org",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "eye.example.org",
        "X-Forwarded-For": "192.0.2.9",
        "X-Forwarded-Prefix": "/monitor",
        "Origin": "https://eye.example.org",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in sent.items())
    try:
        with socket.create_connection(("127.0.0.1", server.port), timeout=20) as sock:
            sock.sendall(f"GET /ws HTTP/1.1\r\n{lines}\r\n".encode())
            answered = int(sock.recv(4096).split()[1])
    finally:
        server.close()

    assert answered == status
