"""The process that carries the membership: it is told things, and takes the steps that follow.

`membership` decides; this process gives it events (announcements, answers, closed connections, ticks) and
does what it says: announce, forget, publish. A step that needs the wire is handed to the interconnect and
comes back as another message; nothing here ever waits for a peer.
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from eye.cluster import news
from eye.cluster.exchange import LOST, ConnectionClosed
from eye.cluster.interconnect import Answer
from eye.cluster.membership import Membership, Settings
from eye.cluster.node import NodeInfo, Status
from eye.cluster.reachable import address_to_tell
from eye.cluster.registry import ANNOUNCE, LEAVE, NODES_SINCE
from eye.errors import ClusterFull, DeadlineExceeded, NodeUnreachable, NotDown
from eye.supervision.answers import NoReply
from eye.supervision.gen_server import GenServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from eye.cluster.exchange import EngineSlot
    from eye.cluster.interconnect import Method
    from eye.cluster.node import Member
    from eye.supervision.messages import Caller
    from eye.supervision.reasons import Reason

logger = logging.getLogger("eye.cluster")

NAME = "eye.members"
TOPIC = "eye.cluster.members"
"""`MembersChanged` is broadcast on it when somebody joined, left or got another status."""
CHANGES = "eye.cluster.changes"
"""Each change on its own: `NodeUp`, `NodeSuspect`, `NodeDown`, … of `news`."""

_GOODBYE = 0.5  # seconds that a node that stops gives its peers to take note
_MANY = 100  # members, of which one does not tell all at each tick
_REMINDER = 60.0  # seconds between two log lines about the same conflict


class MembersChanged(NamedTuple):
    """The list of members is another."""

    version: int


class Claim(NamedTuple):
    """A node announces itself, and wants to know what changed since the version it knows."""

    info: NodeInfo
    known_version: int


class WhoIsThere(NamedTuple):
    """Somebody who is no member asks for the list, and for nothing if he knows this version of it."""

    known_version: int = 0


class Called(NamedTuple):
    """An announcement of ours has ended."""

    address: str
    answer: Answer


class AllFound(NamedTuple):
    """Discovery has looked once: whoever is to be found without waiting has been found."""


class Standing:
    """What the membership remembers from one of its lives to the next, and what a starting node waits for."""

    def __init__(self) -> None:
        self.members: tuple[Member, ...] = ()
        self.first_round = threading.Event()
        """Set once everybody found at the start has answered, or failed to."""
        self.is_leaving = False
        """Whether the node itself stops. Then, and only then, its membership says goodbye."""
        self.taken_by: str | None = None
        """The address of an older live node of our name."""
        self.full: tuple[int, int] | None = None
        """How many nodes there are, and how many are taken in: none more."""
        self.name: str | None = None
        """The name that this node goes by, if it had to take another than its own."""


class Members(GenServer):
    """Keeps the list of the nodes of the cluster."""

    def init(
        self,
        engine: EngineSlot,
        info: NodeInfo,
        standing: Standing,
        *,
        draw: Callable[[], float],
        is_hidden: bool = False,
        tell: Callable[[Iterable[Member]], None] = lambda _members: None,
        settings: Settings | None = None,
        advertise: str | None = None,
    ) -> None:
        """Begin with what a predecessor knew.

        Args:
            engine: how peers are reached.
            info: this node; its address is the engine's.
            standing: outlives this process.
            draw: chance, 0.0 to 1.0.
            is_hidden: only ask who is there, instead of announcing oneself.
            tell: given the list whenever it changed, and at every tick.
            advertise: where others reach this node, if that is not where it listens.
        """
        self.trap_exit = True
        self._engine = engine
        address = "" if engine.address is None else address_to_tell(engine.address, advertise)
        me = msgspec.structs.replace(info, name=standing.name or info.name, address=address)
        self._membership = Membership(me, draw, settings or Settings(), is_hidden=is_hidden)
        self._membership.is_settled = standing.first_round.is_set()
        self._standing = standing
        self._is_hidden = is_hidden
        self._tell = tell
        self._told_version = 0
        self._shared_at = float("-inf")
        self._calls_under_way = 0
        self._all_found = False
        self._reminded_at: float | None = None
        self.subscribe(LOST)
        self._membership.resume(standing.members, self._now())
        self._share()
        self._tick()

    # --------------------------------------------------------------------------- callbacks

    def handle_call(self, message: Any, caller: Caller) -> Any:
        if isinstance(message, Claim):
            self._take_in(news.Announced(message.info))
            return self._membership.digest(self._now(), message.known_version, message.info)
        if isinstance(message, WhoIsThere):
            return self._membership.digest(self._now(), message.known_version)
        if isinstance(message, news.Dismissed):
            return self._dismiss(message, caller)
        return super().handle_call(message, caller)

    def _dismiss(self, message: news.Dismissed, caller: Caller) -> NoReply:
        # A refusal is an answer, not a crash of the registry.
        try:
            is_known = self._membership.dismiss(message.name)
        except NotDown as error:
            caller.reply(error)
        else:
            self._take_in(message)
            caller.reply(is_known)
        return NoReply()

    def handle_cast(self, message: Any) -> Any:
        if isinstance(message, Called):
            self._on_called(message)
        elif isinstance(message, AllFound):
            self._all_found = True
        elif isinstance(message, (news.AddressFound, news.Left)):
            self._take_in(message)
        else:
            return super().handle_cast(message)
        self._note_first_round()
        return None

    def handle_info(self, message: Any) -> Any:
        if isinstance(message, news.Tick):
            self._take_in(message)
            if self._is_time_to_share():
                self._share()
            self._tick()
        elif isinstance(message, ConnectionClosed):
            self._take_in(news.ConnectionLost(message.address, message.reason))
        else:
            return super().handle_info(message)
        return None

    def terminate(self, reason: Reason) -> None:
        engine = self._engine.get_or_none()
        if self._is_hidden or engine is None or not self._standing.is_leaving:
            return  # a crash, or a restart with its group, is no goodbye: this node is still here
        up = [one.address for one in self._others() if one.status is Status.UP]
        me = self._membership.me
        engine.request_all(up, LEAVE, me.name, me.boot, timeout=_GOODBYE)

    # ------------------------------------------------------------------------------- steps

    def _take_in(self, event: news.Event) -> None:
        for step in self._membership.handle(event, self._now()):
            if isinstance(step, news.Announce):
                self._announce(step)
            elif isinstance(step, news.Forget):
                if (engine := self._engine.get_or_none()) is not None:
                    engine.forget(step.address)
            else:
                self._publish(step.change)
        if self._membership.version != self._told_version:
            self._share()

    def _announce(self, step: news.Announce) -> None:
        ref, address = self.ref, step.address
        engine = self._engine.get_or_none()
        if engine is None:
            # It is being restarted. Each announcement ends in an event, or its contact would never be due again.
            self._calls_under_way += 1
            ref.cast(
                Called(address, Answer(error=NodeUnreachable(address, "the interconnect is being restarted")))
            )
            return
        me = self._membership.me
        method: Method = NODES_SINCE if self._is_hidden else ANNOUNCE
        args = (step.known_version,) if self._is_hidden else (me, step.known_version)
        self._calls_under_way += 1
        engine.submit(
            address,
            method,
            args,
            timeout=self._membership.settings.suspect_after,
            done=lambda answer: ref.cast(Called(address, answer)),
        )

    def _on_called(self, message: Called) -> None:
        self._calls_under_way -= 1
        error = message.answer.error
        if error is None:
            self._take_in(news.Answered(message.address, message.answer.value))
            return
        was_silent = isinstance(error, DeadlineExceeded)
        reason = error.cause if isinstance(error, NodeUnreachable) else str(error)
        logger.debug("no answer from %s: %s", message.address, error)
        self._take_in(news.CallFailed(message.address, reason, was_silent))

    def _publish(self, change: news.Change) -> None:
        if isinstance(change, news.NameConflict):
            self._on_conflict(change)
        elif isinstance(change, news.Full):
            self._on_full(change)
        elif isinstance(change, news.Crowded):
            logger.warning(
                "%d nodes: more than is comfortable. Name two or three of them seeds (start --seed), or use the "
                "engine for fleets",
                change.nodes,
            )
        else:
            logger.info("%s: %s", type(change).__name__, change.member.name)
        self.system.topics.broadcast(CHANGES, change)

    def _on_conflict(self, change: news.NameConflict) -> None:
        if change.name == self._membership.me.name and change.we_yield and not self._standing.first_round.is_set():
            self._standing.taken_by = change.address
            return
        goes_on = ""
        if change.new_name is not None:
            self._standing.name = change.new_name
            goes_on = f"This one is the younger, and goes on as {change.new_name!r}. "
        if goes_on or self._is_worth_reminding():
            logger.error(
                "two live nodes are named %r; the other is at %s. %sStop one of them, or give it another --name",
                change.name,
                change.address,
                goes_on,
            )

    def _on_full(self, change: news.Full) -> None:
        if change.refused is None and not self._standing.first_round.is_set():
            self._standing.full = (change.nodes, change.most)
        elif self._is_worth_reminding():
            who = "this node was" if change.refused is None else f"node {change.refused!r} was"
            logger.error("%s not taken in: %s", who, ClusterFull(change.nodes, change.most))

    def _is_worth_reminding(self) -> bool:
        now = self.system.clock.monotonic()
        if self._reminded_at is not None and now - self._reminded_at <= _REMINDER:
            return False
        self._reminded_at = now
        return True

    # ------------------------------------------------------------------------------- parts

    def _is_time_to_share(self) -> bool:
        """Whether to tell when each was heard of last, though nothing else has changed."""
        now, settings = self.system.clock.monotonic(), self._membership.settings
        # In a large cluster that takes longer, and none of them is heard of oftener than this.
        apart = settings.period if len(self._standing.members) > _MANY else settings.tick
        return now - self._shared_at > apart - settings.tick / 2

    def _share(self) -> None:
        self._shared_at = self.system.clock.monotonic()
        members = self._membership.members(self._now())
        if self._is_hidden:
            members = tuple(one for one in members if one.boot != self._membership.me.boot)
        self._standing.members = members
        self._tell(members)
        if self._membership.version != self._told_version:
            self._told_version = self._membership.version
            self.system.topics.broadcast(TOPIC, MembersChanged(self._told_version))

    def _others(self) -> list[Member]:
        return [one for one in self._membership.members(self._now()) if one.boot != self._membership.me.boot]

    def _note_first_round(self) -> None:
        if self._all_found and self._calls_under_way == 0:
            self._standing.first_round.set()
            self._membership.is_settled = True

    def _tick(self) -> None:
        self.send_after(self._membership.settings.tick, news.Tick())

    def _now(self) -> news.Moment:
        return news.Moment(self.system.clock.now(), self.system.clock.monotonic())
