"""The process that owns the interconnect: while it lives, this node can be asked, and can ask.

The engine has threads and sockets of its own, which no supervisor can take away from it. So the engine
lies in a slot that outlives the process: a replacement finds what its predecessor left open there, closes
it, and listens on the very same port again.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, NamedTuple

from eye.errors import NodeUnreachable
from eye.supervision.gen_server import GenServer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from eye.cluster.interconnect import Engine, Service
    from eye.cluster.node import Address
    from eye.supervision.reasons import Reason

LOST = "eye.cluster.lost"
"""A `ConnectionClosed` is broadcast on it for every standing connection that closes unasked."""


class ConnectionClosed(NamedTuple):
    """A standing connection to that address has closed."""

    address: str
    reason: str


class EngineSlot:
    """The engine of the moment, for whoever wants to ask another node."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._engine: Engine | None = None
        self.address: Address | None = None
        """Where it listens; None before it did for the first time, and of a hidden observer."""

    def get(self) -> Engine:
        """Answer the engine.

        Raises:
            NodeUnreachable: it is being restarted.
        """
        engine = self._engine
        if engine is None:
            raise NodeUnreachable("the other nodes", "the interconnect of this node is being restarted")
        return engine

    def get_or_none(self) -> Engine | None:
        return self._engine

    def put(self, engine: Engine | None) -> Engine | None:
        """Put an engine in, and answer the one that was there."""
        with self._lock:
            before, self._engine = self._engine, engine
            return before


class Interconnect(GenServer):
    """Listens, and keeps the engine in its slot."""

    def init(
        self,
        slot: EngineSlot,
        make_engine: Callable[[], Engine],
        listen: Address,
        services: Sequence[Service],
        is_hidden: bool = False,
    ) -> None:
        """Close what a predecessor left open, and listen where it did (at first: where the node is told to).

        Raises:
            AddressInUse: somebody else listens there.
        """
        self.trap_exit = True
        self._slot = slot
        if (left_open := slot.put(None)) is not None:
            left_open.close()
        engine = make_engine()
        topics = self.system.topics
        engine.on_lost(lambda address, reason: topics.broadcast(LOST, ConnectionClosed(address, reason)))
        try:
            if not is_hidden:
                slot.address = engine.serve(slot.address or listen, services)
        except BaseException:
            engine.close()
            raise
        slot.put(engine)

    def terminate(self, reason: Reason) -> None:
        if (engine := self._slot.put(None)) is not None:
            engine.close()
