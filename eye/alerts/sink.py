"""The process of one sink: it tells what waits in its outbox, tries again, and delays nobody.

Telling takes as long as somebody else's server likes. So each attempt is a task of its own, with a deadline. One
that is overdue is abandoned (a thread cannot be killed), and what it was to tell is tried again; while some of
them hang, `_MOST_HUNG`, no new one is begun. Other sinks have other processes, and the evaluator never waits for
any of them.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, NamedTuple

from eye.alerts.delivery import Arrived, Due, Event, Failed, Forget, Send, Sent, State, Wait, decide
from eye.alerts.kinds import KINDS
from eye.errors import SinkFailed
from eye.supervision.child_spec import Shutdown
from eye.supervision.gen_server import GenServer
from eye.supervision.task import Ok, Task, TaskDone

if TYPE_CHECKING:
    from collections.abc import Callable

    from eye.alerts.alert import Record
    from eye.alerts.outbox import Outbox
    from eye.alerts.rules import SinkSettings
    from eye.supervision.ref import Ref

logger = logging.getLogger("eye.alerts")

_MOST_TOGETHER = 100  # alerts in one delivery
_MOST_HUNG = 3
_GRACE = 2.0  # seconds beyond its own time limit that an attempt has before it is abandoned
_USUAL = 10.0
_USUAL_ATTEMPTS = 6


class Waiting(NamedTuple):
    """Cast: something waits in the outbox."""


class Overdue(NamedTuple):
    """An attempt should have ended by now."""

    attempt: int


class Rested(NamedTuple):
    """The pause is over."""

    pause: int


def poke(ref: Ref) -> None:
    """Tell a sink that something waits for it. Never waits."""
    ref.cast(Waiting())


class Sink(GenServer):
    """Tells what waits in its outbox."""

    def init(self, settings: SinkSettings, outbox: Outbox, send: Callable[[list[Record]], None]) -> None:
        """Begin with what an earlier life has left.

        Args:
            settings: of this sink.
            outbox: where what it has to tell is put.
            send: tells some records, however long that takes; raises SinkFailed. Called in a task.
        """
        self._name, self._outbox, self._send = settings.name, outbox, send
        self._seconds = float(settings.options.get("timeout", _USUAL))
        self._attempts = int(settings.options.get("attempts", _USUAL_ATTEMPTS))
        self._together = 1 if KINDS[settings.kind].is_each_alone else _MOST_TOGETHER
        self._state = State()
        self._number = 0  # of the last record of the attempt that is being made
        self._count = 0  # of attempts and pauses, to know what is of an earlier one
        self._task: Task[SinkFailed | None] | None = None
        self._hung: list[Ref] = []
        self._lost = outbox.lost
        if len(outbox):
            poke(self.ref)

    def handle_cast(self, message: Any) -> Any:
        if not isinstance(message, Waiting):
            return super().handle_cast(message)
        self._happened(Arrived())
        return None

    def handle_info(self, message: Any) -> Any:
        if isinstance(message, TaskDone):
            if message.task is self._task:
                self._task = None
                self._happened(_told(message))
        elif isinstance(message, Overdue):
            if self._task is not None and message.attempt == self._count:
                self._abandon(self._task)
        elif isinstance(message, Rested):
            if message.pause == self._count:
                self._happened(Due(len(self._outbox) > 0))
        else:
            return super().handle_info(message)
        return None

    def _happened(self, event: Event) -> None:
        self._state, steps = decide(self._state, event, self._attempts)
        for step in steps:
            if isinstance(step, Send):
                self._begin()
            elif isinstance(step, Forget):
                self._forget(step.given_up)
            elif isinstance(step, Wait):
                self._count += 1
                self.send_after(step.seconds, Rested(self._count))

    def _begin(self) -> None:
        self._number, records = self._outbox.look(self._together)
        if not records:  # an earlier life has told them
            self._happened(Sent())
            return
        abandoned = self.system.abandoned()
        self._hung = [ref for ref in self._hung if ref in abandoned]
        if len(self._hung) >= _MOST_HUNG:
            self._happened(Failed(f"{len(self._hung)} earlier attempts still hang"))
            return
        self._count += 1
        self._task = Task.async_(_attempt, self._name, self._send, records)
        self._task.notify()
        self.send_after(self._seconds + _GRACE, Overdue(self._count))

    def _abandon(self, task: Task[SinkFailed | None]) -> None:
        self._task = None
        outcome = task.shutdown(Shutdown.BRUTAL_KILL)
        if isinstance(outcome, Ok):  # it was done in this very moment
            self._happened(_of(outcome.value))
            return
        self._hung.append(task.ref)
        self._happened(Failed(f"no end of it within {self._seconds:g} s"))

    def _forget(self, given_up: str | None) -> None:
        self._outbox.forget(self._number)
        if given_up is not None:
            logger.error("%s; it is given up", SinkFailed(self._name, given_up))
        if self._outbox.lost > self._lost:
            lost, self._lost = self._outbox.lost - self._lost, self._outbox.lost
            logger.error("sink %r was not told of %d alerts: there were too many to wait", self._name, lost)


def _attempt(sink: str, send: Callable[[list[Record]], None], records: list[Record]) -> SinkFailed | None:
    """Try once. Runs in a task."""
    try:
        send(records)
    except SinkFailed as failed:
        return failed
    # Somebody else's library, server and program: whatever goes wrong there is an attempt that failed.
    except Exception as error:  # noqa: BLE001
        return SinkFailed(sink, f"{type(error).__name__}: {error}")
    return None


def _told(message: TaskDone) -> Event:
    if isinstance(message.outcome, Ok):
        return _of(message.outcome.value)
    return Failed(f"the attempt ended: {message.outcome.reason}")


def _of(failed: SinkFailed | None) -> Event:
    return Sent() if failed is None else Failed(failed.problem, failed.is_final)
