"""Where the demo plays: the nodes, the eye that watches them, what can be broken, and the log of it all.

The stage is itself a node, one that only observes: its tree has the collectors and the page.
"""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING, Any

from eye.demo.local_cluster import LocalCluster
from eye.errors import EyeError
from eye.monitor.chronicle import Chronicler

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eye.demo.narrator import Narrator
    from eye.demo.story import Step
    from eye.monitor.chronicle import Record
    from eye.monitor.node import Node


class Stage:
    """Runs the nodes of the demo and everything that is done to them."""

    def __init__(self, names: Sequence[str], eye: Node, narrator: Narrator, arguments: Sequence[str] = ()) -> None:
        """Prepare; `start` starts.

        Args:
            names: the nodes to start.
            eye: the observing node, running.
            narrator: tells what happens.
            arguments: more options for the nodes' command lines.
        """
        self.names = list(names)
        self._eye = eye
        self._narrator = narrator
        self._records: list[Record] = []
        self._came = threading.Condition()
        self._log: list[str] = []
        self._is_over = False
        self.cluster = LocalCluster(names, self._hear_line, ["--events", "--stop-with-parent", *arguments])

    def start(self) -> None:
        """Start the nodes, and wait until the eye has seen all of them.

        Raises:
            StartFailed: one did not come up; it says why.
        """
        self._eye.system.start(Chronicler, self._eye.name, self._hear, name="chronicler")
        self.cluster.start()
        self.cluster.await_up(self._has_spoken)

    def _has_spoken(self, name: str) -> bool:
        self._eye.view.look()
        return any(node.name == name and node.status == "up" and node.host for node in self._eye.view.nodes())

    def stop(self) -> list[str]:
        """Stop all nodes."""
        self._is_over = True
        return self.cluster.stop()

    # ----------------------------------------------------------------------------- hearing

    def _hear_line(self, node: str, line: str) -> None:
        if line.startswith("{"):
            record = json.loads(line)
            # Of who is up and who is down each node tells as it sees it; here it is told as the eye sees it.
            if "seen_by" not in record:
                self._hear(record)
        else:
            self._log.append(f"{node}: {line}")

    def _hear(self, record: Record) -> None:
        if self._is_over:
            return
        self._narrator.hear(record)
        with self._came:
            self._records.append(record)
            self._came.notify_all()

    def await_step(self, step: Step, since: int) -> list[str]:
        """Wait until all that a step expects has come; answer what did not."""
        missing = []
        for expectation in step.expect:
            deadline = time.monotonic() + expectation.within
            with self._came:
                while not any(expectation.matches(record) for record in self._records[since:]):
                    left = deadline - time.monotonic()
                    if left <= 0 or not self._came.wait(left):
                        break
                if not any(expectation.matches(record) for record in self._records[since:]):
                    missing.append(expectation.says)
        return missing

    @property
    def heard(self) -> int:
        """How many records came so far."""
        return len(self._records)

    def complaints(self) -> list[str]:
        """What the nodes wrote besides their records: warnings and errors of their logs."""
        return list(self._log)

    # ------------------------------------------------------------------------------ breaking

    def crash(self, node: str, process: str, reason: str = "crashed on purpose") -> None:
        """Have a process of a node crash."""
        try:
            self._eye.view.crash(node, process, reason)
        except EyeError as error:
            self._narrator.line(node, "▲", str(error))

    def crash_often(self, node: str, process: str, times: int) -> None:
        """Crash a process, and each of its replacements."""
        for _ in range(times):
            before = self._serial_of(node, process)
            self.crash(node, process)
            self._await_other_serial(node, process, before)

    def _await_other_serial(self, node: str, process: str, before: int) -> None:
        deadline = time.monotonic() + 5.0
        while time.monotonic() < deadline:
            serial = self._serial_of(node, process)
            if serial not in (before, 0):
                return
            time.sleep(0.01)

    def _serial_of(self, node: str, process: str) -> int:
        try:
            return _find(self._eye.view.tree(node)["tree"], process)
        except EyeError:
            return 0  # in the middle of a restart nobody can say

    def kill_node(self, node: str) -> None:
        """SIGKILL a node."""
        self._narrator.line(node, "✖", f"kill -9 {self.cluster[node].pid}")
        self.cluster[node].kill()

    def restart_node(self, node: str) -> None:
        """Start a node again."""
        self._narrator.line(node, "⟳", "sorcerers_eye start, under the same name")
        self.cluster.restart(node)

    def freeze_node(self, node: str) -> None:
        """SIGSTOP a node."""
        self._narrator.line(node, "◆", f"kill -STOP {self.cluster[node].pid}")
        self.cluster[node].freeze()

    def thaw_node(self, node: str) -> None:
        """SIGCONT a node."""
        self._narrator.line(node, "●", f"kill -CONT {self.cluster[node].pid}")
        self.cluster[node].thaw()

    def crash_collector(self) -> None:
        """Crash one of the eye's own collectors."""
        self.crash(self._eye.name, f"/eye/observing/nodes/{self.names[0]}")


def _find(tree: dict[str, Any], path: str) -> int:
    if tree["path"] == path:
        return int(tree["serial"]) if tree["status"] == "running" else 0
    return max((_find(child, path) for child in tree["children"]), default=0)
