"""What rules would have said of what was."""

from __future__ import annotations

import pytest

from eye.alerts.ledger import Ledger
from eye.alerts.replay import Firing, Moment, play
from eye.alerts.wording import size, span
from tests.alerts.watcher import facts, rules

(BUSY,) = rules('[rules.busy]\nwhen = "cpu > 90 for 2m"\nclear = "cpu < 70"\nkeep = "3m"').rules


def _moments(*cpus: float, step: float = 60.0) -> list[Moment]:
    return [Moment(number * step, [facts(host_cpu=cpu)]) for number, cpu in enumerate(cpus)]


def test_what_would_have_fired_when_and_for_how_long() -> None:
    past = _moments(0.1, *[0.95] * 4, *[0.2] * 5, *[0.99] * 3)

    assert play([BUSY], past, 60.0) == [
        Firing("busy", "web-1", "warning", 180.0, 480.0, "CPU Load 95 % for 2 min"),
        Firing("busy", "web-1", "warning", 720.0, None, "CPU Load 99 % for 2 min"),
    ]


def test_what_flaps_would_have_fired_once() -> None:
    past = _moments(*[0.95, 0.95, 0.95, 0.2, 0.95, 0.2, 0.2, 0.8, 0.2, 0.2, 0.95])

    assert [(one.fired_at, one.resolved_at) for one in play([BUSY], past, 60.0)] == [(120.0, None)]


def test_a_coarse_history_is_timed_by_its_own_steps() -> None:
    """With steps of an hour nobody looked in between; the rule is asked as often as there is something to ask."""
    assert [one.fired_at for one in play([BUSY], _moments(*[0.95] * 3, step=3600.0), 3600.0)] == [3600.0]


def test_a_time_that_nobody_watched_counts_for_nothing() -> None:
    past = [
        *_moments(0.95, 0.95),
        Moment(10_000.0, [facts(host_cpu=0.95)]),
        Moment(10_060.0, [facts(host_cpu=0.95)]),
    ]

    assert play([BUSY], past, 60.0) == []


def test_afterwards_the_ledger_holds_what_would_fire_now() -> None:
    ledger = Ledger(gap=600)

    play([BUSY], _moments(*[0.95] * 4), 60.0, ledger)

    assert [one["state"] for one in ledger.records(180.0)] == ["firing"]


@pytest.mark.parametrize(("seconds", "words"), [
    (0, "0 s"), (0.4, "0.4 s"), (59.9, "59 s"), (60, "1 min"), (61, "1 min 1 s"), (3600, "1 h"),
    (7500, "2 h 5 min"),
    (86400, "1 d"), (90000, "1 d 1 h"), (-3, "0 s"),
])  # fmt: skip
def test_spans(seconds: float, words: str) -> None:
    assert span(seconds) == words


@pytest.mark.parametrize(("count", "words"), [
    (0, "0 B"), (1023, "1023 B"), (1024, "1 KB"), (1.5 * 1024**3, "1.5 GB"), (3 * 1024**5, "3 PB"),
])  # fmt: skip
def test_sizes(count: float, words: str) -> None:
    assert size(count) == words
