"""The process in which a task runs: it is told what to run once, answers once, and ends.

It is a server like any other, and its one call is the question «what does this function return?». So
whoever waits for a task is never forgotten, and a function that runs in an OS process of its own needs
nothing special.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, cast

from eye.supervision.answers import Continue, Stop
from eye.supervision.gen_server import GenServer
from eye.supervision.messages import Caller, Down
from eye.supervision.reasons import NORMAL
from eye.supervision.ref import Ref, current
from eye.supervision.spawning import spawn

if TYPE_CHECKING:
    from collections.abc import Callable

    from eye.supervision.child_spec import Isolation
    from eye.supervision.messages import Monitor
    from eye.supervision.system import System


class Run(NamedTuple):
    """What a task has to do."""

    fn: Callable[..., Any]
    args: tuple[Any, ...]


class TaskProcess(GenServer):
    """Runs one function, and ends."""

    def init(self, run: Run | None = None, owner: Ref | None = None) -> Any:
        """Begin with `run`; or wait for a call that says what to run, for as long as `owner` lives."""
        self._owner_watch: Monitor | None = None if owner is None else self.monitor(owner)
        return None if run is None else Continue(run)

    def handle_continue(self, message: Run) -> Stop:
        message.fn(*message.args)
        return Stop(NORMAL)

    def handle_call(self, message: Run, caller: Caller) -> Stop:
        if self._owner_watch is not None:
            self.demonitor(self._owner_watch, flush=True)
        return Stop(NORMAL, reply=message.fn(*message.args))

    def handle_info(self, message: Any) -> Stop | None:
        if isinstance(message, Down):  # its owner has ended before it could say what to do
            return Stop(NORMAL)
        return super().handle_info(message)  # type: ignore[no-any-return]


def system_here(system: System | None) -> System:
    """Answer where a task shall run: in this system, or in that of the running process."""
    me = current()
    if system is None and me is None:
        raise RuntimeError("plain code belongs to no system, so say where the task shall run: system=…")
    return system if system is not None else cast("Ref", me).system


def spawn_task(
    system: System, fn: Callable[..., Any], args: tuple[Any, ...], linked: bool, isolation: Isolation
) -> Ref:
    """Start a process that runs a function."""
    ref = spawn(system, TaskProcess, args, id_=name_of(fn), linked=linked, isolation=isolation)
    assert ref is not None
    return ref


def ask(ref: Ref, run: Run) -> Caller:
    """Tell a process that waits for it what to run; the answer will be in the `Caller`."""
    caller = Caller(run, ref, current())
    try:
        ref.deliver(caller)
    except BaseException:  # what it is to run cannot be sent to another OS process
        if caller.sender is not None:
            ref.unlink(caller.sender)
        ref.kill()
        raise
    if ref.exit_reason is not None:
        caller.fail(ref.exit_reason)
    return caller


def name_of(fn: Callable[..., Any]) -> str:
    """Name a task after its function."""
    return getattr(fn, "__name__", type(fn).__name__)
