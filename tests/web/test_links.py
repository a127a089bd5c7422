"""Signed links: what they open, for how long, and that nothing else opens by them."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eye.errors import ConfigError, LinkRefused
from eye.web import create_app, links
from eye.web.links import LONGEST, PANELS, SHORTEST, Link
from eye.web.publisher import _MOST_ALONE
from tests.web.world import START, World, node, tree

if TYPE_CHECKING:
    from flask.testing import FlaskClient

TOKEN = "a secret that nobody guesses"
SECRET = b"s" * 32


# ------------------------------------------------------------------------------------- pure


@pytest.mark.parametrize("name", [None, "web-1", "ünï <script>"])
@pytest.mark.parametrize("panel", PANELS)
def test_what_was_signed_is_read_again_until_its_time_is_over(name: str | None, panel: str) -> None:
    link = links.make(name, panel, 3600, START)
    key = links.sign(link, SECRET)

    assert links.read(key, SECRET, START + 3599) == link == Link(name, panel, int(START) + 3600)
    with pytest.raises(LinkRefused, match="its time is over"):
        links.read(key, SECRET, START + 3600)


def test_another_secret_takes_all_links_back() -> None:
    key = links.sign(links.make("a", "tree", 60, START), SECRET)

    with pytest.raises(LinkRefused, match="secret has changed"):
        links.read(key, b"t" * 32, START)


@given(st.binary(max_size=80), st.integers(0, 10_000), st.sampled_from(["flip", "cut", "other"]))
def test_whoever_changes_a_key_has_none(noise: bytes, place: int, how: str) -> None:
    key = links.sign(Link("a", "tree", int(START) + 60), SECRET)
    place %= len(key)
    changed = {
        "flip": key[:place] + ("A" if key[place] != "A" else "B") + key[place + 1 :],
        "cut": key[:place],
        "other": base64.urlsafe_b64encode(noise).decode() + "." + key.partition(".")[2],
    }[how]

    try:
        read = links.read(changed, SECRET, START)
    except LinkRefused:
        return
    # Base64 has spare bits at its end: another way to write the very same key.
    assert read == Link("a", "tree", int(START) + 60)


@given(st.text(max_size=300))
def test_what_is_no_key_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(LinkRefused, match="this link is not valid"):
        links.read(text, SECRET, START)


@pytest.mark.parametrize(
    ("panel", "endpoint", "asked", "is_open"),
    [
        ("tree", "tree", ["a"], True),
        ("tree", "tree", ["b"], False),
        ("tree", "tree", [], True),
        ("tree", "processes", ["a"], False),
        ("graphs", "recent", ["a"], True),
        ("graphs", "history", ["a"], True),
        ("graphs", "history", ["a", "b"], False),
        ("graphs", "history", ["*"], False),
        ("graphs", "history", [], False),
        ("nodes", "nodes", [], True),
        ("nodes", "sightings", [], False),
        *(("tree", endpoint, ["a"], True) for endpoint in ("page", "ws", "stream", "me")),
        *(
            (panel, endpoint, ["a"], False)
            for panel in PANELS
            for endpoint in ("gc", "crash", "handle", "state", "links", "metrics", "cost", "", "anything new")
        ),
    ],
)
def test_what_a_link_to_one_panel_of_one_node_opens(
    panel: str, endpoint: str, asked: list[str], is_open: bool
) -> None:
    assert links.opens(Link("a", panel, 0), endpoint, asked) is is_open


def test_a_link_to_all_nodes_opens_that_panel_of_each() -> None:
    link = Link(None, "nodes", 0)

    assert links.opens(link, "sightings", [])
    assert links.opens(Link(None, "tree", 0), "tree", ["b"])
    assert not links.opens(link, "tree", ["a"])


@pytest.mark.parametrize(
    ("wish", "says"),
    [
        ({"node": 1, "panel": "tree", "seconds": 60}, "node must be"),
        ({"node": "", "panel": "tree", "seconds": 60}, "node must be"),
        ({"node": "x" * 201, "panel": "tree", "seconds": 60}, "node must be"),
        ({"node": "a", "panel": "kill", "seconds": 60}, "panel must be one of nodes, graphs"),
        ({"node": "a", "panel": ["tree"], "seconds": 60}, "panel must be one of nodes, graphs"),
        ({"node": "a", "panel": "tree", "seconds": SHORTEST - 1}, "from 60 to 2592000"),
        ({"node": "a", "panel": "tree", "seconds": LONGEST + 1}, "from 60 to 2592000"),
        ({"node": "a", "panel": "tree", "seconds": True}, "from 60 to 2592000"),
        ({"node": "a", "panel": "tree", "seconds": float("nan")}, "from 60 to 2592000"),
        ({"node": "a", "panel": "tree", "seconds": None}, "from 60 to 2592000"),
    ],
)
def test_a_wish_that_makes_no_sense_is_refused(wish: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        links.make(**wish, now=START)


def test_lists_lose_what_is_of_others() -> None:
    document = {"version": 1, "nodes": [{"node": "a"}, {"node": "b"}, {"x": 1}, "text"], "last": 3}

    assert links.narrow(document, "a") == {"version": 1, "nodes": [{"node": "a"}, {"x": 1}, "text"], "last": 3}


# ------------------------------------------------------------------------------------- over HTTP


class Busy(World):
    """A world in which things happen, to both nodes."""

    def __init__(self) -> None:
        super().__init__(node("a"), node("b", "down"))
        self.trees = {"a": tree(), "b": tree()}
        self.records: list[dict[str, Any]] = []

    def events_after(self, number: int) -> tuple[int, list[tuple[int, dict[str, Any]]]]:
        numbered = list(enumerate(self.records, start=1))
        return len(numbered), numbered[min(number, len(numbered)) :]

    def happen(self, name: str) -> None:
        self.records.append({"at": START, "node": name, "what": "node_down", "reason": "silent", "seen_by": "c"})


@pytest.fixture
def world() -> Busy:
    return Busy()


@pytest.fixture
def page(world: Busy) -> FlaskClient:
    return create_app(world, actions=TOKEN, links="0123456789abcdef", authorize=refuse_strangers).test_client()


def refuse_strangers(request: Any) -> bool:
    return bool(request.headers.get("Authorization") == "me")


def wish(page: FlaskClient, node: Any = "a", panel: Any = "tree", seconds: Any = 3600, **headers: str) -> Any:
    sent = {"X-Eye-Token": TOKEN, "Authorization": "me", **{k.replace("_", "-"): v for k, v in headers.items()}}
    wanted = {"node": node, "panel": panel, "seconds": seconds}
    return page.post("/api/v1/links", json=wanted, headers=sent)


def key_of(page: FlaskClient, **wanted: Any) -> str:
    return str(parse_qs(wish(page, **wanted).get_json()["url"][1:])["key"][0])


def test_a_link_is_made_by_who_has_the_token(page: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
    answer = wish(page).get_json()

    assert answer["expires"] == int(START) + 3600
    assert parse_qs(answer["url"][1:]).keys() == {"node", "panel", "key"}
    assert "a link to tree of a" in caplog.text
    assert parse_qs(answer["url"][1:])["key"][0] not in caplog.text


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"X_Eye_Token": ""}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Sec_Fetch_Site": "cross-site"}, 403),
        ({"Authorization": "nobody"}, 403),
    ],
)
def test_nobody_else_makes_links(page: FlaskClient, headers: dict[str, str], status: int) -> None:
    assert wish(page, **headers).status_code == status


def test_no_link_is_made_where_there_are_none(world: Busy) -> None:
    page = create_app(world, actions=TOKEN).test_client()

    answer = wish(page)

    assert (answer.status_code, "create_blueprint(links=True)" in answer.get_json()["error"]) == (400, True)
    assert page.get("/api/v1/nodes?key=nonsense").status_code == 200  # nothing but a word nobody asked for


def test_a_wish_that_is_nested_without_end_gets_a_sentence(page: FlaskClient) -> None:
    sent = {"X-Eye-Token": TOKEN, "Authorization": "me", "Content-Type": "application/json"}
    answer = page.post("/api/v1/links", data="[" * 4000, headers=sent)

    assert (answer.status_code, answer.get_json()["error"]) == (400, "send a JSON object")


def test_a_wish_that_makes_no_sense_gets_a_sentence(page: FlaskClient) -> None:
    assert wish(page, panel="everything").status_code == 400
    assert wish(page, seconds=LONGEST + 1).status_code == 400


GETS = (
    "/", "/api/v1/me", "/api/v1/actions", "/api/v1/nodes", "/api/v1/filter?text=up", "/api/v1/tree/a",
    "/api/v1/tree/b", "/api/v1/processes/a", "/api/v1/recent/a", "/api/v1/cost/a", "/api/v1/events", "/metrics",
)  # fmt: skip


@pytest.mark.parametrize("path", GETS)
@pytest.mark.parametrize("panel", ["tree", "nodes", "events"])
def test_a_link_opens_its_own_and_nothing_else(page: FlaskClient, path: str, panel: str) -> None:
    key = key_of(page, panel=panel)
    is_own = (path in {"/api/v1/tree/a"} and panel == "tree") or (path == "/api/v1/events" and panel == "events")
    is_open = is_own or path in GETS[:5]

    answer = page.get(path + ("&" if "?" in path else "?") + f"key={key}")

    assert answer.status_code == (200 if is_open else 403)
    assert "b" not in [each["node"] for each in (answer.get_json(silent=True) or {}).get("nodes", [])]
    assert page.get(path).status_code == 403  # without it, the host's own login decides
    if not is_open:
        assert answer.get_json()["error"] == f"this link shows {panel} of node 'a' and nothing else"


def test_the_page_behind_a_link_shows_that_node_and_tells_nobody_its_key(page: FlaskClient) -> None:
    answer = page.get(f"/?node=a&panel=tree&key={key_of(page)}")

    text = answer.get_data(as_text=True)
    assert (">a<" in text, ">b<" in text) == (True, False)
    assert answer.headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize("path", ["gc/a", "crash/a", "handle/a", "state/a", "links"])
def test_nothing_is_done_with_a_link_not_even_with_the_token(page: FlaskClient, path: str) -> None:
    sent = {"X-Eye-Token": TOKEN, "Authorization": "me"}

    answer = page.post(f"/api/v1/{path}?key={key_of(page)}", json={"process": "/eye"}, headers=sent)

    assert answer.status_code == 403


def test_who_came_with_a_link_is_told_so(page: FlaskClient) -> None:
    mine = page.get(f"/api/v1/me?key={key_of(page)}").get_json()
    own = page.get("/api/v1/me", headers={"Authorization": "me"}).get_json()

    assert mine["key"] == {"node": "a", "panel": "tree", "expires": int(START) + 3600}
    assert (mine["actions"], mine["login"]) == ([], None)
    assert own["key"] is None
    assert own["actions"] == ["gc", "crash", "handle", "state", "links"]


def test_a_link_that_is_no_more_valid_is_said_so_once(
    page: FlaskClient, world: Busy, caplog: pytest.LogCaptureFixture
) -> None:
    key = key_of(page)
    world.time += 3600

    answers = [page.get(f"/api/v1/tree/a?key={key}") for _ in range(3)]

    assert {answer.status_code for answer in answers} == {403}
    assert "its time is over" in answers[0].get_json()["error"]
    assert caplog.text.count("refused a signed link of 127.0.0.1: its time is over") == 1


def first_of(answer: Any) -> dict[str, Any]:
    said = next(iter(answer.response))
    return dict(json.loads((said if isinstance(said, str) else said.decode()).removeprefix("data: ")))


def test_the_stream_of_a_link_carries_that_node_alone(page: FlaskClient, world: Busy) -> None:
    world.happen("b")
    world.happen("a")
    world.happen("b")
    key = key_of(page)

    answer = page.get(f"/api/v1/stream?key={key}", buffered=False)
    told = first_of(answer)
    answer.close()

    assert [each["node"] for each in told["nodes"]] == ["a"]
    assert told["events"] == 2  # that of its own; of the others' not even the number


def test_events_of_a_link_are_those_of_its_node(page: FlaskClient, world: Busy) -> None:
    world.happen("a")
    world.happen("b")

    told = page.get(f"/api/v1/events?key={key_of(page, panel='events')}").get_json()

    assert [each["node"] for each in told["events"]] == ["a"]


def test_all_who_watch_one_node_share_one_encoding_and_one_seat_each(page: FlaskClient) -> None:
    publisher = page.application.extensions["eye"].publisher
    key = key_of(page)

    answers = [page.get(f"/api/v1/stream?key={key}", buffered=False) for _ in range(3)]
    told = [first_of(answer) for answer in answers]
    watching = publisher.viewers
    (alone,) = publisher._alone.values()
    for answer in answers:
        answer.close()

    assert told[0] == told[1] == told[2]
    assert (watching, alone.snapshots, publisher.snapshots, publisher.viewers) == (3, 1, 0, 0)


def test_so_many_nodes_are_watched_alone_and_no_more() -> None:
    world = World(*(node(f"n{number}") for number in range(_MOST_ALONE + 1)))
    page = create_app(world, actions=TOKEN, links=True, max_clients=100).test_client()
    keys = [key_of(page, node=f"n{number}") for number in range(_MOST_ALONE + 1)]

    answers = [page.get(f"/api/v1/stream?key={key}", buffered=False) for key in keys]
    codes = [answer.status_code for answer in answers]
    for answer in answers[:-1]:
        answer.close()
    again = page.get(f"/api/v1/stream?key={keys[-1]}", buffered=False)
    again.close()

    assert codes == [200] * _MOST_ALONE + [503]
    assert again.status_code == 200  # those that nobody watches any more have made room


def test_the_streams_of_links_end_with_the_view(page: FlaskClient) -> None:
    blueprint = page.application.extensions["eye"]
    answer = page.get(f"/api/v1/stream?key={key_of(page)}", buffered=False)
    first_of(answer)

    blueprint.feed.close()

    assert list(answer.response) == []
    answer.close()
    assert blueprint.publisher.wait_until_empty(5)


@pytest.mark.parametrize("links", ["short", 1, None, b"x" * 20])
def test_a_secret_that_is_none_is_refused_and_not_repeated(links: Any) -> None:
    with pytest.raises(ConfigError, match=r"links must be True, False, or a secret") as refused:
        create_app(World(), actions=TOKEN, links=links)

    assert "short" not in str(refused.value)


def test_links_need_somebody_who_may_make_them() -> None:
    with pytest.raises(ConfigError, match="links needs actions=TOKEN too"):
        create_app(World(), links=True)
