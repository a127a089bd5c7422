"""The server that does as it is told, and the log of what its tree did."""

from __future__ import annotations

import pytest

from eye.errors import Settling
from eye.supervision import NORMAL, ChildSpec, Continue, Reply, Stop, Supervisor, System, events
from eye.testing import (
    PATIENCE,
    Answer,
    Ask,
    Do,
    EventLog,
    ExitWith,
    Log,
    Note,
    Obedient,
    answer_later,
    crash,
    do,
    drain,
    in_thread,
    seen,
)


def test_it_does_what_it_is_sent_and_keeps_what_is_nothing_to_do(system: System) -> None:
    log = Log(system)
    ref = system.start(Obedient, log, name="it")
    assert ref is not None

    ref.cast(Note("cast"))
    ref.send(Note("sent"))
    ref.cast("a word")
    answer = ref.call(Do(Note("called"), Answer(Reply(42, then=Continue(Note("continued"))))))
    drain(system)

    assert answer == 42
    assert seen(ref) == ["a word"]
    assert log.entries == [("init", "it"), "cast", "sent", "called", "continued"]


def test_it_logs_its_end(system: System) -> None:
    log: list[object] = []
    for ending in (Answer(Stop(NORMAL)), ExitWith("tired"), crash):
        ref = system.start(Obedient, log, name="it")
        assert ref is not None
        ref.cast(ending)
        drain(system)

    assert log[1::2] == [
        ("terminate", "it", "normal"),
        ("terminate", "it", "tired"),
        ("terminate", "it", "Boom: boom"),
    ]


def test_it_answers_later_and_asks_others(system: System) -> None:
    one, other = system.start(Obedient), system.start(Obedient)
    assert one is not None
    assert other is not None
    asking = in_thread(lambda: one.call(Ask(other, answer_later, PATIENCE), PATIENCE))

    def answer(me: Obedient) -> bool:
        return hasattr(me, "kept") and me.kept.reply("at last")

    while not other.call(answer):
        pass

    assert asking.result(PATIENCE) == "at last"


def test_its_methods_can_be_called(system: System) -> None:
    ref = system.start(Obedient)
    assert ref is not None
    ref.cast(do("subscribe", "news"))
    drain(system)

    system.topics.broadcast("news", "it rains")
    drain(system)

    assert seen(ref) == ["it rains"]


def test_the_events_of_a_tree_are_there_to_be_asserted(system: System) -> None:
    told = EventLog(system)
    system.start(Supervisor, [ChildSpec(Obedient, id="it", name="it")], name="top")

    system.cast("it", crash)
    drain(system)

    assert [event.incarnation for event in told.of(events.ChildStarted)] == [1, 2]
    assert told.await_one(events.ChildExited).reason.word == "Boom"
    assert [event.path for event in told.all if isinstance(event, events.ChildStarted)] == ["/top/it"] * 2


def test_waiting_for_an_event_that_does_not_come_says_so(system: System) -> None:
    with pytest.raises(Settling, match="no GaveUp was told"):
        EventLog(system).await_one(events.GaveUp, timeout=0.01)
