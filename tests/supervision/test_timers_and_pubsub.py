"""Sections 11 and 13 of otp.md: delayed sends, publish and subscribe."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from eye.supervision import KILL, PubSub, Supervisor
from eye.supervision.timers import Timers
from eye.testing import ManualClock, drain
from tests.supervision.servers import Gate, crash, named, seen, start

if TYPE_CHECKING:
    from eye.supervision import System


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


def test_TM_01_a_timer_cancelled_in_time_gives_what_was_left_and_nothing_arrives(
    system: System, clock: ManualClock
) -> None:
    ref = start(system)
    timer = system.send_after(ref, 2.0, "tick")
    clock.advance(0.5)

    left, again = timer.cancel(), timer.cancel()
    clock.advance(100)
    drain(system)

    assert (left, again) == (pytest.approx(1.5), None)
    assert seen(ref) == []


def test_TM_01_a_timer_that_has_fired_cannot_be_cancelled(system: System, clock: ManualClock) -> None:
    ref = start(system)
    timer = system.send_after(ref, 2.0, "tick")
    clock.advance(2)
    drain(system)

    assert timer.cancel() is None


def test_TM_02_a_delayed_send_outlives_its_maker_and_is_dropped_with_its_target(
    system: System, clock: ManualClock
) -> None:
    maker, target, gone = start(system), start(system), start(system)
    maker.call(lambda me: (me.send_after(1, "still", to=target), me.send_after(1, "lost", to=gone)) and None)  # noqa: SIM223 - a lambda has no statements
    maker.stop()
    gone.stop()

    clock.advance(1)
    drain(system)

    assert seen(target) == ["still"]


def test_TM_03_a_delayed_send_to_a_name_reaches_the_replacement(system: System, clock: ManualClock) -> None:
    first = start(system, name="it")
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


def test_PS_01_each_subscriber_of_exactly_that_topic_gets_a_broadcast_once(system: System) -> None:
    a, b, c = start(system), start(system), start(system)
    for ref, topic in ((a, "news"), (b, "news"), (c, "news.*")):
        ref.call(lambda me, topic=topic: me.subscribe(topic))

    a.call(lambda me: me.system.topics.broadcast("news", "hello"))
    system.topics.broadcast("nobody", "listens")

    assert [seen(ref) for ref in (a, b, c)] == [["hello"], ["hello"], []]


def test_PS_02_two_subscriptions_give_two_messages_and_one_unsubscribe_ends_both(system: System) -> None:
    ref = start(system)
    ref.call(lambda me: (me.subscribe("news"), me.subscribe("news")) and None)  # noqa: SIM223 - as above
    system.topics.broadcast("news", 1)

    ref.call(lambda me: me.unsubscribe("news"))
    system.topics.broadcast("news", 2)

    assert seen(ref) == [1, 1]


def test_PS_03_a_broadcast_from_somebody_reaches_all_but_that_one(system: System) -> None:
    a, b = start(system), start(system)
    for ref in (a, b):
        system.topics.subscribe("news", ref)

    system.topics.broadcast("news", 1, sender=a)

    assert (seen(a), seen(b)) == ([], [1])


def test_PS_04_broadcasts_come_in_order_and_only_from_now_on(system: System) -> None:
    early, late = start(system), start(system)
    system.topics.subscribe("news", early)
    for number in range(100):
        if number == 50:
            system.topics.subscribe("news", late)
        system.topics.broadcast("news", number)

    assert seen(early) == list(range(100))
    assert seen(late) == list(range(50, 100))


def test_PS_05_a_subscriber_that_ended_is_forgotten(system: System) -> None:
    system.start(PubSub)
    ref = start(system)
    system.topics.subscribe("news", ref)

    ref.exit(KILL)
    drain(system)

    assert not system.topics.has_subscribers("news")


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


def test_PS_06_a_subscriber_that_does_not_read_holds_nobody_up_and_its_queue_shows(system: System) -> None:
    gate, slow = Gate(), start(system, name="slow")
    system.topics.subscribe("news", slow)
    slow.cast(gate)
    gate.await_somebody()

    for number in range(10_000):
        system.topics.broadcast("news", number)

    assert named(system, "slow").mailbox_length == 10_000
    gate.open()
