"""All threads of this program on one CPU: an option that makes calls several times as fast.

Python runs one thread at a time, so a second CPU adds little to a program of threads, and takes much: each
message to a sleeping process has to wake another CPU. A program whose work is mostly messages is better off
on one. One that spends its time in code that lets Python go meanwhile (numpy, compression, hashing) is not, so
nobody gets this unasked.

    with keep_on_one_cpu():
        run_the_program()

OS processes that are started meanwhile inherit the one CPU, as they do from `taskset`, unless `give_back_cpus` is
asked for; isolated children have all of them.
"""

from __future__ import annotations

import contextlib
import os
import threading
from typing import TYPE_CHECKING

from eye.errors import AffinityUnavailable

if TYPE_CHECKING:
    from types import TracebackType

_TASKS = "/proc/self/task"
_lock = threading.Lock()
_kept: list[OneCpu] = []


def keep_on_one_cpu(cpu: int | None = None) -> OneCpu:
    """Keep every thread of this OS process on one CPU: those that run, and those that start later.

    Args:
        cpu: which one, by the system's number; the last one that this process may use unless told otherwise.

    Returns:
        What takes it back: by `undo`, or at the end of a `with`.

    Raises:
        AffinityUnavailable: this system does not let a program choose, or not that CPU.
    """
    if not hasattr(os, "sched_setaffinity") or not os.path.isdir(_TASKS):
        raise AffinityUnavailable("only Linux lets a program choose a CPU for each of its threads")
    allowed = os.sched_getaffinity(0)
    if cpu is None:
        cpu = max(allowed)
    elif cpu not in allowed:
        raise AffinityUnavailable(f"this process may use the CPUs {sorted(allowed)}, and {cpu} is none of them")
    return OneCpu(cpu, allowed)


def give_back_cpus(pid: int) -> None:
    """Let an OS process that this one has just started use the CPUs that there were before."""
    with _lock:
        if _kept:
            with contextlib.suppress(ProcessLookupError):
                os.sched_setaffinity(pid, _kept[0].before)


class OneCpu:
    """The threads of this OS process, kept on one CPU until `undo`."""

    def __init__(self, cpu: int, before: set[int]) -> None:
        self.cpu = cpu
        self.before = before
        """The CPUs that the thread could use that asked for this."""
        self._moved: dict[int, set[int]] = {}
        with _lock:
            _kept.append(self)
            self._move_all()

    def _move_all(self) -> None:
        # A new thread gets the CPUs of the one that starts it. One that is being started by a thread that has not
        # been moved yet is found in the next look; when a look finds nobody new, everybody's heirs are moved too.
        while new := _threads() - self._moved.keys():
            for thread in new:
                try:
                    self._moved[thread] = os.sched_getaffinity(thread)
                    os.sched_setaffinity(thread, {self.cpu})
                except ProcessLookupError:  # it has ended since
                    self._moved.setdefault(thread, self.before)

    def undo(self) -> None:
        """Give every thread the CPUs back that it had; those that were started since get their makers'."""
        with _lock:
            if self not in _kept:
                return
            _kept.remove(self)
            seen: set[int] = set()
            while new := _threads() - seen:
                seen |= new
                for thread in new:
                    try:
                        os.sched_setaffinity(thread, self._moved.get(thread, self.before))
                    except ProcessLookupError:
                        continue

    def __enter__(self) -> OneCpu:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.undo()


def _threads() -> set[int]:
    return {int(name) for name in os.listdir(_TASKS)}
