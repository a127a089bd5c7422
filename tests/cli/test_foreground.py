"""A node in the foreground: what it says, and how it ends."""

from __future__ import annotations

import json
import logging
import os
import resource
import signal
import sys
import time
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest

from eye.cli.foreground import _allow_many_files
from eye.cli.logs import Held, OneLine

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's end")


def files(home: Path) -> list[str]:
    return sorted(path.name for path in (home / "run").iterdir() if not path.name.startswith("."))


def is_gone(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


@pytest.mark.e2e
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_it_in_good_order(start: Callable[..., Any], home: Path, number: signal.Signals) -> None:
    process = start("start", "--name", "a")
    line = process.stderr.readline()

    process.send_signal(number)
    out, err = process.communicate(timeout=20)

    assert line.startswith("node a is up at 127.0.0.1:")
    assert (process.returncode, out, err) == (0, "", "")
    assert files(home) == []


@pytest.mark.e2e
def test_with_a_web_view_it_says_where(start: Callable[..., Any]) -> None:
    process = start("start", "--name", "a", "--web", "0")
    process.stderr.readline()
    url = process.stderr.readline().rsplit(" ", 1)[1].strip()

    with urllib.request.urlopen(f"{url}api/v1/nodes", timeout=20) as answer:
        document = json.load(answer)
    process.terminate()
    process.communicate(timeout=20)

    assert document["nodes"][0]["node"] == "a"
    assert process.returncode == 0


@pytest.mark.e2e
def test_the_web_view_alone_is_no_node(start: Callable[..., Any], run: Callable[..., Any], home: Path) -> None:
    process = start("web", "--no-browser")
    assert "the web view is at http://127.0.0.1:" in process.stderr.readline()
    assert "no node was found yet" in process.stderr.readline()

    alone = run("nodes")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)

    assert alone.code == 1
    assert process.returncode == 0


@pytest.mark.e2e
@pytest.mark.parametrize("options", [(), ("--tls", "off")], ids=["encrypted", "in the clear"])
def test_it_warns_once_of_what_goes_over_the_wire_in_clear_text(
    start: Callable[..., Any], options: tuple[str, ...]
) -> None:
    process = start("start", "--name", "a", "--listen", "0.0.0.0:0", *options)

    with process:
        said = process.stderr.readline()
        process.terminate()
        said += process.stderr.read()  # and not `communicate`: a part may lie in the reader's buffer already

    warnings = [line for line in said.splitlines() if "clear text" in line]
    assert len(warnings) == (1 if options else 0)
    assert all("Leave --tls out" in line for line in warnings)


@pytest.mark.e2e
def test_it_stops_when_its_stdin_ends_and_tells_what_happened(start: Callable[..., Any], home: Path) -> None:
    process = start("start", "--name", "a", "--events", "--stop-with-parent")
    process.stderr.readline()

    out, err = process.communicate(timeout=20)

    assert (process.returncode, err) == (0, "")
    records = [json.loads(line) for line in out.splitlines()]
    assert all(record["node"] == "a" for record in records)
    assert files(home) == []


@pytest.mark.e2e
@needs_linux
@pytest.mark.parametrize("frozen", [False, True])
def test_a_parent_that_is_killed_takes_it_along(start: Callable[..., Any], home: Path, frozen: bool) -> None:
    parent = start(
        code=(
            "import subprocess, sys\n"
            "child = subprocess.Popen([sys.executable, '-m', 'eye.cli.main', 'start', '--name', 'a',"
            " '--stop-with-parent'], stdin=subprocess.PIPE, stderr=subprocess.PIPE, process_group=0)\n"
            "child.stderr.readline()\n"
            "print(child.pid, flush=True)\n"
            "child.wait()\n"
        )
    )
    child = int(parent.stdout.readline())
    if frozen:
        os.kill(child, signal.SIGSTOP)

    parent.kill()
    parent.communicate(timeout=20)

    deadline = time.monotonic() + 20
    while not is_gone(child):
        assert time.monotonic() < deadline, "the node has outlived its parent"
        time.sleep(0.02)
    assert files(home) == []


@pytest.mark.e2e
def test_a_start_that_fails_says_why_once(start: Callable[..., Any]) -> None:
    first = start("start", "--name", "a")
    address = first.stderr.readline().split()[-1]
    second = start("start", "--name", "a")
    third = start("start", "--name", "b", "--listen", address)

    _, taken = second.communicate(timeout=20)
    _, in_use = third.communicate(timeout=20)
    first.terminate()
    first.communicate(timeout=20)

    assert (second.returncode, third.returncode) == (1, 1)
    assert taken.count("\n") == in_use.count("\n") == 1
    assert f"a node named 'a' is already running at {address}" in taken
    assert f"cannot listen at {address}" in in_use


# ------------------------------------------------------------------------------------------------ logs


def record(message: str, error: Exception | None = None) -> logging.LogRecord:
    exc_info = (type(error), error, None) if error else None
    return logging.LogRecord("eye.test", logging.ERROR, __file__, 1, message, None, exc_info)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("message", "error", "ends"),
    [
        ("plain", None, "ERROR eye.test: plain"),
        ("two\nlines", None, "ERROR eye.test: two lines"),
        ("it failed", ValueError("why"), "ERROR eye.test: it failed ValueError: why"),
        (
            "it crashed\nTraceback (most recent call last):\n  File x\nValueError: why",
            None,
            "ERROR eye.test: it crashed: ValueError: why",
        ),
    ],
)
def test_a_record_is_one_line(message: str, error: Exception | None, ends: str) -> None:
    assert OneLine().format(record(message, error)).endswith(ends)


def test_at_level_debug_the_whole_is_shown() -> None:
    assert OneLine(shows_all=True).format(record("two\nlines")).endswith("two\nlines")


@pytest.mark.parametrize(("allowed", "then"), [(10**6, 65_536), (12_000, 10_240), (100, 256)])
def test_as_many_files_may_be_open_as_the_system_allows(
    monkeypatch: pytest.MonkeyPatch, allowed: int, then: int
) -> None:
    limit = [256]

    def set_limit(_which: int, wanted: tuple[int, int]) -> None:
        if wanted[0] > allowed:  # macOS has another limit beside the hard one, which says «infinite»
            raise ValueError("current limit exceeds maximum limit")
        limit[0] = wanted[0]

    monkeypatch.setattr(resource, "getrlimit", lambda _which: (limit[0], resource.RLIM_INFINITY))
    monkeypatch.setattr(resource, "setrlimit", set_limit)

    _allow_many_files()

    assert limit == [then]


def test_what_is_held_is_let_out_in_order() -> None:
    class Kept(logging.Handler):
        def __init__(self) -> None:
            super().__init__()
            self.messages: list[str] = []

        def emit(self, record: logging.LogRecord) -> None:
            self.messages.append(record.getMessage())

    kept = Kept()
    held = Held(kept)
    held.handle(record("one"))
    held.handle(record("two"))
    before = list(kept.messages)

    held.let_out()

    assert (before, kept.messages) == ([], ["one", "two"])
