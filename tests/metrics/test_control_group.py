"""What a container may use is read from its control group, in made-up trees of both versions and in a real one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from eye.metrics.control_group import ControlGroup, find

GB = 2**30
MACHINE = (64 * GB, 16)
NO_LIMIT = "9223372036854771712\n"  # what version 1 says when there is none

Tree = Callable[[dict[str, str]], ControlGroup | None]


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """Write files below a root of the test's own, and look for the group of a process that sees them."""

    def look(files: dict[str, str]) -> ControlGroup | None:
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return find(*MACHINE, tmp_path)

    return look


UNIFIED = "30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n"


def v2(folder: str = "", **files: str) -> dict[str, str]:
    usual = {
        "memory.max": "max\n",
        "memory.current": str(3 * GB),
        "memory.stat": f"anon {2 * GB}\nfile {GB}\ninactive_file {GB}\n",
        "cpu.max": "max 100000\n",
        "cpu.stat": "usage_usec 2500000\nuser_usec 2000000\nsystem_usec 500000\n",
        "cpuset.cpus.effective": "0-15\n",
    }
    changes = {name.replace("__", "."): text for name, text in files.items()}
    prefix = f"sys/fs/cgroup/{folder}".rstrip("/")
    return {f"{prefix}/{name}": text for name, text in (usual | changes).items()}


def inside(path: str = "/", mounts: str = UNIFIED) -> dict[str, str]:
    return {"proc/self/cgroup": f"0::{path}\n", "proc/self/mountinfo": mounts}


def test_a_container_of_version_2_sees_its_own_group_at_the_top(tree: Tree) -> None:
    group = tree(inside() | v2(memory__max=str(4 * GB), cpu__max="150000 100000\n"))

    assert group is not None
    assert (group.memory_total, group.cores) == (4 * GB, 1.5)
    assert (group.read_memory_used(), group.read_cpu_seconds()) == (2 * GB, 2.5)


def test_without_a_limit_the_machine_s_figures_are_true(tree: Tree) -> None:
    assert tree(inside() | v2()) is None


@pytest.mark.parametrize(
    ("files", "total", "cores"),
    [
        ({"memory__max": str(GB)}, GB, None),
        ({"cpu__max": "50000 100000\n"}, None, 0.5),
        ({"memory__max": str(100 * GB), "cpu__max": "50000 100000\n"}, None, 0.5),  # more than the machine has
        ({"cpu__max": "3200000 100000\n"}, "none", None),
        ({"cpuset__cpus__effective": "0-1,8\n"}, None, 3),
        ({"cpuset__cpus__effective": "7\n", "cpu__max": "150000 100000\n"}, None, 1),
        ({"cpu__max": "nonsense\n", "memory__max": "nonsense\n", "cpuset__cpus__effective": "?"}, "none", None),
    ],
)
def test_a_limit_counts_when_it_is_less_than_the_machine_has(
    files: dict[str, str], total: int | str | None, cores: float | None, tree: Tree
) -> None:
    group = tree(inside() | v2(**files))

    assert (group and (group.memory_total, group.cores)) == (None if total == "none" else (total, cores))


def test_the_tightest_limit_on_the_way_up_counts_and_what_that_group_uses(tree: Tree) -> None:
    """A pod with 4 GB, in it a container without a limit of its own; the quota is the container's."""
    group = tree(
        inside("/kubepods/pod7/app")
        | v2(
            "kubepods/pod7", memory__max=str(4 * GB), memory__current=str(2 * GB), memory__stat="inactive_file 0\n"
        )
        | v2(
            "kubepods/pod7/app",
            memory__current=str(GB),
            cpu__max="200000 100000\n",
            cpu__stat="usage_usec 1000000\n",
        )
    )

    assert group is not None
    assert (group.memory_total, group.read_memory_used()) == (4 * GB, 2 * GB)
    assert (group.cores, group.read_cpu_seconds()) == (2.0, 1.0)


def test_a_group_outside_of_what_is_mounted_is_the_top_of_it(tree: Tree) -> None:
    mounts = "30 23 0:26 /docker/abc /sys/fs/cgroup ro - cgroup2 cgroup rw\n"

    for path in ("/docker/abc", "/../elsewhere", "/somewhere/else"):
        group = tree(inside(path, mounts) | v2(memory__max=str(GB)))
        assert group is not None
        assert group.memory_total == GB


V1_MOUNTS = "".join(
    f"3{at} 23 0:2{at} /docker/abc /sys/fs/cgroup/{name} ro - cgroup cgroup rw,{name}\n"
    for at, name in enumerate(("memory", "cpu,cpuacct", "cpuset"))
)


V1_GROUPS = ("5:memory", "4:cpu,cpuacct", "3:cpuset", "2:pids")


def v1(**files: str) -> dict[str, str]:
    usual = {
        "memory/memory.limit_in_bytes": NO_LIMIT,
        "memory/memory.usage_in_bytes": str(3 * GB),
        "memory/memory.stat": f"inactive_file 0\ntotal_inactive_file {GB}\n",
        "cpu,cpuacct/cpu.cfs_quota_us": "-1\n",
        "cpu,cpuacct/cpu.cfs_period_us": "100000\n",
        "cpu,cpuacct/cpuacct.usage": "2500000000\n",
        "cpuset/cpuset.effective_cpus": "0-15\n",
    }
    return {f"sys/fs/cgroup/{name}": text for name, text in (usual | files).items()} | {
        "proc/self/cgroup": "".join(f"{name}:/docker/abc\n" for name in V1_GROUPS),
        "proc/self/mountinfo": V1_MOUNTS,
    }


def test_a_container_of_version_1(tree: Tree) -> None:
    group = tree(v1(**{"memory/memory.limit_in_bytes": str(4 * GB), "cpu,cpuacct/cpu.cfs_quota_us": "50000\n"}))

    assert group is not None
    assert (group.memory_total, group.cores) == (4 * GB, 0.5)
    assert (group.read_memory_used(), group.read_cpu_seconds()) == (2 * GB, 2.5)


def test_version_1_without_limits(tree: Tree) -> None:
    assert tree(v1()) is None


def test_where_both_versions_are_mounted_version_1_has_the_controllers(tree: Tree) -> None:
    files = v1(**{"memory/memory.limit_in_bytes": str(GB)})
    files["proc/self/cgroup"] += "0::/\n"
    files["proc/self/mountinfo"] += "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"

    group = tree(files)

    assert group is not None
    assert group.memory_total == GB


def test_limits_whose_use_is_not_told_are_no_limits(tree: Tree) -> None:
    files = inside() | v2(memory__max=str(GB))
    del files["sys/fs/cgroup/memory.current"]

    assert tree(files) is None


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"proc/self/cgroup": "", "proc/self/mountinfo": ""},
        {"proc/self/cgroup": "0::/\n", "proc/self/mountinfo": "short - \n"},
    ],
)
def test_where_there_are_no_control_groups_there_is_no_group(files: dict[str, str], tree: Tree) -> None:
    assert tree(files) is None


# ----------------------------------------------------------------------------------------- for real

LIMIT = 512 * 2**20
READ = """
import json, sys
from eye.clock import SystemClock
from eye.metrics.psutil_probe import PsutilProbe
sys.stdin.readline()
ballast = bytearray(64 * 2**20)
host = PsutilProbe(SystemClock()).read_host()
print(json.dumps([host.source, host.memory_used, host.memory_total]))
"""


@pytest.fixture
def real_group() -> Iterator[Path]:
    for top, file in (("/sys/fs/cgroup", "memory.max"), ("/sys/fs/cgroup/memory", "memory.limit_in_bytes")):
        folder = Path(top) / f"eye-test-{os.getpid()}"
        try:
            if not (Path(top) / "cgroup.procs").exists():
                continue  # of version 1, where only the folders in it are control groups
            folder.mkdir()
        except OSError:
            continue
        try:
            (folder / file).write_text(str(LIMIT))
            yield folder
            return
        except OSError:
            continue
        finally:
            folder.rmdir()
    pytest.skip("control groups cannot be made here: not root, or a container that may not")


@pytest.mark.e2e
def test_a_process_in_a_real_group_reads_its_limit_and_its_use(real_group: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", READ], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        (real_group / "cgroup.procs").write_text(str(process.pid))
        out, _ = process.communicate("\n", timeout=30)

    source, used, total = json.loads(out)
    assert (source, total) == ("container", LIMIT)
    assert 64 * 2**20 < used < LIMIT


SPIN = """
import json, sys, time
from eye.clock import SystemClock
from eye.metrics.psutil_probe import PsutilProbe
sys.stdin.readline()
probe = PsutilProbe(SystemClock())
probe.read_host(), probe.read_process()
end = time.monotonic() + 1.5
while time.monotonic() < end:
    pass
host, process = probe.read_host(), probe.read_process()
print(json.dumps([host.source, host.cores, host.cpu, process.cpu]))
"""


@pytest.fixture
def real_quota() -> Iterator[list[Path]]:
    """Groups in which a process has a quarter of a core."""
    name = f"eye-test-{os.getpid()}"
    unified, cpu, use = (Path("/sys/fs/cgroup", part, name) for part in ("", "cpu", "cpuacct"))
    made: list[Path] = []
    try:
        if (unified.parent / "cgroup.procs").exists():
            made += _made([unified])
            (unified / "cpu.max").write_text("25000 100000")
        else:
            made += _made([cpu, use])
            (cpu / "cpu.cfs_quota_us").write_text("25000")
    except OSError:
        for folder in made:
            folder.rmdir()
        pytest.skip("control groups cannot be made here: not root, or a container that may not")
    yield made
    for folder in made:
        folder.rmdir()


def _made(folders: list[Path]) -> list[Path]:
    for folder in folders:
        folder.mkdir()
    return folders


@pytest.mark.e2e
def test_a_process_that_uses_all_of_a_real_quota_is_all_of_it(real_quota: list[Path]) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", SPIN], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        for folder in real_quota:
            (folder / "cgroup.procs").write_text(str(process.pid))
        out, _ = process.communicate("\n", timeout=60)

    source, cores, whole, own = json.loads(out)
    assert (source, cores) == ("container", 1)
    # A quarter of a core is all that there is. On a busy machine it may get less.
    assert 0.3 < whole <= 1.0
    assert 0.3 < own <= 1.0
