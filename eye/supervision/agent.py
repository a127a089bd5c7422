"""An agent: a process that keeps a value, and lets others read and change it by handing in functions.

    basket = system.start(Agent, list)
    Agent.update(basket, lambda items: [*items, "apple"])
    Agent.get(basket, len)

The functions run in the agent, one at a time: what one of them reads, nobody changes meanwhile. One that
takes long keeps everybody else waiting; one that raises ends the agent, and whoever handed it in is told.
For anything with more to it than a value, write a `GenServer`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from eye.errors import BadReturn, NoProcess
from eye.supervision.answers import Reply
from eye.supervision.gen_server import GenServer
from eye.supervision.names import find_here
from eye.supervision.ref import DEFAULT_TIMEOUT

if TYPE_CHECKING:
    from collections.abc import Callable

    from eye.supervision.messages import Caller
    from eye.supervision.ref import Ref
    from eye.supervision.via import Name

R = TypeVar("R")


class _Get(NamedTuple):
    fn: Callable[..., Any]
    args: tuple[Any, ...]


class _GetAndUpdate(NamedTuple):
    fn: Callable[..., Any]
    args: tuple[Any, ...]


class _Update(NamedTuple):
    fn: Callable[..., Any]
    args: tuple[Any, ...]


class Agent(GenServer):
    """Keeps a value. Its functions take the agent's reference or, in a process, its name."""

    def init(self, start: Callable[..., Any], *args: Any) -> None:
        """Begin with the value `start(*args)`, computed in the agent."""
        self._value = start(*args)

    def handle_call(self, message: Any, caller: Caller) -> Any:
        if isinstance(message, _Get):
            return Reply(message.fn(self._value, *message.args))
        if isinstance(message, _GetAndUpdate):
            return self._get_and_update(message)
        if isinstance(message, _Update):
            self._value = message.fn(self._value, *message.args)
            return None
        return super().handle_call(message, caller)

    def handle_cast(self, message: Any) -> None:
        if not isinstance(message, _Update):
            return super().handle_cast(message)  # type: ignore[no-any-return]
        self._value = message.fn(self._value, *message.args)
        return None

    def _get_and_update(self, message: _GetAndUpdate) -> Reply:
        both = message.fn(self._value, *message.args)
        if not (isinstance(both, tuple) and len(both) == 2):
            raise BadReturn("a function handed to Agent.get_and_update", repr(both), "(answer, new value)")
        answer, self._value = both
        return Reply(answer)

    # -------------------------------------------------------------------- what others may do

    @staticmethod
    def get(agent: Ref | Name, fn: Callable[..., R], *args: Any, timeout: float | None = DEFAULT_TIMEOUT) -> R:
        """Answer `fn(value, *args)`.

        Raises:
            ServerExited: `fn` raised, and the agent has ended with that.
            NoProcess, CallTimeout: as of `Ref.call`.
        """
        return _call(agent, _Get(fn, args), timeout)  # type: ignore[no-any-return]

    @staticmethod
    def update(
        agent: Ref | Name, fn: Callable[..., Any], *args: Any, timeout: float | None = DEFAULT_TIMEOUT
    ) -> None:
        """Make `fn(value, *args)` the new value. `fn` returns it, also where it changes the old one in place."""
        _call(agent, _Update(fn, args), timeout)

    @staticmethod
    def get_and_update(
        agent: Ref | Name,
        fn: Callable[..., tuple[R, Any]],
        *args: Any,
        timeout: float | None = DEFAULT_TIMEOUT,
    ) -> R:
        """Call `fn(value, *args)`, which returns two things: the answer, and the new value."""
        return _call(agent, _GetAndUpdate(fn, args), timeout)  # type: ignore[no-any-return]

    @staticmethod
    def cast(agent: Ref | Name, fn: Callable[..., Any], *args: Any) -> None:
        """`update` without waiting. Where there is no agent, nothing happens."""
        try:
            ref = find_here(agent, "cast")
        except NoProcess:
            return
        ref.cast(_Update(fn, args))


def _call(agent: Ref | Name, request: Any, timeout: float | None) -> Any:
    return find_here(agent, "its value").call(request, timeout)
