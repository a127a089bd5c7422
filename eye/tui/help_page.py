"""The keys, on one page that fits into 80 columns and 24 lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from eye.tui.cells import Line

_KEYS = (
    ("↑ ↓  j k  PgUp PgDn", "choose a row; Home and End too, and the mouse"),
    ("Enter", "open the node; Esc or Backspace goes back"),
    ("/  f", "filter: web-*  status:down  cpu>80; Esc clears it"),
    ("← →  < >  s  r", "sort by another column; r turns the order round"),
    ("space  p", "pause: what is shown stands still, what comes is kept"),
    ("1 2 3  Tab", "in a node: graphs, supervision tree, processes"),
    ("t", "open the node's supervision tree"),
    ("+ -  E", "in the tree: fold and unfold; E folds all"),
    ("[ ]", "in the graphs: look back less, or further"),
    ("e", "the event log: larger, smaller"),
    ("g", "collect garbage on the node (asks first)"),
    ("x", "crash the chosen process on purpose (asks first)"),
    ("?  h  F1", "this page"),
    ("q  Ctrl-C  F10", "quit"),
)

_MARKS = "● up  ◆ suspect or stale  ✖ down  ○ not met yet  ⟳ restarted  ▮▯ restarts"


def rows() -> list[Line]:
    """Write the page."""
    lines: list[Line] = [(("Keys", "title"),), ()]
    lines += [((f"  {keys:<22}", "key"), (does, "text")) for keys, does in _KEYS]
    return [*lines, (), (("  " + _MARKS, "dim"),)]
