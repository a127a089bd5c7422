"""`<sorcerers-eye>` in somebody else's page: attributes, events, one connection, hostile styles, leaks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from flask import Response

from eye.testing import until
from tests.browser import PROGRAM, Browser
from tests.web.pages import Answers

if TYPE_CHECKING:
    from tests.browser import Page

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(PROGRAM is None, reason="no Chromium on this machine"),
    pytest.mark.xdist_group("browser"),
]

EYE = "document.querySelector('sorcerers-eye')"
ROOT = f"{EYE}.shadowRoot"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
    " require-trusted-types-for 'script'"
)
ALL = "[...document.querySelectorAll('sorcerers-eye')]"
HOSTILE_STYLE = (
    "* { letter-spacing: 9px !important; color: red; display: inline; font-size: 40px; direction: rtl }"
)


def embedded(browser: Browser, answers: Answers, body: str) -> Page:
    """Serve a page of a host that has the element in it, under that host's own strict policy, and open it."""
    script = '<script type="module" src="/static/element.js"></script>'
    host = f'<!doctype html><link rel="stylesheet" href="/host.css"><title>host</title>{script}{body}'
    pages = {"/host": (host, "text/html"), "/host.css": (HOSTILE_STYLE, "text/css")}

    def serve(path: str) -> Response:
        text, kind = pages[path]
        return Response(text, content_type=kind, headers={"Content-Security-Policy": POLICY})

    answers.also = dict.fromkeys(pages, serve)
    page = browser.open(f"{answers.url}host")
    page.wait_for(f"{ROOT}?.querySelector('.eye')")
    return page


def test_one_panel_alone_is_what_the_attributes_say(browser: Browser, answers: Answers) -> None:
    attributes = 'view="nodes" columns="cpu node" filter="alpha" theme="dark" scope="node"'
    page = embedded(browser, answers, f'<sorcerers-eye src="/" {attributes}></sorcerers-eye>')

    page.wait_for(f"{ROOT}.querySelector('.grid').getAttribute('aria-rowcount') === '2'")

    heads = f"[...{ROOT}.querySelectorAll('[role=columnheader]')].map((one) => one.textContent)"
    assert page.get(heads) == ["CPU", "node"]
    assert page.get(f"{ROOT}.querySelector('.row .cpu').textContent") == "1%"
    assert page.get(f"getComputedStyle({ROOT}.querySelector('.eye')).backgroundColor") == "rgb(15, 20, 19)"
    assert page.get(f"{ROOT}.querySelector('.panel, .keys, .events')") is None
    assert page.messages == []


def test_a_hostile_style_of_the_host_does_not_touch_it(browser: Browser, answers: Answers) -> None:
    page = embedded(browser, answers, '<sorcerers-eye src="/"></sorcerers-eye>')
    page.wait_for(f"{ROOT}.querySelector('.row .words')")

    style = f"getComputedStyle({ROOT}.querySelector('.row .words'))"

    assert page.get(f"{style}.letterSpacing") == "normal"
    assert page.get(f"{style}.fontSize") == "14px"
    assert page.get(f"{style}.direction") == "ltr"
    assert page.get(f"{style}.color") != "rgb(255, 0, 0)"


def test_a_variable_of_the_host_changes_its_looks(browser: Browser, answers: Answers) -> None:
    page = embedded(browser, answers, '<sorcerers-eye src="/"></sorcerers-eye>')
    page.wait_for(f"{ROOT}.querySelector('.row')")

    page.get(f"{EYE}.style.setProperty('--eye-bg', 'rgb(1, 2, 3)')")

    assert page.get(f"getComputedStyle({ROOT}.querySelector('.eye')).backgroundColor") == "rgb(1, 2, 3)"
    assert page.get(f"[...{ROOT}.querySelectorAll('[part]')].map((one) => one.getAttribute('part')).sort()") == [
        "header",
        "pulse",
        "table",
        "tools",
        "view",
    ]


def test_it_follows_its_attributes(browser: Browser, answers: Answers) -> None:
    page = embedded(browser, answers, '<sorcerers-eye src="/" view="nodes"></sorcerers-eye>')
    page.wait_for(f"{ROOT}.querySelector('.row')")

    page.get(f"{EYE}.setAttribute('filter', 'status:down')")
    page.wait_for(f"{ROOT}.querySelector('.grid').getAttribute('aria-rowcount') === '2'")
    page.get(f"{EYE}.setAttribute('view', 'tree'); {EYE}.setAttribute('node', 'alpha')")
    page.wait_for(f"{ROOT}.textContent.includes('sampler')")
    page.get(f"{EYE}.setAttribute('view', 'graphs'); {EYE}.setAttribute('metrics', 'host.cpu, node.memory')")
    page.wait_for(f"{ROOT}.querySelectorAll('figure').length === 2")
    page.get(f"{EYE}.setAttribute('range', '60')")

    page.wait_for(f"{ROOT}.querySelector('.graphs [aria-pressed=true]')?.textContent === '1 min'")
    assert len(page.sockets) == 1 or page.sockets[0] == page.sockets[-1]
    assert page.messages == []


def test_it_tells_its_page_what_happens(browser: Browser, answers: Answers) -> None:
    page = embedded(browser, answers, "<div></div>" + '<sorcerers-eye src="/"></sorcerers-eye>')
    page.wait_for(f"{ROOT}.querySelector('.row')")
    page.get("""window.heard = [];
      const hear = ({ type, composed, detail }) => heard.push([type, composed, structuredClone(detail)]);
      for (const name of ["eye-select", "eye-update", "eye-state"]) document.addEventListener(name, hear);
    """)

    page.get(f"{ROOT}.querySelector('.row').click()")
    page.wait_for("heard.some(([name]) => name === 'eye-select')")
    page.wait_for("heard.some(([name]) => name === 'eye-update')")
    answers.server.close()

    page.wait_for("heard.some(([name, , detail]) => name === 'eye-state' && !detail.live)")
    assert page.get("heard.find(([name]) => name === 'eye-select')") == ["eye-select", True, {"node": "alpha"}]
    assert page.get("heard.find(([name]) => name === 'eye-update')[2].nodes.map((one) => one.node)") == [
        "alpha",
        "beta",
        "gamma",
    ]


def test_elements_that_show_the_same_share_one_connection(browser: Browser, answers: Answers) -> None:
    three = "".join(
        f'<sorcerers-eye src="/" view="{view}" node="alpha"></sorcerers-eye>'
        for view in ("nodes", "tree", "events")
    )
    page = embedded(browser, answers, three)

    page.wait_for(f"{ALL}.every((one) => one.shadowRoot?.querySelector('.pulse').textContent === 'live')")

    assert len(page.sockets) == 1
    publisher = answers.publisher
    assert publisher.viewers == 1
    page.get("document.querySelector('sorcerers-eye').remove()")
    page.wait_for("document.querySelector('sorcerers-eye').shadowRoot.querySelector('.eye:not(.lost)')")
    page.get(f"{ALL}.forEach((one) => one.remove())")
    assert publisher.wait_until_empty(10.0)


def test_it_may_be_moved_and_removed_a_hundred_times(browser: Browser, answers: Answers) -> None:
    page = embedded(browser, answers, '<sorcerers-eye src="/"></sorcerers-eye><main></main>')
    page.wait_for(f"{ROOT}.querySelector('.row')")
    page.get("window.eye = document.querySelector('sorcerers-eye')")
    page.send("HeapProfiler.collectGarbage")
    before = page.send("Memory.getDOMCounters")

    page.get("""(async () => {
      for (let i = 0; i < 100; i++) {
        eye.remove();
        await null;
        document.querySelector("main").append(eye);
        await new Promise(requestAnimationFrame);
      }
    })()""")
    page.wait_for("eye.shadowRoot.querySelector('.row') && eye.shadowRoot.textContent.includes('live')")
    page.wait_for("!eye.shadowRoot.querySelector('.lost')")

    def kept() -> bool:
        page.send("HeapProfiler.collectGarbage")
        now = page.send("Memory.getDOMCounters")
        return now["jsEventListeners"] > before["jsEventListeners"] * 1.5 or now["nodes"] > before["nodes"] * 2

    until(lambda: not kept(), 10.0)
    assert page.messages == []
    page.get("eye.remove()")
    assert answers.publisher.wait_until_empty(10.0)
