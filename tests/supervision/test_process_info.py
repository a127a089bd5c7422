"""Section 17 of otp.md, of a single process: what is known of it, read without asking it.

Every test runs twice: with processes in threads, and with processes in OS processes of their own.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from eye.supervision import KILL, ChildSpec, Mailbox, Supervisor, debugging, process_info
from eye.testing import drain
from tests.supervision.kinds import both_kinds
from tests.supervision.servers import (
    PATIENCE,
    Answer,
    Gate,
    child,
    do,
    in_thread,
    named,
    os_process_of,
    seen,
    start,
    until,
)

if TYPE_CHECKING:
    from eye.supervision import System
    from eye.supervision.process_info import ProcessInfo

pytestmark = both_kinds


def read(ref: Any) -> ProcessInfo:
    info = process_info(ref)
    assert info is not None
    return info


def test_OB_01_what_is_known_of_a_process_is_read_without_disturbing_it(system: System) -> None:
    gate, ref, linked = Gate(), start(system, name="it", traps=True), start(system)
    watched, watcher = start(system), start(system)
    ref.link(linked)
    monitor = ref.call(do("monitor", watched))
    watcher.call(do("monitor", ref))
    ref.cast(gate)
    gate.await_somebody()
    ref.send("waiting")
    ref.cast(["waiting", "too"])
    asking = in_thread(lambda: ref.call(Answer("a question")))
    until(lambda: ref.mailbox_length == 3)

    info, again = read(ref), read(ref)
    gate.open()
    answer = asking.result(PATIENCE)

    assert (info.name, info.path, info.serial, info.status) == ("it", "/it", ref.serial, "running")
    assert info.mailbox_length == 3
    assert info.messages == again.messages
    assert info.messages[:2] == ("waiting", ["waiting", "too"])
    assert info.messages[2].request == Answer("a question")
    assert info.links == {linked}
    assert info.monitors == (monitor,)
    assert info.watchers == (watcher,)
    assert info.handled == 1
    assert info.trap_exit is True
    assert answer == "a question"
    assert seen(ref) == ["waiting", ["waiting", "too"]]  # all of them are still handled, once
    assert read(ref).messages == ()
    assert read(ref).handled == 5


def test_OB_01_the_messages_of_one_that_is_suspended_are_seen_too(system: System) -> None:
    ref = start(system)
    debugging.suspend(ref)
    for number in range(3):
        ref.cast(number)
    until(lambda: ref.mailbox_length == 3)

    info = read(ref)
    debugging.resume(ref)
    drain(system)

    assert (info.status, info.mailbox_length, info.messages) == ("suspended", 3, (0, 1, 2))
    assert seen(ref) == [0, 1, 2]


def test_OB_01_and_those_in_a_mailbox_with_a_limit(system: System) -> None:
    gate, ref = Gate(), start(system, mailbox=Mailbox(10))
    ref.cast(gate)
    gate.await_somebody()
    for number in range(3):
        ref.cast(number)

    messages = read(ref).messages
    gate.open()

    assert messages == (0, 1, 2)


def test_OB_01_of_an_os_process_its_memory_is_known_and_of_a_thread_where_it_is(
    system: System, isolation: str
) -> None:
    gate, ref = Gate(), start(system)
    pid = ref.call(os_process_of)
    until(lambda: "Process._work" in str(read(ref).current_function))
    idle = read(ref)
    ref.cast(gate)
    gate.await_somebody()

    busy = read(ref)
    gate.open()

    if isolation == "thread":
        assert (pid, idle.os_process, idle.memory) == (os.getpid(), None, None)
        assert any("Gate.__call__" in line for line in busy.stack)
    else:
        assert idle.os_process == pid != os.getpid()
        assert idle.memory is not None
        assert 1_000_000 < idle.memory < 200_000_000
    assert busy.current_function != idle.current_function


def test_OB_01_for_a_dead_one_there_is_nothing_and_no_error(system: System) -> None:
    ref = start(system)
    ref.stop()

    assert process_info(ref) is None


def test_OB_02_ancestors_and_initial_call_are_known_of_each(system: System) -> None:
    inner = ChildSpec(Supervisor, id="inner", name="inner", args=([child("leaf")],))
    top = system.start(Supervisor, [inner], name="top")

    info = read(named(system, "leaf"))

    assert info.ancestors == (named(system, "inner"), top)  # the nearest first
    assert info.initial_call == "eye.testing.obedient.Obedient"
    assert read(top).initial_call == "eye.supervision.supervisor.Supervisor"


def test_OB_06_processes_can_be_sorted_by_work_memory_and_queue(system: System, isolation: str) -> None:
    gate = Gate()
    system.start(Supervisor, [child(id_) for id_ in "abc"])
    for id_, messages in (("a", 1), ("b", 3), ("c", 2)):
        for number in range(messages):
            named(system, id_).cast(number)
    drain(system)
    named(system, "c").cast(gate)
    gate.await_somebody()
    named(system, "c").cast("waits")

    infos = [read(ref) for ref in system.processes() if ref.name]
    gate.open()

    assert [one.name for one in sorted(infos, key=lambda one: -one.handled)] == ["b", "c", "a"]
    assert max(infos, key=lambda one: one.mailbox_length).name == "c"
    assert [one.memory is not None for one in infos] == [isolation == "process"] * 3


@pytest.mark.parametrize("traps", [True, False])
def test_OB_06_a_kill_is_a_kill_and_a_supervised_process_is_back_under_a_new_number(
    system: System, traps: bool, isolation: str
) -> None:
    gate = Gate()
    system.start(Supervisor, [child("it", traps=traps)])
    ref = named(system, "it")
    ref.cast(gate)
    gate.await_somebody()

    ref.exit(KILL)
    ref.join(PATIENCE)
    drain(system)

    assert str(ref.exit_reason) == "killed"
    assert process_info(ref) is None
    assert read(named(system, "it")).serial > ref.serial
    assert named(system, "it").call(Answer("well")) == "well"
    if isolation == "thread":
        assert system.abandoned() == (ref,)
    gate.open()


def test_OB_06_its_state_can_be_opened_too(system: System) -> None:
    ref = start(system)
    ref.send("remembered")

    assert seen(ref) == ["remembered"]
