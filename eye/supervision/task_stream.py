"""Many tasks, few at a time: a function applied to each item of a series, side by side.

    for outcome in async_stream(download, urls, max_concurrency=8, system=system):
        match outcome:
            case Ok(page): ...
            case Exited(reason): ...

Nothing runs ahead of who reads: the first tasks start with the first result asked for, and further ones as
results are taken. Whoever stops reading ends the tasks that still run. (A server in an OS process of its own
gets all the outcomes at once, when the last item is done.)
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeVar, cast

from eye.supervision.messages import Down, Waiter
from eye.supervision.partition_supervisor import count_cores
from eye.supervision.reasons import SHUTDOWN, TIMEOUT
from eye.supervision.ref import DEFAULT_TIMEOUT, current
from eye.supervision.system import System
from eye.supervision.task import Exited, Ok, Task
from eye.supervision.task_process import system_here

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from eye.supervision.child_spec import Isolation
    from eye.supervision.ref import Ref

T = TypeVar("T")
R = TypeVar("R")

OnItemTimeout = Literal["exit", "kill"]
"""What a stream does about an item that takes too long: fail, or kill its task and go on."""


def async_stream(
    fn: Callable[[T], R],
    items: Iterable[T],
    *,
    max_concurrency: int | None = None,
    ordered: bool = True,
    timeout: float | None = DEFAULT_TIMEOUT,
    on_timeout: OnItemTimeout = "exit",
    system: System | None = None,
    isolation: Isolation = "thread",
) -> Iterator[Ok[R] | Exited]:
    """Apply `fn` to each item, each in a task of its own, linked to the process that reads.

    Args:
        fn, items: what to do, and with what.
        max_concurrency: how many tasks may run at once; as many as the machine has cores, unless given.
        ordered: whether results come in the order of the items, or as they are done.
        timeout: seconds for each item; None for as long as it takes.
        on_timeout: "exit" raises `TaskTimeout`; "kill" kills the task, and its outcome is `Exited(timeout)`.
        system, isolation: as of `Task.start`.

    Raises:
        TaskFailed, TaskTimeout: as of `Task.await_result`; the tasks that still run are told to end.
    """
    where = system_here(system)
    rules = Rules(max_concurrency, ordered, timeout, on_timeout, raises=True)
    return stream(where, _Begin(where, fn, isolation), items, rules)


@dataclass(frozen=True, slots=True)
class _Begin:
    system: System
    fn: Callable[[Any], Any]
    isolation: Isolation

    def __call__(self, item: Any) -> Task[Any]:
        return Task.async_(self.fn, item, system=self.system, isolation=self.isolation)


class Rules(NamedTuple):
    """How a stream is to go."""

    max_concurrency: int | None = None
    ordered: bool = True
    timeout: float | None = DEFAULT_TIMEOUT
    on_timeout: OnItemTimeout = "exit"
    raises: bool = True
    """Whether a task that fails fails the stream too, rather than being one of its outcomes."""


class _Running(NamedTuple):
    number: int
    task: Task[Any]
    deadline: float | None


def stream(system: System, begin: Callable[[Any], Task[Any]], items: Iterable[Any], rules: Rules) -> Iterator[Any]:
    """Begin a task for each item, and hand out their outcomes by `rules`."""
    limit = rules.max_concurrency if rules.max_concurrency is not None else count_cores()
    if limit < 1:
        raise ValueError(f"max_concurrency must be at least 1, not {limit!r}")
    if not isinstance(system, System):  # in an OS process of its own: all at once, where the tasks are
        return iter(system.perform(_all_at_once, begin, tuple(items), rules, limit))
    return _Stream(begin, items, rules, limit).outcomes()


def _all_at_once(begin: Callable[[Any], Task[Any]], items: tuple[Any, ...], rules: Rules, limit: int) -> list[Any]:
    return list(_Stream(begin, items, rules, limit).outcomes())


class _Stream:
    def __init__(
        self, begin: Callable[[Any], Task[Any]], items: Iterable[Any], rules: Rules, max_concurrency: int
    ) -> None:
        self._begin = begin
        self._items = enumerate(items)
        self._rules = rules
        self._limit = max_concurrency
        self._running: dict[Ref, _Running] = {}
        self._outcomes: dict[int, Ok[Any] | Exited] = {}
        self._arrivals = _Arrivals()
        self._is_exhausted = False

    def outcomes(self) -> Iterator[Any]:
        """Answer the outcomes, and leave no task behind."""
        handed_out = 0
        try:
            while True:
                self._fill_up()
                number = handed_out if self._rules.ordered else next(iter(self._outcomes), -1)
                if number in self._outcomes:
                    handed_out += 1
                    yield self._outcomes.pop(number)
                elif self._running:
                    self._await_somebody()
                else:
                    return
        finally:
            for one in self._running.values():
                one.task._end(SHUTDOWN)

    def _fill_up(self) -> None:
        while not self._is_exhausted and len(self._running) < self._limit:
            for number, item in self._items:
                task = self._begin(item)
                clock, timeout = task.ref.system.clock, self._rules.timeout
                deadline = None if timeout is None else clock.monotonic() + timeout
                self._running[task.ref] = _Running(number, task, deadline)
                task.ref.monitor(cast("Any", self._arrivals))
                break
            else:
                self._is_exhausted = True

    def _await_somebody(self) -> None:
        """Wait until a task has ended, or is overdue; take note of its outcome."""
        first = min(self._running.values(), key=lambda one: one.deadline or 0.0)
        clock = first.task.ref.system.clock
        left = None if first.deadline is None else max(first.deadline - clock.monotonic(), 0.0)
        ended = self._arrivals.next(first.task.ref, left)
        if ended is None:
            self._take_overdue(first)
        else:
            self._take_outcome(ended)

    def _take_outcome(self, ended: Ref) -> None:
        running = self._running.pop(ended, None)
        if running is not None:  # and not killed by ourselves
            task = running.task
            outcome = Ok(task.await_result()) if self._rules.raises else task._outcome()
            self._outcomes[running.number] = outcome

    def _take_overdue(self, overdue: _Running) -> None:
        task = overdue.task
        if not task._caller.fail(TIMEOUT):
            return  # done at the last moment: its notice comes next
        del self._running[task.ref]
        if self._rules.on_timeout == "exit":
            task._end(TIMEOUT)
            raise task._overdue(self._rules.timeout)
        task._unlink()
        task.ref.kill()
        self._outcomes[overdue.number] = Exited(TIMEOUT)


class _Arrivals:
    """Watches tasks as if it were a process: who has ended, in that order."""

    def __init__(self) -> None:
        self._ended: deque[Ref] = deque()
        self._bell: Waiter | None = None

    def deliver(self, notice: Down) -> None:
        """Take a notice; called by the thread of the task that ended."""
        self._ended.append(cast("Ref", notice.ref))
        bell = self._bell
        if bell is not None:
            bell.settle()

    def next(self, some_task: Ref, timeout: float | None) -> Ref | None:
        """Wait for the next to end; None if nobody did within `timeout` seconds."""
        if not self._ended:
            self._bell = bell = Waiter("the next outcome", some_task, current())
            if not self._ended:  # looked at again: whoever ended before the bell hung did not ring it
                some_task._wait(bell, timeout)
            self._bell = None
        return self._ended.popleft() if self._ended else None
