"""Sections 11 and 13 of otp.md: delayed sends, publish and subscribe.

Every test of a row runs twice: with processes in threads, and with processes in OS processes of their own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from eye.supervision import KILL, PubSub, Supervisor
from eye.supervision.timers import Timers
from eye.testing import ManualClock, drain
from tests.supervision.kinds import both_kinds
from tests.supervision.servers import (
    PATIENCE,
    Broadcast,
    Cancel,
    Do,
    ExitWith,
    Gate,
    crash,
    do,
    named,
    seen,
    start,
    until,
)

if TYPE_CHECKING:
    from eye.supervision import System


@both_kinds
def test_TM_01_a_delayed_send_arrives_once_and_not_early(system: System, clock: ManualClock) -> None:
    ref = start(system)
    system.send_after(ref, 2.0, "tick")

    clock.advance(1.999)
    drain(system)
    early = seen(ref)
    clock.advance(0.001)
    drain(system)
    clock.advance(100)
    drain(system)

    assert early == []
    assert seen(ref) == ["tick"]


@both_kinds
@pytest.mark.parametrize("maker", ["plain code", "a process"])
def test_TM_01_a_timer_cancelled_in_time_gives_what_was_left_and_nothing_arrives(
    system: System, clock: ManualClock, maker: str
) -> None:
    ref = start(system)
    if maker == "a process":
        timer = ref.call(do("send_after", 2.0, "tick"))
    else:
        timer = system.send_after(ref, 2.0, "tick")
    clock.advance(0.5)
    remaining = timer.remaining

    left, again = (
        (ref.call(Cancel(timer)), ref.call(Cancel(timer)))
        if maker == "a process"
        else (timer.cancel(), timer.cancel())
    )
    clock.advance(100)
    drain(system)

    assert (left, again) == (pytest.approx(1.5), None)
    assert (remaining, timer.remaining) == (pytest.approx(1.5), None)
    assert seen(ref) == []


@both_kinds
def test_TM_01_a_timer_that_has_fired_cannot_be_cancelled_and_its_message_may_wait_already(
    system: System, clock: ManualClock
) -> None:
    gate, ref = Gate(), start(system)
    timer = system.send_after(ref, 2.0, "tick")
    ref.cast(gate)
    gate.await_somebody()
    clock.advance(2)
    until(lambda: ref.mailbox_length)

    left = timer.cancel()
    gate.open()
    drain(system)

    assert left is None
    assert seen(ref) == ["tick"]


@both_kinds
@pytest.mark.parametrize("how", ["normal", "crash", "kill"])
def test_TM_02_a_delayed_send_outlives_its_maker_and_is_dropped_with_its_target(
    system: System, clock: ManualClock, how: str
) -> None:
    maker, target, gone = start(system), start(system), start(system)
    maker.call(do("send_after", 1, "still", to=target))
    maker.call(do("send_after", 1, "lost", to=gone))
    for ref in (maker, gone):
        ref.exit(KILL) if how == "kill" else ref.cast(crash if how == "crash" else ExitWith("normal"))
        ref.join(PATIENCE)

    clock.advance(1)
    drain(system)

    assert seen(target) == ["still"]


@both_kinds
@pytest.mark.parametrize("maker", ["plain code", "a process"])
def test_TM_03_a_delayed_send_to_a_name_reaches_the_replacement(
    system: System, clock: ManualClock, maker: str
) -> None:
    first = start(system, name="it")
    if maker == "a process":
        other = start(system)
        other.call(do("send_after", 1, "by name", to="it"))
        other.call(do("send_after", 1, "by reference", to=first))
    else:
        system.send_after("it", 1, "by name")
        system.send_after(first, 1, "by reference")
    first.stop()
    second = start(system, name="it")

    clock.advance(1)
    drain(system)

    assert seen(second) == ["by name"]


def test_a_timer_that_raises_does_not_take_the_others_along(
    system: System, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    ref = start(system)
    system.timers.after(1, lambda: crash(None))
    system.send_after(ref, 1, "tick")

    clock.advance(1)
    drain(system)

    assert seen(ref) == ["tick"]
    assert "a timer's function raised" in caplog.text


@settings(deadline=None)  # each example starts a thread, which a busy machine may be slow to do
@given(some.lists(some.tuples(some.floats(0, 100), some.booleans()), max_size=40), some.floats(0, 120))
def test_timers_fire_in_order_when_due_and_never_when_cancelled(plan: list[Any], wait: float) -> None:
    clock, fired = ManualClock(), []
    timers = Timers(clock)
    made = [timers.after(delay, lambda n=n: fired.append(n)) for n, (delay, _) in enumerate(plan)]
    cancelled = {n for n, (_, cancels) in enumerate(plan) if cancels and made[n].cancel() is not None}

    clock.advance(wait)
    while not timers.is_settled:
        pass
    timers.stop()

    # One that was due at once may have fired before it could be cancelled.
    due = [n for n, timer in enumerate(made) if timer.deadline <= clock.monotonic() and n not in cancelled]
    assert sorted(fired) == due
    at_once = [n for n in due if plan[n][0] == 0]
    later = [n for n in fired if n not in at_once]
    assert later == sorted(later, key=lambda n: (made[n].deadline, n))


def test_many_cancelled_timers_do_not_pile_up(system: System) -> None:
    ref = start(system)
    for _ in range(1000):
        system.send_after(ref, 3600, "never").cancel()

    assert len(system.timers._heap) < 100
    assert system.timers.pending == 0


# ---------------------------------------------------------------------------------- PubSub


@both_kinds
def test_PS_01_each_subscriber_of_exactly_that_topic_gets_a_broadcast_once(system: System) -> None:
    a, b, c, d = (start(system) for _ in range(4))
    for ref, topic in ((a, "news"), (b, "news"), (c, "news.*"), (d, "*")):
        ref.call(do("subscribe", topic))

    a.call(Broadcast("news", "hello"))
    b.call(Broadcast("nobody", "listens"))
    drain(system)

    assert [seen(ref) for ref in (a, b, c, d)] == [["hello"], ["hello"], [], []]


@both_kinds
def test_PS_02_two_subscriptions_give_two_messages_and_one_unsubscribe_ends_both(system: System) -> None:
    ref = start(system)
    ref.call(Do(do("subscribe", "news"), do("subscribe", "news")))
    system.topics.broadcast("news", 1)

    ref.call(do("unsubscribe", "news"))
    system.topics.broadcast("news", 2)

    assert seen(ref) == [1, 1]


@both_kinds
def test_PS_03_a_broadcast_from_somebody_reaches_all_but_that_one(system: System) -> None:
    a, b, c = start(system), start(system), start(system)
    for ref in (a, b, c):
        ref.call(do("subscribe", "news"))

    a.call(Broadcast("news", 1, but_not_to_me=True))
    system.topics.broadcast("news", 2, sender=b)
    drain(system)

    assert (seen(a), seen(b), seen(c)) == ([2], [1], [1, 2])


@both_kinds
def test_PS_04_broadcasts_come_in_order_and_only_from_now_on(system: System) -> None:
    early, late, sender = start(system), start(system), start(system)
    early.call(do("subscribe", "news"))
    for number in range(100):
        if number == 50:
            late.call(do("subscribe", "news"))
        sender.call(Broadcast("news", number))

    assert seen(early) == list(range(100))
    assert seen(late) == list(range(50, 100))


@both_kinds
@pytest.mark.parametrize("how", ["normal", "crash", "kill"])
def test_PS_05_a_subscriber_that_ended_is_forgotten(system: System, how: str) -> None:
    system.start(PubSub)
    ref = start(system)
    ref.call(do("subscribe", "news"))

    ref.exit(KILL) if how == "kill" else ref.cast(crash if how == "crash" else ExitWith("normal"))
    ref.join(PATIENCE)
    drain(system)

    assert not system.topics.has_subscribers("news")


@both_kinds
def test_PS_05_even_by_a_pubsub_that_crashed_in_between(system: System) -> None:
    system.start(Supervisor, [PubSub])
    pubsub = next(ref for ref in system.processes() if ref.behaviour is PubSub)
    before, meanwhile, after = start(system), start(system), start(system)
    system.topics.subscribe("news", before)
    pubsub.exit(KILL)
    system.topics.subscribe("news", meanwhile)
    drain(system)
    system.topics.subscribe("news", after)

    for ref in (before, meanwhile):
        ref.stop()
    drain(system)
    system.topics.broadcast("news", "hello")

    assert seen(after) == ["hello"]
    after.stop()
    drain(system)
    assert not system.topics.has_subscribers("news")


@both_kinds
def test_PS_06_a_subscriber_that_does_not_read_holds_nobody_up_and_its_queue_shows(system: System) -> None:
    gate, slow = Gate(), start(system, name="slow")
    system.topics.subscribe("news", slow)
    slow.cast(gate)
    gate.await_somebody()

    for number in range(10_000):
        system.topics.broadcast("news", number)

    assert named(system, "slow").mailbox_length == 10_000
    gate.open()
