"""Who may open a socket, and what the options of a view may be."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask, Response, request

from eye.errors import ConfigError
from eye.web import create_app, create_blueprint
from eye.web.guards import Once, goes_by, is_same_origin
from tests.web.world import World, node


@pytest.mark.parametrize(
    ("origin", "host_url", "allowed", "is_let_in"),
    [
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080/", (), True),
        ("http://127.0.0.1:8081", "http://127.0.0.1:8080/", (), False),  # another port is another page
        ("https://127.0.0.1:8080", "http://127.0.0.1:8080/", (), False),
        ("http://evil.example", "http://127.0.0.1:8080/", (), False),
        ("null", "http://127.0.0.1:8080/", (), False),  # a sandboxed frame
        ("http://eye.example", "http://eye.example:80/", (), True),  # the port that goes without saying
        ("https://good.example", "http://127.0.0.1:8080/", ("https://good.example",), True),
        ("https://good.example.evil", "http://127.0.0.1:8080/", ("https://good.example",), False),
        ("nonsense", "http://127.0.0.1:8080/", (), False),
    ],
)
def test_only_pages_of_the_view_itself_and_those_named_open_a_socket(
    origin: str, host_url: str, allowed: tuple[str, ...], is_let_in: bool
) -> None:
    assert is_same_origin(origin, host_url, allowed) is is_let_in


def test_what_is_long_is_said_to_the_log_once_too() -> None:
    once, long = Once(), "http://evil.example/" + "x" * 1000

    assert [once.first("origin", long) for _ in range(3)] == [True, False, False]


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("max_clients", 0),
        ("max_clients", True),
        ("timeout", -1),
        ("origins", "https://one.example"),
        ("frame_ancestors", ["nonsense here"]),
        ("authorize", 42),
        ("hosts", "eye.example.org"),
        ("hosts", ["http://eye.example.org"]),
        ("hosts", ["eye.example.org:8080"]),
        ("hosts", ["*"]),
        ("login", 42),
        ("origins", ["*"]),
        ("origins", ["https://example.org/path"]),
        ("frame_ancestors", ["https://a.example; script-src *"]),
        ("metrics_text", "text"),
        ("name", "two words"),
    ],
)
def test_an_option_that_makes_no_sense_is_refused_by_name(option: str, value: Any) -> None:
    with pytest.raises(ConfigError, match=option):
        create_blueprint(World(), **{option: value})


@pytest.mark.parametrize(
    ("host", "is_ours"),
    [
        ("eye.example.org", True),
        ("EYE.example.org.:8080", True),
        ("a.b.example.net", True),
        ("example.net", False),
        ("evil-example.net", False),
        ("127.0.0.1:8080", True),
        ("[::1]:8080", True),
        ("[::1", True),
        ("2130706433", False),
        ("eye.example.org.evil.example", False),
        ("", False),
        ("localhost", False),
    ],
)
def test_a_name_is_ours_or_not(host: str, is_ours: bool) -> None:
    assert goes_by(host, ("eye.example.org", "*.example.net")) is is_ours


def test_what_is_no_view_is_refused() -> None:
    with pytest.raises(ConfigError, match="node or a view"):
        create_blueprint(object())


@pytest.mark.parametrize(("answer", "status"), [(True, 200), (False, 403), (None, 403), (1, 403)])
def test_only_true_opens_the_door(answer: Any, status: int) -> None:
    client = create_app(World(node("a")), authorize=lambda _request: answer).test_client()

    assert client.get("/api/v1/nodes").status_code == status


def test_authorize_may_answer_for_itself() -> None:
    app = create_app(World(), authorize=lambda _request: Response("log in first", 401))

    assert app.test_client().get("/").status_code == 401


def test_two_views_in_one_application_each_with_its_own_door() -> None:
    app = Flask(__name__)
    app.register_blueprint(create_blueprint(World(node("a")), name="one"), url_prefix="/one")
    app.register_blueprint(
        create_blueprint(World(node("b")), name="two", authorize=lambda r: r is not request), url_prefix="/two"
    )
    client = app.test_client()

    assert client.get("/one/api/v1/nodes").get_json()["nodes"][0]["node"] == "a"
    assert client.get("/two/api/v1/nodes").status_code in (200, 403)
    assert client.get("/one/").status_code == 200


def test_the_page_allows_no_inline_script_and_nothing_from_elsewhere() -> None:
    answer = create_app(World(node("a"))).test_client().get("/")

    policy = answer.headers["Content-Security-Policy"]
    assert "'unsafe" not in policy
    assert "default-src 'none'" in policy
    assert "require-trusted-types-for 'script'" in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert b"<style" not in answer.data
    assert b"style=" not in answer.data


def test_a_hostile_name_is_text_on_the_page() -> None:
    hostile = '<script>alert("x")</script>'
    page = create_app(World(node(hostile))).test_client().get("/").get_data(as_text=True)

    assert hostile not in page
    assert "&lt;script&gt;" in page


@pytest.mark.parametrize(
    ("path", "status"),
    [("/api/v1/tree/a", 200), ("/api/v1/tree/nobody", 404), ("/healthz", 200), ("/metrics", 200)],
)
def test_the_addresses_of_the_contract_answer(path: str, status: int) -> None:
    world = World(node("a"))
    world.trees["a"] = {"id": "eye", "children": []}

    answer = create_app(world).test_client().get(path)

    assert answer.status_code == status
    if status == 404:
        assert "nobody" in str(answer.get_json())


def test_data_is_never_cached_and_files_for_ever() -> None:
    client = create_app(World(node("a"))).test_client()
    page = client.get("/").get_data(as_text=True)
    static = page.split('rel="stylesheet" href="')[1].split('"')[0]

    assert client.get("/api/v1/nodes").headers["Cache-Control"] == "no-store"
    assert "immutable" in client.get("/" + static).headers["Cache-Control"]
