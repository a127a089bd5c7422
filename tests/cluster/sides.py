"""Nodes as far as processes of others are concerned: real connections, and a membership that the test decides."""

from __future__ import annotations

from typing import Any

from eye.clock import SystemClock
from eye.cluster import news
from eye.cluster.cluster_names import NAME as NAMES
from eye.cluster.cluster_names import ClusterNames, Held, NamesService
from eye.cluster.engines.manager import ManagerEngine
from eye.cluster.exchange import EngineSlot
from eye.cluster.members import CHANGES, Standing
from eye.cluster.node import Address, Member, Status, new_boot
from eye.cluster.remote import Remote
from eye.cluster.remote_desk import NAME, RemoteDesk
from eye.cluster.remote_service import RemoteService
from eye.cluster.remote_sessions import Sessions
from eye.cluster.security import Cookie
from eye.supervision import Ref, System

COOKIE = Cookie("a cookie for tests of remote processes")


class Side:
    """A node, as far as processes of others are concerned: no discovery, no membership but what the test says."""

    def __init__(self, name: str, allow: frozenset[str] = frozenset({"call"}), boot: str = "") -> None:
        self.name, self.boot, self.system = name, boot or new_boot(), System(clock=SystemClock())
        self.slot, self.standing, self.sessions = EngineSlot(), Standing(), Sessions()
        self.service = RemoteService(self.system, name, self.boot, allow)
        self.engine = ManagerEngine(COOKIE, self.system.clock)
        self.slot.put(self.engine)
        self.address = str(self.engine.serve(Address("127.0.0.1", 0), [self.service, NamesService(self.system)]))
        self.remote = Remote(self.system, self.boot)
        self.start_desk()
        self.held = Held()
        self.start_names()

    def start_names(self) -> None:
        args = (self.slot, self.standing, lambda: (self.name, self.boot), self.held)
        self.names = self.start(ClusterNames, *args, name=NAMES)

    def start_desk(self) -> None:
        args = (self.slot, self.standing, lambda: (self.name, self.boot), self.sessions, self.service)
        self.desk = self.start(RemoteDesk, *args, name=NAME)

    def start(self, behaviour: type, *args: Any, **kwargs: Any) -> Ref:
        ref = self.system.start(behaviour, *args, **kwargs)
        assert ref is not None
        return ref

    def member(self, status: Status = Status.UP, reason: str | None = None) -> Member:
        return Member(self.name, self.address, self.boot, 0.0, status, 0.0, 0.0, reason)

    def knows(self, *others: Member) -> None:
        self.standing.members = others

    def loses(self, other: Side, reason: str = "silent for 10 s") -> None:
        """As the membership would find it."""
        member = other.member(Status.DOWN, reason)
        self.knows(member)
        self.system.topics.broadcast(CHANGES, news.NodeDown(member))

    def meets(self, other: Side) -> None:
        """As the membership would find it."""
        member = other.member()
        self.knows(member)
        self.system.topics.broadcast(CHANGES, news.NodeUp(member))

    def die(self) -> None:
        """As SIGKILL: every connection closes."""
        self.engine.close()

    def close(self) -> None:
        self.engine.close()
        self.system.stop(timeout=2.0)
