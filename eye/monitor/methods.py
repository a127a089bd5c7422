"""What one node may ask of another node's agent, as typed methods of the wire.

The agent answers for the whole node: its last sample, its supervision tree, and (where the node allows
it) the crash of one of its processes on purpose.
"""

from __future__ import annotations

from typing import Any

from eye.cluster.interconnect import Method
from eye.metrics.sample import Sample

SAMPLE = Method("agent", "sample", (), Sample, lane="samples")
"""The node's last sample."""

TREE = Method("agent", "tree", (), dict[str, Any], lane="trees")
"""The node's supervision tree, as `eye.supervision.introspection.tree` draws it, with the time it was drawn."""

CRASH = Method("agent", "crash", (str, str), str, lane="actions")
"""End the process at a path with a reason; answers the path of the process that was hit."""
