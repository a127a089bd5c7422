"""Whether a node is meant by a filter: the same few lines stand in the browser (`web/browser`), in its words.

The meaning of a filter is plain data, nested lists; `filters.Filter.data` says which there are.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol

from eye.metrics.catalogue import CATALOGUE, Scope

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from eye.metrics.sample import HostReading, ProcessReading

_OPERATORS: dict[str, Callable[[float, float], bool]] = {
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    "=": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
}


class Filterable(Protocol):
    """What a filter can be asked about: `monitor.node_view.NodeView`, and whatever is like it."""

    @property
    def name(self) -> str: ...
    @property
    def status(self) -> str: ...
    @property
    def address(self) -> str: ...
    @property
    def host(self) -> HostReading | None: ...
    @property
    def process(self) -> ProcessReading | None: ...
    @property
    def custom(self) -> Mapping[str, int | float]: ...


def is_meant(data: list[Any], node: Filterable) -> bool:
    """Say whether the meaning `data` includes this node."""
    kind = data[0]
    if kind == "all":
        return all(is_meant(one, node) for one in data[1:])
    if kind == "any":
        return any(is_meant(one, node) for one in data[1:])
    if kind == "not":
        return not is_meant(data[1], node)
    if kind == "status":
        return bool(node.status == data[1])
    if kind == "match":
        return _compiled(data[2]).search(_text(node, data[1])) is not None
    if kind == "true":
        return True
    value = _percent_of_whole(node, data) if kind == "share" else _figure(node, data[1], data[2])
    return value is not None and _OPERATORS[data[-2]](value, data[-1])


@lru_cache(maxsize=256)
def _compiled(source: str) -> re.Pattern[str]:
    return re.compile(source, re.IGNORECASE | re.DOTALL)


def _text(node: Filterable, field: str) -> str:
    if field == "host":
        return node.host.name if node.host is not None else ""
    return node.name if field == "node" else node.address


_BY_JSON_NAME = {(one.part, one.json_name): one for one in CATALOGUE}


def _figure(node: Filterable, part: str, field: str) -> float | None:
    if node.status == "down":
        return None  # what is still known of it is no figure of now
    if part == Scope.CUSTOM.value:
        return node.custom.get(field)
    metric = _BY_JSON_NAME[part, field]
    value = metric.read(node)
    return value * 100.0 if value is not None and metric.is_percent else value


def _percent_of_whole(node: Filterable, data: list[Any]) -> float | None:
    if node.status == "down" or node.host is None:
        return None
    part = getattr(node, data[1])
    value, whole = getattr(part, data[2], None), getattr(node.host, data[3], None)
    return 100.0 * value / whole if value is not None and whole else None
