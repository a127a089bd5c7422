"""The process that looks for other nodes: it asks each strategy now and then, and passes addresses on.

Finding is all it does. An address is a hint; whether a node is there, the membership finds out.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from eye.cluster.members import NAME as MEMBERS
from eye.cluster.members import AllFound
from eye.cluster.news import AddressFound
from eye.cluster.reachable import address_to_tell
from eye.errors import EyeError, NameTaken
from eye.supervision.gen_server import GenServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from eye.cluster.discovery import Strategy
    from eye.cluster.exchange import EngineSlot
    from eye.cluster.node import NodeInfo

_SOON = 0.05  # seconds

logger = logging.getLogger("eye.cluster")


class Look(NamedTuple):
    """It is time to look again."""


class LookSoon(NamedTuple):
    """Strategies have learned of somebody a moment ago."""


class Hurry(NamedTuple):
    """The strategy at that place in the list has learned of somebody."""

    place: int


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
        advertise: str | None = None,
    ) -> None:
        """Announce this node by every strategy that can, and look once.

        Args:
            strategies: asked in turn.
            engine: knows where this node listens.
            info: this node.
            is_hidden: look only.
            draw: chance, 0.0 to 1.0, so that not all nodes look in the same instant.
            interval: seconds from look to look, a fifth more or less. One that has learned of somebody is
                asked at once.
            advertise: where others reach this node, if that is not where it listens.

        Raises:
            NameTaken: a live node on this machine has the name.
        """
        self._strategies = strategies
        self._draw = draw
        self._interval = interval
        self._told: dict[int, str] = {}  # what is the matter with a strategy, by its place
        self._hurried: frozenset[int] = frozenset()
        ref = self.ref
        for place, strategy in enumerate(strategies):
            if (start := getattr(strategy, "start", None)) is not None:
                start(lambda place=place: ref.cast(Hurry(place)))
        if not is_hidden and engine.address is not None:
            me = msgspec.structs.replace(info, address=address_to_tell(engine.address, advertise))
            for strategy in strategies:
                self._announce(strategy, me)
        self._look()
        self.system.cast(MEMBERS, AllFound())

    def handle_info(self, message: Any) -> Any:
        if isinstance(message, LookSoon):
            hurried, self._hurried = self._hurried, frozenset()
            self._ask(sorted(hurried))
        elif isinstance(message, Look):
            self._look()
        else:
            return super().handle_info(message)
        return None

    def handle_cast(self, message: Any) -> Any:
        if not isinstance(message, Hurry):
            return super().handle_cast(message)
        if not self._hurried:  # a whole fleet may come at once, and one look finds them all
            self.send_after(_SOON, LookSoon())
        self._hurried |= {message.place}
        return None

    def _announce(self, strategy: Strategy, me: NodeInfo) -> None:
        try:
            strategy.announce(me)
        except NameTaken:
            raise
        except (OSError, EyeError) as error:
            logger.warning("%s cannot announce this node, which others will not find by it: %s", strategy, error)

    def _look(self) -> None:
        self._ask(range(len(self._strategies)))
        self.send_after(self._interval * (0.8 + 0.4 * self._draw()), Look())

    def _ask(self, places: Iterable[int]) -> None:
        for place in places:
            try:
                found = self._strategies[place].find()
            except (OSError, EyeError) as error:
                self._tell(place, error)
                continue
            self._told.pop(place, None)
            for address in sorted(found):
                self.system.cast(MEMBERS, AddressFound(address))

    def _tell(self, place: int, error: Exception) -> None:
        if self._told.get(place) != str(error):  # once, not at each look
            self._told[place] = str(error)
            logger.warning("%s found nothing this time: %s", self._strategies[place], error)
