"""The mark KILL for threads: declared dead, told of once, no more heard, and visible until they end."""

from __future__ import annotations

import threading
import traceback
from typing import TYPE_CHECKING, Any

import pytest

from eye.errors import ServerExited
from eye.supervision import KILL, GenServer, Shutdown, Supervisor, System, events, introspection
from eye.testing import Obedient, drain
from tests.supervision.kinds import both_kinds
from tests.supervision.servers import (
    PATIENCE,
    Answer,
    answer_later,
    child,
    crash,
    in_thread,
    named,
    seen,
    start,
    until,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from eye.supervision import Ref


class Stuck:
    """Holds a server in the middle of a callback; then has it do something, and tells how that went."""

    def __init__(self, then: Callable[[Obedient], Any] = lambda me: None) -> None:
        self.came, self.gate, self.done = threading.Event(), threading.Event(), threading.Event()
        self.then = then
        self.outcome: Any = None

    def __call__(self, me: Obedient) -> Any:
        self.came.set()
        self.gate.wait(PATIENCE)
        try:
            self.outcome = self.then(me)
        except BaseException as error:
            self.outcome = error
            raise
        finally:
            self.done.set()

    def let_go(self) -> Any:
        self.gate.set()
        assert self.done.wait(PATIENCE)
        return self.outcome


def abandon(ref: Ref, stuck: Stuck) -> None:
    ref.cast(stuck)
    assert stuck.came.wait(PATIENCE)
    ref.exit(KILL)


def test_it_is_dead_its_name_is_free_and_everybody_is_told_exactly_once(system: System) -> None:
    ref, linked, inbox, stuck = start(system, name="it"), start(system, traps=True), system.inbox(), Stuck()
    ref.link(linked)
    ref.monitor(inbox)
    asking = in_thread(lambda: failure(lambda: ref.call(Answer(1), None)))

    abandon(ref, stuck)

    assert str(ref.exit_reason) == "killed"
    assert system.whereis("it") is None
    assert start(system, name="it").is_alive
    asking.result(PATIENCE)
    stuck.let_go()
    until(lambda: not system.abandoned())
    drain(system)
    assert [str(one.reason) for one in inbox.drain()] == ["killed"]
    assert [str(one.reason) for one in seen(linked)] == ["killed"]


def failure(step: Callable[[], Any]) -> Any:
    try:
        return step()
    except ServerExited as error:
        return error


@pytest.mark.parametrize(
    "step",
    [
        lambda me, other: other.cast("heard"),
        lambda me, other: other.send("heard"),
        lambda me, other: other.call(Answer("heard"), PATIENCE),
        lambda me, other: me.system.send("other", "heard"),
        lambda me, other: me.system.topics.broadcast("news", "heard"),
        lambda me, other: me.system.emit("heard"),
        lambda me, other: me.system.start(GenServer, name="started"),
        lambda me, other: me.subscribe("news"),
        lambda me, other: other.exit("heard"),
        lambda me, other: other.stop(),
        lambda me, other: me.send_after(0, "heard", other),
        lambda me, other: me.link(other),
    ],
    ids=[
        "cast",
        "send",
        "call",
        "send-by-name",
        "broadcast",
        "emit",
        "start",
        "subscribe",
        "exit",
        "stop",
        "timer",
        "link",
    ],
)
def test_nothing_that_it_still_does_is_heard(system: System, step: Callable[[Any, Any], Any]) -> None:
    ref, other = start(system), start(system, name="other")
    system.topics.subscribe("news", other)
    system.topics.subscribe(events.TOPIC, other)
    stuck = Stuck(lambda me: step(me, other))

    abandon(ref, stuck)
    stuck.let_go()
    until(lambda: not system.abandoned())
    drain(system)

    assert seen(other) == []
    assert other.is_alive
    assert other.links == frozenset()
    assert system.whereis("started") is None
    system.topics.broadcast("news", "to those who live")
    assert ref.mailbox_length == 0


def test_an_answer_that_it_still_gives_goes_nowhere(system: System) -> None:
    ref = start(system)
    stuck = Stuck(lambda me: me.caller.reply("late"))
    asking = in_thread(lambda: failure(lambda: ref.call(stuck, None)))
    assert stuck.came.wait(PATIENCE)

    ref.exit(KILL)

    assert isinstance(asking.result(PATIENCE), ServerExited)
    assert stuck.let_go() is False


def test_its_thread_is_counted_named_and_visible_until_it_ends(system: System) -> None:
    inbox = system.inbox()
    system.topics.subscribe(events.TOPIC, inbox)
    top = system.start(Supervisor, [child("it", shutdown=Shutdown.BRUTAL_KILL)], name="top")
    assert top is not None
    it, stuck = named(system, "it"), Stuck()
    it.cast(stuck)
    assert stuck.came.wait(PATIENCE)

    Supervisor.restart_child(top, "it") if not it.is_alive else Supervisor.stop_child(top, "it")

    assert system.abandoned() == (it,)
    statuses = [one["status"] for one in introspection.tree(system, top)["children"]]
    assert statuses == ["stopped", "abandoned"]
    assert str(it) in [thread.name for thread in threading.enumerate()]
    stuck.let_go()
    until(lambda: not system.abandoned())
    until(lambda: str(it) not in [thread.name for thread in threading.enumerate()])
    told = [one for one in inbox.drain() if isinstance(one, (events.ChildAbandoned, events.ThreadEnded))]
    assert [type(one).__name__ for one in told] == ["ChildAbandoned", "ThreadEnded"]
    assert told[0].serial == told[1].serial == it.serial


def test_its_supervisor_goes_on_with_a_replacement(system: System) -> None:
    top = system.start(Supervisor, [child("it")], name="top")
    it, stuck = named(system, "it"), Stuck()

    abandon(it, stuck)
    drain(system)

    assert top is not None
    assert named(system, "it") is not it
    assert seen(named(system, "it")) == []
    stuck.let_go()


# ------------------------------------------------------- what a caller sees of the server's own end


@both_kinds
def test_the_traceback_of_a_caller_shows_that_of_the_server(system: System) -> None:
    ref = start(system)

    with pytest.raises(ServerExited) as caught:
        ref.call(crash)

    text = "".join(traceback.format_exception(caught.value))
    assert 'raise Boom("boom")' in text
    assert "in handle_call" in text
    assert text.index('raise Boom("boom")') < text.index("eye.errors.ServerExited")


def test_an_answer_that_it_still_gives_for_another_goes_nowhere(system: System) -> None:
    other, ref = start(system), start(system)
    asking = in_thread(lambda: other.call(answer_later, None))
    until(lambda: other._callers)
    caller = next(iter(other._callers))
    stuck = Stuck(lambda me: caller.reply("late"))

    abandon(ref, stuck)

    assert stuck.let_go() is False
    until(lambda: not system.abandoned())
    assert caller.reply("in time")
    assert asking.result(PATIENCE) == "in time"
