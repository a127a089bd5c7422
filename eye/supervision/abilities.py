"""What a server can do besides answering: look ahead in time, watch others, share their fate, subscribe, leave.

Short words for what `Ref` and `System` do; each acts for the process whose server says it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eye.supervision.reasons import ProcessExit, Reason

if TYPE_CHECKING:
    from eye.supervision.messages import Monitor
    from eye.supervision.ref import Ref
    from eye.supervision.system import System, Target
    from eye.supervision.timers import Timer


class Abilities:
    """What every `GenServer` can do."""

    __slots__ = ()

    ref: Ref
    """This process, as others see it."""

    @property
    def system(self) -> System:
        return self.ref.system

    @property
    def trap_exit(self) -> bool:
        """Whether exit signals arrive as `Exit` messages instead of ending this process."""
        return self.ref.trap_exit

    @trap_exit.setter
    def trap_exit(self, traps: bool) -> None:
        self.ref.trap_exit = traps

    def send_after(self, delay: float, message: Any, to: Target | None = None) -> Timer:
        """Send `message` in `delay` seconds, to this process unless told otherwise."""
        return self.system.send_after(to if to is not None else self.ref, delay, message)

    def monitor(self, target: Target) -> Monitor:
        """Be told by one `Down` message when `target` ends."""
        return self.system.monitor(target, self.ref)

    def demonitor(self, monitor: Monitor, *, flush: bool = False) -> None:
        """Take a monitor back; with `flush`, a waiting notice too."""
        if monitor.target is not None:
            monitor.target.demonitor(monitor, flush=flush)

    def link(self, other: Ref) -> None:
        """Share fate with another process."""
        self.ref.link(other)

    def unlink(self, other: Ref) -> None:
        self.ref.unlink(other)

    def subscribe(self, topic: str) -> None:
        """Get what is broadcast on `topic`, as `handle_info` messages."""
        self.system.topics.subscribe(topic, self.ref)

    def unsubscribe(self, topic: str) -> None:
        """Get it no more, however often one had subscribed."""
        self.system.topics.unsubscribe(topic, self.ref)

    def exit(self, reason: Reason | str) -> None:
        """End this process here and now, from however deep inside a callback."""
        raise ProcessExit(reason)
