"""What a process may be called: a word, or a key in a registry, wherever a process is named.

    system.start(Printer, name="printer")
    system.start(Printer, name=Via("printers", (2, "east")))
    system.call(Via("printers", (2, "east")), Print(page))

A name is looked up anew each time it is used, and so finds whoever has it by then.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Hashable

    from eye.supervision.ref import Ref


@dataclass(frozen=True, slots=True)
class Via:
    """A name that is a key in a registry of unique keys, whatever the key is.

    Or, to find somebody by, a key of a `PartitionSupervisor`: its partition that is responsible for the key.
    """

    registry: str | Ref
    """The registry, by its own name, so that a restart of it is not noticed; or by its reference."""
    key: Hashable
    value: Any = field(default=None, compare=False)
    """What the process that takes this name registers along with it."""

    def __str__(self) -> str:
        return f"{self.registry}:{self.key}"


Name: TypeAlias = str | Via
"""A word, or a key in a registry."""
