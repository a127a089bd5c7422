"""What programs and the page ask for over HTTP, and what may be done to nodes from there.

    GET  api/v1/nodes?filter=…        all nodes (the JSON contract), or those that a filter means
    GET  api/v1/tree/NODE             the supervision tree of a node, or as it was: ?at=UTC
    GET  api/v1/past?at=UTC           the nodes as they were at a moment of the last hour
    GET  api/v1/sightings             who sees whom
    GET  api/v1/processes/NODE        its processes: ?sort=mailbox&limit=200
    GET  api/v1/recent/NODE           its last minutes: ?metrics=host.cpu,node.memory&seconds=600&step=5
    GET  api/v1/events?after=N        what happened since the event of that number
    GET  api/v1/filter?text=…         what a filter means, for a browser that evaluates it
    GET  api/v1/stream                what the WebSocket says, as Server-Sent Events
    GET  api/v1/actions               what may be done from here
    POST api/v1/gc/NODE               garbage collection; answers its receipt
    POST api/v1/crash/NODE            {"process": "/eye/local/sampler", "reason": "…"}

An error is one sentence, `{"error": …}`: 400 a parameter makes no sense, 403 the node or this view does not allow
it, 404 nobody knows that, 503 the node is down, 504 it did not answer in time.
"""

from __future__ import annotations

import hmac
import logging
import math
import time
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, g, request

from eye.errors import (
    ActionRefused,
    ActionTooSoon,
    BadFilter,
    CannotHandle,
    ConfigError,
    DeadlineExceeded,
    EyeError,
    NodeDown,
    NodeUnreachable,
    NothingKept,
    UnknownNode,
    UnknownProcess,
)
from eye.metrics.filters import parse
from eye.monitor.sayings import say
from eye.web import encoder, guards
from eye.web.doorkeeper import sentence
from eye.web.nodes import nodes_document

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from eye.web.feed import Feed
    from eye.web.options import Options
    from eye.web.publisher import Publisher

logger = logging.getLogger("eye.web")

ACTIONS = ("gc", "crash")
"""What can be done from a page, where `create_blueprint(actions=…)` switches it on."""

_MOST_EVENTS = 200
_MOST_METRICS = 20
_MOST_BODY = 10_000  # bytes
_HEARTBEAT = 15.0  # seconds
_STATUS_OF: tuple[tuple[type[EyeError], int], ...] = (
    (UnknownNode, 404),
    (UnknownProcess, 404),
    (NothingKept, 404),
    (ActionRefused, 403),
    (ActionTooSoon, 429),
    (CannotHandle, 409),
    (BadFilter, 400),
    (ConfigError, 400),
    (DeadlineExceeded, 504),
    (NodeDown, 503),
    (NodeUnreachable, 503),
    (EyeError, 502),  # the node answered, but with an error of its own
)


def add_api(blueprint: Blueprint, publisher: Publisher, options: Options) -> None:
    """Give the blueprint its addresses for programs."""
    view = publisher.view

    @blueprint.get("/api/v1/nodes", endpoint="nodes")
    def answer_nodes() -> Response:
        def answer() -> Any:
            wanted = parse(request.args.get("filter", ""))
            nodes = view.fresh(options.timeout)
            return nodes_document([node for node in nodes if wanted.matches(node)], view.now())

        return _answer(answer)

    @blueprint.get("/api/v1/tree/<node>", endpoint="tree")
    def answer_tree(node: str) -> Response:
        return _answer(lambda: view.tree(node, options.timeout, at=_moment()))

    @blueprint.get("/api/v1/past", endpoint="past")
    def answer_past() -> Response:
        return _answer(lambda: view.past(_moment() or view.now(), timeout=options.timeout))

    @blueprint.get("/api/v1/sightings", endpoint="sightings")
    def answer_sightings() -> Response:
        return _answer(lambda: view.sightings(options.timeout))

    @blueprint.get("/api/v1/processes/<node>", endpoint="processes")
    def answer_processes(node: str) -> Response:
        def answer() -> Any:
            limit = int(_number("limit", 200, 1, 1000))
            sort = request.args.get("sort", "mailbox")
            return view.processes(node, sort=sort, limit=limit, timeout=options.timeout)

        return _answer(answer)

    @blueprint.get("/api/v1/recent/<node>", endpoint="recent")
    def answer_recent(node: str) -> Response:
        metrics = [name for name in request.args.get("metrics", "host.cpu").split(",") if name]
        if len(metrics) > _MOST_METRICS:
            return sentence(400, f"at most {_MOST_METRICS} metrics are answered at a time")
        return _answer(
            lambda: view.recent(
                node,
                metrics,
                seconds=_number("seconds", 600, 1, 3600),
                step=_number("step", 5, 0.1, 3600),
                timeout=options.timeout,
            )
        )

    @blueprint.get("/api/v1/events", endpoint="events")
    def answer_events() -> Response:
        return _answer(lambda: events_document(view, int(_number("after", 0, 0, 2**53))))

    @blueprint.get("/api/v1/filter", endpoint="filter")
    def answer_filter() -> Response:
        text = request.args.get("text", "")
        try:
            return _json({"version": 1, "text": text, "data": parse(text).data})
        except BadFilter as error:
            told = {"error": str(error), "at": error.at, "problem": error.problem, "status": 400}
            return Response(encoder.encode(told) + "\n", status=400, content_type="application/json")

    @blueprint.get("/api/v1/stream", endpoint="stream")
    def answer_stream() -> Response:
        # What is not read piles up in the kernel and then ends the connection: see `guards`.
        guards.limit_unsent(request.environ)
        response = Response(_events(publisher.feed), content_type="text/event-stream")
        g.eye_seat = False  # it is given back when the stream ends, and not already when it begins
        response.call_on_close(publisher.leave)
        response.headers["X-Accel-Buffering"] = "no"  # nginx would keep it all back
        return response

    _add_actions(blueprint, view, options)


def events_document(view: Any, after: int) -> dict[str, Any]:
    """Answer the events with greater numbers that are worth a line, the last 200 at most."""
    last, numbered = view.events_after(after)
    told = [
        {"number": number, "at": record["at"], "node": str(record["node"]), "mark": said[0], "text": said[1]}
        for number, record in numbered
        if (said := say(record)) is not None
    ]
    return {"version": 1, "at": view.now(), "last": last, "events": told[-_MOST_EVENTS:]}


def _add_actions(blueprint: Blueprint, view: Any, options: Options) -> None:
    @blueprint.get("/api/v1/actions", endpoint="actions")
    def answer_actions() -> Response:
        offered = ACTIONS if options.actions is not None else ()
        return _json({"version": 1, "actions": offered, "token": bool(offered)})

    @blueprint.post("/api/v1/gc/<node>", endpoint="gc")
    def collect_garbage(node: str) -> Response:
        return _refusal(options) or _answer(lambda: _logged("collect garbage", node, view.collect_garbage(node)))

    @blueprint.post("/api/v1/crash/<node>", endpoint="crash")
    def crash(node: str) -> Response:
        if (refusal := _refusal(options)) is not None:
            return refusal
        body = request.get_json(silent=True)
        process = body.get("process") if isinstance(body, dict) else None
        reason = body.get("reason", "crashed from the web view") if isinstance(body, dict) else None
        if not (isinstance(process, str) and process and isinstance(reason, str)):
            return sentence(400, 'send {"process": "/path/of/it", "reason": "…"}')
        return _answer(lambda: {"process": _logged("crash", node, view.crash(node, process, reason[:200]))})


def _refusal(options: Options) -> Response | None:
    """Refuse what is not switched on, comes from another page, or has not the token."""
    wanted = options.actions
    if wanted is None:
        return sentence(404, "nothing can be done to nodes from here; create_blueprint(actions=TOKEN) lets it")
    origin, site = request.headers.get("Origin"), request.headers.get("Sec-Fetch-Site", "same-origin")
    # Not even pages that may look: `origins` is for reading.
    if site not in ("same-origin", "none") or (
        origin is not None and not guards.is_same_origin(origin, request.host_url, ())
    ):
        return _refused("another page cannot act through this view", origin)
    if request.mimetype != "application/json" or (request.content_length or 0) > _MOST_BODY:
        return sentence(415, "send a small JSON body, with Content-Type: application/json")
    token = request.headers.get("X-Eye-Token", "")
    if not hmac.compare_digest(token.encode(errors="replace"), wanted.encode()):
        return _refused("the token is missing or wrong; send it as X-Eye-Token", origin)
    return None


def _refused(why: str, origin: str | None) -> Response:
    logger.warning("%.60r was refused to %s (origin %.100r): %s", request.path, _asker(), origin, why)
    return sentence(403, why)


def _logged(what: str, node: str, done: Any) -> Any:
    logger.warning("%s was told from the web view, by %s, to %s", node, _asker(), what)
    return done


def _asker() -> str:
    return request.remote_addr or "somebody"


def _events(feed: Feed) -> Iterator[str]:
    epoch, sequence, spoke = "", -1, time.monotonic()
    while not feed.closed:
        message = feed.since(epoch, sequence, timeout=1.0)
        if message is not None:
            epoch, sequence, text = message
            yield f"data: {text}\n\n"
        elif time.monotonic() - spoke < _HEARTBEAT:
            continue
        else:
            yield ": still here\n\n"  # a comment; a peer that is gone is noticed by it
        spoke = time.monotonic()


def _answer(ask: Callable[[], Any]) -> Response:
    try:
        return _json(ask())
    except EyeError as error:
        status = next(status for kind, status in _STATUS_OF if isinstance(error, kind))
        return sentence(status, str(error))


def _number(name: str, usual: float, least: float, most: float) -> float:
    text = request.args.get(name)
    if text is None:
        return usual
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not least <= number <= most:
        raise ConfigError(f"{name} must be a number from {least:g} to {most:g}, not {text[:40]!r}")
    return number


def _moment() -> float | None:
    return _number("at", 0.0, 0.0, 1e11) if "at" in request.args else None


def _json(content: Any) -> Response:
    return Response(encoder.encode(content), content_type="application/json")
