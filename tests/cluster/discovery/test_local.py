"""Nodes of one user on one machine: found while they live, swept away when they have died."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from eye.cluster.discovery.local import LocalDiscovery, default_folder, read_all
from eye.cluster.discovery.static import StaticDiscovery
from eye.cluster.node import NodeInfo
from eye.errors import BadAddress, FolderUnusable, NameTaken

A = NodeInfo("a", "127.0.0.1:1", "boot-a", 1.0)
B = NodeInfo("b", "127.0.0.1:2", "boot-b", 2.0)
A_AGAIN = NodeInfo("a", "127.0.0.1:3", "boot-a2", 3.0)

ANNOUNCE = """
import sys
from pathlib import Path
from eye.cluster.discovery.local import LocalDiscovery
from eye.cluster.node import NodeInfo
local = LocalDiscovery(Path(sys.argv[1]), "d")
local.announce(NodeInfo("a", "127.0.0.1:1", "boot-a", 1.0))
print("here", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "nodes"


def announced(folder: Path, info: NodeInfo, digest: str = "d") -> LocalDiscovery:
    local = LocalDiscovery(folder, digest)
    local.announce(info)
    return local


def test_nodes_find_each_other_and_not_themselves(folder: Path) -> None:
    a, b = announced(folder, A), announced(folder, B)

    assert a.find() == {B.address}
    assert b.find() == {A.address}
    assert LocalDiscovery(folder, "d").find() == {A.address, B.address}


def test_a_node_with_another_cookie_is_not_found_and_may_have_the_same_name(folder: Path) -> None:
    a, other = announced(folder, A), announced(folder, A_AGAIN, digest="e")

    assert a.find() == other.find() == frozenset()
    assert [entry.cookie_digest for entry in read_all(folder)] == ["d", "e"]


def test_a_name_is_taken_while_its_node_lives(folder: Path) -> None:
    a = announced(folder, A)

    with pytest.raises(NameTaken, match=r"already running at 127\.0\.0\.1:1"):
        announced(folder, A_AGAIN)

    a.withdraw()
    assert announced(folder, A_AGAIN).find() == frozenset()


def test_of_many_who_want_one_name_one_gets_it(folder: Path) -> None:
    got: list[LocalDiscovery] = []
    refused: list[NameTaken] = []
    start = threading.Barrier(8)

    def claim(number: int) -> None:
        start.wait()
        try:
            got.append(announced(folder, NodeInfo("a", f"127.0.0.1:{number}", f"boot-{number}", 1.0)))
        except NameTaken as taken:
            refused.append(taken)

    threads = [threading.Thread(target=claim, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (len(got), len(refused)) == (1, 7)


def test_a_node_may_announce_itself_again_elsewhere(folder: Path) -> None:
    a, b = announced(folder, A), announced(folder, B)

    a.announce(NodeInfo("a", "127.0.0.1:9", "boot-a", 1.0))

    assert b.find() == {"127.0.0.1:9"}
    assert [entry.is_alive for entry in read_all(folder)] == [True, True]


def test_a_node_that_withdraws_is_gone_and_may_withdraw_twice(folder: Path) -> None:
    a, b = announced(folder, A), announced(folder, B)

    a.withdraw()
    a.withdraw()

    assert b.find() == frozenset()
    assert [entry.name for entry in read_all(folder)] == ["b"]


def test_a_file_that_somebody_tidied_up_comes_back(folder: Path) -> None:
    a, b = announced(folder, A), announced(folder, B)
    for path in folder.iterdir():
        path.unlink()

    a.find()
    b.find()

    assert a.find() == {B.address}


def test_whatever_else_lies_there_is_left_alone(folder: Path) -> None:
    a = announced(folder, A)
    (folder / "note").write_text("x")
    (folder / "empty").touch()
    (folder / "folder").mkdir()
    (folder / "link").symlink_to("/etc/passwd")
    (folder / "z.d").write_bytes(next(path for path in folder.iterdir() if path.name == "a.d").read_bytes())
    os.mkfifo(folder / "pipe")

    assert a.find() == frozenset()
    assert [entry.name for entry in read_all(folder)] == ["a"]


@pytest.mark.e2e
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_dead_node_is_recognised_and_swept_away(folder: Path, how: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", ANNOUNCE, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "here\n"
        b = announced(folder, B)
        assert b.find() == {A.address}
        with pytest.raises(NameTaken):
            announced(folder, A_AGAIN)

        other.send_signal(how)
        other.wait()

        stale = next(entry for entry in read_all(folder) if entry.name == "a")
        assert (stale.is_alive, stale.pid) == (False, other.pid)
        assert stale.touched_at == pytest.approx((folder / "a.d").stat().st_mtime)
        assert b.find() == frozenset()
        assert [entry.name for entry in read_all(folder)] == ["b"]
        assert announced(folder, A_AGAIN).find() == {B.address}


@pytest.mark.e2e
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_does_not_keep_its_dead_parent_alive(folder: Path) -> None:
    a = announced(folder, A)
    context = multiprocessing.get_context("fork")
    release, here = context.Event(), context.Event()
    child = context.Process(target=lambda: (here.set(), release.wait(30)))
    child.start()
    assert here.wait(30)

    # What the kernel does for a process that dies: its descriptors are closed.
    assert a._held is not None
    os.close(a._held)
    a._held = None

    assert [entry.is_alive for entry in read_all(folder)] == [False]
    release.set()
    child.join()


# ------------------------------------------------------------------------------------- the folder


def test_the_folder_is_made_for_its_owner_alone(folder: Path) -> None:
    LocalDiscovery(folder, "d")

    assert folder.stat().st_mode & 0o777 == 0o700
    assert read_all(folder / "nowhere") == []


def test_a_folder_that_others_can_write_is_refused(folder: Path) -> None:
    folder.mkdir()
    folder.chmod(0o777)

    for use in (lambda: LocalDiscovery(folder, "d"), lambda: read_all(folder)):
        with pytest.raises(FolderUnusable, match=r"can be written by others; run: chmod 700"):
            use()


def test_a_link_or_a_file_is_no_folder(folder: Path, tmp_path: Path) -> None:
    folder.symlink_to(tmp_path)
    (tmp_path / "file").touch()

    for path in (folder, tmp_path / "file"):
        with pytest.raises(FolderUnusable):
            LocalDiscovery(path, "d")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_somebody_else_is_refused(folder: Path) -> None:
    folder.mkdir(mode=0o700)
    os.chown(folder, 12345, -1)

    with pytest.raises(FolderUnusable, match=r"belongs to another user \(uid 12345\)"):
        LocalDiscovery(folder, "d")


def test_the_default_folder(tmp_path: Path) -> None:
    assert default_folder({"XDG_RUNTIME_DIR": str(tmp_path)}, 7) == tmp_path / "sorcerers_eye"
    for environ in ({}, {"XDG_RUNTIME_DIR": "relative"}, {"XDG_RUNTIME_DIR": str(tmp_path / "missing")}):
        assert default_folder(environ, 7, tmp_path) == tmp_path / "sorcerers_eye-7"


# ----------------------------------------------------------------------------------------- static


def test_static_finds_what_it_was_given() -> None:
    static = StaticDiscovery(["127.0.0.1:1", ":2", "[::1]:3"])
    static.announce(A)
    static.withdraw()

    assert static.find() == {"127.0.0.1:1", "127.0.0.1:2", "[::1]:3"}
    with pytest.raises(BadAddress):
        StaticDiscovery(["nonsense"])
