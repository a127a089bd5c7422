"""How often a node is asked, as it sees it itself."""

from __future__ import annotations

from eye.monitor.pollers import MOST, MOST_ONCE, Pollers


def asked(pollers: Pollers, who: str, *moments: float) -> None:
    for moment in moments:
        pollers.note(who, moment)


def test_nobody_and_whoever_has_asked_once_or_twice_make_no_pace() -> None:
    pollers = Pollers()
    assert pollers.every(0) is None

    asked(pollers, "a", 1, 1.1)

    assert pollers.every(1.1) is None


def test_the_one_who_asks_most_often_counts() -> None:
    pollers = Pollers()
    asked(pollers, "seldom", 0, 5, 10)
    asked(pollers, "often", 8, 9, 10)

    assert pollers.every(10) == 1
    assert pollers.every(16) == 5  # the other has stopped
    assert pollers.every(30) is None


def test_two_questions_at_once_are_no_pace() -> None:
    pollers = Pollers()
    asked(pollers, "a", 0, 0.001, 1, 2)

    assert pollers.every(2) == 1


def test_whoever_slows_down_is_believed_at_once_and_whoever_speeds_up_soon() -> None:
    pollers = Pollers()
    asked(pollers, "a", 0, 1, 2, 7)
    assert pollers.every(7) == 5

    asked(pollers, "a", 8, 9, 10)
    assert pollers.every(10) == 1


def test_two_who_had_the_same_port_make_no_pace_but_whoever_asks_seldom_does() -> None:
    pollers = Pollers()
    asked(pollers, "a port", 0, 600)
    assert pollers.every(600) is None

    asked(pollers, "seldom", 0, 900, 1800)
    assert pollers.every(1800) == 900


def test_of_too_many_whoever_was_silent_longest_is_forgotten() -> None:
    pollers = Pollers()
    for number in range(2 * MOST):
        asked(pollers, str(number), number - 1, number, number + 1)

    assert len(pollers._again) == MOST
    assert pollers._once == {}
    assert pollers.every(2 * MOST) == 1


def test_however_many_ask_once_whoever_asks_again_is_remembered() -> None:
    pollers = Pollers()
    for second in range(4):
        asked(pollers, "a", second)
        for number in range(MOST_ONCE - 1):
            asked(pollers, f"passer-by {second}-{number}", second + 0.5)

    assert pollers.every(4) == 1
    assert len(pollers._once) == MOST_ONCE
