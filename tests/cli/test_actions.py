"""The commands that do something at other nodes, and the options that say who may."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from eye.monitor.config import NodeConfig
from eye.monitor.node import Node

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.e2e


@pytest.fixture
def node(home: Path) -> Iterator[Callable[..., Node]]:
    nodes: list[Node] = []

    def make(name: str, **settings: Any) -> Node:
        nodes.append(Node.start(NodeConfig(name, **settings)))
        return nodes[-1]

    yield make
    for one in reversed(nodes):
        one.stop()


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 15.0
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_gc_is_done_where_it_is_wanted_only(run: Callable[..., Any], node: Callable[..., Node]) -> None:
    node("a")
    node("b")

    text = run("gc", "a")
    data = run("gc", "b", "--format", "json")

    assert (text.code, text.err) == (0, "")
    assert text.out.splitlines()[0].startswith("NODE ")
    assert text.out.splitlines()[1].startswith("a ")
    assert (data.code, data.err) == (0, "")
    assert [receipt["node"] for receipt in json.loads(data.out)["receipts"]] == ["b"]


def test_gc_says_who_refused_and_who_did_it_just_now(run: Callable[..., Any], node: Callable[..., Node]) -> None:
    node("a")
    node("b", deny=frozenset({"gc"}))
    run("gc", "a")

    again = run("gc", "--all")

    assert (again.code, again.out) == (3, "")
    assert "without --deny gc" in again.err
    assert len(again.err.splitlines()) == 2


@pytest.mark.parametrize("arguments", [(), ("a", "--all")])
def test_gc_wants_to_know_where(
    run: Callable[..., Any], node: Callable[..., Node], arguments: tuple[str, ...]
) -> None:
    node("a")

    done = run("gc", *arguments)

    assert (done.code, done.out) == (2, "")
    assert "--all" in done.err


def test_processes_lists_those_of_one_node_or_of_all(run: Callable[..., Any], node: Callable[..., Node]) -> None:
    node("a")
    node("b")

    one = run("processes", "a", "--sort", "path", "--limit", "3")
    everybody = json.loads(run("processes", "--format", "json").out)

    assert one.code == 0
    paths = [line.split()[0] for line in one.out.splitlines()[1:4]]
    assert paths == ["/eye", "/eye/cluster", "/eye/cluster/discovery"]
    assert [listed["node"] for listed in everybody["nodes"]] == ["a", "b"]
    assert run("processes", "nobody").code == 1
    assert run("processes", "a", "--sort", "beauty").code == 2


def test_one_that_died_is_listed_until_it_is_dismissed(
    run: Callable[..., Any], node: Callable[..., Node], start: Callable[..., Any]
) -> None:
    node("a")
    with start("start", "--name", "b") as process:
        process.stderr.readline()
        until(lambda: "b " in run("nodes").out)
        alive = run("nodes", "--forget", "b")
        process.kill()
    assert (alive.code, "Stop it instead" in alive.err) == (1, True)
    until(lambda: "down" in run("nodes", "--connect", "127.0.0.1:1").out)

    gone = run("nodes", "--forget", "b")

    assert (gone.code, gone.out) == (0, "b is forgotten by 1 nodes\n")
    assert "b " not in run("nodes").out
    assert (again := run("nodes", "--forget", "b")).code == 1
    assert "no node named 'b'" in again.err


def test_a_view_forgets_as_the_command_does(node: Callable[..., Node], start: Callable[..., Any]) -> None:
    from eye.errors import NotDown, UnknownNode

    view = node("a").view
    with start("start", "--name", "b") as process:
        process.stderr.readline()
        until(lambda: {one.name: one.status for one in view.nodes()}.get("b") == "up")
        with pytest.raises(NotDown):
            view.forget("b")
        process.kill()
    until(lambda: {one.name: one.status for one in view.nodes()}["b"] == "down")

    assert view.forget("b") == 1

    until(lambda: [one.name for one in view.nodes()] == ["a"])
    with pytest.raises(UnknownNode):
        view.forget("b")


def test_tls_is_spoken_where_it_is_wanted_and_the_cookie_is_told_nobody(
    run: Callable[..., Any], start: Callable[..., Any], home: Path
) -> None:
    with start("start", "--name", "a", "--tls", "always") as process:
        up = process.stderr.readline()
        address = up.split()[-1]

        encrypted = run("fetch", "--connect", address)
        clear = run("fetch", "--connect", address, "--tls", "off")

        process.terminate()
        said = up + process.stderr.read() + process.stdout.read() + encrypted.err + clear.err
    cookie = (home / "config" / "sorcerers_eye" / "cookie").read_text().strip()
    assert encrypted.code == 0
    assert encrypted.out.startswith("Node: a\n")
    assert cookie not in said


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--tls-cert", "x"), "go together"),
        (("--tls-cert", "/no", "--tls-key", "/no", "--tls-ca", "/no"), "TLS file /no"),
        (("--tls", "perhaps"), "always"),
        (("--discover", "by-magic"), "by-magic"),
        (("--max-nodes", "0"), "0"),
        (("--advertise", "nowhere"), "nowhere"),
        (("--deny", "everything"), "everything"),
    ],
)
def test_options_that_make_no_sense_are_refused_in_one_sentence(
    start: Callable[..., Any], options: tuple[str, ...], words: str
) -> None:
    with start("start", "--name", "a", *options) as process:
        err = process.stderr.read()

    assert process.returncode in (1, 2)
    assert words in err
    assert "Traceback" not in err
