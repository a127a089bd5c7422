"""Who sees whom, alerts, one process from near; what can be done, and what is said of it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eye.tui import alerts_page, cells, deeds, hints, process_page, sight_page
from eye.tui.talk import Talk
from tests.tui.still import NOW, StillView, alert, document, flat, node_view, process, sightings
from tests.tui.test_pages import NASTY, WIDTHS, harmless, width

# --------------------------------------------------------------------------------- who sees whom


def test_where_all_agree_one_sentence_says_so() -> None:
    above, heading, rows = sight_page.rows(sightings(["frodo", "sam"]), 80)

    assert cells.plain(above[0]) == "● all 2 nodes see each other alike"
    assert cells.plain(heading) == "SEES ▸   1 2"
    assert [cells.plain(row) for row in rows] == ["1 frodo  · ●", "2 sam    ● ·"]


@pytest.mark.parametrize(
    ("differing", "said"),
    [
        ({"a__b": "down"}, ["a sees b as down; 2 others see it up"]),
        ({"a__b": "nothing"}, ["a does not know b; 2 others see it up"]),
        (
            {"a__d": "down", "b__d": "down"},
            ["c sees d as up; 2 others see it down"],
        ),
        ({"a__b": "down", "c__b": "down", "d__b": "down"}, []),  # it is down, and all agree
    ],
)
def test_where_they_do_not_it_says_who(differing: dict[str, str], said: list[str]) -> None:
    assert sight_page.sentences(sightings(["a", "b", "c", "d"], **differing)) == said


def test_who_does_not_answer_has_a_row_that_says_why() -> None:
    told = sightings(["a", "b"])
    told["rows"][1] = {"node": "b", "error": "connection refused", "sees": {}}

    above, _, rows = sight_page.rows(told, 80)

    assert "b does not tell whom it sees: connection refused" in cells.plain(above[0])
    assert cells.plain(rows[1]).endswith("✖ connection refused")


def test_of_many_those_come_first_that_are_not_seen_alike() -> None:
    names = [f"node-{number:03}" for number in range(300)]
    told = sightings(names, **{"node-000__node-250": "down"})
    told = {**told, "rows": told["rows"][:32], "left_out": 268}

    _, heading, rows = sight_page.rows(told, 100)

    assert heading[1][0].strip() == "251"
    assert "more: ← →" in cells.plain(heading)
    assert cells.plain(rows[-1]) == "  268 others were not asked"
    _, later, _ = sight_page.rows(told, 100, 5)
    assert later[1][0] == heading[6][0]


@pytest.mark.parametrize(
    ("told", "said"), [(None, "asks every node"), ({**sightings([]), "rows": []}, "there is nobody")]
)
def test_nobody_to_ask(told: Any, said: str) -> None:
    assert said in cells.plain(sight_page.rows(told, 80)[2][0])


@given(WIDTHS, st.integers(0, 400))
def test_the_matrix_fits_and_is_harmless(columns: int, first: int) -> None:
    told = sightings([NASTY, "b" * 300, "c", "日本語"], b__c=NASTY)
    told["rows"][2]["error"] = NASTY

    above, heading, rows = sight_page.rows(told, columns, first)

    assert all(width(line) <= columns and harmless(line) for line in (*above, heading, *rows))


# ---------------------------------------------------------------------------------------- alerts

PENDING = alert("b", state="pending", severity="warning", fired_at=None, since=NOW - 3)
OVER = alert("c", state="resolved", resolved_at=NOW - 1)
SILENT = alert("d", silenced=True)


def test_what_fires_comes_first_and_the_critical_before_that() -> None:
    warning = alert("a", severity="warning", fired_at=NOW)

    ordered = alerts_page.arrange([OVER, PENDING, SILENT, warning, alert("e")])

    assert [one["node"] for one in ordered] == ["e", "a", "d", "b", "c"]


def test_each_says_in_words_how_it_is() -> None:
    heading, rows = alerts_page.rows([alert("a"), PENDING, OVER, SILENT], 100)

    assert cells.plain(heading).split() == ["ALERT", "NODE", "SINCE", "WHAT"]
    said = [cells.plain(row) for row in rows]
    assert said[0].startswith("▲ firing critical   a")
    assert said[0].endswith("19:27:48  busy: CPU 97 % for 12 s")
    assert [line.split()[1] for line in said] == ["firing", "silenced", "pending", "resolved"]
    assert said[3].endswith("over after 11 s")


@pytest.mark.parametrize(
    ("alerts", "said"),
    [
        ([], ""),
        ([PENDING, OVER, SILENT], ""),
        ([alert("a", severity="warning")], "▲ 1 alert"),
        ([alert("a"), alert("b", severity="warning")], "▲ 2 alerts, critical"),
    ],
)
def test_the_first_line_counts_those_that_fire(alerts: list[Any], said: str) -> None:
    assert cells.plain(alerts_page.headline(alerts)) == said


def test_of_a_moment_of_the_past_it_is_told_what_fired_then() -> None:
    found = alerts_page.at([alert("a"), OVER, PENDING], NOW - 5)

    assert [(one["node"], one["state"]) for one in found] == [("a", "firing"), ("c", "firing")]
    assert [one["state"] for one in alerts_page.at([alert("a")], NOW - 20)] == ["pending"]


@given(WIDTHS)
def test_alerts_fit_and_are_harmless(columns: int) -> None:
    heading, rows = alerts_page.rows([alert(NASTY, rule=NASTY, text=NASTY, state=NASTY)], columns)

    assert all(width(line) <= columns and harmless(line) for line in (heading, *rows))


# --------------------------------------------------------------------------- a process from near


def test_a_process_tells_its_story() -> None:
    (orders,) = (one for one in flat(document()["tree"]) if one["id"] == "orders")

    said = [cells.plain(line) for line in process_page.rows(orders, orders["path"], NOW, 100)]

    assert said[0] == "/eye/local/orders#3   ● running   permanent   shop.orders.Orders"
    assert said[1] == "handled 1204 messages, 0 waiting; started 1 min 0 s ago"
    assert said[4:] == [
        "LAST RESTARTS",
        "19:27:59  it crashed: ValueError: no such order, 1 of 3 in 5 s, 1.5 s later",
        "19:27:30  it crashed: ValueError: no such order, 1 of 3 in 5 s",
    ]


def test_one_that_is_gone_is_said_to_be() -> None:
    assert cells.plain(process_page.rows(None, "/x", NOW, 80)[0]) == "there is no /x any more"


def test_a_state_is_a_table_of_names_and_texts() -> None:
    told = StillView(node_view()).state("mystic-node-1", "/x")

    said = [cells.plain(line) for line in process_page.state(told, None, 12.0, 80)]

    assert said == [
        "",
        "STATE of a shop.orders.Orders, as it was 12 s ago; i asks again",
        "_orders  {17: 'ring', 18: 'cloak'}",
        "_last    None",
    ]
    assert "it has none" in cells.plain(process_page.state({**told, "state": []}, None, 0.0, 60)[-1])
    assert "waits" in cells.plain(process_page.state(None, None, None, 60)[1])


@given(WIDTHS)
def test_a_process_and_its_state_fit_and_are_harmless(columns: int) -> None:
    nasty = process(NASTY, NASTY, module=NASTY, status=NASTY, last_exit=NASTY, restart=NASTY, mailbox_age=1e9)
    told = {"behaviour": NASTY, "status": NASTY, "state": [[NASTY, NASTY], ["e\u0301", "日本語" * 100]]}

    for line in process_page.rows(nasty, NASTY, NOW, columns) + process_page.state(told, NASTY, 9.0, columns):
        assert width(line) <= columns
        assert harmless(line)


# ------------------------------------------------------------------- what can be done, and talk


@pytest.mark.parametrize("deed", deeds.DEEDS.values(), ids=lambda deed: deed.name)
def test_every_deed_says_what_it_did(deed: deeds.Deed) -> None:
    said = deed.act(StillView(node_view()), "mystic-node-1", "/eye/local/orders")  # type: ignore[arg-type]

    assert said.startswith("/eye/local/orders " if deed.of_process else "mystic-node-1: 17 objects collected")
    assert deed is deeds.RESUME or deed.question is not None


def test_of_a_node_that_cannot_tell_its_memory_nothing_is_said_to_be_freed() -> None:
    view = StillView(node_view())
    receipt = view.collect_garbage("mystic-node-1")
    view.collect_garbage = lambda node: {**receipt, "rss_before": None, "rss_after": None}  # type: ignore[method-assign]

    assert deeds.GC.act(view, "a", "") == "a: 17 objects collected, stopped for 12.3 ms"  # type: ignore[arg-type]


@given(WIDTHS, st.sampled_from([deed for deed in deeds.DEEDS.values() if deed.question]))
def test_a_question_fits_and_is_harmless(columns: int, deed: deeds.Deed) -> None:
    talk = Talk()
    talk.ask(deeds.question(deed, NASTY, NASTY, columns) or "", str)

    assert talk.is_asking
    for line in talk.lines(columns):
        assert width(line) <= columns
        assert harmless(line)


def test_only_yes_is_yes() -> None:
    talk = Talk()
    talk.ask("Really?", lambda: "done")

    assert talk.answer("Y") is None
    assert not talk.is_asking
    talk.ask("Really?", lambda: "done")
    act = talk.answer("y")
    assert act is not None
    assert act() == "done"


def test_a_long_sentence_takes_several_lines_and_goes_with_the_next_key() -> None:
    talk = Talk()
    talk.say("node 'a' does not allow 'kill'; start it with --allow kill", "down")

    assert [cells.plain(line) for line in talk.lines(40)] == [
        "node 'a' does not allow 'kill'; start it",
        "with --allow kill",
    ]
    talk.heard()
    assert talk.lines(40) == []


@pytest.mark.parametrize(
    ("at", "columns", "said"),
    [
        (4, 80, "    ^ a number is expected"),
        (70, 80, f"{'a number is expected':>69} ^"),
        (90, 80, "character 91: a number is expected"),
        (0, 10, "^ a numbe…"),
    ],
)
def test_the_line_below_a_filter_points_at_what_is_wrong(at: int, columns: int, said: str) -> None:
    line = hints.pointing(at, "a number is expected", columns)

    assert cells.plain(line) == said
    assert width(line) <= columns
