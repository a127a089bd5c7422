"""One process from near: what its supervisor knows of it, its last restarts, and, if it is asked, its state.

    /shop/orders#3   ● running   permanent   shop.orders.Orders
    handled 1204 messages, 12 waiting, the oldest for 4s; started 1m ago
    ⟳ 2  restarted 8s ago because it crashed: ValueError: no such order, 1 of 3 in 5 s

    LAST RESTARTS
    18:29:15  it crashed: ValueError: no such order, 1 of 3 in 5 s

    STATE, as it was 3 s ago
    orders   {17: 'ring', 18: 'cloak'}

All but the state is what the process has published: it is not asked for it. Its state only it can tell, between
two messages; it is asked once, when somebody wants to see it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eye.supervision.tree_text import says_incident
from eye.tui import cells, tree_page
from eye.tui.moment import ago, clock_of

if TYPE_CHECKING:
    from eye.tui.cells import Line

    Tree = dict[str, Any]

_MOST_LINES = 12  # of one attribute


def rows(tree: Tree | None, path: str, now: float, columns: int) -> list[Line]:
    """Write what is known of a process without asking it."""
    if tree is None:
        return [((f"there is no {cells.tame(path)} any more", "down"),)]
    incarnation = f"#{tree['incarnation']}" if tree["incarnation"] > 1 else ""
    status = cells.tame(tree["status"])
    about = [tree.get("restart") or "", tree.get("strategy") or "", tree.get("module") or ""]
    lines: list[Line] = [
        (
            (cells.shorten(cells.tame(tree["path"] + incarnation), max(columns - 30, 12)), "title"),
            (f"   {tree_page.MARKS.get(status, '?')} {status}", tree_page.ROLES.get(status, "text")),
            ("".join(f"   {cells.tame(one)}" for one in about if one), "dim"),
        ),
        ((_busyness(tree, now), "text"),),
    ]
    if told := tree_page.story(tree, now):
        lines.append(tuple(told))
    if history := tree.get("history"):
        lines += [(), (("LAST RESTARTS", "title"),)]
        for one in reversed(history):
            told_of = says_incident(one["because"], tree["id"], None)
            waited = f", {one['waited']:.1f} s later" if one.get("waited") else ""
            lines.append(((f"{clock_of(one['at'])}  ", "dim"), (cells.tame(told_of + waited), "text")))
    return [cells.cut(line, columns) for line in lines]


def state(answer: dict[str, Any] | None, trouble: str | None, age: float | None, columns: int) -> list[Line]:
    """Write the state of a process, or why it is not to be seen."""
    lines: list[Line] = [()]
    if answer is None and trouble is None:
        return [*lines, (("STATE: waits for the process to tell it …", "dim"),)]
    if trouble is not None:
        lines += [((one, "down"),) for one in cells.wrap(trouble, columns)]
    if answer is None:
        return lines
    old = "" if age is None or age < 2 else f", as it was {ago(age)} ago; i asks again"
    lines.append((("STATE", "title"), (f" of a {cells.tame(answer['behaviour'])}{old}", "dim")))
    name = min(max((cells.width(cells.tame(one[0][:24])) for one in answer["state"]), default=0), 24)
    for key, text in answer["state"]:
        room = max(columns - name - 2, 10)
        for number, part in enumerate(cells.wrap(str(text)[: room * _MOST_LINES], room, _MOST_LINES) or [""]):
            lines.append(((cells.fit("" if number else str(key), name) + "  ", "key"), (part, "text")))
    if not answer["state"]:
        lines.append((("it has none", "dim"),))
    return [cells.cut(line, columns) for line in lines]


def _busyness(tree: Tree, now: float) -> str:
    handled, waits, age = tree["handled"], tree["mailbox"], tree.get("mailbox_age")
    said = "" if handled is None else f"handled {handled} message{'s' * (handled != 1)}, "
    said += f"{waits} waiting"
    if age is not None:
        said += f", the oldest for {cells.span(age).strip()}"
    if tree["started_at"] is not None:
        said += f"; started {ago(now - tree['started_at'])} ago"
    return said
