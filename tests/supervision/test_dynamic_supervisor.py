"""Section 8 of otp.md: the dynamic supervisor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from eye.errors import ChildNotFound, MaxChildrenReached, StartFailed
from eye.supervision import KILL, SHUTDOWN, ChildSpec, DynamicSupervisor, Ignore, Ref, Restart, Supervisor
from eye.testing import ManualClock, drain
from tests.supervision.servers import PATIENCE, Gate, Obedient, crash, in_thread, named, start

if TYPE_CHECKING:
    from eye.supervision import System


def pool_of(system: System, **options: Any) -> Ref:
    ref = system.start(DynamicSupervisor, name="pool", **options)
    assert ref is not None
    return ref


def add(pool: Ref, spec: Any = Obedient, **kwargs: Any) -> Ref:
    ref = DynamicSupervisor.start_child(pool, ChildSpec(spec, **kwargs) if isinstance(spec, type) else spec)
    assert ref is not None
    return ref


def live(pool: Ref) -> list[Ref]:
    return [one.ref for one in DynamicSupervisor.which_children(pool) if one.ref is not None]


def test_DY_01_it_starts_empty_and_takes_any_number_of_one_id(system: System) -> None:
    pool = pool_of(system)
    was = DynamicSupervisor.which_children(pool)

    refs = [add(pool) for _ in range(3)]

    assert was == ()
    assert live(pool) == refs


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
    gate, tries = Gate(), iter([lambda _: None])
    pool = pool_of(system, max_children=1, max_restarts=10**6)

    def hold(_me: Any) -> None:
        gate()
        crash(None)

    ref = add(pool, kwargs={"on_init": lambda me: next(tries, hold)(me)})
    ref.cast(crash)
    gate.await_somebody()
    before = pool.mailbox_length
    adding = in_thread(lambda: add(pool))
    while pool.mailbox_length == before:
        pass
    gate.open()

    with pytest.raises(MaxChildrenReached):
        adding.result(PATIENCE)
    DynamicSupervisor.stop_child(pool, ref)


def test_DY_04_extra_arguments_come_first_at_every_start(system: System) -> None:
    class Takes(Obedient):
        def init(self, *args: Any) -> None:
            super().init()
            self.args = args

    pool = pool_of(system, extra_arguments=[1, 2])
    ref = add(pool, Takes, args=(3,), name="it")
    first = ref.call(lambda me: me.args)
    ref.cast(crash)
    drain(system)

    assert first == (1, 2, 3)
    assert named(system, "it").call(lambda me: me.args) == (1, 2, 3)


def test_DY_05_a_child_is_stopped_by_its_reference_once(system: System) -> None:
    pool = pool_of(system)
    ref = add(pool)

    DynamicSupervisor.stop_child(pool, ref)

    assert ref.exit_reason == SHUTDOWN
    for stranger in (ref, start(system), "no reference"):
        with pytest.raises(ChildNotFound):
            DynamicSupervisor.stop_child(pool, stranger)  # type: ignore[arg-type]


def test_DY_05_a_child_that_fails_to_restart_is_stopped_by_its_last_reference(system: System) -> None:
    tries = iter([lambda _: None])
    pool = pool_of(system, max_restarts=10**9, max_seconds=1)
    ref = add(pool, kwargs={"on_init": lambda me: next(tries, crash)(me)})
    ref.cast(crash)
    ref.join(PATIENCE)

    DynamicSupervisor.stop_child(pool, ref)
    drain(system)

    assert DynamicSupervisor.which_children(pool) == ()


def test_DY_06_a_child_that_ignores_its_start_or_its_restart_is_not_kept(system: System) -> None:
    pool = pool_of(system)
    at_once = DynamicSupervisor.start_child(pool, ChildSpec(Obedient, kwargs={"on_init": lambda _: Ignore()}))
    answers = iter([None, Ignore()])
    ref = add(pool, kwargs={"on_init": lambda _: next(answers)})

    ref.cast(crash)
    drain(system)

    assert at_once is None
    assert DynamicSupervisor.which_children(pool) == ()
    assert len(pool.published.window.times) == 1


def test_DY_07_a_failed_start_is_neither_kept_nor_charged(system: System) -> None:
    pool = pool_of(system)

    with pytest.raises(StartFailed, match="Boom"):
        add(pool, kwargs={"on_init": crash})

    assert DynamicSupervisor.which_children(pool) == ()
    assert pool.published.window.times == ()


@pytest.mark.parametrize(
    ("restart", "reason"),
    [(Restart.TEMPORARY, "normal"), (Restart.TEMPORARY, "odd"), (Restart.TRANSIENT, "normal")],
)
def test_DY_07_a_child_that_ended_for_good_leaves_no_entry(system: System, restart: Restart, reason: str) -> None:
    pool = pool_of(system)
    add(pool, restart=restart).cast(lambda me: me.exit(reason))
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
    top = system.start(Supervisor, [ChildSpec(DynamicSupervisor, name="pool", kwargs={"max_restarts": 0})])
    old = named(system, "pool")
    ref = add(old)

    if how == "killed":
        old.exit(KILL)
    else:
        ref.cast(crash)
    old.join(PATIENCE)
    drain(system)

    assert top is not None
    assert named(system, "pool") is not old
    assert DynamicSupervisor.which_children(named(system, "pool")) == ()
    assert not ref.is_alive


@pytest.mark.parametrize("limit", [-1, 1.5, True, "many"])
def test_a_limit_that_is_no_number_of_children_is_refused(system: System, limit: Any) -> None:
    with pytest.raises(StartFailed, match="max_children must be a whole number"):
        pool_of(system, max_children=limit)
