"""`fetch`, `nodes`, `tree` and `kill` over a real node; and `fetch` where there is none."""

from __future__ import annotations

import csv
import json
import os
import re
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from eye.cli.forms import choose
from eye.clock import SystemClock
from eye.cluster.security import load_cookie
from eye.metrics.catalogue import CATALOGUE, Scope
from eye.metrics.scripted_probe import ScriptedProbe
from eye.monitor.config import NodeConfig
from eye.monitor.node import Node
from eye.testing import until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.e2e

FIGURES = r"Memory Usage: [\d.]+[KMGT]?B\nCPU Load: \d+%\nProcess Count: \d+\nUptime: \d+ \w+\n"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


# ---------------------------------------------------------------------------------- this machine alone


def test_without_a_cluster_this_machine_is_read_alone(run: Callable[..., Any]) -> None:
    ran = run("fetch")

    assert ran.code == 0
    assert re.fullmatch(rf"Node: {re.escape(socket.gethostname())}\n{FIGURES}", ran.out)
    assert ran.err == "sorcerers_eye: no cluster was found; this is this machine alone\n"


def test_alone_there_is_no_node_to_tell_of(run: Callable[..., Any]) -> None:
    everything = run("fetch", "--scope", "all")
    document = json.loads(run("fetch", "--format", "json").out)

    assert everything.code == 0
    assert "Node Memory" not in everything.out
    assert document["nodes"][0]["process"] is None
    for arguments in (["--scope", "node"], ["--metric", "restarts"]):
        ran = run("fetch", *arguments)
        assert (ran.code, ran.out) == (1, "")
        assert "only a node can tell that" in ran.err


def test_alone_no_node_is_called_anything(run: Callable[..., Any]) -> None:
    ran = run("fetch", "--node", "web-*")

    assert (ran.code, ran.out) == (1, "")
    assert ran.err == "sorcerers_eye: no node is called 'web-*': no cluster was found\n"


def test_looking_leaves_nothing_behind(run: Callable[..., Any], home: Path) -> None:
    run("fetch")

    assert list(home.iterdir()) == []


# ---------------------------------------------------------------------------------------- over a node


def test_the_formats(run: Callable[..., Any], node: Node) -> None:
    text, table = run("fetch"), run("fetch", "--format", "table")
    document = json.loads(run("fetch", "--format", "json").out)
    rows = list(csv.DictReader(run("fetch", "--format", "csv", "--metric", "cpu").out.splitlines()))
    exposition = run("fetch", "--format", "prometheus", "--scope", "node").out

    assert text.code == 0
    assert text.err == ""
    assert re.fullmatch(f"Node: mystic-node-1\n{FIGURES}", text.out)
    assert re.search(r"^mystic-node-1 +● up ", table.out, re.MULTILINE)
    assert "\x1b" not in table.out
    assert document["nodes"][0]["address"] == node.address
    assert set(document["nodes"][0]) == {"node", "status", "address", "seen_at", "host", "process"}
    assert set(rows[0]) == {"at", "node", "status", "address", "seen_at", "host_cpu_percent"}
    assert 'sorcerers_eye_node_up{node="mystic-node-1"} 1' in exposition
    assert "sorcerers_eye_node_memory_rss_bytes" in exposition
    assert "sorcerers_eye_host_memory" not in exposition


@pytest.mark.parametrize(
    ("format", "names", "scope", "fields"),
    [
        ("text", (), None, ["memory_used", "cpu", "process_count", "uptime"]),
        ("table", (), "node", ["memory_rss", "cpu", "process_count", "uptime"]),
        ("text", ("restarts",), None, ["restarts"]),
        ("json", (), None, None),
        ("json", (), "node", None),
        ("json", ("uptime",), None, ["uptime"]),
        ("csv", (), None, None),
        (
            "csv",
            (),
            "node",
            [metric.field for metric in CATALOGUE if metric.scope is Scope.NODE],
        ),
    ],
)
def test_which_metrics_a_format_shows(
    format: str, names: tuple[str, ...], scope: str | None, fields: list[str] | None
) -> None:
    chosen = choose(format, names, scope)

    assert (None if chosen is None else [metric.field for metric in chosen]) == fields


def test_a_glob_that_matches_nobody_is_told_who_there_is(run: Callable[..., Any], node: Node) -> None:
    ran = run("fetch", "--node", "web-*")

    assert (ran.code, ran.out) == (1, "")
    assert ran.err == "sorcerers_eye: no node is called 'web-*'; known are: mystic-node-1\n"


def test_of_several_globs_each_that_matches_nobody_is_told(run: Callable[..., Any], node: Node) -> None:
    ran = run("fetch", "--node", "web-*", "--node", "mystic-*", "--node", "db-1")

    assert ran.code == 3
    assert ran.out.startswith("Node: mystic-node-1\n")
    assert ran.err == "sorcerers_eye: no node is called 'web-*' or 'db-1'; known are: mystic-node-1\n"


def test_an_address_where_nobody_answers(run: Callable[..., Any], node: Node) -> None:
    nowhere = f"127.0.0.1:{free_port()}"

    ran = run("fetch", "--connect", nowhere)

    assert ran.code == 3
    assert ran.out.startswith("Node: mystic-node-1\n")
    assert ran.err == f"sorcerers_eye: cannot reach {nowhere}: connection refused\n"


def test_nobody_at_any_address_is_a_failure(run: Callable[..., Any]) -> None:
    load_cookie_of_this_user()
    nowhere = f"127.0.0.1:{free_port()}"

    ran = run("fetch", "--connect", nowhere)

    assert (ran.code, ran.out) == (1, "")
    assert f"no node answered: tried {nowhere} (connection refused). Is `sorcerers_eye start` running" in ran.err


def load_cookie_of_this_user() -> None:
    from pathlib import Path

    load_cookie(Path(os.environ["XDG_CONFIG_HOME"], "sorcerers_eye", "cookie"))


def test_one_that_is_no_node_is_told_apart(run: Callable[..., Any], node: Node) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"

        ran = run("fetch", "--connect", address, "--timeout", "0.3")

    assert ran.code == 3
    assert ran.err == f"sorcerers_eye: {address} did not answer within 0.3 s\n"


@pytest.mark.parametrize("how", ["found", "connect"])
def test_another_cookie(run: Callable[..., Any], node: Node, home: Path, how: str) -> None:
    load_cookie(home / "other")
    arguments = ["--connect", node.address] if how == "connect" else []

    ran = run("fetch", "--cookie-file", str(home / "other"), *arguments)

    assert (ran.code, ran.out) == (1, "")
    assert "the cookies differ. Give both the same --cookie-file" in ran.err
    assert ran.err.count("\n") == 1


def test_a_cookie_that_others_may_read(run: Callable[..., Any], node: Node, home: Path) -> None:
    path = home / "config" / "sorcerers_eye" / "cookie"
    path.chmod(0o644)

    ran = run("fetch")

    assert (ran.code, ran.out) == (1, "")
    assert f"chmod 600 {path}" in ran.err


def test_nodes_tree_and_kill(run: Callable[..., Any], node: Node) -> None:
    nodes = run("nodes")
    document = json.loads(run("nodes", "--format", "json").out)
    hit = run("kill", "mystic-node-1", "/eye/local/sampler", "--reason", "for a test")
    deadline = time.monotonic() + 20
    while "● sampler#2" not in (tree := run("tree", "mystic-node-1")).out:  # its first look takes a moment
        assert time.monotonic() < deadline, tree
    trees = json.loads(run("tree", "--format", "json").out)

    assert nodes.code == 0
    assert re.search(rf"^mystic-node-1 +up +{re.escape(node.address)} +now", nodes.out, re.MULTILINE)
    assert document["nodes"][0]["boot"] == node.boot
    assert (hit.code, hit.out) == (0, "/eye/local/sampler of mystic-node-1 was hit: for a test\n")
    assert tree.code == 0
    assert "● sampler#2  [1 restart" in tree.out
    assert trees["version"] == 1
    assert trees["trees"][0]["tree"]["path"] == "/eye"


@pytest.mark.parametrize("arguments", [["tree", "nobody"], ["kill", "nobody", "/eye"]])
def test_a_node_that_nobody_knows(run: Callable[..., Any], node: Node, arguments: list[str]) -> None:
    ran = run(*arguments)

    assert (ran.code, ran.out) == (1, "")
    assert ran.err == "sorcerers_eye: no node named 'nobody'; known are: mystic-node-1\n"


def test_a_process_that_is_not_there(run: Callable[..., Any], node: Node) -> None:
    ran = run("kill", "mystic-node-1", "/eye/nothing")

    assert (ran.code, ran.out) == (1, "")
    assert "no process '/eye/nothing'" in ran.err


# ------------------------------------------------------------------------------------------- repeating


def test_watch_as_json_is_a_document_a_line_until_ctrl_c(start: Callable[..., Any], node: Node) -> None:
    process = start("fetch", "--watch", "0.1", "--format", "json")

    documents = [json.loads(process.stdout.readline()) for _ in range(3)]
    process.send_signal(2)
    _, err = process.communicate(timeout=20)

    assert (process.returncode, err) == (0, "")
    moments = [document["at"] for document in documents]
    assert moments == sorted(set(moments))
    assert all(document["nodes"][0]["status"] == "up" for document in documents)


def test_watch_as_csv_has_one_header(start: Callable[..., Any], node: Node) -> None:
    process = start("fetch", "--watch", "0.1", "--format", "csv", "--metric", "cpu")

    lines = [process.stdout.readline() for _ in range(4)]
    process.send_signal(2)
    process.communicate(timeout=20)

    assert [line.startswith("at,") for line in lines] == [True, False, False, False]


def test_watch_notices_a_node_that_goes_and_one_that_comes(start: Callable[..., Any], node: Node) -> None:
    process = start("fetch", "--watch", "0.1", "--format", "json")
    seen: list[set[str]] = []

    def until(names: set[str]) -> None:
        deadline = time.monotonic() + 30
        while not (seen and seen[-1] == names):
            assert time.monotonic() < deadline
            seen.append({n["node"] for n in json.loads(process.stdout.readline())["nodes"] if n["status"] == "up"})

    until({"mystic-node-1"})
    other = start("start", "--name", "mystic-node-2")
    until({"mystic-node-1", "mystic-node-2"})
    other.terminate()
    other.communicate(timeout=20)
    until({"mystic-node-1"})
    process.send_signal(2)
    process.communicate(timeout=20)

    assert other.returncode == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ["fetch", "--watch", "0.1"],
        ["fetch", "--watch", "0.1", "--format", "json"],
        ["fetch", "--watch", "0.1", "--format", "csv"],
        ["--help"],
        ["tree"],
    ],
)
def test_a_reader_that_goes_away_is_no_error(start: Callable[..., Any], node: Node, arguments: list[str]) -> None:
    process = start(*arguments)
    process.stdout.close()

    process.stdin.close()
    err = process.stderr.read()
    process.stderr.close()

    assert (process.wait(timeout=20), err) == (0, "")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no full device on this system")
@pytest.mark.parametrize("arguments", [["fetch"], ["--help"]])
def test_a_result_that_cannot_be_written_is_a_failure(node: Node, arguments: list[str]) -> None:
    with open("/dev/full", "w") as full:
        ran = subprocess.run(
            [sys.executable, "-m", "eye.cli.main", *arguments],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=30,
            check=False,
        )

    assert (ran.returncode, ran.stderr) == (1, "sorcerers_eye: cannot write the result: no space left on device\n")


@pytest.fixture
def container(home: Path) -> Iterator[Node]:
    def probe() -> ScriptedProbe:
        scripted = ScriptedProbe(SystemClock())
        scripted.set_host(source="container")
        return scripted

    node = Node.start(NodeConfig(name="mystic-node-2"), environ=os.environ, make_probe=probe)
    yield node
    node.stop()


def test_of_a_container_it_is_said_beside_the_text_whose_figures_they_are(
    run: Callable[..., Any], container: Node
) -> None:
    text, table, document = run("fetch"), run("fetch", "--format", "table"), run("fetch", "--format", "json")

    assert text.out.startswith("Node: mystic-node-2\nMemory Usage: 512MB\n")
    assert text.err == (
        "sorcerers_eye: memory and CPU are those of the container, not of the machine: mystic-node-2\n"
    )
    assert (table.err, "container" in table.out) == ("", True)
    assert (document.err, json.loads(document.out)["nodes"][0]["host"]["source"]) == ("", "container")


# -------------------------------------------------------------------------------- a program's own figures


@pytest.fixture
def shop(node: Node) -> Node:
    node.gauge("orders", lambda: 7, help="Orders that wait", unit="count")
    node.counter("served", lambda: 4711)
    until(lambda: (sample := node._parts.latest.get()) is not None and len(sample.custom) == 2)
    return node


def test_an_own_figure_is_named_like_any_other(run: Callable[..., Any], shop: Node) -> None:
    text = run("fetch", "--metric", "orders", "--metric", "cpu")
    table = run("fetch", "--metric", "custom.served", "--format", "table")
    document = json.loads(run("fetch", "--format", "json").out)
    rows = list(csv.DictReader(run("fetch", "--format", "csv", "--metric", "orders").out.splitlines()))
    exposition = run("fetch", "--format", "prometheus").out

    assert re.fullmatch(r"Node: mystic-node-1\nCPU Load: \d+%\nOrders: 7\n", text.out)
    assert table.out.splitlines()[1].split()[3] == "4711"
    assert document["nodes"][0]["custom"] == {"orders": 7, "served": 4711}
    assert [row["custom_orders"] for row in rows] == ["7"]
    assert "# HELP sorcerers_eye_custom_orders Orders that wait\n" in exposition
    assert 'sorcerers_eye_custom_served_total{node="mystic-node-1"} 4711\n' in exposition


def test_an_own_figure_is_filtered_by_like_any_other(run: Callable[..., Any], shop: Node) -> None:
    found, none = run("fetch", "--filter", "orders>5"), run("fetch", "--filter", "custom.orders<5")
    nodes = run("nodes", "--filter", "served=4711 status:up")

    assert found.out.startswith("Node: mystic-node-1\n")
    assert (none.code, none.out) == (0, "")
    assert "mystic-node-1" in nodes.out


def test_what_nobody_measures_is_a_mistake_still(run: Callable[..., Any], shop: Node) -> None:
    metric, filtered = run("fetch", "--metric", "ordres"), run("fetch", "--filter", "web-* ordres>5")

    assert (metric.code, metric.out) == (2, "")
    assert "Did you mean 'orders'?" in metric.err
    assert (filtered.code, filtered.out) == (2, "")
    assert "unknown metric 'ordres'" in filtered.err
    assert "web-* ordres>5\n          ^" in filtered.err


@pytest.mark.e2e
def test_nodes_says_how_often_each_is_asked_and_who_sees_whom(run: Callable[..., Any], node: Node) -> None:
    alone = run("nodes")
    matrix = run("nodes", "--matrix")
    told = json.loads(run("nodes", "--matrix", "--format", "json").out)
    watcher = Node.start(NodeConfig("watcher", interval=0.5), observer=True)
    try:
        deadline = time.monotonic() + 20
        while (document := json.loads(run("nodes", "--format", "json").out))["nodes"][0]["every"] is None:
            watcher.view.look()
            assert time.monotonic() < deadline, document
    finally:
        watcher.stop()

    assert re.search(r"^mystic-node-1 .* -$", alone.out, re.MULTILINE)
    assert (matrix.code, matrix.out.splitlines()[0]) == (0, "1 of 1 nodes told; they agree on all")
    assert told["rows"] == [{"node": "mystic-node-1", "error": None, "sees": {}}]
    assert 0.1 <= document["nodes"][0]["every"] <= 5
