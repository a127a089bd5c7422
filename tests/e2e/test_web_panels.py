"""The panels in a real browser: graphs, processes, events, filters, actions, and the way without sockets."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

import pytest
from flask import Response, request

from eye.errors import BadFilter
from eye.metrics.filters import parse
from eye.web import WebServer, create_app
from eye.web.nodes import nodes_document
from tests.browser import PROGRAM, Browser, Page
from tests.web.world import MIB, START, World, node, tree

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(PROGRAM is None, reason="no Chromium on this machine"),
    pytest.mark.xdist_group("browser"),
]

ROOT = "document.querySelector('sorcerers-eye').shadowRoot"
TEXT = f"{ROOT}.textContent"
HOSTILE = "<script>alert(1)</script>\u202e\x1b[31m" + "x" * 10_000


def process(path: str, **changes: Any) -> dict[str, Any]:
    made = {
        "path": path,
        "name": path,
        "kind": "worker",
        "module": "tests.Worker",
        "status": "running",
        "mailbox": 0,
    }
    return {**made, "mailbox_age": None, "handled": 7, "restarts": 0, **changes}


class Answers:
    """What the data addresses answer, set by a test; the page, its files and its socket are the real ones."""

    def __init__(self) -> None:
        self.world = World(node("alpha"), node("beta"), node("gamma", "down"))
        self.world.trees["alpha"] = tree("eye", children=[tree("sampler")])
        self.processes = [process("/eye/b", mailbox=9, mailbox_age=3.0), process("/eye/a", restarts=2)]
        self.events: list[dict[str, Any]] = []
        self.may: list[str] = []  # told by the stream, as is how far the events go
        self.sockets = True
        self.broken = False
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.over = threading.Event()
        app = create_app(self.world)
        app.before_request(self.answer)
        publisher = app.extensions["eye"].publisher
        self.server = WebServer(app)
        self.url = self.server.url

        def tick() -> None:
            while not self.over.wait(0.1):
                publisher.tick()

        self._ticker = threading.Thread(target=tick, daemon=True)
        self._ticker.start()

    def close(self) -> None:
        self.over.set()
        self._ticker.join(5)
        self.server.close()

    def answer(self) -> Response | None:
        what, _, rest = request.path.removeprefix("/api/v1/").partition("/")
        if request.path == "/ws" and not self.sockets:
            return Response("no sockets here", 501)
        if request.method == "POST":
            self.asked.append((request.path, {"token": request.headers.get("X-Eye-Token"), **request.get_json()}))
            return _json({"collected": 12, "pause": 0.004, "rss_before": 50 * MIB, "rss_after": 48 * MIB})
        if what in ("recent", "processes") and self.broken:
            return _json({"error": f"node {rest} does not answer"}, 504)
        known = {
            "recent": self.recent,
            "processes": self.listed,
            "events": self.log,
            "filter": self.filter,
            "stream": self.stream,
            "actions": lambda: _json({"actions": self.may, "token": True}),
        }
        return known[what]() if what in known else None

    def recent(self) -> Response:
        seconds, step = float(request.args["seconds"]), float(request.args["step"])
        count = int(seconds / step) + 1
        starts = [START - seconds + number * step for number in range(count)]
        total = 24.0 * 1024 * MIB
        tops = {"host.cpu": 0.4, "host.memory": total / 3, "node.cpu": 0.02, "node.memory": 46.0 * MIB}
        tops |= {"host.processes": 200.0, "node.restarts": 3.0}
        points: dict[str, list[list[float] | None]] = {"host.memory_total": [[total] * 3] * count}
        for name, top in tops.items():
            wave = [top * (0.4 + 0.3 * ((number * 7) % 13) / 13) for number in range(count)]
            points[name] = [[mean, mean * 0.8, mean * 1.3] for mean in wave]
            for gone in range(count // 3, count // 3 + 5):
                points[name][gone] = None
        points["node.restarts"] = [[float(number * 3 // count)] * 3 for number in range(count)]
        return _json(
            {"version": 1, "node": "alpha", "at": START, "step": step, "starts": starts, "points": points}
        )

    def listed(self) -> Response:
        sort = request.args["sort"]
        rows = sorted(self.processes, key=lambda one: one["path"] if sort == "path" else -(one.get(sort) or 0))
        return _json({"version": 1, "node": "alpha", "at": START, "count": len(rows), "processes": rows})

    def log(self) -> Response:
        after = int(request.args["after"])
        events = [one for one in self.events if one["number"] > after]
        return _json({"version": 1, "at": START, "last": len(self.events), "events": events})

    def filter(self) -> Response:
        try:
            return _json({"data": parse(request.args["text"]).data})
        except BadFilter as wrong:
            return _json({"error": str(wrong), "at": wrong.at, "problem": wrong.problem}, 400)

    def stream(self) -> Response:
        whole = nodes_document(self.world.nodes(), START)["nodes"]
        snapshot = {"type": "snapshot", "version": 1, "epoch": "e", "seq": 1, "at": START, "node": "watcher"}
        first = {**snapshot, "fields": ["status"], "nodes": whole, "events": len(self.events)}

        def messages() -> Iterator[str]:
            yield f"data: {json.dumps(first)}\n\n"
            number = 1
            while not self.over.wait(0.3):
                number += 1
                said = {"type": "alive", "seq": number, "at": START, "events": len(self.events)}
                yield f"data: {json.dumps(said)}\n\n"

        return Response(messages(), content_type="text/event-stream")

    def happen(self, *texts: str) -> None:
        for text in texts:
            number = len(self.events) + 1
            said = {"number": number, "at": START + number, "node": "alpha", "mark": "↻", "text": text}
            self.events.append(said)


def _json(content: Any, status: int = 200) -> Response:
    return Response(json.dumps(content), status, content_type="application/json")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser() as browser:
        yield browser


@pytest.fixture
def answers() -> Iterator[Answers]:
    answers = Answers()
    yield answers
    answers.close()


def opened(browser: Browser, answers: Answers, query: str = "", **size: Any) -> Page:
    page = browser.open(answers.url + query, **size)
    page.wait_for(f"{TEXT}.includes('alpha') && !{TEXT}.includes('not live')")
    return page


def write(page: Page, text: str) -> None:
    page.get(
        f"(() => {{ const box = {ROOT}.querySelector('.filter'); box.value = {json.dumps(text)};"
        " box.dispatchEvent(new Event('input')); })()"
    )


def test_graphs_show_the_last_minutes_with_their_gaps(browser: Browser, answers: Answers) -> None:
    page = opened(browser, answers, "?node=alpha&panel=graphs")

    page.wait_for(f"{ROOT}.querySelectorAll('figure .mean[d]').length === 6")

    assert page.get(f"{ROOT}.querySelector('figure .mean').getAttribute('d').split('M').length") == 3
    assert page.get(f"{ROOT}.querySelectorAll('figure')[1].textContent").endswith("24GB")
    assert page.messages == []


def test_the_keyboard_reads_a_moment_of_the_graphs(browser: Browser, answers: Answers) -> None:
    page = opened(browser, answers, "?node=alpha&panel=graphs")
    page.wait_for(f"{ROOT}.querySelector('.graphs input')?.getAttribute('aria-valuetext')?.startsWith('now')")

    page.get(f"{ROOT}.querySelector('.graphs input').focus()")
    page.press("ArrowLeft", "ArrowLeft")

    page.wait_for(f"{ROOT}.querySelector('.moment').textContent.endsWith('10 s ago')")
    assert "machine CPU" in page.get(f"{ROOT}.querySelector('.graphs input').getAttribute('aria-valuetext')")


def test_the_span_of_the_graphs_stands_in_the_address(browser: Browser, answers: Answers) -> None:
    page = opened(browser, answers, "?node=alpha&panel=graphs")
    page.wait_for(f"{ROOT}.querySelector('.graphs .choice')")

    page.get(f"[...{ROOT}.querySelectorAll('.graphs .choice button')].at(-1).click()")

    page.wait_for("new URLSearchParams(location.search).get('span') === '3600'")
    page.wait_for(f"{ROOT}.querySelector('figure svg').getAttribute('viewBox') === '0 0 120 100'")


def test_processes_are_sorted_on_the_node(browser: Browser, answers: Answers) -> None:
    page = opened(browser, answers, "?node=alpha&panel=processes")
    first = f"{ROOT}.querySelector('.list tbody th .name')?.textContent"
    page.wait_for(f"{first} === '/eye/b'")

    page.get(f"{ROOT}.querySelector('.list thead button').click()")

    page.wait_for(f"{first} === '/eye/a'")
    assert page.get(f"{ROOT}.querySelector('.list thead th').getAttribute('aria-sort')") == "ascending"


def test_a_list_that_is_no_longer_answered_says_how_old_it_is(browser: Browser, answers: Answers) -> None:
    page = opened(browser, answers, "?node=alpha&panel=processes")
    page.wait_for(f"{TEXT}.includes('/eye/b')")

    answers.broken = True

    page.wait_for(f"{TEXT}.includes('does not answer – shown as it was')")


def test_a_filter_is_one_of_the_one_language(browser: Browser, answers: Answers) -> None:
    page = opened(browser, answers)
    write(page, "status:down or cpu>80")
    page.wait_for(f"{TEXT}.includes('1 of 3')")

    answers.world.change("beta", host={"cpu": 0.9})

    page.wait_for(f"{TEXT}.includes('2 of 3')")
    assert page.get("new URLSearchParams(location.search).get('filter')") == "status:down or cpu>80"


def test_a_wrong_filter_is_pointed_at_and_the_one_before_holds(browser: Browser, answers: Answers) -> None:
    page = opened(browser, answers, "?filter=alpha")
    page.wait_for(f"{TEXT}.includes('1 of 3')")

    write(page, "cpu>fast")

    page.wait_for(f"{ROOT}.querySelector('.wrong mark')?.textContent === 'f'")
    assert "a number is expected" in page.get(f"{ROOT}.querySelector('.wrong').textContent")
    assert page.get(f"{ROOT}.querySelector('.filter').getAttribute('aria-invalid')") == "true"
    assert page.get(f"{ROOT}.querySelector('.grid').getAttribute('aria-rowcount')") == "2"


def test_without_sockets_the_same_messages_come_as_a_stream(browser: Browser, answers: Answers) -> None:
    answers.sockets = False
    answers.happen("sampler was restarted")
    page = opened(browser, answers)
    page.wait_for(f"{TEXT}.includes('sampler was restarted')")

    answers.happen("and again", HOSTILE)

    page.wait_for(f"{ROOT}.querySelectorAll('.events li').length === 3")
    assert page.get(f"{ROOT}.querySelector('.events .words').textContent.length") < 200
    assert page.get(f"{ROOT}.querySelectorAll('script').length") == 0


def test_an_action_is_asked_twice_and_gives_a_receipt(browser: Browser, answers: Answers) -> None:
    answers.may = ["gc", "crash"]
    answers.sockets = False
    page = opened(browser, answers, "?node=alpha&panel=processes")
    page.wait_for(f"{ROOT}.querySelector('.may-crash .crash')")

    page.get(f"{ROOT}.querySelector('.crash').click()")
    page.wait_for(f"{ROOT}.querySelector('dialog').open")
    assert answers.asked == []
    page.get(f"{ROOT}.querySelector('dialog input').value = 'secret'")
    page.get(f"{ROOT}.querySelector('dialog button:last-child').click()")

    page.wait_for(f"{ROOT}.querySelector('.receipt').textContent.includes('/eye/b was crashed')")
    (path, said), *more = answers.asked
    assert (path, said["token"], said["process"]) == ("/api/v1/crash/alpha", "secret", "/eye/b")
    assert more == []


def test_escape_calls_an_action_off_and_leaves_the_panel_open(browser: Browser, answers: Answers) -> None:
    answers.may = ["gc"]
    answers.sockets = False
    page = opened(browser, answers, "?node=alpha")
    page.wait_for(f"{ROOT}.querySelector('.panel header button:not([hidden])')?.textContent === 'Collect garbage'")

    page.get(f"{ROOT}.querySelector('.panel header button').click()")
    page.press("Escape")

    page.wait_for(f"!{ROOT}.querySelector('dialog').open")
    assert not page.get(f"{ROOT}.querySelector('.panel').hidden")
    assert answers.asked == []


def test_nothing_can_be_done_where_nothing_may_be(browser: Browser, answers: Answers) -> None:
    answers.sockets = False
    page = opened(browser, answers, "?node=alpha&panel=processes")
    page.wait_for(f"{TEXT}.includes('/eye/b')")

    assert page.get(f"getComputedStyle({ROOT}.querySelector('.crash')).display") == "none"
    assert page.get(f"{ROOT}.querySelector('.panel header button').hidden")


def test_hostile_processes_are_only_text(browser: Browser, answers: Answers) -> None:
    answers.processes = [process(HOSTILE, module=HOSTILE, status=HOSTILE)]
    page = opened(browser, answers, "?node=alpha&panel=processes")

    page.wait_for(f"{TEXT}.includes('<script>alert(1)')")

    assert page.get(f"{ROOT}.querySelectorAll('script').length") == 0
    assert "\u202e" not in page.get(TEXT)
    assert page.messages == []


@pytest.mark.parametrize("panel", ["graphs", "tree", "processes"])
def test_no_panel_scrolls_sideways_on_a_phone(browser: Browser, answers: Answers, panel: str) -> None:
    page = opened(browser, answers, f"?node=alpha&panel={panel}", width=390, height=844)
    page.wait_for(f"{ROOT}.querySelector('.sheet').scrollHeight > 40")

    assert page.get("document.documentElement.scrollWidth") <= 390
    assert page.get(f"{ROOT}.querySelector('.sheet').scrollWidth <= {ROOT}.querySelector('.sheet').clientWidth")


def test_the_page_is_told_what_is_looked_at(browser: Browser, answers: Answers) -> None:
    page = opened(browser, answers)
    page.get("document.addEventListener('eye-select', (event) => (window.chosen = event.detail.node))")

    page.get(f"{ROOT}.querySelector('.row').dispatchEvent(new MouseEvent('click', {{ bubbles: true }}))")

    assert page.wait_for("window.chosen") == "alpha"
    page.wait_for("new URLSearchParams(location.search).get('node') === 'alpha'")
