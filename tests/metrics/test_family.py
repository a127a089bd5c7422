"""Descendants are found, the cheap way and the portable one."""

from __future__ import annotations

import os
import subprocess
import sys

import psutil
import pytest

from eye.metrics.family import Family

PARENT = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
print(child.pid, flush=True)
input()
child.communicate(b"\\n")
"""


def search() -> list[int]:
    return [child.pid for child in psutil.Process().children(recursive=True)]


def refuse() -> list[int]:
    raise AssertionError("the expensive search was not needed")


def test_a_process_that_the_system_knows_to_have_no_children_is_not_searched(monkeypatch) -> None:
    def nobody(*_):
        raise ChildProcessError

    monkeypatch.setattr(os, "waitid", nobody, raising=False)

    assert Family(refuse).pids() == []


def test_where_the_system_cannot_say_the_search_decides(monkeypatch) -> None:
    monkeypatch.delattr(os, "waitid", raising=False)
    monkeypatch.setattr(os.path, "exists", lambda path: False)

    assert Family(lambda: [7, 8]).pids() == [7, 8]


def test_a_sandbox_that_forbids_the_question_is_searched(monkeypatch) -> None:
    def forbidden(*_):
        raise PermissionError

    monkeypatch.setattr(os, "waitid", forbidden, raising=False)
    monkeypatch.setattr(os.path, "exists", lambda path: False)

    assert Family(lambda: [7]).pids() == [7]


@pytest.mark.e2e
@pytest.mark.parametrize("is_listed", [True, False])
def test_children_and_their_children_are_found_and_their_exit_status_is_left_alone(is_listed, monkeypatch) -> None:
    if not is_listed:
        monkeypatch.setattr(os.path, "exists", lambda path: False)
    family = Family(refuse if is_listed and sys.platform == "linux" else search)
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert parent.stdout is not None
        grandchild = int(parent.stdout.readline())

        found = family.pids()

        assert {parent.pid, grandchild} <= set(found)
        assert found.index(parent.pid) < found.index(grandchild)
    finally:
        parent.communicate("\n")
    assert not {parent.pid, grandchild} & set(family.pids())
    assert parent.returncode == 0


@pytest.mark.e2e
def test_a_child_that_has_exited_and_was_not_waited_for_can_still_be_waited_for() -> None:
    child = subprocess.Popen([sys.executable, "-c", "raise SystemExit(3)"], stdout=subprocess.PIPE)
    assert child.stdout is not None
    child.stdout.read()  # ends when the child does

    Family(search).pids()

    assert child.wait(timeout=20) == 3
    child.stdout.close()
