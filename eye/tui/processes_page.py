"""A node's processes as a table, sorted on the node itself: the longest mailbox first, or what is asked for.

PROCESS                      STATUS     MAILBOX  OLDEST   HANDLED  RESTARTS  OS PROCESS
/eye/local/sampler           running          0       -      1204         1           -
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from eye.tui import cells

if TYPE_CHECKING:
    from collections.abc import Callable

    from eye.tui.cells import Line

SORTS = ("mailbox", "age", "handled", "restarts", "path")


class _Column(NamedTuple):
    """A column besides the path: the path takes what the others leave."""

    key: str
    title: str
    width: int
    text: Callable[[dict[str, Any]], str]
    role: Callable[[dict[str, Any]], str]


def _is_late(one: dict[str, Any]) -> bool:
    age = one.get("mailbox_age")
    return age is not None and age >= 1.0


def _late_or(role: str) -> Callable[[dict[str, Any]], str]:
    return lambda one: "warn" if _is_late(one) else role


_STATUS = _Column(
    "status",
    "STATUS",
    11,
    lambda one: str(one["status"]),
    lambda one: "up" if one["status"] == "running" else "suspect",
)
_OS_PROCESS = _Column("os", "OS PROCESS", 12, lambda one: str(one.get("os_process") or "-"), lambda _: "dim")
_FIGURES = (
    _Column("mailbox", "MAILBOX", 9, lambda one: cells.count(one["mailbox"]), _late_or("text")),
    _Column("age", "OLDEST", 8, lambda one: cells.span(one.get("mailbox_age")), _late_or("dim")),
    _Column("handled", "HANDLED", 9, lambda one: cells.count(one["handled"]), lambda _: "text"),
    _Column(
        "restarts", "RESTARTS", 10, lambda one: cells.count(one["restarts"]),
        lambda one: "warn" if one["restarts"] else "text",
    ),
)  # fmt: skip
_LEAST_PATH = 32
"""Columns of a path below which nobody is told the OS process any more."""


def heading(sort: str, columns: int) -> Line:
    """Write the titles; an arrow marks the column that the rows are sorted by."""
    wide, shown = _layout(columns)
    is_by_path = sort == "path"
    spans = [(cells.fit("PROCESS" + "▲" * is_by_path, wide), "sorted" if is_by_path else "title")]
    for column in shown:
        is_sorted = column.key == sort
        text = cells.fit(column.title + "▼" * is_sorted, column.width, right=column is not _STATUS)
        spans.append((text, "sorted" if is_sorted else "title"))
    return cells.cut(tuple(spans), columns)


def column_at(x: int, columns: int) -> str | None:
    """Say by what a click on the titles wants to sort."""
    wide, shown = _layout(columns)
    if x < wide:
        return "path"
    for column in shown:
        wide += column.width
        if x < wide:
            return column.key if column.key in SORTS else None
    return None


def rows(document: dict[str, Any], columns: int) -> list[Line]:
    """Write a line for each process of what `View.processes` answers."""
    wide, shown = _layout(columns)
    return [cells.cut(_row(one, wide, shown), columns) for one in document["processes"]]


def _row(one: dict[str, Any], wide: int, shown: tuple[_Column, ...]) -> Line:
    spans = [(cells.fit(str(one["path"]), wide - 1) + " ", "text")]
    for column in shown:
        text = cells.fit(column.text(one), column.width, right=column is not _STATUS)
        spans.append((text, column.role(one)))
    return tuple(spans)


def _layout(columns: int) -> tuple[int, tuple[_Column, ...]]:
    shown: tuple[_Column, ...] = (_STATUS, *_FIGURES, _OS_PROCESS)
    if columns - sum(column.width for column in shown) < _LEAST_PATH:
        shown = shown[:-1]
    return max(columns - sum(column.width for column in shown), 12), shown
