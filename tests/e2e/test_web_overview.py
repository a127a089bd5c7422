"""What is seen of the whole cluster: trees of all nodes, who sees whom, alerts, the past, what looking costs."""

from __future__ import annotations

from typing import Any

import pytest

from eye.testing import until
from tests.browser import PROGRAM, Browser
from tests.web.pages import ROOT, TEXT, Answers, opened
from tests.web.world import START, node, tree

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(PROGRAM is None, reason="no Chromium on this machine"),
    pytest.mark.xdist_group("browser"),
]

SLIDER = f"{ROOT}.querySelector('.timeline input')"
BADGE = f"{ROOT}.querySelector('.badge')"
VISIBLE = f"[...{ROOT}.querySelectorAll('.tree li')].filter((one) => one.checkVisibility())"
ITEMS = f"{VISIBLE}.map((one) => one.querySelector('.name').textContent)"


def sees(**statuses: str) -> dict[str, Any]:
    return {name: {"status": status, "age": 1.0} for name, status in statuses.items()}


def alert(**changes: Any) -> dict[str, Any]:
    made = {"rule": "busy", "node": "alpha", "severity": "warning", "state": "firing", "since": START - 12}
    made |= {"fired_at": START - 2, "resolved_at": None, "value": 0.96, "text": "CPU 96 % for 12 s"}
    return {**made, "silenced": False, **changes}


def test_the_past_is_shown_as_such_while_the_feed_goes_on(browser: Browser, answers: Answers) -> None:
    page = opened(browser, answers, "?node=alpha&panel=tree")
    page.wait_for(f"{TEXT}.includes('sampler')")

    page.get(f"{SLIDER}.focus()")
    page.press("PageDown")

    page.wait_for(f"{TEXT}.includes('long-gone') && {TEXT}.includes('This is the past')")
    page.wait_for(f"{ROOT}.querySelector('.panel .state').textContent.includes('as of')")
    assert not page.get(f"{TEXT}.includes('beta')")
    assert page.get(f"{ROOT}.querySelector('.pulse').textContent") == "the past"
    answers.world.held["delta"] = node("delta")
    page.wait_for(f"{ROOT}.querySelector('.from')")
    page.press("End")
    page.wait_for(f"{TEXT}.includes('delta') && !{TEXT}.includes('long-gone')")
    assert page.get(f"{ROOT}.querySelector('.then').hidden")
    assert page.messages == []


def test_nodes_that_see_the_network_differently_stand_out(browser: Browser, answers: Answers) -> None:
    rows = [
        {"node": "alpha", "error": None, "sees": sees(beta="up", gamma="up")},
        {"node": "beta", "error": None, "sees": sees(alpha="up", gamma="up")},
        {"node": "gamma", "error": None, "sees": sees(alpha="down", beta="up")},
        {"node": "delta", "error": "down: no answer", "sees": {}},
    ]
    answers.sightings = {"nodes": ["alpha", "beta", "gamma"], "rows": rows}
    page = opened(browser, answers)

    page.get(f"[...{ROOT}.querySelectorAll('.tools .choice button')][2].click()")

    page.wait_for(f"{ROOT}.querySelector('.sightings td.odd')")
    said = page.get(f"{ROOT}.querySelector('.sightings').textContent")
    assert "two opinions about 1 node; 1 did not answer" in said
    assert "alpha: ● up for beta · ✖ down for gamma" in said
    assert page.get(f"{ROOT}.querySelector('.sightings td.odd').textContent") == "✖down"
    assert (
        page.get(f"{ROOT}.querySelector('.sightings td.odd').title") == "gamma sees alpha down, last heard 1 s ago"
    )
    assert page.get("new URLSearchParams(location.search).get('show')") == "sightings"


def test_the_trees_of_all_nodes_stand_below_each_other(browser: Browser, answers: Answers) -> None:
    answers.world.trees["beta"] = tree("eye", children=[tree("probe")])
    page = opened(browser, answers, "?show=trees")

    page.wait_for(f"{ITEMS}.includes('sampler') && {ITEMS}.includes('probe')")

    assert page.get(ITEMS) == ["alpha", "eye", "sampler", "beta", "eye", "probe", "gamma"]
    levels = f"{VISIBLE}.map((one) => one.getAttribute('aria-level'))"
    assert page.get(levels) == ["1", "2", "3", "1", "2", "3", "1"]


def test_a_tree_is_searched_and_folded(browser: Browser, answers: Answers) -> None:
    children = [
        tree("local", children=[tree("sampler"), tree("clock")]),
        tree("cluster", children=[tree("names")]),
    ]
    answers.world.trees["alpha"] = tree("eye", children=children)
    page = opened(browser, answers, "?node=alpha&panel=tree")
    page.wait_for(f"{ITEMS}.includes('names')")

    page.get(f"{ROOT}.querySelector('.trees .filter').focus()")
    page.press(*"samp")
    page.wait_for(f"{ITEMS}.join() === 'eye,local,sampler'")
    page.press(*["Backspace"] * 4)
    page.wait_for(f"{ITEMS}.length === 6")
    page.get(f"{ROOT}.querySelectorAll('.line')[1].focus()")
    page.press("ArrowLeft")

    page.wait_for(f"{ITEMS}.join() === 'eye,local,cluster,names'")
    assert page.get(f"{ROOT}.querySelectorAll('.tree li')[1].getAttribute('aria-expanded')") == "false"


def test_a_restart_is_told_with_its_reason_and_its_price(browser: Browser, answers: Answers) -> None:
    page = opened(browser, answers, "?node=alpha&panel=tree")
    page.wait_for(f"{ITEMS}.includes('sampler')")
    crashed = tree(
        "sampler",
        serial=2,
        incarnation=2,
        restarts=1,
        last_exit="ValueError: no such disk",
        last_exit_at=START - 3,
        restart="transient",
        cause={"child": "clock"},
    )
    left = {"id": "helper", "reason": "ValueError: gone", "rule": "temporary: never restarted", "at": START - 5}
    budget = {"max_restarts": 3, "max_seconds": 5.0, "used": 1}
    answers.world.trees["alpha"] = tree("eye", children=[crashed], budget=budget, departed=[left])

    page.wait_for(f"{ROOT}.querySelector('.line.new .name')?.textContent === 'sampler'")

    text = page.get(f"{ROOT}.querySelector('.tree').textContent")
    assert "sampler#2" in text
    assert "■□□ 1 of 3" in text
    assert "transient" in text
    assert "restarted once, last 3 s ago: ValueError: no such disk, because of clock" in text
    assert "exited 5 s ago: ValueError: gone, temporary: never restarted" in text
    assert page.get(f"{ROOT}.querySelector('.line.new').getAnimations().length") == 1


def test_who_wants_no_motion_gets_a_mark_instead(browser: Browser, answers: Answers) -> None:
    page = opened(browser, answers, "?node=alpha&panel=tree")
    page.emulate(prefers_reduced_motion="reduce")
    page.wait_for(f"{ITEMS}.includes('sampler')")

    answers.world.trees["alpha"] = tree("eye", children=[tree("sampler", serial=2, incarnation=2)])

    page.wait_for(f"{ROOT}.querySelector('.line.new')")
    assert page.get(f"{ROOT}.querySelector('.line.new').getAnimations().length") == 0
    assert page.get(f"getComputedStyle({ROOT}.querySelector('.line.new')).boxShadow") != "none"


def test_the_picture_shows_each_process_and_leads_to_its_line(browser: Browser, answers: Answers) -> None:
    page = opened(browser, answers, "?node=alpha&panel=tree")
    page.wait_for(f"{ITEMS}.includes('sampler')")

    page.get(f"[...{ROOT}.querySelectorAll('.trees button')].find((one) => one.textContent === 'Picture').click()")
    page.wait_for(f"{ROOT}.querySelector('.canvas').ariaLabel?.startsWith('picture of 2 processes')")
    pen = f"{ROOT}.querySelector('canvas').getContext('2d').getImageData(5, 5, 1, 1).data"
    assert page.get(f"[...{pen}].slice(0, 3)") == [11, 106, 91]  # the accent, as the sheet has it for a light page
    box = page.get(f"(({ROOT}.querySelector('.canvas').getBoundingClientRect()).toJSON())")
    page.move_mouse(box["x"] + 154, box["y"] + 7, click=True)

    page.wait_for(f"{ROOT}.activeElement?.textContent.includes('sampler')")


def test_alerts_are_counted_at_the_top_and_told_below(browser: Browser, answers: Answers) -> None:
    answers.alerts = [
        alert(state="resolved", resolved_at=START, rule="old"),
        alert(),
        alert(severity="critical", node="beta"),
    ]
    page = opened(browser, answers)

    page.wait_for(f"{BADGE}.textContent === '▲ 2 alerts'")

    lines = f"[...{ROOT}.querySelectorAll('[aria-label=alerts] li')]"
    words = page.get(f"{lines}.map((one) => one.querySelector('.word').textContent)")
    assert words == ["critical", "warning", "resolved"]
    page.wait_for(f"/^CPU 96 % for 1[2-9] s – busy$/.test({lines}[0].querySelector('.words').textContent)")
    answers.alerts = []
    page.wait_for(f"{BADGE}.hidden")
    assert page.get(f"{ROOT}.querySelector('section[aria-label=alerts]').hidden")


def test_alerts_that_could_not_be_asked_for_are_asked_for_again(browser: Browser, answers: Answers) -> None:
    answers.alerts = [alert()]
    answers.broken = True
    page = opened(browser, answers)
    until(lambda: any("/api/v1/alerts" in url for url in answers.urls), 30.0)

    answers.broken = False

    page.wait_for(f"{BADGE}.textContent === '◆ 1 alert'")


def test_a_moment_that_nobody_can_tell_of_says_why(browser: Browser, answers: Answers) -> None:
    page = opened(browser, answers)
    answers.past_error = "the nodes remember the last hour only"

    page.get(f"{SLIDER}.focus()")
    page.press("PageDown")

    page.wait_for(f"{ROOT}.querySelector('.empty').textContent === {answers.past_error!r}")
    assert not page.get(f"{ROOT}.querySelector('.table').innerText.includes('beta')")
    page.wait_for(f"{ROOT}.querySelector('p.spoken').textContent === {answers.past_error!r}")


def test_what_is_over_at_once_is_no_line_of_the_alerts(browser: Browser, answers: Answers) -> None:
    answers.alerts = [alert(state="pending", fired_at=None, since=START)]
    page = opened(browser, answers)
    shown = f"{ROOT}.querySelector('section[aria-label=alerts]').checkVisibility()"
    page.wait_for(f"{ROOT}.querySelectorAll('[aria-label=alerts] li').length === 1")
    assert not page.get(shown)

    answers.alerts = [alert(state="pending", fired_at=None, since=START - 12)]

    page.wait_for(shown)


def test_what_looking_costs_is_on_screen(browser: Browser, answers: Answers) -> None:
    page = opened(browser, answers, "?node=alpha&panel=cost")

    page.wait_for(f"{TEXT}.includes('What answering others costs this node')")

    first = page.get(f"{ROOT}.querySelector('.list tbody tr').innerText").split()
    assert first == ["watcher", "0.05%", "3.1/s", "300B/s", "2.5KB/s"]
    page.wait_for(f"/This page takes [1-9][\\d.]*K?B/.test({TEXT})")


def test_a_signed_link_shows_its_panel_and_nothing_else(browser: Browser, answers: Answers) -> None:
    answers.key = {"node": "alpha", "panel": "tree", "expires": START + 3600}

    page = browser.open(f"{answers.url}?node=alpha&panel=tree&key=signed")

    page.wait_for(f"{TEXT}.includes('sampler') && {TEXT}.includes('shared until')")
    assert not page.get(f"{TEXT}.includes('beta')")
    assert page.get(f"{ROOT}.querySelectorAll('[role=tab]').length") == 1
    assert answers.urls
    assert all("key=signed" in url for url in answers.urls if "/static/" not in url)


@pytest.mark.parametrize("history", [False, True])
def test_graphs_reach_as_far_as_there_is_history(browser: Browser, answers: Answers, history: bool) -> None:
    answers.history = history
    page = opened(browser, answers, "?node=alpha&panel=graphs&range=86400")
    page.wait_for(f"{ROOT}.querySelector('figure .mean[d]')")

    page.wait_for(f"{ROOT}.querySelectorAll('.graphs .choice button').length === {7 if history else 3}")

    chosen = page.get(f"{ROOT}.querySelector('.graphs [aria-pressed=true]').textContent")
    assert chosen == ("1 d" if history else "1 h")


def test_own_figures_of_a_program_are_drawn_too(browser: Browser, answers: Answers) -> None:
    answers.world.change("alpha", custom={"orders": 7.0})
    page = opened(browser, answers, "?node=alpha&panel=graphs")

    page.wait_for(f"[...{ROOT}.querySelectorAll('figcaption')].at(-1)?.textContent.startsWith('orders')")
