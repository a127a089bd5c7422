"""The last line of the screen: the keys that count on the page of the moment, and what is wrong with a filter."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eye.tui import cells

if TYPE_CHECKING:
    from eye.tui.cells import Line

_ALWAYS = [("?", "help"), ("q", "quit")]
_KEYS = {
    "help": [("any key", "goes back")],
    "the past": [("[ ]", "a minute"), (", .", "5 seconds"), ("1 2 3", "pages"), ("Esc", "now"), *_ALWAYS],
    "nodes": [
        ("Enter", "open"), ("/", "filter"), ("← →", "sort"), ("[", "look back"), ("space", "pause"), ("g", "gc"),
        *_ALWAYS,
    ],
    "who sees whom": [("Esc", "nodes"), ("← →", "other columns"), ("e", "events"), *_ALWAYS],
    "alerts": [("Esc", "nodes"), ("[", "look back"), ("e", "events"), *_ALWAYS],
    "events": [("Esc", "nodes"), ("↑ ↓", "scroll"), ("[", "look back"), *_ALWAYS],
    "graphs": [("Esc", "nodes"), ("+ -", "span"), ("[", "look back"), ("g", "gc"), *_ALWAYS],
    "tree": [
        ("Esc", "nodes"), ("Enter", "fold, open"), ("/", "search"), ("x", "crash"), ("a", "actions"), *_ALWAYS,
    ],
    "processes": [
        ("Esc", "nodes"), ("Enter", "open"), ("s", "sort"), ("/", "search"), ("x", "crash"), ("a", "actions"),
        *_ALWAYS,
    ],
    "process": [
        ("Esc", "back"), ("i", "state"), ("x", "crash"), ("R", "restart"), ("S", "stop"), ("z", "suspend"),
        *_ALWAYS,
    ],
    "actions": [
        ("x", "crash"), ("R", "restart"), ("S", "stop"), ("z", "suspend, resume"), ("i", "state"), ("g", "gc"),
        ("Esc", "none"),
    ],
    "filter": [("Enter", "keep it"), ("Esc", "give it up")],
}  # fmt: skip

PAGES = tuple(_KEYS)


def footer(page: str) -> Line:
    """Write it, for a page of the cluster or of a node, or for a moment in which keys mean something else."""
    return tuple(part for key, does in _KEYS[page] for part in ((f" {key} ", "key"), (f"{does} ", "dim")))


def reach(seconds: float) -> str:
    """Say how far back graphs reach: `15 minutes`, `hour`, `7 days`."""
    for length, word in ((86400.0, "day"), (3600.0, "hour"), (60.0, "minute")):
        if seconds >= length:
            count = int(seconds // length)
            return word if count == 1 else f"{count} {word}s"
    return f"{int(seconds)} seconds"


def pointing(at: int, problem: str, columns: int) -> Line:
    """Point, from the line below a filter, at the character that is wrong, and say what is wrong with it."""
    problem = cells.tame(problem)
    if at >= columns:
        return ((cells.shorten(f"character {at + 1}: {problem}", columns), "down"),)
    if at + 2 + cells.width(problem) <= columns:
        return ((f"{' ' * at}^ {problem}", "down"),)
    if cells.width(problem) + 1 <= at:
        return ((f"{problem:>{at - 1}} ^", "down"),)
    return cells.cut(((f"{' ' * at}^ {problem}", "down"),), columns)
