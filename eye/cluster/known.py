"""What membership remembers of one node, and how patient it is with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from eye.cluster.node import Member, NodeInfo, Status

if TYPE_CHECKING:
    from eye.cluster.news import Moment


class Settings(NamedTuple):
    """How patient we are. Seconds, but for `spread`, a share."""

    tick: float = 0.5  # how often `Tick` is to come
    period: float = 2.0  # between two announcements to a peer
    spread: float = 0.2  # by which the period is made longer or shorter, at random
    suspect_after: float = 3.0  # of silence
    down_after: float = 10.0  # of silence
    backoff_base: float = 0.5  # the first wait after a failure is up to twice this
    backoff_cap: float = 5.0  # and no wait is longer than this
    forget_after: float = 3600.0  # that a node is down
    give_up_after: float = 60.0  # of failing at an address where we have never met anybody
    mesh_limit: int = 32  # nodes; in larger clusters one announces oneself to the seeds alone, if there are any
    comfort: int = 200  # nodes; beyond it we advise
    most: int = 500  # nodes; beyond it we refuse


class Known:
    """A node that we know of."""

    __slots__ = ("_shown", "address", "heard", "info", "reason", "seen_at", "since", "status", "turned", "via")

    def __init__(self, info: NodeInfo, now: Moment) -> None:
        self.info = info
        self.address = info.address  # the one that works from here: its own word, or what we dialled
        self.status = Status.CONNECTING
        self.reason: str | None = None
        self.since = now.at
        self.turned = now.steady  # when it got its status
        self.heard = now.steady
        self.seen_at: float | None = None
        self.via: str | None = None  # the seed on whose word we list it
        self._shown: tuple[NodeInfo, Member] | None = None

    @classmethod
    def from_member(cls, member: Member, now: Moment) -> Known:
        """Remember what an earlier membership of this very process knew, as if just heard."""
        known = cls(member.info, now)
        known.status, known.reason = member.status, member.reason
        known.since, known.seen_at, known.via = member.since, member.seen_at, member.via
        return known

    def member(self, address: str) -> Member:
        """The node as it is shown, with the address that fits whoever is shown it."""
        info = self.info
        if self._shown is not None and self._shown[0] is info:  # hundreds may see it before it changes
            shown = self._shown[1]
            if (
                shown.seen_at == self.seen_at
                and shown.status is self.status
                and shown.since == self.since
                and shown.via == self.via
                and shown.address == address
                and shown.reason == self.reason
            ):
                return shown
        member = Member(
            info.name, address, info.boot, info.started_at, self.status, self.since, self.seen_at, self.reason,
            info.is_seed, self.via,
        )  # fmt: skip
        self._shown = (info, member)
        return member
