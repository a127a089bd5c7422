"""`start --web` and `web`, for real: https and a login from the command line, and a quick end that is told."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import re
import signal
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest
from simple_websocket import Client, ConnectionClosed

from tests.browser import PROGRAM, Browser, Page
from tests.web.serving import make_certificate

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.e2e

EYE = [sys.executable, "-c", "import sys; from eye.cli.main import run; sys.exit(run())"]


class Place:
    """A folder to run the program in, as a user of its own would."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environ = {
            **{key: value for key, value in os.environ.items() if not key.startswith("EYE_")},
            "EYE_FOLDER": str(folder / "run"),
            "EYE_HISTORY": "off",
            "XDG_CONFIG_HOME": str(folder / "config"),
            "PYTHONWARNINGS": "error",
        }
        self.processes: list[subprocess.Popen[str]] = []

    def run(self, *arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*EYE, *arguments],
            env=self.environ,
            input=typed,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )

    def start(self, *arguments: str) -> tuple[subprocess.Popen[str], str]:
        """Start it, and answer where its page is."""
        process = subprocess.Popen(
            [*EYE, *arguments], env=self.environ, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        self.processes.append(process)
        assert process.stderr is not None
        said = ""
        for line in process.stderr:
            said += line
            if (found := re.search(r"the web view is at (\S+)", line)) is not None:
                return process, found[1]
        raise AssertionError(said)


def in_the_next_page(page: Page, condition: str) -> None:
    """Wait for something in the page that is being gone to; a question may still meet the old one."""
    for _ in range(20):
        with contextlib.suppress(AssertionError):
            page.wait_for(condition, 5.0)
            return
    raise AssertionError(condition)


def until_closed(socket: Client) -> int:
    try:
        while socket.receive(timeout=20) is not None:
            pass
    except ConnectionClosed as closed:
        return int(closed.reason)
    raise AssertionError("nothing came")


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path)
    yield place
    for process in place.processes:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.mark.parametrize("command", [("start", "--name", "a", "--web", "0.0.0.0:0"), ("web", "--host", "0.0.0.0")])
def test_beyond_this_machine_somebody_has_to_say_who_may_look(place: Place, command: tuple[str, ...]) -> None:
    run = place.run(*command)

    assert run.returncode == 2
    assert re.fullmatch(r".*say who may look with --web-login token:FILE .*\n", run.stderr)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--web-login", "basic:{}/nobody"), "no such file"),
        (("--web-login", "yes"), "token:FILE, basic:FILE or none"),
        (("--web-cert", "{}/nothing.pem"), "nothing.pem: no such file"),
        (("--web-cert", "{}/key.pem"), "cannot be used"),
        (("--web-name", "http://x"), "must be as eye.example.org"),
    ],
)
def test_what_cannot_be_used_is_one_sentence(place: Place, options: tuple[str, ...], says: str) -> None:
    make_certificate(place.folder)

    run = place.run("start", "--name", "a", "--web", "0", *(option.format(place.folder) for option in options))

    assert run.returncode != 0
    assert "Traceback" not in run.stderr
    assert says in run.stderr.splitlines()[-1]


def test_https_a_login_an_action_and_an_end_that_is_told(place: Place) -> None:
    cert, key = make_certificate(place.folder)
    people, token = place.folder / "people", place.folder / "act"
    assert place.run("passwd", str(people), "alice", typed="correct horse\n").returncode == 0
    process, url = place.start(
        "start", "--name", "a", "--allow", "kill", "--log-level", "info", "--web", "0",
        "--web-login", f"basic:{people}", "--web-cert", str(cert), "--web-key", str(key),
        "--web-actions", str(token), "--web-links",
    )  # fmt: skip
    tls = ssl.create_default_context(cafile=str(cert))
    alice = "Basic " + base64.b64encode(b"alice:correct horse").decode()

    def ask(path: str, body: Any = None, **headers: str) -> Any:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(url + path, data, sent | {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=20, context=tls) as answer:
            return json.load(answer)

    with pytest.raises(urllib.error.HTTPError, match="401") as refused:
        ask("api/v1/nodes")
    refused.value.close()
    me = ask("api/v1/me", Authorization=alice)
    receipt = ask("api/v1/gc/a", {}, Authorization=alice, X_Eye_Token=token.read_text().strip())
    socket = Client(url.replace("https", "wss") + "ws", headers={"Authorization": alice}, ssl_context=tls)
    first = json.loads(socket.receive(timeout=20))

    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    closed_with = until_closed(socket)
    _, log = process.communicate(timeout=20)
    took = time.monotonic() - began
    socket.thread.join(5)

    assert (me["login"], me["actions"]) == ("alice", ["gc", "crash", "handle", "state", "links"])
    assert receipt["node"] == "a"
    assert [each["node"] for each in first["nodes"]] == ["a"]
    assert closed_with == 1001
    assert (process.returncode, took < 5) == (0, True)  # two seconds are promised; a busy machine gets the rest
    assert "garbage collected for the web view, for alice at 127.0.0.1" in log
    assert "Traceback" not in log


@pytest.mark.skipif(PROGRAM is None, reason="no Chromium on this machine")
@pytest.mark.xdist_group("browser")
def test_a_person_logs_in_and_a_link_opens_one_node_for_another(browser: Browser, place: Place) -> None:
    look, act = place.folder / "look", place.folder / "act"
    options = ("--web-login", f"token:{look}", "--web-actions", str(act), "--web-links")
    _, url = place.start("start", "--name", "a", "--web", "0", *options)
    shadow = "document.querySelector('sorcerers-eye').shadowRoot"

    page = browser.open(url + "?filter=a")
    page.wait_for("document.querySelector('input[type=password]')")
    page.get(f"document.querySelector('input[type=password]').value = '{look.read_text().strip()}'")
    page.get("document.querySelector('form').submit()")
    in_the_next_page(page, f"{shadow}.textContent.includes('live') && {shadow}.textContent.includes('up')")
    here = page.get("location.search")
    link = page.get(
        "fetch('api/v1/links', {method: 'POST', headers: {'Content-Type': 'application/json', "
        f"'X-Eye-Token': '{act.read_text().strip()}'}}, "
        "body: JSON.stringify({node: 'a', panel: 'tree', seconds: 600})}).then((answer) => answer.json())"
    )
    leave = f"[...{shadow}.querySelectorAll('button')].find((one) => one.textContent === 'Log out')"
    page.wait_for(f"{leave}.checkVisibility()")
    page.get(f"{leave}.click()")
    in_the_next_page(page, "document.querySelector('input[type=password]')")
    out = page.get("fetch('api/v1/nodes').then((answer) => answer.status)")
    told = page.messages
    other = browser.open(url + link["url"])
    other.wait_for(f"{shadow}?.textContent.includes('sampler')")
    refused = other.get(f"fetch('api/v1/processes/a' + '{link['url']}').then((answer) => answer.status)")

    assert "filter=a" in here
    assert (out, refused) == (401, 403)
    assert [message for message in told if "401" not in message] == []
    assert [message for message in other.messages if "403" not in message] == []


@pytest.mark.skipif(PROGRAM is None, reason="no Chromium on this machine")
@pytest.mark.xdist_group("browser")
def test_a_tab_that_stays_open_while_the_server_gets_a_login_says_what_to_do(
    browser: Browser, place: Place
) -> None:
    look = place.folder / "look"
    process, url = place.start("start", "--name", "a", "--web", "0")
    port = url.rpartition(":")[2].strip("/")
    pulse = "document.querySelector('sorcerers-eye').shadowRoot.querySelector('.pulse').textContent"
    page = browser.open(url)
    in_the_next_page(page, f"{pulse} === 'live'")

    process.terminate()
    process.communicate(timeout=20)
    place.start("start", "--name", "a", "--web", port, "--web-login", f"token:{look}")
    page.wait_for(f"{pulse}.includes('old: log in first (reload the page)')")
    page.get("location.reload()")

    in_the_next_page(page, "document.querySelector('input[type=password]')")
    page.get(f"document.querySelector('input[type=password]').value = '{look.read_text().strip()}'")
    page.get("document.querySelector('form').submit()")
    in_the_next_page(page, f"{pulse} === 'live'")
