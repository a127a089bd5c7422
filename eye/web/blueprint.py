"""The web view as a Flask blueprint: its addresses, who may use them, and the headers it answers with.

    GET /                    the page: a table made on the server, taken over by the live one
    GET /api/v1/…            for programs, and what the page asks for: see `api`
    GET /metrics             for Prometheus: all nodes, or what `metrics_text` says
    GET /metrics/node        the node alone that this is the view of
    GET /healthz             this view serves
    GET /static/…            the browser's files
    WS  /ws                  a snapshot, then changes

It leaves its host alone: no configuration is read or written, no state is kept on the application, nothing
is registered outside the blueprint. It knows no prefix either: the page and its scripts name each other by
relative address.
"""

from __future__ import annotations

import hmac
import re
import secrets
import weakref
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Flask, Response, g, render_template, request
from flask_sock import Sock
from werkzeug.exceptions import HTTPException

from eye.web import assets, page, secret_files
from eye.web.answers import as_json, in_a_sentence, sentence
from eye.web.api import add_api
from eye.web.doorkeeper import Doorkeeper, add_headers
from eye.web.feed import Feed
from eye.web.login import Login
from eye.web.nodes import nodes_document
from eye.web.options import MOST_VIEWERS, Options, check, strings, view_of
from eye.web.publisher import Publisher
from eye.web.socket_route import end_of, speak

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_PAGE_WAITS = 0.5  # seconds that the first page waits for fresh readings; the live table has them soon enough
_VARIABLE = re.compile(r"<(?:[^<>:]+:)?(\w+)>")
_FOR_EVER = "public, max-age=31536000, immutable"


_made: weakref.WeakSet[EyeBlueprint] = weakref.WeakSet()


def close_all() -> None:
    """Let the viewers of every view of this program go, as a server does that is about to stop."""
    for blueprint in list(_made):
        blueprint.feed.close()


class EyeBlueprint(Blueprint):
    """A blueprint that names what feeds it: the hub ticks `publisher`; closing `feed` lets all viewers go."""

    publisher: Publisher
    feed: Feed

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._variables: set[str] = set()
        self.url_value_preprocessor(self._keep_own)

    def add_url_rule(self, rule: str, *args: Any, **options: Any) -> None:
        self._variables.update(_VARIABLE.findall(rule))
        super().add_url_rule(rule, *args, **options)

    def _keep_own(self, endpoint: str | None, values: dict[str, Any] | None) -> None:
        # A prefix may have variables, `/tenants/<tenant>/eye`: they mean something to the host, and nothing to us.
        del endpoint
        for name in [name for name in values or {} if name not in self._variables]:
            assert values is not None
            del values[name]


def create_blueprint(
    node_or_view: Any,
    *,
    name: str = "eye",
    authorize: Callable[..., Any] | None = None,
    origins: Iterable[str] = (),
    frame_ancestors: Iterable[str] = ("'self'",),
    max_clients: int = MOST_VIEWERS,
    metrics_text: Callable[[], str] | None = None,
    run_hub: Callable[[Publisher], object] | None = None,
    timeout: float = 3.0,
    actions: str | None = None,
    hosts: Iterable[str] | None = None,
    links: bool | str = False,
    login: str = "none",
) -> EyeBlueprint:
    """Make the web view of a node, to be registered under any `url_prefix` of any application.

    Args:
        node_or_view: whose view of the cluster is shown.
        name: the blueprint's name; two views in one application need two names.
        authorize: asked before every request but those for static files and /healthz, with Flask's request.
            True lets it through, a response is sent instead, anything else is answered with 403.
        origins: pages elsewhere that may open the WebSocket and read the data, as `https://example.org`.
        frame_ancestors: who may show the page in a frame, as in a Content-Security-Policy.
        max_clients: how many may watch at a time; one more gets 503. The server needs more threads than that.
        metrics_text: what /metrics answers, instead of all nodes in Prometheus' text format.
        run_hub: called once, at the first request in the process that serves, with the publisher that must
            be ticked once a second from then on. Not earlier: a thread started before a server forks is lost.
            A node runs the hub in its own supervision tree unless told otherwise.
        timeout: seconds a request waits for other nodes.
        actions: a secret of 16 characters or more. Whoever has it may collect garbage, crash, stop, restart and
            suspend processes and look at their state from the page, on nodes that allow it; None: nobody may,
            whatever the nodes allow.
        hosts: the names under which the view is reached, as `eye.example.org` or `*.example.org`; addresses always
            are fine. A request for another name is refused (DNS rebinding). None: any name, as is right where the
            application or its proxy sees to that.
        links: whether whoever has the token of `actions` may make signed links: addresses that show one node (or
            all) and one panel and nothing else, for a stated time, without `authorize`. True signs with a secret
            that is made from the cluster's cookie; a text of 16 characters or more is the secret. Changing it
            takes all links back.
        login: who may look, for a view that has no application around it which would know: `token:FILE` or
            `basic:FILE`, with a page and a cookie for people and a header for programs; see `secret_files`. It
            comes before `authorize`.

    Raises:
        ConfigError: an option makes no sense. SecretUnusable: the file of `login` cannot be used.
    """
    options = Options(
        name=name,
        authorize=authorize,
        origins=strings("origins", origins),
        frame_ancestors=strings("frame_ancestors", frame_ancestors),
        max_clients=max_clients,
        metrics_text=metrics_text or _metrics_of(view_of(node_or_view), timeout),
        run_hub=run_hub or _hub_in_the_tree_of(node_or_view),
        timeout=timeout,
        actions=actions,
        hosts=None if hosts is None else tuple(host.lower() for host in strings("hosts", hosts)),
        links=links,
        link_secret=_link_secret(node_or_view, links, name),
        login=_login(node_or_view, login, name),
    )
    view = view_of(node_or_view)
    feed = Feed()
    publisher = Publisher(view, feed, max_viewers=max_clients)
    blueprint = EyeBlueprint(options.name, __name__, template_folder="templates")
    blueprint.feed, blueprint.publisher = feed, publisher
    _made.add(blueprint)

    doorkeeper = Doorkeeper(options, publisher)
    blueprint.before_request(doorkeeper.before)
    blueprint.after_request(lambda response: add_headers(response, options))
    blueprint.teardown_request(lambda _error: doorkeeper.after())
    blueprint.register_error_handler(RuntimeError, _no_sockets_here)
    blueprint.register_error_handler(ConnectionError, _gone_already)
    _add_pages(blueprint, view, options)
    add_api(blueprint, publisher, options)
    _add_metrics(blueprint, view, options)
    if options.login is not None:
        options.login.add_pages(blueprint)
    Sock().route("/ws", bp=blueprint, endpoint="ws")(
        lambda ws: speak(ws, g.eye_seat.feed, ends=end_of(g.eye_link, view))
    )
    return blueprint


def _secret(node: Any, purpose: str) -> bytes:
    """Make a secret: as durable as the cluster's cookie, where there is one, else new at each start."""
    derive = getattr(node, "secret_for", None)
    return secrets.token_bytes(32) if derive is None else derive(purpose)


def _login(node: Any, way: object, name: str) -> Login | None:
    check(isinstance(way, str), "login", "'token:FILE', 'basic:FILE' or 'none'", way)
    doors = secret_files.load(str(way))
    view = view_of(node)
    return None if doors is None else Login(doors, _secret(node, f"logins of the web view {name}"), name, view.now)


def _link_secret(node: Any, links: object, name: str) -> bytes | None:
    if links is True:
        return _secret(node, f"links of the web view {name}")
    return hmac.digest(links.encode(), f"links of {name}".encode(), "sha256") if isinstance(links, str) else None


def _metrics_of(view: Any, timeout: float) -> Callable[[], str]:
    def metrics_text() -> str:
        from eye.monitor.prometheus import prometheus

        alerts = getattr(view, "alerts", list)  # a view of somebody's own need not have them
        return prometheus(view.fresh(min(timeout, 2.0)), view.now(), alerts=alerts())

    return metrics_text


def _hub_in_the_tree_of(node: Any) -> Callable[[Publisher], object] | None:
    if not hasattr(node, "add_view"):
        return None

    def run_hub(publisher: Publisher) -> None:
        from eye.web.hub import hub_of

        hub_of(node, publisher)

    return run_hub


def create_app(node_or_view: Any, **options: Any) -> Flask:
    """Make an application that is the web view and nothing else; the options are those of `create_blueprint`.

    The blueprint is at `app.extensions["eye"]`.
    """
    app = Flask("eye.web", static_folder=None, template_folder=None)
    blueprint = create_blueprint(node_or_view, **options)
    app.register_blueprint(blueprint)
    app.extensions["eye"] = blueprint
    app.register_error_handler(HTTPException, in_a_sentence)  # mounted, that is up to the host
    return app


def _add_pages(blueprint: Blueprint, view: Any, options: Options) -> None:
    files = assets.load()

    @blueprint.get("/", endpoint="page", strict_slashes=True)
    def show_page() -> str:
        nodes = view.fresh(min(_PAGE_WAITS, options.timeout))
        if g.eye_link is not None and g.eye_link.node is not None:
            nodes = [node for node in nodes if node.name == g.eye_link.node]
        document = nodes_document(nodes, view.now())
        return render_template(
            "eye/page.html",
            static=f"static/{files.digest}",
            node=view.node_name,
            at=document["at"],
            lines=page.lines(document["nodes"], document["at"]),
            counts=page.count_by_status(document["nodes"]),
            shapes=page.SHAPES,
        )

    @blueprint.get("/static/<digest>/<file>", endpoint="asset")
    @blueprint.get("/static/<file>", endpoint="static")
    def send_asset(file: str, digest: str = "") -> Response:
        asset = files.files.get(file)
        if asset is None:
            return sentence(404, f"there is no file {file!r} here")
        response = Response(asset.body, content_type=asset.content_type)
        # A page from before an upgrade asks with its old digest: it gets today's file, but not for ever.
        response.headers["Cache-Control"] = _FOR_EVER if digest == files.digest else "no-cache"
        response.set_etag(files.digest)
        return response.make_conditional(request)  # type: ignore[return-value]

    @blueprint.get("/healthz", endpoint="healthz")
    def answer_healthz() -> Response:
        return as_json({"status": "ok"})


def _add_metrics(blueprint: Blueprint, view: Any, options: Options) -> None:
    text_of = options.metrics_text
    if text_of is not None:

        @blueprint.get("/metrics", endpoint="metrics")
        def answer_metrics() -> Response:
            view.fresh(options.timeout)
            return _exposition(text_of())

    @blueprint.get("/metrics/node", endpoint="metrics_of_node")
    def answer_metrics_of_node() -> Response:
        own = view.own() if hasattr(view, "own") else None
        if own is None:
            return sentence(404, "this view only looks: it is of no node that could be measured; /metrics has all")
        from eye.monitor.prometheus import prometheus

        return _exposition(prometheus([own], view.now()))


def _exposition(text: str) -> Response:
    return Response(text, content_type="text/plain; version=0.0.4; charset=utf-8")


def _gone_already(error: ConnectionError) -> Response:
    # In the middle of a WebSocket's handshake: nobody reads this, and it is not worth a traceback in the log.
    if g.get("eye_seat") is not None:
        return sentence(400, "the connection was lost")
    raise error


def _no_sockets_here(error: RuntimeError) -> Response:
    # What simple-websocket raises where the server keeps its sockets to itself (waitress, wsgiref, Granian).
    if g.get("eye_seat") is not None and "Cannot obtain socket" in str(error):
        return sentence(
            501,
            "this server hands no sockets to applications, so there is no live view; "
            "use gunicorn with gthread workers, or Werkzeug",
        )
    raise error
