"""Which OS processes descend from this one, found cheaply.

The portable way (psutil's `children(recursive=True)`) reads the parent of every process of the
machine: about 15 µs each, a millisecond on a small machine, more than all the rest of a sample. Two
facts save it. A process without children is told so by one system call, and most nodes have none. And
Linux lists the children of each thread in `/proc/PID/task/TID/children`, so that only the family
itself is visited.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class Family:
    """The descendants of this process.

    The kernel does not promise that a `children` file is complete while processes come and go
    (proc(5)): one may be missing from one look and be there in the next.
    """

    def __init__(self, search: Callable[[], Iterable[int]]) -> None:
        """Take along `search`, the expensive portable way, for systems that have no cheap one."""
        self._search = search
        pid = os.getpid()
        self._is_listed = os.path.exists(f"/proc/{pid}/task/{pid}/children")

    def pids(self) -> list[int]:
        """List the process ids of all descendants, parents before their children."""
        if not _may_have_children():
            return []
        if not self._is_listed:
            return list(self._search())
        found = _listed_children(os.getpid())
        for pid in found:  # grows while it is walked: children of children
            found += [child for child in _listed_children(pid) if child not in found]
        return found


def _may_have_children() -> bool:
    """Say whether this process has any child, dead or alive; where the system cannot tell, it may.

    WNOWAIT only looks: whoever waits for a child later still gets its exit status.
    """
    if not hasattr(os, "waitid"):  # Windows, and macOS before Python 3.13
        return True
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    except OSError:  # a sandbox that does not allow the question
        return True
    return True


def _listed_children(pid: int) -> list[int]:
    found: list[int] = []
    try:
        threads = os.listdir(f"/proc/{pid}/task")
    except OSError:  # the process has exited meanwhile
        return found
    for thread in threads:
        try:
            with open(f"/proc/{pid}/task/{thread}/children", "rb", buffering=0) as listed:
                found += map(int, listed.read().split())
        except OSError:  # the thread has ended meanwhile
            continue
    return found
