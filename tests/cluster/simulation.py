"""A network of virtual time, on which memberships carry out their steps: it loses, delays, cuts, refuses.

    network = Simulation(8, seed=1, loss=0.1)
    network.run(10)                       # seconds, in milliseconds
    network.cut = {frozenset(("n0", "n1"))}
    network.kill("n3")                    # its connections close, and dialling it is refused
    network.sleep("n4", 60)               # SIGSTOP, or a laptop that is shut

A node is known by its host: `n3` listens at `n3:1`, whatever it is called.
"""

from __future__ import annotations

import heapq
import itertools
import random
from typing import TYPE_CHECKING

from eye.cluster import news
from eye.cluster.membership import Membership, Settings
from eye.cluster.news import (
    AddressFound,
    Announce,
    Announced,
    Answered,
    CallFailed,
    ConnectionLost,
    Left,
    Moment,
    NodeDown,
    Publish,
    Tick,
)
from eye.cluster.node import NodeInfo, Status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

EPOCH = 1_800_000_000.0


class Simulation:
    """Nodes, and what lies between them."""

    def __init__(
        self,
        size: int,
        seed: int,
        loss: float = 0.0,
        slowness: float = 0.05,
        *,
        settings: Settings | None = None,
        seeds: int = 0,
    ) -> None:
        """Start so many nodes, of which the first `seeds` keep the registry.

        `loss` is the share of calls that vanish, `slowness` the longest way in seconds.
        """
        self.random = random.Random(seed)
        self.loss, self.slowness = loss, slowness
        self.settings = settings or Settings()
        self.now = 0.0
        self.cut: set[frozenset[str]] = set()
        self.down: set[str] = set()
        self.asleep: set[str] = set()
        self.calls = 0
        self.nodes: dict[str, Membership] = {}
        self.said: dict[str, list[news.Change]] = {}
        self.heard: dict[tuple[str, str], float] = {}  # by whom of whom -> when last
        self.silences: list[float] = []  # seconds, before each time that one was called down
        self.jumps: dict[str, float] = {}  # by which a node's clock on the wall is wrong
        self._queue: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        for number in range(size):
            self.start(f"n{number}", seeds=["n0"], is_seed=number < seeds)

    # ------------------------------------------------------------------------------- what happens

    def start(
        self,
        host: str,
        seeds: list[str],
        *,
        name: str | None = None,
        is_seed: bool = False,
        is_hidden: bool = False,
    ) -> Membership:
        info = NodeInfo(
            name or host,
            "" if is_hidden else f"{host}:1",
            f"{host}-{next(self._numbers)}",
            EPOCH + self.now,
            is_seed,
        )
        self.down.discard(host)
        node = Membership(info, self.random.random, self.settings, is_hidden=is_hidden)
        self.nodes[host] = node
        self.said.setdefault(host, [])
        for seed in seeds:
            if seed != host:
                self.tell(host, node, AddressFound(f"{seed}:1"))
        self.at(1.0, lambda: setattr(node, "is_settled", True))
        self.at(self.random.random() * 0.5, lambda: self.tick(host, node))
        return node

    def kill(self, host: str) -> None:
        self.down.add(host)
        self._close_all(host)

    def leave(self, host: str) -> None:
        """Stop in good order: whoever can be reached is told."""
        me = self.nodes[host].me
        for other, node in list(self.nodes.items()):
            if other != host and frozenset((other, host)) not in self.cut:
                self.at(self._way(), lambda o=other, n=node: self.tell(o, n, Left(me.name, me.boot)))
        self.down.add(host)
        self.at(self.slowness, lambda: self._close_all(host))

    def sleep(self, host: str, seconds: float) -> None:
        """Let it do nothing for so long; what came for it meanwhile it finds when it wakes."""
        self.asleep.add(host)
        self.at(seconds, lambda: self.asleep.discard(host))

    def run(self, seconds: float) -> None:
        until = self.now + seconds
        while self._queue and self._queue[0][0] <= until:
            self.now, _, act = heapq.heappop(self._queue)
            act()
        self.now = until

    def at(self, delay: float, act: Callable[[], None]) -> None:
        heapq.heappush(self._queue, (self.now + delay, next(self._numbers), act))

    # --------------------------------------------------------------------------- what can be seen

    def sees(self, host: str) -> dict[str, Status]:
        return {m.name: m.status for m in self.nodes[host].members(self.moment(host))}

    def all_see_all(self, hosts: Iterable[str]) -> bool:
        hosts = set(hosts)
        names = {self.nodes[host].me.name for host in hosts}
        return all(
            {name for name, status in self.sees(one).items() if status is Status.UP} >= names for one in hosts
        )

    def changes(self, kind: type) -> list[tuple[str, news.Change]]:
        return [(host, change) for host, said in self.said.items() for change in said if isinstance(change, kind)]

    def moment(self, host: str) -> Moment:
        return Moment(EPOCH + self.now + self.jumps.get(host, 0.0), self.now)

    # ------------------------------------------------------------------------------------- parts

    def lives(self, host: str, node: Membership) -> bool:
        return self.nodes.get(host) is node and host not in self.down

    def tick(self, host: str, node: Membership) -> None:
        if not self.lives(host, node):
            return
        if host in self.asleep:
            self.at(0.1, lambda: self.tick(host, node))
            return
        self.tell(host, node, Tick())
        self.at(node.settings.tick, lambda: self.tick(host, node))

    def tell(self, host: str, node: Membership, event: news.Event) -> None:
        if not self.lives(host, node):
            return
        if host in self.asleep:
            self.at(0.1, lambda: self.tell(host, node, event))
            return
        if isinstance(event, Announced):
            self.heard[host, event.info.name] = self.now
        elif isinstance(event, Answered):
            self.heard[host, event.digest.me.name] = self.now
        for step in node.handle(event, self.moment(host)):
            if isinstance(step, Announce):
                self._call(host, node, step)
            elif isinstance(step, Publish):
                self.said[host].append(step.change)
                if isinstance(step.change, NodeDown):
                    self.silences.append(self.now - self.heard.get((host, step.change.member.name), 0.0))

    def _call(self, host: str, node: Membership, step: Announce) -> None:
        self.calls += 1
        silent = CallFailed(step.address, "no answer", was_silent=True)
        target = step.address.partition(":")[0]

        def vanish() -> None:
            self.at(node.settings.suspect_after, lambda: self.tell(host, node, silent))

        def arrive() -> None:
            peer = self.nodes.get(target)
            if frozenset((target, host)) in self.cut or target in self.asleep:
                vanish()
                return
            if peer is None or not self.lives(target, peer):
                self.tell(host, node, CallFailed(step.address, "refused", was_silent=False))
                return
            is_hidden = not node.me.address
            digest = peer.digest(self.moment(target), step.known_version, None if is_hidden else node.me)
            if not is_hidden:
                self.tell(target, peer, Announced(node.me))
            answered = Answered(step.address, digest)
            ended = CallFailed(step.address, "closed", was_silent=False)
            self.at(self._way(), lambda: self.tell(host, node, answered if self.lives(target, peer) else ended))

        if self.random.random() < self.loss:
            vanish()
        else:
            self.at(self._way(), arrive)

    def _way(self) -> float:
        return self.random.random() * self.slowness

    def _close_all(self, host: str) -> None:
        for other, node in list(self.nodes.items()):
            self.tell(other, node, ConnectionLost(f"{host}:1", "closed"))
