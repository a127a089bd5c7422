"""The keys, on one page that fits into 80 columns and 24 lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from eye.tui.cells import Line

KEYS = (
    ("1 2 3 4  Tab", "pages: of the cluster, or of the node that is open"),
    ("↑ ↓ j k  PgUp PgDn", "choose a row; Home, End, the mouse; F follows it"),
    ("Enter", "open the node; fold the supervisor; see the process"),
    ("Esc  Backspace", "back"),
    ("t", "the node's supervision tree"),
    ("/  f", "filter: web-* status:down cpu>80; in a node, search"),
    ("← →  < >  s  r", "sort by another column; r turns the order round"),
    ("N P M T", "sort by name, CPU, memory, uptime; or click a title"),
    ("space  p", "pause: what is shown stands still, what comes is kept"),
    ("[ ]  , .", "look back, on again: a minute, 5 seconds; Esc is now"),
    ("+ -", "in graphs: further back, less far; in a tree: fold"),
    ("E", "in a tree: fold all"),
    ("e", "the event log: larger, smaller"),
    ("a  F9", "what can be done to a process; all but i asks first:"),
    ("x  R  S  z", "crash it, restart it, stop it, suspend and resume it"),
    ("i", "ask a process for its state"),
    ("g", "collect garbage on the node, and say what it freed"),
    ("?  h  F1      q  Ctrl-C", "this page; quit. Ctrl-Z suspends, `fg` comes back"),
)
"""Every key with what it does; the documentation shows the same."""

MARKS = "● up  ◇ stale  ◆ suspect  ✖ down  ○ not met yet  ⟳ restarted  ▮▯ budget"


def rows() -> list[Line]:
    """Write the page."""
    lines: list[Line] = [((f"  {keys:<24}", "key"), (does, "text")) for keys, does in KEYS]
    return [*lines, (), (("  " + MARKS, "dim"),)]
