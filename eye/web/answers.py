"""How the addresses for programs answer: JSON, or one sentence, and which number goes with which error.

An error is `{"error": sentence, "status": number}`: 400 a parameter makes no sense, 401 log in first, 403 the node
or this view does not allow it, 404 nobody knows that, 409 it cannot be done to that process, 429 too soon, 502
the node answered with an error of its own, 503 it is down, 504 it did not answer in time.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from flask import Response, g, request

from eye.errors import (
    ActionRefused,
    ActionTooSoon,
    BadFilter,
    CannotHandle,
    ConfigError,
    DeadlineExceeded,
    EyeError,
    HistoryOff,
    HistoryUnusable,
    NodeDown,
    NodeUnreachable,
    NothingKept,
    UnknownMetric,
    UnknownNode,
    UnknownProcess,
)
from eye.web import encoder
from eye.web.links import narrow

if TYPE_CHECKING:
    from collections.abc import Callable

    from werkzeug.exceptions import HTTPException

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
    (HistoryOff, 404),
    (HistoryUnusable, 503),
    (UnknownMetric, 400),
    (EyeError, 502),  # the node answered, but with an error of its own
)

_REFUSED = {
    400: "that is no request which this address understands",  # a GET of /ws, say, that opens no WebSocket
    404: "there is nothing at this address",
    405: "that method is not for this address",
}


def answer(ask: Callable[[], Any]) -> Response:
    """Answer what `ask` returns, or the sentence of the error that it raises.

    Whoever came with a signed link to one node gets nothing of others, whatever `ask` returns.
    """
    try:
        document = ask()
    except EyeError as error:
        status = next(status for kind, status in _STATUS_OF if isinstance(error, kind))
        return sentence(status, str(error))
    except LookupError as error:
        if type(error) is not LookupError:
            raise  # a mistake of our own
        return sentence(502, str(error))  # a node of an older version, which does not know the question
    link = g.get("eye_link")
    return as_json(document if link is None or link.node is None else narrow(document, link.node))


def as_json(content: Any) -> Response:
    """Answer a document."""
    return Response(encoder.encode(content), content_type="application/json")


def sentence(status: int, message: str) -> Response:
    """Answer with an error that a person and a program can read."""
    body = encoder.encode({"error": message, "status": status})
    return Response(body + "\n", status=status, content_type="application/json")


def in_a_sentence(error: HTTPException) -> Response | HTTPException:
    """Answer what Flask itself refuses as the view answers."""
    if error.code is None or error.code < 400:
        return error  # a redirect is no refusal
    response = sentence(error.code, _REFUSED.get(error.code, error.name.lower()))
    for name, value in error.get_headers():
        if name not in ("Content-Type", "Content-Length"):
            response.headers[name] = value  # which methods there are
    return response


def number(name: str, usual: float, least: float, most: float) -> float:
    """Read a number from the address.

    Raises:
        ConfigError: it is none, or out of these bounds.
    """
    text = request.args.get(name)
    if text is None:
        return usual
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not least <= found <= most:
        raise ConfigError(f"{name} must be a number from {least:g} to {most:g}, not {text[:40]!r}")
    return found
