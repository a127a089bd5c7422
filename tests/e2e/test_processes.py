"""The main job, with real OS processes: start, find each other, fetch, kill, freeze, come back, leave nothing."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import psutil
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.e2e

EYE = [sys.executable, "-m", "eye.cli.main"]
BLOCK = r"Node: {}\nMemory Usage: [\d.]+[KMGT]?B\nCPU Load: \d+%\nProcess Count: \d+\nUptime: \d+ \w+\n"


class Village:
    """The nodes of one test, in folders of their own; all are gone when it ends."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "run"
        self.environ = {
            **{key: value for key, value in os.environ.items() if not key.startswith("EYE_")},
            "EYE_FOLDER": str(self.folder),
            "XDG_CONFIG_HOME": str(folder / "config"),
            "EYE_TIMEOUT": "20",  # for a busy machine; whoever is killed refuses at once
            "PYTHONWARNINGS": "error",
        }
        self.processes: list[subprocess.Popen[str]] = []

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [*EYE, *arguments],
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.processes.append(process)
        return process

    def node(self, name: str, *arguments: str) -> subprocess.Popen[str]:
        process = self.start("start", "--name", name, *arguments)
        assert process.stderr is not None
        line = process.stderr.readline()
        assert f"node {name} is up at" in line, line
        return process

    def run(self, *arguments: str, timeout: float = 30.0) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*EYE, *arguments], env=self.environ, capture_output=True, text=True, timeout=timeout, check=False
        )

    def statuses(self) -> dict[str, str]:
        document = json.loads(self.run("fetch", "--format", "json", "--timeout", "1").stdout)
        return {node["node"]: node["status"] for node in document["nodes"]}

    def address_of(self, name: str) -> tuple[str, int]:
        document = json.loads(self.run("fetch", "--format", "json").stdout)
        host, port = next(n["address"] for n in document["nodes"] if n["node"] == name).rsplit(":", 1)
        return host, int(port)


@pytest.fixture
def village(tmp_path: Path) -> Iterator[Village]:
    village = Village(tmp_path)
    yield village
    for process in village.processes:
        if process.poll() is None:
            process.send_signal(signal.SIGCONT)
            process.kill()
        process.communicate()


def eventually(true: Callable[[], Any], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not come to pass in time"
        time.sleep(0.05)


def one_sentence(run: subprocess.CompletedProcess[str], says: str) -> None:
    assert "Traceback" not in run.stderr
    assert len(run.stderr.strip().splitlines()) == 1, run.stderr
    assert re.search(says, run.stderr), run.stderr


def test_fetch_prints_both_nodes_in_exactly_the_contracts_format(village: Village) -> None:
    village.node("mystic-node-1")
    village.node("mystic-node-2")

    run = village.run("fetch")

    assert run.returncode == 0, run.stderr
    assert re.fullmatch(BLOCK.format("mystic-node-1") + "\n" + BLOCK.format("mystic-node-2"), run.stdout), (
        run.stdout
    )
    assert "\x1b" not in run.stdout + run.stderr


def test_the_figures_agree_with_the_machines_own_tools(village: Village) -> None:
    node = village.node("a")
    entry: dict[str, Any] = {}

    def tools() -> dict[str, float]:
        memory, process = psutil.virtual_memory(), psutil.Process(node.pid)
        return {
            "memory_used": memory.total - memory.available,
            "process_count": len(psutil.pids()),
            "uptime": time.time() - psutil.boot_time(),
            "memory_rss": process.memory_info().rss,
        }

    def was_measured_since() -> bool:
        entry.update(json.loads(village.run("fetch", "--format", "json").stdout)["nodes"][0])
        return bool(entry["host"]["uptime"] > before["uptime"])

    before = tools()
    eventually(was_measured_since)
    after = tools()

    assert set(entry) == {"node", "status", "address", "seen_at", "host", "process"}

    def agrees(figure: float, name: str, *, rel: float = 0.0, abs: float = 0.0) -> bool:
        low, high = sorted((before[name], after[name]))  # what else runs on this machine changes them meanwhile
        return low * (1 - rel) - abs <= figure <= high * (1 + rel) + abs

    host, process = entry["host"], entry["process"]
    assert host["memory_total"] == psutil.virtual_memory().total
    assert agrees(host["memory_used"], "memory_used", rel=0.25)
    assert host["cores"] == psutil.cpu_count()
    assert agrees(host["process_count"], "process_count", abs=20)
    assert agrees(host["uptime"], "uptime", abs=5)
    assert process["pid"] == node.pid
    assert agrees(process["memory_rss"], "memory_rss", rel=0.25)
    assert 0 <= process["cpu_percent"] <= 100


def test_a_reader_that_goes_away_is_no_error(village: Village) -> None:
    village.node("a")

    line = subprocess.run(
        ["sh", "-c", '"$@" | head -n 1', "sh", *EYE, "fetch", "--scope", "all"],
        env=village.environ,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert (line.returncode, line.stdout, line.stderr) == (0, "Node: a\n", "")


def test_kill_9_is_seen_and_so_is_the_return(village: Village) -> None:
    first = village.node("mystic-node-1")
    second = village.node("mystic-node-2")
    eventually(lambda: village.statuses() == {"mystic-node-1": "up", "mystic-node-2": "up"})

    second.kill()
    second.wait()
    down = village.run("fetch")

    assert down.returncode == 3
    last_seen = r"\nNode: mystic-node-2\nStatus: down \(last seen \d+ seconds? ago\)\n"
    assert re.fullmatch(BLOCK.format("mystic-node-1") + last_seen, down.stdout), down.stdout

    village.node("mystic-node-2")
    eventually(lambda: village.statuses() == {"mystic-node-1": "up", "mystic-node-2": "up"})
    tree = village.run("tree", "mystic-node-1").stdout
    assert first.poll() is None
    assert "restart ·" not in tree
    assert "#2" not in tree


def test_a_frozen_node_is_down_and_up_again_when_it_thaws(village: Village) -> None:
    village.node("a")
    frozen = village.node("b")
    eventually(lambda: village.statuses() == {"a": "up", "b": "up"})

    frozen.send_signal(signal.SIGSTOP)
    began = time.monotonic()
    run = village.run("fetch", "--timeout", "1")
    took = time.monotonic() - began
    frozen.send_signal(signal.SIGCONT)

    assert run.returncode == 3
    assert "Node: b\nStatus: down" in run.stdout
    assert took < 10  # the timeout, and the start of an interpreter on a busy machine
    eventually(lambda: village.statuses() == {"a": "up", "b": "up"})


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stopped_node_leaves_nothing(village: Village, number: signal.Signals) -> None:
    node = village.node("a", "--web", "0")

    node.send_signal(number)
    _, errors = node.communicate(timeout=20)

    assert node.returncode == 0
    assert "Traceback" not in errors
    assert list(village.folder.iterdir()) == []


def test_without_any_node_this_machine_is_read_alone(village: Village) -> None:
    run = village.run("fetch")

    assert run.returncode == 0
    assert re.fullmatch(BLOCK.format(r"\S+"), run.stdout), run.stdout
    one_sentence(run, "this machine alone")


def test_what_is_wrong_is_said_in_one_sentence(village: Village, tmp_path: Path) -> None:
    village.node("a")
    open_cookie = tmp_path / "cookie"
    open_cookie.write_text("x" * 64)
    open_cookie.chmod(0o644)
    other = tmp_path / "other"
    other.write_text("y" * 64)
    other.chmod(0o600)
    host, port = village.address_of("a")

    taken = village.run("start", "--name", "a")
    one_sentence(taken, "already running at")
    in_use = village.run("start", "--name", "b", "--listen", f"{host}:{port}")
    one_sentence(in_use, str(port))
    unsafe = village.run("fetch", "--cookie-file", str(open_cookie))
    one_sentence(unsafe, "chmod 600")
    stranger = village.run("fetch", "--cookie-file", str(other), "--connect", f"{host}:{port}")
    one_sentence(stranger, "cookie")
    metric = village.run("fetch", "--metric", "nonsense")
    one_sentence(metric, "unknown metric 'nonsense'")
    glob = village.run("fetch", "--node", "[a")
    one_sentence(glob, r"\[a")
    codes = [run.returncode for run in (taken, in_use, unsafe, stranger, metric, glob)]
    assert codes == [1, 1, 1, 1, 2, 2]


def test_strangers_at_the_door_do_not_stop_a_node(village: Village) -> None:
    village.node("a")
    address = village.address_of("a")
    strangers = [socket.create_connection(address) for _ in range(30)]
    for index, stranger in enumerate(strangers):
        if index % 3 == 1:
            stranger.sendall(b"GET / HTTP/1.1\r\n\r\n" * 20)
        if index % 3 == 2:
            stranger.sendall((2**30).to_bytes(4, "big") + b"x" * 1000)

    run = village.run("fetch")

    for stranger in strangers:
        stranger.close()
    assert run.returncode == 0
    assert re.fullmatch(BLOCK.format("a"), run.stdout), run.stdout


def test_a_process_is_crashed_only_where_that_is_allowed(village: Village) -> None:
    village.node("closed")
    village.node("open", "--allow", "kill")

    refused = village.run("kill", "closed", "sampler")
    hit = village.run("kill", "open", "sampler", "--reason", "to see it")

    assert refused.returncode == 1
    one_sentence(refused, "--allow kill")
    assert hit.returncode == 0, hit.stderr
    eventually(lambda: "sampler#2" in village.run("tree", "open").stdout)
    assert "to see it" in village.run("tree", "open").stdout


def test_twenty_nodes_are_all_in_one_fetch(village: Village) -> None:
    for number in range(20):
        village.start("start", "--name", f"node-{number:02}")

    expected = {f"node-{number:02}": "up" for number in range(20)}
    eventually(lambda: village.statuses() == expected, 45.0)


def children_of(pid: int) -> list[psutil.Process]:
    return psutil.Process(pid).children(recursive=True)


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_the_demo_leaves_nothing_behind_however_it_ends(village: Village, end: signal.Signals) -> None:
    demo = village.start("demo", "--nodes", "2", "--no-browser")
    assert demo.stdout is not None
    for line in demo.stdout:
        if line.startswith("Watch them"):
            break
    children = children_of(demo.pid)
    assert len(children) == 2

    demo.send_signal(end)

    demo.communicate(timeout=20)
    gone, alive = psutil.wait_procs(children, timeout=15)
    assert alive == []
    assert len(gone) == 2
    assert list(village.folder.iterdir()) == []
    assert demo.returncode == (-signal.SIGKILL if end is signal.SIGKILL else 0)


def test_the_demos_page_shows_its_nodes_and_their_figures(village: Village) -> None:
    demo = village.start("demo", "--nodes", "3", "--no-browser")
    assert demo.stdout is not None
    url = next(line for line in demo.stdout if line.startswith("Watch them")).split()[-1]

    with urlopen(f"{url}api/v1/nodes", timeout=10) as answer:
        nodes = json.load(answer)["nodes"]
    with urlopen(f"{url}metrics", timeout=10) as answer:
        metrics = answer.read().decode()

    assert [node["node"] for node in nodes] == ["mystic-node-1", "mystic-node-2", "mystic-node-3"]
    assert all(node["host"]["cpu_percent"] is not None for node in nodes)
    assert 'sorcerers_eye_node_up{node="mystic-node-1"} 1' in metrics


def test_the_demos_page_breaks_things_for_who_has_the_token_that_was_printed(village: Village) -> None:
    demo = village.start("demo", "--nodes", "2", "--no-browser")
    assert demo.stdout is not None
    url = next(line for line in demo.stdout if line.startswith("Watch them")).split()[-1]
    token = next(demo.stdout).split()[-1]

    def crash(token: str) -> int:
        headers = {"Content-Type": "application/json", "X-Eye-Token": token, "Origin": url.rstrip("/")}
        body = json.dumps({"process": "/eye/local/sampler"}).encode()
        try:
            with urlopen(Request(f"{url}api/v1/crash/mystic-node-1", body, headers), timeout=10) as answer:
                return int(answer.status)
        except HTTPError as error:
            return error.code

    assert crash("not" + token) == 403
    assert crash(token) == 200
    assert any("local/sampler#2 started in its place" in line for line in demo.stdout)


def test_the_story_of_the_demo_comes_true(village: Village) -> None:
    run = village.run("demo", "--nodes", "2", "--script", "--no-browser", timeout=55)

    assert run.returncode == 0, run.stdout + run.stderr
    assert "everything that broke came back" in run.stdout
    assert list(village.folder.iterdir()) == []
