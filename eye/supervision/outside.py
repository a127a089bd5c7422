"""Somebody who is no process of this system, as its processes meet them: asking, watching, sharing their fate.

What speaks for others (for the processes of another node, for instance) uses these. A process that is asked,
watched or linked in this way cannot tell the difference.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, cast

from eye.errors import MailboxFull
from eye.supervision.ending import _tell_link
from eye.supervision.mailbox import MAILBOX_FULL
from eye.supervision.messages import Asking, Down
from eye.supervision.reasons import NOPROC, Reason
from eye.supervision.ref import _serials

if TYPE_CHECKING:
    from collections.abc import Callable

    from eye.supervision.inbox import Inbox
    from eye.supervision.messages import Monitor
    from eye.supervision.ref import Ref


def ask(ref: Ref, request: Any, settled: Callable[[Any, Reason | None], None]) -> None:
    """Call a process without waiting.

    `settled(value, None)` or `settled(None, reason)` is called once, on the thread of whoever settles it; it must
    not block.
    """
    asking = Asking(request, ref, settled)
    if ref.exit_reason is not None:
        asking.fail(NOPROC)
        return
    try:
        ref._put(asking)
    except MailboxFull:
        asking.fail(MAILBOX_FULL)
    if ref.exit_reason is not None:
        asking.fail(ref.exit_reason)


class Outsider:
    """What links hold of somebody elsewhere. `signalled` is told the reason when a process that it is linked to
    ends, on the thread of that end: it must not block.
    """

    __slots__ = ("__weakref__", "_links", "_lock", "_signalled", "exit_reason", "name", "serial")

    def __init__(self, name: str, signalled: Callable[[Reason], None]) -> None:
        self.name = name
        self.serial = next(_serials)
        self.exit_reason: Reason | None = None
        self._signalled = signalled
        self._links: set[Ref] = set()
        self._lock = threading.Lock()

    @property
    def path(self) -> str:
        return self.name

    def __str__(self) -> str:
        return self.name

    def __repr__(self) -> str:
        return f"<Outsider {self.name}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return Outsider, (self.name, _nobody)  # in an OS process of its own a server sees who it was, no more

    def link(self, ref: Ref) -> None:
        """Share fate with a process of this system; see `Ref.link`."""
        ref.link(cast("Ref", self))

    def unlink(self, ref: Ref) -> None:
        """Take the link back."""
        ref.unlink(cast("Ref", self))

    def signal(self, sender: Ref | None, reason: Reason, *, from_link: bool = False) -> None:
        """Take an exit signal, as a `Ref` does."""
        del sender, from_link
        self._signalled(reason)

    def end(self, reason: Reason) -> None:
        """End: whoever is linked gets an exit signal. A second time does nothing."""
        with self._lock:
            if self.exit_reason is not None:
                return
            self.exit_reason = reason
            links, self._links = self._links, set()
        for ref in links:
            _tell_link(cast("Ref", self), ref, reason)


def _nobody(_reason: Reason) -> None:
    pass


class Watcher:
    """What a monitor tells instead of a process: `told(reason)`, on the thread of the end; it must not block."""

    __slots__ = ("_told",)

    def __init__(self, told: Callable[[Reason], None]) -> None:
        self._told = told

    def deliver(self, item: Any) -> None:
        """Take the notice."""
        if isinstance(item, Down):
            self._told(item.reason)

    def watch(self, ref: Ref) -> Monitor:
        """Be told of the end of a process of this system; `Ref.demonitor` takes it back."""
        return ref.monitor(cast("Inbox", self))
