"""What the tests of registries, tasks and agents hand to other processes: plain functions, and words for them.

All of it crosses the border of an OS process.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from eye.errors import EyeError
from eye.supervision import ProcessExit, Task, current
from tests.supervision.servers import Boom

if TYPE_CHECKING:
    from collections.abc import Callable

    from eye.supervision import Ref


class Use:
    """Have a server call `fn(*args, **kwargs)`, and answer the result."""

    def __init__(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        self.fn, self.args, self.kwargs = fn, args, kwargs

    def __call__(self, _me: Any) -> Any:
        return self.fn(*self.args, **self.kwargs)


class Try(Use):
    """The same; where it raises one of our errors, answer that."""

    def __call__(self, me: Any) -> Any:
        try:
            return super().__call__(me)
        except EyeError as error:
            return error


def use(ref: Ref, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Have a server call a function, and wait for what it answers."""
    return ref.call(Use(fn, *args, **kwargs), 10)


def attempt(ref: Ref, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """The same; answer the error where there is one."""
    return ref.call(Try(fn, *args, **kwargs), 10)


def double(number: int) -> int:
    return 2 * number


def fail(_value: Any = None) -> Any:
    raise Boom("boom")


def leave(word: str) -> None:
    raise ProcessExit(word)


def fail_on_three(number: int) -> int:
    if number == 3:
        raise Boom("three")
    return number


def wait_for(gate: Any, answer: Any = None) -> Any:
    """Wait until the gate is open."""
    gate(None)
    return answer


def wait_long() -> None:
    """Wait for what never comes; only OS processes are ever asked to."""
    time.sleep(3600)


def who() -> Ref | None:
    return current()


def run_and_await(fn: Callable[..., Any], *args: Any, timeout: float = 5.0, **options: Any) -> Any:
    """Own a task for as long as it takes."""
    return Task.async_(fn, *args, **options).await_result(timeout)
