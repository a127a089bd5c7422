"""Section 16 of otp.md: what is logged.

Every test of a row runs twice: with children in threads, and with children in OS processes of their own.
"""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

import pytest

from eye.errors import StartFailed
from eye.supervision import KILL, ChildSpec, GenServer, Restart, Shutdown, Stop, Supervisor, System, events
from eye.testing import ManualClock, drain
from tests.supervision.kinds import both_kinds, threads_only
from tests.supervision.servers import (
    PATIENCE,
    Answer,
    Ask,
    Do,
    ExitWith,
    Gate,
    Turns,
    Unshowable,
    child,
    crash,
    in_thread,
    named,
)

if TYPE_CHECKING:
    from eye.supervision import Ref

pytestmark = both_kinds


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
    ref = named(system, "it")
    ref.send("remembered")

    ref.cast(crash)
    ref.join(PATIENCE)  # before `drain` puts its own question into the mailbox
    drain(system)

    assert [(record.report, record.levelname) for record in log.records] == [
        ("server", "ERROR"), ("process", "ERROR"), ("supervisor", "ERROR"), ("progress", "INFO"),
    ]  # fmt: skip
    server, process, supervisor, progress = (record.getMessage() for record in log.records)
    assert "ends: Boom: boom" in server
    assert "last message: <function crash" in server
    assert "state: log=[('init', 'it')" in server
    assert "seen=['remembered']" in server
    assert "ancestors: /top#" in process
    assert "links: /top#" in process
    assert "waiting messages: 0" in process
    assert 'raise Boom("boom")' in process
    assert "Traceback" not in server
    assert "child 'it' (permanent) exited: Boom: boom" in supervisor
    assert "started /top/it#" in progress


def test_LG_01_the_process_tells_how_many_messages_were_waiting(
    system: System, log: pytest.LogCaptureFixture
) -> None:
    gate = Gate()
    supervise(system, log, child("it"))
    ref = named(system, "it")
    ref.cast(Do(gate, crash))
    gate.await_somebody()
    for number in range(3):
        ref.cast(number)

    gate.open()
    ref.join(PATIENCE)
    drain(system)

    assert "waiting messages: 3" in log.records[1].getMessage()


def test_LG_01_the_report_names_who_asked(system: System, log: pytest.LogCaptureFixture) -> None:
    supervise(system, log, child("it"), child("asker", restart=Restart.TEMPORARY))
    it = named(system, "it")

    named(system, "asker").cast(Ask(it, crash))
    drain(system)

    assert "last message: call <function crash" in log.records[0].getMessage()
    assert "from /top/asker#" in log.records[0].getMessage()


@pytest.mark.parametrize("reason", ["normal", "shutdown"])
@pytest.mark.parametrize(
    ("restart", "expected"),
    [(Restart.PERMANENT, ["supervisor", "progress"]), (Restart.TRANSIENT, []), (Restart.TEMPORARY, [])],
)
def test_LG_02_of_a_clean_exit_only_the_supervisor_of_a_permanent_child_tells(
    system: System, log: pytest.LogCaptureFixture, restart: Restart, expected: list[str], reason: str
) -> None:
    supervise(system, log, child("it", restart=restart))

    named(system, "it").cast(ExitWith(reason))
    drain(system)

    assert reports(log) == expected


def test_LG_03_of_a_killed_child_only_its_supervisor_tells(system: System, log: pytest.LogCaptureFixture) -> None:
    supervise(system, log, child("it"))

    named(system, "it").exit(KILL)
    drain(system)

    assert reports(log) == ["supervisor", "progress"]
    assert log.records[0].getMessage().endswith("exited: killed")


def test_LG_05_each_failed_start_has_its_own_report(system: System, log: pytest.LogCaptureFixture) -> None:
    supervise(system, log, child("it", kwargs={"on_init": Turns(Answer(), crash, crash, Answer())}))
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
    assert "did not stop within 1.0 s" in log.text


def test_LG_06_a_child_that_leaves_badly_is_one_report_of_its_supervisor(
    system: System, log: pytest.LogCaptureFixture
) -> None:
    supervisor = supervise(system, log, child("it", kwargs={"on_exit": crash}))

    supervisor.stop()

    assert reports(log) == ["server", "process", "supervisor"]
    assert "exited while being stopped: Boom: boom" in log.text


@pytest.mark.parametrize(
    ("restart", "reason", "expected"),
    [
        (Restart.PERMANENT, "normal", ["supervisor"]),
        (Restart.PERMANENT, "shutdown", []),
        (Restart.TRANSIENT, "normal", []),
        (Restart.TEMPORARY, "normal", []),
    ],
)
def test_LG_06_of_a_permanent_child_anything_but_shutdown_is_a_bad_way_to_leave(
    system: System, log: pytest.LogCaptureFixture, restart: Restart, reason: str, expected: list[str]
) -> None:
    supervisor = supervise(system, log, child("it", restart=restart, kwargs={"on_exit": ExitWith(reason)}))

    supervisor.stop()

    assert reports(log) == expected


def test_a_state_that_cannot_be_shown_is_no_second_crash(system: System, log: pytest.LogCaptureFixture) -> None:
    supervise(system, log, child("it"))
    ref = named(system, "it")
    ref.send(Unshowable())

    ref.cast(crash)
    drain(system)

    assert reports(log) == ["server", "process", "supervisor", "progress"]


# ------------------------------------------------------------------------------------- for programs


def fields_of(record: logging.LogRecord) -> dict[str, Any]:
    """The fields of a record that are no logging record's own."""
    plain = logging.makeLogRecord({})
    return {name: value for name, value in vars(record).items() if name not in vars(plain) and name != "message"}


def test_each_report_has_fields_for_programs_and_they_are_plain_values(
    system: System, log: pytest.LogCaptureFixture
) -> None:
    supervise(system, log, child("it", restart=Restart.TRANSIENT), max_restarts=7, max_seconds=60)
    old = named(system, "it")

    old.cast(crash)
    old.join(PATIENCE)
    drain(system)

    server, process, supervisor, progress = map(fields_of, log.records)
    assert json.loads(json.dumps([server, process, supervisor, progress]))
    of_it = {"path": "/top/it", "serial": old.serial, "reason_word": "Boom", "reason_detail": "boom"}
    assert server["last_message"].startswith("<function crash")
    assert server["state"]["seen"] == "[]"
    assert of_it.items() <= server.items()
    assert of_it.items() <= process.items()
    assert process["reason_traceback"].endswith("Boom: boom")
    assert [one.partition("#")[0] for one in process["ancestors"] + process["links"]] == ["/top", "/top"]
    assert process["waiting"] == 0
    assert supervisor == {
        **of_it, "report": "supervisor", "what": "child_exited", "supervisor": "/top", "child": "it",
        "restart_type": "transient", "incarnation": 1, "restarts": 0, "rule": None,
        "budget": {"used": 1, "max_restarts": 7, "max_seconds": 60},
    }  # fmt: skip
    assert (progress["what"], progress["incarnation"], progress["restarts"]) == ("child_started", 2, 1)


def test_giving_up_is_a_report_with_the_budget_and_the_rule(system: System, log: pytest.LogCaptureFixture) -> None:
    top = supervise(system, log, child("it"), max_restarts=0)

    named(system, "it").exit(KILL)
    top.join(PATIENCE)

    exited, gave_up = map(fields_of, log.records)
    assert (exited["what"], exited["rule"]) == ("child_exited", "too many restarts")
    assert (gave_up["what"], gave_up["path"], gave_up["child"]) == ("gave_up", "/top", "it")
    assert gave_up["budget"] == {"used": 1, "max_restarts": 0, "max_seconds": 5.0}


def test_LG_05_an_init_that_stops_with_a_reason_that_is_not_clean_has_a_process_report_too(
    system: System, log: pytest.LogCaptureFixture
) -> None:
    for reason, expected in ("odd", ["process", "supervisor"]), ("shutdown", ["supervisor"]):
        log.clear()
        spec = child("it", kwargs={"on_init": Answer(Stop(reason))})
        with pytest.raises(StartFailed):
            system.start(Supervisor, [spec])

        assert reports(log) == expected


def test_LG_05_of_a_start_that_somebody_asked_for_the_supervisor_says_nothing_to_the_log(
    system: System, log: pytest.LogCaptureFixture
) -> None:
    # As in OTP: the one who asked is told.
    top = supervise(system, log)

    with pytest.raises(StartFailed):
        Supervisor.start_child(top, child("it", kwargs={"on_init": crash}))

    assert reports(log) == ["process"]


@threads_only
@pytest.mark.parametrize("how", ["quiet", "switched off"])
def test_what_nobody_reads_is_not_formatted(system: System, log: pytest.LogCaptureFixture, how: str) -> None:
    class Costly:
        looks = 0

        def __repr__(self) -> str:
            Costly.looks += 1
            return "costly"

    supervise(system, log, child("it"))
    ref = named(system, "it")
    ref.call(lambda me: me.log.append(Costly()))
    if how == "quiet":
        system.is_quiet = True
    else:
        log.set_level(logging.CRITICAL, "eye.supervision")

    ref.cast(crash)
    drain(system)

    assert named(system, "it") is not ref
    assert Costly.looks == 0


def test_whoever_subscribed_is_told_of_a_crash_though_nothing_is_logged(
    system: System, log: pytest.LogCaptureFixture
) -> None:
    heard = system.inbox()
    system.topics.subscribe(events.TOPIC, heard)
    supervise(system, log, child("it"))
    system.is_quiet = True
    heard.drain()

    named(system, "it").cast(crash)
    drain(system)

    assert [type(one) for one in heard.drain()] == [
        events.ProcessCrashed, events.ChildExited, events.ChildStarted,
    ]  # fmt: skip
    assert log.records == []


@threads_only
def test_an_abandoned_child_is_told_of_with_why(
    system: System, clock: ManualClock, log: pytest.LogCaptureFixture
) -> None:
    gate, heard = Gate(), system.inbox()
    system.topics.subscribe(events.TOPIC, heard)
    top = supervise(system, log, child("it", shutdown=Shutdown.BRUTAL_KILL))
    ref = named(system, "it")
    ref.cast(gate)
    gate.await_somebody()

    Supervisor.stop_child(top, "it")
    gate.open()

    [told] = [one for one in heard.drain() if isinstance(one, events.ChildAbandoned)]
    assert (told.serial, told.why) == (ref.serial, "was killed in the middle of something")
    assert log.records[-1].what == "child_abandoned"
    assert "was killed in the middle of something and is abandoned" in log.text


@threads_only
def test_SD_07_the_report_of_a_supervisor_killed_at_its_limit_names_whom_it_may_leave_behind(
    system: System, clock: ManualClock, log: pytest.LogCaptureFixture
) -> None:
    gate, heard = Gate(), system.inbox()
    leaf = child("leaf", shutdown=Shutdown.INFINITY, kwargs={"on_exit": gate})
    inner = ChildSpec(Supervisor, id="inner", args=([leaf],), shutdown=0.2)
    top = supervise(system, log, inner)
    orphan = named(system, "leaf")
    system.topics.subscribe(events.TOPIC, heard)

    stopping = in_thread(top.stop)
    clock.await_waiter(0.2)
    gate.await_somebody()
    clock.advance(0.2)
    stopping.result(PATIENCE)
    gate.open()

    [told] = [one for one in heard.drain() if isinstance(one, events.ChildAbandoned)]
    assert told.orphans == (str(orphan),)
    [killed] = [record for record in log.records if record.what == "child_abandoned"]
    assert killed.orphans == [str(orphan)]
    assert killed.getMessage().endswith(f"unheard; it may leave behind {orphan}")


class Discreet(GenServer):
    """Keeps a secret, and lets nobody see it."""

    def init(self, fails: bool = False) -> None:
        self._password, self._tries, self._fails = "hunter2", 3, fails

    def handle_cast(self, message: Any) -> None:
        raise LookupError("no")

    def format_status(self, status: dict[str, Any]) -> dict[str, Any]:
        if self._fails:
            raise KeyError("oops")
        return {**status, "state": {**status["state"], "_password": "***"}, "message": "a login"}


@pytest.mark.parametrize("fails", [False, True])
def test_a_server_says_itself_what_may_be_seen_of_it_when_it_crashes(
    system: System, log: pytest.LogCaptureFixture, isolation: str, fails: bool
) -> None:
    heard = system.inbox()
    system.topics.subscribe(events.TOPIC, heard)
    spec = ChildSpec(Discreet, args=(fails,), id="it", name="it", isolation=isolation)
    supervise(system, log, spec)

    named(system, "it").cast("login with hunter2")
    drain(system)

    [crash_] = [one for one in heard.drain() if isinstance(one, events.ProcessCrashed)]
    hidden = "<hidden: format_status raised KeyError>"
    shown = {"state": hidden} if fails else {"password": "'***'", "tries": "3", "fails": "False"}
    assert crash_.state == shown
    assert crash_.last_message == (hidden if fails else "'a login'")
    assert log.records[0].state == shown
    assert "hunter2" not in log.text.partition("Traceback")[0]
