"""Where Pykka contradicts OTP, and is made good: PK-01 to PK-08 of otp.md."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, Any

import pykka
import pytest

from eye.errors import CallFailed, CallTimeout, NoProcess, ServerExited, StartFailed
from eye.supervision import KILL, Down, Supervisor
from eye.testing import ManualClock, drain
from tests.supervision.servers import PATIENCE, Gate, Obedient, child, crash, in_thread, named, seen, start

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eye.supervision import System


@pytest.fixture
def plain_actor() -> Iterator[Any]:
    class Plain(pykka.ThreadingActor):
        def on_receive(self, message: Any) -> Any:
            return message

    ref = Plain.start()
    yield ref
    if ref.is_alive():
        ref.stop()


def test_PK_01_an_exception_while_answering_a_call_ends_the_process(system: System) -> None:
    ref = start(system)

    with pytest.raises(ServerExited, match="Boom"):
        ref.call(crash)

    assert ref.join(PATIENCE).word == "Boom"


def test_PK_02_a_start_waits_for_init_and_tells_of_its_failure(system: System) -> None:
    gate = Gate()
    starting = in_thread(lambda: start(system, on_init=gate))
    gate.await_somebody()
    was_done = starting.done()
    gate.open()

    assert not was_done
    assert starting.result(PATIENCE).is_alive
    with pytest.raises(StartFailed, match="Boom"):
        start(system, on_init=crash)


@pytest.mark.parametrize("how", ["a failure", "a stop"])
def test_PK_03_one_cleanup_callback_runs_after_a_failure_and_after_a_stop_with_the_reason(
    system: System, how: str
) -> None:
    log: list[Any] = []
    ref = start(system, log, name="it")

    if how == "a failure":
        ref.cast(crash)
        ref.join(PATIENCE)
    else:
        ref.stop("asked")

    assert log[1:] == [("terminate", "it", "Boom: boom" if how == "a failure" else "asked")]


def test_PK_04_a_call_does_not_wait_for_ever(system: System, clock: ManualClock) -> None:
    gate, ref = Gate(), start(system)
    asking = in_thread(lambda: ref.call(gate))
    clock.await_waiter(5.0)
    clock.advance(5.0)

    with pytest.raises(CallTimeout):
        asking.result(PATIENCE)
    gate.open()


@pytest.fixture
def _often_switched() -> Iterator[None]:
    """Let threads take turns every 50 microseconds: what can go wrong between two steps, then does."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(5e-5)
    yield
    sys.setswitchinterval(usual)


@pytest.mark.usefixtures("_often_switched")
@pytest.mark.parametrize("how", [KILL, "crash"], ids=str)
def test_PK_05_no_asker_is_forgotten_while_the_server_ends_again_and_again(system: System, how: Any) -> None:
    supervisor = system.start(Supervisor, [child("it", traps=False)], max_restarts=10**6)
    ended, answered, failed = threading.Event(), [0] * 4, [0] * 4

    def ask(number: int) -> None:
        while not ended.is_set():
            try:
                assert system.call("it", lambda me: "answer", None) == "answer"
                answered[number] += 1
            except CallFailed:
                failed[number] += 1

    asking = [in_thread(lambda number=number: ask(number)) for number in range(4)]
    inbox = system.inbox()
    for _ in range(300):
        ref = system.whereis("it")
        while ref is None:
            ref = system.whereis("it")
        ref.monitor(inbox)
        ref.cast(crash) if how == "crash" else ref.exit(how)
        assert isinstance(inbox.get(PATIENCE), Down)
    ended.set()

    for one in asking:
        one.result(PATIENCE)  # no limit on the calls: whoever is forgotten hangs here
    assert sum(failed) > 0
    assert supervisor.is_alive


@pytest.mark.usefixtures("_often_switched")
def test_PK_05_nor_one_who_asks_by_pykkas_own_ask(system: System) -> None:
    for _ in range(200):
        ref = start(system)
        ready = threading.Barrier(2)

        def ask(ref: Any = ref, ready: Any = ready) -> str:
            ready.wait(PATIENCE)
            try:
                return ref.actor_ref.ask(lambda me: "answer", timeout=PATIENCE)
            except (CallFailed, pykka.ActorDeadError):
                return "failed"

        asking = in_thread(ask)
        ready.wait(PATIENCE)
        ref.exit(KILL)

        assert asking.result(PATIENCE) in ("answer", "failed")


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt])
def test_PK_06_an_exit_of_the_interpreter_in_one_process_leaves_all_others_alive(
    system: System, plain_actor: Any, error: type[BaseException]
) -> None:
    def leave(_me: Obedient) -> None:
        raise error

    one, other = start(system), start(system)

    with pytest.raises(ServerExited, match=error.__name__):
        one.call(leave)

    assert other.call(lambda me: "alive") == "alive"
    assert plain_actor.ask("alive") == "alive"


def test_PK_06_a_host_program_that_stops_all_its_actors_does_not_stop_our_processes(
    system: System, plain_actor: Any
) -> None:
    ref = start(system)

    pykka.ActorRegistry.stop_all()

    assert not plain_actor.is_alive()
    assert ref.call(lambda me: "alive") == "alive"


def test_PK_07_a_message_to_the_dead_vanishes(system: System) -> None:
    ref = start(system)
    ref.stop()

    ref.cast("lost")
    ref.send("lost")

    with pytest.raises(NoProcess):
        ref.call("lost")


def test_PK_08_there_are_links_monitors_reasons_and_parents(system: System) -> None:
    supervisor = system.start(Supervisor, [child("it")], name="top")
    ref, linked, inbox = named(system, "it"), start(system), system.inbox()
    linked.link(ref)
    ref.monitor(inbox)

    ref.cast(crash)

    assert str(inbox.get(PATIENCE).reason) == "Boom: boom"
    assert str(linked.join(PATIENCE)) == "Boom: boom"
    assert ref.ancestors == (supervisor,)


def test_whoever_has_only_the_actors_reference_may_tell_ask_and_stop_as_usual(system: System) -> None:
    ref = start(system)
    actor = ref.actor_ref

    actor.tell("an info")
    answer = actor.ask(lambda me: "an answer", timeout=PATIENCE)
    drain(system)
    heard = seen(ref)
    stopped = actor.stop(timeout=PATIENCE)

    assert heard == ["an info"]
    assert answer == "an answer"
    assert stopped is True
    assert str(ref.join(PATIENCE)) == "shutdown"
    assert not actor.is_alive()


def test_a_crash_reaches_pykkas_asker_too(system: System) -> None:
    ref = start(system)

    with pytest.raises(ServerExited, match="Boom"):
        ref.actor_ref.ask(crash, timeout=PATIENCE)
