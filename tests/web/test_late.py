"""An application that is made for whoever comes first."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest

from eye.errors import ConfigError, SecretUnusable
from eye.monitor.config import NodeConfig
from eye.monitor.node import Node
from eye.web import WebServer, create_app, serve
from eye.web.late import LateApp
from tests.web.world import World, node

if TYPE_CHECKING:
    from pathlib import Path

    from flask import Flask

pytestmark = pytest.mark.e2e

_ASK = """
import sys, urllib.request
import eye
from eye.web import serve
node = eye.start_node("a")
url = serve(node, is_late=True)
before = "flask" in sys.modules
with urllib.request.urlopen(url + "healthz") as answer:
    print(before, answer.status, "flask" in sys.modules)
node.stop()
"""


@pytest.fixture
def folders(tmp_path: Path) -> dict[str, str]:
    return {"XDG_CONFIG_HOME": str(tmp_path / "config"), "EYE_FOLDER": str(tmp_path / "run")}


def get(url: str) -> int:
    with urllib.request.urlopen(f"{url}healthz", timeout=30) as answer:
        return int(answer.status)


def test_it_is_made_once_for_all_who_come_at_the_same_time() -> None:
    made: list[Flask] = []
    may_go_on = threading.Event()

    def make() -> Flask:
        assert may_go_on.wait(30)
        made.append(create_app(World(node("a"))))
        return made[-1]

    server = WebServer(LateApp(make, 200))
    answers: list[int] = []
    threads = [threading.Thread(target=lambda: answers.append(get(server.url))) for _ in range(4)]
    for thread in threads:
        thread.start()
    may_go_on.set()
    for thread in threads:
        thread.join(30)
    server.close()

    assert answers == [200] * 4
    assert len(made) == 1


def test_a_server_to_which_nobody_came_closes() -> None:
    late = LateApp(lambda: create_app(World(node("a"))), 200)

    WebServer(late).close()

    assert late.made is None


def test_a_node_that_nobody_looks_at_has_loaded_no_flask(folders: dict[str, str]) -> None:
    command, environ = [sys.executable, "-c", _ASK], {**os.environ, **folders}
    ran = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=False)

    assert ran.stdout.split() == ["False", "200", "True"], ran.stderr


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"login": "basic:/nowhere/at-all"}, SecretUnusable),
        ({"actions": "short"}, ConfigError),
        ({"links": True}, ConfigError),
        ({"max_clients": 0}, ConfigError),
        ({"timeout": -1}, ConfigError),
    ],
)
def test_what_is_wrong_with_it_is_said_before_anybody_comes(
    folders: dict[str, str], options: dict[str, Any], error: type[Exception]
) -> None:
    node = Node.start(NodeConfig("a"), environ=folders)
    try:
        with pytest.raises(error):
            serve(node, is_late=True, **options)
    finally:
        node.stop()
