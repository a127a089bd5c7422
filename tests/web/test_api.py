"""What the page asks for over HTTP, of a real node; and who may do something to it from there."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

import pytest

from eye.alerts.rules import Rule
from eye.alerts.verdict import Facts
from eye.errors import ConfigError
from eye.metrics.filters import condition
from eye.monitor.config import NodeConfig
from eye.monitor.node import Node
from eye.supervision import GenServer
from eye.testing import until
from eye.web.acting import ACTIONS
from eye.web.blueprint import create_app
from tests.web.world import World

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask.testing import FlaskClient

TOKEN = "a secret that nobody guesses"


class Counter(GenServer):
    """Something to be done to."""

    def init(self) -> None:
        self.count = 42


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    folder = tmp_path_factory.mktemp("node")
    environ = {"EYE_FOLDER": str(folder / "run"), "EYE_COOKIE_FILE": str(folder / "cookie")}
    node = Node.start(NodeConfig(name="looked-at", allow=frozenset({"kill", "state"})), environ=environ)
    until(lambda: node.view.recent("looked-at", ["host.cpu"], seconds=60, step=1)["points"])
    yield node
    node.stop()


@pytest.fixture
def page(node: Node) -> FlaskClient:
    return create_app(node, actions=TOKEN).test_client()


def ask(page: FlaskClient, path: str) -> tuple[int, Any]:
    answer = page.get(path)
    return answer.status_code, json.loads(answer.data)


@pytest.mark.parametrize(("filter", "names"), [("", ["looked-at"]), ("look", ["looked-at"]), ("status:down", [])])
def test_nodes_are_filtered(page: FlaskClient, filter: str, names: list[str]) -> None:
    status, told = ask(page, f"/api/v1/nodes?filter={filter}")

    assert (status, [each["node"] for each in told["nodes"]]) == (200, names)


def test_processes_are_sorted_and_cut_on_the_node(page: FlaskClient) -> None:
    status, told = ask(page, "/api/v1/processes/looked-at?sort=path&limit=2")

    paths = [each["path"] for each in told["processes"]]
    assert (status, len(paths), paths == sorted(paths)) == (200, 2, True)
    assert told["count"] > 2


def test_the_last_minutes(page: FlaskClient) -> None:
    status, told = ask(page, "/api/v1/recent/looked-at?metrics=host.cpu,host.memory_total&seconds=60&step=5")

    assert (status, told["step"], len(told["starts"])) == (200, 5.0, 13)
    assert told["points"].keys() == {"host.cpu", "host.memory_total"}
    assert all(len(point) == 3 for point in told["points"]["host.memory_total"] if point is not None)


def test_the_table_as_it_was(page: FlaskClient, node: Node) -> None:
    until(lambda: ask(page, "/api/v1/nodes")[1]["nodes"][0]["process"])
    (now,) = ask(page, "/api/v1/nodes")[1]["nodes"]  # by which its process id is known, which no ring has
    moments: list[float] = []

    def is_remembered() -> bool:
        moments.append(node.view.now() - 1)
        return any(one.host for one in node.view.past_nodes(moments[-1]))

    until(is_remembered)
    status, told = ask(page, f"/api/v1/past?at={moments[-1]}")

    (then,) = told["nodes"]
    assert status == 200
    assert then.keys() >= {"node", "status", "address", "seen_at", "host", "process", "since", "reason"}
    assert then["host"].keys() == now["host"].keys()
    assert then["process"]["pid"] == now["process"]["pid"]
    assert told["at"] - 4 < then["seen_at"] <= told["at"]


def test_the_tree_as_it_was(page: FlaskClient, node: Node) -> None:
    until(lambda: ask(page, f"/api/v1/tree/looked-at?at={node.view.now()}")[0] == 200)
    status, told = ask(page, f"/api/v1/tree/looked-at?at={node.view.now()}")

    assert (status, told["tree"]["name"]) == (200, "eye")
    assert told["as_of"] <= told["at"]


def test_who_sees_whom(page: FlaskClient) -> None:
    status, told = ask(page, "/api/v1/sightings")

    assert (status, told["nodes"], told["left_out"]) == (200, ["looked-at"], 0)
    assert told["rows"] == [{"node": "looked-at", "error": None, "sees": {}}]


def test_events_are_asked_for_by_number(page: FlaskClient, node: Node) -> None:
    node.view.crash("looked-at", "/eye/local/sampler")
    until(lambda: any("sampler#" in each["text"] for each in ask(page, "/api/v1/events")[1]["events"]))
    status, told = ask(page, "/api/v1/events?after=0")

    numbers = [each["number"] for each in told["events"]]
    assert status == 200
    assert numbers == sorted(numbers)
    assert {"number", "at", "node", "mark", "text"} == told["events"][0].keys()
    after_the_first = ask(page, f"/api/v1/events?after={numbers[0]}")[1]["events"]
    assert [each["number"] for each in after_the_first][: len(numbers) - 1] == numbers[1:]
    after_all = ask(page, f"/api/v1/events?after={told['last']}")[1]["events"]
    assert all(each["number"] > told["last"] for each in after_all)  # what has happened since


def test_a_filter_is_understood_for_the_browser(page: FlaskClient) -> None:
    assert ask(page, "/api/v1/filter?text=cpu%3E80")[1]["data"] == ["compare", "host", "cpu_percent", ">", 80.0]


def test_a_bad_filter_says_at_which_character(page: FlaskClient) -> None:
    status, told = ask(page, "/api/v1/filter?text=cpu%3E")

    assert (status, told["at"], told["problem"]) == (400, 4, "a number is expected after '>'")


@pytest.mark.parametrize(
    ("path", "status", "says"),
    [
        ("/api/v1/nodes?filter=cpu>", 400, "a number is expected"),
        ("/api/v1/processes/nobody", 404, "nobody"),
        ("/api/v1/processes/looked-at?sort=colour", 400, "sorted by"),
        ("/api/v1/processes/looked-at?limit=0", 400, "from 1 to 1000"),
        ("/api/v1/processes/looked-at?limit=many", 400, "from 1 to 1000"),
        ("/api/v1/recent/nobody", 404, "nobody"),
        ("/api/v1/past?at=1000", 404, "the last 3600 s"),
        ("/api/v1/past?at=now", 400, "at must be"),
        ("/api/v1/tree/looked-at?at=1000", 404, "no supervision trees of"),
        ("/api/v1/tree/nobody?at=1000", 404, "nobody"),
        ("/api/v1/recent/looked-at?seconds=nan", 400, "seconds must be a number from 1"),
        ("/api/v1/recent/looked-at?step=0", 400, "step must be"),
        ("/api/v1/recent/looked-at?metrics=" + ",".join("abcdefghijklmnopqrstuvwxyz"), 400, "at most 20"),
        ("/api/v1/events?after=-1", 400, "after must be"),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_sentence(
    page: FlaskClient, path: str, status: int, says: str
) -> None:
    answer = ask(page, path)

    assert answer[0] == status
    assert says in answer[1]["error"]


@pytest.mark.parametrize(
    ("method", "path", "status", "says"),
    [
        ("GET", "/api/v1/nobody-knows", 404, "nothing at this address"),
        ("GET", "/nothing", 404, "nothing at this address"),
        ("DELETE", "/api/v1/nodes", 405, "method"),
        ("GET", "/api/v1/gc/looked-at", 405, "method"),
        ("GET", "/ws", 400, "no request"),
    ],
)
def test_what_is_not_there_is_refused_with_a_sentence_too(
    page: FlaskClient, method: str, path: str, status: int, says: str
) -> None:
    answer = page.open(path, method=method)

    assert (answer.status_code, answer.json["status"]) == (status, status)
    assert says in answer.json["error"]
    assert ("Allow" in answer.headers) == (status == 405)


# ------------------------------------------------------------------------------------- the stream


@pytest.mark.parametrize("path", ["tree/looked-at", "processes/looked-at", "cost/looked-at", "recent/looked-at"])
def test_a_node_that_does_not_know_the_question_yet_is_a_sentence(
    page: FlaskClient, node: Node, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    def older(*_args: object, **_kwargs: object) -> None:
        raise LookupError("this node has no method agent.this")  # as it arrives from there

    for name in ("tree", "processes", "cost", "graph"):
        monkeypatch.setattr(node.view, name, older)

    status, told = ask(page, f"/api/v1/{path}")

    assert (status, told["error"]) == (502, "this node has no method agent.this")


def test_the_stream_says_what_the_socket_says(node: Node) -> None:
    app = create_app(node)
    publisher = app.extensions["eye"].publisher

    answer = app.test_client().get("/api/v1/stream", buffered=False)
    first = next(iter(answer.response))
    while_open = publisher.viewers
    answer.close()

    assert answer.content_type.startswith("text/event-stream")
    told = json.loads((first if isinstance(first, str) else first.decode()).removeprefix("data: "))
    assert (told["type"], [each["node"] for each in told["nodes"]]) == ("snapshot", ["looked-at"])
    assert told["events"] == node.view.events_after(0)[0]
    assert told["alerts"] == node.view.alerts_version
    assert (while_open, publisher.viewers) == (1, 0)


def test_a_stream_takes_a_seat_like_a_socket(node: Node) -> None:
    client = create_app(node, max_clients=1).test_client()
    first = client.get("/api/v1/stream", buffered=False)

    refused = client.get("/api/v1/stream")
    first.close()
    again = client.get("/api/v1/stream", buffered=False)
    again.close()

    assert (refused.status_code, again.status_code) == (503, 200)


def test_a_stream_is_refused_to_other_pages(page: FlaskClient) -> None:
    assert page.get("/api/v1/stream", headers={"Origin": "https://evil.example"}).status_code == 403


# ------------------------------------------------------------------------------------- what is done


def act(page: FlaskClient, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
    sent = {"X-Eye-Token": TOKEN, **{name.replace("_", "-"): value for name, value in headers.items()}}
    answer = page.post(path, json={} if body is None else body, headers=sent)
    return answer.status_code, json.loads(answer.data)


def test_garbage_is_collected_with_a_receipt_and_a_line_in_the_log(
    page: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        status, receipt = act(page, "/api/v1/gc/looked-at")

    assert (status, receipt["node"]) == (200, "looked-at")
    assert "looked-at was told from the web view, by 127.0.0.1, to collect garbage" in caplog.text
    assert "node looked-at: garbage collected for the web view, for 127.0.0.1" in caplog.text
    assert act(page, "/api/v1/gc/looked-at")[0] == 429


def test_what_a_collection_would_cost_is_told_and_nothing_is_done(page: FlaskClient) -> None:
    status, told = act(page, "/api/v1/gc/looked-at", {"estimate": True})
    _, again = act(page, "/api/v1/gc/looked-at", {"estimate": True})

    assert (status, told["node"]) == (200, "looked-at")
    assert told["objects"] > 1000
    assert again["allowed_in"] <= told["allowed_in"]  # a collection would have begun five seconds anew


def test_a_process_is_crashed(page: FlaskClient) -> None:
    told = act(page, "/api/v1/crash/looked-at", {"process": "/eye/local/chronicler", "reason": "to see it"})

    assert told == (200, {"version": 1, "process": "/eye/local/chronicler"})


def test_a_process_is_held_and_let_go_on_and_its_state_is_shown(
    page: FlaskClient, node: Node, caplog: pytest.LogCaptureFixture
) -> None:
    node.system.start(Counter, name="counter")

    held = act(page, "/api/v1/handle/looked-at", {"process": "counter", "deed": "suspend"})
    released = act(page, "/api/v1/handle/looked-at", {"process": "/counter", "deed": "resume"})
    state = act(page, "/api/v1/state/looked-at", {"process": "counter"})
    stopped = act(page, "/api/v1/handle/looked-at", {"process": "counter", "deed": "stop"})

    assert held == released == stopped == (200, {"version": 1, "path": "/counter"})
    assert (state[0], state[1]["path"], "42" in str(state[1])) == (200, "/counter", True)
    assert "looked-at was told from the web view, by 127.0.0.1, to suspend counter" in caplog.text


def test_what_cannot_be_done_to_a_process_is_a_sentence(page: FlaskClient) -> None:
    refused = act(page, "/api/v1/handle/looked-at", {"process": "/eye/local", "deed": "stop"})
    unknown = act(page, "/api/v1/handle/looked-at", {"process": "/eye/local", "deed": "explode"})

    assert (refused[0], "the node lives by it" in refused[1]["error"]) == (409, True)
    assert (unknown[0], "deed must be one of stop, restart, suspend, resume" in unknown[1]["error"]) == (400, True)


def test_what_looking_costs(page: FlaskClient) -> None:
    status, told = ask(page, "/api/v1/cost/looked-at")

    assert (status, told["node"], told["seconds"]) == (200, "looked-at", 10.0)


@pytest.mark.parametrize("body", [[], {}, {"process": 1}, {"process": ""}, {"process": "/eye", "reason": 1}, "x"])
def test_a_body_that_makes_no_sense_is_refused(page: FlaskClient, body: Any) -> None:
    assert act(page, "/api/v1/crash/looked-at", body)[0] == 400


@pytest.mark.parametrize("estimate", [1, "yes", None, []])
def test_what_may_have_been_meant_as_an_estimate_collects_nothing(page: FlaskClient, estimate: Any) -> None:
    status, told = act(page, "/api/v1/gc/looked-at", {"estimate": estimate})

    assert status == 400
    assert "estimate must be true or false" in told["error"]


def test_a_process_that_is_not_there(page: FlaskClient) -> None:
    status, told = act(page, "/api/v1/crash/looked-at", {"process": "/nobody"})

    assert (status, "/nobody" in told["error"]) == (404, True)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Origin": "http://localhost"}, 200),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "http://localhost:8080"}, 403),
        ({"Origin": "null"}, 403),
        ({"X-Eye-Token": ""}, 403),
        ({"X-Eye-Token": TOKEN[:-1]}, 403),
        ({"X-Eye-Token": "\xe9" * 20}, 403),
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": "application/x-www-form-urlencoded"}, 415),
    ],
)
@pytest.mark.parametrize("action", ["gc", "crash"])
def test_who_may_act(
    node: Node,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    action: str,
    headers: dict[str, str],
    status: int,
) -> None:
    done: list[str] = []
    monkeypatch.setattr(node.view, "collect_garbage", lambda name: done.append(name) or {})
    monkeypatch.setattr(node.view, "crash", lambda name, process, reason: done.append(name) or process)
    page = create_app(node, actions=TOKEN, origins=["https://friend.example"]).test_client()

    sent = {"X-Eye-Token": TOKEN, "Content-Type": "application/json", **headers}
    answer = page.post(f"/api/v1/{action}/looked-at", data='{"process": "/eye"}', headers=sent)

    assert (answer.status_code, bool(done)) == (status, status == 200)
    if status == 403:
        assert "was refused to 127.0.0.1" in caplog.text
        assert TOKEN[:-1] not in caplog.text


def test_a_page_that_may_look_may_not_act(node: Node) -> None:
    page = create_app(node, actions=TOKEN, origins=["https://friend.example"]).test_client()

    assert act(page, "/api/v1/gc/looked-at", Origin="https://friend.example")[0] == 403


@pytest.mark.parametrize("action", ACTIONS)
def test_nothing_can_be_done_unless_it_is_switched_on(node: Node, action: str) -> None:
    page = create_app(node).test_client()

    status, told = act(page, f"/api/v1/{action}/looked-at", {"process": "/eye"})

    assert (status, "create_blueprint(actions=TOKEN)" in told["error"]) == (404, True)
    assert ask(page, "/api/v1/actions")[1] == {"version": 1, "actions": [], "token": False}


def test_what_can_be_done_is_told(page: FlaskClient) -> None:
    assert ask(page, "/api/v1/actions")[1] == {"version": 1, "actions": [*ACTIONS], "token": True}


@pytest.mark.parametrize("secret", ["short", "", 12345678901234567890, b"x" * 20])
def test_a_secret_that_is_none_is_refused_and_not_repeated(node: Node, secret: Any) -> None:
    with pytest.raises(ConfigError, match="a secret of at least 16 characters") as refused:
        create_app(node, actions=secret)

    assert str(secret) not in str(refused.value) or secret == ""


def test_alerts_are_asked_for_when_their_version_is_another(page: FlaskClient, node: Node) -> None:
    ledger, rule = node._parts.alerts, Rule("down", condition("status:down"))
    before = node.view.alerts_version
    ledger.look([rule], [Facts("gone", "down", {})], 0.0, node.view.now())

    status, told = ask(page, "/api/v1/alerts")

    assert status == 200
    assert node.view.alerts_version > before
    assert [(one["rule"], one["node"], one["state"]) for one in told["alerts"]] == [("down", "gone", "firing")]
    assert told["alerts"][0].keys() == node.view.alerts()[0].keys()


def test_prometheus_is_told_of_all_nodes_or_of_this_one_alone(page: FlaskClient, node: Node) -> None:
    until(lambda: ask(page, "/api/v1/nodes")[1]["nodes"][0]["host"])
    everybody, own = page.get("/metrics"), page.get("/metrics/node")

    for answer in (everybody, own):
        assert (answer.status_code, answer.content_type) == (200, "text/plain; version=0.0.4; charset=utf-8")
        assert answer.text.count('sorcerers_eye_node_up{node="looked-at"} 1\n') == 1
    assert f'address="{node.address}"' in own.text
    assert "sorcerers_eye_node_memory_rss_bytes{" in own.text


def test_a_view_that_is_of_no_node_has_no_metrics_of_one() -> None:
    answer = create_app(World(), run_hub=lambda publisher: None).test_client().get("/metrics/node")

    assert answer.status_code == 404
    assert "/metrics has all" in answer.text
