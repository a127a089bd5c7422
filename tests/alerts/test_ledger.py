"""What the ledger knows, tells once, and forgets."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest

from eye.alerts.ledger import GAP, GONE, Ledger
from eye.alerts.silences import Silence
from tests.alerts.watcher import UTC, Watcher, facts, rules

BUSY = rules('[rules.busy]\nwhen = "cpu > 90 for 3s"\nclear = "cpu < 70"\nkeep = "5s"\nsinks = ["log"]').rules[0]
DOWN = rules('[rules.down]\nwhen = "status:down"\nseverity = "critical"\nkeep = "0s"').rules[0]
STORM = rules('[rules.storm]\nwhen = "restarts > 5 in 10s"\nkeep = "0s"').rules[0]

HIGH, BETWEEN, LOW = (facts(host_cpu=cpu) for cpu in (0.96, 0.8, 0.2))


def test_an_alert_is_told_when_it_fires_and_when_it_is_over_and_how_long_it_lasted() -> None:
    watcher = Watcher(BUSY)
    watcher.watch(4, lambda: [HIGH])
    assert watcher.told == [("busy", "web-1", "firing")]
    (fired,) = watcher.records()

    watcher.watch(60, lambda: [HIGH])
    watcher.watch(6, lambda: [LOW])

    (over,) = watcher.records()
    assert watcher.told == watcher.happened == [("busy", "web-1", "firing"), ("busy", "web-1", "resolved")]
    assert fired == {
        "rule": "busy", "node": "web-1", "severity": "warning", "state": "firing", "since": UTC + 1001,
        "fired_at": UTC + 1004, "resolved_at": None, "value": 96.0, "text": "CPU Load 96 % for 3 s",
        "silenced": False,
    }  # fmt: skip
    assert (over["fired_at"], over["resolved_at"]) == (UTC + 1004, UTC + 1070)
    assert over["text"] == "CPU Load 20 %; it lasted 1 min 6 s"


def test_a_figure_that_dances_between_the_levels_is_told_once() -> None:
    watcher = Watcher(BUSY)
    watcher.watch(4, lambda: [HIGH])

    for _ in range(20):
        watcher.watch(2, lambda: [BETWEEN])
        watcher.watch(4, lambda: [LOW])
        watcher.watch(1, lambda: [HIGH])

    assert watcher.told == [("busy", "web-1", "firing")]


def test_what_is_pending_is_listed_and_not_told() -> None:
    watcher = Watcher(BUSY)

    watcher.watch(2, lambda: [HIGH])

    assert watcher.states() == {("busy", "web-1"): "pending"}
    assert watcher.told == []
    watcher.look(BETWEEN)
    assert watcher.states() == {}


def test_a_silent_node_makes_no_alert_and_ends_none() -> None:
    watcher = Watcher(BUSY)
    watcher.watch(4, lambda: [HIGH])

    watcher.watch(100, lambda: [facts(silent=True)])
    watcher.watch(100, lambda: [facts(status="down", silent=True)])

    assert watcher.states() == {("busy", "web-1"): "firing"}
    (record,) = watcher.records()
    assert (record["value"], record["text"]) == (96.0, "CPU Load 96 % (when last seen) for 3 min 23 s")
    watcher.look(HIGH)
    assert watcher.records()[0]["text"] == "CPU Load 96 % for 3 min 24 s"


def test_an_alert_about_a_node_that_is_gone_for_good_is_over_in_the_end() -> None:
    watcher = Watcher(DOWN, BUSY)
    watcher.look(facts(status="down"), facts("web-2", host_cpu=0.99))

    watcher.watch(GONE, list)
    still = watcher.states()
    watcher.look()

    assert still == {("down", "web-1"): "firing"}  # what was only pending is gone at once
    assert watcher.told[-1] == ("down", "web-1", "resolved")
    assert "in the cluster no more" in watcher.records()[0]["text"]


def test_a_node_that_is_away_for_a_moment_is_not_gone() -> None:
    watcher = Watcher(DOWN)
    watcher.look(facts(status="down"))

    for _ in range(3):
        watcher.watch(GONE - 1, list)
        watcher.look(facts(status="down"))

    assert watcher.told == [("down", "web-1", "firing")]


def test_a_rule_is_about_the_nodes_that_it_names() -> None:
    only_web = rules('[rules.x]\nwhen = "status:down"\nnodes = "web-*"').rules[0]
    watcher = Watcher(only_web)

    watcher.look(facts("web-1", status="down"), facts("db-1", status="down"))

    assert watcher.states() == {("x", "web-1"): "firing"}


def test_the_growth_of_a_counter_is_kept_count_of() -> None:
    watcher = Watcher(STORM)
    watcher.look(facts(node_restarts=100))
    watcher.look(facts(node_restarts=103))
    watcher.look(facts(node_restarts=106))

    assert watcher.records()[0]["text"] == "Restarts 6 in 10 s"

    watcher.watch(10, lambda: [facts(node_restarts=106)])
    assert watcher.told == [("storm", "web-1", "firing"), ("storm", "web-1", "resolved")]


def test_what_nobody_saw_for_a_while_is_timed_anew() -> None:
    watcher = Watcher(BUSY)
    watcher.watch(2, lambda: [HIGH])

    watcher.now += GAP + 1  # the machine was asleep
    watcher.look(HIGH)

    assert watcher.states() == {("busy", "web-1"): "pending"}


def test_who_looks_seldom_has_long_gaps() -> None:
    ledger = Ledger(3 * 60.0)
    rule = rules('[rules.a]\nwhen = "cpu > 90 for 2m"').rules[0]

    for minute in range(4):
        ledger.look([rule], [HIGH], 60.0 * minute, UTC + 60.0 * minute)

    assert [one["state"] for one in ledger.records(UTC + 240)] == ["firing"]


def test_the_worst_comes_first_and_what_is_over_last() -> None:
    watcher = Watcher(BUSY, DOWN)
    watcher.watch(4, lambda: [HIGH, facts("db-1", status="down")])
    watcher.look(HIGH, facts("db-1"), facts("db-2", status="down"), facts("web-2", host_cpu=0.99))

    assert [(one["node"], one["state"]) for one in watcher.records()] == [
        ("db-2", "firing"), ("web-1", "firing"), ("web-2", "pending"), ("db-1", "resolved"),
    ]  # fmt: skip


def test_what_is_over_is_listed_for_an_hour_and_once_for_each_rule_and_node() -> None:
    watcher = Watcher(DOWN)
    for _ in range(3):
        watcher.look(facts(status="down"))
        watcher.look(facts())
    watcher.look(facts(status="down"))
    again = watcher.states()
    watcher.look(facts())

    assert again == {("down", "web-1"): "firing"}
    assert len(watcher.records()) == 1
    watcher.now += 3601
    assert watcher.records() == []


def test_the_version_is_another_after_every_change_and_only_then() -> None:
    watcher = Watcher(BUSY)
    versions = [watcher.ledger.version]
    for seen in (LOW, LOW, HIGH, HIGH, HIGH, HIGH, HIGH, BETWEEN, HIGH, LOW):
        watcher.look(seen)
        versions.append(watcher.ledger.version)

    changed = [after != before for before, after in pairwise(versions)]
    assert changed == [False, False, True, False, False, True, False, False, False, True]


def test_figures_that_change_are_a_new_version_now_and_then() -> None:
    watcher = Watcher(BUSY)
    watcher.watch(4, lambda: [HIGH])
    before = watcher.ledger.version

    watcher.watch(40, lambda: [facts(host_cpu=0.91 + (watcher.now % 7) / 100)])

    assert 3 <= watcher.ledger.version - before <= 4


# -------------------------------------------------------------------------------- silences


def test_of_a_silenced_alert_nobody_is_told_and_everybody_sees_it() -> None:
    watcher = Watcher(DOWN)
    watcher.silences = (Silence("do*", "web-*", UTC + 2000),)

    watcher.look(facts(status="down"), facts("db-1", status="down"))
    watcher.look(facts(), facts("db-1", status="down"))

    assert watcher.told == [("down", "db-1", "firing")]
    assert watcher.happened == [
        ("down", "web-1", "firing"), ("down", "db-1", "firing"), ("down", "web-1", "resolved"),
    ]  # fmt: skip
    assert [one["silenced"] for one in watcher.records()] == [False, True]


def test_when_its_silence_ends_what_still_fires_is_told() -> None:
    watcher = Watcher(DOWN)
    watcher.silences = (Silence("down", "*", UTC + 1005),)

    watcher.watch(3, lambda: [facts(status="down")])
    before = list(watcher.told)
    watcher.watch(3, lambda: [facts(status="down")])

    assert before == []
    assert watcher.told == [("down", "web-1", "firing")]


def test_who_was_told_that_it_fires_is_told_that_it_is_over() -> None:
    watcher = Watcher(DOWN)
    watcher.look(facts(status="down"))
    watcher.silences = (Silence("down", "*", UTC + 9999),)

    watcher.look(facts(status="down"))
    watcher.look(facts())

    assert watcher.told == [("down", "web-1", "firing"), ("down", "web-1", "resolved")]


# --------------------------------------------------------------------- from life to life


def test_another_life_of_the_program_goes_on_where_this_one_ended() -> None:
    first = Watcher(BUSY, DOWN)
    first.watch(4, lambda: [HIGH, facts("db-1", status="down")])
    kept = json.loads(json.dumps(first.ledger.as_data(first.at)))

    second = Watcher(BUSY, DOWN)
    second.now = 50.0  # the monotonic clock of another boot
    second.ledger.take_over(kept, second.rules, second.now, first.at + 60)
    restored = {(one["rule"], one["node"]): one["fired_at"] for one in second.ledger.records(first.at + 60)}
    changes = [
        second.ledger.look(second.rules, [HIGH, facts("db-1")], second.now + n, first.at + 60 + n)
        for n in range(3)
    ]

    assert restored == {("busy", "web-1"): UTC + 1004, ("down", "db-1"): UTC + 1001}
    told = [notice.record for one in changes for notice in one.notices]
    assert [(one["rule"], one["state"]) for one in told] == [("down", "resolved")]
    assert told[0]["text"] == "up; it lasted 1 min 3 s"


@pytest.mark.parametrize(
    "spoilt", [{}, {"firing": []}, {"firing": [{"rule": "other", "node": "n", "since": 1, "fired_at": 1}]}]
)
def test_what_makes_no_sense_is_left_out(spoilt: dict[str, object]) -> None:
    ledger = Ledger()

    ledger.take_over(spoilt, [BUSY], 0.0, UTC)

    assert ledger.records(UTC) == []


def test_the_wall_clock_may_be_set_and_how_long_it_lasted_stays_true() -> None:
    ledger = Ledger()
    ledger.look([DOWN], [facts(status="down")], 10.0, UTC)

    ledger.look([DOWN], [facts()], 20.0, UTC - 7200)  # somebody set it back by two hours

    assert ledger.records(UTC - 7200)[0]["text"] == "up; it lasted 10 s"


def test_what_a_rule_fired_that_is_no_more_is_over_and_told_so() -> None:
    watcher = Watcher(DOWN)
    watcher.look(facts(status="down"))

    watcher.rules = (BUSY,)
    watcher.look(facts(status="down"))

    (alert,) = watcher.records()
    assert watcher.told == [("down", "web-1", "firing"), ("down", "web-1", "resolved")]
    assert "nobody asks that rule any more" in alert["text"]


def test_a_rule_that_is_changed_keeps_what_fires_and_times_anew_what_is_pending() -> None:
    slow = rules('[rules.busy]\nwhen = "cpu > 90 for 10s"').rules[0]
    other = rules('[rules.busy]\nwhen = "cpu > 80 for 10s"\nseverity = "critical"').rules[0]
    watcher = Watcher(slow)
    watcher.watch(15, lambda: [facts("fires", host_cpu=0.95)])
    watcher.watch(8, lambda: [facts("fires", host_cpu=0.95), facts("pends", host_cpu=0.95)])

    watcher.rules = (other,)
    watcher.watch(5, lambda: [facts("fires", host_cpu=0.95), facts("pends", host_cpu=0.95)])

    assert watcher.states() == {("busy", "fires"): "firing", ("busy", "pends"): "pending"}
    assert watcher.records()[0]["severity"] == "critical"
    assert watcher.told == [("busy", "fires", "firing")]


def test_a_rule_that_is_the_same_in_a_file_that_is_read_again_loses_nothing() -> None:
    watcher = Watcher(*rules('[rules.busy]\nwhen = "cpu > 90 for 10s"').rules)
    watcher.watch(8, lambda: [facts(host_cpu=0.95)])

    text = '[rules.busy]\nwhen = "cpu > 90 for 10s"\n[rules.more]\nwhen = "restarts > 5 in 1m"'
    watcher.rules = rules(text).rules
    watcher.watch(4, lambda: [facts(host_cpu=0.95)])

    assert watcher.states() == {("busy", "web-1"): "firing"}
