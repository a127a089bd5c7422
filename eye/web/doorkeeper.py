"""Who is let in, in which order it is asked, and with which headers everybody is sent off.

    the name it was asked by (hosts)       foreign ......... 421
    a signed link (key=)                   not valid, or for something else ......... 403
    or else our own login (login)          not logged in ... 401, or the login page
    and the host's login (authorize)       not True ........ 403, or what it answers
    for what is live: the page's origin    foreign ......... 403
    for a WebSocket: what belongs to one   missing ......... 400, 426
    for what is live: a seat               none left ....... 503

All of that happens before a WebSocket's handshake, so that a refusal is an HTTP answer with a sentence. The log
has one line for each cause, with the remedy.
"""

from __future__ import annotations

import logging
import os
import threading
from typing import TYPE_CHECKING, Any

from flask import Response, g, request
from werkzeug.wrappers import Response as AnyResponse

from eye.errors import LinkRefused, TooManyViewers
from eye.web import guards, links
from eye.web.answers import sentence

if TYPE_CHECKING:
    from eye.web.options import Options
    from eye.web.publisher import Publisher

_log = logging.getLogger("eye.web")
_OPEN = {"static", "asset", "healthz", "login", "login-try", "logout"}  # no secrets in any of them
_LIVE = {"ws", "stream"}


class Doorkeeper:
    """Lets requests in. One for each blueprint; called on the threads of the server."""

    def __init__(self, options: Options, publisher: Publisher) -> None:
        self._options = options
        self._publisher = publisher
        self._said = guards.Once()
        self._starting = threading.Lock()
        self._hub_runs_in = 0  # process id

    def before(self) -> Any:
        """Answer None to let the request in, or the response that refuses it."""
        g.eye_seat = g.eye_link = g.eye_login = None
        endpoint = (request.endpoint or "").rpartition(".")[2]
        refusal = self._check_host()
        if refusal is not None or endpoint in _OPEN:
            return refusal
        has_key = self._options.link_secret is not None and "key" in request.args
        refusal = self._check_key(endpoint) if has_key else self._check_login(endpoint)
        if refusal is None and endpoint in _LIVE:
            refusal = self._check_origin() or (_check_handshake() if endpoint == "ws" else None)
        if refusal is not None:
            return refusal
        self._start_hub()
        return self._take_seat() if endpoint in _LIVE else None

    def after(self) -> None:
        """Take the seat back, however the request ended."""
        seat = g.get("eye_seat")
        if seat is not None:
            g.eye_seat = None
            seat.leave()

    def _check_host(self) -> Response | None:
        hosts = self._options.hosts
        if hosts is None or guards.goes_by(request.host, hosts):
            return None
        if self._said.first("host", request.host):
            _log.warning(guards.FOREIGN_HOST, request.host, request.host)
        return sentence(421, "this view does not go by that name")

    def _check_key(self, endpoint: str) -> Response | None:
        secret = self._options.link_secret
        assert secret is not None
        try:
            link = links.read(request.args["key"], secret, self._publisher.view.now())
        except LinkRefused as refused:
            if self._said.first("key", refused.why):
                _log.warning("refused a signed link of %s: %s", request.remote_addr or "somebody", refused.why)
            return sentence(403, str(refused))
        asked = [*request.args.getlist("node"), *filter(None, [(request.view_args or {}).get("node")])]
        if request.method not in ("GET", "HEAD") or not links.opens(link, endpoint, asked):
            whose = "all nodes" if link.node is None else f"node {link.node!r}"
            return sentence(403, f"this link shows {link.panel} of {whose} and nothing else")
        g.eye_link = link
        return None

    def _check_login(self, endpoint: str) -> Any:
        if (login := self._options.login) is not None:
            g.eye_login = login.who()
            if g.eye_login is None:
                return login.refusal(endpoint)
        if self._options.authorize is None:
            return None
        answer = self._options.authorize(request)
        if isinstance(answer, AnyResponse):
            return answer
        # Only True is yes: a function that forgot its `return` must not open the door.
        return None if answer is True else sentence(403, "you may not see this view")

    def _check_origin(self) -> Response | None:
        origin = request.headers.get("Origin")
        if origin is None and request.headers.get("Sec-Fetch-Site", "none") in ("none", "same-origin"):
            return None  # the page's own stream, or no browser: `authorize` or the login has let it in
        if origin is not None and guards.is_same_origin(origin, request.host_url, self._options.origins):
            return None
        self._publisher.refused_origins += 1
        if self._said.first("origin", origin or ""):
            page = repr((origin or "another site, which did not say its name")[:200])
            _log.warning(
                "refused a WebSocket or stream to a page of %s: this view is at %.200r. If that page may see it, "
                "pass origins=[%s]; if both are the same behind a proxy, put werkzeug's ProxyFix around the "
                "application, or say --web-proxies",
                page,
                request.host_url,
                page,
            )
        return sentence(403, "pages of that origin may not open this view's WebSocket")

    def _take_seat(self) -> Response | None:
        try:
            g.eye_seat = self._publisher.join(None if g.eye_link is None else g.eye_link.node)
        except TooManyViewers as error:
            response = sentence(503, str(error))
            response.headers["Retry-After"] = "15"
            return response
        guards.strip_compression(request.environ)
        return None

    def _start_hub(self) -> None:
        if self._options.run_hub is None or self._hub_runs_in == os.getpid():
            return
        with self._starting:
            if self._hub_runs_in != os.getpid():
                self._options.run_hub(self._publisher)
                self._hub_runs_in = os.getpid()


def _check_handshake() -> Response | None:
    """Refuse what asks for a WebSocket and is no handshake; it would be an error in who speaks it."""
    if request.headers.get("Sec-WebSocket-Version") != "13":
        response = sentence(426, "this view speaks version 13 of the WebSocket protocol")
        response.headers["Sec-WebSocket-Version"] = "13"
        return response
    if not request.headers.get("Sec-WebSocket-Key"):
        return sentence(400, "a WebSocket is opened with a Sec-WebSocket-Key, and here is none")
    return None


def add_headers(response: Response, options: Options) -> Response:
    """Send our own rules along, strict whatever the host's are: nothing inline, nothing from elsewhere."""
    headers = response.headers
    forms = "'none'" if options.login is None else "'self'"
    headers["Content-Security-Policy"] = (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        f"base-uri 'none'; form-action {forms}; require-trusted-types-for 'script'; trusted-types 'none'; "
        f"frame-ancestors {' '.join(options.frame_ancestors)}"
    )
    headers["X-Content-Type-Options"] = "nosniff"
    # A signed link is its own key: it is told to nobody, not even to ourselves.
    headers["Referrer-Policy"] = "same-origin" if g.get("eye_link") is None else "no-referrer"
    headers["Cross-Origin-Resource-Policy"] = "cross-origin" if options.origins else "same-origin"
    headers.setdefault("Cache-Control", "no-store")
    if options.origins:
        headers.add("Vary", "Origin")
        origin = request.headers.get("Origin", "")
        if any(guards.origin_of(origin) == guards.origin_of(one) for one in options.origins):
            headers["Access-Control-Allow-Origin"] = origin
            headers["Access-Control-Allow-Credentials"] = "true"
    return response
