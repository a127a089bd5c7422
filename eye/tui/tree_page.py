"""A node's supervision tree as lines that can be folded and searched, with the story of its restarts.

    ▾ eye                      rest_for_one  ▮▯▯▯▯▯▯▯▯▯ 1 of 10 in 5 s
      ▾ local                  one_for_one   ▮▯▯ 1 of 3 in 5 s
        ● sampler#2            ⟳ 1  restarted 8s ago because it crashed: ValueError, 1 of 3 in 5 s
      ▸ cluster (3)            rest_for_one  ▯▯▯ 0 of 3 in 5 s

A supervisor is folded into one line with the number of processes below it; one below which something is wrong
says so while it is folded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from eye.supervision.tree_text import says_incident
from eye.tui import cells

if TYPE_CHECKING:
    from collections.abc import Iterator, Set

    from eye.tui.cells import Line, Span

    Tree = dict[str, Any]

MARKS = {"running": "●", "suspended": "◌", "starting": "○", "restarting": "◐", "stopped": "○", "abandoned": "✖"}
ROLES = {
    "running": "up",
    "suspended": "suspect",
    "starting": "connecting",
    "restarting": "suspect",
    "stopped": "dim",
    "abandoned": "down",
}
_RECENT = 10.0  # seconds that a restart is news


_NAME = 34  # columns of a name at most, its indentation included
_SHORT = {"permanent": "perm", "transient": "trans", "temporary": "temp"}


class Row(NamedTuple):
    """One line of the tree, and the process that it shows; one that is gone has no path."""

    path: str
    line: Line
    is_supervisor: bool


class _Look(NamedTuple):
    """What every line of one tree has in common."""

    folded: Set[str]
    columns: int
    search: str
    now: float
    name: int  # columns


def rows(document: Tree, *, folded: Set[str], columns: int, search: str = "") -> list[Row]:
    """Lay out a node's trees. While something is searched for, only what matches is shown, with its ancestors."""
    trees = (document["tree"], *document.get("others", ()))
    longest = max((_name_width(tree, 0) for tree in trees), default=0)
    name = min(longest + 2, _NAME if columns >= 70 else 22)
    look = _Look(folded, columns, search.casefold(), document["at"], name)
    return [row for tree in trees for row in _below(tree, 0, look)]


def find(document: Tree, path: str) -> Tree | None:
    """Find a process in a node's trees by its path."""
    return next((tree for tree in flat(document) if tree["path"] == path), None)


def flat(document: Tree) -> Iterator[Tree]:
    """Go through every process of a node's trees, each before those below it."""
    waiting = [*reversed((document["tree"], *document.get("others", ())))]
    while waiting:
        tree = waiting.pop()
        yield tree
        waiting += reversed(tree["children"])


def _below(tree: Tree, depth: int, look: _Look) -> Iterator[Row]:
    if look.search and not _matches(tree, look.search):
        return
    is_folded = tree["path"] in look.folded and not look.search
    line = cells.cut(_line(tree, depth, is_folded, look), look.columns)
    yield Row(tree["path"], line, tree["kind"] == "supervisor")
    if not is_folded:
        for child in tree["children"]:
            yield from _below(child, depth + 1, look)
        for gone in tree.get("departed", ()):
            if not look.search or look.search in gone["id"].casefold():
                yield Row("", cells.cut(_departed(gone, depth + 1, look), look.columns), False)


def _matches(tree: Tree, search: str) -> bool:
    own = (tree["id"], tree.get("name") or "", tree.get("module") or "")
    gone = (one["id"] for one in tree.get("departed", ()))
    return any(search in text.casefold() for text in (*own, *gone)) or any(
        _matches(one, search) for one in tree["children"]
    )


def _line(tree: Tree, depth: int, is_folded: bool, look: _Look) -> Line:
    role = ROLES.get(tree["status"], "text")
    mark = MARKS.get(tree["status"], "?")
    if tree["children"] or tree.get("departed"):
        mark = "▸" if is_folded else "▾"
    count = f" ({_count(tree)})" if is_folded else ""
    spans = _begin(mark, role, f"{_own_name(tree)}{count}", tree.get("restart"), depth, look)
    if is_folded and (troubled := _troubled(tree)):
        spans.append((f"✖ {troubled} not running  ", "down"))
    if tree["status"] != "running":
        spans.append((f"{cells.tame(tree['status'])}  ", role))
    if tree["budget"] is not None:
        spans += _budget(tree)
    spans += story(tree, look.now)
    if tree["kind"] == "worker" and len(spans) == 3:
        spans.append((cells.tame(tree.get("module") or ""), "dim"))
    return tuple(spans)


def _departed(gone: Tree, depth: int, look: _Look) -> Line:
    reason = cells.tame(gone["reason"].partition("\n")[0])
    said = f"gone {cells.span(look.now - gone['at']).strip()} ago: {reason}; {cells.tame(gone['rule'])}"
    is_news = look.now - gone["at"] < _RECENT
    spans = _begin("✖", "down" if is_news else "dim", gone["id"], gone.get("restart"), depth, look)
    return (*spans, (said, "warn" if is_news else "dim"))


def _begin(mark: str, role: str, name: str, restart: str | None, depth: int, look: _Look) -> list[Span]:
    head = f"{'  ' * depth}{mark} "
    wide = max(look.name - len(head), 8)
    words = {"permanent", "transient", "temporary"}
    kind = (restart if restart in words else "-") if restart else "-"
    kind = f"{kind:<11}" if look.columns >= 100 else f"{_SHORT.get(kind, '-'):<7}"
    return [(head, role), (cells.fit(name, wide) + "  ", "text"), (kind, "dim")]


def _budget(tree: Tree) -> list[Span]:
    budget = tree["budget"]
    used, most = budget["used"], budget["max_restarts"]
    bars = cells.gauge(used, most, min(max(most, 1), 10))
    role = "alarm" if used >= most > 0 else "warn" if used else "dim"
    said = f"{bars} {used} of {most} in {budget['max_seconds']:g} s  "
    return [(f"{tree['strategy']:<14}", "dim"), (said, role)]


def story(tree: Tree, now: float) -> list[Span]:
    """Tell what has happened to a process, and what waits in its mailbox."""
    spans: list[Span] = []
    if tree["restarts"]:
        spans.append((f"⟳ {tree['restarts']}  ", "warn"))
    if tree["status"] == "running" and tree.get("cause"):
        is_news = now - tree["cause"]["at"] < _RECENT
        told = cells.tame(says_incident(tree["cause"], tree["id"], None))
        ago = cells.span(now - tree["cause"]["at"]).strip()
        spans.append((f"restarted {ago} ago because {told}  ", "warn" if is_news else "dim"))
    elif tree["last_exit"] is not None:
        spans.append((f"last exit: {cells.tame(tree['last_exit'].partition(chr(10))[0])}  ", "dim"))
    if left_down := tree.get("not_restarted"):
        spans.append((f"{cells.tame(left_down['rule'])}  ", "dim"))
    if tree.get("next_try_at") is not None:
        spans.append((f"next try in {max(tree['next_try_at'] - now, 0.0):.1f} s  ", "suspect"))
    if lost := tree.get("lost"):
        spans.append((f"{lost['count']} added children lost at its last exit  ", "dim"))
    if tree.get("os_process") is not None:
        spans.append((f"OS process {tree['os_process']}  ", "dim"))
    if tree["mailbox"]:
        age = tree.get("mailbox_age")
        waits = f" for {cells.span(age).strip()}" if age is not None and age >= 1 else ""
        spans.append((f"{tree['mailbox']} waiting{waits}", "warn" if age and age >= 1 else "dim"))
    return spans


def _own_name(tree: Tree) -> str:
    return f"{tree['id']}#{tree['incarnation']}" if tree["incarnation"] > 1 else str(tree["id"])


def _name_width(tree: Tree, depth: int) -> int:
    own = 2 * depth + 2 + cells.width(cells.tame(_own_name(tree)[:_NAME]))
    gone = [2 * depth + 4 + cells.width(cells.tame(one["id"][:_NAME])) for one in tree.get("departed", ())]
    return max([own, *gone, *(_name_width(child, depth + 1) for child in tree["children"])])


def _count(tree: Tree) -> int:
    return sum(1 + _count(child) for child in tree["children"])


def _troubled(tree: Tree) -> int:
    return sum((child["status"] != "running") + _troubled(child) for child in tree["children"])
