"""The view in applications of other people: prefixes, two views, proxies, policies, frames, other origins."""

from __future__ import annotations

import importlib.util
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from flask import Flask, Response
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.serving import WSGIRequestHandler, make_server

import eye
from eye.web import create_blueprint
from tests.browser import PROGRAM, Browser, Page
from tests.web.world import World, node

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(PROGRAM is None, reason="no Chromium on this machine"),
    pytest.mark.xdist_group("browser"),
]

SHOP = Path(__file__).parents[2] / "docs" / "examples" / "shop.py"
LIVE = "document.querySelector('sorcerers-eye').shadowRoot?.textContent.includes('{name}')"
IS_LIVE = "!document.querySelector('sorcerers-eye').shadowRoot.querySelector('.lost')"
STRICT = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; frame-src 'self'"
)


class _Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None: ...


@contextmanager
def werkzeug(app: Any, *blueprints: Any) -> Iterator[str]:
    """Serve an application as Flask's own `run` does."""
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Quiet)
    server.daemon_threads = True
    over = threading.Event()

    def beat() -> None:
        while not over.wait(0.1):
            for blueprint in blueprints:
                blueprint.publisher.tick()

    threads = [threading.Thread(target=server.serve_forever, args=(0.05,)), threading.Thread(target=beat)]
    for thread in threads:
        thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        for blueprint in blueprints:
            blueprint.feed.close()
            blueprint.publisher.wait_until_empty(5)
        over.set()
        server.shutdown()
        server.server_close()
        for thread in threads:
            thread.join(10)


def said(page: Page) -> list[str]:
    """What the console was told, but for the picture that these hosts do not have."""
    return [message for message in page.messages if "/favicon.ico" not in message]


def wait_until_live(page: Page, name: str) -> None:
    page.wait_for(LIVE.format(name=name))
    page.wait_for(IS_LIVE)


def test_the_example_of_the_documentation_is_live(
    browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EYE_FOLDER", str(tmp_path / "run"))
    monkeypatch.setenv("EYE_COOKIE_FILE", str(tmp_path / "cookie"))
    spec = importlib.util.spec_from_file_location("shop", SHOP)
    assert spec is not None
    assert spec.loader is not None
    shop = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(shop)
        with werkzeug(shop.app, shop.app.blueprints["eye"]) as url:
            page = browser.open(url)
            wait_until_live(page, "shop")
            own = browser.open(f"{url}/eye/")
            wait_until_live(own, "shop")
            assert said(page) == said(own) == []
            assert page.sockets == own.sockets == [f"{url}/eye/ws".replace("http", "ws")]
    finally:
        eye.stop_node()

    assert len(SHOP.read_text(encoding="utf-8").split('"""\n', 1)[1].split()) < 60  # a dozen lines


def make_host(world: World, **options: Any) -> tuple[Flask, Any]:
    """Make an application with a mind of its own: a policy, a handler after each request, configuration."""
    app = Flask("host", static_folder=None)
    app.secret_key = "the host's own"
    app.config["HOST_KNOWS"] = 42

    @app.after_request
    def be_strict(response: Response) -> Response:
        response.headers.setdefault("Content-Security-Policy", STRICT)
        response.headers["X-Host"] = "was here"
        return response

    blueprint = create_blueprint(world, **options)
    return app, blueprint


def test_nothing_of_the_application_around_it_is_touched() -> None:
    app, blueprint = make_host(World(node("a")))
    before = dict(app.config)
    handlers = dict(app.error_handler_spec), dict(app.before_request_funcs), len(app.after_request_funcs[None])

    app.register_blueprint(blueprint, url_prefix="/eye")
    app.add_url_rule("/own", view_func=lambda: "ours")
    client = app.test_client()
    own, page = client.get("/own"), client.get("/eye/")

    assert dict(app.config) == before
    assert app.secret_key == "the host's own"
    assert app.extensions == {}
    assert None not in app.before_request_funcs
    assert handlers[2] == len(app.after_request_funcs[None]) == 1
    assert own.headers["Content-Security-Policy"] == STRICT
    assert "X-Content-Type-Options" not in own.headers
    assert page.headers["X-Host"] == "was here"
    assert "require-trusted-types-for 'script'; trusted-types 'none'" in page.headers["Content-Security-Policy"]
    assert client.get("/nothing").status_code == 404


def test_a_prefix_with_a_variable_and_two_views_in_one_application(browser: Browser) -> None:
    app, one = make_host(World(node("alpha")), name="one")
    two = create_blueprint(World(node("beta")), name="two")
    app.register_blueprint(one, url_prefix="/tenants/<tenant>/eye")
    app.register_blueprint(two, url_prefix="/two")

    with werkzeug(app, one, two) as url:
        first = browser.open(f"{url}/tenants/7/eye/")
        wait_until_live(first, "alpha")
        second = browser.open(f"{url}/two/")  # the first rests now: nobody sees it
        wait_until_live(second, "beta")

        assert first.sockets == [f"{url}/tenants/7/eye/ws".replace("http", "ws")]
        assert said(first) == said(second) == []


def test_below_a_dispatcher_and_behind_a_proxy_with_a_prefix(browser: Browser) -> None:
    app, blueprint = make_host(World(node("alpha")))
    app.register_blueprint(blueprint, url_prefix="/eye")
    nothing = Flask("nothing")

    with werkzeug(DispatcherMiddleware(nothing, {"/deep/mon": app}), blueprint) as url:
        page = browser.open(f"{url}/deep/mon/eye/")
        wait_until_live(page, "alpha")

        assert page.sockets == [f"{url}/deep/mon/eye/ws".replace("http", "ws")]
        assert said(page) == []


def test_a_proxy_that_takes_the_prefix_away_and_speaks_https_is_believed_when_it_is_said_so() -> None:
    app, blueprint = make_host(World(node("alpha")))
    app.register_blueprint(blueprint)
    sent = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "eye.example.org", "X-Forwarded-Prefix": "/monitor"}
    sent |= {"Origin": "https://eye.example.org"}

    alone = app.test_client().get("/api/v1/stream", headers=sent)
    app.wsgi_app = ProxyFix(app.wsgi_app, x_proto=1, x_host=1, x_prefix=1)  # type: ignore[method-assign]
    fixed = app.test_client().get("/api/v1/stream", headers=sent, buffered=False)
    fixed.close()

    assert (alone.status_code, fixed.status_code) == (403, 200)


def test_in_a_page_with_the_strictest_policy_as_an_element_and_in_a_frame(browser: Browser) -> None:
    app, blueprint = make_host(World(node("alpha")))
    app.register_blueprint(blueprint, url_prefix="/eye")
    app.add_url_rule(
        "/",
        view_func=lambda: (
            """<!doctype html><title>host</title>
        <script type="module" src="/eye/static/element.js"></script>
        <sorcerers-eye src="/eye/"></sorcerers-eye><iframe src="/eye/?panel=nodes"></iframe>"""
        ),
    )

    with werkzeug(app, blueprint) as url:
        page = browser.open(url)
        wait_until_live(page, "alpha")
        inner = "document.querySelector('iframe').contentDocument.querySelector('sorcerers-eye').shadowRoot"
        page.wait_for(f"{inner}.textContent.includes('alpha')")

        assert said(page) == []


@pytest.mark.parametrize("allowed", [False, True])
def test_a_page_of_another_origin_sees_it_only_if_it_is_named(browser: Browser, allowed: bool) -> None:
    guest = Flask("guest")
    with werkzeug(guest) as elsewhere:
        options = {"origins": [elsewhere], "frame_ancestors": ["'self'", elsewhere]} if allowed else {}
        app, blueprint = make_host(World(node("alpha")), **options)
        app.register_blueprint(blueprint, url_prefix="/eye")
        with werkzeug(app, blueprint) as url:
            html = f"""<!doctype html><title>guest</title>
            <script type="module" src="{url}/eye/static/element.js"></script>
            <sorcerers-eye src="{url}/eye/">nothing yet</sorcerers-eye><iframe src="{url}/eye/"></iframe>"""
            guest.add_url_rule("/", view_func=lambda: html)
            page = browser.open(elsewhere)
            if allowed:
                wait_until_live(page, "alpha")
                assert said(page) == []
                return
            page.wait_for("document.querySelector('iframe') !== null && document.readyState === 'complete'")
            refused = " ".join(page.messages)

    assert "blocked by CORS policy" in refused or "ERR_FAILED" in refused
    assert "frame-ancestors" in refused
    assert blueprint.publisher.viewers == 0
