"""One node from near: who it is, and its graphs over the last minutes, of its machine and of itself.

mystic-node-1  ● up   127.0.0.1:41873   orthanc, 2 cores   pid 4242   answered in 0.8 ms, 0.4 s ago
CPU, machine                             CPU, node
 100% ┤        ⣀⣀                          10% ┤
   0% ┤⣀⣀⣠⣤⣴⣾⣿⣿⣷                           0% ┤⣀⣀⣀⣀⣀⣀
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from eye.monitor.clean import clean
from eye.tui import cells
from eye.tui.charts import chart

if TYPE_CHECKING:
    from collections.abc import Callable

    from eye.monitor.node_view import NodeView
    from eye.tui.cells import Line, Span


SPANS = (60.0, 300.0, 900.0, 3600.0)
"""Seconds that the graphs may reach back."""

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
        (clean(node.name), "title"),
        (f"   {cells.SHAPES.get(node.status, '?')} {node.status}", node.status),
        (f"   {clean(node.address)}   {seen}{took if node.status == 'up' else ''}", "dim"),
    ]
    if node.reason and node.status != "up":
        first.append((f"   {clean(node.reason)}", "down"))
    second: list[Span] = []
    if node.host is not None:
        host = node.host
        second.append((f"{clean(host.name)}: {host.cores} cores, {cells.size(host.memory_total).strip()}", "text"))
        second.append((f", up {cells.span(host.uptime).strip()}", "text"))
    if node.process is not None:
        own = node.process
        second.append((f"   pid {own.pid}, {own.thread_count} threads, {own.process_count} supervised", "text"))
        second.append((f", {own.restarts} restarts", "warn" if own.restarts else "text"))
    return [cells.cut(tuple(first), columns), cells.cut(tuple(second), columns)]


def price(cost: dict[str, Any] | None, columns: int) -> Line:
    """Write what looking at the node costs it: `View.cost`."""
    if cost is None or not cost["askers"]:
        return ()
    askers, share = len(cost["askers"]), cost["cpu_percent"]
    said = (
        f"looked at {cost['requests']:.1f} times a second from {askers} machine{'s' * (askers != 1)}, "
        f"which costs it {share:.2g}% of a core and {cells.size(cost['sent']).strip()}/s"
    )
    return cells.cut(((said, "dim"),), columns)


def graphs(series: dict[str, Any] | None, columns: int, rows: int) -> list[Line]:
    """Draw the graphs, two beside each other where there is room. `series` is what `View.recent` answers."""
    if series is None:
        return [(("waits for the node's last minutes …", "dim"),)]
    across = 2 if columns >= 72 else 1
    wide = columns // across - 2 * (across - 1)
    shown = GRAPHS if across == 2 else GRAPHS[:4]
    down = -(-len(shown) // across)
    gap = 1 if rows // down > 4 else 0
    tall = max(rows // down - 1 - gap, 2)
    lines: list[Line] = []
    for at in range(0, len(shown), across):
        lines += _side_by_side([_graph(one, series, wide, tall, gap) for one in shown[at : at + across]], wide)
    return lines


def _graph(graph: Graph, series: dict[str, Any], columns: int, rows: int, gap: int) -> list[Line]:
    points = series["points"].get(graph.key, ())
    values = [None if point is None else point[0] for point in points]
    top = graph.top
    if graph.key == "host.memory":
        totals = [point[1] for point in series["points"].get("host.memory_total", ()) if point is not None]
        top = totals[-1] if totals else None
    known = [value for value in values if value is not None]
    latest = f": {graph.write(known[-1])}" if known else ": nothing yet"
    title: Line = ((cells.fit(f"{graph.title}{latest}", columns), "title"),)
    drawn = chart(values, columns=columns, rows=rows, write=graph.write, top=top)
    return [title, *drawn, *([((" " * columns, "text"),)] * gap)]


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
