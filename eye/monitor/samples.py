"""Every sample of every node that is watched, for whoever wants all of them: the history, the alerts.

    system.topics.subscribe(SAMPLES, whoever)        # gets a `Seen` each time

It is broadcast where the sample is put on the board, on whatever thread that is, and made only if somebody
listens. A subscriber need not be a process: anything with a `send` will do, which then must not block.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from eye.metrics.sample import Sample

SAMPLES = "eye.monitor.samples"
"""The topic."""


class Seen(NamedTuple):
    """What a node said, and the moment at which it came here: UTC seconds by this node's clock."""

    node: str
    sample: Sample
    at: float
