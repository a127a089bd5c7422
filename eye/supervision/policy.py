"""What a supervisor does when a child exits: the whole decision, nothing else.

No thread, no clock, no Pykka in here. `decide` is told what happened and returns the steps to take;
`supervisor.py` takes them, in that order.

    a child exits
      |-- its restart type does not want it back ... Leave it down, or Remove it
      |     '-- and it was significant ............. StopAll, ShutDown
      |-- too many restarts in the window .......... StopAll, GiveUp
      '-- otherwise ................................ Stop some, Start them again
                                                     (who: see _AFFECTED)

A restart that fails comes back as another `decide`, with `failed_restart=True`: it is wanted back
whatever its type said, it costs one more of the budget, and the same children are affected.
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
class GiveUp:
    """Stop every child in reverse order and exit with `shutdown`: too many restarts."""


@dataclass(frozen=True, slots=True)
class ShutDown:
    """Stop every child in reverse order and exit with `shutdown`: the significant work is done."""


Step = Leave | Remove | Stop | Start | GiveUp | ShutDown

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
) -> tuple[RestartWindow, tuple[Step, ...]]:
    """Decide what follows when the child with the id `exited` has exited with `reason`.

    `children` are all of them in the order they were started. Answers the restart window as it is from
    now on, and the steps to take. One incident costs one unit however many children it restarts.
    """
    at = next(index for index, child in enumerate(children) if child.id == exited)
    child = children[at]
    if not failed_restart and not wants_back(child.restart, reason):
        return window, _let_go(rules.auto_shutdown, children, child, reason)
    window = window.after_restart(now)
    if window.is_exceeded:
        return window, (GiveUp(),)
    affected = _AFFECTED[rules.strategy](children, at)
    return window, _restart(affected)


def wants_back(restart: Restart, reason: Reason) -> bool:
    """Whether a child of this restart type is started again after this reason."""
    after_clean_exit, after_crash = _WANTED_BACK[restart]
    return after_clean_exit if is_clean(reason) else after_crash


def _restart(affected: Children) -> tuple[Step, ...]:
    steps: list[Step] = []
    if alive := tuple(child.id for child in reversed(affected) if child.is_alive):
        steps.append(Stop(alive))
    # A temporary bystander is stopped with its group and never started again: its spec goes too.
    steps += [Remove(child.id) for child in affected if child.restart is Restart.TEMPORARY]
    steps.append(Start(tuple(child.id for child in affected if child.restart is not Restart.TEMPORARY)))
    return tuple(steps)


def _let_go(auto: AutoShutdown, children: Children, child: ChildState, reason: Reason) -> tuple[Step, ...]:
    gone: Step = Remove(child.id) if child.restart is Restart.TEMPORARY else Leave(child.id)
    done = child.significant and (is_clean(reason) or child.restart is Restart.TEMPORARY)
    others = any(
        other.significant and (other.is_alive or other.is_restarting) for other in children if other.id != child.id
    )
    if done and (auto is AutoShutdown.ANY_SIGNIFICANT or (auto is AutoShutdown.ALL_SIGNIFICANT and not others)):
        return (gone, ShutDown())
    return (gone,)
