"""What a supervisor has to know about a child before it exists.

    ChildSpec(Sampler, args=(probe,), id="sampler", restart=Restart.PERMANENT, shutdown=5.0)

In a list of children a bare class, or a tuple of a class and its arguments, stands for a spec with all
the defaults: a permanent worker with 5 seconds to stop (a supervisor: as long as it takes).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any, Literal, get_args

from eye.errors import BadChildSpec
from eye.supervision.delay import Delay
from eye.supervision.mailbox import Mailbox
from eye.supervision.via import Name, Via


class Strategy(Enum):
    """Who is restarted when one child exits. A supervisor states with it who depends on whom."""

    ONE_FOR_ONE = "one_for_one"
    """Only the child that exited."""
    ONE_FOR_ALL = "one_for_all"
    """Every child."""
    REST_FOR_ONE = "rest_for_one"
    """The child that exited, and those started after it."""


class Restart(Enum):
    """Whether a child is wanted back."""

    PERMANENT = "permanent"
    """Always."""
    TRANSIENT = "transient"
    """After a crash, not after a clean exit."""
    TEMPORARY = "temporary"
    """Never; its spec goes with it."""


class Shutdown(Enum):
    """How a child is stopped, where a number of seconds is not what one wants."""

    BRUTAL_KILL = "brutal_kill"
    """At once, without cleanup."""
    INFINITY = "infinity"
    """As long as its cleanup takes. Right for supervisors, whose children have limits of their own."""


class AutoShutdown(Enum):
    """Whether a supervisor stops by itself when its significant children are done."""

    NEVER = "never"
    ANY_SIGNIFICANT = "any_significant"
    ALL_SIGNIFICANT = "all_significant"


Isolation = Literal["thread", "process"]
"""Where a process lives: in a thread of this OS process, or in an OS process of its own."""


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """How to start one child, and what to do when it exits."""

    start: Callable[..., Any]
    """A `GenServer` or `Supervisor` class, or a function that starts a process and returns its `Ref`."""
    args: tuple[Any, ...] = ()
    """What its `init` is called with, at every start."""
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    """The same, by keyword."""
    id: Any = None
    """What the supervisor knows the child by; the name of `start` unless given."""
    name: Name | None = None
    """A name to register it under, so that others can reach its replacements too."""
    restart: Restart = Restart.PERMANENT
    """Whether it is wanted back after it has exited."""
    shutdown: float | Shutdown | None = None
    """Seconds it has to stop before it is killed; unless given, 5 for a worker and no limit for a supervisor."""
    significant: bool = False
    """Whether its clean exit counts for the supervisor's automatic shutdown."""
    isolation: Isolation = "thread"
    """"process" gives it an OS process of its own, which can really be killed; nothing changes for its callers."""
    delay: Delay | None = None
    """How long to wait before it is started again; unless given, as its supervisor says, which is not at all."""
    mailbox: Mailbox | None = None
    """How many messages may wait, and what happens to one too many; None for no limit."""

    @property
    def is_supervisor(self) -> bool:
        return bool(getattr(self.start, "is_supervisor", False))

    @property
    def shutdown_limit(self) -> float | Shutdown:
        """How long it has to stop, the defaults filled in."""
        if self.shutdown is not None:
            return self.shutdown
        return Shutdown.INFINITY if self.is_supervisor else 5.0


Child = ChildSpec | type | tuple[Any, ...]
"""What may stand in a list of children."""


def as_child_spec(child: Child) -> ChildSpec:
    """Read one entry of a list of children, fill in its id, and check every field.

    Raises:
        BadChildSpec: saying which field of which child, what is allowed, and what came.
    """
    if isinstance(child, tuple) and child and callable(child[0]):
        child = ChildSpec(child[0], args=tuple(child[1:]))
    elif not isinstance(child, ChildSpec) and callable(child):
        child = ChildSpec(child)
    if not isinstance(child, ChildSpec):
        raise BadChildSpec(f"a child must be a ChildSpec, a class or (class, *arguments), not {child!r}")
    if not callable(child.start):
        raise BadChildSpec(f"child {child.id!r}: start must be a class or a function, not {child.start!r}")
    if child.id is None:
        child = replace(child, id=getattr(child.start, "__name__", repr(child.start)))
    _check(child)
    return child


def _check(spec: ChildSpec) -> None:
    who = f"child {spec.id!r}"
    if not isinstance(spec.id, Hashable):
        raise BadChildSpec(f"{who}: id must be hashable, a word for instance")
    if not (spec.name is None or isinstance(spec.name, (str, Via))):
        raise BadChildSpec(f"{who}: name must be a string, a Via or None, not {spec.name!r}")
    if not isinstance(spec.restart, Restart):
        raise BadChildSpec(f"{who}: restart must be a Restart, not {spec.restart!r}")
    if not isinstance(spec.args, tuple):
        raise BadChildSpec(f"{who}: args must be a tuple, not {spec.args!r}")
    if not isinstance(spec.kwargs, Mapping):
        raise BadChildSpec(f"{who}: kwargs must be a mapping, not {spec.kwargs!r}")
    if spec.isolation not in get_args(Isolation):
        raise BadChildSpec(f"{who}: isolation must be 'thread' or 'process', not {spec.isolation!r}")
    if spec.isolation == "process" and (spec.is_supervisor or not hasattr(spec.start, "begin")):
        raise BadChildSpec(
            f"{who}: only a GenServer class can live in an OS process of its own, not {spec.start!r}; "
            "of a supervisor, isolate the children"
        )
    limit = spec.shutdown
    is_seconds = isinstance(limit, (int, float)) and not isinstance(limit, bool) and 0 <= limit < math.inf
    if not (limit is None or is_seconds or isinstance(limit, Shutdown)):
        raise BadChildSpec(
            f"{who}: shutdown must be seconds >= 0, Shutdown.BRUTAL_KILL or Shutdown.INFINITY, not {limit!r}"
        )
    if not (spec.delay is None or isinstance(spec.delay, Delay)):
        raise BadChildSpec(f"{who}: delay must be a Delay or None, not {spec.delay!r}")
    if not (spec.mailbox is None or isinstance(spec.mailbox, Mailbox)):
        raise BadChildSpec(f"{who}: mailbox must be a Mailbox or None, not {spec.mailbox!r}")
    if not isinstance(spec.significant, bool):
        raise BadChildSpec(f"{who}: significant must be True or False, not {spec.significant!r}")
    if spec.significant and spec.restart is Restart.PERMANENT:
        raise BadChildSpec(
            f"{who}: a permanent child always comes back, so it cannot be significant; "
            "make it transient or temporary"
        )


def as_child_specs(children: Sequence[Child], auto_shutdown: AutoShutdown) -> tuple[ChildSpec, ...]:
    """Read a whole list of children; two of one id, or a significant one without need, are refused."""
    specs = tuple(as_child_spec(child) for child in children)
    seen: set[Any] = set()
    for spec in specs:
        if spec.id in seen:
            raise BadChildSpec(f"two children have the id {spec.id!r}; give each an id of its own")
        seen.add(spec.id)
        check_significance(spec, auto_shutdown)
    return specs


def check_significance(spec: ChildSpec, auto_shutdown: AutoShutdown) -> None:
    """Refuse a significant child under a supervisor that never shuts itself down."""
    if spec.significant and auto_shutdown is AutoShutdown.NEVER:
        raise BadChildSpec(
            f"child {spec.id!r}: significant means nothing under a supervisor whose auto_shutdown is NEVER"
        )
