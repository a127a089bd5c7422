"""What can be done to one process of a node besides crashing it: stop, restart, suspend, resume, look inside.

A supervised process is stopped and restarted by its supervisor, which then knows: it is listed as stopped, and
costs nothing of the restart budget. One that nobody supervises can be stopped, and not restarted. The processes
that the node itself lives by (`/eye` and what is below) are left alone: suspended, the node would be neither seen
nor asked any more, and could not be told to go on.
"""

from __future__ import annotations

import reprlib
from typing import TYPE_CHECKING, Any

from eye.errors import CallTimeout, CannotHandle, ConfigError, NoProcess, ServerExited, SupervisionError
from eye.monitor.methods import DEEDS
from eye.supervision import debugging
from eye.supervision.children import RestartChild, StopChild
from eye.supervision.dynamic_supervisor import DynamicSupervisor
from eye.supervision.reasons import SHUTDOWN
from eye.supervision.supervisor import Supervisor, value_of

if TYPE_CHECKING:
    from eye.supervision.ref import Ref

PATIENCE = 3.0
"""Seconds that a process has to come to its next message."""

LONGEST = 2000
"""Characters of one attribute's text."""

_MOST = 200  # attributes


def handle(ref: Ref, deed: str) -> None:
    """Do it.

    Raises:
        ConfigError: there is no such deed. CannotHandle: it cannot be done to that process, or not in time.
    """
    if deed not in DEEDS:
        raise ConfigError(f"a process can be told to {', '.join(DEEDS)}, not {deed!r}")
    try:
        if deed == "suspend":
            debugging.suspend(ref, PATIENCE)
        elif deed == "resume":
            debugging.resume(ref, PATIENCE)
        else:
            _take_down(ref, comes_back=deed == "restart")
    except (CallTimeout, ServerExited, NoProcess) as error:
        raise CannotHandle(ref.path, f"it could not be told to {deed}: {error}") from None
    except SupervisionError as error:
        raise CannotHandle(ref.path, f"it was told to {deed}, but: {error}") from None


def state(ref: Ref) -> dict[str, Any]:
    """Tell what a process is like inside, in texts that are cut where they are long.

    Returns:
        `behaviour` (its class), `status` (running or suspended) and `state`: `[name, text]` of each attribute, or
        one pair `["", text]` where the server has something else to show.

    Raises:
        CannotHandle: it did not come to answer in time.
    """
    try:
        status = debugging.get_status(ref, PATIENCE)
    except (CallTimeout, ServerExited, NoProcess) as error:
        raise CannotHandle(ref.path, f"it did not tell its state: {error}") from None
    shown = status.state
    pairs = list(shown.items())[:_MOST] if isinstance(shown, dict) else [("", shown)]
    return {
        "behaviour": status.behaviour,
        "status": status.status,
        "state": [[str(name)[:LONGEST], _text(value)] for name, value in pairs],
    }


def _take_down(ref: Ref, *, comes_back: bool) -> None:
    supervisor = ref.parent
    if supervisor is None or not issubclass(_behaviour(supervisor), (Supervisor, DynamicSupervisor)):
        if comes_back:
            raise CannotHandle(ref.path, "it has no supervisor that could start it again; stop it, or crash it")
        ref.stop(SHUTDOWN, PATIENCE)
    elif issubclass(_behaviour(supervisor), DynamicSupervisor):
        if comes_back:
            raise CannotHandle(ref.path, "its DynamicSupervisor forgets what is stopped; crash it instead")
        value_of(supervisor.call(StopChild(ref), PATIENCE))
    else:
        value_of(supervisor.call(StopChild(ref.id), PATIENCE))
        if comes_back:
            value_of(supervisor.call(RestartChild(ref.id), PATIENCE))


def _behaviour(ref: Ref) -> type:
    return ref.behaviour if isinstance(ref.behaviour, type) else type(ref.behaviour)


class _Brief(reprlib.Repr):
    def __init__(self) -> None:
        super().__init__()
        self.maxstring = self.maxother = LONGEST
        self.maxlist = self.maxtuple = self.maxset = self.maxfrozenset = self.maxdeque = self.maxdict = 50
        self.maxlevel = 6


def _text(value: Any) -> str:
    try:
        return _Brief().repr(value)[:LONGEST]
    except Exception as error:  # noqa: BLE001  the `__repr__` of anybody's class
        return f"<{type(value).__name__}, whose repr raised {type(error).__name__}>"
