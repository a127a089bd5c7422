"""What `gc` prints: a line for each node as it answers, and before that what it is likely to cost.

    NODE           YOUNG  MIDDLE     OLD  UNCOLLECTABLE    BEFORE     AFTER     FREED   PAUSE
    mystic-node-1     12       3    4512              0      46MB    41.5MB     4.5MB  3.4 ms

Lines come while others are still awaited, so the columns have their widths beforehand. Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eye.exporters.units import UNKNOWN, size
from eye.monitor.clean import clean

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    Told = dict[str, Any]

_RECEIPT = (("YOUNG", 7), ("MIDDLE", 7), ("OLD", 9), ("UNCOLLECTABLE", 13), ("BEFORE", 8), ("AFTER", 8),
            ("FREED", 8), ("PAUSE", 9))  # fmt: skip
_ESTIMATE = (("OBJECTS", 12), ("MEMORY", 8), ("PAUSE", 10), ("ALLOWED", 12))


class Lines:
    """The lines about nodes of such names."""

    def __init__(self, names: Iterable[str]) -> None:
        self._width = max([4, *(len(clean(name)) for name in names)])

    def receipts(self) -> str:
        """Write the heading of receipts."""
        return self._line("NODE", [title for title, _ in _RECEIPT], _RECEIPT)

    def receipt(self, told: Told) -> str:
        """Write what one node answered: objects freed of each generation, memory, how long it stood still."""
        before, after = told["rss_before"], told["rss_after"]
        freed = None if before is None or after is None else max(before - after, 0)
        young, middle, old = map(str, told["collected"][:3])
        sizes = map(_size, (before, after, freed))
        cells = [young, middle, old, str(told["uncollectable"]), *sizes, span(told["pause"])]
        return self._line(told["node"], cells, _RECEIPT)

    def estimates(self) -> str:
        """Write the heading of estimates."""
        return self._line("NODE", [title for title, _ in _ESTIMATE], _ESTIMATE)

    def estimate(self, told: Told) -> str:
        """Write what a collection is likely to cost one node."""
        wait = told["allowed_in"]
        cells = [f"{told['objects']:,}", _size(told["rss"]), "about " + span(told["estimate"])]
        return self._line(told["node"], [*cells, f"in {wait:.0f} s" if wait > 0 else "now"], _ESTIMATE)

    def _line(self, name: str, cells: Sequence[str], columns: Sequence[tuple[str, int]]) -> str:
        written = [cell.rjust(width) for cell, (_, width) in zip(cells, columns, strict=True)]
        return "  ".join([clean(name).ljust(self._width), *written]) + "\n"


def span(seconds: float) -> str:
    """Write how long a node stands still: `0.4 ms`, `34 ms`, `1.5 s`."""
    if seconds >= 1.0:
        return f"{seconds:.1f} s"
    return f"{seconds * 1000:.0f} ms" if seconds >= 0.01 else f"{seconds * 1000:.1f} ms"


def warning(estimates: Sequence[Told]) -> str:
    """Say in one sentence what is about to be done."""
    longest = max(estimates, key=lambda told: told["estimate"])
    still, objects = span(longest["estimate"]), f"{longest['objects']:,} objects"
    if len(estimates) == 1:
        return f"{longest['node']} will stand still for about {still} ({objects})"
    return f"{len(estimates)} nodes will stand still, {longest['node']} the longest: about {still} ({objects})"


def summary(receipts: Sequence[Told], asked: int) -> str:
    """Say in one sentence what was done."""
    freed = sum(sum(told["collected"]) for told in receipts)
    known = [told for told in receipts if told["rss_before"] is not None and told["rss_after"] is not None]
    returned = sum(max(told["rss_before"] - told["rss_after"], 0) for told in known)
    longest = max(told["pause"] for told in receipts)
    return (
        f"{len(receipts)} of {asked} nodes: {freed:,} objects and {size(returned)} freed, "
        f"the longest pause {span(longest)}"
    )


def _size(count: int | None) -> str:
    return UNKNOWN if count is None else size(count)
