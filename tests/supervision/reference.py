"""A supervision tree as a picture in one's head: what OTP's words promise, in one page of plain Python.

No process, no message, no policy table: trees of nodes that are up or down, and a log of who began and who
cleaned up. `test_state_machine.py` does the same things to it and to the real thing. Written from the OTP
design principles, not from `eye.supervision`; that is what makes the comparison worth something.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any


@dataclass
class Node:
    """A child: its spec, and whether it is up. A supervisor has those of its spec, and those that came later."""

    id: str
    restart: str = "permanent"
    significant: bool = False
    traps: bool = True
    brutal: bool = False
    children: tuple[Node, ...] | None = None
    strategy: str = "one_for_one"
    intensity: int = 3
    auto: str = "never"
    up: bool = False
    used: int = 0
    present: list[Node] = field(default_factory=list)

    def family(self) -> list[Node]:
        """Answer the node and all that is listed below it now."""
        return [self, *(one for child in self.present for one in child.family())]


class Refused(Exception):
    """The request was refused; the message is the name of the error."""


class Reference:
    """What is expected of a tree."""

    def __init__(self, top: Node) -> None:
        self.top = top
        self.log: list[tuple[str, ...]] = []
        self.failing: Counter[str] = Counter()
        """How many of the next starts of a server will fail."""

    def begin(self) -> bool:
        return self._start(self.top)

    def find(self, id_: str) -> tuple[Node | None, Node | None]:
        """Answer the node of that id and its supervisor."""
        for above in self.top.family():
            for child in above.present:
                if child.id == id_:
                    return child, above
        return (self.top, None) if self.top.id == id_ else (None, None)

    # ------------------------------------------------------------------ what happens by itself

    def exits(self, id_: str, reason: str, *, cleans_up: bool = True) -> None:
        """A process ends by itself: an error, an exit, an orderly stop by a stranger, a kill."""
        node, above = self.find(id_)
        if node is None or not node.up:
            return
        if node.children is not None:
            self._stop_all(node)
        elif cleans_up:
            self.log.append(("terminate", node.id, reason))
        self._ended(node, above, is_clean=reason in ("normal", "shutdown"))

    def _ended(self, node: Node, above: Node | None, *, is_clean: bool) -> None:
        node.up = False
        if above is None:
            return
        if node.restart == "permanent" or (node.restart == "transient" and not is_clean):
            self._restart(above, node)
            return
        if node.restart == "temporary":
            above.present.remove(node)
        others = any(one.significant and one.up for one in above.present)
        if node.significant and (
            above.auto == "any_significant" or (above.auto == "all_significant" and not others)
        ):
            self._leave(above)

    def _restart(self, above: Node, failed: Node) -> None:
        again: Node | None = failed
        while again is not None:
            above.used += 1
            if above.used > above.intensity:
                self._leave(above)
                return
            at = above.present.index(again)
            first, last = {"one_for_one": (at, at + 1), "rest_for_one": (at, None), "one_for_all": (0, None)}[
                above.strategy
            ]
            group = above.present[first:last]
            for one in reversed(group):
                self._stop(one)
            for one in group:
                if one.restart == "temporary":
                    above.present.remove(one)
            again = next((one for one in group if one.restart != "temporary" and not self._start(one)), None)

    def _leave(self, supervisor: Node) -> None:
        """It gave up, or its work is done: in both cases it exits with `shutdown`."""
        self.exits(supervisor.id, "shutdown")

    def _start(self, node: Node) -> bool:
        if node.children is None:
            self.log.append(("init", node.id))
            if self.failing[node.id] > 0:
                self.failing[node.id] -= 1
                return False
            node.up = True
            return True
        node.used, node.present = 0, [replace(child, present=[], up=False, used=0) for child in node.children]
        node.up = all(self._start(child) for child in node.present)
        if not node.up:
            self._stop_all(node)
        return node.up

    def _stop(self, node: Node) -> None:
        if node.up and node.children is not None:
            self._stop_all(node)
        elif node.up and node.traps and not node.brutal:
            self.log.append(("terminate", node.id, "shutdown"))
        node.up = False

    def _stop_all(self, supervisor: Node) -> None:
        for child in reversed(supervisor.present):
            self._stop(child)
        supervisor.present = []

    # --------------------------------------------------------------------- what one may ask

    def start_child(self, supervisor: str, new: Node) -> None:
        above = self._running(supervisor)
        for child in above.present:
            if child.id == new.id:
                raise Refused("AlreadyStarted" if child.up else "AlreadyPresent")
        if not self._start(new):
            raise Refused("StartFailed")
        above.present.append(new)

    def stop_child(self, supervisor: str, id_: str) -> None:
        above = self._running(supervisor)
        child = self._child(above, id_)
        self._stop(child)
        if child.restart == "temporary":
            above.present.remove(child)

    def restart_child(self, supervisor: str, id_: str) -> None:
        child = self._child(self._running(supervisor), id_)
        if child.up:
            raise Refused("ChildRunning")
        if not self._start(child):
            raise Refused("StartFailed")

    def delete_child(self, supervisor: str, id_: str) -> None:
        above = self._running(supervisor)
        child = self._child(above, id_)
        if child.up:
            raise Refused("ChildRunning")
        above.present.remove(child)

    def listing(self) -> dict[str, Any]:
        """Answer for each running supervisor its children and whether each is up."""
        return {
            node.id: [(child.id, child.up) for child in node.present]
            for node in self.top.family()
            if node.children is not None and node.up
        }

    def _running(self, supervisor: str) -> Node:
        node, _ = self.find(supervisor)
        if node is None or not node.up:
            raise Refused("NoProcess")
        return node

    def _child(self, above: Node, id_: str) -> Node:
        found = next((child for child in above.present if child.id == id_), None)
        if found is None:
            raise Refused("ChildNotFound")
        return found
