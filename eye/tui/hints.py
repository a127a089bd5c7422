"""The last line of the screen: the keys that count on the page of the moment."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from eye.tui.cells import Line

_HERE = [("Esc", "back"), ("1 2 3", "pages"), ("g", "gc")]
_ALWAYS = [("space", "pause"), ("q", "quit")]
_KEYS = {
    "help": [("any key", "goes back")],
    "nodes": [
        ("q", "quit"), ("?", "help"), ("/", "filter"), ("← →", "sort"), ("Enter", "open"), ("space", "pause"),
        ("e", "events"),
    ],
    "graphs": [*_HERE, ("[ ]", "span"), *_ALWAYS],
    "tree": [*_HERE, ("+ -", "fold"), ("x", "crash"), *_ALWAYS],
    "processes": [*_HERE, ("s", "sort"), ("x", "crash"), *_ALWAYS],
}  # fmt: skip


def footer(page: str) -> Line:
    """Write it, for `help`, `nodes`, or a page of a node."""
    return tuple(part for key, does in _KEYS[page] for part in ((f" {key} ", "key"), (f"{does} ", "dim")))


def reach(seconds: float) -> str:
    """Say how far back graphs reach: `15 minutes`, `hour`."""
    minutes = int(seconds // 60)
    return "hour" if minutes == 60 else "minute" if minutes == 1 else f"{minutes} minutes"
