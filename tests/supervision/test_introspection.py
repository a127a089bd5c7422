"""Section 17 of otp.md, as far as it is built: looking inside, without asking."""

from __future__ import annotations

import gc
import json
import weakref
from typing import TYPE_CHECKING, Any

import pytest

from eye.supervision import KILL, ChildSpec, DynamicSupervisor, Restart, Strategy, Supervisor, events
from eye.supervision.incidents import Incident, Lost
from eye.supervision.introspection import as_text, tree, trees
from eye.testing import ManualClock, Obedient, drain
from tests.supervision.kinds import both_kinds
from tests.supervision.servers import PATIENCE, Gate, child, crash, in_thread, named, os_process_of, start

if TYPE_CHECKING:
    from eye.supervision import Ref, System


@pytest.fixture
def top(system: System) -> Ref:
    pool = ChildSpec(DynamicSupervisor, id="pool", name="pool")
    ref = system.start(Supervisor, [child("a"), pool], name="top", strategy=Strategy.REST_FOR_ONE)
    assert ref is not None
    return ref


@both_kinds
def test_OB_01_what_is_known_of_a_process_is_read_without_disturbing_it(system: System) -> None:
    gate, ref = Gate(), start(system, name="it", traps=True)
    ref.link(start(system))
    ref.cast(gate)
    gate.await_somebody()
    ref.send("waiting")

    known = (ref.name, ref.status, ref.mailbox_length, ref.handled, ref.trap_exit, len(ref.links))
    gate.open()
    drain(system)

    assert known == ("it", "running", 1, 0, True, 1)
    assert (ref.mailbox_length, ref.handled) == (0, 2)


@both_kinds
def test_OB_01_of_the_dead_too_there_is_nothing_but_no_error(system: System) -> None:
    ref = start(system)
    ref.stop()

    assert (ref.status, ref.mailbox_length, ref.links) == ("exited", 0, frozenset())
    assert tree(system, ref)["status"] == "stopped"


@both_kinds
def test_OB_02_the_tree_can_be_drawn_from_either_end(system: System, top: Ref) -> None:
    worker = DynamicSupervisor.start_child(named(system, "pool"), child("w"))
    assert worker is not None

    assert worker.ancestors == (named(system, "pool"), top)
    assert worker.path == "/top/pool/w"
    [drawn] = trees(system)
    assert drawn == tree(system, top)
    assert [one["id"] for one in drawn["children"]] == ["a", "pool"]
    assert drawn["children"][1]["children"][0]["path"] == "/top/pool/w"


@both_kinds
def test_OB_03_a_busy_supervisor_is_shown_like_any_other(system: System, top: Ref) -> None:
    gate = Gate()
    starting = in_thread(lambda: Supervisor.start_child(top, child("slow", kwargs={"on_init": gate})))
    gate.await_somebody()

    drawn = tree(system, top)
    gate.open()
    starting.result(PATIENCE)

    assert [(one["id"], one["status"]) for one in drawn["children"]] == [
        ("a", "running"),
        ("pool", "running"),
        ("slow", "starting"),
    ]


@both_kinds
def test_OB_03_whoever_runs_before_its_supervisor_knows_is_starting_still(
    system: System, top: Ref, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is known of it is of the one before: it would be shown as running, and never restarted."""
    drawn: list[Any] = []
    monkeypatch.setattr(system, "count_restart", lambda: drawn.append(tree(system, top)["children"][0]))

    named(system, "a").cast(crash)
    drain(system)

    assert [(one["id"], one["status"]) for one in drawn[:1]] == [("a", "starting")]


def test_a_tree_is_plain_data_with_everything_the_contract_names(system: System, top: Ref) -> None:
    drawn = tree(system, top)

    assert json.loads(json.dumps(drawn)) == drawn
    assert set(drawn) == {
        "id", "name", "path", "kind", "module", "status", "serial", "incarnation", "restarts", "last_exit",
        "last_exit_at", "restart", "mailbox", "handled", "started_at", "strategy", "budget", "children",
        "since", "cause", "history", "not_restarted", "next_try_at", "lost",
        "departed", "mailbox_age", "os_process",
    }  # fmt: skip
    assert drawn["budget"] == {"max_restarts": 3, "max_seconds": 5.0, "used": 0}
    assert drawn["children"][0]["module"] == "eye.testing.obedient.Obedient"


def test_an_isolated_child_shows_with_its_os_process(system: System, fork_server: None) -> None:
    ref = system.start(Obedient, isolation="process")
    assert ref is not None

    drawn = tree(system, ref)

    assert drawn["os_process"] == ref.call(os_process_of)
    assert as_text(drawn) == f"● Obedient  [OS process {drawn['os_process']}]"


def test_a_restart_shows_with_its_cause(system: System, clock: ManualClock, top: Ref) -> None:
    named(system, "a").cast(crash)
    drain(system)
    clock.advance(8)

    drawn = tree(system, top)
    text = as_text(drawn, now=clock.now())

    a = drawn["children"][0]
    assert (a["incarnation"], a["restarts"], a["last_exit"], a["status"]) == (2, 1, "Boom: boom", "running")
    assert text == (
        "● top  [rest_for_one, 0 of 3 restarts in 5 s]\n"
        "├─ ● a#2  [1 restart · restarted because it crashed: Boom: boom, 8.0 s ago, 1 of 3 in 5 s]\n"
        "└─ ● pool#2  [one_for_one, 0 of 3 restarts in 5 s · 1 restart"
        " · restarted because a crashed: Boom: boom, 8.0 s ago, 1 of 3 in 5 s]"
    )


def test_a_child_that_is_down_is_listed_as_stopped(system: System, top: Ref) -> None:
    Supervisor.stop_child(top, "a")

    stopped = tree(system, top)["children"][0]

    assert (stopped["status"], stopped["serial"], stopped["last_exit"]) == ("stopped", 0, "shutdown")


def test_what_happens_in_the_tree_is_broadcast_as_values(system: System, clock: ManualClock) -> None:
    inbox = system.inbox()
    system.topics.subscribe(events.TOPIC, inbox)
    top = system.start(Supervisor, [child("a")], name="top", max_restarts=1)
    assert top is not None
    old = named(system, "a")
    old.cast(crash)
    drain(system)
    new = named(system, "a")
    new.cast(crash)
    top.join(PATIENCE)

    heard: list[Any] = inbox.drain()

    at, why = clock.now(), old.exit_reason
    first, second = Incident("a", why, at, 1, 1, 5.0), Incident("a", why, at, 2, 1, 5.0)
    told = [one for one in heard if not isinstance(one, events.ProcessCrashed)]
    assert told == [
        events.ChildStarted(at, "/top/a", old.serial, 1),
        events.ChildExited(at, "/top/a", old.serial, why, True, None, first),
        events.ChildStarted(at, "/top/a", new.serial, 2, "a exited: Boom: boom", first),
        events.ChildExited(at, "/top/a", new.serial, why, False, "too many restarts", second),
        events.GaveUp(at, "/top", 1, 5.0, why, second),
    ]
    crashes = [(heard.index(one), one.serial) for one in heard if isinstance(one, events.ProcessCrashed)]
    assert crashes == [(1, old.serial), (4, new.serial)]  # before its supervisor says a word
    assert heard[1].last_message is not None
    assert heard[1].last_message.startswith("<function crash")
    assert heard[1].state["seen"] == "[]"


def test_the_tree_says_why_a_child_was_restarted_and_remembers_the_last_ten(
    system: System, clock: ManualClock
) -> None:
    top = system.start(
        Supervisor, [child("a"), child("b")], name="top", strategy=Strategy.REST_FOR_ONE, max_restarts=2
    )
    assert top is not None
    began = clock.now()
    for _ in range(12):
        clock.advance(6)
        named(system, "a").cast(crash)
        drain(system)
    clock.advance(1)
    named(system, "b").exit(KILL)
    drain(system)

    a, b = tree(system, top)["children"]

    assert (a["restarts"], b["restarts"], b["since"]) == (12, 13, began)  # all of them, whatever the window forgot
    assert [one["at"] for one in b["history"]] == [*[began + 6 * n for n in range(4, 13)], clock.now()]
    assert [one["because"]["child"] for one in b["history"]] == [*"aaaaaaaaa", "b"]
    assert b["cause"] == b["history"][-1]["because"]
    assert b["cause"] == {
        "child": "b", "word": "killed", "detail": None, "reason": "killed", "failed_start": False,
        "at": clock.now(), "used": 2, "max_restarts": 2, "max_seconds": 5.0,
    }  # fmt: skip
    assert (a["cause"]["word"], a["cause"]["detail"], a["cause"]["used"]) == ("Boom", "boom", 1)
    assert "restarted because it was killed, 0.0 s ago, 2 of 2 in 5 s" in as_text(
        tree(system, top), now=clock.now()
    )


def test_what_is_remembered_of_a_restart_does_not_keep_the_crashed_server(system: System) -> None:
    top = system.start(Supervisor, [child("a")], max_restarts=100)
    assert top is not None
    first = weakref.ref(named(system, "a").ask_process(lambda me: me))
    for _ in range(2):  # the last exit may still be asked for its traceback
        named(system, "a").cast(crash)
        drain(system)

    gc.collect()

    assert first() is None
    assert Supervisor.which_child(top, "a").history[0].because.reason.word == "Boom"


def test_HD_03_the_tree_says_by_which_rule_a_child_was_not_restarted(system: System, clock: ManualClock) -> None:
    inner = ChildSpec(
        Supervisor, id="inner", restart=Restart.TRANSIENT, args=([child("leaf")],), kwargs={"max_restarts": 0}
    )
    top = system.start(Supervisor, [inner, child("b")], name="top")
    assert top is not None
    heard = system.inbox()
    system.topics.subscribe(events.TOPIC, heard)

    named(system, "leaf").cast(crash)
    drain(system)
    Supervisor.stop_child(top, "b")
    shown, stopped = tree(system, top)["children"]

    rule = "a transient child is started again only after a crash, and this was a clean exit"
    assert shown["not_restarted"] == {
        "word": "shutdown", "detail": None, "reason": "shutdown", "restart": "transient", "rule": rule,
        "at": clock.now(),
    }  # fmt: skip
    assert as_text(shown) == f"○ inner  [stopped · last exit: shutdown · {rule}]"
    assert stopped["not_restarted"]["rule"] == "stopped on request"
    [exited] = [one for one in heard.drain() if isinstance(one, events.ChildExited) and one.path == "/top/inner"]
    assert (exited.will_restart, exited.rule) == (False, rule)


def test_HD_03_of_children_that_are_listed_no_more_the_supervisor_remembers_why(
    system: System, clock: ManualClock
) -> None:
    log = [child(id_, restart=Restart.TEMPORARY) for id_ in "abc"]
    top = system.start(Supervisor, [*log, child("d")], name="top", strategy=Strategy.REST_FOR_ONE)
    pool = system.start(DynamicSupervisor, name="pool")
    assert top is not None
    assert pool is not None
    DynamicSupervisor.start_child(pool, child("w", restart=Restart.TRANSIENT))
    DynamicSupervisor.start_child(pool, child("done", restart=Restart.TEMPORARY))

    named(system, "a").cast(crash)
    named(system, "done").stop("normal")
    named(system, "w").stop("shutdown")
    Supervisor.stop_child(top, "b")
    drain(system)

    [a] = tree(system, top)["departed"]
    [w] = tree(system, pool)["departed"]
    assert a == {
        "id": "a", "word": "Boom", "detail": "boom", "reason": "Boom: boom", "restart": "temporary",
        "rule": "a temporary child is never started again", "at": clock.now(),
    }  # fmt: skip
    assert (w["id"], w["reason"], w["restart"]) == ("w", "shutdown", "transient")
    clock.advance(4)
    assert as_text(tree(system, top), now=clock.now()).splitlines() == [
        "● top  [rest_for_one, 0 of 3 restarts in 5 s]",
        "├─ ● c  [temporary]",
        "├─ ● d",
        "└─ ✖ a  [gone 4.0 s ago: Boom: boom · a temporary child is never started again]",
    ]


def test_a_temporary_child_that_went_with_its_group_is_remembered_with_both_reasons(system: System) -> None:
    children = [child("a"), child("b", restart=Restart.TEMPORARY)]
    top = system.start(Supervisor, children, name="top", strategy=Strategy.ONE_FOR_ALL)
    assert top is not None

    named(system, "a").cast(crash)
    drain(system)

    [b] = tree(system, top)["departed"]
    assert b["rule"] == "stopped with its group: a exited: Boom: boom; a temporary child is never started again"


@pytest.mark.parametrize("how", ["killed", "gave up", "with its group"])
def test_HD_13_children_added_at_run_time_that_went_with_their_supervisor_are_listed(
    system: System, how: str
) -> None:
    pool = ChildSpec(DynamicSupervisor, id="pool", name="pool", kwargs={"max_restarts": 0})
    top = system.start(Supervisor, [child("a"), pool], name="top", strategy=Strategy.REST_FOR_ONE)
    assert top is not None
    old = named(system, "pool")
    for n in range(12):
        DynamicSupervisor.start_child(old, child(f"w{n}"))
    finished = DynamicSupervisor.start_child(old, child("done", restart=Restart.TEMPORARY))
    assert finished is not None
    finished.stop()
    drain(system)  # the pool has heard of it
    before = tree(system, top)["children"][1]["lost"]

    if how == "killed":
        old.exit(KILL)
    elif how == "gave up":
        named(system, "w3").cast(crash)
    else:
        named(system, "a").cast(crash)
    old.join(PATIENCE)
    drain(system)

    shown = tree(system, top)["children"][1]
    assert before is None
    assert shown["lost"] == {"count": 12, "ids": [f"w{n}" for n in range(10)]}
    assert "12 added children lost at its last exit: w0, w1, w2" in as_text(shown)


def test_of_a_supervisor_of_listed_children_only_those_added_are_lost(system: System) -> None:
    inner = ChildSpec(Supervisor, id="inner", name="inner", args=([child("listed", name=None)],))
    top = system.start(Supervisor, [inner])
    assert top is not None
    Supervisor.start_child(named(system, "inner"), child("added"))
    old = named(system, "inner")

    old.exit(KILL)
    drain(system)

    assert Supervisor.which_child(top, "inner").lost == Lost(1, ("added",))
    assert [one.status for one in Supervisor.which_children(named(system, "inner"))] == ["running"]


def test_a_supervisor_of_thousands_is_drawn_and_changed_quickly(system: System) -> None:
    pool = system.start(DynamicSupervisor, name="pool")
    assert pool is not None
    refs = [DynamicSupervisor.start_child(pool, child("w", name=None)) for _ in range(300)]
    visits: list[int] = []

    drawn = tree(system, pool)
    system.topics.subscribe(events.TOPIC, system.inbox())
    for ref in refs:
        assert ref is not None
        DynamicSupervisor.stop_child(pool, ref)
        visits.append(len(DynamicSupervisor.which_children(pool)))

    assert len(drawn["children"]) == 300
    assert visits == list(reversed(range(300)))
