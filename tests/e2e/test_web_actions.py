"""What is done from the page: offered where it may be, asked twice where it does harm, answered with a receipt."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.browser import PROGRAM, Browser
from tests.web.pages import ROOT, TEXT, Answers, opened

if TYPE_CHECKING:
    from tests.browser import Page

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(PROGRAM is None, reason="no Chromium on this machine"),
    pytest.mark.xdist_group("browser"),
]

DIALOG = f"{ROOT}.querySelector('dialog')"
RECEIPT = f"{ROOT}.querySelector('.receipt').textContent"
ALL = ["gc", "crash", "handle", "state", "links"]


def press(page: Page, words: str) -> None:
    """Click the button that says so, in the dialog if one is open."""
    place = f"({DIALOG}.open ? {DIALOG} : {ROOT})"
    is_it = f"one.textContent === '{words}' && one.checkVisibility()"
    button = f"[...{place}.querySelectorAll('button')].find((one) => {is_it})"
    page.wait_for(button)
    page.get(f"{button}.click()")


def choose_the_first_process(page: Page) -> None:
    page.wait_for(f"{ROOT}.querySelector('.may-act tbody tr')")
    page.get(f"{ROOT}.querySelector('table').focus()")
    page.press("ArrowDown", "Enter")
    page.wait_for(f"{DIALOG}.open")


def test_a_crash_is_asked_twice_and_gives_a_receipt(browser: Browser, answers: Answers) -> None:
    answers.may = ALL
    page = opened(browser, answers, "?node=alpha&panel=processes")
    choose_the_first_process(page)

    press(page, "Crash")
    page.wait_for(f"{DIALOG}.textContent.includes('Crash: /eye/b?')")
    assert answers.asked == []
    page.press(*"secret", "Enter")

    page.wait_for(f"{RECEIPT}.includes('/eye/b was crashed')")
    [(path, said)] = answers.asked
    assert (path, said["token"], said["process"]) == ("/api/v1/crash/alpha", "secret", "/eye/b")
    assert page.messages == []


def test_the_token_is_asked_for_once_and_stays_in_memory(browser: Browser, answers: Answers) -> None:
    answers.may = ALL
    page = opened(browser, answers, "?node=alpha&panel=processes")
    choose_the_first_process(page)
    press(page, "Suspend")
    page.press(*"secret", "Enter")
    page.wait_for(f"{RECEIPT} === '/eye/b was suspended'")

    choose_the_first_process(page)
    press(page, "Resume")  # harmless, and the token is known: not asked again

    page.wait_for(f"{RECEIPT} === '/eye/b was resumed'")
    assert [said["token"] for _path, said in answers.asked] == ["secret", "secret"]
    assert [said["deed"] for _path, said in answers.asked] == ["suspend", "resume"]
    assert page.get("sessionStorage.length + localStorage.length + document.cookie.length") == 0


def test_a_wrong_token_is_asked_for_again(browser: Browser, answers: Answers) -> None:
    answers.may = ALL
    answers.token = "right"
    page = opened(browser, answers, "?node=alpha&panel=processes")
    choose_the_first_process(page)
    press(page, "Stop")
    page.press(*"wrong", "Enter")
    page.wait_for(f"{RECEIPT}.includes('token')")

    choose_the_first_process(page)
    press(page, "Stop")

    page.wait_for(f"{DIALOG}.querySelector('input').checkVisibility()")
    page.press(*"right", "Enter")
    page.wait_for(f"{RECEIPT} === '/eye/b was stopped'")


def test_the_state_of_a_process_is_shown_as_text(browser: Browser, answers: Answers) -> None:
    answers.may = ALL
    page = opened(browser, answers, "?node=alpha&panel=processes")
    choose_the_first_process(page)

    press(page, "Look at its state")
    page.press(*"secret", "Enter")

    page.wait_for(f"{DIALOG}.querySelector('dd')?.textContent === '7'")
    assert page.get(f"{DIALOG}.querySelector('p').textContent") == "tests.Worker, suspended"
    assert "<script>" in page.get(f"{DIALOG}.textContent")
    assert page.get(f"{ROOT}.querySelectorAll('script').length") == 0
    assert not set("\u202e\x1b") & set(page.get(TEXT))


def test_the_tree_offers_the_same(browser: Browser, answers: Answers) -> None:
    answers.may = ALL
    page = opened(browser, answers, "?node=alpha&panel=tree")
    page.wait_for(f"{ROOT}.querySelector('.may-act .line')")
    page.get(f"{ROOT}.querySelector('.line').focus()")

    page.press("ArrowDown", "Enter")

    page.wait_for(f"{DIALOG}.open && {DIALOG}.textContent.includes('/sampler')")


def test_only_what_may_be_done_is_offered(browser: Browser, answers: Answers) -> None:
    answers.may = ["state"]
    page = opened(browser, answers, "?node=alpha&panel=processes")

    choose_the_first_process(page)

    deeds = f"[...{DIALOG}.querySelectorAll('.deeds button')].map((one) => one.textContent)"
    assert page.get(deeds) == ["Look at its state"]


def test_escape_calls_an_action_off_and_leaves_the_panel_open(browser: Browser, answers: Answers) -> None:
    answers.may = ["gc"]
    page = opened(browser, answers, "?node=alpha")
    press(page, "Collect garbage")
    page.wait_for(f"{DIALOG}.open")

    page.press("Escape")

    page.wait_for(f"!{DIALOG}.open")
    assert not page.get(f"{ROOT}.querySelector('.panel').hidden")
    assert answers.asked == []


def test_garbage_is_collected_with_a_receipt_once_it_is_said_how_long_it_takes(
    browser: Browser, answers: Answers
) -> None:
    answers.may = ["gc"]
    page = opened(browser, answers, "?node=alpha")

    press(page, "Collect garbage")
    page.wait_for(f"{DIALOG}.open")
    page.press(*"secret", "Enter")
    page.wait_for(f"{DIALOG}.open && {DIALOG}.textContent.includes('stand still for it, for about 26.2 ms')")
    assert [said.get("estimate") for _path, said in answers.asked] == [True]
    page.press("Enter")

    page.wait_for(f"{RECEIPT} === '12 objects collected in 4.0 ms, memory 50MB → 48MB'")
    assert [(path, said.get("estimate")) for path, said in answers.asked[1:]] == [("/api/v1/gc/alpha", None)]


@pytest.mark.parametrize("panel", ["tree", "processes"])
def test_nothing_is_done_to_nodes_while_the_past_is_shown(browser: Browser, answers: Answers, panel: str) -> None:
    answers.may = ALL
    page = opened(browser, answers, f"?node=alpha&panel={panel}")
    there = f"[...{ROOT}.querySelectorAll('.act')].some((one) => one.checkVisibility())"
    collects = f"[...{ROOT}.querySelectorAll('.panel header button')].at(0).checkVisibility()"
    page.wait_for(f"{there} && {collects}")

    page.get(f"{ROOT}.querySelector('.timeline input').focus()")
    page.press("PageDown")

    page.wait_for(f"{TEXT}.includes('long-gone') && !{there} && !{collects}")
    page.get(f"{ROOT}.querySelector('{'.line' if panel == 'tree' else 'table'}').focus()")
    page.press("ArrowDown", "Enter")
    assert not page.get(f"{DIALOG}.open")
    page.get(f"{ROOT}.querySelector('.timeline input').focus()")
    page.press("End")
    page.wait_for(f"{there} && {collects}")


def test_nothing_can_be_done_where_nothing_may_be(browser: Browser, answers: Answers) -> None:
    page = opened(browser, answers, "?node=alpha&panel=processes")
    page.wait_for(f"{TEXT}.includes('/eye/b')")
    page.get(f"{ROOT}.querySelector('table').focus()")

    page.press("ArrowDown", "Enter")

    assert not page.get(f"{DIALOG}.open")
    words = page.get(
        f"[...{ROOT}.querySelectorAll('button')].flatMap((one) => one.checkVisibility() ? one.textContent : [])"
    )
    assert not {"Log out", "Share", "⋯"} & set(words)
    assert page.get(f"getComputedStyle({ROOT}.querySelector('.act')).visibility") == "hidden"
    assert page.get(f"[...{ROOT}.querySelectorAll('.panel header button')].slice(0, 2).every((one) => one.hidden)")


def test_a_link_is_made_for_what_is_shown(browser: Browser, answers: Answers) -> None:
    answers.may = ALL
    page = opened(browser, answers, "?node=alpha&panel=tree")
    page.wait_for(f"{ROOT}.querySelector('.panel header button:nth-of-type(2):not([hidden])')")

    page.get(f"{ROOT}.querySelector('.panel header button:nth-of-type(2)').click()")
    page.wait_for(f"{DIALOG}.open && {DIALOG}.textContent.includes('the tree of alpha')")
    page.get(f"{DIALOG}.querySelector('select').value = '86400'")
    page.press(*"secret", "Enter")

    link = page.wait_for(f"{DIALOG}.querySelector('input[readonly]')?.value")
    assert link == f"{answers.url}?node=alpha&panel=tree&key=signed"
    [(path, said)] = answers.asked
    assert path == "/api/v1/links"
    assert (said["node"], said["panel"], said["seconds"]) == ("alpha", "tree", 86400)
