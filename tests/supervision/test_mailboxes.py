"""Bounded mailboxes: what happens to one message too many, and what never happens."""

from __future__ import annotations

import queue
from collections import deque
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eye.errors import BadChildSpec, CallFailed, MailboxFull
from eye.supervision import (
    ChildSpec,
    Mailbox,
    Overflow,
    Supervisor,
    System,
    events,
    get_state,
    process_info,
    resume,
    suspend,
)
from eye.supervision.bounded_inbox import BoundedInbox
from eye.supervision.child_spec import as_child_spec
from eye.supervision.mailbox import MAILBOX_FULL
from eye.supervision.messages import Caller, Exit, Wake
from eye.supervision.reasons import NORMAL
from eye.testing import ManualClock, Obedient, drain
from tests.supervision.kinds import both_kinds
from tests.supervision.servers import PATIENCE, Answer, in_thread, seen, start, until


@both_kinds
def test_a_full_mailbox_that_rejects_tells_whoever_sends(system: System) -> None:
    ref = start(system, mailbox=Mailbox(2))
    suspend(ref)
    ref.cast(1)
    ref.send(2)

    with pytest.raises(MailboxFull, match="its mailbox is full"):
        ref.cast(3)
    with pytest.raises(MailboxFull):
        ref.send(4)
    with pytest.raises(MailboxFull):
        ref.call(Answer(5))
    resume(ref)
    drain(system)

    assert seen(ref) == [1, 2]
    assert ref.dropped == 3


@both_kinds
def test_one_that_drops_the_oldest_keeps_the_latest(system: System) -> None:
    ref = start(system, mailbox=Mailbox(2, Overflow.DROP_OLDEST))
    suspend(ref)
    asking = in_thread(lambda: _fails(lambda: ref.call(Answer(1), None)))
    until(lambda: ref.mailbox_length == 1)
    for number in range(4):
        ref.cast(number)

    assert isinstance(asking.result(PATIENCE), MailboxFull)
    resume(ref)
    drain(system)
    assert seen(ref) == [2, 3]
    assert ref.dropped == 3


@both_kinds
def test_one_that_drops_the_newest_keeps_what_came_first(system: System) -> None:
    ref = start(system, mailbox=Mailbox(2, Overflow.DROP_NEWEST))
    suspend(ref)
    for number in range(4):
        ref.cast(number)

    assert isinstance(_fails(lambda: ref.call(Answer(1), None)), MailboxFull)
    resume(ref)
    drain(system)
    assert seen(ref) == [0, 1]
    assert ref.dropped == 3


def _fails(step: Any) -> CallFailed | None:
    try:
        step()
    except CallFailed as failure:
        return failure
    return None


@both_kinds
def test_one_that_is_full_can_be_looked_at_watched_and_stopped(system: System) -> None:
    ref = start(system, mailbox=Mailbox(1))
    inbox = system.inbox()
    suspend(ref)
    ref.cast("full")

    assert get_state(ref)["seen"] == []
    info = process_info(ref)
    assert info is not None
    assert info.messages == ("full",)
    ref.monitor(inbox)
    ref.stop()

    assert inbox.get(PATIENCE).reason == NORMAL


def test_a_notice_is_never_refused(system: System) -> None:
    ref, other = start(system, mailbox=Mailbox(1)), start(system)
    other.monitor(ref)
    suspend(ref)
    ref.cast("full")

    other.stop()
    resume(ref)
    drain(system)

    assert [type(one).__name__ for one in seen(ref)] == ["str", "Down"]
    assert ref.dropped == 0


def test_what_has_no_sender_to_be_told_is_dropped(system: System, clock: ManualClock) -> None:
    ref = start(system, mailbox=Mailbox(1))
    system.topics.subscribe("news", ref)
    suspend(ref)
    ref.cast("full")

    system.send_after(ref, 1, "late")
    system.topics.broadcast("news", "new")
    clock.advance(1)
    drain(system)

    assert ref.dropped == 2


def test_an_event_tells_of_it_once_a_second_at_most(system: System, clock: ManualClock) -> None:
    inbox = system.inbox()
    system.topics.subscribe(events.TOPIC, inbox)
    ref = start(system, mailbox=Mailbox(1, Overflow.DROP_NEWEST))
    suspend(ref)

    for _ in range(10):
        ref.cast("one")
    clock.advance(1)
    ref.cast("one")

    told = [one for one in inbox.drain() if isinstance(one, events.MailboxOverflowed)]
    assert [(one.path, one.limit, one.when_full, one.dropped) for one in told] == [
        (ref.path, 1, "drop_newest", 1),
        (ref.path, 1, "drop_newest", 10),
    ]


def test_a_child_spec_may_ask_for_one(system: System) -> None:
    top = system.start(Supervisor, [ChildSpec(Obedient, name="it", mailbox=Mailbox(1))])
    assert top is not None
    it = system.whereis("it")
    assert it is not None
    suspend(it)
    it.cast(1)

    with pytest.raises(MailboxFull):
        it.cast(2)


@pytest.mark.parametrize("limit", [0, -1, 1.5, True, "5"])
def test_a_limit_is_a_whole_number(limit: Any) -> None:
    with pytest.raises(BadChildSpec, match="limit"):
        Mailbox(limit)


def test_a_policy_is_an_overflow() -> None:
    with pytest.raises(BadChildSpec, match="when_full"):
        Mailbox(1, "reject")  # type: ignore[arg-type]
    with pytest.raises(BadChildSpec, match="mailbox"):
        as_child_spec(ChildSpec(Obedient, mailbox=5))  # type: ignore[arg-type]


actions = st.lists(st.sampled_from(["cast", "call", "exit", "wake", "take"]), max_size=120)


@given(actions, st.integers(1, 5), st.sampled_from(Overflow))
def test_it_does_what_a_simple_model_of_the_policy_does(steps: list[str], limit: int, policy: Overflow) -> None:
    told: list[None] = []
    inbox = BoundedInbox(Mailbox(limit, policy), "it", lambda: told.append(None))
    model: deque[Any] = deque()
    calls: dict[Any, bool] = {}
    dropped = 0
    for number, step in enumerate(steps):
        if step == "take":
            if model:
                assert inbox.get_nowait() is model.popleft()
            else:
                with pytest.raises(queue.Empty):
                    inbox.get_nowait()
            continue
        item: Any = {"cast": ("cast", number), "exit": Exit(None, NORMAL), "wake": Wake()}.get(step)
        if step == "call":
            item = Caller(number, _Server(), None)  # type: ignore[arg-type]
            calls[item] = True
        counted = [one for one in model if isinstance(one, (Caller, tuple)) and not isinstance(one, Exit)]
        is_full = step in ("cast", "call") and len(counted) == limit
        dropped += is_full
        if is_full and policy is Overflow.REJECT and step == "cast":
            with pytest.raises(MailboxFull):
                inbox.put(item)
            continue
        inbox.put(item)
        if not is_full:
            model.append(item)
            continue
        lost = counted[0] if policy is Overflow.DROP_OLDEST else item
        if lost is not item:
            del model[next(place for place, one in enumerate(model) if one is lost)]
            model.append(item)
        if isinstance(lost, Caller):
            calls[lost] = False

    assert [id(one) for one in inbox.waiting()] == [id(one) for one in model]
    assert inbox.qsize() == len(model)
    assert inbox.dropped == dropped == len(told)
    for caller, is_open in calls.items():
        assert caller.error is (None if is_open else MAILBOX_FULL)


class _Server:
    def forget_caller(self, _caller: Any) -> None: ...
