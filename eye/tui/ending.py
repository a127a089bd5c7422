"""An end that comes from outside: the terminal is given back in order, as after `q`."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def end_by_signal(end: Callable[[], None]) -> None:
    """Have SIGTERM and SIGHUP call `end`. Otherwise they leave a terminal that shows nothing that is typed."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)):
        # Windows has none of this, and only a program's first thread may.
        with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
            loop.add_signal_handler(number, end)
