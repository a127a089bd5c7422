"""What `fetch --format table` prints: a line a node, for a terminal of a given width.

    NODE           STATUS  MEMORY USAGE  CPU LOAD  PROCESS COUNT   UPTIME  LAST SEEN
    mystic-node-1  ● up           512MB       20%            100  2 hours  now
    mystic-node-2  ✖ down             -         -              -        -  12 seconds ago

Where memory and CPU of a node are those of its container, a column `OF` says whose they are.

A status is told by a word and a shape; its colour, if there is any, only repeats it. In a terminal that
is too narrow the names are shortened first, in their middle (their ends tell them apart); then columns
are left out from the right, and a `…` at the end of the first line says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from unicodedata import combining, east_asian_width

from eye.exporters.units import duration, shown
from eye.metrics.catalogue import select, titles
from eye.monitor.clean import clean

if TYPE_CHECKING:
    from collections.abc import Iterable

    from eye.metrics.catalogue import Metric
    from eye.monitor.node_view import NodeView

_SHAPES = {"up": "●", "suspect": "◆", "down": "✖", "connecting": "○"}
_COLOURS = {"up": "32", "suspect": "33", "down": "31", "connecting": "36"}
_BOLD = "1"
_GAP = "  "
_SHORTEST_NAME = 12
_MORE = "…"


class _Column(NamedTuple):
    title: str
    cells: list[str]
    width: int
    is_number: bool
    colours: list[str | None] | None


def table(
    nodes: Iterable[NodeView],
    now: float,
    metrics: Iterable[Metric] | None = None,
    *,
    width: int | None = None,
    colour: bool = False,
) -> str:
    """Write the nodes as a table in name order, ending in a line break; no nodes are an empty string.

    Args:
        metrics: the columns between status and age; None is the host's default table.
        width: how many characters the terminal is wide; None is as wide as need be.
        colour: whether to write ANSI colours. Without it there is no escape sequence in the result.
    """
    ordered = sorted(nodes, key=lambda node: node.name)
    if not ordered:
        return ""
    columns = _columns(ordered, now, titles(select() if metrics is None else metrics))
    columns, is_cut = (columns, False) if width is None else _fit(columns, width)
    lines = [_heading(columns, is_cut, colour)]
    lines += [_line(columns, row, colour) for row in range(len(ordered))]
    return "".join(f"{line}\n" for line in lines)


def _columns(nodes: list[NodeView], now: float, titled: list[tuple[Metric, str]]) -> list[_Column]:
    statuses = [f"{_SHAPES.get(node.status, '?')} {clean(node.status)}" for node in nodes]
    return [
        _column("NODE", [clean(node.name) for node in nodes]),
        _column("STATUS", statuses, colours=[_COLOURS.get(node.status) for node in nodes]),
        *(
            _column(title.upper(), [_reading(node, metric) for node in nodes], is_number=True)
            for metric, title in titled
        ),
        *_whose(nodes),
        _column("LAST SEEN", [_age(node, now) for node in nodes]),
    ]


def _whose(nodes: list[NodeView]) -> list[_Column]:
    """Say whose memory and CPU these are, where some are a container's."""
    whose = [node.host.source if node.host is not None and node.status != "down" else "-" for node in nodes]
    return [_column("OF", [clean(one) for one in whose])] if "container" in whose else []


def _column(
    title: str, cells: list[str], *, is_number: bool = False, colours: list[str | None] | None = None
) -> _Column:
    return _Column(title, cells, max(map(_width, (title, *cells))), is_number, colours)


def _reading(node: NodeView, metric: Metric) -> str:
    return "-" if node.status == "down" or metric.read(node) is None else shown(metric, node)


def _age(node: NodeView, now: float) -> str:
    if node.seen_at is None:
        return "never"
    return "now" if now - node.seen_at < 1.0 else f"{duration(now - node.seen_at)} ago"


def _fit(columns: list[_Column], width: int) -> tuple[list[_Column], bool]:
    """Shorten names, then leave out columns from the right, until it fits; node and status always stay."""
    names, *others = columns
    missing = _total(columns) - width
    if missing > 0:
        room = max(names.width - missing, min(names.width, _SHORTEST_NAME))
        names = _column(names.title, [_shorten(name, room) for name in names.cells])
    fitting, is_cut = [names, *others], False
    while len(fitting) > 2 and _total(fitting) + (is_cut * _width(_GAP + _MORE)) > width:
        fitting, is_cut = fitting[:-1], True
    return fitting, is_cut


def _total(columns: list[_Column]) -> int:
    return sum(column.width for column in columns) + _width(_GAP) * (len(columns) - 1)


def _shorten(name: str, room: int) -> str:
    if _width(name) <= room:
        return name
    head, tail = list(name[: len(name) // 2]), list(name[len(name) // 2 :])
    while _width("".join(head + tail)) >= room:
        if len(head) >= len(tail):
            head.pop()
        else:
            tail.pop(0)
    return "".join([*head, _MORE, *tail])


def _heading(columns: list[_Column], is_cut: bool, colour: bool) -> str:
    titles_only = [_pad(column.title, column) for column in columns]
    line = _GAP.join([*titles_only, _MORE] if is_cut else titles_only).rstrip()
    return _painted(line, _BOLD) if colour else line


def _line(columns: list[_Column], row: int, colour: bool) -> str:
    cells = []
    for column in columns:
        paint = column.colours[row] if colour and column.colours else None
        padded = _pad(column.cells[row], column)
        cells.append(_painted(padded, paint) if paint else padded)
    return _GAP.join(cells).rstrip()


def _pad(cell: str, column: _Column) -> str:
    space = " " * (column.width - _width(cell))
    return space + cell if column.is_number else cell + space


def _painted(text: str, code: str) -> str:
    return f"\x1b[{code}m{text}\x1b[0m"


def _width(text: str) -> int:
    """Count the columns of a terminal that a text takes: two for a wide character, none for an accent."""
    if text.isascii():
        return len(text)
    return sum(0 if combining(char) else 2 if east_asian_width(char) in "WF" else 1 for char in text)
