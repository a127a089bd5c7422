"""Section 14 of otp.md: agents."""

from __future__ import annotations

import threading
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import pytest

from eye.errors import BadReturn, CallTimeout, NoProcess, ServerExited, StartFailed
from eye.supervision import Agent, ChildSpec, Crash, Supervisor
from eye.testing import drain
from tests.supervision.functions import double, fail, use, wait_for
from tests.supervision.kinds import both_kinds
from tests.supervision.servers import PATIENCE, Boom, Gate, Here, in_thread, named, start

if TYPE_CHECKING:
    from eye.supervision import Ref, System


def agent_with(system: System, value: Any) -> Ref:
    ref = system.start(Agent, identity, value, name="agent", isolation=Here.isolation)
    assert ref is not None
    return ref


def identity(value: Any) -> Any:
    return value


def add(value: Any, more: Any) -> Any:
    return value + more


def take_first(items: list[Any]) -> tuple[Any, list[Any]]:
    return items[0], items[1:]


@both_kinds
def test_an_agent_keeps_a_value_and_lets_others_read_and_change_it(system: System) -> None:
    agent = agent_with(system, [1])

    Agent.update(agent, add, [2, 3])
    Agent.cast(agent, add, [4])

    assert Agent.get(agent, len) == 4
    assert Agent.get(agent, itemgetter(1)) == 2
    assert Agent.get_and_update(agent, take_first) == 1
    assert Agent.get(agent, identity) == [2, 3, 4]


@both_kinds
def test_any_value_can_be_kept_and_answered(system: System) -> None:
    from eye.supervision import NoReply

    agent = agent_with(system, None)

    assert Agent.get(agent, identity) is None
    Agent.update(agent, just, NoReply())

    assert Agent.get(agent, identity) == NoReply()


def just(_old: Any, new: Any) -> Any:
    return new


@both_kinds
def test_TA_03_a_function_that_raises_ends_the_agent_and_the_caller_is_told(system: System) -> None:
    for ask in (Agent.get, Agent.update, Agent.get_and_update):
        agent = agent_with(system, 1)

        with pytest.raises(ServerExited) as failed:
            ask(agent, fail)

        assert isinstance(failed.value.reason, Crash)
        assert failed.value.reason.word == "Boom"
        assert "in fail" in failed.value.reason.traceback
        assert not agent.is_alive


def test_TA_03_the_exception_itself_is_the_cause(system: System) -> None:
    agent = agent_with(system, 1)

    with pytest.raises(ServerExited) as failed:
        Agent.get(agent, fail)

    assert isinstance(failed.value.__cause__, Boom)


@both_kinds
def test_TA_03_a_cast_that_raises_ends_the_agent_too(system: System) -> None:
    agent = agent_with(system, 1)

    Agent.cast(agent, fail)

    reason = agent.join(PATIENCE)
    assert reason is not None
    assert reason.word == "Boom"


def test_a_start_that_raises_is_a_start_that_failed(system: System) -> None:
    with pytest.raises(StartFailed) as failed:
        system.start(Agent, fail)

    assert isinstance(failed.value.__cause__, Boom)


def test_get_and_update_wants_two_things(system: System) -> None:
    agent = agent_with(system, 1)

    with pytest.raises(ServerExited) as failed:
        Agent.get_and_update(agent, double)

    assert isinstance(failed.value.__cause__, BadReturn)
    assert "(answer, new value), not 2" in str(failed.value.__cause__)


def test_an_agent_that_is_gone_cannot_be_asked_and_is_told_in_vain(system: System) -> None:
    agent, other = agent_with(system, 1), start(system)
    agent.stop()

    with pytest.raises(NoProcess):
        Agent.get(agent, identity)
    Agent.cast(agent, double)
    use(other, Agent.cast, "agent", double)

    assert other.is_alive


def test_a_process_may_use_its_name(system: System) -> None:
    agent_with(system, 20)
    other = start(system)

    use(other, Agent.update, "agent", double)

    assert use(other, Agent.get, "agent", identity) == 40


def test_a_slow_function_keeps_others_waiting_as_long_as_they_like(system: System) -> None:
    agent, gate = agent_with(system, 1), Gate()
    slow = in_thread(lambda: Agent.get(agent, lambda value: wait_for(gate, value), timeout=None))
    gate.await_somebody()

    with pytest.raises(CallTimeout):
        Agent.get(agent, identity, timeout=0)
    gate.open()

    assert slow.result(PATIENCE) == 1


def test_what_one_reads_and_changes_nobody_changes_meanwhile(system: System) -> None:
    agent, barrier = agent_with(system, 0), threading.Barrier(4)

    def count(times: int) -> None:
        barrier.wait(PATIENCE)
        for _ in range(times):
            Agent.update(agent, add, 1)

    for each in [in_thread(lambda: count(100)) for _ in range(4)]:
        each.result(PATIENCE)

    assert Agent.get(agent, identity) == 400


def test_a_supervised_agent_begins_anew(system: System) -> None:
    system.start(Supervisor, [ChildSpec(Agent, (list,), name="agent")])
    Agent.update(named(system, "agent"), add, [1])

    Agent.cast(named(system, "agent"), fail)
    drain(system)

    assert Agent.get(named(system, "agent"), identity) == []
