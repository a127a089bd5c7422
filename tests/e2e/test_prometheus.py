"""A real Prometheus server scrapes real nodes, and its own checker finds nothing to say."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

COUNT = 20
START = [sys.executable, "-m", "eye.cli.main", "start", "--history", "off", "--alerts", "off"]
WITHIN = 120.0  # seconds: twenty interpreters on a small, busy machine


def tool(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        if os.environ.get("EYE_TESTS_MUST_RUN"):
            pytest.fail(f"{name} is not installed")
        pytest.skip(f"{name} is not installed")
    return found


def until(true: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + WITHIN
    while not (told := true()):
        assert time.monotonic() < deadline, "it did not come to pass in time"
        time.sleep(0.1)
    return told


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


def get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=30) as answer:
        text: str = answer.read().decode()
        return text


class Fleet:
    """Twenty nodes, each an OS process with a web view of its own, by their names."""

    def __init__(self, folder: Path) -> None:
        environ = {**os.environ, "EYE_FOLDER": str(folder / "run"), "XDG_CONFIG_HOME": str(folder / "config")}
        self.processes = {
            f"n{number:02}": subprocess.Popen(
                [*START, "--name", f"n{number:02}", "--web", "127.0.0.1:0"],
                env=environ, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE, text=True,
            )
            for number in range(COUNT)
        }  # fmt: skip
        self.urls = {name: self._url_of(process) for name, process in self.processes.items()}

    def _url_of(self, process: subprocess.Popen[str]) -> str:
        assert process.stderr is not None
        for line in process.stderr:
            if (found := re.search(r"the web view is at http://(\S+?)/?\s", line)) is not None:
                return found[1]
        raise AssertionError("a node ended before it had a web view")

    def stop(self) -> None:
        for process in self.processes.values():
            process.kill()
        for process in self.processes.values():
            process.communicate()


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    tool("prometheus"), tool("promtool")
    fleet = Fleet(tmp_path)
    yield fleet
    fleet.stop()


@pytest.fixture
def server(fleet: Fleet, tmp_path: Path) -> Iterator[str]:
    """The address of a Prometheus that scrapes every node for itself, and one of them for the whole cluster."""
    folder, port = tmp_path, free_port()
    jobs = [
        {
            "job_name": "nodes",
            "metrics_path": "/metrics/node",
            "static_configs": [{"targets": [*fleet.urls.values()]}],
        },
        {"job_name": "cluster", "metrics_path": "/metrics", "static_configs": [{"targets": [fleet.urls["n00"]]}]},
    ]
    (folder / "prometheus.yml").write_text(
        json.dumps({"global": {"scrape_interval": "2s"}, "scrape_configs": jobs})
    )
    command = [
        tool("prometheus"), f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
        f"--web.listen-address=127.0.0.1:{port}",
    ]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        yield f"http://127.0.0.1:{port}"
        process.send_signal(signal.SIGTERM)


def ask(server: str, path: str) -> Any:
    try:
        return json.loads(get(f"{server}/api/v1/{path}"))["data"]
    except OSError:  # it is starting
        return None


def query(server: str, expression: str) -> dict[str, float]:
    told = ask(server, "query?" + urllib.parse.urlencode({"query": expression}))
    return {one["metric"].get("node", ""): float(one["value"][1]) for one in told["result"]} if told else {}


def test_twenty_nodes_are_scraped_by_a_real_server(server: str, fleet: Fleet) -> None:
    """One test, and not one of each: a fleet for each of several test runners would be too many for a machine."""
    _all_targets_are_up(server)
    for path in ("/metrics", "/metrics/node"):
        _its_checker_finds_nothing_to_say(path, fleet)
    _one_that_was_killed_is_told_as_down_by_the_others(server, fleet)


def _all_targets_are_up(server: str) -> None:
    def health() -> list[str]:
        told = ask(server, "targets?state=active")
        return [one["health"] + one["lastError"] for one in told["activeTargets"]] if told else []

    until(lambda: health() == ["up"] * (COUNT + 1))
    for job in ("nodes", "cluster"):
        expression = f'sorcerers_eye_node_up{{job="{job}"}}'
        until(lambda expression=expression: [*query(server, expression).values()] == [1.0] * COUNT)
    memory = until(lambda: query(server, 'sorcerers_eye_node_memory_rss_bytes{job="nodes"}'))
    assert len(memory) == COUNT
    assert min(memory.values()) > 2**20


def _its_checker_finds_nothing_to_say(path: str, fleet: Fleet) -> None:
    text = get(f"http://{fleet.urls['n01']}{path}")

    checked = subprocess.run(
        [tool("promtool"), "check", "metrics"], input=text, capture_output=True, text=True, timeout=30, check=False
    )

    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")
    assert "sorcerers_eye_host_network_sent_bytes_total" in text
    assert text.count("sorcerers_eye_node_up{") == (1 if path == "/metrics/node" else COUNT)


def _one_that_was_killed_is_told_as_down_by_the_others(server: str, fleet: Fleet) -> None:
    fleet.processes["n19"].kill()

    until(lambda: query(server, 'sorcerers_eye_node_up{job="cluster",node="n19"}') == {"n19": 0.0})
    until(lambda: query(server, 'sum(up{job="nodes"})') == {"": COUNT - 1.0})
    until(lambda: "n19" not in query(server, 'sorcerers_eye_node_memory_rss_bytes{job="cluster"}'))
    assert "n18" in query(server, 'sorcerers_eye_node_memory_rss_bytes{job="cluster"}')
