"""The panels in a real browser: graphs, processes, events, filters, and the way without sockets."""

from __future__ import annotations

import pytest

from tests.browser import PROGRAM, Browser
from tests.web.pages import HOSTILE, ROOT, TEXT, Answers, opened, process, write

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(PROGRAM is None, reason="no Chromium on this machine"),
    pytest.mark.xdist_group("browser"),
]


def test_graphs_show_the_last_minutes_with_their_gaps(browser: Browser, answers: Answers) -> None:
    page = opened(browser, answers, "?node=alpha&panel=graphs")

    page.wait_for(f"{ROOT}.querySelectorAll('figure .mean[d]').length === 6")

    assert page.get(f"{ROOT}.querySelector('figure .mean').getAttribute('d').split('M').length") == 3
    assert page.get(f"{ROOT}.querySelectorAll('figure .scale')[1].textContent") == "24GB"
    assert page.messages == []


def test_the_keyboard_reads_a_moment_of_the_graphs(browser: Browser, answers: Answers) -> None:
    page = opened(browser, answers, "?node=alpha&panel=graphs")
    page.wait_for(f"{ROOT}.querySelector('.graphs input')?.getAttribute('aria-valuetext')?.startsWith('now')")

    page.get(f"{ROOT}.querySelector('.graphs input').focus()")
    page.press("ArrowLeft", "ArrowLeft")

    page.wait_for(f"{ROOT}.querySelector('.moment').textContent.endsWith('10 s ago')")
    assert "machine CPU" in page.get(f"{ROOT}.querySelector('.graphs input').getAttribute('aria-valuetext')")


def test_the_span_of_the_graphs_stands_in_the_address(browser: Browser, answers: Answers) -> None:
    page = opened(browser, answers, "?node=alpha&panel=graphs")
    page.wait_for(f"{ROOT}.querySelector('.graphs .choice')")

    page.get(f"[...{ROOT}.querySelectorAll('.graphs .choice button')].at(-1).click()")

    page.wait_for("new URLSearchParams(location.search).get('range') === '3600'")
    page.wait_for(f"{ROOT}.querySelector('figure svg').getAttribute('viewBox') === '0 0 120 100'")


def test_processes_are_sorted_on_the_node(browser: Browser, answers: Answers) -> None:
    page = opened(browser, answers, "?node=alpha&panel=processes")
    first = f"{ROOT}.querySelector('.list tbody th .name')?.textContent"
    page.wait_for(f"{first} === '/eye/b'")

    page.get(f"{ROOT}.querySelector('.list thead button').click()")

    page.wait_for(f"{first} === '/eye/a'")
    assert page.get(f"{ROOT}.querySelector('.list thead th').getAttribute('aria-sort')") == "ascending"


def test_a_list_that_is_no_longer_answered_says_how_old_it_is(browser: Browser, answers: Answers) -> None:
    page = opened(browser, answers, "?node=alpha&panel=processes")
    page.wait_for(f"{TEXT}.includes('/eye/b')")

    answers.broken = True

    page.wait_for(f"{TEXT}.includes('does not answer – shown as it was')")


def test_a_filter_is_one_of_the_one_language(browser: Browser, answers: Answers) -> None:
    page = opened(browser, answers)
    write(page, "status:down or cpu>80")
    page.wait_for(f"{TEXT}.includes('1 of 3')")

    answers.world.change("beta", host={"cpu": 0.9})

    page.wait_for(f"{TEXT}.includes('2 of 3')")
    assert page.get("new URLSearchParams(location.search).get('filter')") == "status:down or cpu>80"


def test_a_wrong_filter_is_pointed_at_and_the_one_before_holds(browser: Browser, answers: Answers) -> None:
    page = opened(browser, answers, "?filter=alpha")
    page.wait_for(f"{TEXT}.includes('1 of 3')")

    write(page, "cpu>fast")

    page.wait_for(f"{ROOT}.querySelector('.wrong mark')?.textContent === 'f'")
    assert "a number is expected" in page.get(f"{ROOT}.querySelector('.wrong').textContent")
    assert page.get(f"{ROOT}.querySelector('.filter').getAttribute('aria-invalid')") == "true"
    assert page.get(f"{ROOT}.querySelector('.grid').getAttribute('aria-rowcount')") == "2"


def test_without_sockets_the_same_messages_come_as_a_stream(browser: Browser, answers: Answers) -> None:
    answers.sockets = False
    answers.happen("sampler was restarted")
    page = opened(browser, answers)
    page.wait_for(f"{TEXT}.includes('sampler was restarted')")

    answers.happen("and again", HOSTILE)

    page.wait_for(f"{ROOT}.querySelectorAll('.events li').length === 3")
    assert page.get(f"{ROOT}.querySelector('.events .words').textContent.length") < 400
    assert page.get(f"{ROOT}.querySelectorAll('script').length") == 0


def test_hostile_processes_are_only_text(browser: Browser, answers: Answers) -> None:
    answers.processes = [process(HOSTILE, module=HOSTILE, status=HOSTILE)]
    page = opened(browser, answers, "?node=alpha&panel=processes")

    page.wait_for(f"{TEXT}.includes('<script>alert(1)')")

    assert page.get(f"{ROOT}.querySelectorAll('script').length") == 0
    assert "\u202e" not in page.get(TEXT)
    assert page.messages == []


@pytest.mark.parametrize("width", [390, 320])
@pytest.mark.parametrize("panel", ["graphs", "tree", "processes"])
def test_no_panel_scrolls_sideways_on_a_phone(browser: Browser, answers: Answers, panel: str, width: int) -> None:
    answers.may, answers.history = ["gc", "crash", "links"], True
    page = opened(browser, answers, f"?node=alpha&panel={panel}", width=width, height=844)
    page.wait_for(f"{ROOT}.querySelector('.sheet').scrollHeight > 40 && {TEXT}.includes('Share')")

    assert page.get("document.documentElement.scrollWidth") <= width
    assert page.get(f"{ROOT}.querySelector('.sheet').scrollWidth <= {ROOT}.querySelector('.sheet').clientWidth")


def test_a_row_of_a_phone_is_two_lines(browser: Browser, answers: Answers) -> None:
    answers.may = ["gc", "links"]
    page = opened(browser, answers, width=320, height=640)

    row = f"{ROOT}.querySelector('.row:not([hidden])')"
    lines = page.get(f"[...new Set([...{row}.children].map((cell) => cell.offsetTop))].length")

    assert lines == 2
    assert page.get("document.documentElement.scrollWidth") <= 320


def test_the_page_is_told_what_is_looked_at(browser: Browser, answers: Answers) -> None:
    page = opened(browser, answers)
    page.get("document.addEventListener('eye-select', (event) => (window.chosen = event.detail.node))")

    page.get(f"{ROOT}.querySelector('.row').dispatchEvent(new MouseEvent('click', {{ bubbles: true }}))")

    assert page.wait_for("window.chosen") == "alpha"
    page.wait_for("new URLSearchParams(location.search).get('node') === 'alpha'")
