"""Section 1 of otp.md: starting a supervisor; and what a start comes to when `init` does not go well.

Every test runs twice: with servers in threads, and with servers in OS processes of their own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from eye.errors import AlreadyStarted, BadChildSpec, StartFailed
from eye.supervision import (
    NORMAL,
    ChildSpec,
    Exit,
    Ignore,
    Restart,
    Shutdown,
    Stop,
    Supervisor,
)
from eye.supervision.child_spec import as_child_spec
from eye.testing import drain
from tests.supervision.kinds import both_kinds, threads_only
from tests.supervision.servers import (
    PATIENCE,
    Answer,
    Attempt,
    Awkward,
    Begin,
    Boom,
    Do,
    ExitWith,
    Gate,
    Here,
    Log,
    Note,
    Obedient,
    Turns,
    child,
    crash,
    exit_the_interpreter,
    in_thread,
    named,
    seen,
    start,
)

if TYPE_CHECKING:
    from eye.supervision import System


pytestmark = both_kinds
refuse = Answer(Ignore())


def test_ST_01_children_are_initialised_in_list_order_one_after_the_other(system: System) -> None:
    gate, log = Gate(), Log(system)
    slow = {id_: child(id_, log, kwargs={"on_init": Do(gate, Note(f"{id_} returns"))}) for id_ in "abc"}
    started = in_thread(lambda: system.start(Supervisor, list(slow.values())))

    gate.await_somebody()
    log.await_entry(("init", "a"))
    began_meanwhile = log.entries
    gate.open()
    started.result(PATIENCE)

    assert began_meanwhile == [("init", "a")]
    assert log.entries == [
        ("init", "a"), "a returns", ("init", "b"), "b returns", ("init", "c"), "c returns",
    ]  # fmt: skip


def test_ST_02_there_is_no_hidden_limit_on_starting(system: System, clock: Any) -> None:
    gate = Gate()
    started = in_thread(lambda: system.start(Supervisor, [child("slow", kwargs={"on_init": gate})]))
    gate.await_somebody()

    clock.advance(3600)  # six seconds and more, if anybody counts them
    waits = not started.done()
    gate.open()

    assert waits
    assert started.result(PATIENCE).is_alive


def test_ST_03_when_the_third_of_four_fails_the_first_two_are_stopped_in_reverse(system: System) -> None:
    log = Log(system)
    children = [child("a", log), child("b", log), child("c", log, kwargs={"on_init": crash}), child("d", log)]

    with pytest.raises(StartFailed, match=r"child 'c'.*Boom: boom"):
        system.start(Supervisor, children)

    assert log.entries == [
        ("init", "a"), ("init", "b"), ("init", "c"),
        ("terminate", "b", "shutdown"), ("terminate", "a", "shutdown"),
    ]  # fmt: skip
    assert system.processes() == ()


def test_ST_04_a_first_start_is_never_retried(system: System) -> None:
    log = Log(system)

    with pytest.raises(StartFailed):
        system.start(Supervisor, [child("a", log, kwargs={"on_init": crash})], max_restarts=10)

    assert log.entries == [("init", "a")]


def test_ST_05_plain_code_gets_an_exception_when_a_start_fails(system: System, isolation: str) -> None:
    with pytest.raises(StartFailed) as failure:
        start(system, on_init=crash)

    assert failure.value.reason.word == "Boom"
    assert "in crash" in failure.value.reason.traceback
    if isolation == "thread":  # from an OS process the text comes, not the exception itself
        assert isinstance(failure.value.__cause__, Boom)


def test_ST_05_a_linked_starter_that_does_not_trap_goes_down_with_the_same_reason(system: System) -> None:
    starter = start(system)
    starter.cast(Begin(on_init=crash, linked=True))

    reason = starter.join(PATIENCE)

    assert reason is not None
    assert reason.word == "Boom"


def test_ST_05_a_linked_starter_that_traps_gets_the_error_and_one_exit_notice(system: System) -> None:
    starter = start(system, traps=True)

    said = starter.call(Attempt(Begin(on_init=crash, linked=True)))
    drain(system)

    assert str(said) == "Boom: boom"
    assert [(type(one), str(one.reason)) for one in seen(starter)] == [(Exit, "Boom: boom")]


@threads_only  # a function starts whatever process it likes
@pytest.mark.parametrize(
    ("function", "says"),
    [
        (lambda: 1 / 0, "ZeroDivisionError"),
        (lambda: "nonsense", "must return a Ref or None, not 'nonsense'"),
        (lambda missing: None, "TypeError"),
        ("no function at all", "start must be a class or a function"),
    ],
)
def test_ST_06_a_start_function_that_raises_or_answers_nonsense_fails_the_start(
    system: System, function: Any, says: str
) -> None:
    with pytest.raises(StartFailed, match=rf"child 'odd'.*{says}"):
        system.start(Supervisor, [child("a"), ChildSpec(function, id="odd")])

    assert system.processes() == ()


@pytest.mark.parametrize(
    ("behaviour", "on_init", "says"),
    [
        (Obedient, crash, "Boom: boom"),
        (Obedient, exit_the_interpreter, "SystemExit: 3"),
        (Obedient, Answer("nonsense"), "init may return .*, not 'nonsense'"),
        (Obedient, None, "unexpected keyword argument 'missing'"),
        (Awkward, crash, "TypeError"),
    ],
)
def test_ST_06_a_server_that_cannot_be_started_fails_the_start_with_its_reason(
    system: System, behaviour: Any, on_init: Any, says: str
) -> None:
    kwargs = {"on_init": on_init} if on_init else {"missing": 1}
    odd = ChildSpec(behaviour, id="odd", kwargs=kwargs, isolation=Here.isolation)

    with pytest.raises(StartFailed, match=rf"child 'odd'.*{says}"):
        system.start(Supervisor, [child("a"), odd])

    assert system.processes() == ()


def test_ST_07_two_children_of_one_id_are_refused_before_any_init_runs(system: System) -> None:
    log = Log(system)

    with pytest.raises(StartFailed, match=r"two children have the id 'a'") as failure:
        system.start(Supervisor, [child("a", log), child("a", log)])

    assert isinstance(failure.value.__cause__, BadChildSpec)
    assert log.entries == []


def test_ST_07_the_default_id_is_the_class_and_so_twice_the_class_is_refused(system: System) -> None:
    with pytest.raises(StartFailed, match="two children have the id 'Obedient'"):
        system.start(Supervisor, [Obedient, Obedient])


def test_ST_09_a_spec_with_nothing_but_a_start_has_otps_defaults(system: System) -> None:
    worker, supervisor = as_child_spec(Obedient), as_child_spec(Supervisor)
    ref = system.start(Supervisor, [ChildSpec(Obedient, isolation=Here.isolation)])
    assert ref is not None
    [(old, spec)] = [(one.ref, one.spec) for one in Supervisor.which_children(ref)]
    assert old is not None

    old.stop()
    drain(system)

    assert (worker.restart, worker.shutdown_limit, worker.is_supervisor) == (Restart.PERMANENT, 5.0, False)
    assert (supervisor.restart, supervisor.shutdown_limit) == (Restart.PERMANENT, Shutdown.INFINITY)
    assert (ref.published.window.max_restarts, ref.published.window.max_seconds) == (3, 5.0)
    assert (spec.id, spec.shutdown_limit) == ("Obedient", 5.0)
    [new] = [one.ref for one in Supervisor.which_children(ref)]
    assert new not in (None, old)  # permanent: it is back after a clean exit


@pytest.mark.parametrize(
    ("restart", "is_listed"), [("permanent", True), ("transient", True), ("temporary", False)]
)
def test_ST_10_a_child_that_ignores_its_start_is_listed_without_a_process_unless_temporary(
    system: System, restart: str, is_listed: bool
) -> None:
    spec = child("a", restart=Restart(restart), kwargs={"on_init": refuse})
    at_start = system.start(Supervisor, [spec])
    later = system.start(Supervisor)
    assert at_start is not None
    assert later is not None

    answer = Supervisor.start_child(later, spec)

    assert answer is None
    for supervisor in (at_start, later):
        counts = Supervisor.count_children(supervisor)
        assert (counts.specs, counts.active) == (int(is_listed), 0)
        listed = [(one.id, one.ref) for one in Supervisor.which_children(supervisor)]
        assert listed == [("a", None)] * is_listed


def test_ST_10_an_ignored_child_can_be_started_later_by_id(system: System) -> None:
    supervisor = system.start(Supervisor, [child("a", kwargs={"on_init": Turns(refuse, Answer())})])
    assert supervisor is not None

    ref = Supervisor.restart_child(supervisor, "a")

    assert ref is not None
    assert ref is named(system, "a")


def test_ST_11_a_second_supervisor_of_one_name_is_refused_with_the_holder(system: System) -> None:
    first = system.start(Supervisor, [child("a")], name="top")
    held = named(system, "a")

    with pytest.raises(AlreadyStarted) as refusal:
        system.start(Supervisor, name="top")

    assert refusal.value.ref is first
    assert system.whereis("top") is first
    assert held.is_alive
    assert named(system, "a") is held


def test_ST_11_a_child_whose_name_is_taken_fails_the_whole_start(system: System) -> None:
    holder = start(system, name="b")

    with pytest.raises(StartFailed, match="'b' is already started"):
        system.start(Supervisor, [child("a"), child("b")])

    assert system.processes() == (holder,)


@pytest.mark.parametrize(
    ("on_init", "says"),
    [
        (crash, "Boom: boom"),
        (Answer(Stop("no luck")), "no luck"),
        (ExitWith("gone"), "gone"),
        (Answer(42), r"BadReturn.*init may return .*, not 42"),
    ],
    ids=["raises", "stops", "exits", "answers nonsense"],
)
def test_GS_02_an_init_that_fails_tells_the_starter_why_and_leaves_nothing(
    system: System, on_init: Any, says: str
) -> None:
    log = Log(system)

    with pytest.raises(StartFailed, match=says) as failure:
        start(system, log, on_init=on_init, name="it")

    assert log.entries == [("init", "it")]  # and no cleanup
    if on_init is crash:
        assert "in crash" in failure.value.reason.traceback
    assert system.whereis("it") is None
    assert system.processes() == ()


def test_GS_02_an_init_that_ignores_ends_with_normal(system: System) -> None:
    starter = start(system, traps=True)

    answer = starter.call(Begin(on_init=refuse, linked=True))
    drain(system)

    assert answer is None
    assert [one.reason for one in seen(starter)] == [NORMAL]


def test_GS_02_a_class_that_cannot_even_be_made_fails_its_start(system: System) -> None:
    with pytest.raises(StartFailed, match="TypeError"):
        system.start(Awkward, isolation=Here.isolation)


def test_nothing_starts_on_a_system_that_has_been_stopped(system: System) -> None:
    system.stop()

    with pytest.raises(StartFailed, match="its system has been stopped"):
        start(system)
