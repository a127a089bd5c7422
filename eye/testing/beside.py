"""Doing something beside the test, which goes on meanwhile."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

R = TypeVar("R")


def in_thread(work: Callable[[], R]) -> Future[R]:
    """Run `work` in a thread of its own: a call that is to wait while the test moves the clock, for instance.

    Returns:
        A future of what it returns or raises: `in_thread(…).result(PATIENCE)`.
    """
    future: Future[R] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is the test's to see
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return future
