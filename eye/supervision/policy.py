"""What a supervisor does when a child exits: the whole decision, nothing else.

No thread, no clock, no Pykka in here. `decide` is told what happened and returns the steps to take;
`restarter` takes them, in that order.

    a child exits
      |-- its restart type does not want it back ... Leave it down, or Remove it
      |     '-- and it was significant ............. ShutDown
      |-- too many restarts in the window .......... GiveUp
      '-- otherwise ................................ Stop some (who: see _AFFECTED), and then
            |-- it has no delay .................... Start them again
            |-- it has ............................. Wait; when that is over, `resume`: Start them
            '-- it stands on one that waits ........ StartWith that one (who on whom: see _STANDS_ON)

A restart that fails comes back as another `decide`, with `failed_restart=True`: it is wanted back
whatever its type said, it costs one more of the budget, and the same children are affected.

Where several wait at a time one rule says who starts when: nobody before its own wait is over, and nobody
before those it stands on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from eye.supervision.child_spec import AutoShutdown, Restart, Strategy
from eye.supervision.reasons import Reason, is_clean
from eye.supervision.restart_window import RestartWindow


@dataclass(frozen=True, slots=True)
class ChildState:
    """As much of a child as the decision needs."""

    id: Any
    restart: Restart
    significant: bool = False
    is_alive: bool = True
    is_restarting: bool = False
    """Whether it has exited, or failed to restart, and is to come back."""
    is_waiting: bool = False
    """Whether its delay is not over yet."""


Children = tuple[ChildState, ...]


@dataclass(frozen=True, slots=True)
class Leave:
    """Keep the child listed, without a process."""

    id: Any


@dataclass(frozen=True, slots=True)
class Remove:
    """Forget the child and its spec."""

    id: Any


@dataclass(frozen=True, slots=True)
class Stop:
    """Stop these children, one after the other, in this order."""

    ids: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Start:
    """Start these children, one after the other, in this order. A failure ends the step."""

    ids: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Wait:
    """Let `seconds` pass before this child is started again, and its group with it: see `resume`."""

    id: Any
    seconds: float


@dataclass(frozen=True, slots=True)
class StartWith:
    """Do not start this child now: it stands on `other`, which waits, and will be started together with it."""

    id: Any
    other: Any


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Stop every child in reverse order and exit with `shutdown`: too many restarts."""


@dataclass(frozen=True, slots=True)
class ShutDown:
    """Stop every child in reverse order and exit with `shutdown`: the significant work is done."""


Step = Leave | Remove | Stop | Start | Wait | StartWith | GiveUp | ShutDown

_WANTED_BACK = {  # (after a clean exit, after a crash)
    Restart.PERMANENT: (True, True),
    Restart.TRANSIENT: (False, True),
    Restart.TEMPORARY: (False, False),
}

_AFFECTED: dict[Strategy, Callable[[Children, int], Children]] = {
    Strategy.ONE_FOR_ONE: lambda children, at: children[at : at + 1],
    Strategy.REST_FOR_ONE: lambda children, at: children[at:],
    Strategy.ONE_FOR_ALL: lambda children, _at: children,
}

_STANDS_ON: dict[Strategy, Callable[[Children, int], Children]] = {
    Strategy.ONE_FOR_ONE: lambda _children, _at: (),
    Strategy.REST_FOR_ONE: lambda children, at: children[:at],
    Strategy.ONE_FOR_ALL: lambda children, at: children[:at] + children[at + 1 :],
}

_WHY_NOT = {
    Restart.TRANSIENT: "a transient child is started again only after a crash, and this was a clean exit",
    Restart.TEMPORARY: "a temporary child is never started again",
}


@dataclass(frozen=True, slots=True)
class Rules:
    """What a supervisor was told when it was made."""

    strategy: Strategy = Strategy.ONE_FOR_ONE
    auto_shutdown: AutoShutdown = AutoShutdown.NEVER


def decide(
    rules: Rules,
    children: Children,
    exited: Any,
    reason: Reason,
    window: RestartWindow,
    now: float,
    *,
    failed_restart: bool = False,
    delay: float = 0.0,
) -> tuple[RestartWindow, tuple[Step, ...]]:
    """Decide what follows when the child with the id `exited` has exited with `reason`.

    `children` are all of them in the order they were started; `delay` is what this child is to wait before a
    restart. Answers the restart window as it is from now on, and the steps to take. One incident costs one
    unit however many children it restarts.
    """
    at = _index(children, exited)
    child = children[at]
    if not failed_restart and not wants_back(child.restart, reason):
        return window, _let_go(rules.auto_shutdown, children, child, reason)
    window = window.after_restart(now)
    if window.is_exceeded:
        return window, (GiveUp(),)
    start: tuple[Step, ...] = (Wait(exited, delay),) if delay > 0 else _start(rules.strategy, children, at)
    return window, _make_room(rules.strategy, children, at) + start


def resume(rules: Rules, children: Children, waited: Any) -> tuple[Step, ...]:
    """Decide what follows when the wait of the child with the id `waited` is over. It costs nothing more."""
    at = _index(children, waited)
    return _make_room(rules.strategy, children, at) + _start(rules.strategy, children, at)


def wants_back(restart: Restart, reason: Reason) -> bool:
    """Whether a child of this restart type is started again after this reason."""
    after_clean_exit, after_crash = _WANTED_BACK[restart]
    return after_clean_exit if is_clean(reason) else after_crash


def why_not(restart: Restart, reason: Reason) -> str | None:
    """Say by which rule a child of this type is not started again after this reason; None where it is."""
    return None if wants_back(restart, reason) else _WHY_NOT[restart]


def _make_room(strategy: Strategy, children: Children, at: int) -> tuple[Step, ...]:
    """Stop those who are affected, the last started first."""
    affected = _AFFECTED[strategy](children, at)
    alive = tuple([child.id for child in reversed(affected) if child.is_alive])
    # A temporary bystander is stopped with its group and never started again: its spec goes too.
    gone = [Remove(child.id) for child in affected if child.restart is Restart.TEMPORARY]
    return (Stop(alive), *gone) if alive else tuple(gone)


def _start(strategy: Strategy, children: Children, at: int) -> tuple[Step, ...]:
    """Start those who are affected, the first first, but nobody who waits, or stands on somebody who does."""
    wanted = [one.id for one in _AFFECTED[strategy](children, at) if one.restart is not Restart.TEMPORARY]
    if any(child.is_waiting for child in children):
        return _start_beside(strategy, children, at, wanted)
    return (Start(tuple(wanted)),)


def _start_beside(strategy: Strategy, children: Children, at: int, wanted: list[Any]) -> tuple[Step, ...]:
    """The same, where somebody waits."""
    stands_on = _STANDS_ON[strategy]
    waiting = {child.id for child in children if child.is_waiting} - {children[at].id}
    held_up = next((one.id for one in stands_on(children, at) if one.id in waiting), None)
    if held_up is not None:
        return (StartWith(children[at].id, held_up),)
    blocked = {
        child.id
        for index, child in enumerate(children)
        if waiting.intersection(one.id for one in (child, *stands_on(children, index)))
    }
    return (Start(tuple([id_ for id_ in wanted if id_ not in blocked])),)


def _index(children: Children, id_: Any) -> int:
    for index, child in enumerate(children):
        if child.id == id_:
            return index
    raise LookupError(id_)


def _let_go(auto: AutoShutdown, children: Children, child: ChildState, reason: Reason) -> tuple[Step, ...]:
    gone: Step = Remove(child.id) if child.restart is Restart.TEMPORARY else Leave(child.id)
    done = child.significant and (is_clean(reason) or child.restart is Restart.TEMPORARY)
    others = any(
        other.significant and (other.is_alive or other.is_restarting) for other in children if other.id != child.id
    )
    if done and (auto is AutoShutdown.ANY_SIGNIFICANT or (auto is AutoShutdown.ALL_SIGNIFICANT and not others)):
        return (gone, ShutDown())
    return (gone,)
