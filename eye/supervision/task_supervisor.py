"""A supervisor for tasks: they stand in the tree, and are stopped in good order with it.

    tasks = system.start(TaskSupervisor, name="tasks")
    TaskSupervisor.start_child(tasks, send_mail, order)            # nobody waits
    task = TaskSupervisor.async_nolink(tasks, download, url)       # a crash is an answer, not an accident
    match task.yield_result(timeout=10):
        case Ok(page): ...
        case Exited(reason): ...
        case None: task.shutdown()

Its children are temporary unless told otherwise: a task that crashed is not run again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar, TypeVarTuple

from eye.supervision.child_spec import ChildSpec, Restart
from eye.supervision.dynamic_supervisor import DynamicSupervisor
from eye.supervision.names import find_here
from eye.supervision.ref import DEFAULT_TIMEOUT, Ref, current
from eye.supervision.task import Task
from eye.supervision.task_process import Run, TaskProcess, ask, name_of
from eye.supervision.task_stream import Rules, stream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from eye.supervision.child_spec import Isolation, Shutdown
    from eye.supervision.task import Exited, Ok
    from eye.supervision.task_stream import OnItemTimeout
    from eye.supervision.via import Name

T = TypeVar("T")
R = TypeVar("R")
Ts = TypeVarTuple("Ts")


class TaskSupervisor(DynamicSupervisor):
    """Starts tasks. Its functions take its reference or, in a process, its name."""

    @staticmethod
    def start_child(  # type: ignore[override]  # a function and its arguments, not a spec: that is the difference
        supervisor: Ref | Name,
        fn: Callable[[*Ts], Any],
        *args: *Ts,
        restart: Restart = Restart.TEMPORARY,
        shutdown: float | Shutdown | None = None,
        isolation: Isolation = "thread",
    ) -> Ref:
        """Run `fn(*args)` in a child, for its effect: nobody waits for the result.

        Args:
            supervisor: who starts it.
            fn, args: what to run.
            restart: `TRANSIENT` runs it again after a crash, from the beginning.
            shutdown: how long it has to stop, as of `ChildSpec`.
            isolation: "process" gives it an OS process of its own.

        Raises:
            MaxChildrenReached: there are as many as there may be.
        """
        return _start(supervisor, fn, (Run(fn, args),), restart, shutdown, isolation)

    @staticmethod
    def async_(
        supervisor: Ref | Name,
        fn: Callable[[*Ts], R],
        *args: *Ts,
        shutdown: float | Shutdown | None = None,
        isolation: Isolation = "thread",
    ) -> Task[R]:
        """Run `fn(*args)` in a child that is linked to the running process too; see `Task.async_`."""
        return _async(supervisor, Run(fn, args), True, shutdown, isolation)

    @staticmethod
    def async_nolink(
        supervisor: Ref | Name,
        fn: Callable[[*Ts], R],
        *args: *Ts,
        shutdown: float | Shutdown | None = None,
        isolation: Isolation = "thread",
    ) -> Task[R]:
        """The same, but not linked: its owner hears of a crash when it waits, and lives."""
        return _async(supervisor, Run(fn, args), False, shutdown, isolation)

    @staticmethod
    def async_stream(
        supervisor: Ref | Name,
        fn: Callable[[T], R],
        items: Iterable[T],
        *,
        max_concurrency: int | None = None,
        ordered: bool = True,
        timeout: float | None = DEFAULT_TIMEOUT,
        on_timeout: OnItemTimeout = "exit",
        isolation: Isolation = "thread",
    ) -> Iterator[Ok[R] | Exited]:
        """Apply `fn` to each item, each in a child of its own; see `task_stream.async_stream`."""
        rules = Rules(max_concurrency, ordered, timeout, on_timeout, raises=True)
        ref = find_here(supervisor, f"start {name_of(fn)}")
        return stream(ref.system, _Begin(ref, fn, True, isolation), items, rules)

    @staticmethod
    def async_stream_nolink(
        supervisor: Ref | Name,
        fn: Callable[[T], R],
        items: Iterable[T],
        *,
        max_concurrency: int | None = None,
        ordered: bool = True,
        timeout: float | None = DEFAULT_TIMEOUT,
        on_timeout: OnItemTimeout = "exit",
        isolation: Isolation = "thread",
    ) -> Iterator[Ok[R] | Exited]:
        """The same with children that are not linked: one that crashes is an `Exited` among the outcomes."""
        rules = Rules(max_concurrency, ordered, timeout, on_timeout, raises=False)
        ref = find_here(supervisor, f"start {name_of(fn)}")
        return stream(ref.system, _Begin(ref, fn, False, isolation), items, rules)


@dataclass(frozen=True, slots=True)
class _Begin:
    supervisor: Ref
    fn: Callable[[Any], Any]
    linked: bool
    isolation: Isolation

    def __call__(self, item: Any) -> Task[Any]:
        return _async(self.supervisor, Run(self.fn, (item,)), self.linked, None, self.isolation)


def _async(
    supervisor: Ref | Name, run: Run, linked: bool, shutdown: float | Shutdown | None, isolation: Isolation
) -> Task[Any]:
    ref = find_here(supervisor, f"start {name_of(run.fn)}")
    return ref.system.perform(_start_and_ask, ref, run, linked, shutdown, isolation)


def _start_and_ask(
    supervisor: Ref, run: Run, linked: bool, shutdown: float | Shutdown | None, isolation: Isolation
) -> Task[Any]:
    me = current()
    ref = _start(supervisor, run.fn, (None, me), Restart.TEMPORARY, shutdown, isolation)
    if linked and me is not None:
        ref.link(me)
    return Task(ref, ask(ref, run))


def _start(
    supervisor: Ref | Name,
    fn: Callable[..., Any],
    args: tuple[Any, ...],
    restart: Restart,
    shutdown: float | Shutdown | None,
    isolation: Isolation,
) -> Ref:
    name = name_of(fn)
    spec = ChildSpec(TaskProcess, args, id=name, restart=restart, shutdown=shutdown, isolation=isolation)
    ref = DynamicSupervisor.start_child(find_here(supervisor, f"start {name}"), spec)
    assert ref is not None
    return ref
