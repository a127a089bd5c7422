"""One look at the whole cluster, by somebody who is no member of it: what `fetch`, `nodes` and `tree` see.

No process, no thread, nothing that announces itself: the caller's own thread moves the connections.

    first wave    who is there?  to a few of the known addresses (one registry knows the others)
                  your sample?   to all of them, at the same time
    second wave   your sample?   to those whom the registries know and we did not

Whoever answers is up, whatever the registries think of it. Whoever does not is down, last seen when a
registry last saw it. The census ends when everybody who counts has answered, and at its timeout at the
latest; a node that the registries hold for down is not waited for that long.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from eye.cluster.registry import NODES
from eye.errors import (
    ActionRefused,
    AuthenticationRefused,
    BadAddress,
    DeadlineExceeded,
    DecodeRefused,
    NodeUnreachable,
)
from eye.monitor.methods import SAMPLE
from eye.monitor.tally import Census, Heard, Reading, Tally

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Protocol

    from eye.clock import Clock
    from eye.cluster import each
    from eye.cluster.discovery.local import Entry
    from eye.cluster.interconnect import Answer, Method

    class Asker(each.Asker, Protocol):
        """What a census needs of the interconnect: the asking half, moved by whoever asks."""

        def step(self, patience: float | None = None) -> None: ...


TIMEOUT = 2.0
"""Seconds that a census takes at most, unless the asker says otherwise."""

_REGISTRIES = 5  # that are asked who is there; each knows everybody, and five are enough to notice a split
_DOUBT = 0.5  # seconds that a node gets which the registries hold for down

# One connection to each node is enough for a command that is gone in a moment.
_WHO = msgspec.structs.replace(NODES, lane=SAMPLE.lane)

_NO_NODE = (NodeUnreachable, AuthenticationRefused, DeadlineExceeded, DecodeRefused, BadAddress)
"""Errors that say that nobody is there who could be called up. All others came from a live node."""


def everybody(name: str) -> bool:
    """Want them all."""
    return bool(name)


class Observer:
    """Takes one census after the other; connections are kept in between, and so is who was there."""

    def __init__(self, asker: Asker, clock: Clock) -> None:
        self._asker, self._clock = asker, clock
        self._met: dict[str, str] = {}  # address -> name, of the nodes that answered last time

    def take_census(
        self,
        entries: Iterable[Entry] = (),
        connect: Iterable[str] = (),
        *,
        timeout: float = TIMEOUT,
        wants: Callable[[str], bool] = everybody,
    ) -> Census:
        """Look. Blocks until everybody wanted has answered, for at most `timeout` seconds.

        Args:
            entries: what nodes have left in the folder of this machine; only the living are asked.
            connect: further addresses.
            wants: whether a node of that name is to be asked, and waited for.
        """
        round_ = _Round(self._asker, self._clock, timeout, wants)
        round_.begin([entry for entry in entries if entry.is_alive], tuple(connect), self._met)
        while not round_.is_over:
            self._asker.step(round_.patience)
        census = round_.tally.census(self._clock.now(), wants, timeout)
        self._met = {address: name for name, address in census.routes.items()}
        return census

    def rest(self, seconds: float) -> None:
        """Let time pass, and notice connections that are closed meanwhile."""
        end = self._clock.monotonic() + seconds
        while (left := end - self._clock.monotonic()) > 0:
            self._asker.step(left)


class _Round:
    """One census while it is being taken."""

    def __init__(self, asker: Asker, clock: Clock, timeout: float, wants: Callable[[str], bool]) -> None:
        self.tally = Tally()
        self._asker, self._clock, self._wants = asker, clock, wants
        self._timeout = timeout
        self._began = clock.monotonic()
        self._pending: dict[tuple[str, bool], None] = {}  # (address, whether it was asked who is there)
        self._asked_who: set[str] = set()
        self._asked_sample: set[str] = set()
        self._spare: list[str] = []  # whom to ask who is there, if others fail

    def begin(self, entries: list[Entry], connect: tuple[str, ...], met: dict[str, str]) -> None:
        self.tally.begin(entries, connect)
        known = dict(met) | {entry.address: entry.name for entry in entries}
        for address, name in known.items():
            self.tally.names.setdefault(address, name)
        addresses = list(dict.fromkeys((*connect, *known)))
        self._spare = addresses[_REGISTRIES:]
        for address in addresses[:_REGISTRIES]:
            self._ask_who(address)
        for address in addresses:
            self._ask_sample(address)

    # ------------------------------------------------------------------------------- asking

    def _ask_who(self, address: str) -> None:
        if address not in self._asked_who:
            self._asked_who.add(address)
            self._ask(address, _WHO, self._on_digest)

    def _ask_sample(self, address: str) -> None:
        name = self.tally.names.get(address)
        if address not in self._asked_sample and (name is None or self._wants(name)):
            self._asked_sample.add(address)
            self._ask(address, SAMPLE, self._on_sample)

    def _ask(self, address: str, method: Method, take: Callable[[str, float, Answer], None]) -> None:
        key = (address, method is _WHO)
        self._pending[key] = None
        asked_at = self._clock.monotonic()

        def done(answer: Answer) -> None:
            del self._pending[key]
            take(address, asked_at, answer)

        self._asker.submit(address, method, (), timeout=max(self._left, 0.001), done=done)

    def _on_digest(self, address: str, asked_at: float, answer: Answer) -> None:
        del asked_at
        if answer.error is not None:
            self._note_failure(address, answer.error)
            self._ask_another()
            return
        digest = answer.value
        # Where we reached it is where it is, for us: it may call itself by an address that we cannot use.
        self._asked_sample.add(digest.me.address)
        self.tally.hear(Heard(digest, self._clock.now(), address))
        for member in digest.members or ():
            self._ask_sample(member.address)
        self._ask_sample(address)

    def _on_sample(self, address: str, asked_at: float, answer: Answer) -> None:
        if answer.error is None:
            took = self._clock.monotonic() - asked_at
            self.tally.read(Reading(answer.value, self._clock.now(), took, address))
        else:
            self._note_failure(address, answer.error)
        # Somebody lives here. If nobody has told us yet who else does, it may.
        lives = not isinstance(answer.error, _NO_NODE)
        if lives and (not self.tally.heard or address not in self.tally.names):
            self._ask_another(address)

    def _ask_another(self, address: str | None = None) -> None:
        if address is None and self._spare:
            address = self._spare.pop(0)
        if address is not None and len(self._asked_who) < 2 * _REGISTRIES:
            self._ask_who(address)

    def _note_failure(self, address: str, error: BaseException) -> None:
        if isinstance(error, DeadlineExceeded):
            error = DeadlineExceeded(
                address, self._timeout
            )  # what was left of it when we asked is nobody's concern
        if isinstance(error, _NO_NODE):
            self.tally.fail(address, error)
        else:
            self.tally.awake.add(address)
            if isinstance(error, ActionRefused):
                self.tally.refused[address] = error

    # ------------------------------------------------------------------------------- ending

    @property
    def _left(self) -> float:
        return self._began + self._timeout - self._clock.monotonic()

    @property
    def _doubt_left(self) -> float:
        return self._began + _DOUBT - self._clock.monotonic()

    @property
    def patience(self) -> float:
        """How long to wait for something to happen before `is_over` is worth another look."""
        return max(0.0, min(self._left, self._doubt_left) if self._doubt_left > 0 else self._left)

    @property
    def is_over(self) -> bool:
        return self._left <= 0 or not any(map(self._is_awaited, self._pending))

    def _is_awaited(self, key: tuple[str, bool]) -> bool:
        address, asked_who = key
        name = self.tally.names.get(address)
        if name is None or (asked_who and not self.tally.heard):
            return True
        return self._wants(name) and not (self._doubt_left <= 0 and self.tally.is_held_for_down(name))
