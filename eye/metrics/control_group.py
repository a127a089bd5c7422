"""What a container may use, and what it does use: its control group, of either version.

A container sees the memory and the cores of the whole machine in `/proc`; its limits are in files of the kernel's
control groups (Control Group v2, and v1 memory, cpu, cpuacct, cpuset: kernel documentation, admin-guide). A limit
holds for everything below it, so the tightest one on the way up counts, and what is used is what that group uses.

    memory       memory.max              memory.current, less inactive_file     v2
                 memory.limit_in_bytes   memory.usage_in_bytes, less …          v1
    cores        cpu.max, cpuset.cpus.effective                                 v2
                 cpu.cfs_quota_us / cpu.cfs_period_us, cpuset.effective_cpus    v1
    CPU time     cpu.stat usage_usec (v2), cpuacct.usage (v1)

Files that were read once and not lately are no use of memory: the kernel takes them back first. `docker stats` and
`kubectl top` leave them out as well. A group that sets no limit is none: then the machine's figures are true.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class _Files(NamedTuple):
    """How one version calls them."""

    memory_limit: str
    memory_use: str
    inactive: str  # in memory.stat
    cpuset: str


_V1 = _Files("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file", "cpuset.effective_cpus")
_V2 = _Files("memory.max", "memory.current", "inactive_file", "cpuset.cpus.effective")


class _Place(NamedTuple):
    """Where a controller's files of this process are, from its own group up to the highest that is to be seen."""

    folders: tuple[Path, ...]
    files: _Files


class ControlGroup(NamedTuple):
    """The limits of a group, and where its use can be read."""

    memory_total: int | None
    """Bytes that it may use; None where nothing but the machine limits it."""
    cores: float | None
    """Cores' worth of time that it may use, 0.5 is half of one; None likewise."""
    memory: tuple[Path, _Files]
    cpu: tuple[Path, _Files]

    def read_memory_used(self) -> int:
        """Read how many bytes the group uses. Raises OSError or ValueError where the kernel does not say."""
        folder, files = self.memory
        stat = _pairs((folder / "memory.stat").read_text())
        return max(int((folder / files.memory_use).read_text()) - stat.get(files.inactive, 0), 0)

    def read_cpu_seconds(self) -> float:
        """Read how many seconds of CPU the group has used. Raises OSError or ValueError likewise."""
        folder, files = self.cpu
        if files is _V1:
            return int((folder / "cpuacct.usage").read_text()) / 1e9
        return _pairs((folder / "cpu.stat").read_text())["usage_usec"] / 1e6


def find(machine_memory: int, machine_cores: int, root: Path = Path("/")) -> ControlGroup | None:
    """Find the group that limits this process; None where no limit is below what the machine has.

    Args:
        machine_memory, machine_cores: what the machine has.
        root: where `proc` and `sys` are; a test has its own.
    """
    try:
        places = _places((root / "proc/self/cgroup").read_text(), (root / "proc/self/mountinfo").read_text(), root)
    except OSError:  # not Linux, or a sandbox without /proc
        return None
    memory, cpu = places.get("memory"), places.get("cpu")
    use = places.get("cpuacct")
    if memory is None or cpu is None or use is None:
        return None
    total, memory_folder = _tightest(memory, lambda folder: _memory_limit(folder / memory.files.memory_limit))
    cores, cpu_folder = _tightest(cpu, _quota)
    allowed = _allowed(places.get("cpuset"))
    cores = min((one for one in (cores, allowed) if one is not None), default=None)
    total = total if total is not None and total < machine_memory else None
    cores = cores if cores is not None and cores < machine_cores else None
    if total is None and cores is None:
        return None
    group = ControlGroup(
        memory_total=None if total is None else int(total),
        cores=cores,
        memory=(memory_folder or memory.folders[0], memory.files),
        cpu=(_same_place(cpu_folder, cpu, use), use.files),
    )
    try:
        group.read_memory_used(), group.read_cpu_seconds()
    except (OSError, ValueError, KeyError):  # there are limits, but it is not told what is used
        return None
    return group


def _places(groups: str, mounts: str, root: Path) -> dict[str, _Place]:
    """Say where the files of each controller are; those of version 2 stand for what version 1 does not have."""
    paths = dict(_own_groups(groups))
    found: dict[str, _Place] = {}
    for controllers, top, point in _mounts(mounts):
        for controller in controllers:
            if controller in paths:
                folders = tuple(_upwards(paths[controller], top, root / point.lstrip("/")))
                found[controller] = _Place(folders, _V2 if controller == "" else _V1)
    unified = found.pop("", None)
    if unified is not None:
        found = dict.fromkeys(("memory", "cpu", "cpuacct", "cpuset"), unified) | found
    return found


def _own_groups(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        _, controllers, path = line.split(":", 2)
        for controller in controllers.split(","):  # version 2 has none: 0::/path
            yield controller, path


def _mounts(text: str) -> Iterator[tuple[list[str], str, str]]:
    for line in text.splitlines():
        mount, _, system = line.partition(" - ")
        fields, (kind, _, options, *_) = mount.split(), (*system.split(), "", "", "")
        if kind in ("cgroup", "cgroup2"):
            yield ([""] if kind == "cgroup2" else options.split(",")), fields[3], fields[4]


def _upwards(path: str, top: str, point: Path) -> Iterator[Path]:
    """List the folders from a group up to the mount point; of a path that is not below it, only that."""
    below = path.removeprefix(top.rstrip("/")) if path.startswith(top) else ""
    parts = [part for part in below.split("/") if part]
    if ".." not in parts:
        for count in range(len(parts), 0, -1):
            yield point.joinpath(*parts[:count])
    yield point


def _tightest(place: _Place, limit_of: Callable[[Path], float | None]) -> tuple[float | None, Path | None]:
    found: tuple[float | None, Path | None] = (None, None)
    for folder in place.folders:
        limit = limit_of(folder)
        if limit is not None and (found[0] is None or limit < found[0]):
            found = limit, folder
    return found


def _memory_limit(file: Path) -> float | None:
    try:
        return float(file.read_text())
    except (OSError, ValueError):  # the root has none; «max»
        return None


def _quota(folder: Path) -> float | None:
    try:
        if (file := folder / "cpu.max").exists():
            quota, period = file.read_text().split()
        else:
            quota = (folder / "cpu.cfs_quota_us").read_text()
            period = (folder / "cpu.cfs_period_us").read_text()
        cores = int(quota) / int(period)
    except (OSError, ValueError, ZeroDivisionError):  # the root has none; «max»
        return None
    return cores if cores > 0 else None  # -1 is no limit


def _allowed(place: _Place | None) -> int | None:
    """Count the cores that the group may run on at all, `0-3,8`."""
    if place is None:
        return None
    try:
        ranges = (place.folders[0] / place.files.cpuset).read_text().strip().split(",")
        ends = [one.split("-") for one in ranges if one]
        return sum(int(one[-1]) - int(one[0]) + 1 for one in ends) or None
    except (OSError, ValueError):
        return None


def _same_place(folder: Path | None, cpu: _Place, use: _Place) -> Path:
    """Find the folder of cpuacct that is the group which `folder` is of cpu."""
    if folder is None or len(use.folders) != len(cpu.folders):
        return use.folders[0]
    return use.folders[cpu.folders.index(folder)]


def _pairs(text: str) -> dict[str, int]:
    return {name: int(number) for name, _, number in (line.partition(" ") for line in text.splitlines())}
