"""A page: what stands still above it, its heading, and lines that are made when they are seen."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from eye.tui.cells import Line


class Page(NamedTuple):
    """One page, painted from the top: `tabs`, `above`, `heading` (unless it is empty), then the rows."""

    tabs: Line
    above: Sequence[Line]
    heading: Line
    rows: int
    make: Callable[[int], Line]
    chosen: int | None = None


def page_of(
    tabs: Line,
    lines: Sequence[Line],
    *,
    above: Sequence[Line] = (),
    heading: Line = (),
    chosen: int | None = None,
) -> Page:
    """Make a page of lines that are there already."""
    return Page(tabs, above, heading, len(lines), lines.__getitem__, chosen)


def tabs(names: Sequence[str], chosen: str, before: str = "") -> Line:
    """Write the names of pages with their keys, the one that is shown marked."""
    spans = [(f"{before} ", "title")] if before else []
    for number, name in enumerate(names, 1):
        spans.append((f" {number} {name} ", "bar" if name == chosen else "dim"))
    return tuple(spans)


def tab_at(x: int, names: Sequence[str], before: str = "") -> str | None:
    """Say which name a click means."""
    right = len(before) + 1 if before else 0
    if x < right:
        return None
    for number, name in enumerate(names, 1):
        right += len(f" {number} {name} ")
        if x < right:
            return name
    return None
