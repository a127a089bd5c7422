"""Which process the running thread belongs to, and whether anybody still listens to it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from eye.supervision.ref import Ref


class _Here(threading.local):
    """Which process the running thread belongs to."""

    ref: Ref | None = None


here = _Here()


def current() -> Ref | None:
    """Answer the process whose code is running; None in a thread that belongs to no process."""
    return here.ref


unheard: set[Ref] = set()
"""Processes that were declared dead and whose threads may still speak: nobody hears them. Nearly always
empty, and to see that is far cheaper than to ask of every message whose thread sends it."""


def is_unheard() -> bool:
    """Whether the running thread speaks for a process that has ended."""
    me = here.ref
    return me is not None and me.exit_reason is not None
