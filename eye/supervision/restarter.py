"""What follows an exit: the policy is asked, and its steps are taken.

    Exit ──▶ policy.decide ──▶ Leave, Remove, Stop, Start, Wait, … ──▶ taken here, in that order
                                 |              |
                      a start fails: TryAgain   its timer: WaitOver, then policy.resume

Both are messages of a supervisor to itself. It never waits in a loop, nor sleeps: whoever wants it, or the
child, to stop gets in between the tries.
"""

from __future__ import annotations

from typing import Any

from eye.supervision import events, policy, reports
from eye.supervision.answers import Stop
from eye.supervision.caretaker import Caretaker
from eye.supervision.child_spec import AutoShutdown, Restart, Strategy
from eye.supervision.children import ChildRecord, TryAgain, WaitOver
from eye.supervision.delay import Delay
from eye.supervision.incidents import Incident
from eye.supervision.messages import Exit, Info
from eye.supervision.reasons import NOPROC, SHUTDOWN, Reason, is_clean
from eye.supervision.restart_window import RestartWindow

_EACH_ALONE = policy.Rules(Strategy.ONE_FOR_ONE, AutoShutdown.NEVER)


class Restarter(Caretaker):
    """A caretaker whose children come back."""

    _rules: policy.Rules
    _window: RestartWindow
    _delay: Delay | None

    def handle_info(self, message: Any) -> Any:
        if isinstance(message, Exit):
            return self._on_child_exit(message)
        if isinstance(message, TryAgain):
            return self._on_try_again(message)
        if isinstance(message, WaitOver):
            return self._on_wait_over(message)
        reports.unexpected(self.ref, "message", message)
        return None

    # ------------------------------------------------------------------- a child has exited

    def _on_child_exit(self, signal: Exit) -> Stop | None:
        record = self._by_ref.get(signal.sender) if signal.sender is not None else None
        if record is None or signal.sender is None:
            return None  # stopped by ourselves, or replaced already; or a stranger's exit, as in OTP
        ref, reason = signal.sender, signal.reason
        del self._by_ref[ref]
        record.note_exit(reason, self._now())
        rule = policy.why_not(record.spec.restart, reason)
        record.status = "restarting" if rule is None else "stopped"
        ran = self.system.clock.monotonic() - record.started_moment
        steps, incident = self._decide(record, reason, ran, failed_restart=False)
        if isinstance(steps[0], policy.GiveUp):
            rule = "too many restarts"
        if not is_clean(reason) or record.spec.restart is Restart.PERMANENT:
            reports.child_exited(self.ref, ref, record, incident, rule)
        self._emit(events.ChildExited, ref.path, ref.serial, reason, rule is None, rule, incident)
        return self._carry_out(steps, incident)

    def _on_try_again(self, message: TryAgain) -> Stop | None:
        record = self._children.get(message.id)
        if record is None or record.status != "restarting" or record.attempt != message.attempt:
            return None  # stopped, deleted or restarted between the tries
        steps, incident = self._decide(record, record.last_exit or NOPROC, 0.0, failed_restart=True)
        return self._carry_out(steps, incident)

    def _decide(
        self, record: ChildRecord, reason: Reason, ran: float, *, failed_restart: bool
    ) -> tuple[tuple[policy.Step, ...], Incident]:
        now = self.system.clock.monotonic()
        self._window, steps = policy.decide(
            self._rules,
            self._concerned(record),
            record.key,
            reason,
            self._window,
            now,
            failed_restart=failed_restart,
            delay=self._delay_for(record, ran),
        )
        window, at = self._window, self._now()
        budget = (window.used(now), window.max_restarts, window.max_seconds)
        return steps, Incident(record.spec.id, reason, at, *budget, failed_restart)

    def _delay_for(self, record: ChildRecord, ran: float) -> float:
        """Say how long this child is to wait, now that it has exited after `ran` seconds."""
        delay = record.spec.delay or self._delay
        if delay is None:
            return 0.0
        record.tries = delay.attempt_after(record.tries, ran)
        return delay.seconds(record.tries, self.system.chance())

    def _concerned(self, record: ChildRecord) -> policy.Children:
        if self._rules == _EACH_ALONE:
            # Spares a supervisor of thousands a look at all of them for each one that exits.
            return (_state_of(record),)
        return tuple(_state_of(one) for one in self._children.values())

    # ----------------------------------------------------------------------- taking the steps

    def _carry_out(self, steps: tuple[policy.Step, ...], because: Incident) -> Stop | None:
        """Take the steps that the policy decided on. The only place where they are taken."""
        for step in steps:
            if isinstance(step, policy.Leave):
                self._leave_down(self._children[step.id], because)
            elif isinstance(step, policy.Remove):
                self._remove(self._children[step.id], because)
            elif isinstance(step, policy.Stop):
                self._stop_group(step.ids, because)
            elif isinstance(step, policy.Start):
                self._start_again(step.ids, because)
            elif isinstance(step, policy.Wait):
                self._wait(self._children[step.id], step.seconds, because)
            elif isinstance(step, policy.StartWith):
                self._join(self._children[step.id], self._children[step.other], because)
            else:
                return self._leave(step, because)
        return None

    def _leave_down(self, record: ChildRecord, because: Incident) -> None:
        """A child is not wanted back: keep it listed."""
        record.mark_down()
        rule = policy.why_not(record.spec.restart, because.reason) or ""
        record.left_down = self._left_down(record, because.reason, rule)

    def _remove(self, record: ChildRecord, because: Incident) -> None:
        """A temporary child has exited, or went with its group."""
        rule = policy.why_not(record.spec.restart, because.reason) or ""
        if record.left_down is not None:
            self._forget(record, record.left_down.reason, f"{record.left_down.rule}; {rule}")
        else:
            self._forget(record, because.reason, rule)

    def _stop_group(self, keys: tuple[Any, ...], because: Incident) -> None:
        for key in keys:
            record = self._children[key]
            self._stop_one(record)
            record.left_down = self._left_down(record, SHUTDOWN, f"stopped with its group: {because}")

    def _start_again(self, keys: tuple[Any, ...], because: Incident) -> None:
        records = [self._children[key] for key in keys]
        lasts = [record.ref for record in records]
        for record in records:
            # Whoever is not reached, because one before it fails, is down like any other and not «restarting».
            record.mark_down()
        for record, last in zip(records, lasts, strict=True):
            if (reason := self._start(record, because)) is not None:
                reports.child_not_started(self.ref, record, reason)
                # Not here and now: whoever wants this supervisor to stop must be able to get in between.
                record.status, record.ref, record.left_down = "restarting", last, None
                record.attempt += 1
                self.ref.deliver(Info(TryAgain(record.key, record.attempt)))
                return

    def _wait(self, record: ChildRecord, seconds: float, because: Incident) -> None:
        """Have a timer say when it is time, and go back to the mailbox: nobody is held up by a delay."""
        record.status, record.incident, record.waited = "restarting", because, seconds
        record.attempt += 1
        over = Info(WaitOver(record.key, record.attempt))
        record.due = self.system.clock.monotonic() + seconds
        record.timer = self.system.timers.at(record.due, self.ref.deliver, over)
        reports.restart_delayed(self.ref, record, because)
        next_try_at = self._now() + seconds
        self._emit(events.RestartDelayed, self._path_of(record), seconds, next_try_at, record.tries, because)

    def _on_wait_over(self, message: WaitOver) -> Stop | None:
        record = self._children.get(message.id)
        if record is None or not record.is_waiting or record.attempt != message.attempt:
            return None  # stopped, or taken along by another restart
        record.end_wait()
        assert record.incident is not None
        return self._carry_out(policy.resume(self._rules, self._concerned(record), record.key), record.incident)

    def _join(self, record: ChildRecord, other: ChildRecord, because: Incident) -> None:
        record.mark_down()
        rule = f"it stands on {other.spec.id} and is started with it, once that one's wait is over"
        record.left_down = self._left_down(record, because.reason, rule)

    def _leave(self, step: policy.Step, because: Incident) -> Stop:
        if isinstance(step, policy.GiveUp):
            reports.gave_up(self.ref, because)
            budget = (because.max_restarts, because.max_seconds)
            self._emit(events.GaveUp, self.ref.path, *budget, because.reason, because)
        return Stop(SHUTDOWN)  # `terminate` stops the children


def _state_of(record: ChildRecord) -> policy.ChildState:
    return policy.ChildState(
        record.key,
        record.spec.restart,
        record.spec.significant,
        is_alive=record.status == "running",
        is_restarting=record.status == "restarting",
        is_waiting=record.is_waiting,
    )
