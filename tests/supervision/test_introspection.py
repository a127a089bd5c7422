"""Section 17 of otp.md, as far as it is built: looking inside, without asking."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from eye.supervision import ChildSpec, DynamicSupervisor, Strategy, Supervisor, events
from eye.supervision.introspection import as_text, tree, trees
from eye.testing import ManualClock, drain
from tests.supervision.servers import PATIENCE, Gate, child, crash, in_thread, named, start

if TYPE_CHECKING:
    from eye.supervision import Ref, System


@pytest.fixture
def top(system: System) -> Ref:
    pool = ChildSpec(DynamicSupervisor, id="pool", name="pool")
    ref = system.start(Supervisor, [child("a"), pool], name="top", strategy=Strategy.REST_FOR_ONE)
    assert ref is not None
    return ref


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


def test_OB_01_of_the_dead_too_there_is_nothing_but_no_error(system: System) -> None:
    ref = start(system)
    ref.stop()

    assert (ref.status, ref.mailbox_length, ref.links) == ("exited", 0, frozenset())
    assert tree(system, ref)["status"] == "stopped"


def test_OB_02_the_tree_can_be_drawn_from_either_end(system: System, top: Ref) -> None:
    worker = DynamicSupervisor.start_child(named(system, "pool"), child("w"))
    assert worker is not None

    assert worker.ancestors == (named(system, "pool"), top)
    assert worker.path == "/top/pool/w"
    [drawn] = trees(system)
    assert drawn == tree(system, top)
    assert [one["id"] for one in drawn["children"]] == ["a", "pool"]
    assert drawn["children"][1]["children"][0]["path"] == "/top/pool/w"


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


def test_a_tree_is_plain_data_with_everything_the_contract_names(system: System, top: Ref) -> None:
    drawn = tree(system, top)

    assert json.loads(json.dumps(drawn)) == drawn
    assert set(drawn) == {
        "id", "name", "path", "kind", "module", "status", "serial", "incarnation", "restarts", "last_exit",
        "last_exit_at", "restart", "mailbox", "handled", "started_at", "strategy", "budget", "children",
    }  # fmt: skip
    assert drawn["budget"] == {"max_restarts": 3, "max_seconds": 5.0, "used": 0}
    assert drawn["children"][0]["module"] == "tests.supervision.servers.Obedient"


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
        "├─ ● a#2  [1 restart · last exit 8 s ago: Boom: boom]\n"
        "└─ ● pool#2  [one_for_one, 0 of 3 restarts in 5 s · 1 restart · last exit 8 s ago: shutdown]"
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

    at = clock.now()
    assert heard == [
        events.ChildStarted(at, "/top/a", old.serial, 1),
        events.ChildExited(at, "/top/a", old.serial, old.exit_reason, True),
        events.ChildStarted(at, "/top/a", new.serial, 2, "a exited: Boom: boom"),
        events.ChildExited(at, "/top/a", new.serial, new.exit_reason, False),
        events.GaveUp(at, "/top", 1, 5.0, new.exit_reason),
    ]


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
