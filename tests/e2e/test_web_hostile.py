"""Names and texts that mean harm are shown harmlessly in every panel, under a strict policy, without a word."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest

from tests.browser import PROGRAM, Browser
from tests.web.pages import ROOT, TEXT, Answers, process
from tests.web.world import START, node, tree

if TYPE_CHECKING:
    from tests.browser import Page

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(PROGRAM is None, reason="no Chromium on this machine"),
    pytest.mark.xdist_group("browser"),
]

NAMES = {
    "script": "<script>alert(1)</script>",
    "picture": "<img src=x onerror=alert(1)>",
    "turned": "abc\u202egpj.exe\u2066\u200f",
    "control": "a\x00b\x1b[31mc\x07\r\nd\x9b",
    "endless": "x" * 10_000,
    "invisible": "\u200b\ufeff\u2060",
}
FORBIDDEN = {"\x00", "\x07", "\x1b", "\x9b", "\u202e", "\u2066", "\u200b", "\u200f", "\ufeff", "\u2060"}
PANELS = ("nodes", "graphs", "tree", "processes", "cost", "trees", "sightings", "events", "alerts")


def fill(answers: Answers, name: str) -> None:
    """Have everything carry the name that can carry one."""
    answers.history = True
    answers.may = ["gc", "crash", "handle", "state", "links"]
    answers.world.held.clear()
    answers.world.held[name] = node(name, custom={name: 7.0})
    answers.world.held["other"] = node("other", "down", reason=name)
    odd = tree(name, module=name, last_exit=name, cause={"child": name}, not_restarted={"rule": name})
    answers.world.trees[name] = tree(name, children=[odd, tree("b", status=name, serial=2)], strategy=name)
    answers.processes = [process(name, module=name, status=name)]
    answers.sightings = {
        "nodes": [name, "other"],
        "rows": [
            {"node": name, "error": None, "sees": {"other": {"status": name, "age": 1.0}}},
            {"node": "other", "error": name, "sees": {}},
        ],
    }
    about = {"rule": name, "node": name, "severity": "critical", "text": name, "silenced": False}
    times = {"since": START, "fired_at": START, "resolved_at": None, "value": 1.0}
    answers.alerts = [{**about, **times, "state": "firing"}, {**about, **times, "state": name}]
    answers.happen(name)


def harmless(page: Page, width: int) -> None:
    text = page.get(TEXT)
    assert not FORBIDDEN & set(text)
    assert "x" * 3_000 not in text
    assert page.get(f"{ROOT}.querySelectorAll('script, img, iframe, [onerror]').length") == 0
    assert page.get("document.querySelectorAll('script').length") == 1  # our own
    assert page.get("document.documentElement.scrollWidth") <= width
    assert page.messages == []


@pytest.mark.parametrize("kind", NAMES)
def test_a_hostile_name_is_only_text_in_every_panel(browser: Browser, answers: Answers, kind: str) -> None:
    name = NAMES[kind]
    fill(answers, name)

    for panel in PANELS:
        asked = {"view": panel, "node": name if panel in ("graphs", "tree", "processes", "cost") else ""}
        page = browser.open(f"{answers.url}?{urlencode(asked)}", width=390 if panel == "tree" else 1280)
        page.wait_for(f"{ROOT} && !{ROOT}.querySelector('.lost') && {SETTLED[panel]}")
        harmless(page, 390 if panel == "tree" else 1280)


SETTLED: dict[str, Any] = {
    "nodes": f"{ROOT}.querySelector('.row .node .words')",
    "graphs": f"{ROOT}.querySelector('figure .mean[d]')",
    "tree": f"{ROOT}.querySelectorAll('.tree li').length > 2",
    "processes": f"{ROOT}.querySelector('.list tbody tr')",
    "cost": f"{ROOT}.querySelector('.list tbody tr')",
    "trees": f"{ROOT}.querySelectorAll('.tree li').length > 3",
    "sightings": f"{ROOT}.querySelector('.sightings tbody tr')",
    "events": f"{ROOT}.querySelector('.events li')",
    "alerts": f"{ROOT}.querySelector('.events li')",
}
"""Of each panel, what is there once it shows something."""


def test_the_whole_page_with_its_dialogs_keeps_a_hostile_name_harmless(browser: Browser, answers: Answers) -> None:
    name = NAMES["script"] + NAMES["turned"] + NAMES["control"]
    fill(answers, name)
    page = browser.open(f"{answers.url}?{urlencode({'node': name, 'panel': 'tree'})}")
    page.wait_for(f"{ROOT}?.querySelector('.may-act .line')")

    page.get(f"{ROOT}.querySelector('.act').click()")

    page.wait_for(f"{ROOT}.querySelector('dialog').open")
    harmless(page, 1280)
    assert (
        page.get("(() => { try { document.body.innerHTML = '<b>'; } catch (e) { return e.name; } })()")
        == "TypeError"
    )
