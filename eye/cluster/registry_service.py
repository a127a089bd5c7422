"""The registry as other nodes see it: what they may ask, and say, about who is there."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from eye.cluster import news
from eye.cluster.members import NAME, Claim, Standing, WhoIsThere
from eye.cluster.registry import ANNOUNCE, FORGET, LEAVE, NODES, NODES_SINCE, Digest
from eye.errors import CallFailed, NotDown

if TYPE_CHECKING:
    from eye.cluster.interconnect import Method
    from eye.cluster.node import NodeInfo
    from eye.supervision.system import System


class RegistryService:
    """Answers for the membership. Called on threads of the interconnect."""

    exposed: ClassVar[tuple[Method, ...]] = (ANNOUNCE, LEAVE, FORGET, NODES, NODES_SINCE)

    def __init__(self, system: System, info: NodeInfo, standing: Standing) -> None:
        self._system = system
        self._info = info
        self._standing = standing

    def announce(self, info: NodeInfo, known_version: int) -> Digest:
        return self._system.call(NAME, Claim(info, known_version), 2.0)  # type: ignore[no-any-return]

    def leave(self, name: str, boot: str) -> None:
        self._system.cast(NAME, news.Left(name, boot))

    def forget(self, name: str) -> bool:
        answer = self._system.call(NAME, news.Dismissed(name), 2.0)
        if isinstance(answer, NotDown):
            raise answer
        return bool(answer)

    def nodes(self) -> Digest:
        return self.nodes_since(0)

    def nodes_since(self, version: int) -> Digest:
        try:
            return self._system.call(NAME, WhoIsThere(version), 1.0)  # type: ignore[no-any-return]
        except CallFailed:
            # The membership is being restarted. Who was there a moment ago is a better answer than none.
            return Digest(self._info, self._system.clock.now(), 0, self._standing.members)
