"""What is logged, in OTP's order: the server's report, its process's, its supervisor's, and the new start.

A crash gives three reports, each saying what only it knows. A clean exit gives none (but the supervisor
of a *permanent* child misses it, and says so); of a killed process only the supervisor tells; an orderly
shutdown is silent.

Each is a text for people and fields for programs, attributes of the record (`extra`), all of plain values:

    report             server, process, supervisor or progress: who speaks
    what               server_exited, process_crashed, child_exited, child_start_failed, child_stopped_badly,
                       child_abandoned, child_killed, restart_delayed, gave_up, child_started,
                       unexpected_message, unexpected_cast
    path, serial       the process it is about; serial 0 where there is none
    supervisor, child  of a supervisor's: its own path, and the child's id
    reason_word, reason_detail           why it ended; reason_traceback in the process's report
    last_message, state                  of a server: what it was doing; its attributes, each a short text
    ancestors, links, waiting            of a process: paths, and how many messages were waiting
    restart_type, incarnation, restarts  of a supervisor's child
    budget             {"used": 2, "max_restarts": 3, "max_seconds": 5.0}
    rule               why a child is not started again; None where it is
    next_try_in        seconds until a delayed restart
    orphans            of a supervisor that was killed at its limit: its children that may be left behind

A system that `is_quiet` and a logger that is switched off cost next to nothing; the same things are told as
`events`, to whoever subscribed.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from eye.supervision import events
from eye.supervision.messages import Caller, Cast, Info, SystemRequest
from eye.supervision.reasons import Crash, Reason
from eye.supervision.ref import Ref
from eye.supervision.shown import MESSAGE, show, show_server

if TYPE_CHECKING:
    from eye.supervision.children import ChildRecord
    from eye.supervision.incidents import Incident

logger = logging.getLogger("eye.supervision")


# ------------------------------------------------------------------- of the process that crashed


def server_exited(ref: Ref, server: Any, item: Any, reason: Reason) -> None:
    """A server ended with a reason that is not clean: what it was doing, and what its state was."""
    is_heard, is_logged = ref.system.topics.has_subscribers(events.TOPIC), _is_logged(ref, logging.ERROR)
    if not (is_heard or is_logged):
        return
    last_message, state = _seen(server, item, reason)
    if is_logged:
        shown = ", ".join(f"{name}={value}" for name, value in state.items()) or "none"
        _log(
            logging.ERROR,
            "server %s ends: %s\n  last message: %s\n  state: %s",
            (ref, reason, last_message, shown),
            report="server",
            what="server_exited",
            last_message=last_message,
            state=state,
            **_of_process(ref),
            **_why(reason),
        )
    if is_heard:
        now = ref.system.clock.now()
        ref.system.emit(events.ProcessCrashed(now, ref.path, ref.serial, reason, last_message, state))


def process_crashed(ref: Ref, reason: Reason) -> None:
    """The process behind it: where it stands, and the traceback."""
    if _is_logged(ref, logging.ERROR):
        _log_process(ref, reason, "crashed")


def init_failed(ref: Ref, reason: Reason) -> None:
    """A process that ended before it was one, and not in good order."""
    if _is_logged(ref, logging.ERROR):
        _log_process(ref, reason, "crashed in init" if isinstance(reason, Crash) else f"ended in init: {reason}")
    if ref.system.topics.has_subscribers(events.TOPIC):
        ref.system.emit(events.ProcessCrashed(ref.system.clock.now(), ref.path, ref.serial, reason))


def _log_process(ref: Ref, reason: Reason, how: str) -> None:
    ancestors = [str(one) for one in ref.ancestors]
    links = sorted(map(str, ref.links))
    waiting = ref.mailbox_length
    traceback = getattr(reason, "traceback", "").rstrip()
    _log(
        logging.ERROR,
        "process %s (%s) %s\n  ancestors: %s\n  links: %s\n  waiting messages: %d%s",
        (
            ref,
            ref.behaviour.__qualname__,
            how,
            " < ".join(ancestors) or "none",
            ", ".join(links) or "none",
            waiting,
            "".join(f"\n  {line}" for line in traceback.splitlines()),
        ),
        report="process",
        what="process_crashed",
        ancestors=ancestors,
        links=links,
        waiting=waiting,
        reason_traceback=traceback,
        **_of_process(ref),
        **_why(reason),
    )


# ----------------------------------------------------------------------------- of its supervisor


def child_exited(supervisor: Ref, ref: Ref, record: ChildRecord, incident: Incident, rule: str | None) -> None:
    """A child exited that its supervisor misses."""
    text, values = "child %r (%s) exited: %s", (record.spec.id, record.spec.restart.value, incident.reason)
    _tell(supervisor, "child_exited", text, values, ref, record, incident.reason, incident, rule=rule)


def child_not_started(supervisor: Ref, record: ChildRecord, reason: Reason) -> None:
    """One try to start a child failed: at the supervisor's own start, or at a restart.

    Whoever asked for a child is told so, and needs no report (as in OTP).
    """
    text, values = "child %r (%s) did not start: %s", (record.spec.id, record.spec.restart.value, reason)
    _tell(supervisor, "child_start_failed", text, values, None, record, reason)


def child_killed(supervisor: Ref, ref: Ref, record: ChildRecord, why: str, orphans: tuple[str, ...]) -> None:
    """A child had to be killed. An OS process is gone by then; a thread cannot be ended, and is abandoned."""
    ends = record.spec.isolation == "process"
    text = f"child %s %s and {'was killed' if ends else 'is abandoned: its thread runs on, unheard'}"
    values: tuple[Any, ...] = (ref, why)
    if orphans:
        text, values = f"{text}; it may leave behind %s", (*values, ", ".join(orphans))
    what, reason = "child_killed" if ends else "child_abandoned", ref.exit_reason
    _tell(supervisor, what, text, values, ref, record, reason, rule=why, orphans=list(orphans))


def child_stopped_badly(supervisor: Ref, ref: Ref, record: ChildRecord, reason: Reason) -> None:
    """A child that was asked to stop ended for another reason."""
    text = "child %s exited while being stopped: %s"
    _tell(supervisor, "child_stopped_badly", text, (ref, reason), ref, record, reason)


def gave_up(supervisor: Ref, incident: Incident) -> None:
    """Too many restarts."""
    text = "gives up: more than %d restarts in %g s (last exit: %s)"
    values, why = (incident.max_restarts, incident.max_seconds, incident.reason), incident.reason
    _tell(supervisor, "gave_up", text, values, supervisor, None, why, incident, child=str(incident.child))


def unexpected(supervisor: Ref, kind: str, message: Any) -> None:
    """A supervisor got a message that nobody should send to one; it lives on."""
    text = "received an unexpected %s: %r"
    _tell(supervisor, f"unexpected_{kind}", text, (kind, message), supervisor)


def restart_delayed(supervisor: Ref, record: ChildRecord, incident: Incident) -> None:
    """A child waits for its next try."""
    text, wait, why = "child %r is started again in %.3g s", record.waited, incident.reason
    values = (record.spec.id, wait)
    _tell(supervisor, "restart_delayed", text, values, None, record, why, incident, logging.INFO, next_try_in=wait)


def child_started(supervisor: Ref, child: Ref, record: ChildRecord) -> None:
    """A child runs."""
    _tell(supervisor, "child_started", "started %s", (child,), child, record, level=logging.INFO)


def _tell(
    supervisor: Ref,
    what: str,
    text: str,
    values: tuple[Any, ...],
    ref: Ref | None,
    record: ChildRecord | None = None,
    reason: Reason | None = None,
    incident: Incident | None = None,
    level: int = logging.ERROR,
    **more: Any,
) -> None:
    if not _is_logged(supervisor, level):
        return
    fields = {
        "report": "supervisor" if level == logging.ERROR else "progress",
        "what": what,
        "supervisor": supervisor.path,
        "path": supervisor.path if ref is None else ref.path,
        "serial": 0 if ref is None else ref.serial,
        **_why(reason),
        **more,
    }
    if record is not None:
        fields |= _of_child(record)
        fields["path"] = fields["path"] if ref is not None else f"{supervisor.path}/{record.spec.id}"
    if incident is not None:
        used, most, seconds = incident.used, incident.max_restarts, incident.max_seconds
        fields["budget"] = {"used": used, "max_restarts": most, "max_seconds": seconds}
    _log(level, f"supervisor %s: {text}", (supervisor, *values), **fields)


# ------------------------------------------------------------------------------------- the parts


def _is_logged(ref: Ref, level: int) -> bool:
    return not ref.system.is_quiet and logger.isEnabledFor(level) and _somebody_takes(level)


def _somebody_takes(level: int) -> bool:
    """Whether a record would come to anything: to write the traceback alone takes longer than a restart."""
    if logger.filters:
        return True
    has_handlers, at = False, logger
    while at is not None:
        for handler in at.handlers:
            if level >= handler.level and type(handler) is not logging.NullHandler:
                return True
            has_handlers = True
        at = at.parent if at.propagate else None  # type: ignore[assignment]
    last = logging.lastResort
    return not has_handlers and last is not None and level >= last.level


def _log(level: int, text: str, values: tuple[Any, ...], **fields: Any) -> None:
    # A record may be kept for long, and must not keep an exception with all that was in its frames (nor a
    # reference, whose exit reason has it too).
    shown = tuple(str(value) if isinstance(value, (Reason, Ref)) else value for value in values)
    # Made by hand: `logger.error` would walk the stack to find this very file.
    logger.handle(logger.makeRecord(logger.name, level, __file__, 0, text, shown, None, extra=fields))


def _of_process(ref: Ref) -> dict[str, Any]:
    return {"path": ref.path, "serial": ref.serial}


def _of_child(record: ChildRecord) -> dict[str, Any]:
    return {
        "child": str(record.spec.id),
        "restart_type": record.spec.restart.value,
        "incarnation": record.incarnation,
        "restarts": record.restarts,
    }


def _why(reason: Reason | None) -> dict[str, Any]:
    if reason is None:
        return {"reason_word": None, "reason_detail": None}
    return {"reason_word": reason.word, "reason_detail": None if reason.detail is None else str(reason.detail)}


def _seen(server: Any, item: Any, reason: Reason) -> tuple[str, dict[str, str]]:
    """Show what a server was doing, and what it kept on `self`, as far as it lets that be seen."""
    message = item.request if isinstance(item, Caller) else item
    if isinstance(item, (Info, Cast)):
        message = item.message
    if hasattr(server, "format_status"):
        message, state = show_server(server, None if isinstance(item, SystemRequest) else message, reason)
        text = show(message)
    else:  # it has an OS process of its own, which has told what may be seen
        state = {name: show(value) for name, value in vars(server).items()}
        text = state.pop(MESSAGE, "") or show(message)
    if item is None:
        return "none yet", state
    if isinstance(item, SystemRequest):
        return "a request to stop", state
    if isinstance(item, Caller):
        return f"call {text} from {item.sender or 'plain code'}", state
    return f"info {text}" if isinstance(item, Info) else text, state
