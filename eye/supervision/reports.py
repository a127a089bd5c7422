"""What is logged, in OTP's order: the server's report, its process's, its supervisor's, and the new start.

A crash gives three reports, each saying what only it knows. A clean exit gives none (but the supervisor
of a *permanent* child misses it, and says so); of a killed process only the supervisor tells; an orderly
shutdown is silent. Every record carries `extra={"report": …}`: server, process, supervisor or progress.
"""

from __future__ import annotations

import logging
import reprlib
from typing import TYPE_CHECKING, Any

from eye.supervision.messages import Caller, Cast, Info, SystemRequest

if TYPE_CHECKING:
    from eye.supervision.child_spec import ChildSpec
    from eye.supervision.reasons import Crash, Reason
    from eye.supervision.ref import Ref
    from eye.supervision.restart_window import RestartWindow

logger = logging.getLogger("eye.supervision")

_FRAMEWORK_OWN = frozenset({"ref", "_handlers", "_idle", "_first_step", "_last_words"})

_short = reprlib.Repr()
_short.maxstring = _short.maxother = 120


def server_exited(ref: Ref, server: Any, item: Any, reason: Reason) -> None:
    """A server ended with a reason that is not clean: what it was doing, and what its state was."""
    if ref.system.is_quiet:
        return
    state = {name: value for name, value in vars(server).items() if name not in _FRAMEWORK_OWN}
    logger.error(
        "server %s ends: %s\n  last message: %s\n  state: %s",
        ref,
        reason,
        _told(item),
        ", ".join(f"{name.lstrip('_')}={_short.repr(value)}" for name, value in state.items()) or "none",
        extra={"report": "server"},
    )


def process_crashed(ref: Ref, reason: Reason) -> None:
    """The process behind it: where it stands, and the traceback."""
    if ref.system.is_quiet:
        return
    logger.error(
        "process %s (%s) crashed\n  ancestors: %s\n  links: %s\n  waiting messages: %d%s",
        ref,
        ref.behaviour.__qualname__,
        " < ".join(map(str, ref.ancestors)) or "none",
        ", ".join(sorted(map(str, ref.links))) or "none",
        ref.mailbox_length,
        _traceback(reason),
        extra={"report": "process"},
    )


def init_crashed(ref: Ref, reason: Crash) -> None:
    """A process that raised before it was one."""
    if ref.system.is_quiet:
        return
    logger.error(
        "process %s (%s) crashed in init%s",
        ref,
        ref.behaviour.__qualname__,
        _traceback(reason),
        extra={"report": "process"},
    )


def child_exited(supervisor: Ref, spec: ChildSpec, reason: Reason) -> None:
    """A child exited that its supervisor misses."""
    _of_supervisor(supervisor, "child %r (%s) exited: %s", spec.id, spec.restart.value, reason)


def child_not_started(supervisor: Ref, spec: ChildSpec, reason: Reason) -> None:
    """One try to start a child failed."""
    _of_supervisor(supervisor, "child %r (%s) did not start: %s", spec.id, spec.restart.value, reason)


def child_killed_at_limit(supervisor: Ref, child: Ref, limit: Any) -> None:
    """A child had more time than it was given to stop, and its thread cannot be ended."""
    _of_supervisor(
        supervisor, "child %s did not stop within %s s and is abandoned: its thread runs on, unheard", child, limit
    )


def child_abandoned(supervisor: Ref, child: Ref) -> None:
    """A child was to end at once, in the middle of something, and its thread cannot be ended."""
    _of_supervisor(supervisor, "child %s was killed and is abandoned: its thread runs on, unheard", child)


def child_stopped_badly(supervisor: Ref, child: Ref, reason: Reason) -> None:
    """A child that was asked to stop ended for another reason."""
    _of_supervisor(supervisor, "child %s exited while being stopped: %s", child, reason)


def gave_up(supervisor: Ref, window: RestartWindow, reason: Reason) -> None:
    """Too many restarts."""
    _of_supervisor(
        supervisor,
        "gives up: more than %d restarts in %g s (last exit: %s)",
        window.max_restarts,
        window.max_seconds,
        reason,
    )


def child_started(supervisor: Ref, child: Ref) -> None:
    """A child runs."""
    logger.info("supervisor %s: started %s", supervisor, child, extra={"report": "progress"})


def _of_supervisor(supervisor: Ref, text: str, *values: Any) -> None:
    if supervisor.system.is_quiet:
        return
    logger.error(f"supervisor %s: {text}", supervisor, *values, extra={"report": "supervisor"})


def _told(item: Any) -> str:
    if item is None:
        return "none yet"
    if isinstance(item, Caller):
        return f"call {_short.repr(item.request)} from {item.sender or 'plain code'}"
    if isinstance(item, SystemRequest):
        return "a request to stop"
    if isinstance(item, (Info, Cast)):
        return f"{type(item).__name__.lower()} {_short.repr(item.message)}"
    return _short.repr(item)


def _traceback(reason: Reason) -> str:
    text = getattr(reason, "traceback", "").rstrip()
    return "".join(f"\n  {line}" for line in text.splitlines())
