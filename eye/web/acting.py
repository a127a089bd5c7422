"""What may be done from here: to nodes, and for somebody else (a signed link). All of it is POST, with the token.

    GET  api/v1/me                    who is asking, and what may be done from here
    GET  api/v1/actions               what may be done from here
    POST api/v1/gc/NODE               garbage collection: its receipt. {"estimate": true}: what it would cost
    POST api/v1/crash/NODE            {"process": "/eye/local/sampler", "reason": "…"}
    POST api/v1/handle/NODE           {"process": …, "deed": "stop", "restart", "suspend" or "resume"}
    POST api/v1/state/NODE            {"process": …}: its state, as it lets it be seen
    POST api/v1/links                 {"node": NAME or null, "panel": …, "seconds": N}: see `links`

Refused to other pages (not even those in `origins`, which is for reading), without the token, and to whoever came
with a link. What the node allows is the node's to say. Both sides write down who it was.
"""

from __future__ import annotations

import hmac
import logging
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from flask import Blueprint, Response, g, request

from eye.cluster.dispatch import on_behalf_of
from eye.errors import ConfigError
from eye.monitor.methods import DEEDS
from eye.web import guards, links
from eye.web.answers import answer, as_json, sentence

if TYPE_CHECKING:
    from collections.abc import Callable

    from eye.web.options import Options

logger = logging.getLogger("eye.web")

ACTIONS = ("gc", "crash", "handle", "state")
"""What can be done from a page, where `create_blueprint(actions=…)` switches it on."""

_MOST_BODY = 10_000  # bytes
_MOST_REASON = 200  # characters


def add_actions(blueprint: Blueprint, view: Any, options: Options) -> None:
    """Give the blueprint the addresses at which something is done."""

    said = guards.Once()

    def offered() -> tuple[str, ...]:
        if options.actions is None or g.get("eye_link") is not None:
            return ()
        return (*ACTIONS, "links") if options.link_secret is not None else ACTIONS

    @blueprint.get("/api/v1/actions", endpoint="actions")
    def answer_actions() -> Response:
        return as_json({"version": 1, "actions": offered(), "token": bool(offered())})

    @blueprint.get("/api/v1/me", endpoint="me")
    def answer_me() -> Response:
        link = g.get("eye_link")
        key = None if link is None else link._asdict()
        history = bool(getattr(view, "has_history", False))  # a view of somebody's own need not have one
        told = {"key": key, "actions": offered(), "history": history, "login": g.get("eye_login")}
        return as_json({"version": 1, **told})

    def act(path: str, endpoint: str, do: Callable[..., Any]) -> None:
        def carry_out(**names: str) -> Response:
            with on_behalf_of(f"the web view, for {asker()}"):
                return _refusal(options, said) or answer(lambda: do(_body(), **names))

        blueprint.post(f"/api/v1/{path}", endpoint=endpoint)(carry_out)

    def collect_garbage(body: dict[str, Any], node: str) -> Any:
        estimate = body.get("estimate", False)
        if not isinstance(estimate, bool):  # whoever sends 1 does not want it done
            raise ConfigError(f"estimate must be true or false, not {str(estimate)[:40]!r}")
        if estimate:
            return view.estimate_garbage(node)
        return _done(node, "collect garbage", view.collect_garbage(node))

    def crash(body: dict[str, Any], node: str) -> Any:
        process, reason = _text(body, "process"), _text(body, "reason", "crashed from the web view")
        path = view.crash(node, process, reason[:_MOST_REASON])
        return {"version": 1, "process": _done(node, f"crash {process:.200}", path)}

    def handle(body: dict[str, Any], node: str) -> Any:
        process, deed = _text(body, "process"), _text(body, "deed")
        if deed not in DEEDS:
            raise ConfigError(f"deed must be one of {', '.join(DEEDS)}, not {deed[:40]!r}")
        return {"version": 1, "path": _done(node, f"{deed} {process:.200}", view.handle(node, process, deed))}

    def show_state(body: dict[str, Any], node: str) -> Any:
        process = _text(body, "process")
        return _done(node, f"show the state of {process:.200}", view.state(node, process))

    def make_link(body: dict[str, Any]) -> Any:
        secret = options.link_secret
        if secret is None:
            raise ConfigError("no links are made here; create_blueprint(links=True) lets it")
        link = links.make(body.get("node"), body.get("panel"), body.get("seconds"), view.now())
        asked = {"node": link.node, "panel": link.panel, "key": links.sign(link, secret)}
        url = "?" + urlencode({name: value for name, value in asked.items() if value is not None})
        what = f"{link.panel} of {'all nodes' if link.node is None else link.node}, until {link.expires}"
        logger.warning("a link to %.200s was made by %s", what, asker())
        return {"version": 1, "url": url, "expires": link.expires}

    act("gc/<node>", "gc", collect_garbage)
    act("crash/<node>", "crash", crash)
    act("handle/<node>", "handle", handle)
    act("state/<node>", "state", show_state)
    act("links", "links", make_link)


def asker() -> str:
    """Say who sent this request: an address, with the login's name if there is one."""
    login, address = g.get("eye_login"), request.remote_addr or "somebody"
    return f"{login} at {address}" if login else address


def _refusal(options: Options, said: guards.Once) -> Response | None:
    """Refuse what is not switched on, comes from another page, or has not the token."""
    wanted = options.actions
    if wanted is None:
        return sentence(404, "nothing can be done to nodes from here; create_blueprint(actions=TOKEN) lets it")
    origin, site = request.headers.get("Origin"), request.headers.get("Sec-Fetch-Site", "same-origin")
    # Not even pages that may look: `origins` is for reading.
    if site not in ("same-origin", "none") or (
        origin is not None and not guards.is_same_origin(origin, request.host_url, ())
    ):
        return _refused("another page cannot act through this view", origin, said)
    request.max_content_length = _MOST_BODY  # of one that does not say how long it is
    if request.mimetype != "application/json" or (request.content_length or 0) > _MOST_BODY:
        return sentence(415, "send a small JSON body, with Content-Type: application/json")
    token = request.headers.get("X-Eye-Token", "")
    if not hmac.compare_digest(token.encode(errors="replace"), wanted.encode()):
        return _refused("the token is missing or wrong; send it as X-Eye-Token", origin, said)
    return None


def _refused(why: str, origin: str | None, said: guards.Once) -> Response:
    if said.first(why, f"{asker()} {origin}"[:200]):
        logger.warning("%.60r was refused to %s (origin %.100r): %s", request.path, asker(), origin, why)
    return sentence(403, why)


def _body() -> dict[str, Any]:
    try:
        body = request.get_json(silent=True)
    except RecursionError:
        body = None
    if not isinstance(body, dict):
        raise ConfigError("send a JSON object")
    return body


def _text(body: dict[str, Any], name: str, usual: str | None = None) -> str:
    value = body.get(name, usual)
    if not isinstance(value, str) or not value:
        raise ConfigError(f'send a JSON object with a text as "{name}"')
    return value


def _done(node: str, what: str, answered: Any) -> Any:
    logger.warning("%s was told from the web view, by %s, to %s", node, asker(), what)
    return answered
