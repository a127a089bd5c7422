"""With the keyboard alone everything is reached and done; what a screen reader is told, as Chromium tells it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.browser import PROGRAM, Browser
from tests.web.pages import ROOT, TEXT, Answers, opened
from tests.web.world import node, tree

if TYPE_CHECKING:
    from tests.browser import Page

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(PROGRAM is None, reason="no Chromium on this machine"),
    pytest.mark.xdist_group("browser"),
]

FOCUS = f"{ROOT}.activeElement"


def told(page: Page) -> list[dict[str, Any]]:
    """Read the accessibility tree: role, name and properties of what is not ignored."""
    nodes = page.send("Accessibility.getFullAXTree")["nodes"]
    return [
        {
            "role": one["role"]["value"],
            "name": one.get("name", {}).get("value", ""),
            **{each["name"]: each["value"].get("value") for each in one.get("properties", ())},
        }
        for one in nodes
        if not one["ignored"]
    ]


def of_role(page: Page, role: str) -> list[dict[str, Any]]:
    return [one for one in told(page) if one["role"] == role]


def tab_to(page: Page, condition: str) -> None:
    """Press Tab until what has the focus is what is meant."""
    for _ in range(40):
        if page.get(f"Boolean({FOCUS} && {condition})"):
            assert page.get(f"{FOCUS}.matches(':focus-visible')")
            return
        page.press("Tab")
    raise AssertionError(f"Tab never came to {condition}")


def test_everything_is_done_with_keys_alone(browser: Browser, answers: Answers) -> None:
    answers.may = ["gc", "crash", "handle", "state", "links"]
    page = opened(browser, answers)
    tab_to(page, f"{FOCUS}.getAttribute('role') === 'grid'")
    page.press("Home", "Enter")
    page.wait_for(f"{TEXT}.includes('sampler')")

    tab_to(page, f"{FOCUS}.dataset.page === 'tree'")
    page.press("ArrowRight")
    page.wait_for(f"{TEXT}.includes('/eye/b')")
    tab_to(page, f"{FOCUS}.getAttribute('aria-label') === 'processes'")
    page.press("ArrowDown", "Enter")
    page.wait_for(f"{ROOT}.querySelector('dialog').open")
    page.press("Tab", "Tab", "Enter")  # look at its state, suspend, resume
    page.press(*"secret", "Enter")
    page.wait_for(f"{ROOT}.querySelector('.receipt').textContent.includes('/eye/b was')")
    page.press("Escape")

    page.wait_for(f"{ROOT}.querySelector('.panel').hidden")
    page.wait_for(f"{FOCUS}.getAttribute('role') === 'grid'")
    page.press("/")
    page.wait_for(f"{FOCUS}.matches('input.filter')")
    page.press(*"gamma", "Enter")
    page.wait_for(f"{TEXT}.includes('1 of 3')")
    tab_to(page, f"{FOCUS}.textContent === 'Who sees whom'")
    page.press("Enter")
    page.wait_for(f"{ROOT}.querySelector('.sightings')?.isConnected")
    tab_to(page, f"{FOCUS}.matches('.timeline input')")
    page.press("ArrowLeft")
    page.wait_for(f"{TEXT}.includes('This is the past')")
    assert page.messages == []


def test_a_tree_is_walked_with_arrows(browser: Browser, answers: Answers) -> None:
    inner = [tree("local", children=[tree("sampler")]), tree("names")]
    answers.world.trees["alpha"] = tree("eye", children=inner)
    page = opened(browser, answers, "?node=alpha&panel=tree")
    page.wait_for(f"{TEXT}.includes('names')")
    tab_to(page, f"{FOCUS}.matches('.line')")
    name = f"{FOCUS}.querySelector('.name').textContent"

    walked = []
    for key in ("ArrowRight", "ArrowRight", "ArrowLeft", "ArrowLeft", "ArrowLeft", "End", "Home"):
        page.press(key)
        walked.append(page.get(name))

    assert walked == ["local", "sampler", "local", "local", "eye", "names", "eye"]


def test_a_screen_reader_is_told_a_grid_of_all_nodes(browser: Browser, answers: Answers) -> None:
    for number in range(200):
        name = f"node-{number:03}"
        answers.world.held[name] = node(name)
    page = opened(browser, answers)
    page.wait_for(f"{ROOT}.querySelector('.grid').getAttribute('aria-rowcount') === '204'")
    tab_to(page, f"{FOCUS}.getAttribute('role') === 'grid'")
    page.press("Home")

    [grid] = of_role(page, "grid")
    assert grid["name"] == "nodes"
    assert grid["focused"]
    assert len(of_role(page, "row")) < 60
    assert next(one["name"] for one in of_role(page, "row") if one.get("selected")).startswith("alpha")
    heads = [one["name"] for one in of_role(page, "columnheader")]
    assert heads[:2] == ["node", "status"]
    assert {one["name"] for one in of_role(page, "rowheader")} > {"alpha", "gamma"}
    assert "up" in {one["name"] for one in of_role(page, "gridcell")}


def test_a_screen_reader_is_told_a_tree_with_levels(browser: Browser, answers: Answers) -> None:
    page = opened(browser, answers, "?node=alpha&panel=tree")
    page.wait_for(f"{TEXT}.includes('sampler')")

    [whole] = of_role(page, "tree")
    items = of_role(page, "treeitem")
    assert whole["name"] == "supervision tree"
    assert [(one["level"], one.get("expanded")) for one in items] == [(1, True), (2, None)]
    assert [one["name"] for one in of_role(page, "tab") if one["selected"]] == ["Tree"]


def test_only_what_is_rare_is_spoken_and_that_together(browser: Browser, answers: Answers) -> None:
    page = opened(browser, answers)
    [status] = [one for one in told(page) if one["role"] == "status" and one.get("live") == "polite"][:1]
    assert status["name"] == ""
    page.get(
        f"window.spoken = []; new MutationObserver(() => spoken.push({ROOT}.querySelector('.spoken').textContent))"
        f".observe({ROOT}.querySelector('.spoken'), {{ childList: true, characterData: true, subtree: true }})"
    )

    answers.world.pass_time(5)
    answers.world.change("alpha", status="down")
    page.wait_for(f"{ROOT}.querySelector('.row.down')")
    answers.world.change("beta", status="down")

    page.wait_for("spoken.length")
    [said] = page.get("spoken")
    assert "alpha" in said
    assert said.endswith("beta down")
    live = "[...document.querySelectorAll('sorcerers-eye')][0].shadowRoot.querySelectorAll('.table [aria-live]')"
    assert page.get(f"{live}.length") == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_stand_out_from_what_is_behind_them(browser: Browser, answers: Answers, scheme: str) -> None:
    answers.alerts = [
        {"rule": "r", "node": "alpha", "severity": "critical", "state": "firing", "since": 1.0, "fired_at": 1.0}
        | {"resolved_at": None, "value": 1.0, "text": "CPU", "silenced": False}
    ]
    page = opened(browser, answers, "?node=alpha&panel=tree", scheme=scheme)
    page.wait_for(f"{ROOT}.querySelector('.badge:not([hidden])')")

    poor = page.get(CONTRASTS)

    assert poor == []


CONTRASTS = f"""(() => {{
  const pen = document.createElement("canvas").getContext("2d", {{ willReadFrequently: true }});
  const rgb = (colour, under) => {{
    pen.fillStyle = under ? `rgb(${{under.join()}})` : "white";
    pen.fillRect(0, 0, 1, 1);
    pen.fillStyle = colour;
    pen.fillRect(0, 0, 1, 1);
    return [...pen.getImageData(0, 0, 1, 1).data].slice(0, 3);
  }};
  const linear = (part) => part <= .03928 ? part / 12.92 : ((part + .055) / 1.055) ** 2.4;
  const weights = [.2126, .7152, .0722];
  const light = (colour) => colour.reduce((sum, part, at) => sum + linear(part / 255) * weights[at], 0);
  const behind = (element) => {{
    const chain = [];
    for (let each = element; each; each = each.parentElement)
      chain.unshift(getComputedStyle(each).backgroundColor);
    return chain.reduce((under, colour) => rgb(colour, under), [255, 255, 255]);
  }};
  const poor = [];
  for (const element of {ROOT}.querySelectorAll("*")) {{
    const own = [...element.childNodes].some((each) => each.nodeType === 3 && each.data.trim());
    if (!own || !element.checkVisibility({{ visibilityProperty: true }})) continue;
    const under = behind(element);
    const [a, b] = [light(rgb(getComputedStyle(element).color, under)), light(under)];
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    const what = `${{element.className || element.tagName}} ${{element.textContent.slice(0, 20)}}`;
    if (ratio < 4.5) poor.push(`${{what}} ${{ratio.toFixed(2)}}`);
  }}
  return poor;
}})()"""
"""Lists the words whose contrast to their ground is below 4.5."""


def test_without_colours_rows_and_choices_are_told_apart(browser: Browser, answers: Answers) -> None:
    page = opened(browser, answers)
    page.emulate(forced_colors="active")

    page.wait_for(f"{ROOT}.querySelector('.row.down')")

    assert page.get(f"getComputedStyle({ROOT}.querySelector('.row.down')).outlineStyle") == "dashed"
    assert page.get(f"getComputedStyle({ROOT}.querySelector('[aria-pressed=true]')).outlineStyle") == "dashed"
