"""Obedient servers of the kind a test asks for, and more words to tell them what to do.

The servers and the commonest words are `eye.testing`'s: `crash`, `ExitWith`, `Note`, `Answer`, `Ask`, `Do`,
`do("method", …)`. Here are those that only tests of the framework itself need. All of them cross the border
of an OS process, so they are no lambdas.

Whatever `start` and `child` make lives where the fixture `isolation` says: in a thread unless a test asks
for that fixture, and then once in a thread and once in an OS process.
"""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eye.errors import CallFailed, StartFailed
from eye.supervision import KILL, ChildSpec, GenServer, NoReply, Supervisor
from eye.testing import PATIENCE as PATIENCE
from eye.testing import Answer as Answer
from eye.testing import Ask as Ask
from eye.testing import Boom as Boom
from eye.testing import Do as Do
from eye.testing import ExitWith as ExitWith
from eye.testing import Gate as Gate
from eye.testing import Log as Log
from eye.testing import Note as Note
from eye.testing import Obedient as Obedient
from eye.testing import Turns as Turns
from eye.testing import answer_later as answer_later
from eye.testing import crash as crash
from eye.testing import do as do
from eye.testing import in_thread as in_thread
from eye.testing import seen as seen
from eye.testing import until as until

if TYPE_CHECKING:
    from collections.abc import Callable

    from eye.supervision import Caller, Ref, System
    from eye.supervision.timers import Timer


class Here:
    """Where the servers of the running test live; the fixture `isolation` sets it."""

    isolation: Any = "thread"


class AnswersForOthers(GenServer):
    """Is cast a caller, and answers it."""

    def handle_cast(self, message: Caller) -> None:
        message.reply("passed on")


class Particular(GenServer):
    """Has an own `handle_info`, without a word for what it does not know."""

    def handle_info(self, message: Any) -> None:
        if message == "crash":
            raise Boom("boom")


class Takes(Obedient):
    """Keeps what its `init` was given."""

    def init(self, *args: Any, **kwargs: Any) -> None:
        super().init()
        self.given = (args, kwargs)

    def tell(self) -> Any:
        return self.given


class Awkward(Obedient):
    """A server that cannot even be made."""

    def __init__(self, needed: int) -> None:
        self.needed = needed


class Unshowable:
    """A message whose `repr` fails."""

    def __repr__(self) -> str:
        raise RuntimeError("no")


# ----------------------------------------------------------------------- what servers are told


def exit_the_interpreter(_server: Any) -> None:
    raise SystemExit(3)


def note_to_itself(me: Obedient) -> None:
    me.ref.cast(Note("sent to itself"))


def join_itself(me: Obedient) -> None:
    me.ref.join()


def send_itself_normal(me: Obedient) -> None:
    me.ref.exit("normal")


def call_itself(me: Obedient) -> Any:
    return me.ref.call(answer_later)


def stop_itself(me: Obedient) -> None:
    me.ref.stop()


def ask_itself(me: Obedient) -> Any:
    return me.ref.ask_process(id)


def kill_itself(me: Obedient) -> None:
    """Be killed while a message is being handled."""
    me.ref.exit(KILL)


def own_id(me: Obedient) -> Any:
    return me.ref.id


def os_process_of(_me: Obedient) -> int:
    """Answer the number of the OS process that this runs in."""
    return os.getpid()


def ignore_sigterm(_me: Obedient) -> None:
    """Refuse the polite way of being ended from outside (of an OS process of one's own)."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


@dataclass(frozen=True)
class Cast:
    """Cast this to somebody else."""

    to: Any
    message: Any

    def __call__(self, _me: Obedient) -> None:
        self.to.cast(self.message)


@dataclass(frozen=True)
class Send:
    """Send this to somebody else, or to an inbox."""

    to: Any
    message: Any

    def __call__(self, _me: Obedient) -> None:
        self.to.send(self.message)


@dataclass(frozen=True)
class Broadcast:
    """Broadcast this, to all subscribers or to all but oneself."""

    topic: str
    message: Any
    but_not_to_me: bool = False

    def __call__(self, me: Obedient) -> None:
        sender = me.ref if self.but_not_to_me else None
        me.system.topics.broadcast(self.topic, self.message, sender=sender)


@dataclass(frozen=True)
class Become:
    """Bind `state` to this."""

    state: Any

    def __call__(self, me: Obedient) -> None:
        me.state = self.state


def note_state(me: Obedient) -> None:
    me.log.append(me.state)


@dataclass(frozen=True)
class Cancel:
    """Call a timer off, and answer what was left."""

    timer: Timer

    def __call__(self, _me: Obedient) -> float | None:
        return self.timer.cancel()


@dataclass(frozen=True)
class ReplyTo:
    """Answer a call that somebody else was asked."""

    caller: Caller
    value: Any

    def __call__(self, _me: Obedient) -> bool:
        return self.caller.reply(self.value)


@dataclass(frozen=True)
class HandOn:
    """Let somebody else answer the call that is being handled."""

    to: Ref

    def __call__(self, me: Obedient) -> NoReply:
        self.to.cast(me.caller)
        return NoReply()


@dataclass(frozen=True)
class EnterAlone:
    """Note this down, and crash if another callback of the same server is under way."""

    entry: Any

    def __call__(self, me: Obedient) -> None:
        assert not getattr(me, "is_inside", False)
        me.is_inside = True
        me.log.append(self.entry)
        me.is_inside = False


@dataclass(frozen=True)
class Signal:
    """Send somebody else an exit signal."""

    to: Ref
    reason: Any

    def __call__(self, _me: Obedient) -> None:
        self.to.exit(self.reason)


@dataclass(frozen=True)
class Join:
    """Wait for somebody's end."""

    whom: Ref

    def __call__(self, _me: Obedient) -> None:
        self.whom.join()


@dataclass(frozen=True)
class Supervise:
    """Start a supervisor of these children, linked, and answer its reference."""

    children: list[ChildSpec]

    def __call__(self, me: Obedient) -> Any:
        return me.system.start(Supervisor, self.children, linked=True)


@dataclass(frozen=True)
class Attempt:
    """Do something that fails, and answer why."""

    step: Callable[[Obedient], Any]

    def __call__(self, me: Obedient) -> Any:
        try:
            self.step(me)
        except (CallFailed, StartFailed) as failure:
            return failure.reason
        return "it worked"


class Begin:
    """Start another obedient server of the same kind, and answer its reference."""

    def __init__(self, *args: Any, **options: Any) -> None:
        self.args = args
        self.options = {"isolation": Here.isolation, **options}

    def __call__(self, me: Obedient) -> Any:
        return me.system.start(Obedient, *self.args, **self.options)


def tell_itself_to_crash(me: Obedient) -> None:
    """In `init`: start well, and crash at the first message."""
    me.ref.cast(crash)


# --------------------------------------------------------------------------- what tests do themselves


def child(id_: str, log: Any = None, *, traps: bool = True, **spec: Any) -> ChildSpec:
    """A child that goes by its id as its name too, and logs its cleanup."""
    more = spec.pop("kwargs", {})
    spec = {"isolation": Here.isolation, "name": id_, **spec}
    return ChildSpec(Obedient, id=id_, kwargs={"log": log, "traps": traps, **more}, **spec)


def start(system: System, *args: Any, **kwargs: Any) -> Ref:
    """Start an obedient server."""
    ref = system.start(Obedient, *args, **{"isolation": Here.isolation, **kwargs})
    assert ref is not None
    return ref


def named(system: System, name: str) -> Ref:
    """Answer who has that name, and make sure that somebody has."""
    ref = system.whereis(name)
    assert ref is not None, f"nobody is named {name!r}"
    return ref
