"""Sections 2, 3, 4 and 7 of otp.md: who is restarted, who with it, how often, and when a supervisor is done.

Every test runs twice: with children in threads, and with children in OS processes of their own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from eye.errors import NoProcess, StartFailed
from eye.supervision import KILL, NOPROC, SHUTDOWN, ChildSpec, Down, Restart, Strategy, Supervisor, shutdown
from eye.supervision.child_spec import AutoShutdown
from eye.testing import ManualClock, drain
from tests.supervision.kinds import both_kinds
from tests.supervision.servers import (
    PATIENCE,
    Answer,
    ExitWith,
    Gate,
    Log,
    Turns,
    child,
    crash,
    do,
    named,
    seen,
    tell_itself_to_crash,
)

if TYPE_CHECKING:
    from eye.supervision import Ref, System

pytestmark = both_kinds


def supervise(system: System, children: list[Any], **options: Any) -> Ref:
    ref = system.start(Supervisor, children, **options)
    assert ref is not None
    return ref


def end(ref: Ref, reason: Any) -> None:
    """Have a process end with `reason`, whatever it is."""
    if reason == KILL:
        ref.exit(KILL)
    elif isinstance(reason, Exception):
        ref.cast(crash)
    else:
        ref.cast(ExitWith(reason))
    ref.join(PATIENCE)


def statuses(supervisor: Ref) -> dict[Any, str]:
    return {one.id: one.status for one in Supervisor.which_children(supervisor)}


REASONS = ["normal", SHUTDOWN, shutdown("done"), ValueError(), KILL, "odd", NOPROC]
CLEAN = REASONS[:3]


# ---------------------------------------------------------------------------- restart types


@pytest.mark.parametrize("reason", REASONS, ids=str)
def test_RT_01_a_permanent_child_is_started_again_whatever_it_exited_with(system: System, reason: Any) -> None:
    supervise(system, [child("a")])
    old = named(system, "a")

    end(old, reason)
    drain(system)

    assert named(system, "a") is not old


@pytest.mark.parametrize("reason", REASONS, ids=str)
def test_RT_02_a_transient_child_is_started_again_only_after_a_crash(system: System, reason: Any) -> None:
    supervisor = supervise(system, [child("a", restart=Restart.TRANSIENT)])

    end(named(system, "a"), reason)
    drain(system)

    assert statuses(supervisor) == {"a": "stopped" if reason in CLEAN else "running"}


@pytest.mark.parametrize("reason", REASONS, ids=str)
def test_RT_03_a_temporary_child_is_never_started_again_and_its_entry_goes(system: System, reason: Any) -> None:
    supervisor = supervise(system, [child("a", restart=Restart.TEMPORARY)])

    end(named(system, "a"), reason)
    drain(system)

    assert statuses(supervisor) == {}


def test_RT_03_a_transient_child_that_finished_cleanly_stays_listed_without_a_process(system: System) -> None:
    children = [child("stays", restart=Restart.TRANSIENT), child("goes", restart=Restart.TEMPORARY)]
    supervisor = supervise(system, children)

    for id_ in ("stays", "goes"):
        end(named(system, id_), "normal")
    drain(system)

    assert [(one.id, one.ref) for one in Supervisor.which_children(supervisor)] == [("stays", None)]


def test_RT_04_a_restarted_child_has_a_new_reference_and_the_old_one_stays_dead(system: System) -> None:
    supervise(system, [child("a")])
    old = named(system, "a")

    end(old, ValueError())
    drain(system)
    old.send("lost")
    old.cast("lost too")
    end(named(system, "a"), ValueError())
    drain(system)

    assert named(system, "a").serial > old.serial
    assert not old.is_alive
    assert seen(named(system, "a")) == []
    with pytest.raises(NoProcess, match="no such process"):
        old.call(Answer(1))


def test_RT_07_when_the_death_notice_comes_the_name_no_longer_finds_the_dead(system: System) -> None:
    supervise(system, [child("a")], max_restarts=100)
    inbox = system.inbox()
    for _ in range(50):
        old = named(system, "a")
        old.monitor(inbox)

        old.cast(crash)

        assert isinstance(inbox.get(PATIENCE), Down)
        assert system.whereis("a") is not old
        drain(system)


def test_RT_08_a_child_that_unlinks_itself_goes_unnoticed_but_is_not_counted_as_active(system: System) -> None:
    # As in OTP, and documented: our supervisors watch by link too.
    supervisor = supervise(system, [child("a")])
    ref = named(system, "a")
    ref.call(do("unlink", supervisor))

    end(ref, ValueError())
    drain(system)

    assert system.whereis("a") is None
    assert [one.ref for one in Supervisor.which_children(supervisor)] == [ref]
    assert Supervisor.count_children(supervisor).active == 0
    Supervisor.stop_child(supervisor, "a")  # and nobody waits for it for ever


# --------------------------------------------------------------------------------- strategies


def four(log: Log | None = None, **special: Any) -> list[ChildSpec]:
    return [child(id_, log, **special.get(id_, {})) for id_ in "abcd"]


def stops(ids: str) -> list[Any]:
    return [("terminate", id_, "shutdown") for id_ in ids]


def starts(ids: str) -> list[Any]:
    return [("init", id_) for id_ in ids]


def crash_of(id_: str) -> list[Any]:
    return [("terminate", id_, "Boom: boom")]


def test_SG_01_one_for_one_replaces_the_crashed_child_alone(system: System) -> None:
    log = Log(system)
    supervise(system, four(log))
    log.clear()

    end(named(system, "b"), ValueError())
    drain(system)

    assert log.entries == crash_of("b") + starts("b")


def test_SG_02_one_for_all_stops_the_others_in_reverse_and_starts_all_in_order(system: System) -> None:
    log = Log(system)
    supervise(system, four(log), strategy=Strategy.ONE_FOR_ALL)
    log.clear()

    end(named(system, "b"), ValueError())
    drain(system)

    assert log.entries == crash_of("b") + stops("dca") + starts("abcd")


def test_SG_02_every_one_of_them_is_down_before_the_first_is_started_again(system: System) -> None:
    gate = Gate()
    holds = {"a": {"kwargs": {"on_init": Turns(Answer(), gate)}}}
    supervise(system, four(**holds), strategy=Strategy.ONE_FOR_ALL)
    old = [named(system, id_) for id_ in "abcd"]

    end(old[1], ValueError())
    gate.await_somebody()
    reasons = [str(ref.exit_reason) for ref in old]
    gate.open()
    drain(system)

    assert reasons == ["shutdown", "Boom: boom", "shutdown", "shutdown"]
    assert not set(old) & {named(system, id_) for id_ in "abcd"}


def test_SG_03_rest_for_one_replaces_the_crashed_child_and_those_after_it(system: System) -> None:
    log = Log(system)
    supervise(system, four(log), strategy=Strategy.REST_FOR_ONE)
    first = named(system, "a")
    third = named(system, "c")
    log.clear()

    end(named(system, "b"), ValueError())
    drain(system)
    replaced = named(system, "c")
    end(named(system, "d"), ValueError())
    drain(system)

    assert log.entries == crash_of("b") + stops("dc") + starts("bcd") + crash_of("d") + starts("d")
    assert named(system, "a") is first
    assert named(system, "c") is replaced
    assert replaced is not third


def test_SG_04_a_temporary_sibling_is_stopped_with_its_group_and_gone(system: System) -> None:
    log = Log(system)
    specs = four(log, c={"restart": Restart.TEMPORARY})
    supervisor = supervise(system, specs, strategy=Strategy.ONE_FOR_ALL)
    log.clear()

    end(named(system, "a"), ValueError())
    drain(system)

    assert log.entries == crash_of("a") + stops("dcb") + starts("abd")
    assert list(statuses(supervisor)) == ["a", "b", "d"]


def test_SG_05_a_running_transient_sibling_is_started_again_with_its_group(system: System) -> None:
    supervisor = supervise(system, four(None, c={"restart": Restart.TRANSIENT}), strategy=Strategy.ONE_FOR_ALL)
    old = named(system, "c")

    end(named(system, "a"), ValueError())
    drain(system)

    assert old.exit_reason == SHUTDOWN
    assert named(system, "c") is not old
    assert set(statuses(supervisor).values()) == {"running"}


@pytest.mark.parametrize("strategy", [Strategy.ONE_FOR_ALL, Strategy.REST_FOR_ONE], ids=lambda one: one.value)
def test_SG_07_a_child_stopped_on_purpose_comes_back_with_its_group(system: System, strategy: Strategy) -> None:
    supervisor = supervise(system, four(), strategy=strategy)
    Supervisor.stop_child(supervisor, "c")

    end(named(system, "a"), ValueError())
    drain(system)

    assert statuses(supervisor)["c"] == "running"


@pytest.mark.parametrize(
    ("restart", "reason", "is_whole_group"),
    [
        (Restart.PERMANENT, "normal", True),
        (Restart.TRANSIENT, "normal", False),
        (Restart.TRANSIENT, SHUTDOWN, False),
        (Restart.TRANSIENT, "odd", True),
        *((Restart.TEMPORARY, reason, False) for reason in REASONS),
    ],
    ids=lambda one: getattr(one, "value", str(one)),
)
def test_SG_08_the_restart_type_decides_whether_an_exit_concerns_the_group(
    system: System, restart: Restart, reason: Any, is_whole_group: bool
) -> None:
    supervise(system, four(None, b={"restart": restart}), strategy=Strategy.ONE_FOR_ALL)
    siblings = [named(system, id_) for id_ in "acd"]

    end(named(system, "b"), reason)
    drain(system)

    assert [ref.is_alive for ref in siblings] == [not is_whole_group] * 3
    assert all(named(system, id_).is_alive for id_ in "acd")


def test_SG_13_a_child_added_later_is_the_last_and_a_restart_changes_nobodys_place(system: System) -> None:
    log = Log(system)
    supervisor = supervise(system, [child("a", log), child("b", log)], strategy=Strategy.REST_FOR_ONE)
    Supervisor.start_child(supervisor, child("c", log))
    end(named(system, "c"), ValueError())
    drain(system)
    log.clear()

    end(named(system, "b"), ValueError())
    drain(system)
    supervisor.stop()

    assert log.entries == crash_of("b") + stops("c") + starts("bc") + stops("cba")


def test_a_group_restart_that_fails_half_way_is_tried_again_as_a_whole(system: System) -> None:
    log = Log(system)
    fragile = child("b", log, kwargs={"on_init": Turns(Answer(), crash, Answer())})
    supervise(system, [child("a", log), fragile, child("c", log)], strategy=Strategy.ONE_FOR_ALL)
    log.clear()

    end(named(system, "c"), ValueError())
    drain(system)

    assert log.entries == crash_of("c") + stops("ba") + starts("ab") + stops("a") + starts("abc")


# ---------------------------------------------------------------------------- restart intensity


@pytest.mark.parametrize("limit", [0, 1, 3])
def test_RI_01_the_limit_itself_is_still_carried_out_and_one_more_is_too_many(system: System, limit: int) -> None:
    supervisor = supervise(system, [child("a")], max_restarts=limit)
    for _ in range(limit):
        end(named(system, "a"), ValueError())
        drain(system)
    was_alive = supervisor.is_alive

    end(named(system, "a"), ValueError())

    assert was_alive
    assert supervisor.join(PATIENCE) == SHUTDOWN


def test_RI_02_a_supervisor_that_gives_up_stops_the_others_in_reverse_and_exits_with_shutdown(
    system: System,
) -> None:
    log = Log(system)
    supervisor = supervise(system, four(log), max_restarts=0)
    others = [named(system, id_) for id_ in "acd"]
    log.clear()

    end(named(system, "b"), ValueError())

    assert supervisor.join(PATIENCE) == SHUTDOWN
    assert log.entries == crash_of("b") + stops("dca")
    assert [ref.exit_reason for ref in others] == [SHUTDOWN] * 3


def test_RI_03_children_share_one_budget_and_one_incident_costs_one_unit(
    system: System, clock: ManualClock
) -> None:
    supervisor = supervise(system, four(), strategy=Strategy.ONE_FOR_ALL)

    for id_ in "abc":
        end(named(system, id_), ValueError())
        drain(system)

    assert supervisor.published.window.used(clock.monotonic()) == 3
    end(named(system, "d"), ValueError())
    assert supervisor.join(PATIENCE) == SHUTDOWN


def test_RI_04_what_is_no_restart_costs_nothing(system: System) -> None:
    transient, temporary = child("a", restart=Restart.TRANSIENT), child("b", restart=Restart.TEMPORARY)
    supervisor = supervise(system, [transient, temporary, child("c")], max_restarts=0)

    end(named(system, "a"), "normal")
    end(named(system, "b"), ValueError())
    for reason in REASONS:
        Supervisor.start_child(supervisor, child("temporary", restart=Restart.TEMPORARY))
        end(named(system, "temporary"), reason)
        drain(system)
    for _ in range(5):
        Supervisor.stop_child(supervisor, "c")
        Supervisor.restart_child(supervisor, "c")
    drain(system)

    assert supervisor.is_alive
    end(named(system, "c"), "normal")
    assert supervisor.join(PATIENCE) == SHUTDOWN


def test_RI_05_failed_restarts_are_tried_again_each_for_one_unit(system: System) -> None:
    log = Log(system)
    fails_from_now_on = Turns(Answer(), crash)
    supervisor = supervise(system, [child("a", log, kwargs={"on_init": fails_from_now_on})], max_restarts=3)

    end(named(system, "a"), ValueError())

    assert supervisor.join(PATIENCE) == SHUTDOWN
    assert log.entries == [*starts("a"), *crash_of("a"), *starts("aaa")]


def test_RI_06_there_is_no_pause_between_tries_and_one_that_succeeds_saves_the_supervisor(
    system: System, clock: ManualClock
) -> None:
    tries = Turns(Answer(), crash, crash, Answer())
    supervisor = supervise(system, [child("a", kwargs={"on_init": tries})])

    end(named(system, "a"), ValueError())
    drain(system)  # the clock stands still: no pause could ever end

    assert supervisor.is_alive
    assert tries.taken == 4
    assert named(system, "a").incarnation == 2  # a failed try is no life


def test_RI_06_a_request_to_stop_gets_in_between_the_tries(system: System) -> None:
    children = [child("a", kwargs={"on_init": Turns(Answer(), crash)}), child("b")]
    supervisor = supervise(system, children, max_restarts=10**9, max_seconds=1)

    end(named(system, "a"), ValueError())
    supervisor.stop(SHUTDOWN, None)

    assert supervisor.exit_reason == SHUTDOWN


def test_RI_08_a_slow_crash_loop_never_trips_the_limit(system: System, clock: ManualClock) -> None:
    supervisor = supervise(system, [child("a")], max_restarts=3, max_seconds=1.0)

    for _ in range(20):
        clock.advance(0.7)
        end(named(system, "a"), ValueError())
        drain(system)

    assert supervisor.is_alive


@pytest.mark.parametrize(
    ("restart", "status"),
    [(Restart.PERMANENT, "running"), (Restart.TRANSIENT, "stopped"), (Restart.TEMPORARY, None)],
)
def test_RI_09_a_child_supervisor_that_gave_up_exited_cleanly(
    system: System, restart: Restart, status: str | None
) -> None:
    inner = ChildSpec(Supervisor, id="inner", restart=restart, args=([child("leaf")],), kwargs={"max_restarts": 0})
    top = supervise(system, [inner])

    end(named(system, "leaf"), ValueError())
    drain(system)

    assert statuses(top).get("inner") == status


def test_RI_11_a_leaf_below_two_supervisors_of_three_restarts_is_started_sixteen_times(system: System) -> None:
    log = Log(system)

    leaf = child("leaf", log, kwargs={"on_init": tell_itself_to_crash})
    inner = ChildSpec(Supervisor, id="inner", args=([leaf],))
    top = supervise(system, [inner])

    assert top.join(PATIENCE) == SHUTDOWN
    assert log.entries.count(("init", "leaf")) == 16


# --------------------------------------------------------------------------- automatic shutdown


@pytest.mark.parametrize(
    ("auto", "restart", "says"),
    [
        (AutoShutdown.NEVER, Restart.TRANSIENT, "significant means nothing"),
        (AutoShutdown.ANY_SIGNIFICANT, Restart.PERMANENT, "cannot be significant"),
    ],
)
def test_AS_01_a_significant_child_needs_automatic_shutdown_and_must_not_be_permanent(
    system: System, auto: AutoShutdown, restart: Restart, says: str
) -> None:
    with pytest.raises(StartFailed, match=says):
        supervise(system, [child("a", restart=restart, significant=True)], auto_shutdown=auto)


def significant(id_: str, log: Log | None = None) -> ChildSpec:
    return child(id_, log, restart=Restart.TRANSIENT, significant=True)


def test_AS_02_the_clean_end_of_a_significant_child_stops_the_others_in_reverse(system: System) -> None:
    log = Log(system)
    children = [child("a", log), significant("b", log), child("c", log)]
    supervisor = supervise(system, children, auto_shutdown=AutoShutdown.ANY_SIGNIFICANT)
    log.clear()

    end(named(system, "b"), "normal")

    assert supervisor.join(PATIENCE) == SHUTDOWN
    assert log.entries == [("terminate", "b", "normal"), *stops("ca")]


def test_AS_02_its_crash_is_a_restart_and_nothing_else(system: System) -> None:
    children = [significant("a"), child("b")]
    supervisor = supervise(system, children, auto_shutdown=AutoShutdown.ANY_SIGNIFICANT)
    old, sibling = named(system, "a"), named(system, "b")

    end(old, ValueError())
    drain(system)

    assert statuses(supervisor) == {"a": "running", "b": "running"}
    assert named(system, "a") is not old
    assert named(system, "b") is sibling


def test_AS_03_all_significant_waits_for_the_last_of_them(system: System) -> None:
    children = [significant("a"), significant("b"), child("c")]
    supervisor = supervise(system, children, auto_shutdown=AutoShutdown.ALL_SIGNIFICANT)

    end(named(system, "a"), "normal")
    drain(system)
    was_alive = supervisor.is_alive
    end(named(system, "b"), "normal")

    assert was_alive
    assert supervisor.join(PATIENCE) == SHUTDOWN


@pytest.mark.parametrize("auto", [AutoShutdown.ANY_SIGNIFICANT, AutoShutdown.ALL_SIGNIFICANT])
def test_AS_05_a_significant_child_that_is_stopped_or_restarted_with_its_group_does_not_count(
    system: System, auto: AutoShutdown
) -> None:
    children = [significant("a"), child("b")]
    supervisor = supervise(system, children, auto_shutdown=auto, strategy=Strategy.ONE_FOR_ALL)

    end(named(system, "b"), ValueError())
    drain(system)
    Supervisor.stop_child(supervisor, "a")
    drain(system)

    assert statuses(supervisor) == {"a": "stopped", "b": "running"}


@pytest.mark.parametrize(
    ("restart", "is_significant", "status"),
    [
        (Restart.PERMANENT, False, "running"),
        (Restart.TRANSIENT, False, "stopped"),
        (Restart.TRANSIENT, True, None),
    ],
)
def test_AS_06_to_its_parent_an_automatic_shutdown_is_an_exit_with_shutdown(
    system: System, restart: Restart, is_significant: bool, status: str | None
) -> None:
    inner = ChildSpec(
        Supervisor,
        id="inner",
        restart=restart,
        significant=is_significant,
        args=([significant("leaf")],),
        kwargs={"auto_shutdown": AutoShutdown.ANY_SIGNIFICANT},
    )
    top = supervise(system, [inner], auto_shutdown=AutoShutdown.ANY_SIGNIFICANT)

    end(named(system, "leaf"), "normal")
    drain(system)

    assert (statuses(top).get("inner") if top.is_alive else None) == status
