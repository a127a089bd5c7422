"""What can be done from here to a node, or to one of its processes: each with its key, its question, its outcome.

A table, so that keys, footer, help and questions cannot say different things. What can do harm asks first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from eye.tui import cells

if TYPE_CHECKING:
    from collections.abc import Callable

    from eye.monitor.view import View


class Deed(NamedTuple):
    """One thing that can be done. `question` and `told` are filled in with `process` and `node`."""

    key: str
    name: str
    question: str | None  # None: it does no harm, so nobody is asked
    act: Callable[[View, str, str], str]
    of_process: bool = True


def _collect(view: View, node: str, _: str) -> str:
    receipt = view.collect_garbage(node)
    said = f"{node}: {sum(receipt['collected'])} objects collected"
    before, after = receipt["rss_before"], receipt["rss_after"]
    if before is not None and after is not None:
        said += f", {cells.size(max(before - after, 0)).strip()} freed"
    return f"{said}, stopped for {receipt['pause'] * 1000:.1f} ms"


def _crash(view: View, node: str, process: str) -> str:
    return f"{view.crash(node, process)} was told to crash"


def _told(deed: str, done: str) -> Callable[[View, str, str], str]:
    return lambda view, node, process: f"{view.handle(node, process, deed)} {done}"


GC = Deed("g", "gc", "Collect garbage on {node}? It stands still for the time that takes.", _collect, False)
CRASH = Deed("x", "crash", "Crash {process} on {node}?", _crash)
STOP = Deed(
    "S", "stop", "Stop {process} on {node}? Its supervisor does not start it again.", _told("stop", "is stopped")
)
RESTART = Deed("R", "restart", "Restart {process} on {node}?", _told("restart", "was started again"))
SUSPEND = Deed(
    "z", "suspend", "Suspend {process} on {node}? It handles nothing until it is resumed.",
    _told("suspend", "is suspended"),
)  # fmt: skip
RESUME = Deed("z", "resume", None, _told("resume", "goes on"))

DEEDS = {deed.name: deed for deed in (GC, CRASH, STOP, RESTART, SUSPEND, RESUME)}


def question(deed: Deed, node: str, process: str, columns: int) -> str | None:
    """Write what is asked before it is done; names that are very long give way."""
    if deed.question is None:
        return None
    room = max(columns // 2, 14)
    return deed.question.format(
        node=cells.shorten(cells.tame(node), room), process=cells.shorten(cells.tame(process), room)
    )
