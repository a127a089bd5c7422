"""An end that comes from outside: by a signal, or because the terminal is no more.

The screen is left in order then, as after `q`. Where that does not come to an end, since nobody reads what is
painted (a terminal that was stopped with Ctrl-S, a connection that hangs) and whoever paints waits for them, the
program ends all the same, and gives the terminal back as well as that can be done without waiting.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import signal
import sys
import threading
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Callable

PATIENCE = 3.0
"""Seconds that the screen has to be left in order."""

_LEAVE = b"\x1b[?1000l\x1b[?1003l\x1b[?1006l\x1b[?2004l\x1b[?1004l\x1b[<u\x1b[?1049l\x1b[?25h"
"""No mouse, no brackets around what is pasted, no focus, usual keys; the other screen, with a cursor."""


class Ending:
    """What ends a screen. It is entered before the terminal is changed, and left when it has been given back."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._end: Callable[[], None] = lambda: None
        self._before: dict[int, Any] = {}  # what the signals did
        self._last: threading.Timer | None = None
        self._terminal = _attributes()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        if self._last is not None:
            self._last.cancel()

    def begin(self, end: Callable[[], None]) -> None:
        """Have SIGTERM, SIGHUP and the loss of the terminal call `end`, in the event loop that runs now.

        Otherwise the signals leave a terminal that shows nothing that is typed.
        """
        self._loop, self._end = asyncio.get_running_loop(), end
        for number in (signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)):
            # Not by the loop, which takes none while it waits for whoever reads. Only the first thread may.
            with contextlib.suppress(ValueError):
                self._before.setdefault(
                    number, signal.signal(number, lambda number, _: self._begin_to_end(number))
                )
        if hasattr(select, "poll"):
            threading.Thread(target=self._await_hangup, name="eye-observe-terminal", daemon=True).start()

    def _await_hangup(self) -> None:
        """Wait until the terminal is no more. Only who has it as controlling terminal gets a signal for that."""
        poll = select.poll()
        with contextlib.suppress(OSError, ValueError, AttributeError):  # no stdin
            poll.register(sys.__stdin__.fileno(), 0)  # type: ignore[union-attr]
            if any(event & select.POLLHUP for _, event in poll.poll()):
                self._begin_to_end(getattr(signal, "SIGHUP", signal.SIGTERM))

    def _begin_to_end(self, number: int) -> None:
        if self._last is None:
            self._last = threading.Timer(PATIENCE, self._leave, (number,))
            self._last.daemon = True
            self._last.start()
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # it has ended
                self._loop.call_soon_threadsafe(self._end)

    def _leave(self, number: int) -> None:
        """End without waiting for anybody."""
        with contextlib.suppress(Exception):
            import termios

            terminal = sys.__stdin__.fileno()  # type: ignore[union-attr]
            termios.tcflow(terminal, termios.TCOON)
            termios.tcsetattr(terminal, termios.TCSANOW, self._terminal)
            os.set_blocking(terminal, False)
            try:
                os.write(terminal, _LEAVE)
            finally:
                os.set_blocking(terminal, True)  # it is the shell's, too
        os._exit(128 + number)


def _attributes() -> Any:
    try:
        import termios
    except ImportError:
        return None  # not POSIX
    try:
        return termios.tcgetattr(sys.__stdin__.fileno())  # type: ignore[union-attr]
    except (OSError, ValueError, AttributeError, termios.error):
        return None  # no terminal
