"""The pages of the whole cluster: its nodes, who sees whom, the alerts, and everything that happened.

Made of what is `seen`: the cluster at one moment, which is now, or when the screen was halted, or one of the past.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from eye.tui import alerts_page, cells, events_page, nodes_page, sight_page
from eye.tui.page import Page, page_of, tabs

if TYPE_CHECKING:
    from eye.monitor.node_view import NodeView
    from eye.tui.cells import Line
    from eye.tui.desk import Kept
    from eye.tui.nodes_page import Trail
    from eye.tui.table import Table

TABS = ("nodes", "who sees whom", "alerts", "events")

_NOBODY = (
    "no node was found yet; they appear as they come",
    "",
    "  sorcerers_eye start --name mystic-node-1     starts one here, in another terminal",
    "  sorcerers_eye demo                           starts a whole cluster to play with",
    "  sorcerers_eye observe --connect HOST:PORT    finds those of another machine",
    "",
    "Nodes of other users and other machines are seen with their cookie: --cookie-file.",
)


class Seen(NamedTuple):
    """The cluster at one moment."""

    nodes: tuple[NodeView, ...]
    now: float
    events: list[dict[str, Any]]
    alerts: list[dict[str, Any]]


def nodes(seen: Seen, table: Table, trail: Trail, columns: int, *, waits: bool = False) -> Page:
    """Make the table of nodes; it `waits` while a past moment is still asked for."""
    top, rows = tab_line(TABS[0], columns, table.note), table.rows
    if waits:
        return page_of(top, [(), (("  asks the nodes what it was like then …", "dim"),)])
    if not rows:
        said = ("no node matches the filter; Esc clears it",) if seen.nodes else _NOBODY
        return page_of(top, [(), *(((f"  {line}", "dim"),) for line in said)])
    shown = nodes_page.layout(columns, table.names)
    return Page(
        top,
        (),
        nodes_page.heading(shown, table.order),
        len(rows),
        lambda at: nodes_page.row(rows[at], shown, seen.now, trail, columns),
        table.names.index(table.chosen) if table.chosen in table.names else None,
    )


def sight(kept: Kept, age: float | None, columns: int, first: int) -> Page:
    """Make the matrix of who sees whom."""
    note = "" if age is None else f"as they said {age:.0f} s ago"
    if kept.answer is None and kept.trouble is not None:
        return page_of(tab_line(TABS[1], columns, ""), [(), ((f"  {cells.tame(kept.trouble)}", "down"),)])
    above, heading, rows = sight_page.rows(kept.answer, columns, first)
    return page_of(tab_line(TABS[1], columns, note), rows, above=above, heading=heading)


def alerts(seen: Seen, columns: int) -> Page:
    """Make the list of alerts."""
    top = tab_line(TABS[2], columns, "")
    if not seen.alerts:
        said = (
            "no alert fires, and none is about to",
            "",
            "Who watches evaluates the rules: `sorcerers_eye alerts --help` says more.",
        )
        return page_of(top, [(), *(((f"  {line}", "dim"),) for line in said)])
    heading, rows = alerts_page.rows(seen.alerts, columns)
    return page_of(top, rows, heading=heading)


def events(seen: Seen, columns: int, place: int | None) -> Page:
    """Make the whole event log; the newest is at the bottom."""
    rows = events_page.rows(seen.events, columns)
    chosen = len(rows) - 1 if place is None else min(place, len(rows) - 1)
    note = f"{len(rows)} lines"
    return page_of(
        tab_line(TABS[3], columns, note),
        rows or [(("  nothing has happened yet", "dim"),)],
        chosen=chosen if rows else None,
    )


def tab_line(chosen: str, columns: int = 0, note: str = "") -> Line:
    """Write the tabs, and a note at the right end."""
    return cells.across(tabs(TABS, chosen), ((cells.tame(note), "dim"),), columns) if note else tabs(TABS, chosen)
