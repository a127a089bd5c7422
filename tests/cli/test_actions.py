"""The commands that do something at other nodes, and the options that say who may."""

from __future__ import annotations

import json
import re
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from eye.monitor.agent import Agent
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

    assert text.code == 0
    assert re.fullmatch(r"a will stand still for about [\d.]+ m?s \([\d,]+ objects\)\n", text.err)
    heading, line = text.out.splitlines()
    assert heading.split() == [
        "NODE",
        "YOUNG",
        "MIDDLE",
        "OLD",
        "UNCOLLECTABLE",
        "BEFORE",
        "AFTER",
        "FREED",
        "PAUSE",
    ]
    assert re.fullmatch(r"a +\d+ +\d+ +\d+ +\d+ +\S+B +\S+B +\S+B +[\d.]+ m?s", line)
    told = json.loads(data.out)
    assert data.code == 0
    assert told.keys() == {"version", "estimates", "receipts", "failed"}
    assert [one["node"] for one in told["receipts"]] == [one["node"] for one in told["estimates"]] == ["b"]
    assert told["failed"] == []


def test_gc_says_who_refused_and_who_did_it_just_now(run: Callable[..., Any], node: Callable[..., Node]) -> None:
    node("a")
    node("b", deny=frozenset({"gc"}))
    node("c")
    run("gc", "a")

    again, data = run("gc", "a", "b"), run("gc", "--all", "--format", "json")

    assert (again.code, again.out) == (3, "")
    assert "without --deny gc" in again.err
    assert len(again.err.splitlines()) == 2
    told = json.loads(data.out)
    assert data.code == 3
    assert [one["node"] for one in told["receipts"]] == ["c"]
    assert sorted(one["node"] for one in told["failed"]) == ["a", "b"]


def test_a_node_that_does_not_let_itself_be_read_says_so(
    run: Callable[..., Any], node: Callable[..., Node]
) -> None:
    node("a", deny=frozenset({"read"}))
    node("b")
    until(lambda: "no reading yet" not in run("fetch", "--node", "b").out)

    ran = run("fetch", "--metric", "memory")

    assert ran.code == 3
    assert ran.out.startswith("Node: a\nStatus: up (no reading yet)\n\nNode: b\nMemory Usage: ")
    assert ran.err == "sorcerers_eye: node 'a' does not allow 'read'; start it without --deny read\n"


def test_gc_of_a_node_that_nobody_knows_is_a_failure_beside_others(
    run: Callable[..., Any], node: Callable[..., Node]
) -> None:
    node("a")

    done = run("gc", "a", "nobody", "--format", "json")

    told = json.loads(done.out)
    assert done.code == 3
    assert "no node named 'nobody'; known are: a" in done.err
    assert [one["node"] for one in told["receipts"]] == ["a"]
    assert [one["node"] for one in told["failed"]] == ["nobody"]


def test_gc_says_what_it_would_cost_and_does_nothing(run: Callable[..., Any], node: Callable[..., Node]) -> None:
    node("a")
    node("b")

    asked, data = run("gc", "--all", "--estimate"), run("gc", "a", "--estimate", "--format", "json")
    done = run("gc", "a")

    heading, *lines = asked.out.splitlines()
    assert (asked.code, asked.err) == (0, "")
    assert heading.split() == ["NODE", "OBJECTS", "MEMORY", "PAUSE", "ALLOWED"]
    assert [re.fullmatch(r"(\w) +[\d,]+ +\S+B +about [\d.]+ m?s +now", line)[1] for line in lines] == ["a", "b"]  # type: ignore[index]
    told = json.loads(data.out)
    assert (told["receipts"], [one["node"] for one in told["estimates"]]) == ([], ["a"])
    assert done.code == 0  # nothing was collected before


def test_gc_of_several_ends_with_a_summary(run: Callable[..., Any], node: Callable[..., Node]) -> None:
    node("a")
    node("b")

    done = run("gc", "a", "b")

    assert sorted(line.split()[0] for line in done.out.splitlines()[1:]) == ["a", "b"]
    first, last = done.err.splitlines()
    assert first.startswith("2 nodes will stand still, ")
    assert re.fullmatch(r"2 of 2 nodes: [\d,]+ objects and \S+ freed, the longest pause [\d.]+ m?s", last)


def test_gc_does_not_wait_for_the_slowest(
    run: Callable[..., Any], node: Callable[..., Node], monkeypatch: pytest.MonkeyPatch
) -> None:
    slow, quick = node("slow"), node("quick")
    written: list[str] = []
    (agent,) = [one for one in slow._parts.services if isinstance(one, Agent)]
    collect = agent._collections.collect

    def late() -> Any:
        until(lambda: any("quick" in text for text in written))
        return collect()

    monkeypatch.setattr(agent._collections, "collect", late)
    monkeypatch.setattr("eye.cli.screen.write", written.append)
    done = run("gc", "slow", "quick")

    assert done.code == 0
    assert [text.splitlines()[-1].split()[0] for text in written] == ["quick", "slow"]
    assert quick.is_alive


def _at_a_terminal(monkeypatch: pytest.MonkeyPatch, answer: bool) -> list[str]:
    asked: list[str] = []
    monkeypatch.setattr("eye.cli.gc._LONG", 0.0)
    for stream in ("stdin", "stdout"):
        monkeypatch.setattr(getattr(sys, stream), "isatty", lambda: True, raising=False)
    monkeypatch.setattr("click.confirm", lambda text, **_more: asked.append(text) or answer)
    return asked


@pytest.mark.parametrize(("answer", "arguments", "questions", "lines"), [
    (True, (), 1, 2), (False, (), 1, 0), (False, ("--yes",), 0, 2),
])  # fmt: skip
def test_gc_asks_a_person_before_a_node_stands_still_for_long(
    run: Callable[..., Any], node: Callable[..., Node], monkeypatch: pytest.MonkeyPatch,
    answer: bool, arguments: tuple[str, ...], questions: int, lines: int,
) -> None:  # fmt: skip
    node("a")
    asked = _at_a_terminal(monkeypatch, answer)

    done = run("gc", "a", *arguments)

    assert (len(asked), len(done.out.splitlines()), done.code) == (questions, lines, 0)


def test_gc_asks_no_program(
    run: Callable[..., Any], node: Callable[..., Node], monkeypatch: pytest.MonkeyPatch
) -> None:
    node("a")
    monkeypatch.setattr("eye.cli.gc._LONG", 0.0)
    monkeypatch.setattr("click.confirm", lambda *_arguments, **_more: pytest.fail("a program was asked"))

    assert run("gc", "a").code == 0


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
        # Once it has told its figures there is a connection, whose end is seen; until then only its silence is.
        until(lambda: any(one.host for one in view.fresh() if one.name == "b"))
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


def test_a_node_that_answers_what_it_should_not_is_told_of_and_ends_nothing(
    run: Callable[..., Any], node: Callable[..., Node], monkeypatch: pytest.MonkeyPatch
) -> None:
    node("liar")
    monkeypatch.setattr(Agent, "cost", lambda _: {"every": "often"})
    monkeypatch.setattr(Agent, "collect_garbage", lambda _: ["all", "well"])

    nodes = run("nodes")
    collected = run("gc", "liar")
    monkeypatch.setattr(Agent, "estimate_garbage", lambda _: {"objects": "many"})
    estimated = run("gc", "liar", "--estimate")

    assert (nodes.code, nodes.err) == (0, "")
    assert re.search(r"^liar .* -$", nodes.out, re.MULTILINE)
    assert (collected.code, estimated.code) == (3, 3)
    assert "the answer to agent.collect_garbage is not what it should be" in collected.err
    assert "the answer to agent.estimate_garbage is not what it should be" in estimated.err
