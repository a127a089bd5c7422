"""The process that looks for other nodes: it asks each strategy now and then, and passes addresses on.

Finding is all it does. An address is a hint; whether a node is there, the membership finds out.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, NamedTuple

from eye.cluster.members import NAME as MEMBERS
from eye.cluster.members import AllFound
from eye.cluster.news import AddressFound
from eye.cluster.node import NodeInfo
from eye.errors import FolderUnusable, NameTaken
from eye.supervision.gen_server import GenServer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from eye.cluster.discovery import Strategy
    from eye.cluster.exchange import EngineSlot

logger = logging.getLogger("eye.cluster")


class Look(NamedTuple):
    """It is time to look again."""


class Finder(GenServer):
    """Makes this node known, and looks for others.

    It withdraws nothing when it ends: after a crash the node is still there, and may be found. Whoever
    stops the node withdraws, before anything else.
    """

    def init(
        self,
        strategies: Sequence[Strategy],
        engine: EngineSlot,
        info: NodeInfo,
        is_hidden: bool = False,
        *,
        draw: Callable[[], float],
        interval: float = 5.0,
    ) -> None:
        """Announce this node by every strategy that can, and look once.

        Args:
            strategies: asked in turn.
            engine: knows where this node listens.
            info: this node.
            is_hidden: look only.
            draw: chance, 0.0 to 1.0, so that not all nodes look in the same instant.
            interval: seconds from look to look, a fifth more or less.

        Raises:
            NameTaken: a live node on this machine has the name.
        """
        self._strategies = strategies
        self._draw = draw
        self._interval = interval
        if not is_hidden:
            me = NodeInfo(info.name, str(engine.address), info.boot, info.started_at)
            for strategy in strategies:
                self._announce(strategy, me)
        self._look()
        self.system.cast(MEMBERS, AllFound())

    def handle_info(self, message: Any) -> Any:
        if not isinstance(message, Look):
            return super().handle_info(message)
        self._look()
        return None

    def _announce(self, strategy: Strategy, me: NodeInfo) -> None:
        try:
            strategy.announce(me)
        except NameTaken:
            raise
        except OSError as error:
            logger.warning("%s cannot announce this node, which others will not find by it: %s", strategy, error)

    def _look(self) -> None:
        for strategy in self._strategies:
            try:
                found = strategy.find()
            except (OSError, FolderUnusable) as error:
                logger.warning("%s found nothing this time: %s", strategy, error)
                continue
            for address in sorted(found):
                self.system.cast(MEMBERS, AddressFound(address))
        self.send_after(self._interval * (0.8 + 0.4 * self._draw()), Look())
