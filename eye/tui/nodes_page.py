"""The table of nodes: its columns, its order, and the lines that show it.

    NODE            STATUS       CPU          MEMORY        PROCS RESTARTS UPTIME  SEEN
    mystic-node-1   ● up         20% ▁▂▃▅▇▅▃  512M ▁▁▁▂▂▃▃    100        0     2h   now
    mystic-node-2   ✖ down       last seen 12s ago: connection refused

A column that does not fit is left out, the least important first; the name and the status always stay. What a
node said before it went down is not shown as if it were so now. Rows are sorted by one column, and equal ones by
name; rows without a figure come last whichever way it goes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from eye.monitor.node_view import patience
from eye.tui import cells

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from eye.metrics.filters import Filter
    from eye.monitor.node_view import NodeView
    from eye.tui.cells import Line, Span

    Trail = Callable[[str, str], list[float | None]]
    """Gives the last values of a node's metric, oldest first: `trail("mystic-node-1", "host.cpu")`."""

_SPARK, _SHORT_SPARK = 10, 5  # columns
_IMPORTANT = 50  # a column that matters so much gets room before sparks get long
_GAP = "  "
_ORDER = {"down": 0, "suspect": 1, "connecting": 2, "up": 3}


class Column(NamedTuple):
    """One column: its title, its width, how much it matters (the least is left out first), and what is in it."""

    key: str
    title: str
    width: int
    matters: int
    value: Callable[[NodeView, float], float | str | None]  # what it is sorted by
    text: Callable[[NodeView, float], str]
    is_number: bool = True
    spark: str = ""  # the metric that is drawn behind the figure
    top: Callable[[NodeView], float | None] = lambda _: 1.0  # what the tallest bar stands for


@dataclass(frozen=True)
class Order:
    """How the rows are sorted."""

    key: str = "node"
    is_reversed: bool = False

    def by(self, key: str) -> Order:
        """Sort by that column; by the one that it is sorted by already, the other way round."""
        return replace(self, is_reversed=not self.is_reversed) if key == self.key else Order(key)

    def next(self, step: int) -> Order:
        """Sort by the column to the right (1) or to the left (-1)."""
        keys = [column.key for column in COLUMNS]
        return Order(keys[(keys.index(self.key) + step) % len(keys)])


def is_stale(node: NodeView, now: float) -> bool:
    """Whether a node counts as up although nothing has come of it for a while, longer if it is asked seldom."""
    return node.status == "up" and (node.seen_at is None or now - node.seen_at > patience(node.every))


def _host(field: str) -> Callable[[NodeView], float | None]:
    return lambda node: None if node.host is None or node.status == "down" else getattr(node.host, field)


def _own(field: str) -> Callable[[NodeView], float | None]:
    return lambda node: None if node.process is None or node.status == "down" else getattr(node.process, field)


def _status(node: NodeView, now: float) -> str:
    word = "stale" if is_stale(node, now) else node.status
    return f"{cells.SHAPES.get(word, '?')} {word}"


def _seen(node: NodeView, now: float) -> str:
    if node.seen_at is None:
        return "never"
    age = now - node.seen_at
    return "now" if age < 2.0 else cells.span(age).strip()


def _memory_share(node: NodeView) -> float | None:
    if node.host is None or node.status == "down" or not node.host.memory_total:
        return None
    return node.host.memory_used / node.host.memory_total


def _total(node: NodeView) -> float | None:
    return node.host.memory_total if node.host is not None else None


_cpu, _memory, _own_memory = _host("cpu"), _host("memory_used"), _own("memory_rss")
_processes, _restarts = _host("process_count"), _own("restarts")
_supervised, _uptime = _own("process_count"), _own("uptime")


COLUMNS: tuple[Column, ...] = (
    Column("node", "NODE", 0, 99, lambda n, _: n.name, lambda n, _: n.name, False),
    Column("status", "STATUS", 12, 98, lambda n, _: _ORDER.get(n.status, 9), _status, False),
    Column("cpu", "CPU", 4, 90, lambda n, _: _cpu(n), lambda n, _: cells.percent(_cpu(n)), False, "host.cpu"),
    Column(
        "memory", "MEMORY", 5, 80, lambda n, _: _memory(n), lambda n, _: cells.size(_memory(n)), False,
        "host.memory", _total,
    ),
    Column("mem%", "MEM%", 4, 55, lambda n, _: _memory_share(n), lambda n, _: cells.percent(_memory_share(n))),
    Column("procs", "PROCS", 6, 60, lambda n, _: _processes(n), lambda n, _: cells.count(_processes(n))),
    Column("rss", "NODE MEM", 8, 40, lambda n, _: _own_memory(n), lambda n, _: cells.size(_own_memory(n))),
    Column("super", "SUPERVISED", 10, 30, lambda n, _: _supervised(n), lambda n, _: cells.count(_supervised(n))),
    Column("restarts", "RESTARTS", 8, 70, lambda n, _: _restarts(n), lambda n, _: cells.count(_restarts(n))),
    Column("uptime", "UPTIME", 6, 50, lambda n, _: _uptime(n), lambda n, _: cells.span(_uptime(n))),
    Column("seen", "SEEN", 5, 65, lambda n, now: math.inf if n.seen_at is None else now - n.seen_at, _seen),
)  # fmt: skip
_BY_KEY = {column.key: column for column in COLUMNS}


def arrange(nodes: Iterable[NodeView], wanted: Filter, order: Order, now: float) -> list[NodeView]:
    """Choose the rows, and sort them."""
    value = _BY_KEY[order.key].value
    known: list[tuple[float | str, str, NodeView]] = []
    unknown = []
    for node in nodes:
        if wanted.matches(node):
            key = value(node, now)
            if key is None:
                unknown.append(node)
            else:
                known.append((key, node.name, node))
    known.sort(key=lambda row: row[1])
    known.sort(key=lambda row: row[0], reverse=order.is_reversed != _most_first(order.key))
    return [row[2] for row in known] + sorted(unknown, key=lambda node: node.name)


def hold(rows: Sequence[NodeView], before: Sequence[str]) -> list[NodeView]:
    """Keep rows where they were, so that they do not jump under a cursor; those that are new come last."""
    places = {name: place for place, name in enumerate(before)}
    return sorted(rows, key=lambda node: places.get(node.name, len(places)))


def _most_first(key: str) -> bool:
    return key not in ("node", "status")


def layout(columns: int, names: Iterable[str]) -> list[tuple[Column, int]]:
    """Choose the columns that fit, each with its width. Names get what is left, from 12 to 40 columns.

    Sparks are long where every important column has room beside them, else short.
    """
    longest = min(max((cells.width(cells.tame(name[:60])) for name in names), default=4), 40)
    fitting = _fitting(columns, longest, _SPARK)
    if any(column.matters >= _IMPORTANT and column not in fitting for column in COLUMNS):
        fitting = _fitting(columns, longest, _SHORT_SPARK)
    return [(column, wide or 4) for column, wide in fitting.items()]


def _fitting(columns: int, longest: int, spark: int) -> dict[Column, int]:
    shown = {column: column.width + (1 + spark if column.spark else 0) for column in COLUMNS}
    name, wanted = COLUMNS[0], max(longest, 4)
    while True:
        room = columns - sum(wide + len(_GAP) for column, wide in shown.items() if column is not name)
        if len(shown) <= 2 or room >= min(wanted, 12 if len(shown) <= 5 else 16):
            return {**shown, name: max(min(wanted, room), 4)}
        del shown[min(shown, key=lambda column: column.matters)]


def heading(shown: Sequence[tuple[Column, int]], order: Order) -> Line:
    """Write the titles; an arrow marks the column that the rows are sorted by."""
    spans: list[Span] = []
    for column, wide in shown:
        is_sorted = column.key == order.key
        arrow = ("▲" if order.is_reversed == _most_first(column.key) else "▼") if is_sorted else ""
        title = column.title[: wide - len(arrow)] + arrow
        space = (" " * (wide - cells.width(title)), "title")
        text = (title, "sorted" if is_sorted else "title")
        spans += [space, text] if column.is_number else [text, space]
        spans.append((_GAP, "title"))
    return tuple(spans[:-1])


def column_at(x: int, shown: Sequence[tuple[Column, int]]) -> str | None:
    """Say by what a click on the titles wants to sort."""
    right = 0
    for column, wide in shown:
        right += wide + len(_GAP)
        if x < right:
            return column.key
    return None


def row(node: NodeView, shown: Sequence[tuple[Column, int]], now: float, trail: Trail, columns: int) -> Line:
    """Write one node. Of one that is down it is told since when and why, in place of figures."""
    if node.status == "down":
        return cells.cut(_row_of_the_dead(node, shown, now), columns)
    stale = is_stale(node, now)
    role = "dim" if stale or node.status == "connecting" else "text"
    spans: list[Span] = []
    used = 0
    for column, wide in shown:
        text = column.text(node, now)
        if column.spark:
            bars = trail(node.name, column.spark) if node.host is not None else []
            drawn = " " + cells.spark(bars, wide - len(text) - 1, column.top(node))
            spans += [(text, _role(column, node, role, stale)), (drawn, "chart" if role == "text" else role)]
        else:
            spans.append((cells.fit(text, wide, right=column.is_number), _role(column, node, role, stale)))
        spans.append((_GAP, role))
        used += wide + len(_GAP)
    if node.reason and node.status != "up" and columns - used > 8:
        spans.append((cells.shorten(cells.tame(node.reason), columns - used), "dim"))
    return cells.cut(tuple(spans if spans[-1][0] is not _GAP else spans[:-1]), columns)


def _row_of_the_dead(node: NodeView, shown: Sequence[tuple[Column, int]], now: float) -> Line:
    seen = "never seen" if node.seen_at is None else f"last seen {cells.span(now - node.seen_at).strip()} ago"
    because = f": {cells.tame(node.reason)}" if node.reason else ""
    head = [(cells.fit(column.text(node, now), wide) + _GAP, "down") for column, wide in shown[:2]]
    return (*head, (seen + because, "dim"))


def _role(column: Column, node: NodeView, role: str, stale: bool) -> str:
    if column.key == "status":
        return "suspect" if stale else node.status
    if role == "text" and column.key == "cpu":
        return _level(_cpu(node), 0.75, 0.9)
    if role == "text" and column.key in ("memory", "mem%"):
        return _level(_memory_share(node), 0.8, 0.92)
    if role == "text" and column.key == "restarts" and (_restarts(node) or 0) > 0:
        return "warn"
    return role


def _level(share: float | None, warn: float, alarm: float) -> str:
    if share is None:
        return "text"
    return "alarm" if share >= alarm else "warn" if share >= warn else "text"


def summary(nodes: Sequence[NodeView], shown: int, now: float) -> Line:
    """Count the nodes by status: `12 nodes  ● 10 up  ◆ 1 suspect  ✖ 1 down`."""
    spans: list[Span] = [(f"{len(nodes)} node{'s' * (len(nodes) != 1)}", "text")]
    for status in ("up", "suspect", "down", "connecting"):
        if number := sum(node.status == status for node in nodes):
            spans.append((f"  {cells.SHAPES[status]} {number} {status}", status))
    if stale := sum(is_stale(node, now) for node in nodes):
        spans.append((f"  {cells.SHAPES['stale']} {stale} stale", "suspect"))
    if shown != len(nodes):
        spans.append((f"  {shown} shown", "dim"))
    return tuple(spans)
