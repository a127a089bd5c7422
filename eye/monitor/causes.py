"""Why a node did not start, as something that a person can do something about."""

from __future__ import annotations

from typing import Any

from eye.errors import CallFailed, EyeError, StartFailed
from eye.supervision.reasons import Crash, Reason


def first_cause(error: BaseException) -> EyeError | None:
    """Dig out of nested start failures what a person can do something about."""
    cause: Any = error
    while True:
        if isinstance(cause, StartFailed):
            cause = cause.reason
        elif isinstance(cause, Crash):
            cause = cause.exception
        elif isinstance(cause, Reason):
            cause = cause.detail
        else:
            return cause if isinstance(cause, EyeError) and not isinstance(cause, CallFailed) else None
