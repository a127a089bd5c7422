"""A network within one process, whose cables a test can cut: what the engines in memory hang on.

    network = Network()
    a, b = network.engine(clock), network.engine(clock)
    here = str(a.serve(Address("127.0.0.1", 0), [service]))
    there = str(b.serve(Address("127.0.0.1", 0), [service]))

    network.freeze(here)        # as SIGSTOP does: connections stand, nobody answers
    network.thaw(here)
    network.cut(here, there)    # as a pulled cable does: silence, both ways
    network.heal(here, there)
    network.quiet(1.0)          # every request so far has been answered, or has failed

An engine that is closed refuses connections, as a process that has exited does.
"""

from __future__ import annotations

import itertools
import threading
from typing import TYPE_CHECKING

from eye.cluster.engines.memory import MemoryEngine
from eye.cluster.node import Address
from eye.cluster.security import Cookie
from eye.errors import AddressInUse

if TYPE_CHECKING:
    from collections.abc import Iterable

    from eye.clock import Clock

_SAME_FOR_ALL = Cookie("the cookie of a network in memory")


class Network:
    """What connects the engines of one process."""

    def __init__(self) -> None:
        self.changed = threading.Condition(threading.RLock())  # guards everything here, and every line
        self.engines: dict[str, MemoryEngine] = {}
        self.unanswered = 0
        self._everybody: set[MemoryEngine] = set()
        self._frozen: set[str] = set()
        self._cut: set[frozenset[str]] = set()
        self._ports = itertools.count(1024)

    def engine(self, clock: Clock, cookie: Cookie = _SAME_FOR_ALL) -> MemoryEngine:
        """Make an engine that is connected to this network."""
        engine = MemoryEngine(self, clock, cookie)
        with self.changed:
            self._everybody.add(engine)
        return engine

    def freeze(self, address: str) -> None:
        """Let that engine answer nobody, though its connections stand."""
        with self.changed:
            self._frozen.add(address)

    def thaw(self, address: str) -> None:
        """Let it answer again."""
        with self.changed:
            self._frozen.discard(address)
            self.changed.notify_all()

    def cut(self, one: str, other: str) -> None:
        """Let nothing pass between two addresses, in either direction."""
        with self.changed:
            self._cut.add(frozenset((one, other)))

    def heal(self, one: str, other: str) -> None:
        """Let everything pass between them again."""
        with self.changed:
            self._cut.discard(frozenset((one, other)))
            self.changed.notify_all()

    def quiet(self, timeout: float) -> bool:
        """Wait, by the real clock, until no request is unanswered; say whether that came to pass."""
        with self.changed:
            return self.changed.wait_for(lambda: self.unanswered == 0, timeout)

    def passes(self, one: str, other: str) -> bool:
        """Whether something sent now would be read. The caller holds `changed`."""
        return other not in self._frozen and frozenset((one, other)) not in self._cut

    def listen(self, address: Address, engine: MemoryEngine) -> Address:
        """Put an engine at an address."""
        with self.changed:
            bound = Address(address.host, address.port or next(self._ports))
            if str(bound) in self.engines:
                raise AddressInUse(f"cannot listen at {bound}: address already in use. Choose another port")
            self.engines[str(bound)] = engine
            return bound

    def leave(self, engine: MemoryEngine, addresses: Iterable[str]) -> None:
        """Take an engine out; whoever had a connection to it loses it. The caller holds `changed`."""
        self._everybody.discard(engine)
        for address in addresses:
            self.engines.pop(address, None)
            for other in list(self._everybody):
                other.peer_has_gone(address)
