"""What several registries and many samples say together: the adding up of a census, nothing else.

No wire and no clock in here. Points in time of another node's clock are never compared with ours: a
registry says what its clock showed, so that what it saw is known to be so many seconds old, and that age
is reckoned back from the moment at which the answer came here.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from eye.cluster.node import Status
from eye.errors import AuthenticationRefused, DeadlineExceeded
from eye.metrics.custom import complete
from eye.monitor.node_view import NodeView

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from eye.cluster.discovery.local import Entry
    from eye.cluster.node import Member
    from eye.cluster.registry import Digest
    from eye.errors import ActionRefused, ClusterError
    from eye.metrics.sample import Sample


class Census(NamedTuple):
    """What came of it. `at` is our time.

    `nodes` are those that were wanted, in name order; `known` the names of everybody that was heard of.
    `routes` says for each node that answered at which address it did. `troubles` are the errors of
    addresses behind which no node was recognised: a wrong cookie, something else than a node, nobody. Those of
    them that were asked for by their address are `unreached`. `refused` has the errors of nodes that
    answered, but do not let their figures be read.
    """

    at: float
    nodes: tuple[NodeView, ...]
    known: tuple[str, ...]
    routes: dict[str, str]
    troubles: dict[str, ClusterError]
    unreached: tuple[str, ...] = ()
    refused: Mapping[str, ActionRefused] = MappingProxyType({})

    @property
    def somebody_did_not_answer(self) -> bool:
        """Whether somebody who was wanted, or asked for by address, did not answer."""
        return bool(self.unreached) or any(node.status != Status.UP.value for node in self.nodes)


class Heard(NamedTuple):
    """A registry's answer: when it came, by our clock, and from where."""

    digest: Digest
    at: float
    address: str


class Reading(NamedTuple):
    """A sample, likewise, and how many seconds it took to come."""

    sample: Sample
    at: float
    took: float
    address: str


class _Known(NamedTuple):
    """A node as a registry sees it, in our time."""

    member: Member
    seen_at: float | None
    since: float

    @property
    def rank(self) -> tuple[float, float]:
        """Of two: the younger life of the node, then the later sight of it."""
        return self.member.started_at, float("-inf") if self.seen_at is None else self.seen_at


class Tally:
    """Collects what came, and adds it up."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}  # address -> who is there, as far as we were told
        self.heard: list[Heard] = []
        self.awake: set[str] = set()  # addresses that answered, if not with a sample
        self.refused: dict[str, ActionRefused] = {}  # addresses whose node does not tell its figures
        self._readings: dict[str, Reading] = {}  # by the name of the node
        self._known: dict[str, _Known] = {}
        self._entries: dict[str, Entry] = {}
        self._connect: tuple[str, ...] = ()
        self._failures: dict[str, ClusterError] = {}

    # -------------------------------------------------------------------------- taking in

    def begin(self, entries: Iterable[Entry], connect: tuple[str, ...]) -> None:
        self._entries = {entry.name: entry for entry in entries}
        self._connect = connect

    def hear(self, heard: Heard) -> None:
        digest = heard.digest
        self.heard.append(heard)
        self.awake.add(heard.address)
        for member in digest.members or ():
            age = None if member.seen_at is None else max(digest.at - member.seen_at, 0.0)
            known = _Known(
                member,
                seen_at=None if age is None else heard.at - age,
                since=heard.at - max(digest.at - member.since, 0.0),
            )
            before = self._known.get(member.name)
            if before is None or known.rank > before.rank:
                self._known[member.name] = known
            self.names[member.address] = member.name
        self.names[heard.address] = digest.me.name

    def read(self, reading: Reading) -> None:
        name = reading.sample.node
        known = self._known.get(name)
        # Two lives under one name, for a moment: the one that the registries know goes before the other.
        self.names.setdefault(reading.address, name)
        if name not in self._readings or (known is not None and known.member.boot == reading.sample.boot):
            self._readings[name] = reading._replace(sample=complete(reading.sample, None))

    def fail(self, address: str, error: ClusterError) -> None:
        self._failures.setdefault(address, error)

    def is_held_for_down(self, name: str) -> bool:
        known = self._known.get(name)
        return known is not None and known.member.status is Status.DOWN

    # -------------------------------------------------------------------------- adding up

    def census(self, now: float, wants: Callable[[str], bool], timeout: float) -> Census:
        """Say who is there, at our time `now`."""

        awake = {name: address for address, name in self.names.items() if address in self.awake}
        routes = awake | {name: reading.address for name, reading in self._readings.items()}
        silent = {name for name, entry in self._entries.items() if self._is_silent(entry.address)}
        names = sorted({*routes, *self._known, *silent})
        troubles = self._troubles(routes, timeout)
        return Census(
            at=now,
            nodes=tuple(self._view(name, now, routes, timeout) for name in names if wants(name)),
            known=tuple(names),
            routes=routes,
            troubles=troubles,
            unreached=tuple(address for address in troubles if address in self._connect),
            refused={self.names[one]: error for one, error in self.refused.items() if one in self.names},
        )

    def _is_silent(self, address: str) -> bool:
        """Whether somebody may be there who did not say a word."""
        error = self._failures.get(address)
        return address not in self.awake and (error is None or isinstance(error, DeadlineExceeded))

    def _view(self, name: str, now: float, routes: dict[str, str], timeout: float) -> NodeView:
        known, reading, entry = self._known.get(name), self._readings.get(name), self._entries.get(name)
        member = None if known is None else known.member
        boot = reading.sample.boot if reading else member.boot if member else entry.boot if entry else ""
        status = Status.UP if name in routes else Status.DOWN
        was_so = known is not None and known.member.status is status and known.member.boot == boot
        return NodeView(
            name=name,
            status=status.value,
            address=self._address(name, boot, routes),
            seen_at=self._seen_at(name, now, routes),
            since=known.since if known is not None and was_so else now,
            reason=None if status is Status.UP else self._reason(name, timeout),
            boot=boot,
            host=reading.sample.host if reading else None,
            process=reading.sample.process if reading else None,
            custom=reading.sample.custom if reading else {},
            about=reading.sample.about if reading else None,
            round_trip=reading.took if reading else None,
        )

    def _address(self, name: str, boot: str, routes: dict[str, str]) -> str:
        known, entry = self._known.get(name), self._entries.get(name)
        if known is not None and known.member.boot == boot:
            return known.member.address
        return routes.get(name) or (known.member.address if known else entry.address if entry else "")

    def _seen_at(self, name: str, now: float, routes: dict[str, str]) -> float | None:
        if (reading := self._readings.get(name)) is not None:
            return reading.at
        if name in routes:
            return now
        known, entry = self._known.get(name), self._entries.get(name)
        if known is not None and known.seen_at is not None:
            return min(known.seen_at, now)
        # A node looks into the folder now and then, by the same clock as ours.
        return min(entry.touched_at, now) if entry is not None and entry.touched_at else None

    def _reason(self, name: str, timeout: float) -> str:
        known = self._known.get(name)
        if known is not None and known.member.status is Status.DOWN and known.member.reason:
            return known.member.reason
        error = self._failures.get(known.member.address) if known is not None else None
        return getattr(error, "cause", None) or f"no answer within {timeout:g} s"

    def _troubles(self, routes: dict[str, str], timeout: float) -> dict[str, ClusterError]:
        """What went wrong where nobody else can say who should be there."""
        explained = {known.member.address for known in self._known.values()} | set(routes.values()) | self.awake
        troubles: dict[str, ClusterError] = {
            address: self._failures.get(address) or DeadlineExceeded(address, timeout)
            for address in self._connect
            if address not in explained
        }
        # What a node of this machine has left is gone soon after it; only a live one has another cookie.
        for entry in self._entries.values():
            error = self._failures.get(entry.address)
            if isinstance(error, AuthenticationRefused):
                troubles[entry.address] = error
        return troubles
