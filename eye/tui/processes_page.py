"""A node's processes as a table, sorted on the node itself: the longest mailbox first, or what is asked for.

PROCESS                      STATUS     MAILBOX  OLDEST   HANDLED  RESTARTS  OS PROCESS
/eye/local/sampler           running          0       -      1204         1           -
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eye.tui import cells

if TYPE_CHECKING:
    from eye.tui.cells import Line

SORTS = ("mailbox", "age", "handled", "restarts", "path")
_TITLES = {"mailbox": "MAILBOX", "age": "OLDEST", "handled": "HANDLED", "restarts": "RESTARTS", "path": "PROCESS"}
_OTHERS = 12 + 9 + 8 + 9 + 10 + 12  # columns of all but the path


def heading(sort: str, columns: int) -> Line:
    """Write the titles."""
    wide = _path_width(columns)
    cut = [("path", wide, False), ("status", 12, False), ("mailbox", 9, True), ("age", 8, True)]
    cut += [("handled", 9, True), ("restarts", 10, True), ("os", 12, True)]
    spans = []
    for key, room, is_right in cut:
        title = _TITLES.get(key, {"status": "STATUS", "os": "OS PROCESS"}.get(key, ""))
        text = title + ("▼" if key == sort and key != "path" else "▲" if key == sort else "")
        spans.append((cells.fit(text, room, right=is_right), "sorted" if key == sort else "title"))
    return cells.cut(tuple(spans), columns)


def rows(document: dict[str, Any], columns: int) -> list[Line]:
    """Write a line for each process of what `View.processes` answers."""
    wide = _path_width(columns)
    return [cells.cut(_row(one, wide), columns) for one in document["processes"]]


def _row(one: dict[str, Any], wide: int) -> Line:
    status = str(one["status"])
    age = one.get("mailbox_age")
    is_late = age is not None and age >= 1.0
    return (
        (cells.fit(str(one["path"]), wide - 1) + " ", "text"),
        (cells.fit(status, 12), "up" if status == "running" else "suspect"),
        (cells.fit(cells.count(one["mailbox"]), 9, right=True), "warn" if is_late else "text"),
        (cells.fit(cells.span(age), 8, right=True), "warn" if is_late else "dim"),
        (cells.fit(cells.count(one["handled"]), 9, right=True), "text"),
        (cells.fit(cells.count(one["restarts"]), 10, right=True), "warn" if one["restarts"] else "text"),
        (cells.fit(str(one.get("os_process") or "-"), 12, right=True), "dim"),
    )


def _path_width(columns: int) -> int:
    return max(columns - _OTHERS, 20)
