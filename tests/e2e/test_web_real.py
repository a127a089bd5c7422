"""The whole way, with nothing in place of anything: a node's page, a process crashed from it, and what follows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from eye.monitor.config import NodeConfig
from eye.monitor.node import Node
from eye.testing import until
from eye.web import serve
from tests.browser import PROGRAM, Browser
from tests.web.pages import ROOT, TEXT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(PROGRAM is None, reason="no Chromium on this machine"),
    pytest.mark.xdist_group("browser"),
]

TOKEN = "a token of enough letters"
LINE = f"[...{ROOT}.querySelectorAll('.line')].find((one) => one.textContent.includes('sampler'))"
EVENTS = f"{ROOT}.querySelector('section[aria-label=events]').textContent"
DIALOG = f"{ROOT}.querySelector('dialog')"


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    environ = {"XDG_RUNTIME_DIR": str(tmp_path), "HOME": str(tmp_path)}
    node = Node.start(NodeConfig("real", interval=0.2, allow=frozenset({"kill", "state"})), environ=environ)
    node.gauge("orders", lambda: 7, help="Orders that wait", unit="count")
    try:
        yield serve(node, actions=TOKEN, links=True)
    finally:
        node.stop()


def test_a_crash_is_asked_for_seen_and_told_and_the_link_shows_it_too(browser: Browser, url: str) -> None:
    page = browser.open(f"{url}?node=real&panel=tree&columns=node%20orders")
    page.wait_for(f"{LINE}.querySelector('.act') && {ROOT}.querySelector('.may-act')")
    page.wait_for(f"{ROOT}.querySelector('.row .orders')?.textContent === '7'")

    page.get(f"{LINE}.querySelector('.act').click()")
    page.get(f"[...{DIALOG}.querySelectorAll('.deeds button')].at(-1).click()")
    page.press(*TOKEN, "Enter")

    page.wait_for(f"{ROOT}.querySelector('.receipt').textContent === '/eye/local/sampler was crashed'")
    page.wait_for(f"{LINE}.textContent.includes('#2') && {LINE}.classList.contains('new')")
    page.wait_for(f"{ROOT}.querySelector('.gauge[data-level]').textContent.endsWith('1 of 3')")
    page.wait_for(f"{EVENTS}.includes('local/sampler#2 started in its place')")
    assert page.messages == []

    page.get(
        f"[...{ROOT}.querySelectorAll('.panel header button')].find((one) => one.textContent === 'Share').click()"
    )
    page.press("Enter")  # the token is known
    link = page.wait_for(f"{DIALOG}.querySelector('input[readonly]')?.value")
    guest = browser.open(link)
    guest.wait_for(f"{TEXT}.includes('sampler#2') && {TEXT}.includes('shared until')")
    assert not guest.get(f"{ROOT}.querySelector('.may-act, .table, .events')")
    assert guest.get("fetch('api/v1/processes/real' + location.search).then((answer) => answer.status)") == 403
    assert len(guest.messages) == 1  # of that request


def test_the_past_of_a_real_node_is_shown(browser: Browser, url: str) -> None:
    page = browser.open(f"{url}?node=real&panel=tree")
    page.wait_for(f"{LINE}")
    slider = f"{ROOT}.querySelector('.timeline input')"
    past = "fetch('api/v1/past?at=' + (Date.now() / 1000 - 2)).then((one) => one.json())"
    until(lambda: page.get(f"{past}.then((one) => one.nodes.length)") == 1, 15.0)

    page.get(f"{slider}.step = 1; {slider}.value = -2; {slider}.dispatchEvent(new Event('input'))")

    page.wait_for(f"{ROOT}.querySelector('.past .row .words')?.textContent === 'real'")
    page.wait_for(f"{TEXT}.includes('This is the past')")
    page.get(f"{ROOT}.querySelector('.then button').click()")
    page.wait_for(f"!{ROOT}.querySelector('.past')")


def test_a_key_that_opens_nothing_is_said_to(browser: Browser, url: str) -> None:
    page = browser.open(url)
    page.wait_for(f"{ROOT}?.querySelector('.row')")

    page.get("document.querySelector('sorcerers-eye').setAttribute('key', 'made.up')")

    pulse = f"{ROOT}.querySelector('.pulse').textContent"
    page.wait_for(f"{pulse}.startsWith('not live – ') && {pulse}.includes('link')")
    assert page.get(f"{ROOT}.querySelector('.row')") is None
