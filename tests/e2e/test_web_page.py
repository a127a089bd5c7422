"""The page in a real browser: it lives, it heals, it says when it is not live, and nothing in it is hostile."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from eye.web import WebServer, create_app
from tests.browser import PROGRAM, Browser
from tests.web.world import World, node, tree

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(PROGRAM is None, reason="no Chromium on this machine"),
    pytest.mark.xdist_group("browser"),
]

TEXT = "document.querySelector('sorcerers-eye').shadowRoot.textContent"


class Place:
    """A served world that is ticked ten times a second, until it is left."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._over = threading.Event()
        self.port = 0
        self.serve()

    def serve(self) -> None:
        app = create_app(self.world)
        publisher = app.extensions["eye"].publisher
        self._over = threading.Event()
        self.server = WebServer(app, port=self.port)
        self.port = self.server.port

        def tick(over: threading.Event) -> None:
            while not over.wait(0.1):
                publisher.tick()

        self._ticker = threading.Thread(target=tick, args=(self._over,), daemon=True)
        self._ticker.start()

    def close(self) -> None:
        self._over.set()
        self._ticker.join(5)
        self.server.close()


@pytest.fixture
def place() -> Iterator[Place]:
    place = Place(World(node("alpha"), node("beta"), node("gamma", "down")))
    place.world.trees["alpha"] = tree("eye", children=[tree("sampler")])
    yield place
    place.close()


def test_the_table_shows_the_nodes_and_follows_them(browser: Browser, place: Place) -> None:
    page = browser.open(place.server.url)
    page.wait_for(f"{TEXT}.includes('alpha') && {TEXT}.includes('gamma') && {TEXT}.includes('20%')")

    place.world.change("alpha", host={"cpu": 0.77})

    page.wait_for(f"{TEXT}.includes('77%')")
    assert page.messages == []


def test_it_reconnects_by_itself_and_says_when_it_is_not_live(browser: Browser, place: Place) -> None:
    page = browser.open(place.server.url)
    page.wait_for(f"{TEXT}.includes('live') && {TEXT}.includes('alpha')")

    place.close()
    page.wait_for(f"{TEXT}.includes('not live')")
    place.world.change("alpha", host={"cpu": 0.66})
    place.serve()

    page.wait_for(f"!{TEXT}.includes('not live') && {TEXT}.includes('66%')", 30)


def test_a_hostile_name_is_only_text(browser: Browser) -> None:
    place = Place(World(node("<img src=x onerror=alert(1)>\u202e\x1b[31m" + "y" * 2000)))
    page = browser.open(place.server.url)
    page.wait_for(f"{TEXT}.includes('onerror')")
    images = page.get("document.querySelector('sorcerers-eye').shadowRoot.querySelectorAll('img[src=x]').length")
    place.close()

    assert images == 0
    assert not [message for message in page.messages if "WebSocket" not in message]


def test_the_keyboard_alone_opens_a_nodes_tree(browser: Browser, place: Place) -> None:
    page = browser.open(place.server.url)
    page.wait_for(f"{TEXT}.includes('alpha')")

    page.press("Tab", "Tab", "Tab", "Tab", "ArrowDown", "Home", "Enter")

    page.wait_for(f"{TEXT}.includes('sampler')")
    assert page.messages == []


def test_the_phone_does_not_scroll_sideways(browser: Browser, place: Place) -> None:
    page = browser.open(place.server.url, width=390, height=700)
    page.wait_for(f"{TEXT}.includes('alpha')")

    assert page.get("document.documentElement.scrollWidth") <= 390
