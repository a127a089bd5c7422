"""Section 8 of otp.md: the dynamic supervisor.

Every test runs twice: with children in threads, and with children in OS processes of their own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from eye.errors import ChildNotFound, MaxChildrenReached, StartFailed
from eye.supervision import KILL, SHUTDOWN, ChildSpec, DynamicSupervisor, Ignore, Ref, Restart, Stop, Supervisor
from eye.testing import ManualClock, drain
from tests.supervision.kinds import both_kinds
from tests.supervision.servers import (
    PATIENCE,
    Answer,
    Do,
    ExitWith,
    Gate,
    Here,
    Obedient,
    Takes,
    Turns,
    crash,
    do,
    in_thread,
    named,
    start,
    until,
)

if TYPE_CHECKING:
    from eye.supervision import System

pytestmark = both_kinds
refuse = Answer(Ignore())


def spec_of(behaviour: type = Obedient, **fields: Any) -> ChildSpec:
    return ChildSpec(behaviour, **{"isolation": Here.isolation, **fields})


def pool_of(system: System, **options: Any) -> Ref:
    ref = system.start(DynamicSupervisor, name="pool", **options)
    assert ref is not None
    return ref


def add(pool: Ref, behaviour: type = Obedient, **fields: Any) -> Ref:
    ref = DynamicSupervisor.start_child(pool, spec_of(behaviour, **fields))
    assert ref is not None
    return ref


def live(pool: Ref) -> list[Ref]:
    return [one.ref for one in DynamicSupervisor.which_children(pool) if one.ref is not None]


def test_DY_01_it_starts_empty_and_takes_any_number_of_one_id(system: System) -> None:
    pool = pool_of(system)
    was = DynamicSupervisor.which_children(pool)

    refs = [add(pool, id="one") for _ in range(3)]

    assert was == ()
    assert live(pool) == refs
    # Their ids are kept for people to read (a choice: OTP lists none), but nobody is found by them.
    assert {one.id for one in DynamicSupervisor.which_children(pool)} == {"one"}
    with pytest.raises(ChildNotFound):
        DynamicSupervisor.stop_child(pool, "one")  # type: ignore[arg-type]
    with pytest.raises(ChildNotFound):
        DynamicSupervisor.restart_child(pool, "one")


def test_DY_02_a_full_supervisor_refuses_until_a_child_has_ended_for_good(system: System) -> None:
    pool = pool_of(system, max_children=2)
    first, second = add(pool), add(pool, restart=Restart.TEMPORARY)

    with pytest.raises(MaxChildrenReached, match="already has 2 children"):
        add(pool)
    DynamicSupervisor.stop_child(pool, first)
    add(pool)
    second.cast(crash)
    drain(system)
    add(pool)

    assert len(live(pool)) == 2


def test_DY_03_a_child_between_crash_and_restart_takes_its_place(system: System) -> None:
    gate = Gate()
    pool = pool_of(system, max_children=1, max_restarts=10**6)
    ref = add(pool, kwargs={"on_init": Turns(Answer(), Do(gate, crash))})
    ref.cast(crash)
    gate.await_somebody()
    before = pool.mailbox_length
    adding = in_thread(lambda: add(pool))
    until(lambda: pool.mailbox_length > before)
    gate.open()

    with pytest.raises(MaxChildrenReached):
        adding.result(PATIENCE)
    DynamicSupervisor.stop_child(pool, ref)


def test_DY_04_extra_arguments_come_first_at_every_start(system: System) -> None:
    pool = pool_of(system, extra_arguments=[1, 2])
    ref = add(pool, Takes, args=(3,), kwargs={"more": 4}, name="it")
    first = ref.call(do("tell"))
    ref.cast(crash)
    drain(system)

    assert first == ((1, 2, 3), {"more": 4})
    assert named(system, "it") is not ref
    assert named(system, "it").call(do("tell")) == first


def test_DY_05_a_child_is_stopped_by_its_reference_once(system: System) -> None:
    pool = pool_of(system)
    ref = add(pool)

    DynamicSupervisor.stop_child(pool, ref)

    assert ref.exit_reason == SHUTDOWN
    for stranger in (ref, start(system), "no reference"):
        with pytest.raises(ChildNotFound):
            DynamicSupervisor.stop_child(pool, stranger)  # type: ignore[arg-type]


def test_DY_05_a_child_that_fails_to_restart_is_stopped_by_its_last_reference(system: System) -> None:
    pool = pool_of(system, max_restarts=10**9, max_seconds=1)
    ref = add(pool, kwargs={"on_init": Turns(Answer(), crash)})
    ref.cast(crash)
    ref.join(PATIENCE)

    DynamicSupervisor.stop_child(pool, ref)
    drain(system)

    assert DynamicSupervisor.which_children(pool) == ()
    assert pool.is_alive


def test_DY_06_a_child_that_ignores_its_start_or_its_restart_is_not_kept(system: System) -> None:
    pool = pool_of(system)
    at_once = DynamicSupervisor.start_child(pool, spec_of(kwargs={"on_init": refuse}))
    kept_at_once = DynamicSupervisor.which_children(pool)
    ref = add(pool, kwargs={"on_init": Turns(Answer(), refuse)})

    ref.cast(crash)
    drain(system)

    assert (at_once, kept_at_once) == (None, ())
    assert DynamicSupervisor.which_children(pool) == ()
    assert len(pool.published.window.times) == 1


@pytest.mark.parametrize(
    ("on_init", "says"),
    [
        (crash, "Boom: boom"),
        (ExitWith("gone"), "gone"),
        (Answer(Stop("no luck")), "no luck"),
        (Answer(42), "not 42"),
    ],
    ids=["raises", "exits", "stops", "answers nonsense"],
)
def test_DY_07_a_failed_start_is_neither_kept_nor_charged(system: System, on_init: Any, says: str) -> None:
    pool = pool_of(system, max_restarts=0)

    with pytest.raises(StartFailed, match=says):
        add(pool, kwargs={"on_init": on_init})

    assert DynamicSupervisor.which_children(pool) == ()
    assert pool.published.window.times == ()


@pytest.mark.parametrize(
    ("restart", "reason"),
    [(Restart.TEMPORARY, "normal"), (Restart.TEMPORARY, "odd"), (Restart.TRANSIENT, "normal")],
)
def test_DY_07_a_child_that_ended_for_good_leaves_no_entry(system: System, restart: Restart, reason: str) -> None:
    pool = pool_of(system)
    add(pool, restart=restart).cast(ExitWith(reason))
    drain(system)

    assert DynamicSupervisor.which_children(pool) == ()


def test_DY_08_all_children_are_asked_to_stop_at_once(system: System, clock: ManualClock) -> None:
    gates = [Gate(), Gate()]
    pool = pool_of(system)
    for gate in gates:
        add(pool, kwargs={"traps": True, "on_exit": gate})

    stopping = in_thread(pool.stop)
    for gate in gates:
        gate.await_somebody()  # both are in their cleanup, neither has finished
    for gate in gates:
        gate.open()

    stopping.result(PATIENCE)


@pytest.mark.parametrize("how", ["gave up", "killed"])
def test_DY_09_one_that_gave_up_or_was_killed_is_empty_when_restarted(system: System, how: str) -> None:
    top = system.start(Supervisor, [ChildSpec(DynamicSupervisor, name="pool")])
    old = named(system, "pool")
    ref = add(old, name="it")
    bystander = add(old)

    if how == "killed":
        old.exit(KILL)
    else:
        for _ in range(4):  # three in five seconds are allowed
            named(system, "it").cast(crash)
            drain(system)
    old.join(PATIENCE)
    drain(system)

    assert top is not None
    assert named(system, "pool") is not old
    assert DynamicSupervisor.which_children(named(system, "pool")) == ()
    assert not ref.is_alive
    assert not bystander.is_alive


@pytest.mark.parametrize("limit", [-1, 1.5, True, "many"])
def test_a_limit_that_is_no_number_of_children_is_refused(system: System, limit: Any) -> None:
    with pytest.raises(StartFailed, match="max_children must be a whole number"):
        pool_of(system, max_children=limit)
