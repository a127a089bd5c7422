"""Threads that are kept for the next process."""

from __future__ import annotations

import contextvars
import gc
import threading
import weakref
from typing import TYPE_CHECKING, Any

import pytest

from eye.supervision import System
from eye.supervision.threads import Threads
from eye.testing import until
from tests.supervision.servers import PATIENCE, Gate, Obedient, start

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from eye.supervision import Ref

seen = contextvars.ContextVar("seen", default="nothing")


@pytest.fixture
def threads() -> Iterator[Threads]:
    threads = Threads(most=2, idle=60.0)
    yield threads
    threads.close()


def do(threads: Threads, work: Callable[[], Any], *, may_park: bool = True, name: str = "work") -> Any:
    """Have something done on one of the threads, and wait for what comes of it."""
    results: list[Any] = []
    done = threading.Event()

    def run() -> bool:
        results.append(work())
        done.set()
        return may_park

    threads.run(run, name)
    assert done.wait(PATIENCE)
    return results[0]


def await_parked(threads: Threads, count: int) -> None:
    until(lambda: threads.parked == count)


def test_the_next_work_is_done_on_the_thread_that_is_parked_under_its_own_name(threads: Threads) -> None:
    first = do(threads, threading.get_ident)
    await_parked(threads, 1)
    parked_name = threads.alive()[0].name
    second, name = do(threads, lambda: (threading.get_ident(), threading.current_thread().name), name="second")

    assert second == first
    assert (parked_name, name) == ("eye-parked", "second")


def test_work_that_says_so_takes_its_thread_along(threads: Threads) -> None:
    do(threads, lambda: None, may_park=False)

    until(lambda: not threads.alive())
    assert threads.parked == 0


def test_no_more_are_kept_than_asked_for(threads: Threads) -> None:
    gates = [Gate() for _ in range(4)]
    for gate in gates:
        threads.run(lambda gate=gate: gate() or True, "held")
        gate.await_somebody()
    for gate in gates:
        gate.open()

    until(lambda: len(threads.alive()) == 2)
    await_parked(threads, 2)


def test_one_that_nobody_needs_for_long_ends() -> None:
    threads = Threads(most=2, idle=0.001)
    do(threads, lambda: None)

    until(lambda: not threads.alive())
    assert threads.parked == 0


def test_none_is_left_when_they_are_closed_and_none_kept_after(threads: Threads) -> None:
    do(threads, lambda: None)
    await_parked(threads, 1)

    threads.close()
    left = threads.alive()
    do(threads, lambda: None)

    assert left == []
    until(lambda: not threads.alive())


def test_context_variables_do_not_pass_from_one_work_to_the_next(threads: Threads) -> None:
    do(threads, lambda: seen.set("the first"))
    await_parked(threads, 1)
    second = do(threads, lambda: (seen.get(), seen.set("the second"))[0])
    await_parked(threads, 1)
    third = do(threads, seen.get)

    assert (second, third) == ("nothing", "nothing")


def thread_of(ref: Ref) -> int:
    return ref.call(lambda _me: threading.get_ident())  # type: ignore[no-any-return]


def test_a_process_starts_on_the_thread_of_one_that_has_ended(system: System) -> None:
    first = start(system, name="first")
    its_thread = thread_of(first)
    first.stop()
    await_parked(system.threads, 1)
    second = start(system, name="second")

    assert thread_of(second) == its_thread
    assert second.call(lambda me: threading.current_thread().name) == str(second)
    assert second.call(lambda me: me.ref) is second


def test_with_none_parked_every_process_has_a_new_thread() -> None:
    with System(parked_threads=0) as system:
        first = start(system)
        its_thread = first.call(lambda _me: threading.current_thread())
        first.stop()
        its_thread.join(PATIENCE)

        assert start(system).call(lambda _me: threading.current_thread()) is not its_thread


def test_a_parked_thread_keeps_nothing_of_the_process_that_has_ended(system: System) -> None:
    servers: list[weakref.ref[Obedient]] = []
    ref = start(system, on_init=lambda me: servers.append(weakref.ref(me)))
    ref.stop()
    await_parked(system.threads, 1)

    gc.collect()
    assert servers[0]() is None
    assert not ref.is_alive  # and neither does the reference, which is still here


def test_an_abandoned_thread_ends_when_its_code_returns(system: System) -> None:
    gate, ref = Gate(), start(system)
    ref.cast(gate)
    gate.await_somebody()
    ref.kill()
    gate.open()

    until(lambda: not system.threads.alive())
    assert (system.threads.parked, system.abandoned()) == (0, ())


def test_of_a_stopped_system_no_thread_is_left_but_the_abandoned() -> None:
    gate = Gate()
    with System() as system:
        for _ in range(5):
            start(system)
        for ref in system.processes()[:3]:
            ref.stop()
        stuck = start(system)
        stuck.cast(gate)
        gate.await_somebody()
        stuck.kill()

    names = [thread.name for thread in system.threads.alive()]
    gate.open()
    assert names == [str(stuck)]
