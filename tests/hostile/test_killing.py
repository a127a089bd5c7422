"""Eight nodes, one of which is killed or frozen, again and again: nobody else is lost, and all come back.

Each node keeps its port, so that it returns where the others know it, and has to be told apart by its boot id.
EYE_ROUNDS=50 makes a long run of it, EYE_SEED another one; --log-cli-level=info tells how long each round took.
"""

from __future__ import annotations

import logging
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
    from eye.cluster.registry import Digest
    from eye.cluster.switchboard import Switchboard

log = logging.getLogger(__name__)

ROUNDS = int(os.environ.get("EYE_ROUNDS", "4"))
SEED = os.environ.get("EYE_SEED", "killing")
NAMES = tuple(f"mystic-node-{number}" for number in range(1, 9))
IS_MEASURED = ROUNDS > 10  # on a machine that has nothing else to do; else another test may have it
WHOLE = 5.0 if IS_MEASURED else 20.0  # seconds after the return of a node until all see all
FETCH_TIMEOUT = 1.0  # seconds
MARGIN = 2.0 if IS_MEASURED else 15.0  # seconds more that a `fetch` may take
LONGEST = 8.0 if IS_MEASURED else 2.0  # seconds that a node is away; those frozen for more than 10 s would be down

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(60 + 20 * ROUNDS)]


class Eight:
    """The eight nodes, and what each of them knows."""

    def __init__(self, camp: Camp) -> None:
        self._camp = camp
        self.nodes: dict[str, Running] = {name: camp.start("start", "--name", name) for name in NAMES}
        self.addresses = {name: node.address() for name, node in self.nodes.items()}
        self._asker: Switchboard = camp.asker()

    def restart(self, name: str) -> None:
        self.nodes[name] = self._camp.start("start", "--name", name, "--listen", self.addresses[name])
        self.nodes[name].address()

    def told(self) -> dict[str, Digest]:
        """What each node says, if it answers."""
        answers = self._asker.request_all(self.addresses.values(), NODES, timeout=1.0)
        return {
            name: answers[address].value
            for name, address in self.addresses.items()
            if answers[address].error is None
        }

    def what_is_wrong(self) -> list[str]:
        """Say what keeps the eight from being whole: all of them up, in their present lives, as seen by all."""
        told = self.told()
        wrong = [f"{name} is silent" for name in NAMES if name not in told]
        everybody = {name: (Status.UP, digest.me.boot, self.addresses[name]) for name, digest in told.items()}
        for teller, digest in told.items():
            seen = {one.name: (one.status, one.boot, one.address) for one in digest.members or ()}
            wrong += [
                f"{teller} sees {name} as {seen.get(name)}, not {everybody.get(name)}"
                for name in NAMES
                if seen.get(name) != everybody.get(name)
            ]
        return wrong

    def become_whole(self) -> float:
        """Wait until they are eight again, and answer how long that took."""
        begun = time.monotonic()
        while wrong := self.what_is_wrong():
            assert time.monotonic() < begun + WHOLE, wrong
        return time.monotonic() - begun

    def fetch(self) -> Ran:
        ran = self._camp.run(
            "fetch", "--format", "csv", "--metric", "uptime", "--timeout", str(FETCH_TIMEOUT), seconds=30.0
        )
        assert ran.seconds < FETCH_TIMEOUT + MARGIN, ran
        assert ran.code in (0, 3), ran
        assert "Traceback" not in ran.err, ran.err
        return ran


def test_whoever_is_killed_or_frozen_takes_nobody_along(camp: Camp) -> None:
    eight = Eight(camp)
    eventually(lambda: not eight.what_is_wrong())
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
        away = LONGEST * chance.random() ** 3
        back_at = time.monotonic() + away
        while True:  # the others lose nobody meanwhile
            for teller, told in eight.told().items():
                up = {one.name for one in told.members or () if one.status is Status.UP}
                assert up.issuperset(others), f"round {number}, {teller}: {told.members}"
            if time.monotonic() > back_at:
                break
            time.sleep(0.1)
        begun = time.monotonic()
        if freezes:
            victim.process.send_signal(signal.SIGCONT)
        else:
            victim.end()
            eight.restart(name)
        started = time.monotonic() - begun
        how = f"{name} {'frozen' if freezes else 'killed'} for {away:.1f} s, up after {started:.2f} s"
        took.append((started + eight.become_whole(), f"round {number}: {how}"))

    for seconds, what in sorted(took):  # to be read with --log-cli-level=info
        log.info("%.2f s until all were up again: %s", seconds, what)
