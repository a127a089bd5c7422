"""Every process of a node in one list, sorted and cut on the node itself: what crosses is what is shown.

Read from what processes publish, never by asking them: a process that hangs is listed like any other. Actors of
Pykka that know nothing of supervision are listed too, with the length of their mailbox.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eye.monitor.pykka_actors import pykka_actors
from eye.supervision import introspection

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from eye.supervision.system import System

MOST = 1000
"""Rows in one list."""

SORTS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "mailbox": lambda one: (-one["mailbox"], -(one["mailbox_age"] or 0.0), one["path"]),
    "age": lambda one: (-(one["mailbox_age"] or 0.0), -one["mailbox"], one["path"]),
    "handled": lambda one: (-(one["handled"] or 0), one["path"]),
    "restarts": lambda one: (-one["restarts"], one["path"]),
    "path": lambda one: one["path"],
}
"""What a list may be sorted by; the greatest first, but for paths."""

_SHOWN = (
    "path", "name", "kind", "module", "status", "serial", "incarnation", "mailbox", "mailbox_age", "handled",
    "restarts", "started_at", "os_process",
)  # fmt: skip


def processes(system: System, sort: str, limit: int) -> tuple[list[dict[str, Any]], int]:
    """List the processes of a system, at most `limit`; and say how many there are."""
    rows = [
        {field: tree[field] for field in _SHOWN} for tree in _all([*introspection.trees(system), *pykka_actors()])
    ]
    rows.sort(key=SORTS[sort])
    return rows[: max(1, min(limit, MOST))], len(rows)


def _all(trees: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for tree in trees:
        yield tree
        yield from _all(tree["children"])
