"""Section 10 of otp.md: links, monitors and exit signals.

Every test runs twice: with processes in threads, and with processes in OS processes of their own.
"""

from __future__ import annotations

import itertools
import threading
from typing import TYPE_CHECKING, Any

import pytest

from eye.errors import CallingSelf
from eye.supervision import KILL, KILLED, NOPROC, NORMAL, SHUTDOWN, Crash, Down, Exit, Reason
from eye.testing import drain
from tests.supervision.kinds import both_kinds
from tests.supervision.servers import (
    PATIENCE,
    Answer,
    Ask,
    Do,
    ExitWith,
    Gate,
    Join,
    Log,
    Note,
    Send,
    Signal,
    crash,
    do,
    in_thread,
    join_itself,
    seen,
    send_itself_normal,
    start,
    until,
)

if TYPE_CHECKING:
    from eye.supervision import Ref, System

pytestmark = both_kinds


def exits(ref: Ref) -> list[str]:
    return [str(one.reason) for one in seen(ref) if isinstance(one, Exit)]


def test_LM_01_a_chain_of_links_ends_with_the_reason_of_the_first(system: System) -> None:
    chain = [start(system) for _ in range(4)]
    for one, next_one in itertools.pairwise(chain):
        one.link(next_one)

    chain[0].cast(crash)

    reasons = [ref.join(PATIENCE) for ref in chain]
    assert [str(reason) for reason in reasons] == ["Boom: boom"] * 4
    assert all(isinstance(reason, Crash) for reason in reasons)
    assert all("in crash" in reason.traceback for reason in reasons)


def test_LM_01_a_busy_one_ends_at_its_next_message_or_at_once(system: System, isolation: str) -> None:
    gate, crashing, busy = Gate(), start(system), start(system)
    crashing.link(busy)
    busy.cast(gate)
    gate.await_somebody()

    crashing.cast(crash)
    crashing.join(PATIENCE)
    if isolation == "thread":
        assert (busy.join(0), busy.status) == (None, "running")
        gate.open()

    assert str(busy.join(PATIENCE)) == "Boom: boom"


def test_LM_01_one_that_traps_in_the_middle_gets_a_message_and_protects_the_rest(system: System) -> None:
    a, b, c, d = start(system), start(system), start(system, traps=True), start(system)
    for one, next_one in ((a, b), (b, c), (c, d)):
        one.link(next_one)

    a.cast(crash)
    b.join(PATIENCE)
    drain(system)

    assert exits(c) == ["Boom: boom"]
    assert d.is_alive


def test_LM_02_a_normal_end_harms_no_one_and_trapping_peers_hear_of_it(system: System) -> None:
    ended, plain, trapping = start(system), start(system), start(system, traps=True)
    ended.link(plain)
    ended.link(trapping)

    ended.stop()
    drain(system)

    assert plain.is_alive
    assert exits(trapping) == ["normal"]


def test_LM_03_a_kill_cannot_be_trapped_and_others_see_killed(system: System) -> None:
    target, linked, inbox = start(system, traps=True), start(system, traps=True), system.inbox()
    target.link(linked)
    target.monitor(inbox)

    target.exit(KILL)
    drain(system)

    assert [one.reason for one in inbox.drain()] == [KILLED]
    assert exits(linked) == ["killed"]
    assert target.exit_reason == KILLED


def test_LM_03_even_in_the_middle_of_something(system: System, isolation: str) -> None:
    gate, target, linked, inbox = Gate(), start(system, traps=True), start(system), system.inbox()
    target.link(linked)
    target.monitor(inbox)
    target.cast(gate)
    gate.await_somebody()

    target.exit(KILL)

    assert inbox.get(PATIENCE).reason == KILLED
    assert linked.join(PATIENCE) == KILLED
    if isolation == "thread":
        assert system.abandoned() == (target,)
        gate.open()
    until(lambda: system.abandoned() == ())


def test_LM_03_kill_as_an_exit_reason_of_a_link_is_an_ordinary_reason(system: System) -> None:
    ended, trapping = start(system), start(system, traps=True)
    ended.link(trapping)

    ended.cast(ExitWith(KILL))
    ended.join(PATIENCE)
    drain(system)

    assert exits(trapping) == ["kill"]


def test_LM_04_normal_sent_to_another_does_nothing(system: System) -> None:
    plain, trapping = start(system), start(system, traps=True)

    plain.exit(NORMAL)
    trapping.exit(NORMAL)
    drain(system)

    assert plain.is_alive
    assert plain.call(Answer("unharmed")) == "unharmed"
    assert exits(trapping) == ["normal"]


def test_LM_04_nor_does_it_from_a_process(system: System) -> None:
    plain, trapping, sender = start(system), start(system, traps=True), start(system)

    sender.call(Do(Signal(plain, NORMAL), Signal(trapping, NORMAL)))
    drain(system)

    assert plain.is_alive
    assert seen(trapping) == [Exit(sender, NORMAL)]


@pytest.mark.parametrize("traps", [True, False])
def test_LM_04_normal_sent_to_oneself_ends(system: System, traps: bool) -> None:
    log = Log(system)
    ref = start(system, log, traps=traps)
    ref.cast(Do(send_itself_normal, Note("went on")))

    # One that traps gets it as a message even then, as in OTP, and goes on.
    if traps:
        drain(system)
        assert exits(ref) == ["normal"]
    else:
        assert ref.join(PATIENCE) == NORMAL
        assert "went on" not in log.entries


def test_LM_05_two_links_give_one_exit_in_either_direction(system: System) -> None:
    for turned in (False, True):
        ended, trapping = start(system), start(system, traps=True)
        one, other = (trapping, ended) if turned else (ended, trapping)
        one.link(other)
        one.link(other)

        ended.stop()
        drain(system)

        assert exits(trapping) == ["normal"]


def test_LM_05_after_an_unlink_nothing_comes(system: System) -> None:
    ended, plain = start(system), start(system)
    ended.link(plain)
    plain.unlink(ended)

    ended.cast(crash)
    ended.join(PATIENCE)
    drain(system)

    assert plain.is_alive


def test_LM_05_a_link_that_a_process_made_itself_works_in_both_directions(system: System) -> None:
    for turned in (False, True):
        one, other = start(system), start(system, traps=True)
        if turned:
            other.call(do("link", one))
        else:
            one.call(do("link", other))

        one.cast(crash)
        one.join(PATIENCE)
        drain(system)

        assert exits(other) == ["Boom: boom"]


def test_LM_05_an_unlink_that_races_with_the_end_is_safe_once_it_has_returned(
    system: System, isolation: str
) -> None:
    for _ in range(200 if isolation == "thread" else 20):
        ended, other = start(system), start(system, traps=True)
        ended.link(other)
        ready = threading.Barrier(2)
        ending = in_thread(lambda e=ended, r=ready: (r.wait(PATIENCE), e.exit(KILL)))
        ready.wait(PATIENCE)

        other.unlink(ended)
        there_then = len(exits(other))
        ending.result(PATIENCE)

        assert len(exits(other)) == there_then
        other.stop()


def test_LM_06_a_link_to_the_dead_gives_noproc(system: System) -> None:
    dead, plain, trapping = start(system), start(system), start(system, traps=True)
    dead.stop()

    plain.link(dead)
    dead.link(trapping)
    drain(system)

    assert plain.join(PATIENCE) == NOPROC
    assert exits(trapping) == ["noproc"]


@pytest.mark.parametrize("how", ["normal", "shutdown", "odd", "crash", "kill"])
def test_LM_07_n_monitors_give_n_notices_with_the_reason(system: System, how: str) -> None:
    target, inbox = start(system), system.inbox()
    monitors = {target.monitor(inbox) for _ in range(3)}

    if how == "kill":
        target.exit(KILL)
    else:
        target.cast(crash if how == "crash" else ExitWith(how))
    notices = [inbox.get(PATIENCE) for _ in monitors]
    drain(system)

    assert {one.monitor for one in notices} == monitors
    assert {str(one.reason) for one in notices} == {{"kill": "killed", "crash": "Boom: boom"}.get(how, how)}
    assert inbox.drain() == []
    if how == "crash":
        assert "in crash" in notices[0].reason.traceback


def test_LM_07_a_watcher_that_is_a_process_gets_as_many_notices_as_it_has_monitors(system: System) -> None:
    target, watcher = start(system), start(system)
    monitors = [watcher.call(do("monitor", target)) for _ in range(3)]

    target.cast(crash)
    target.join(PATIENCE)
    drain(system)

    notices = seen(watcher)
    assert {one.monitor for one in notices} == set(monitors)
    assert [(one.ref, str(one.reason)) for one in notices] == [(target, "Boom: boom")] * 3
    assert "in crash" in notices[0].reason.traceback


def test_LM_08_a_watcher_that_is_a_process_is_told_of_nobody_at_once(system: System) -> None:
    dead, watcher = start(system), start(system)
    dead.stop()

    by_ref = watcher.call(do("monitor", dead))
    by_name = watcher.call(do("monitor", "nobody"))
    drain(system)

    assert seen(watcher) == [Down(by_ref, dead, NOPROC), Down(by_name, None, NOPROC)]


def test_LM_08_a_monitor_on_nobody_gives_one_noproc_at_once(system: System) -> None:
    dead, inbox = start(system), system.inbox()
    dead.stop()

    by_ref, by_name = system.monitor(dead, inbox), system.monitor("nobody", inbox)

    assert inbox.drain() == [Down(by_ref, dead, NOPROC), Down(by_name, None, NOPROC)]


def test_LM_09_a_monitor_that_is_taken_back_gives_no_notice(system: System) -> None:
    target, inbox = start(system), system.inbox()
    target.demonitor(target.monitor(inbox))

    target.stop()

    assert inbox.drain() == []


@pytest.mark.parametrize("flush", [True, False])
def test_LM_09_flush_takes_back_a_notice_that_waits_already(system: System, flush: bool) -> None:
    target, watcher, gate = start(system), start(system), Gate()
    monitor = watcher.call(do("monitor", target))
    watcher.cast(gate)
    gate.await_somebody()
    target.stop()

    target.demonitor(monitor, flush=flush)
    gate.open()
    drain(system)

    assert [type(one) for one in seen(watcher)] == ([] if flush else [Down])


@pytest.mark.parametrize("flush", [True, False])
def test_LM_09_a_process_takes_its_own_monitor_back(system: System, flush: bool) -> None:
    target, watcher = start(system), start(system)
    monitor = watcher.call(do("monitor", target))

    watcher.call(do("demonitor", monitor, flush=flush))
    target.stop()
    drain(system)

    assert seen(watcher) == []


def test_LM_09_the_watchers_own_crash_never_harms_the_watched(system: System) -> None:
    target, watcher = start(system), start(system)
    watcher.call(do("monitor", target))

    watcher.cast(crash)
    watcher.join(PATIENCE)
    drain(system)

    assert target.is_alive


@pytest.mark.parametrize("end", [crash, ExitWith("normal")], ids=["crash", "normal"])
def test_LM_10_messages_come_before_the_notice_of_the_end(system: System, end: Any) -> None:
    for _ in range(25):
        sender, inbox, watcher = start(system), system.inbox(), start(system, traps=True)
        sender.monitor(inbox)
        sender.link(watcher)
        watcher.call(do("monitor", sender))

        sender.cast(Do(*[Send(to, n) for n in range(3) for to in (inbox, watcher)], end))

        assert [inbox.get(PATIENCE) for _ in range(3)] == [0, 1, 2]
        assert isinstance(inbox.get(PATIENCE), Down)
        sender.join(PATIENCE)
        assert [one if isinstance(one, int) else type(one) for one in seen(watcher)] == [
            0,
            1,
            2,
            Exit,
            Down,
        ]  # OTP: first the link, then the monitor


def test_an_exit_signal_reaches_a_process_that_waits_for_an_answer_at_once(system: System) -> None:
    gate = Gate()
    busy, asking = start(system), start(system)
    asking.cast(Ask(busy, gate))
    gate.await_somebody()

    asking.exit(SHUTDOWN)

    assert asking.join(PATIENCE) == SHUTDOWN
    gate.open()


def test_an_exit_signal_reaches_a_process_that_waits_for_anothers_end_at_once(system: System) -> None:
    gate = Gate()
    busy, waiting = start(system), start(system)
    busy.cast(gate)
    gate.await_somebody()
    waiting.cast(Join(busy))

    waiting.exit("enough")

    assert waiting.join(PATIENCE) == Reason("enough")
    gate.open()


def test_waiting_for_ones_own_end_is_refused(system: System) -> None:
    ref = start(system)

    ref.cast(join_itself)

    assert ref.join(PATIENCE).word == CallingSelf.__name__
