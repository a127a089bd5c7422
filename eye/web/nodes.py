"""The nodes as the web view tells them: the JSON contract's document, and what only a screen wants.

`eye.monitor.document` has the contract. Within version 1 new fields may come, and a screen needs four more: since
when a node has its status, why it is not up, how often it is asked, and, of one that is down, what it said last.
That stands apart, under `last`, so that nobody can take an old figure for a live one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eye.monitor.node_view import NodeView


def nodes_document(nodes: Sequence[NodeView], at: float) -> dict[str, Any]:
    """Make the answer of `GET /api/v1/nodes`, in name order."""
    from eye.monitor.document import document

    whole = document(nodes, at)
    by_name = {node.name: node for node in nodes}
    for entry in whole["nodes"]:
        node = by_name[entry["node"]]
        entry["since"], entry["reason"], entry["every"] = node.since, node.reason, node.every
        if entry["host"] is None and node.host is not None:
            entry["last"] = _last_said(node)
    return whole


def _last_said(node: NodeView) -> dict[str, Any]:
    from dataclasses import replace

    from eye.monitor.document import node_document

    # The contract says nothing of a node that is down; what it said last is what it would say of an up one.
    said = node_document(replace(node, status="up"))
    return {"host": said["host"], "process": said["process"]}
