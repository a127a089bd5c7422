"""Waiting until nothing moves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from eye.errors import Settling
from eye.supervision import KILL, ChildSpec, Continue, Supervisor
from eye.testing import Gate, Obedient, crash, drain, seen, until

if TYPE_CHECKING:
    from eye.supervision import Ref, System
    from eye.testing import ManualClock


def started(system: System, **options: Any) -> Ref:
    ref = system.start(Obedient, **options)
    assert ref is not None
    return ref


def test_drain_returns_when_a_chain_of_messages_has_come_to_its_end(system: System) -> None:
    refs = [started(system) for _ in range(5)]

    def pass_on(left: int) -> Any:
        def do(_me: Any) -> None:
            if left:
                refs[left % 5].cast(pass_on(left - 1))
            else:
                refs[0].cast("arrived")

        return do

    refs[0].cast(pass_on(200))
    drain(system)

    assert seen(refs[0]) == ["arrived"]


def test_drain_waits_for_continue_steps_restarts_and_timers(system: System, clock: ManualClock) -> None:
    done: list[str] = []

    def init(me: Any) -> Continue:
        me.send_after(1.0, lambda _: done.append("timer"))
        return Continue(lambda _: done.append("continue"))

    system.start(Supervisor, [ChildSpec(Obedient, name="it", kwargs={"on_init": init})])
    for _ in range(3):
        done.clear()
        old = system.whereis("it")
        system.cast("it", crash)
        drain(system)
        clock.advance(2.0)
        drain(system)

        assert done == ["continue", "timer"]
        assert system.whereis("it") is not old


def test_drain_names_whoever_is_still_busy(system: System) -> None:
    gate, ref = Gate(), started(system, name="busy")
    ref.cast(gate)
    gate.await_somebody()

    with pytest.raises(Settling, match=r"still busy: /busy#"):
        drain(system, timeout=0.02)
    gate.open()


def test_drain_does_not_wait_for_the_abandoned(system: System) -> None:
    gate, ref = Gate(), started(system)
    ref.cast(gate)
    gate.await_somebody()
    ref.exit(KILL)

    drain(system)

    gate.open()


def test_until_returns_when_it_is_so() -> None:
    looks = iter([False, False, True])

    until(lambda: next(looks))

    assert list(looks) == []


def test_until_says_when_it_never_comes_to_be() -> None:
    with pytest.raises(Settling, match="never came to be"):
        until(lambda: False, timeout=0.01)
