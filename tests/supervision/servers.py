"""A server that does as it is told, and what tests tell it."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from eye.supervision import ChildSpec, GenServer, ProcessExit

if TYPE_CHECKING:
    from collections.abc import Callable

    from eye.supervision import Caller, Reason, Ref, System

PATIENCE = 10.0
"""Real seconds that a test waits for something that is bound to happen."""


class Obedient(GenServer):
    """Does what the callable that it is sent says, and logs its own beginning and end."""

    def init(
        self,
        log: list[Any] | None = None,
        traps: bool = False,
        on_init: Callable[[Obedient], Any] | None = None,
        on_exit: Callable[[Obedient], Any] | None = None,
    ) -> Any:
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


class Boom(Exception):
    """What tests crash with."""


def crash(_server: Any) -> None:
    raise Boom("boom")


def exit_with(word: str) -> None:
    raise ProcessExit(word)


def seen(ref: Ref) -> list[Any]:
    """Answer what a server was sent that it could not carry out."""
    return list(ref.ask_process(lambda server: server.seen, PATIENCE))


def child(id_: str, log: list[Any] | None = None, *, traps: bool = True, **spec: Any) -> ChildSpec:
    """A child that goes by its id as its name too, and logs its cleanup."""
    more = spec.pop("kwargs", {})
    return ChildSpec(
        Obedient, id=id_, name=spec.pop("name", id_), kwargs={"log": log, "traps": traps, **more}, **spec
    )


def start(system: System, *args: Any, **kwargs: Any) -> Ref:
    """Start an obedient server."""
    ref = system.start(Obedient, *args, **kwargs)
    assert ref is not None
    return ref


def named(system: System, name: str) -> Ref:
    """Answer who has that name, and make sure that somebody has."""
    ref = system.whereis(name)
    assert ref is not None, f"nobody is named {name!r}"
    return ref


class Gate:
    """Holds whoever enters until it is opened; tells when somebody has come."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.opened = threading.Event()

    def __call__(self, _server: Any = None) -> None:
        self.entered.set()
        assert self.opened.wait(PATIENCE), "nobody opened the gate"

    def await_somebody(self) -> None:
        assert self.entered.wait(PATIENCE), "nobody came to the gate"

    def open(self) -> None:
        self.opened.set()


def in_thread(work: Callable[[], Any]) -> Future[Any]:
    """Run `work` beside the test."""
    future: Future[Any] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return future
