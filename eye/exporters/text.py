"""What `fetch` prints: one block a node, in name order, a blank line between blocks.

    Node: mystic-node-1
    Memory Usage: 512MB
    CPU Load: 20%
    Process Count: 100
    Uptime: 2 hours

    Node: mystic-node-2
    Status: down (last seen 12 seconds ago)

The form is a contract (DESIGN.md), down to the letter. Beyond it: a node that is `suspect` or
`connecting` has a status line too, and then the figures that it last gave, if it gave any; a figure
that was not measured is `unknown`; and where host and node figures stand together, the node's are
called `Node Memory Usage` and so on.

This module is on the way of every `fetch`: it imports nothing that this format does not use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from eye.exporters.units import last_seen, shown
from eye.metrics.catalogue import select, titles
from eye.monitor.clean import clean

if TYPE_CHECKING:
    from collections.abc import Iterable

    from eye.metrics.catalogue import Metric
    from eye.monitor.node_view import NodeView


def text(nodes: Iterable[NodeView], now: float, metrics: Iterable[Metric] | None = None) -> str:
    """Write the nodes as the contract says, ending in a line break; no nodes are an empty string.

    Args:
        metrics: what to show (see `eye.metrics.catalogue.select`); None is the host's default table.
    """
    titled = titles(select() if metrics is None else metrics)
    blocks = [_block(node, now, titled) for node in sorted(nodes, key=lambda node: node.name)]
    return "\n".join(blocks)


def _block(node: NodeView, now: float, titled: list[tuple[Metric, str]]) -> str:
    lines = [f"Node: {clean(node.name)}", *_status_line(node, now)]
    if node.status != "down" and not _is_silent(node):
        lines += [f"{title}: {shown(metric, node)}" for metric, title in titled]
    return "".join(f"{line}\n" for line in lines)


def _status_line(node: NodeView, now: float) -> list[str]:
    if node.status != "up":
        return [f"Status: {clean(node.status)} ({last_seen(node.seen_at, now)})"]
    return ["Status: up (no reading yet)"] if _is_silent(node) else []


def _is_silent(node: NodeView) -> bool:
    return node.host is None and node.process is None
