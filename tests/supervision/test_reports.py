"""Section 16 of otp.md: what is logged."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest

from eye.errors import StartFailed
from eye.supervision import KILL, Restart, Shutdown, Supervisor, System
from eye.testing import ManualClock, drain
from tests.supervision.servers import PATIENCE, Gate, child, crash, in_thread, named

if TYPE_CHECKING:
    from eye.supervision import Ref


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, "eye.supervision")
    return caplog


def reports(log: pytest.LogCaptureFixture) -> list[str]:
    return [record.report for record in log.records]


def supervise(system: System, log: pytest.LogCaptureFixture, *children: Any, **options: Any) -> Ref:
    ref = system.start(Supervisor, children, name="top", **options)
    assert ref is not None
    log.clear()
    return ref


def test_LG_01_a_crash_is_reported_by_server_process_and_supervisor_then_the_new_start(
    system: System, log: pytest.LogCaptureFixture
) -> None:
    supervise(system, log, child("it"))

    named(system, "it").cast(crash)
    drain(system)

    assert [(record.report, record.levelname) for record in log.records] == [
        ("server", "ERROR"), ("process", "ERROR"), ("supervisor", "ERROR"), ("progress", "INFO"),
    ]  # fmt: skip
    server, process, supervisor, progress = (record.getMessage() for record in log.records)
    assert "ends: Boom: boom" in server
    assert "last message: <function crash" in server
    assert "state: log=[('init', 'it')" in server
    assert "ancestors: /top#" in process
    assert "links: /top#" in process
    assert 'raise Boom("boom")' in process
    assert "Traceback" not in server
    assert "child 'it' (permanent) exited: Boom: boom" in supervisor
    assert "started /top/it#" in progress


def test_LG_01_the_report_names_who_asked(system: System, log: pytest.LogCaptureFixture) -> None:
    supervise(system, log, child("it"), child("asker", restart=Restart.TEMPORARY))
    it = named(system, "it")

    named(system, "asker").cast(lambda me: it.call(crash))
    drain(system)

    assert "last message: call <function crash" in log.records[0].getMessage()
    assert "from /top/asker#" in log.records[0].getMessage()


@pytest.mark.parametrize(
    ("restart", "expected"),
    [(Restart.PERMANENT, ["supervisor", "progress"]), (Restart.TRANSIENT, []), (Restart.TEMPORARY, [])],
)
def test_LG_02_of_a_clean_exit_only_the_supervisor_of_a_permanent_child_tells(
    system: System, log: pytest.LogCaptureFixture, restart: Restart, expected: list[str]
) -> None:
    supervise(system, log, child("it", restart=restart))

    named(system, "it").stop()
    drain(system)

    assert reports(log) == expected


def test_LG_03_of_a_killed_child_only_its_supervisor_tells(system: System, log: pytest.LogCaptureFixture) -> None:
    supervise(system, log, child("it"))

    named(system, "it").exit(KILL)
    drain(system)

    assert reports(log) == ["supervisor", "progress"]
    assert log.records[0].getMessage().endswith("exited: killed")


def test_LG_05_each_failed_start_has_its_own_report(system: System, log: pytest.LogCaptureFixture) -> None:
    tries = iter([lambda _: None, crash, crash, lambda _: None])
    supervise(system, log, child("it", kwargs={"on_init": lambda me: next(tries)(me)}))
    named(system, "it").exit(KILL)
    drain(system)
    at_restarts = [record.getMessage() for record in log.records if record.report == "supervisor"]
    log.clear()

    with pytest.raises(StartFailed):
        system.start(Supervisor, [child("other", kwargs={"on_init": crash})])

    assert sum("did not start: Boom: boom" in one for one in at_restarts) == 2
    assert reports(log) == ["process", "supervisor"]


def test_LG_06_an_orderly_shutdown_is_silent(system: System, log: pytest.LogCaptureFixture) -> None:
    brutal = child("brutal", shutdown=Shutdown.BRUTAL_KILL)
    supervisor = supervise(system, log, child("traps"), child("does not", traps=False), brutal, Supervisor)

    supervisor.stop()

    assert reports(log) == []


def test_LG_06_a_child_killed_at_its_limit_is_one_report(
    system: System, clock: ManualClock, log: pytest.LogCaptureFixture
) -> None:
    gate = Gate()
    supervisor = supervise(system, log, child("slow", shutdown=1.0, kwargs={"on_exit": gate}))

    stopping = in_thread(supervisor.stop)
    clock.await_waiter(1.0)
    clock.advance(1.0)
    stopping.result(PATIENCE)
    gate.open()

    assert reports(log) == ["supervisor"]
    assert "did not stop within 1.0 s and is abandoned" in log.text


def test_LG_06_a_child_that_leaves_badly_is_one_report_of_its_supervisor(
    system: System, log: pytest.LogCaptureFixture
) -> None:
    supervisor = supervise(system, log, child("it", kwargs={"on_exit": crash}))

    supervisor.stop()

    assert reports(log) == ["server", "process", "supervisor"]
    assert "exited while being stopped: Boom: boom" in log.text


def test_a_state_that_cannot_be_shown_is_no_second_crash(system: System, log: pytest.LogCaptureFixture) -> None:
    class Awkward:
        def __repr__(self) -> str:
            raise RuntimeError("no")

    supervise(system, log, child("it"))
    ref = named(system, "it")
    ref.call(lambda me: me.log.append(Awkward()))

    ref.cast(crash)
    drain(system)

    assert reports(log) == ["server", "process", "supervisor", "progress"]
