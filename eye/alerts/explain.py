"""What a rule means, in plain words, for whoever wrote it and wants to know whether it is what they meant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eye.alerts.verdict import label_of, metric_of, written
from eye.alerts.wording import plain, span
from eye.metrics.catalogue import Scope

if TYPE_CHECKING:
    from eye.alerts.rules import Rule

_SIGNS = {
    ">": "above", ">=": "at or above", "<": "below", "<=": "at or below", "=": "exactly", "!=": "anything but",
}  # fmt: skip
_COUNTS = {">": "more than", ">=": "at least", "<": "less than", "<=": "at most", "=": "exactly", "!=": "not"}


def explain(rule: Rule) -> list[str]:
    """Say when a rule fires, when that is over, about which nodes it is, and whom it tells: a line each."""
    held = f", for {span(rule.wait)} on end" if rule.wait else ", at once"
    lines = [f"fires when {in_words(rule.when.data)}{held}"]
    over = "that is no longer so" if rule.clear is None else in_words(rule.clear.data)
    lines.append(f"is over when {over}" + (f", for {span(rule.keep)} on end" if rule.keep else ""))
    if rule.nodes is not None and not rule.nodes.is_empty:
        lines.append(f"is about nodes of which {in_words(rule.nodes.data)}")
    if rule.sinks is not None:
        lines.append(f"tells {', '.join(rule.sinks) or 'nobody'}")
    return lines


def in_words(data: list[Any], *, is_inner: bool = False) -> str:
    """Say what a condition means."""
    kind = data[0]
    if kind in ("all", "any"):
        joined = (" and " if kind == "all" else " or ").join(in_words(one, is_inner=True) for one in data[1:])
        return f"({joined})" if is_inner else joined
    if kind == "not" and data[1][0] == "status":
        return f"the node is not {data[1][1]}"
    if kind == "not":
        return f"not ({in_words(data[1])})"
    return _WORDS[kind](data)


def _compare(data: list[Any]) -> str:
    metric = metric_of(data[1], data[2])
    return f"{_whose(data)} {label_of(metric)} is {_SIGNS[data[3]]} {written(metric)(data[4])}"


def _share(data: list[Any]) -> str:
    return f"{_whose(data)} memory in use is {_SIGNS[data[4]]} {plain(data[5])} % of all the machine has"


def _grew(data: list[Any]) -> str:
    label = label_of(metric_of(data[1], data[2]))
    return f"{_whose(data)} {label} went up by {_COUNTS[data[3]]} {plain(data[4])} in {span(data[5])}"


def _whose(data: list[Any]) -> str:
    return {"host": "the machine's", "process": "the node's", Scope.CUSTOM.value: "the program's own"}[data[1]]


_WORDS = {
    "true": lambda data: "it is any node",
    "status": lambda data: f"the node is {data[1]}",
    "absent": lambda data: "nothing comes from the node",
    "match": lambda data: f"the {data[1] if data[1] != 'node' else 'name'} fits /{data[2]}/",
    "compare": _compare,
    "share": _share,
    "grew": _grew,
}
