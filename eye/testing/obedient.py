"""A server that does as it is told, and words to tell it with: for tests of what stands around a server.

    children = [ChildSpec(Obedient, id=word, name=word) for word in "abc"]
    top = system.start(Supervisor, children, strategy=Strategy.REST_FOR_ONE)
    system.cast("b", crash)
    drain(system)

What it is sent is a callable, which it calls with itself. Where the server may live in an OS process of its
own the callable has to cross a border: then it is no lambda but one of the words of this file.
"""

from __future__ import annotations

from dataclasses import dataclass
from operator import attrgetter, methodcaller
from typing import TYPE_CHECKING, Any

from eye.supervision import GenServer, NoReply
from eye.testing.settling import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Callable

    from eye.supervision import Caller, Reason, Ref


class Obedient(GenServer):
    """Does what the callable that it is sent says, and logs its own beginning and end."""

    caller: Caller
    """Who asked last."""
    kept: Caller
    """Who was promised an answer last, by `answer_later`."""

    def init(
        self,
        log: Any = None,
        traps: bool = False,
        on_init: Callable[[Obedient], Any] | None = None,
        on_exit: Callable[[Obedient], Any] | None = None,
    ) -> Any:
        """Begin.

        Args:
            log: whatever has an `append`, a list or a `Log`: gets `("init", id)` and, at the end,
                `("terminate", id, reason)`.
            traps: whether it traps exits.
            on_init: what else to do in `init`, and what to answer.
            on_exit: what else to do in `terminate`.
        """
        self.log = [] if log is None else log
        self.seen: list[Any] = []
        self.trap_exit = traps
        self.on_exit = on_exit
        self.log.append(("init", self.ref.id))
        return None if on_init is None else on_init(self)

    def handle_continue(self, message: Any) -> Any:
        return message(self)

    def handle_call(self, message: Callable[[Obedient], Any], caller: Caller) -> Any:
        self.caller = caller
        return message(self)

    def handle_cast(self, message: Any) -> Any:
        return self._take(message)

    def handle_info(self, message: Any) -> Any:
        return self._take(message)

    def _take(self, message: Any) -> Any:
        if callable(message):
            return message(self)
        self.seen.append(message)
        return None

    def terminate(self, reason: Reason) -> None:
        self.log.append(("terminate", self.ref.id, str(reason)))
        if self.on_exit is not None:
            self.on_exit(self)


def seen(ref: Ref) -> list[Any]:
    """Answer what an obedient server was sent that it could not carry out."""
    return list(ref.ask_process(attrgetter("seen"), PATIENCE))


class Boom(Exception):
    """What `crash` crashes with."""


def crash(_server: Any) -> None:
    """Crash."""
    raise Boom("boom")


do = methodcaller
"""Call a method of the server: `do("exit", "normal")`, `do("subscribe", "news")`."""


def answer_later(me: Obedient) -> NoReply:
    """Keep the caller as `me.kept`, and promise an answer."""
    me.kept = me.caller
    return NoReply()


@dataclass(frozen=True)
class Answer:
    """Return this from the callback: a reply to a call, `Stop`, `Continue`, `NoReply`, nonsense."""

    value: Any = None

    def __call__(self, _me: Obedient) -> Any:
        return self.value


@dataclass(frozen=True)
class ExitWith:
    """End, from inside a callback, with this reason."""

    reason: Any

    def __call__(self, me: Obedient) -> None:
        me.exit(self.reason)


@dataclass(frozen=True)
class Note:
    """Write this into the log."""

    entry: Any

    def __call__(self, me: Obedient) -> None:
        me.log.append(self.entry)


@dataclass(frozen=True)
class Ask:
    """Call somebody else, and answer what the answer was."""

    whom: Ref
    request: Any
    timeout: float | None = None

    def __call__(self, _me: Obedient) -> Any:
        return self.whom.call(self.request, self.timeout)


class Do:
    """Do one thing after the other, and answer what the last one answered."""

    def __init__(self, *steps: Callable[[Obedient], Any]) -> None:
        self.steps = steps

    def __call__(self, me: Obedient) -> Any:
        answer = None
        for step in self.steps:
            answer = step(me)
        return answer
