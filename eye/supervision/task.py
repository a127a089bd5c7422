"""A task: a process for one function, and a handle to wait for what it returns.

    task = Task.async_(download, url)            # a process, linked to the one that starts it
    page = task.await_result(timeout=10)

    Task.start(send_mail, order)                 # nobody waits

Whoever starts a task with `async_` owns it: they share fate, and only the owner may wait. A task that
crashes takes its owner down, an owner that ends takes its task along; `TaskSupervisor.async_nolink` is for
whoever wants to hear of a crash instead. Plain code, which is no process, owns tasks too, hears of their
crashes as exceptions, and names the system that they are to run in.

With `isolation="process"` the function runs in an OS process of its own, on another core: function,
arguments and result then have to be picklable.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Literal, NamedTuple, TypeVar, TypeVarTuple, cast

from eye.errors import CannotCross, NotTaskOwner, TaskFailed, TaskTimeout
from eye.supervision.child_spec import Shutdown
from eye.supervision.messages import Info
from eye.supervision.reasons import KILLED, SHUTDOWN, TIMEOUT, Crash, Reason
from eye.supervision.ref import DEFAULT_TIMEOUT, current, leave_if_doomed, shorten
from eye.supervision.task_process import Run, ask, spawn_task, system_here

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from eye.supervision.child_spec import Isolation
    from eye.supervision.messages import Caller, Down
    from eye.supervision.ref import Ref
    from eye.supervision.system import System

R = TypeVar("R")
Ts = TypeVarTuple("Ts")


@dataclass(frozen=True, slots=True)
class Ok(Generic[R]):
    """A task was done: what its function returned."""

    value: R


@dataclass(frozen=True, slots=True)
class Exited:
    """A task ended without a result: why."""

    reason: Reason


class TaskDone(NamedTuple):
    """To an owner that asked for it with `Task.notify`: the task has ended, this way."""

    task: Task[Any]
    outcome: Ok[Any] | Exited


OnTimeout = Literal["nothing", "ignore", "kill"]
"""What `yield_many` does with a task that is not done in time."""


class Task(Generic[R]):
    """A function that runs in a process of its own, and what it comes to."""

    def __init__(self, ref: Ref, caller: Caller) -> None:
        self.ref = ref
        """The process."""
        self._caller = caller

    @property
    def owner(self) -> Ref | None:
        """The process that started it and may wait for it; None where plain code did."""
        return self._caller.sender

    # ---------------------------------------------------------------------------- starting

    @staticmethod
    def start(
        fn: Callable[[*Ts], Any],
        *args: *Ts,
        linked: bool = False,
        system: System | None = None,
        isolation: Isolation = "thread",
    ) -> Ref:
        """Run `fn(*args)` in a process of its own, for its effect: nobody waits for the result.

        Args:
            fn, args: what to run. For keyword arguments there is `functools.partial`.
            linked: whether it shares the fate of the process that starts it.
            system: where; in a process its own system, unless given.
            isolation: "process" gives it an OS process of its own.
        """
        where = system_here(system)
        return where.perform(spawn_task, where, fn, (Run(fn, args),), linked, isolation)

    @staticmethod
    def async_(
        fn: Callable[[*Ts], R], *args: *Ts, system: System | None = None, isolation: Isolation = "thread"
    ) -> Task[R]:
        """Run `fn(*args)` in a process of its own, linked to this one, and wait for the result later.

        See `start` for the arguments.
        """
        where = system_here(system)
        return where.perform(_start, where, Run(fn, args), isolation)

    # ----------------------------------------------------------------------------- waiting

    def await_result(self, timeout: float | None = DEFAULT_TIMEOUT) -> R:
        """Wait until the task is done, and answer what it returned.

        Raises:
            TaskTimeout: it was not done within `timeout` seconds. It has been told to end, and a process
                that does not catch this ends with it.
            TaskFailed: it ended without a result. (A linked owner that does not trap exits never sees
                this: it goes down with its task.)
            NotTaskOwner: somebody else started it.
        """
        if not self._is_done_within(timeout) and self._caller.fail(TIMEOUT):
            self._end(TIMEOUT)
            raise self._overdue(timeout)
        return self._value()

    def yield_result(self, timeout: float | None = DEFAULT_TIMEOUT) -> Ok[R] | Exited | None:
        """Look whether the task is done, for `timeout` seconds at most. One may ask again later.

        Returns:
            `Ok(value)`, `Exited(reason)`, or None: nothing yet.
        """
        return self._outcome() if self._is_done_within(timeout) else None

    def shutdown(self, timeout: float | Shutdown = 5.0) -> Ok[R] | Exited | None:
        """End the task, and wait until it has ended; its owner lives on.

        Args:
            timeout: seconds until it is killed, or `Shutdown.BRUTAL_KILL` or `Shutdown.INFINITY`. The
                function that a thread runs cannot be interrupted; killed, its process is abandoned.

        Returns:
            `Ok(value)` if it was done all the same, `Exited(reason)` if it had ended for a reason of its
            own, or None.
        """
        self._check_owner()
        self._unlink()
        if timeout is not Shutdown.BRUTAL_KILL:
            self.ref.exit(SHUTDOWN)
            seconds = None if isinstance(timeout, Shutdown) else timeout
            if self.ref.join(seconds) is None:
                self.ref.kill()
        else:
            self.ref.kill()
        self.ref.join()
        outcome = self._outcome()
        return None if outcome in (Exited(SHUTDOWN), Exited(KILLED)) else outcome

    def ignore(self) -> Ok[R] | Exited | None:
        """Unlink the task and let it run on: what becomes of it is nobody's concern any more.

        Returns:
            What it came to, if it is done already.
        """
        self._check_owner()
        self._unlink()
        return self._outcome() if self._caller.is_answered else None

    def notify(self) -> None:
        """Have the owner, a process, sent a `TaskDone` when the task ends: for servers that must not wait."""
        if self.owner is None:
            raise RuntimeError("plain code has no mailbox to be notified in; it waits, or asks with yield_result")
        self._check_owner()
        self.ref.monitor(cast("Any", _Courier(self)))

    @staticmethod
    def await_many(tasks: Iterable[Task[R]], timeout: float | None = DEFAULT_TIMEOUT) -> list[R]:
        """Wait for several tasks, `timeout` seconds in all; answer their results in the order given.

        If one fails or is late, the others are told to end, and the error is the same as of `await_result`.
        """
        tasks = tuple(tasks)
        left = _countdown(tasks, timeout)
        try:
            return [task.await_result(left()) for task in tasks]
        except BaseException:
            for task in tasks:
                task._end(SHUTDOWN)
            raise

    @staticmethod
    def yield_many(
        tasks: Iterable[Task[R]],
        timeout: float | None = DEFAULT_TIMEOUT,
        *,
        on_timeout: OnTimeout = "nothing",
    ) -> list[tuple[Task[R], Ok[R] | Exited | None]]:
        """Look at several tasks, for `timeout` seconds in all; see `yield_result`.

        Args:
            tasks: in the order of the answer.
            timeout: seconds.
            on_timeout: "ignore" or "kill" those that are not done by then.
        """
        tasks = tuple(tasks)
        left = _countdown(tasks, timeout)
        looked = [(task, task.yield_result(left())) for task in tasks]
        if on_timeout == "nothing":
            return looked
        late = Task.ignore if on_timeout == "ignore" else lambda task: task.shutdown(Shutdown.BRUTAL_KILL)
        return [(task, late(task) if outcome is None else outcome) for task, outcome in looked]

    # -------------------------------------------------------------------------- in between

    def _is_done_within(self, timeout: float | None) -> bool:
        self._check_owner()
        caller = self._caller
        if caller.is_answered:
            return True
        if self.owner is not None:
            self.ref._wait(caller, timeout)
        elif self.ref.system.clock.acquire(caller.lock, timeout):
            caller.lock.release()  # several threads of plain code may wait for the same task
        return caller.is_answered

    def _check_owner(self) -> None:
        me = current()
        leave_if_doomed(me)
        if me is not self.owner:
            raise NotTaskOwner(str(self.ref), str(self.owner or "plain code"), str(me or "plain code"))

    def _value(self) -> R:
        if self._caller.error is None:
            return cast("R", self._caller.value)
        outcome = self._outcome()
        assert isinstance(outcome, Exited)
        failure = TaskFailed(str(self.ref), shorten(self._caller.request), outcome.reason)
        raise failure from (outcome.reason.exception if isinstance(outcome.reason, Crash) else None)

    def _outcome(self) -> Ok[R] | Exited:
        if self._caller.error is None:
            return Ok(self._caller.value)
        if not self.ref.is_alive:
            # It ended without a result. Its links are told last: a linked owner is to go down here, not later.
            self.ref.join()
            leave_if_doomed(current())
        return Exited(self._caller.error)

    def _overdue(self, timeout: float | None) -> TaskTimeout:
        why = f"timeout: not done within {timeout:g} s"
        return TaskTimeout(str(self.ref), shorten(self._caller.request), why)

    def _end(self, reason: Reason) -> None:
        self._unlink()
        self.ref.exit(reason)

    def _unlink(self) -> None:
        if self.owner is not None:
            self.ref.unlink(self.owner)

    def __repr__(self) -> str:
        return f"<Task {self.ref} {shorten(self._caller.request)}>"


def _start(system: System, run: Run, isolation: Isolation) -> Task[Any]:
    ref = spawn_task(system, run.fn, (), True, isolation)
    return Task(ref, ask(ref, run))


class _Courier:
    """Watches a task as if it were a process, and brings its owner the news."""

    def __init__(self, task: Task[Any]) -> None:
        self._task = task

    def deliver(self, _notice: Down) -> None:
        task, caller = self._task, self._task._caller
        outcome = Ok(caller.value) if caller.error is None else Exited(caller.error)
        owner = cast("Ref", task.owner)
        try:
            owner.deliver(Info(TaskDone(task, outcome)))
        except CannotCross as error:  # a result that cannot be sent to the owner's OS process
            owner.deliver(Info(TaskDone(task, Exited(Crash.of(error)))))


def _countdown(tasks: tuple[Task[Any], ...], timeout: float | None) -> Callable[[], float | None]:
    if timeout is None or not tasks:
        return lambda: timeout
    clock = tasks[0].ref.system.clock
    deadline = clock.monotonic() + timeout
    return lambda: max(deadline - clock.monotonic(), 0.0)
