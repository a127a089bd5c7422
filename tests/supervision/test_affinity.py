"""All threads of the program on one CPU."""

from __future__ import annotations

import os
import subprocess
import threading
from typing import TYPE_CHECKING

import pytest

from eye.errors import AffinityUnavailable
from eye.supervision import affinity
from eye.supervision.affinity import give_back_cpus, keep_on_one_cpu
from tests.supervision.servers import Obedient, start

if TYPE_CHECKING:
    from eye.supervision import System

needs_affinity = pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system has no CPU affinity")


def own_cpus(_server: object = None) -> set[int]:
    return os.sched_getaffinity(threading.get_native_id())


@needs_affinity
def test_threads_that_run_and_threads_that_start_later_are_kept_on_one_cpu(system: System) -> None:
    earlier = start(system)
    before = own_cpus()

    with keep_on_one_cpu() as kept:
        later = start(system)
        found = [own_cpus(), earlier.call(own_cpus), later.call(own_cpus)]

    assert found == [{kept.cpu}] * 3
    assert kept.cpu in before


@needs_affinity
def test_undone_every_thread_may_use_the_cpus_that_it_could_before(system: System) -> None:
    earlier, before = start(system), own_cpus()

    kept = keep_on_one_cpu()
    later = start(system)
    kept.undo()
    kept.undo()

    assert [own_cpus(), earlier.call(own_cpus), later.call(own_cpus)] == [before] * 3


@needs_affinity
def test_an_os_process_of_ones_own_gets_the_cpus_that_there_were_before() -> None:
    before = own_cpus()

    with keep_on_one_cpu(), keep_on_one_cpu(), subprocess.Popen(["cat"], stdin=subprocess.PIPE) as other:
        give_back_cpus(other.pid)
        found = os.sched_getaffinity(other.pid)

    assert found == before


@needs_affinity
def test_an_isolated_child_is_not_kept_on_that_cpu(system: System) -> None:
    before = own_cpus()

    with keep_on_one_cpu():
        child = system.start(Obedient, isolation="process")
        assert child is not None
        found = child.call(own_cpus)

    assert found == before


@needs_affinity
def test_a_cpu_that_this_process_may_not_use_is_refused_with_those_that_it_may() -> None:
    with pytest.raises(AffinityUnavailable, match=r"may use the CPUs \[.*\], and 100000 is none of them"):
        keep_on_one_cpu(100_000)


def test_where_the_system_does_not_let_one_choose_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(affinity, "_TASKS", "/nowhere")

    with pytest.raises(AffinityUnavailable, match="only Linux"):
        keep_on_one_cpu()
