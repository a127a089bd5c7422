"""The process of a sink: it tells, tries again, gives up, and what hangs delays nobody."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest

from eye.alerts.delivery import REST
from eye.alerts.outbox import Outbox
from eye.alerts.rules import SinkSettings
from eye.alerts.sink import Sink, poke
from eye.errors import SinkFailed
from eye.supervision import ChildSpec, Supervisor, System
from eye.testing import Gate, ManualClock, drain, until

OPS = SinkSettings("ops", "webhook", {"timeout": 5.0, "attempts": 3})
PAGER = SinkSettings("pager", "command", {"timeout": 5.0, "attempts": 3})


class Receiver:
    """Somebody who is told, and who may refuse or hang."""

    def __init__(self, *answers: SinkFailed | Gate | None) -> None:
        self.got: list[list[str]] = []
        self.answers = list(answers)

    def __call__(self, records: list[dict[str, Any]]) -> None:
        self.got.append([record["rule"] for record in records])
        answer = self.answers.pop(0) if self.answers else None
        if isinstance(answer, Gate):
            answer()
        elif answer is not None:
            raise answer


def _start(system: System, send: Callable[..., None], settings: SinkSettings = OPS) -> Callable[..., None]:
    outbox = Outbox()
    ref = system.start(Sink, settings, outbox, send, name=f"eye.alerts.{settings.name}")
    assert ref is not None

    def tell(*rules: str) -> None:
        outbox.put([{"rule": rule} for rule in rules])
        poke(ref)

    tell.outbox = outbox  # type: ignore[attr-defined]
    return tell


def _pass(system: System, clock: ManualClock, seconds: float) -> None:
    clock.advance(seconds)
    drain(system)


def test_what_comes_together_is_told_together_and_once(system: System, clock: ManualClock) -> None:
    receiver = Receiver()
    tell = _start(system, receiver)

    tell("a", "b")
    drain(system)
    tell("c")
    tell("d")
    drain(system)
    _pass(system, clock, REST)
    _pass(system, clock, 60)

    assert receiver.got == [["a", "b"], ["c", "d"]]


def test_a_hundred_alerts_in_a_second_are_two_deliveries(system: System, clock: ManualClock) -> None:
    receiver = Receiver()
    tell = _start(system, receiver)

    for number in range(100):
        tell(f"rule-{number}")
    drain(system)
    _pass(system, clock, REST)

    assert len(receiver.got) <= 2
    assert sum(map(len, receiver.got)) == 100


def test_a_program_is_run_for_each_alert_alone(system: System, clock: ManualClock) -> None:
    receiver = Receiver()
    tell = _start(system, receiver, PAGER)

    tell("a", "b")
    drain(system)
    _pass(system, clock, REST)

    assert receiver.got == [["a"], ["b"]]


def test_what_failed_is_tried_again_after_a_growing_pause(system: System, clock: ManualClock) -> None:
    receiver = Receiver(SinkFailed("ops", "503"), SinkFailed("ops", "503"))
    tell = _start(system, receiver)

    tell("a")
    drain(system)
    _pass(system, clock, 0.9)
    assert len(receiver.got) == 1
    _pass(system, clock, 0.1)
    assert len(receiver.got) == 2
    _pass(system, clock, 1.9)
    assert len(receiver.got) == 2
    tell("b")  # what comes meanwhile goes along
    _pass(system, clock, 0.1)

    assert receiver.got == [["a"], ["a"], ["a", "b"]]


def test_after_so_many_attempts_it_is_given_up_and_the_next_have_their_turn(
    system: System, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    receiver = Receiver(*[SinkFailed("ops", "503")] * 3)
    tell = _start(system, receiver)

    tell("a")
    for seconds in (0, 1, 2):
        _pass(system, clock, seconds)
    tell("b")
    _pass(system, clock, REST)

    assert receiver.got == [["a"], ["a"], ["a"], ["b"]]
    assert "sink 'ops' was not told: 503; it is given up" in caplog.text


@pytest.mark.parametrize("wrong", [SinkFailed("ops", "404", is_final=True), OSError("no route")])
def test_what_is_of_no_use_is_not_tried_again(
    system: System, clock: ManualClock, caplog: pytest.LogCaptureFixture, wrong: Exception
) -> None:
    receiver = Receiver(wrong)  # type: ignore[arg-type]
    tell = _start(system, receiver)

    tell("a")
    drain(system)
    _pass(system, clock, 60)

    assert len(receiver.got) == (1 if isinstance(wrong, SinkFailed) else 2)


def test_one_that_hangs_is_abandoned_and_tried_again(system: System, clock: ManualClock) -> None:
    gate = Gate()
    receiver = Receiver(gate)
    tell = _start(system, receiver)
    tell("a")
    gate.await_somebody()

    _pass(system, clock, 7.0)  # its time limit, and a grace
    hung = len(system.abandoned())
    _pass(system, clock, 1.0)

    assert hung == 1
    assert receiver.got == [["a"], ["a"]]
    gate.open()
    until(lambda: not system.abandoned())


def test_where_several_hang_no_more_are_begun(
    system: System, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    gates = [Gate() for _ in range(3)]
    receiver = Receiver(*gates)
    tell = _start(system, receiver, SinkSettings("ops", "webhook", {"timeout": 5.0, "attempts": 4}))
    tell("a")
    for gate, pause in zip(gates, (1.0, 2.0, 4.0), strict=True):
        gate.await_somebody()
        _pass(system, clock, 7.0)
        clock.advance(pause)  # the next attempt begins; it will hang, too

    drain(system)
    assert len(receiver.got) == 3
    assert "3 earlier attempts still hang; it is given up" in caplog.text

    for gate in gates:
        gate.open()
    until(lambda: not system.abandoned())
    tell("b")
    _pass(system, clock, REST)
    assert receiver.got[-1] == ["b"]


def test_while_one_hangs_the_others_are_told(system: System, clock: ManualClock) -> None:
    gate, other = Gate(), Receiver()
    stuck = _start(system, Receiver(gate))
    free = _start(system, other, SinkSettings("free", "webhook", {}))

    stuck("a")
    gate.await_somebody()
    free("a")

    until(lambda: other.got == [["a"]])
    gate.open()
    drain(system)


def test_a_sink_that_crashes_goes_on_where_it_was(system: System, clock: ManualClock) -> None:
    outbox, receiver = Outbox(), Receiver()
    spec = ChildSpec(Sink, id="ops", name="eye.alerts.ops", args=(OPS, outbox, receiver))
    system.start(Supervisor, [spec])
    drain(system)
    outbox.put([{"rule": "a"}])

    sink = system.whereis("eye.alerts.ops")
    assert sink is not None
    sink.kill()
    drain(system)

    assert receiver.got == [["a"]]


def test_that_some_were_lost_is_said(system: System, clock: ManualClock, caplog: pytest.LogCaptureFixture) -> None:
    gate = Gate()
    receiver = Receiver(gate)
    tell = _start(system, receiver)
    caplog.set_level(logging.ERROR, "eye.alerts")
    tell("a")
    gate.await_somebody()

    tell(*map(str, range(1005)))
    gate.open()
    until(lambda: "was not told of 6 alerts" in caplog.text)
    drain(system)
