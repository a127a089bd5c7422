"""One node from near: who it is, and its graphs over the last minutes, of its machine and of itself.

● up   127.0.0.1:41873   seen now, answered in 0.8 ms
orthanc: 2 cores, 24G, up 2h   pid 4242, 12 threads, 17 supervised, 0 restarts
CPU, machine                             CPU, node
 100% ┤        ⣀⣀                          10% ┤
   0% ┤⣀⣀⣠⣤⣴⣾⣿⣿⣷                           0% ┤⣀⣀⣀⣀⣀⣀
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, NamedTuple

from eye.tui import cells
from eye.tui.charts import chart

if TYPE_CHECKING:
    from collections.abc import Callable

    from eye.monitor.node_view import NodeView
    from eye.tui.cells import Line, Span


SPANS = (60.0, 300.0, 900.0, 3600.0)
"""Seconds that the graphs may reach back: what the nodes themselves remember."""

LONG_SPANS = (6 * 3600.0, 86400.0, 7 * 86400.0, 30 * 86400.0)
"""Seconds that they may reach back further where a history is kept."""

POINTS = 120
"""In a graph: a terminal has no more columns of dots, as a rule."""


def fitting_span(uptime: float | None) -> float:
    """Choose how far back the graphs reach at first: as far as there is something to see, 15 minutes at most."""
    return next((span for span in SPANS[:2] if uptime is not None and uptime <= span), SPANS[2])


class Graph(NamedTuple):
    """One graph: what it shows, and how its figures are written."""

    title: str
    key: str
    write: Callable[[float], str]
    top: float | None = None


def _share(value: float) -> str:
    return f"{value * 100:.3g}%"


GRAPHS = (
    Graph("CPU of the machine", "host.cpu", _share, 1.0),
    Graph("Memory of the machine", "host.memory", lambda value: cells.size(value).strip()),
    Graph("CPU of the node", "node.cpu", _share),
    Graph("Memory of the node", "node.memory", lambda value: cells.size(value).strip()),
    Graph("OS processes", "host.processes", lambda value: f"{value:.0f}"),
    Graph("Restarts", "node.restarts", lambda value: f"{value:.0f}"),
)


def heading(node: NodeView, now: float, columns: int) -> list[Line]:
    """Write two lines that say who and how the node is."""
    age = None if node.seen_at is None else now - node.seen_at
    seen = "never seen" if age is None else "seen now" if age < 2 else f"seen {cells.span(age).strip()} ago"
    took = "" if node.round_trip is None else f", answered in {node.round_trip * 1000:.1f} ms"
    first: list[Span] = [
        (f"{cells.SHAPES.get(node.status, '?')} {node.status}", node.status),
        (f"   {cells.tame(node.address)}   {seen}{took if node.status == 'up' else ''}", "dim"),
    ]
    if node.reason and node.status != "up":
        first.append((f"   {cells.tame(node.reason)}", "down"))
    second: list[Span] = []
    if node.host is not None:
        host = node.host
        whose = f"{cells.tame(host.name)}{' (its container)' if host.source == 'container' else ''}"
        second.append((f"{whose}: {host.cores} cores, {cells.size(host.memory_total).strip()}", "text"))
        second.append((f", up {cells.span(host.uptime).strip()}", "text"))
    if node.process is not None:
        own = node.process
        pid = f"pid {own.pid}, " if own.pid else ""  # of a past life it is not known
        second.append((f"   {pid}{own.thread_count} threads, {own.process_count} supervised", "text"))
        second.append((f", {own.restarts} restart{'s' * (own.restarts != 1)}", "warn" if own.restarts else "text"))
    return [cells.cut(tuple(first), columns), cells.cut(tuple(second), columns)]


def own_figures(node: NodeView, columns: int) -> Line:
    """Write what the program that the node runs in tells of itself; nothing where it tells nothing."""
    told = [f"{cells.tame(name)} {value:.6g}" for name, value in sorted(node.custom.items())]
    return cells.cut((("its own: " + ", ".join(told), "text"),), columns) if told else ()


def price(cost: dict[str, Any] | None, columns: int) -> Line:
    """Write what looking at the node costs it: `View.cost`."""
    if cost is None or not cost["askers"]:
        return ()
    askers, share = len(cost["askers"]), cost["cpu_percent"]
    said = (
        f"looking costs it {share:.2g}% of a core and {cells.size(cost['sent']).strip()}/s: "
        f"{cost['requests']:.1f} questions/s from {askers} machine{'s' * (askers != 1)}"
    )
    return cells.cut(((said, "dim"),), columns)


def graphs(series: dict[str, Any] | None, columns: int, rows: int, at: float | None = None) -> list[Line]:
    """Draw the graphs, two beside each other where there is room. `series` is what `View.graph` answers.

    `at` is the moment that is looked back to: it is marked, and the figures are those of then.
    """
    if series is None:
        return [(("waits for the node's last minutes …", "dim"),)]
    across = 2 if columns >= 72 else 1
    wide = columns // across - 2 * (across - 1)
    shown = GRAPHS if across == 2 else GRAPHS[:4]
    lines: list[Line] = []
    for tall, first in zip(_heights(rows, -(-len(shown) // across)), range(0, len(shown), across), strict=True):
        blocks = [_graph(one, series, wide, tall, at) for one in shown[first : first + across]]
        lines += _side_by_side(blocks, wide)
    return lines


def _heights(rows: int, down: int) -> list[int]:
    """Share the rows out: the last graphs change least, so they get least."""
    least = 3
    if rows // down <= least + 2:
        return [max(rows // down, least)] * down
    last = min(rows // down, 7)
    each = (rows - last) // (down - 1) if down > 1 else rows
    return [*([each] * (down - 1)), last] if down > 1 else [each]


def _graph(graph: Graph, series: dict[str, Any], columns: int, rows: int, at: float | None) -> list[Line]:
    points, starts, step = series["points"].get(graph.key, ()), series["starts"], series["step"]
    values = [None if point is None else point[0] for point in points]
    top = graph.top
    if graph.key == "host.memory":
        totals = [point[1] for point in series["points"].get("host.memory_total", ()) if point is not None]
        top = totals[-1] if totals else None
    mark = None if at is None or not starts else (at - starts[0]) / (len(starts) * step)
    title: Line = ((cells.fit(f"{graph.title}: {_figure(graph, values, mark)}", columns), "title"),)
    has_axis = rows >= 6 and bool(starts)
    ends = (_moment(starts[0], step), _moment(starts[-1] + step, step)) if has_axis else None
    tall = max(rows - 1 - has_axis - (rows >= 8), 2)
    drawn = chart(values, columns=columns, rows=tall, write=graph.write, top=top, mark=mark, ends=ends)
    blank: Line = ((" " * columns, "text"),)
    return [title, *drawn, *([blank] * (rows >= 8))]


def _figure(graph: Graph, values: list[float | None], mark: float | None) -> str:
    if mark is not None:
        place = int(mark * len(values))
        then = values[place] if 0 <= place < len(values) else None
        return "not known of then" if then is None else f"{graph.write(then)} then"
    known = [value for value in values if value is not None]
    return graph.write(known[-1]) if known else "nothing yet"


def _moment(at: float, step: float) -> str:
    pattern = "%H:%M:%S" if step < 10 else "%H:%M" if step < 3000 else "%d %b %H:%M"
    return time.strftime(pattern, time.localtime(at))


def _side_by_side(blocks: list[list[Line]], wide: int) -> list[Line]:
    lines: list[Line] = []
    for parts in zip(*blocks, strict=True):
        line: list[Span] = []
        for number, part in enumerate(parts):
            if number:
                line.append(("    ", "text"))
            line += part
        lines.append(tuple(line))
    return lines
