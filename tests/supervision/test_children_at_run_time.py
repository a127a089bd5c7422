"""Section 5 of otp.md: adding, stopping, restarting, deleting, listing and counting children.

Every test runs twice: with children in threads, and with children in OS processes of their own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from eye.errors import (
    AlreadyPresent,
    AlreadyStarted,
    BadChildSpec,
    ChildNotFound,
    ChildRestarting,
    ChildRunning,
    NoProcess,
    StartFailed,
)
from eye.supervision import SHUTDOWN, Ref, Restart, Supervisor
from eye.testing import drain
from tests.supervision.kinds import both_kinds
from tests.supervision.servers import (
    PATIENCE,
    Answer,
    Begin,
    Do,
    ExitWith,
    Gate,
    Obedient,
    Turns,
    child,
    crash,
    in_thread,
    named,
    until,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from eye.supervision import System


pytestmark = both_kinds


@pytest.fixture
def supervisor(system: System, isolation: str) -> Ref:
    ref = system.start(Supervisor, [child("a"), child("b", restart=Restart.TEMPORARY)], name="top")
    assert ref is not None
    return ref


class _Trapped:
    """A child that is held between a failed restart and the next try, by a supervisor held in an init."""

    def __init__(self, system: System) -> None:
        self.gate = Gate()
        # While the second try is held, the test puts its request into the mailbox, before the next try.
        self.tries = Turns(Answer(), Do(self.gate, crash), crash)
        ref = system.start(Supervisor, [child("bad", kwargs={"on_init": self.tries})], max_restarts=10**6)
        assert ref is not None
        self.supervisor = ref

    def ask(self, system: System, request: Callable[[], Any]) -> Any:
        named(system, "bad").cast(crash)
        self.gate.await_somebody()
        before = self.supervisor.mailbox_length
        answer = in_thread(request)
        until(lambda: self.supervisor.mailbox_length > before or answer.done())
        self.gate.open()
        try:
            return answer.result(PATIENCE)
        finally:
            self.supervisor.exit(SHUTDOWN)
            self.supervisor.stop(SHUTDOWN) if self.supervisor.is_alive else None


def test_API_01_the_listing_gives_id_process_status_and_spec_of_each_child(
    system: System, supervisor: Ref
) -> None:
    Supervisor.start_child(supervisor, child("c"))
    Supervisor.stop_child(supervisor, "a")

    listed = Supervisor.which_children(supervisor)

    # In the order they were added: a choice, OTP lists the last one first.
    assert [(one.id, one.ref, one.status) for one in listed] == [
        ("a", None, "stopped"),
        ("b", named(system, "b"), "running"),
        ("c", named(system, "c"), "running"),
    ]
    assert listed[0].spec.start is Obedient
    assert [one.spec.is_supervisor for one in listed] == [False, False, False]


def test_API_01_a_child_between_two_tries_is_listed_as_restarting(system: System) -> None:
    trapped = _Trapped(system)

    [listed] = trapped.ask(system, lambda: Supervisor.which_children(trapped.supervisor))

    assert (listed.id, listed.ref, listed.status) == ("bad", None, "restarting")


def test_API_02_children_are_counted_by_spec_life_and_kind(supervisor: Ref) -> None:
    Supervisor.start_child(supervisor, Supervisor)
    Supervisor.stop_child(supervisor, "a")

    assert Supervisor.count_children(supervisor) == (3, 2, 1, 2)


def test_API_03_an_id_that_runs_is_already_started_and_not_touched(system: System, supervisor: Ref) -> None:
    running = named(system, "a")

    with pytest.raises(AlreadyStarted) as refusal:
        Supervisor.start_child(supervisor, child("a"))

    assert refusal.value.ref is running
    assert running.is_alive
    assert named(system, "a") is running
    assert running.handled == 0


def test_API_03_an_id_that_is_stopped_is_already_present(supervisor: Ref) -> None:
    Supervisor.stop_child(supervisor, "a")

    with pytest.raises(AlreadyPresent):
        Supervisor.start_child(supervisor, child("a"))


def test_API_03_an_id_that_is_restarting_is_already_present(system: System) -> None:
    trapped = _Trapped(system)

    with pytest.raises(AlreadyPresent):
        trapped.ask(system, lambda: Supervisor.start_child(trapped.supervisor, child("bad")))


def test_API_04_an_added_child_whose_init_fails_leaves_no_trace(system: System, supervisor: Ref) -> None:
    with pytest.raises(StartFailed, match="Boom: boom"):
        Supervisor.start_child(supervisor, child("c", kwargs={"on_init": crash}))

    assert supervisor.is_alive
    assert [one.id for one in Supervisor.which_children(supervisor)] == ["a", "b"]
    assert supervisor.published.window.times == ()
    assert Supervisor.start_child(supervisor, child("c")) is named(system, "c")


def test_API_04_an_added_child_whose_name_is_taken_is_answered_with_the_holder(
    system: System, supervisor: Ref
) -> None:
    # As in OTP: {error, {already_started, Pid}}, though no child has that id.
    with pytest.raises(AlreadyStarted) as refusal:
        Supervisor.start_child(supervisor, child("c", name="a"))

    assert refusal.value.ref is named(system, "a")
    assert [one.id for one in Supervisor.which_children(supervisor)] == ["a", "b"]


def test_API_04_a_name_that_is_taken_for_the_childs_own_child_is_a_start_that_failed(supervisor: Ref) -> None:
    spec = child("c", kwargs={"on_init": Begin(name="a")})

    with pytest.raises(StartFailed, match="'a' is already started"):
        Supervisor.start_child(supervisor, spec)


def test_one_child_can_be_asked_for(system: System, supervisor: Ref) -> None:
    info = Supervisor.which_child(supervisor, "a")

    assert (info.id, info.ref, info.status, info.restarts, info.cause) == (
        "a",
        named(system, "a"),
        "running",
        0,
        None,
    )
    assert info == Supervisor.which_children(supervisor)[0]
    with pytest.raises(ChildNotFound):
        Supervisor.which_child(supervisor, "unknown")


def test_API_05_a_spec_that_makes_no_sense_is_the_callers_error(supervisor: Ref) -> None:
    with pytest.raises(BadChildSpec, match="id must be hashable"):
        Supervisor.start_child(supervisor, child([], name="x"))  # type: ignore[arg-type]

    assert supervisor.is_alive


def test_API_06_a_stopped_child_can_be_stopped_again(supervisor: Ref) -> None:
    Supervisor.stop_child(supervisor, "a")
    Supervisor.stop_child(supervisor, "a")


_BY_ID = [Supervisor.stop_child, Supervisor.restart_child, Supervisor.delete_child]


@pytest.mark.parametrize("id_", ["unknown", [], "b"])
@pytest.mark.parametrize("how", ["stopped", "finished", "crashed"])
@pytest.mark.parametrize("request_", _BY_ID)
def test_API_06_an_unknown_id_or_a_temporary_child_that_is_no_more_is_not_found(
    system: System, supervisor: Ref, id_: Any, how: str, request_: Callable[[Ref, Any], Any]
) -> None:
    if how == "stopped":
        Supervisor.stop_child(supervisor, "b")
    else:
        named(system, "b").cast(crash if how == "crashed" else ExitWith("normal"))
        drain(system)

    with pytest.raises(ChildNotFound):
        request_(supervisor, id_)

    assert Supervisor.start_child(supervisor, child("b")) is not None


def test_API_07_a_stopped_child_is_started_again_by_id(system: System, supervisor: Ref) -> None:
    old = named(system, "a")
    Supervisor.stop_child(supervisor, "a")

    new = Supervisor.restart_child(supervisor, "a")

    assert new is named(system, "a")
    assert new is not old
    with pytest.raises(ChildRunning):
        Supervisor.restart_child(supervisor, "a")
    with pytest.raises(ChildNotFound):
        Supervisor.restart_child(supervisor, "unknown")


@pytest.mark.parametrize("request_", [Supervisor.restart_child, Supervisor.delete_child])
def test_API_07_API_09_a_child_between_two_tries_is_restarting(
    system: System, request_: Callable[[Ref, Any], Any]
) -> None:
    trapped = _Trapped(system)

    with pytest.raises(ChildRestarting):
        trapped.ask(system, lambda: request_(trapped.supervisor, "bad"))


def test_API_08_stopping_a_child_between_two_tries_ends_the_tries(system: System) -> None:
    trapped = _Trapped(system)

    trapped.ask(system, lambda: Supervisor.stop_child(trapped.supervisor, "bad"))

    assert trapped.tries.taken == 2


@pytest.mark.parametrize("how", ["stopped", "finished"])
def test_API_09_only_the_spec_of_a_child_that_is_down_can_be_deleted(
    system: System, supervisor: Ref, how: str
) -> None:
    Supervisor.start_child(supervisor, child("c", restart=Restart.TRANSIENT))
    running = named(system, "c")
    with pytest.raises(ChildRunning):
        Supervisor.delete_child(supervisor, "c")
    was_untouched = named(system, "c") is running
    if how == "stopped":
        Supervisor.stop_child(supervisor, "c")
    else:
        running.cast(ExitWith("normal"))
        drain(system)

    Supervisor.delete_child(supervisor, "c")

    assert was_untouched
    assert [one.id for one in Supervisor.which_children(supervisor)] == ["a", "b"]


def test_API_10_a_supervisor_that_starts_a_slow_child_does_nothing_else(system: System, supervisor: Ref) -> None:
    gate = Gate()
    starting = in_thread(lambda: Supervisor.start_child(supervisor, child("slow", kwargs={"on_init": gate})))
    gate.await_somebody()
    asking = in_thread(lambda: Supervisor.count_children(supervisor))
    until(lambda: supervisor.mailbox_length == 1)
    old = named(system, "a")
    old.cast(crash)
    old.join(PATIENCE)
    until(lambda: supervisor.mailbox_length == 2)

    was_waiting = not asking.done() and system.whereis("a") is None
    gate.open()
    drain(system)

    assert was_waiting
    assert starting.result(PATIENCE).is_alive
    assert asking.result(PATIENCE).active == 2  # it was asked before it could replace the crashed one
    assert named(system, "a").is_alive


def test_API_12_a_stray_message_is_logged_and_lived_with(
    system: System, supervisor: Ref, caplog: pytest.LogCaptureFixture
) -> None:
    supervisor.send("stray")
    supervisor.cast("stray too")
    drain(system)

    assert supervisor.is_alive
    assert "unexpected message: 'stray'" in caplog.text
    assert "unexpected cast: 'stray too'" in caplog.text


@pytest.mark.parametrize("request_", [Supervisor.which_children, Supervisor.count_children])
def test_API_12_a_dead_supervisor_is_nobody_to_ask(supervisor: Ref, request_: Callable[[Ref], Any]) -> None:
    supervisor.stop()

    with pytest.raises(NoProcess):
        request_(supervisor)
    with pytest.raises(NoProcess):
        Supervisor.start_child(supervisor, child("c"))
    for by_id in _BY_ID:
        with pytest.raises(NoProcess):
            by_id(supervisor, "a")
