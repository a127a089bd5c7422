"""`GET api/v1/history`: what was, for programs; see `eye.monitor.history_document`.

?node=GLOB&metric=host.cpu&since=24h&until=1h&step=5m&filter=cpu>80        node and metric may be repeated
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Response, request

from eye.errors import ConfigError
from eye.metrics.filter_words import unclosed
from eye.metrics.filters import parse
from eye.monitor.history_document import (
    USUAL_METRICS,
    Question,
    chosen,
    document,
    length,
    moment,
    usual_step,
)
from eye.monitor.history_document import answer as ask_store
from eye.web.answers import answer

if TYPE_CHECKING:
    from flask import Blueprint

_MOST_METRICS = 20
_USUAL_POINTS = 120
_MOST_POINTS = 200_000  # in one answer, some 10 MB


def add_history(blueprint: Blueprint, view: Any) -> None:
    """Give the blueprint the address of the past."""

    @blueprint.get("/api/v1/history", endpoint="history")
    def answer_history() -> Response:
        return answer(lambda: _history(view))


def _history(view: Any) -> dict[str, Any]:
    store, now = view.past_store, view.now()
    question = _question(now)
    count = len(chosen(store.nodes(), question.nodes)) * len(question.metrics)
    if count * (question.until - question.since) / question.step > _MOST_POINTS:
        raise ConfigError(f"that would be more than {_MOST_POINTS} points: ask for fewer nodes or a longer step")
    return document(ask_store(store, question), question) | {"trouble": view.history_trouble}


def _question(now: float) -> Question:
    asked = request.args
    metrics = tuple(name for text in asked.getlist("metric") for name in text.split(",") if name)
    if len(metrics) > _MOST_METRICS:
        raise ConfigError(f"at most {_MOST_METRICS} metrics are answered at a time")
    for glob in asked.getlist("node"):
        if (at := unclosed(glob)) is not None:
            raise ConfigError(f"bad glob {glob[:40]!r}: the '[' at character {at + 1} is never closed")
    since = moment(asked.get("since", "1h"), now)
    until = moment(asked.get("until", "now"), now, "until")
    step = length(asked["step"]) if "step" in asked else usual_step(until - since, _USUAL_POINTS)
    wanted = parse(asked["filter"], None) if asked.get("filter") else None
    return Question(
        since, until, step, tuple(asked.getlist("node")), metrics or USUAL_METRICS, scope="all", wanted=wanted
    )
