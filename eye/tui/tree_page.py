"""A node's supervision tree as lines that can be folded and searched, with the story of its restarts.

    ▾ eye                      rest_for_one  ▮▯▯▯▯▯▯▯▯▯ 1 of 10 in 5 s
      ▾ local                  one_for_one   ▮▯▯ 1 of 3 in 5 s
        ● sampler#2            ⟳ 1  restarted because it crashed: ValueError, 0.8 s ago, 1 of 3 in 5 s
      ▸ cluster (3)            rest_for_one  ▯▯▯ 0 of 3 in 5 s

A supervisor is folded into one line with the number of processes below it; one below which something is wrong
says so while it is folded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from eye.monitor.clean import clean
from eye.supervision.tree_text import says_incident
from eye.tui import cells

if TYPE_CHECKING:
    from collections.abc import Iterator, Set

    from eye.tui.cells import Line, Span

    Tree = dict[str, Any]

_MARKS = {"running": "●", "suspended": "◌", "starting": "○", "restarting": "◐", "stopped": "○", "abandoned": "✖"}
_ROLES = {
    "running": "up",
    "suspended": "suspect",
    "starting": "connecting",
    "restarting": "suspect",
    "stopped": "dim",
    "abandoned": "down",
}
_RECENT = 10.0  # seconds that a restart is news


class Row(NamedTuple):
    """One line of the tree, and the process that it shows."""

    path: str
    line: Line
    is_supervisor: bool


def rows(document: Tree, *, folded: Set[str], columns: int, search: str = "") -> list[Row]:
    """Lay out a node's trees. While something is searched for, only what matches is shown, with its ancestors."""
    found: list[Row] = []
    for tree in (document["tree"], *document.get("others", ())):
        found += _below(tree, 0, folded, columns, search.casefold(), document["at"])
    return found


def _below(tree: Tree, depth: int, folded: Set[str], columns: int, search: str, now: float) -> Iterator[Row]:
    if search and not _matches(tree, search):
        return
    is_folded = tree["path"] in folded and not search
    line = cells.cut(_line(tree, depth, is_folded, now), columns)
    yield Row(tree["path"], line, tree["kind"] == "supervisor")
    if not is_folded:
        for child in tree["children"]:
            yield from _below(child, depth + 1, folded, columns, search, now)


def _matches(tree: Tree, search: str) -> bool:
    own = (tree["id"], tree.get("name") or "", tree.get("module") or "")
    return any(search in text.casefold() for text in own) or any(_matches(one, search) for one in tree["children"])


def _line(tree: Tree, depth: int, is_folded: bool, now: float) -> Line:
    role = _ROLES.get(tree["status"], "text")
    mark = _MARKS.get(tree["status"], "?")
    if tree["children"]:
        mark = "▸" if is_folded else "▾"
    incarnation = f"#{tree['incarnation']}" if tree["incarnation"] > 1 else ""
    count = f" ({_count(tree)})" if is_folded else ""
    head = f"{'  ' * depth}{mark} "
    name = clean(f"{tree['id']}{incarnation}{count}")
    spans: list[Span] = [(head, role), (name + " " * max(1, 34 - len(head) - cells.width(name)), "text")]
    if is_folded and (troubled := _troubled(tree)):
        spans.append((f"✖ {troubled} not running  ", "down"))
    if tree["status"] != "running":
        spans.append((f"{tree['status']}  ", role))
    if tree["budget"] is not None:
        spans += _budget(tree)
    spans += _story(tree, now)
    return tuple(spans)


def _budget(tree: Tree) -> list[Span]:
    budget = tree["budget"]
    used, most = budget["used"], budget["max_restarts"]
    bars = cells.gauge(used, most, min(max(most, 1), 10))
    role = "alarm" if used >= most > 0 else "warn" if used else "dim"
    said = f"{bars} {used} of {most} in {budget['max_seconds']:g} s  "
    return [(f"{tree['strategy']:<13}", "dim"), (said, role)]


def _story(tree: Tree, now: float) -> list[Span]:
    spans: list[Span] = []
    if tree["restarts"]:
        spans.append((f"⟳ {tree['restarts']}  ", "warn"))
    if tree["status"] == "running" and tree.get("cause"):
        is_news = now - tree["cause"]["at"] < _RECENT
        told = clean(says_incident(tree["cause"], tree["id"], now))
        spans.append((f"restarted because {told}  ", "warn" if is_news else "dim"))
    elif tree["last_exit"] is not None:
        spans.append((f"last exit: {clean(tree['last_exit'].partition(chr(10))[0])}  ", "dim"))
    if left_down := tree.get("not_restarted"):
        spans.append((f"{clean(left_down['rule'])}  ", "dim"))
    if tree.get("next_try_at") is not None:
        spans.append((f"next try in {max(tree['next_try_at'] - now, 0.0):.1f} s  ", "suspect"))
    if tree.get("os_process") is not None:
        spans.append((f"OS process {tree['os_process']}  ", "dim"))
    if tree["mailbox"]:
        age = tree.get("mailbox_age")
        waits = f" for {cells.span(age).strip()}" if age is not None and age >= 1 else ""
        spans.append((f"{tree['mailbox']} waiting{waits}", "warn" if age and age >= 1 else "dim"))
    if tree["kind"] == "worker" and not spans:
        spans.append((tree.get("module") or "", "dim"))
    return spans


def _count(tree: Tree) -> int:
    return sum(1 + _count(child) for child in tree["children"])


def _troubled(tree: Tree) -> int:
    return sum((child["status"] != "running") + _troubled(child) for child in tree["children"])
