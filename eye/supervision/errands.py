"""What an isolated server wants of others, done for it in the parent.

It holds stand-ins; whatever it asks of one of them comes here as a number, the name of a method and its
arguments, and is done with the very object that the number stands for.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from eye.errors import CannotCross
from eye.supervision.border import LOG, RAISE, VALUE
from eye.supervision.reasons import Crash, ProcessExit

if TYPE_CHECKING:
    from eye.supervision.border import Border
    from eye.supervision.ref import Ref

logger = logging.getLogger("eye.supervision")


class Errands:
    """The errands of one isolated process."""

    def __init__(self, ref: Ref, border: Border) -> None:
        self._ref = ref
        self._border = border

    def do(self, number: int, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bytes:
        """Run one, and pack what comes of it: a value, or what was raised.

        Raises:
            ProcessExit: the process has been told to exit meanwhile.
        """
        border = self._border
        try:
            return border.dumps((VALUE, self._run(number, name, args, kwargs)))
        except ProcessExit as signal:
            if self._ref._doom is not None:
                raise
            return border.dumps((RAISE, (signal, None)))  # its own doing; it may still clean up
        except Exception as error:  # noqa: BLE001 - part of the process loop: what it asked for goes wrong over there
            text = None if error.__cause__ is None else Crash.of(error.__cause__).traceback
            try:
                return border.dumps((RAISE, (error, text)))
            except CannotCross:
                return border.dumps((RAISE, (RuntimeError(f"{type(error).__name__}: {error}"), text)))

    def do_quietly(self, number: int, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Run one that nobody waits for."""
        try:
            self._run(number, name, args, kwargs)
        except Exception:
            logger.exception("what %s asked for without waiting went wrong", self._ref)

    def _run(self, number: int, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if number == LOG:
            return _log(args[0])
        thing = self._border.find(number)
        if name.startswith("."):
            return getattr(thing, name[1:])
        if name.startswith("="):
            return setattr(thing, name[1:], *args)
        *way, method = name.split(".")
        for part in way:
            thing = getattr(thing, part)
        return getattr(thing, method)(*args, **kwargs)


def _log(fields: dict[str, Any]) -> None:
    record = logging.makeLogRecord(fields)
    target = logging.getLogger(record.name)
    if target.isEnabledFor(record.levelno):
        target.handle(record)
