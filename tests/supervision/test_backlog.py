"""How long the oldest message has waited, told from outside."""

from __future__ import annotations

import threading
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from eye.supervision import GenServer, System, introspection
from eye.supervision.backlog import MOST_LOOKS, Backlog
from eye.testing import ManualClock, drain
from tests.supervision.servers import PATIENCE

INTERVAL = 10

steps = st.lists(st.tuples(st.sampled_from(["come", "come", "go"]), st.integers(0, 7)), max_size=200)


@given(steps)
def test_the_estimate_is_never_too_long_nor_too_short_by_more_than_an_interval(
    steps: list[tuple[str, int]],
) -> None:
    backlog, waiting, taken, now = Backlog(), list[int](), 0, 0
    for step, pause in steps:
        for _ in range(pause):
            now += 1
            if now % INTERVAL == 0:
                backlog.look(now, taken, len(waiting))
        if step == "come":
            waiting.append(now)
        elif waiting:
            waiting.pop(0)
            taken += 1

        estimate = backlog.oldest_age(now, taken, len(waiting)) if now % INTERVAL == 0 else None

        if estimate is not None:
            assert now - waiting[0] - INTERVAL <= estimate <= now - waiting[0]
        elif now % INTERVAL == 0:
            assert not waiting


@given(st.binary(min_size=MOST_LOOKS * 2, max_size=MOST_LOOKS * 3))  # drawn far faster than as many numbers
def test_of_a_process_that_is_stuck_not_every_look_is_kept(draws: bytes) -> None:
    arrivals = [draw % 6 for draw in draws]
    backlog, waiting = Backlog(), 0
    for at, count in enumerate(arrivals):
        waiting += count
        backlog.look(at, 0, waiting)

    assert len(backlog._looks) <= MOST_LOOKS
    first = next((at for at, count in enumerate(arrivals) if count), None)
    if first is not None:
        assert backlog.oldest_age(len(arrivals), 0, waiting) == len(arrivals) - first


class Held(GenServer):
    def init(self, gate: threading.Event) -> None:
        self._gate = gate

    def handle_cast(self, message: Any) -> None:
        self._gate.wait(PATIENCE)


def test_a_process_that_is_stuck_shows_how_long_its_oldest_message_has_waited(
    system: System, clock: ManualClock
) -> None:
    gate = threading.Event()
    ref = system.start(Held, gate)
    assert ref is not None
    assert ref.oldest_message_age is None

    for _ in range(3):
        ref.cast("wait")
    system.look()
    clock.advance(4)

    assert ref.oldest_message_age == 4.0
    tree = introspection.tree(system, ref)
    assert tree["mailbox_age"] == 4.0
    assert "waiting for 4.0 s" in introspection.as_text(tree)
    gate.set()
    drain(system)
    assert ref.oldest_message_age is None


def test_what_is_asked_of_the_process_itself_is_no_message_that_came_earlier(
    system: System, clock: ManualClock
) -> None:
    ref = system.start(GenServer)
    assert ref is not None
    gate = threading.Event()
    came = threading.Event()
    for _ in range(2):
        ref.inquire(lambda _server: (came.set(), gate.wait(PATIENCE)))
    came.wait(PATIENCE)
    system.look()
    gate.set()
    drain(system)
    clock.advance(100)

    assert ref.oldest_message_age is None
