"""What programs and the page ask for over HTTP. What may be done from there is in `acting`.

    GET  api/v1/nodes?filter=…        all nodes (the JSON contract), or those that a filter means
    GET  api/v1/tree/NODE             the supervision tree of a node, or as it was: ?at=UTC
    GET  api/v1/past?at=UTC           the nodes as they were at a moment of the last hour
    GET  api/v1/sightings             who sees whom
    GET  api/v1/processes/NODE        its processes: ?sort=mailbox&limit=200
    GET  api/v1/recent/NODE           its last minutes, or days: ?metrics=host.cpu,node.memory&seconds=600&step=5
    GET  api/v1/history               what was, of many nodes: see `history_api`
    GET  api/v1/cost/NODE             what looking at it costs it
    GET  api/v1/events?after=N        what happened since the event of that number
    GET  api/v1/alerts                what the rules say: pending, firing, resolved
    GET  api/v1/filter?text=…         what a filter means, for a browser that evaluates it
    GET  api/v1/stream                what the WebSocket says, as Server-Sent Events

How errors are answered: see `answers`.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, g, request

from eye.errors import BadFilter
from eye.metrics.custom import metrics_of
from eye.metrics.filters import parse
from eye.monitor.sayings import say
from eye.web import encoder, guards
from eye.web.acting import add_actions
from eye.web.answers import answer, as_json, number, sentence
from eye.web.history_api import add_history
from eye.web.nodes import nodes_document
from eye.web.once import Once
from eye.web.socket_route import end_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eye.web.feed import Feed
    from eye.web.options import Options
    from eye.web.publisher import Publisher

_MOST_EVENTS = 200
_MOST_METRICS = 20
_LONGEST = 400 * 86400  # seconds that a graph reaches back
_HEARTBEAT = 15.0  # seconds


def add_api(blueprint: Blueprint, publisher: Publisher, options: Options) -> None:
    """Give the blueprint its addresses for programs."""
    view, once = publisher.view, Once()

    @blueprint.get("/api/v1/nodes", endpoint="nodes")
    def answer_nodes() -> Response:
        def ask() -> Any:
            wanted = parse(request.args.get("filter", ""), metrics_of(view.nodes()))
            nodes = view.fresh(options.timeout)
            return nodes_document([node for node in nodes if wanted.matches(node)], view.now())

        return answer(ask)

    @blueprint.get("/api/v1/tree/<node>", endpoint="tree")
    def answer_tree(node: str) -> Response:
        def ask() -> Any:
            at = _moment()
            return once.ask(("tree", node, at), lambda: view.tree(node, options.timeout, at=at))

        return answer(ask)

    @blueprint.get("/api/v1/past", endpoint="past")
    def answer_past() -> Response:
        return answer(lambda: view.past(_moment() or view.now(), timeout=options.timeout))

    @blueprint.get("/api/v1/sightings", endpoint="sightings")
    def answer_sightings() -> Response:
        return answer(lambda: once.ask("sightings", lambda: view.sightings(options.timeout)))

    @blueprint.get("/api/v1/processes/<node>", endpoint="processes")
    def answer_processes(node: str) -> Response:
        def ask() -> Any:
            limit = int(number("limit", 200, 1, 1000))
            sort = request.args.get("sort", "mailbox")
            return once.ask(
                ("processes", node, sort, limit),
                lambda: view.processes(node, sort=sort, limit=limit, timeout=options.timeout),
            )

        return answer(ask)

    @blueprint.get("/api/v1/recent/<node>", endpoint="recent")
    def answer_recent(node: str) -> Response:
        metrics = [name for name in request.args.get("metrics", "host.cpu").split(",") if name]
        if len(metrics) > _MOST_METRICS:
            return sentence(400, f"at most {_MOST_METRICS} metrics are answered at a time")
        return answer(
            lambda: view.graph(
                node,
                metrics,
                seconds=number("seconds", 600, 1, _LONGEST),
                step=number("step", 5, 0.1, 86400),
                timeout=options.timeout,
            )
        )

    @blueprint.get("/api/v1/cost/<node>", endpoint="cost")
    def answer_cost(node: str) -> Response:
        return answer(lambda: view.cost(node, options.timeout))

    @blueprint.get("/api/v1/events", endpoint="events")
    def answer_events() -> Response:
        return answer(lambda: events_document(view, int(number("after", 0, 0, 2**53))))

    @blueprint.get("/api/v1/alerts", endpoint="alerts")
    def answer_alerts() -> Response:
        return answer(lambda: {"version": 1, "at": view.now(), "alerts": view.alerts()})

    @blueprint.get("/api/v1/filter", endpoint="filter")
    def answer_filter() -> Response:
        text = request.args.get("text", "")
        try:
            return as_json({"version": 1, "text": text, "data": parse(text, metrics_of(view.nodes())).data})
        except BadFilter as error:
            told = {"error": str(error), "at": error.at, "problem": error.problem, "status": 400}
            return Response(encoder.encode(told) + "\n", status=400, content_type="application/json")

    @blueprint.get("/api/v1/stream", endpoint="stream")
    def answer_stream() -> Response:
        # What is not read piles up in the kernel and then ends the connection: see `guards`.
        guards.limit_unsent(request.environ)
        mine, ends = g.eye_seat, end_of(g.get("eye_link"), view)
        response = Response(_events(mine.feed, ends), content_type="text/event-stream")
        g.eye_seat = None  # it is given back when the stream ends, and not already when it begins
        response.call_on_close(mine.leave)
        response.headers["X-Accel-Buffering"] = "no"  # nginx would keep it all back
        return response

    add_history(blueprint, view)
    add_actions(blueprint, view, options)


def events_document(view: Any, after: int) -> dict[str, Any]:
    """Answer the events with greater numbers that are worth a line, the last 200 at most."""
    last, numbered = view.events_after(after)
    told = [
        {"number": number, "at": record["at"], "node": str(record["node"]), "mark": said[0], "text": said[1]}
        for number, record in numbered
        if (said := say(record)) is not None
    ]
    return {"version": 1, "at": view.now(), "last": last, "events": told[-_MOST_EVENTS:]}


def _events(feed: Feed, ends: float) -> Iterator[str]:
    epoch, sequence, spoke = "", -1, time.monotonic()
    while not feed.closed and time.monotonic() < ends:
        message = feed.since(epoch, sequence, timeout=1.0)
        if message is not None:
            epoch, sequence, text = message
            yield f"data: {text}\n\n"
        elif time.monotonic() - spoke < _HEARTBEAT:
            continue
        else:
            yield ": still here\n\n"  # a comment; a peer that is gone is noticed by it
        spoke = time.monotonic()


def _moment() -> float | None:
    return number("at", 0.0, 0.0, 1e11) if "at" in request.args else None
