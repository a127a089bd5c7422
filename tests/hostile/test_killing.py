"""Eight nodes, one of which is killed or frozen, again and again: nobody else is lost, and all come back.

EYE_ROUNDS=50 makes a long run of it; EYE_SEED another one.
"""

from __future__ import annotations

import os
import random
import signal
import time
from typing import TYPE_CHECKING

import pytest

from eye.cluster.node import Status
from eye.cluster.registry import NODES
from tests.hostile.camp import Camp, Ran, Running, eventually

if TYPE_CHECKING:
    from eye.cluster.node import Member
    from eye.cluster.switchboard import Switchboard

ROUNDS = int(os.environ.get("EYE_ROUNDS", "4"))
SEED = os.environ.get("EYE_SEED", "killing")
NAMES = tuple(f"mystic-node-{number}" for number in range(1, 9))
WHOLE = 5.0  # seconds after the return of a node until all see all
FETCH_TIMEOUT = 1.0  # seconds
MARGIN = 2.0  # seconds more that a `fetch` may take

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(60 + 20 * ROUNDS)]


class Eight:
    """The eight nodes, and what each of them knows."""

    def __init__(self, camp: Camp) -> None:
        self._camp = camp
        self.nodes: dict[str, Running] = {name: camp.start("start", "--name", name) for name in NAMES}
        self.addresses = {name: node.address() for name, node in self.nodes.items()}
        self._asker: Switchboard = camp.asker()

    def restart(self, name: str) -> None:
        self.nodes[name] = self._camp.start("start", "--name", name)
        self.addresses[name] = self.nodes[name].address()

    def boots(self) -> dict[str, dict[str, tuple[Status, str]]]:
        """Who each node, if it answers, says is there."""
        answers = self._asker.request_all(self.addresses.values(), NODES, timeout=1.0)
        said = {}
        for name, address in self.addresses.items():
            if answers[address].error is None:
                members: tuple[Member, ...] = answers[address].value.members
                said[name] = {one.name: (one.status, one.address) for one in members}
        return said

    def is_whole(self) -> bool:
        """Whether all eight say that all eight are up, where they are now."""
        everybody = {name: (Status.UP, address) for name, address in self.addresses.items()}
        said = self.boots()
        return len(said) == len(NAMES) and all(one == everybody for one in said.values())

    def what_is_missing(self) -> str:
        said = self.boots()
        wrong = [
            f"{teller}: {name} is {status.value}, {address}"
            for teller, told in said.items()
            for name, (status, address) in told.items()
            if (status, address) != (Status.UP, self.addresses[name])
        ]
        silent = [name for name in NAMES if name not in said]
        unknown = [f"{teller}: no {name}" for teller, told in said.items() for name in set(NAMES) - set(told)]
        return f"silent {silent}; {wrong}; {unknown}"

    def become_whole(self) -> float:
        """Wait until they are eight again, and answer how long that took."""
        begun = time.monotonic()
        try:
            eventually(self.is_whole, WHOLE)
        except AssertionError:
            raise AssertionError(self.what_is_missing()) from None
        return time.monotonic() - begun

    def fetch(self) -> Ran:
        ran = self._camp.run(
            "fetch", "--format", "csv", "--metric", "uptime", "--timeout", str(FETCH_TIMEOUT), seconds=30.0
        )
        assert ran.seconds < FETCH_TIMEOUT + MARGIN, ran
        assert ran.code in (0, 3), ran
        assert "Traceback" not in ran.err, ran.err
        return ran


def test_whoever_is_killed_or_frozen_takes_nobody_along(
    camp: Camp, record_property: pytest.RecordProperty, capsys: pytest.CaptureFixture[str]
) -> None:
    eight = Eight(camp)
    eventually(eight.is_whole)
    chance = random.Random(SEED)
    took: list[tuple[float, str]] = []

    for number in range(ROUNDS):
        name = chance.choice(NAMES)
        freezes = chance.random() < 0.3
        others = [other for other in NAMES if other != name]
        victim = eight.nodes[name]

        victim.process.send_signal(signal.SIGSTOP if freezes else signal.SIGKILL)
        ran = eight.fetch()

        assert all(other in ran.out for other in others), ran
        for teller, told in eight.boots().items():
            assert all(told[other][0] is Status.UP for other in others), f"round {number}, {teller}: {told}"
        begun = time.monotonic()
        if freezes:
            victim.process.send_signal(signal.SIGCONT)
        else:
            victim.end()
            eight.restart(name)
        up = time.monotonic() - begun
        took.append((eight.become_whole(), f"round {number}, {name} {'frozen' if freezes else 'killed'}, {up:.2f}"))

    record_property("slowest", str(max(took)))
    with capsys.disabled():
        if ROUNDS > 10:
            print(*(f"{seconds:6.2f} s  {what}" for seconds, what in sorted(took)), sep="\n")  # noqa: T201
