"""The generic server: a process that answers calls, takes casts, and keeps its state on `self`.

    class Counter(GenServer):
        def init(self, start: int = 0) -> None:
            self._count = start

        def handle_cast(self, message: Add) -> None:
            self._count += message.amount

        def handle_call(self, message: Total, caller: Caller) -> int:
            return self._count

One message at a time, in the order they came from each sender. What a callback returns is a reply (from
`handle_call`) or one of the small values of `answers`. What it raises ends the process: a crash is a
crash, its caller is told at once, and its supervisor starts a new one with fresh state.

`terminate` sees the *last good state*: which attributes there are and what they are bound to is as it was
before the callback that raised. What that callback changed *inside* a list or a dict stays changed; a server
that must not be seen half-changed makes a new value and binds it last.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, ClassVar

from eye.errors import BadReturn, UnhandledMessage
from eye.supervision.abilities import Abilities
from eye.supervision.answers import NOTHING, Continue, Ignore, NoReply, Reply, Stop
from eye.supervision.messages import Asking, Caller, Cast, Down, Exit, IdleCheck, IdleTimeout, Info, Wake
from eye.supervision.process import IGNORED, PykkaCaller
from eye.supervision.reasons import ProcessExit, Reason, as_reason, uncaught
from eye.supervision.ref import Ref

if TYPE_CHECKING:
    from collections.abc import Callable

    from eye.supervision.timers import Timer

logger = logging.getLogger("eye.supervision")

_AFTER_MESSAGE = "None, NoReply, Continue or Stop"
_AFTER_INIT = "None, NoReply, Continue, Ignore or Stop"


class GenServer(Abilities):
    """A server process. Subclasses fill in the callbacks; the process calls them, one at a time.

    Callbacks run on the process's own thread. Attributes of `self` belong to that thread: others ask
    by `call`.
    """

    # What the framework keeps here is not among the attributes: `vars(server)` is the server's state, all of
    # it, and can be set back as one.
    __slots__ = ("__dict__", "__first_step", "__idle", "__last_words", "__latest", "__weakref__", "ref")

    is_supervisor: ClassVar[bool] = False

    # -------------------------------------------------------------------------- callbacks

    def init(self, *args: Any, **kwargs: Any) -> Any:
        """Set the state up. The starter waits for it, so promise only what can be kept at once.

        Returns:
            None, `NoReply(timeout=…)`, `Continue(message)`, `Ignore()` or `Stop(reason)`.
        """

    def handle_continue(self, message: Any) -> Any:
        """Take the step that the last callback asked for with `Continue`, before any other message."""
        raise UnhandledMessage(str(self.ref), "handle_continue", repr(message))

    def handle_call(self, message: Any, caller: Caller) -> Any:
        """Answer a question: by returning the answer, or later by `caller.reply`."""
        raise UnhandledMessage(str(self.ref), "handle_call", repr(message))

    def handle_cast(self, message: Any) -> Any:
        """Take note of a message that wants no answer."""
        raise UnhandledMessage(str(self.ref), "handle_cast", repr(message))

    def handle_info(self, message: Any) -> Any:
        """Take any other message: sent, from a timer, a `Down`, or (trapping) an `Exit`."""
        logger.warning("process %s has no handle_info for %r", self.ref, message)

    def terminate(self, reason: Reason) -> None:
        """Clean up. Runs when a callback stops or raises, and on an orderly stop of one that traps exits.

        It does not run after a kill, nor after an exit signal to a server that does not trap exits.
        """

    def format_status(self, status: dict[str, Any]) -> dict[str, Any]:
        """Say how this server is shown, where it crashed and where somebody asks for its status.

        Args:
            status: `state` as `system_get_state` answers it; of a crash also `message`, the last one
                it was handling (None: none yet), and `reason`.

        Returns:
            The same with other values, for whatever shall not be seen:
            `{**status, "state": {**status["state"], "_password": "***"}}`.
        """
        return status

    def system_get_state(self) -> Any:
        """Answer what `get_state` shows: the attributes of this server, in a dict of their own."""
        return dict(vars(self))

    def system_replace_state(self, state: Any) -> None:
        """Take over what `replace_state` made of that. Who overrides one of the two overrides both."""
        self.__dict__ = dict(state)

    # -------------------------------------------------------------- what the process calls

    def attach(self, ref: Ref) -> None:
        """Learn who one is, before `init`."""
        self.ref = ref
        # A dict of its own instead of one that shares its keys with the class's other instances: it is copied
        # before every callback, and such a one is copied faster (54 ns against 74).
        self.__dict__ = dict(self.__dict__)
        self.__idle: tuple[IdleCheck, Timer] | None = None  # the time limit that the last callback set
        self.__first_step: Continue | None = None
        self.__last_words: tuple[Caller, Any] | None = None
        self.__latest: dict[str, Any] | None = None  # the good state in the middle of a chain of steps

    def consult(self, what: Callable[[Any], Any]) -> Any:
        """Answer what somebody wants to know of the server itself; asked between two messages."""
        return what(self)

    def begin(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Reason | None:
        """Run `init`; answer why there will be no process, or None."""
        answer = self.init(*args, **kwargs)
        if answer is None:
            return None
        if isinstance(answer, Ignore):
            return IGNORED
        if isinstance(answer, Stop):
            return as_reason(answer.reason)
        if isinstance(answer, Continue):
            # The starter need not wait for the step: it is taken as the first thing, before any message.
            self.__first_step = answer
            return None
        return self._after(answer, "init", _AFTER_INIT)

    def proceed(self) -> Reason | None:
        """Take the step that `init` asked for, if it did."""
        step, self.__first_step = self.__first_step, None
        if step is None:
            return None
        state = self.__dict__.copy()
        try:
            return self._go_on(step)
        except BaseException:
            self._take_back(state)
            raise

    def receive(self, item: Any) -> Reason | None:
        """Handle one item of the mailbox; answer why to end, or None to go on."""
        handler = HANDLERS.get(type(item))
        if handler is None:
            return self.receive_cast(item)
        if self.__idle is not None and not self._ends_idling(item):
            return None
        state = self.__dict__.copy()
        try:
            return handler(self, item)
        except BaseException:
            self._take_back(state)
            raise

    def receive_cast(self, message: Any) -> Reason | None:
        """The same for a cast that lies in the mailbox as it is: the commonest item, and the shortest way."""
        if self.__idle is not None:
            self._ends_idling(message)
        state = self.__dict__.copy()
        try:
            answer = self.handle_cast(message)
            return None if answer is None else self._after(answer, "handle_cast", _AFTER_MESSAGE)
        except BaseException:
            self._take_back(state)
            raise

    def _take_back(self, state: dict[str, Any]) -> None:
        # One assignment: whoever reads an attribute from another thread finds the old one or the new.
        self.__dict__ = state if self.__latest is None else self.__latest

    def end(self, reason: Reason) -> Reason:
        """Run `terminate`; what it raises takes the reason's place."""
        try:
            self.terminate(reason)
        except ProcessExit as signal:
            return signal.reason
        except BaseException as error:  # noqa: BLE001 - part of the process loop: a crash is a crash
            return uncaught(error)
        finally:
            if self.__last_words is not None:  # as in OTP: once the cleanup has run, but still by this process
                caller, value = self.__last_words
                caller.give(value)
        return reason

    def release(self) -> None:
        """Give back what the process held besides its thread: here nothing."""

    def _on_call(self, caller: Caller) -> Reason | None:
        self.ref.set_current(caller)
        answer = self.handle_call(caller.request, caller)
        kind = type(answer)
        if kind is Stop:
            if answer.reply is not NOTHING:
                self.__last_words = (caller, answer.reply)
            return as_reason(answer.reason)
        if kind is Continue or kind is Ignore:
            allowed = "a reply, Reply(…, then=…), NoReply or Stop"
            raise BadReturn(f"{type(self).__name__}.handle_call", repr(answer), allowed)
        if kind is NoReply:
            self.ref.await_later(caller)
        elif kind is Reply and answer.then is not None:
            caller.reply(answer.value)  # before the step that follows, however long that takes
        else:
            caller.give(answer.value if kind is Reply else answer)
        self.ref.clear_current()
        if kind is Reply:
            return self._after(NoReply(answer.then, answer.timeout), "handle_call", "")
        return self._after(answer, "handle_call", "") if kind is NoReply else None

    def _on_cast(self, cast: Cast) -> Reason | None:
        answer = self.handle_cast(cast.message)
        return None if answer is None else self._after(answer, "handle_cast", _AFTER_MESSAGE)

    def _on_info(self, info: Info) -> Reason | None:
        answer = self.handle_info(info.message)
        return None if answer is None else self._after(answer, "handle_info", _AFTER_MESSAGE)

    def _on_exit(self, signal: Exit) -> Reason | None:
        if self.ref.follows_parent and signal.sender is self.ref.parent:
            return signal.reason
        answer = self.handle_info(signal)
        return None if answer is None else self._after(answer, "handle_info", _AFTER_MESSAGE)

    def _on_down(self, notice: Down) -> Reason | None:
        if notice.monitor.is_flushed:
            return None
        answer = self.handle_info(notice)
        return None if answer is None else self._after(answer, "handle_info", _AFTER_MESSAGE)

    def _on_wake(self, _item: Wake) -> Reason | None:
        return None

    def _on_idle(self, check: IdleCheck) -> Reason | None:
        if self.__idle is None:  # of an earlier time limit; a message has come since
            return None
        self.__idle = None
        answer = self.handle_info(IdleTimeout(check.seconds))
        return None if answer is None else self._after(answer, "handle_info", _AFTER_MESSAGE)

    def _after(self, answer: Any, callback: str, allowed: str) -> Reason | None:
        if type(answer) is NoReply:
            if answer.timeout is not None:
                self._expect_something(answer.timeout)
            return None if answer.then is None else self._go_on(answer.then)
        if type(answer) is Continue:
            return self._go_on(answer)
        if type(answer) is Stop:
            return as_reason(answer.reason)
        raise BadReturn(f"{type(self).__name__}.{callback}", repr(answer), allowed)

    def _go_on(self, step: Continue) -> Reason | None:
        answer: Any = step
        while type(answer) is Continue:  # a chain of steps is a loop, however long
            self.__latest = self.__dict__.copy()
            answer = self.handle_continue(answer.message)
        reason = None if answer is None else self._after(answer, "handle_continue", _AFTER_MESSAGE)
        self.__latest = None
        return reason

    def _expect_something(self, seconds: float) -> None:
        check = IdleCheck(seconds)
        if self.__idle is not None:
            self.__idle[1].cancel()
        self.__idle = (check, self.system.timers.after(seconds, self.ref.deliver, check))

    def _ends_idling(self, item: Any) -> bool:
        """Call the time limit off, now that something has come; answer whether `item` is to be handled."""
        assert self.__idle is not None
        check, timer = self.__idle
        if item is check:
            return True
        if type(item) is IdleCheck:
            return False  # of an earlier time limit: no message, and so it ends no other
        timer.cancel()
        self.__idle = None
        return True


HANDLERS: dict[type, Callable[[Any, Any], Reason | None]] = {
    Caller: GenServer._on_call,
    PykkaCaller: GenServer._on_call,
    Asking: GenServer._on_call,
    Cast: GenServer._on_cast,
    Info: GenServer._on_info,
    Exit: GenServer._on_exit,
    Down: GenServer._on_down,
    IdleCheck: GenServer._on_idle,
    Wake: GenServer._on_wake,
}
