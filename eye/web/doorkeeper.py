"""Who is let in, in which order it is asked, and with which headers everybody is sent off.

Before a request: `authorize` (the host's own login), then, for a WebSocket, its origin and a free seat. All of
that happens before the handshake, so that a refusal is an HTTP answer with a sentence.
"""

from __future__ import annotations

import logging
import os
import threading
from typing import TYPE_CHECKING, Any

from flask import Response, g, request
from werkzeug.wrappers import Response as AnyResponse

from eye.errors import TooManyViewers
from eye.web import encoder, guards

if TYPE_CHECKING:
    from eye.web.options import Options
    from eye.web.publisher import Publisher

_log = logging.getLogger("eye.web")
_OPEN = {
    "static",
    "asset",
    "healthz",
}  # no secrets in them, and no cookies come with requests for them
_LIVE = {"ws", "stream"}
_NAMED_IN_LOG = 64  # origins; then a hostile page that tries for ever has filled its share of the log


class Doorkeeper:
    """Lets requests in. One for each blueprint; called on the threads of the server."""

    def __init__(self, options: Options, publisher: Publisher) -> None:
        self._options = options
        self._publisher = publisher
        self._logged: set[str] = set()
        self._starting = threading.Lock()
        self._hub_runs_in = 0  # process id

    def before(self) -> Any:
        """Answer None to let the request in, or the response that refuses it."""
        g.eye_seat = False
        endpoint = (request.endpoint or "").rpartition(".")[2]
        if endpoint in _OPEN:
            return None
        refusal = self._check_login()
        if refusal is None and endpoint in _LIVE:
            refusal = self._check_origin()
        if refusal is not None:
            return refusal
        self._start_hub()
        return self._take_seat() if endpoint in _LIVE else None

    def after(self) -> None:
        """Take the seat back, however the request ended."""
        if g.get("eye_seat", False):
            g.eye_seat = False
            self._publisher.leave()

    def _check_login(self) -> Any:
        if self._options.authorize is None:
            return None
        answer = self._options.authorize(request)
        if isinstance(answer, AnyResponse):
            return answer
        # Only True is yes: a function that forgot its `return` must not open the door.
        return None if answer is True else sentence(403, "you may not see this view")

    def _check_origin(self) -> Response | None:
        origin = request.headers.get("Origin")
        if origin is None or guards.is_same_origin(origin, request.host_url, self._options.origins):
            return None  # no browser leaves Origin out, so this is none, and `authorize` has let it in
        self._publisher.refused_origins += 1
        if origin not in self._logged and len(self._logged) < _NAMED_IN_LOG:
            self._logged.add(origin)
            _log.warning(
                "refused a WebSocket from a page of %.200r: this view is at %.200r. "
                "If that page may see it, pass origins=[%.200r]; if both are the same behind a proxy, "
                "put werkzeug's ProxyFix around the application",
                origin,
                request.host_url,
                origin,
            )
        return sentence(403, "pages of that origin may not open this view's WebSocket")

    def _take_seat(self) -> Response | None:
        try:
            self._publisher.join()
        except TooManyViewers as error:
            response = sentence(503, str(error))
            response.headers["Retry-After"] = "15"
            return response
        g.eye_seat = True
        guards.strip_compression(request.environ)
        return None

    def _start_hub(self) -> None:
        if self._options.run_hub is None or self._hub_runs_in == os.getpid():
            return
        with self._starting:
            if self._hub_runs_in != os.getpid():
                self._options.run_hub(self._publisher)
                self._hub_runs_in = os.getpid()


def sentence(status: int, message: str) -> Response:
    """Answer with an error that a person and a program can read."""
    body = encoder.encode({"error": message, "status": status})
    return Response(body + "\n", status=status, content_type="application/json")


def add_headers(response: Response, options: Options) -> Response:
    """Send our own rules along, strict whatever the host's are: nothing inline, nothing from elsewhere."""
    headers = response.headers
    headers["Content-Security-Policy"] = (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'; "
        f"frame-ancestors {' '.join(options.frame_ancestors)}"
    )
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Referrer-Policy"] = "same-origin"
    headers["Cross-Origin-Resource-Policy"] = "cross-origin" if options.origins else "same-origin"
    headers.setdefault("Cache-Control", "no-store")
    if options.origins:
        headers.add("Vary", "Origin")
        origin = request.headers.get("Origin", "")
        if any(guards.origin_of(origin) == guards.origin_of(one) for one in options.origins):
            headers["Access-Control-Allow-Origin"] = origin
            headers["Access-Control-Allow-Credentials"] = "true"
    return response
