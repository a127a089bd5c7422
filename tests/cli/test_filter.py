"""`--filter`: the same language for `fetch` and `nodes` as everywhere else."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from eye.monitor.config import NodeConfig
from eye.monitor.node import Node

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def web_and_db(home: Any) -> Iterator[None]:
    nodes = [Node.start(NodeConfig(name=name, discover=("local",))) for name in ("web-1", "db-1")]
    yield
    for node in nodes:
        node.stop()


@pytest.mark.parametrize(
    ("filter", "names"),
    [
        ("", ["db-1", "web-1"]),
        ("web", ["web-1"]),
        ("db-* or web-*", ["db-1", "web-1"]),
        ("not web-*", ["db-1"]),
        ("status:up db", ["db-1"]),
        ("mem>1 web-*", ["web-1"]),
        ("mem<1", []),
    ],
)
@pytest.mark.parametrize("command", [("fetch", "--scope", "all"), ("nodes",)], ids=["fetch", "nodes"])
@pytest.mark.usefixtures("web_and_db")
def test_only_those_that_are_meant(
    run: Callable[..., Any], command: tuple[str, ...], filter: str, names: list[str]
) -> None:
    done = run(*command, "--filter", filter, "--format", "json")

    assert done.code == 0
    assert [node["node"] for node in json.loads(done.out)["nodes"]] == names
    assert done.err == ("" if names else f"sorcerers_eye: no node is meant by the filter {filter!r}\n")


def test_this_machine_alone_is_filtered_too(run: Callable[..., Any]) -> None:
    done = run("fetch", "--filter", "mem<1")

    assert (done.code, done.out) == (0, "")
    assert "no node is meant by the filter 'mem<1'" in done.err


@pytest.mark.parametrize("command", ["fetch", "nodes", "observe"])
def test_a_bad_filter_is_shown_with_a_mark_at_the_character(run: Callable[..., Any], command: str) -> None:
    done = run(command, "--filter", "web-* cpu>")

    lines = done.err.splitlines()
    at = next(number for number, line in enumerate(lines) if line.strip() == "web-* cpu>")
    assert (done.code, done.out) == (2, "")
    assert lines[at + 1].index("^") == lines[at].index("web") + len("web-* cpu>")
    assert "a number is expected after '>'" in done.err


def test_what_a_filter_holds_reaches_the_terminal_harmless(run: Callable[..., Any]) -> None:
    done = run("nodes", "--filter", "a\x1b[31m (")

    assert done.code == 2
    assert "\x1b" not in done.err


def test_the_environment_and_the_file_can_say_it(
    run: Callable[..., Any], web_and_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EYE_FILTER", "db-*")

    done = run("fetch", "--format", "json")

    assert [node["node"] for node in json.loads(done.out)["nodes"]] == ["db-1"]
