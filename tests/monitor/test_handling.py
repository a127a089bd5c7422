"""Stopping, restarting, suspending and looking into one process of a node."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from eye.errors import CannotHandle, ConfigError, UnknownProcess
from eye.metrics.sampler import Latest
from eye.monitor import handling
from eye.monitor.agent import Agent
from eye.monitor.methods import DEEDS, RIGHTS
from eye.supervision import ChildSpec, DynamicSupervisor, GenServer, Supervisor, System

if TYPE_CHECKING:
    from eye.supervision.ref import Ref


class Shop(GenServer):
    def init(self, count: int = 0) -> None:
        self.count = count

    def handle_call(self, message: Any, caller: Any) -> Any:
        self.count += 1
        return self.count

    def handle_cast(self, message: Any) -> Any:
        self.count += 1

    def format_status(self, status: dict[str, Any]) -> dict[str, Any]:
        return {"state": status["state"] | {"password": "***"}}


class Own(GenServer):
    """Has something else to show than attributes."""

    def format_status(self, status: dict[str, Any]) -> dict[str, Any]:
        return {"state": Unprintable()}


class Unprintable:
    def __repr__(self) -> str:
        raise ValueError


@pytest.fixture
def agent(system: System) -> Agent:
    system.start(Supervisor, [ChildSpec(Shop, id="shop", name="shop"), ChildSpec(Own, id="own")], name="top")
    system.start(Shop, name="alone")
    system.start(Supervisor, [ChildSpec(Shop, id="part")], name="eye")
    pool: Ref = system.start(DynamicSupervisor, name="pool")
    DynamicSupervisor.start_child(pool, ChildSpec(Shop, id="worker", name="worker"))
    return Agent(system, "a", Latest(), frozenset(RIGHTS))


def status(agent: Agent, path: str) -> str:
    rows = {one["path"]: one for one in agent.processes("path", 100)["processes"]}
    return str(rows[path]["status"]) if path in rows else "gone"


def test_a_supervised_process_is_stopped_and_stays_listed(agent: Agent) -> None:
    assert agent.handle("/top/shop", "stop") == "/top/shop"

    assert status(agent, "/top/shop") == "stopped"


def test_a_restart_by_its_supervisor_costs_nothing_of_the_budget(agent: Agent, system: System) -> None:
    system.call("shop", "one")

    agent.handle("shop", "restart")

    assert system.call("shop", "one") == 1
    top = next(tree for tree in agent.tree()["others"] if tree["name"] == "top")
    assert top["budget"]["used"] == 0


def test_suspended_it_handles_nothing_and_resumed_it_goes_on(agent: Agent, system: System) -> None:
    agent.handle("shop", "suspend")
    system.cast("shop", "waits")

    assert status(agent, "/top/shop") == "suspended"
    assert (agent.state("shop")["status"], dict(agent.state("shop")["state"])["count"]) == ("suspended", "0")

    agent.handle("shop", "resume")

    assert (status(agent, "/top/shop"), system.call("shop", "and this")) == ("running", 2)


def test_one_that_nobody_supervises_can_be_stopped_and_not_restarted(agent: Agent) -> None:
    with pytest.raises(CannotHandle, match="no supervisor"):
        agent.handle("/alone", "restart")

    agent.handle("/alone", "stop")

    assert status(agent, "/alone") == "gone"


def test_a_child_that_came_at_run_time_can_be_stopped_and_not_restarted(agent: Agent) -> None:
    with pytest.raises(CannotHandle, match="DynamicSupervisor"):
        agent.handle("worker", "restart")

    path = agent.handle("worker", "stop")

    assert status(agent, path) == "gone"


@pytest.mark.parametrize("deed", DEEDS)
@pytest.mark.parametrize("path", ["/eye", "/eye/part"])
def test_what_the_node_lives_by_is_left_alone(agent: Agent, path: str, deed: str) -> None:
    with pytest.raises(CannotHandle, match="the node lives by it"):
        agent.handle(path, deed)

    assert status(agent, path) == "running"


def test_a_deed_or_a_process_that_is_not_there(agent: Agent) -> None:
    with pytest.raises(ConfigError, match="stop, restart, suspend, resume"):
        agent.handle("shop", "explode")
    with pytest.raises(UnknownProcess):
        agent.handle("nobody", "stop")


def test_the_state_is_what_the_server_lets_be_seen(agent: Agent, system: System) -> None:
    system.call("shop", "one")

    shown = agent.state("/top/shop")

    assert (shown["path"], shown["behaviour"].endswith("Shop")) == ("/top/shop", True)
    assert dict(shown["state"]) == {"count": "1", "password": "'***'"}


def test_a_state_that_cannot_be_printed_is_told_as_that(agent: Agent) -> None:
    ((name, text),) = agent.state("/top/own")["state"]

    assert (name, text.startswith("<Unprintable instance")) == ("", True)


def test_a_large_state_is_cut(agent: Agent, system: System) -> None:
    class Large(GenServer):
        def init(self) -> None:
            self.text = "x" * 1_000_000
            self.rows = list(range(1_000_000))

    system.start(Large, name="large")

    shown = dict(agent.state("large")["state"])

    assert max(map(len, shown.values())) <= handling.LONGEST
