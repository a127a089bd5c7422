"""What a node answers when another node asks: it reads what its processes have published.

The interconnect calls these methods on its own threads. None of them waits for a supervised process: a
node whose sampler hangs, or whose supervisor is busy, still says what it last knew.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, ClassVar

from eye.errors import ActionRefused, ProbeNotReady, UnknownProcess
from eye.monitor.methods import CRASH, SAMPLE, TREE
from eye.supervision import introspection

if TYPE_CHECKING:
    from eye.cluster.interconnect import Method
    from eye.metrics.sample import Sample
    from eye.metrics.sampler import Latest
    from eye.supervision.process import Ref
    from eye.supervision.system import System

logger = logging.getLogger("eye.monitor")


class Agent:
    """Speaks for one node."""

    exposed: ClassVar[tuple[Method, ...]] = (SAMPLE, TREE, CRASH)

    def __init__(self, system: System, name: str, latest: Latest, allow: frozenset[str]) -> None:
        """Take what the node consists of.

        Args:
            system: whose trees are shown.
            name: the node's.
            latest: where its sampler puts its samples.
            allow: what others may do to this node besides reading: `kill`.
        """
        self._system = system
        self._name = name
        self._latest = latest
        self._allow = allow

    def sample(self) -> Sample:
        """Answer the last sample."""
        sample = self._latest.get()
        if sample is None:
            raise ProbeNotReady(f"node {self._name!r} has not measured anything yet; ask again in a second")
        return sample

    def tree(self) -> dict[str, Any]:
        """Draw the supervision tree (of several, the one of the node itself first)."""
        trees = introspection.trees(self._system)
        own = next((tree for tree in trees if tree["name"] == ROOT), None)
        others = [tree for tree in trees if tree is not own]
        if own is None:
            raise UnknownProcess(f"/{ROOT}", "the node is starting or stopping")
        return {
            "version": 1,
            "node": self._name,
            "at": self._system.clock.now(),
            "tree": own,
            "others": others,
        }

    def crash(self, process: str, reason: str) -> str:
        """End a process on purpose, as a bug in it would."""
        if "kill" not in self._allow:
            logger.warning("node %s refused to crash %r: start it with --allow kill", self._name, process)
            raise ActionRefused(self._name, "kill")
        ref = self._find(process)
        logger.warning("node %s: %s was told from outside to exit: %s", self._name, ref, reason)
        if reason == "kill":
            ref.kill()
        else:
            # Not an exit signal: a supervisor, and whoever traps exits, would only make a note of it.
            ref.stop(reason, _PATIENCE)
        return ref.path

    def _find(self, process: str) -> Ref:
        live = self._system.processes()
        found = [ref for ref in live if process in (ref.path, str(ref.name or ref.path), f"#{ref.serial}")]
        found = found or [ref for ref in live if str(ref.id) == process]
        if len(found) == 1:
            return found[0]
        if found:
            raise UnknownProcess(process, "several are called that: " + ", ".join(ref.path for ref in found))
        raise UnknownProcess(process, f"`sorcerers_eye tree {self._name}` lists them")


_PATIENCE = 2.0
"""Seconds that a process has to come to its next message, and end, before the asker is told to wait no more."""

ROOT = "eye"
"""The name of the process at the root of a node's tree."""
