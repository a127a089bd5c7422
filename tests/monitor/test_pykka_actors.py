"""Actors of a program that knows nothing of supervision."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pykka
import pytest

from eye.metrics.sampler import Latest
from eye.monitor.agent import Agent
from eye.monitor.process_list import SORTS
from eye.monitor.pykka_actors import MOST, pykka_actors
from eye.supervision import GenServer, System
from eye.supervision.introspection import as_text

if TYPE_CHECKING:
    from collections.abc import Iterator


class Plain(pykka.ThreadingActor):
    def __init__(self, opened: threading.Event) -> None:
        super().__init__()
        self.opened = opened

    def on_receive(self, message: Any) -> Any:
        self.opened.wait()


@pytest.fixture
def opened() -> Iterator[threading.Event]:
    opened = threading.Event()
    yield opened
    opened.set()
    pykka.ActorRegistry.stop_all()


def test_an_actor_is_listed_with_its_class_and_what_waits(system: System, opened: threading.Event) -> None:
    busy = Plain.start(opened)
    for number in range(4):
        busy.tell(number)
    while busy.actor_inbox.qsize() > 3:  # until it has taken the first
        threading.Event().wait(0.001)
    system.start(GenServer, name="ours")
    agent = Agent(system, "a", Latest(), frozenset({"read"}))

    rows = agent.processes("mailbox", 10)["processes"]

    assert [(one["module"].rpartition(".")[2], one["status"], one["mailbox"], one["handled"]) for one in rows] == [
        ("Plain", "running", 3, None),
        ("GenServer", "running", 0, 0),
    ]


@pytest.mark.parametrize("sort", SORTS)
def test_it_can_be_sorted_by_anything(system: System, opened: threading.Event, sort: str) -> None:
    Plain.start(opened)
    system.start(GenServer, name="ours")

    assert Agent(system, "a", Latest(), frozenset({"read"})).processes(sort, 10)["count"] == 2


def test_it_is_in_the_tree_in_the_same_form_as_a_process(system: System, opened: threading.Event) -> None:
    Plain.start(opened)
    system.start(GenServer, name="eye")

    document = Agent(system, "a", Latest(), frozenset({"read"})).tree()

    (actor,) = document["others"]
    assert actor.keys() == document["tree"].keys()
    assert "Plain-" in as_text(actor)


def test_of_very_many_the_first_are_listed(opened: threading.Event) -> None:
    class Idle(pykka.ThreadingActor):
        def _start_actor_loop(self) -> None:
            """None of them needs a thread for this."""

    refs = [Idle.start() for _ in range(MOST + 5)]
    try:
        assert len(pykka_actors()) == MOST
    finally:
        for ref in refs:
            pykka.ActorRegistry.unregister(ref)


def test_our_own_processes_are_no_actors_of_the_program(system: System) -> None:
    system.start(GenServer, name="ours")

    assert pykka_actors() == []
