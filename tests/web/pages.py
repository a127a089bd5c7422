"""A served page whose data addresses answer what a test has set; page, files and socket are the real ones."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

from flask import Response, request

from eye.errors import BadFilter
from eye.metrics.filters import parse
from eye.web import WebServer, create_app
from eye.web.nodes import nodes_document
from tests.web.world import MIB, START, World, node, tree

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.browser import Browser, Page

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


class Telling(World):
    """A world that says how far its events and alerts are, as a node's view does."""

    last_event = 0
    alerts_version = 0

    def events_after(self, number: int) -> tuple[int, list[Any]]:
        return self.last_event, []


class Answers:
    """What the data addresses answer, set by a test."""

    def __init__(self) -> None:
        self.world = Telling(node("alpha"), node("beta"), node("gamma", "down"))
        self.world.trees["alpha"] = tree("eye", children=[tree("sampler")])
        self.processes = [process("/eye/b", mailbox=9, mailbox_age=3.0), process("/eye/a", restarts=2)]
        self.events: list[dict[str, Any]] = []
        self.may: list[str] = []  # told by the stream, as is how far the events go
        self.sockets = True
        self.token = ""  # the only right one; "" takes all
        self.past_error = ""
        self.key: dict[str, Any] | None = None
        self.history = False
        self.sightings: dict[str, Any] = {"nodes": [], "rows": []}
        self._alerts: list[dict[str, Any]] = []
        self.broken = False
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.urls: list[str] = []  # all that was asked for
        self.over = threading.Event()
        app = create_app(self.world)
        app.before_request(self.answer)
        self.also: dict[str, Callable[[str], Response]] = {}  # pages of somebody else, by their paths
        publisher = self.publisher = app.extensions["eye"].publisher
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
        self.urls.append(request.full_path)
        if request.path in self.also:
            return self.also[request.path](request.path)
        what, _, rest = request.path.removeprefix("/api/v1/").partition("/")
        if request.path == "/ws" and not self.sockets:
            return Response("no sockets here", 501)
        if request.method == "POST":
            self.asked.append((request.path, {"token": request.headers.get("X-Eye-Token"), **request.get_json()}))
            if self.asked[-1][1].get("estimate"):
                what = "estimate"
            right = self.token in ("", request.headers.get("X-Eye-Token"))
            return self.done(what) if right else as_json({"error": "the token is missing or wrong"}, 403)
        if what == "tree" and "/" in rest:  # no node can have such a name, and no route takes it
            return as_json(self.world.tree(rest, 1.0))
        if what in ("recent", "processes", "alerts") and self.broken:
            return as_json({"error": f"node {rest} does not answer"}, 504)
        known = {
            "recent": self.recent,
            "processes": self.listed,
            "events": self.log,
            "filter": self.filter,
            "stream": self.stream,
            "me": lambda: as_json({"key": self.key, "actions": self.may, "history": self.history}),
            "sightings": lambda: as_json({"version": 1, "at": START, "left_out": 0, **self.sightings}),
            "past": self.past,
            "cost": self.cost,
            "alerts": lambda: as_json({"version": 1, "at": START, "alerts": self.alerts}),
        }
        return known[what]() if what in known else None

    def done(self, what: str) -> Response:
        return as_json(
            {
                "gc": {"collected": [10, 2, 0], "pause": 0.004, "rss_before": 50 * MIB, "rss_after": 48 * MIB},
                "estimate": {"objects": 41_000, "estimate": 0.0262, "allowed_in": 0.0},
                "crash": {"process": "/eye/b"},
                "handle": {"path": "/eye/b"},
                "state": {
                    "behaviour": "tests.Worker",
                    "status": "suspended",
                    "state": [["count", "7"], [HOSTILE, HOSTILE]],
                },
                "links": {"url": "?node=alpha&panel=tree&key=signed", "expires": START + 3600},
            }[what]
        )

    def past(self) -> Response:
        if self.past_error:
            return as_json({"error": self.past_error}, 400)
        at = float(request.args["at"])
        then = World(node("alpha"), node("long-gone"))
        return as_json(nodes_document(then.nodes(), at))

    def cost(self) -> Response:
        said = {"cpu_percent": 0.05, "requests": 3.1, "received": 300.0, "sent": 2600.0}
        askers = [{"who": "watcher", **said}, {"who": HOSTILE, **said, "sent": 0.0}]
        return as_json({"version": 1, "node": "alpha", "at": START, **said, "askers": askers})

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
        return as_json(
            {"version": 1, "node": "alpha", "at": START, "step": step, "starts": starts, "points": points}
        )

    def listed(self) -> Response:
        sort = request.args["sort"]
        rows = sorted(self.processes, key=lambda one: one["path"] if sort == "path" else -(one.get(sort) or 0))
        return as_json({"version": 1, "node": "alpha", "at": START, "count": len(rows), "processes": rows})

    def log(self) -> Response:
        after = int(request.args["after"])
        events = [one for one in self.events if one["number"] > after]
        return as_json({"version": 1, "at": START, "last": len(self.events), "events": events})

    def filter(self) -> Response:
        try:
            return as_json({"data": parse(request.args["text"]).data})
        except BadFilter as wrong:
            return as_json({"error": str(wrong), "at": wrong.at, "problem": wrong.problem}, 400)

    def stream(self) -> Response:
        whole = nodes_document(self.world.nodes(), START)["nodes"]
        snapshot = {"type": "snapshot", "version": 1, "epoch": "e", "seq": 1, "at": START, "node": "watcher"}
        told = {"events": self.world.last_event, "alerts": self.world.alerts_version}
        first = {**snapshot, "fields": ["status"], "nodes": whole, **told}

        def messages() -> Iterator[str]:
            yield f"data: {json.dumps(first)}\n\n"
            number = 1
            while not self.over.wait(0.3):
                number += 1
                told = {"events": self.world.last_event, "alerts": self.world.alerts_version}
                said = {"type": "alive", "seq": number, "at": START, **told}
                yield f"data: {json.dumps(said)}\n\n"

        return Response(messages(), content_type="text/event-stream")

    def happen(self, *texts: str) -> None:
        for text in texts:
            number = len(self.events) + 1
            said = {"number": number, "at": START + number, "node": "alpha", "mark": "↻", "text": text}
            self.events.append(said)
            self.world.last_event = number

    @property
    def alerts(self) -> list[dict[str, Any]]:
        return self._alerts

    @alerts.setter
    def alerts(self, alerts: list[dict[str, Any]]) -> None:
        self._alerts = alerts
        self.world.alerts_version += 1


def as_json(content: Any, status: int = 200) -> Response:
    return Response(json.dumps(content), status, content_type="application/json")


def opened(browser: Browser, answers: Answers, query: str = "", **size: Any) -> Page:
    page = browser.open(answers.url + query, **size)
    page.wait_for(f"{TEXT}.includes('alpha') && !{TEXT}.includes('not live')")
    return page


def write(page: Page, text: str) -> None:
    page.get(
        f"(() => {{ const box = {ROOT}.querySelector('.filter'); box.value = {json.dumps(text)};"
        " box.dispatchEvent(new Event('input')); })()"
    )
