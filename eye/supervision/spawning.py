"""How a process starts: reference, server, actor, name, thread, and the wait until its `init` has returned."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from eye.errors import NoProcess, ServerExited, StartFailed
from eye.supervision.bounded_inbox import give_bounded_inbox
from eye.supervision.process import IGNORED, Process
from eye.supervision.reasons import Crash
from eye.supervision.ref import Ref, here, leave_if_doomed

if TYPE_CHECKING:
    from eye.supervision.child_spec import Isolation
    from eye.supervision.mailbox import Mailbox
    from eye.supervision.process import Behaviour
    from eye.supervision.system import System
    from eye.supervision.via import Name


def spawn(
    system: System,
    behaviour: type,
    args: tuple[Any, ...] = (),
    kwargs: dict[str, Any] | None = None,
    *,
    id_: Any = None,
    name: Name | None = None,
    linked: bool = False,
    incarnation: int = 1,
    isolation: Isolation = "thread",
    mailbox: Mailbox | None = None,
) -> Ref | None:
    """Start a process and wait, however long it takes, until its `init` has returned.

    Returns:
        Its reference; None if `init` answered `Ignore`.

    Raises:
        AlreadyStarted: the name is taken.
        StartFailed: `init` raised, stopped or answered nonsense. The process is gone, its cleanup not run.
    """
    me = here.ref
    leave_if_doomed(me)
    ref = Ref(system, behaviour, id_ if id_ is not None else str(name or behaviour.__name__), name, me)
    ref.incarnation = incarnation
    if mailbox is not None:
        give_bounded_inbox(ref, mailbox)
    try:
        server = _make(behaviour, isolation)
        server.attach(ref)
    except Exception as error:
        raise StartFailed(ref.path, Crash.of(error)) from error
    process = Process(ref, server, args, kwargs or {})
    system.enter(ref)
    if linked and me is not None:
        ref.follows_parent = True
        ref.link(me)
    try:
        caller = process.launch()
    except RuntimeError as error:  # can't start new thread
        system.reclaim(ref)
        ref.finish(Crash.of(error))
        raise StartFailed(ref.path, Crash.of(error)) from error
    try:
        ref.await_answer(caller, None)
    except (ServerExited, NoProcess):
        reason = caller.error
        if reason is IGNORED:
            return None
        failure = StartFailed(ref.path, reason)
        if isinstance(reason, Crash):
            failure.__cause__ = reason.exception
        raise failure from failure.__cause__
    return ref


def _make(behaviour: type, isolation: Isolation) -> Behaviour:
    if isolation == "process":
        from eye.supervision.isolated import Isolated  # only who isolates pays for it

        return Isolated(behaviour)
    return cast("Behaviour", behaviour())
