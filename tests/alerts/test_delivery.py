"""What a sink does next, and what waits for it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eye.alerts.delivery import (
    LONGEST_PAUSE,
    REST,
    Arrived,
    Doing,
    Due,
    Event,
    Failed,
    Forget,
    Send,
    Sent,
    State,
    Step,
    Wait,
    decide,
    pause_after,
)
from eye.alerts.outbox import Outbox

IDLE, SENDING, PAUSING, RESTING = Doing

TABLE: list[tuple[State, Event, State, tuple[Step, ...]]] = [
    (State(), Arrived(), State(SENDING, 1), (Send(),)),
    (State(SENDING, 1), Sent(), State(RESTING), (Forget(), Wait(REST))),
    (State(SENDING, 1), Failed("x"), State(PAUSING, 1), (Wait(1.0),)),
    (State(SENDING, 2), Failed("x"), State(PAUSING, 2), (Wait(2.0),)),
    (State(SENDING, 3), Failed("x"), State(RESTING), (Forget("x"), Wait(REST))),
    (State(SENDING, 1), Failed("x", is_final=True), State(RESTING), (Forget("x"), Wait(REST))),
    (State(PAUSING, 1), Due(True), State(SENDING, 2), (Send(),)),
    (State(RESTING), Due(True), State(SENDING, 1), (Send(),)),
    (State(RESTING), Due(False), State(), ()),
]


@pytest.mark.parametrize(("state", "event", "then", "steps"), TABLE)
def test_the_table(state: State, event: Event, then: State, steps: tuple[Step, ...]) -> None:
    assert decide(state, event, attempts=3) == (then, steps)


@pytest.mark.parametrize("doing", Doing)
@pytest.mark.parametrize("event", [Arrived(), Sent(), Failed("x"), Due(False)])
def test_what_is_of_an_earlier_life_changes_nothing(doing: Doing, event: Event) -> None:
    if not any(state.doing is doing and type(of_table) is type(event) for state, of_table, _, _ in TABLE):
        assert decide(State(doing, 1), event, 3) == (State(doing, 1), ())


def test_pauses_grow_and_have_an_end() -> None:
    assert [pause_after(attempt) for attempt in range(1, 9)] == [1, 2, 4, 8, 16, 32, LONGEST_PAUSE, LONGEST_PAUSE]


@given(st.lists(st.sampled_from([Sent(), Failed("x"), Failed("x", True)]), max_size=40), st.integers(1, 5))
def test_every_delivery_comes_to_an_end_and_nothing_is_tried_more_often_than_was_said(
    answers: list[Event], attempts: int
) -> None:
    state, steps = decide(State(), Arrived(), attempts)
    tries = 0
    for answer in answers:
        assert Send() in steps
        tries += 1
        assert tries <= attempts
        state, steps = decide(state, answer, attempts)
        if any(isinstance(step, Forget) for step in steps):
            tries = 0
        assert any(isinstance(step, Wait) for step in steps)
        state, steps = decide(state, Due(True), attempts)


def test_what_waits_is_taken_out_only_when_it_is_told() -> None:
    outbox = Outbox()
    outbox.put([{"rule": "a"}, {"rule": "b"}])
    number, records = outbox.look(1)
    outbox.put([{"rule": "c"}])

    assert records == [{"rule": "a"}]
    assert outbox.look(1) == (number, records)
    outbox.forget(number)
    assert outbox.look(9)[1] == [{"rule": "b"}, {"rule": "c"}]


def test_too_many_lose_the_oldest_and_that_is_counted() -> None:
    outbox = Outbox(most=3)
    outbox.put([{"rule": number} for number in range(3)])
    number, _ = outbox.look(9)

    outbox.put([{"rule": 3}, {"rule": 4}])
    outbox.forget(number)

    assert outbox.lost == 2
    assert outbox.look(9)[1] == [{"rule": 3}, {"rule": 4}]
