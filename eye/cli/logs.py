"""Log records on stderr, one line each."""

from __future__ import annotations

import logging
import sys
from collections import deque

from eye.monitor.clean import clean

_MOST = 1000  # records held back; of more, the last


class OneLine(logging.Formatter):
    """Puts a record on one line: of a traceback, its last words. At level debug all of it is shown.

    What is logged may be what another node or a browser said, so no control character of it reaches the terminal.
    """

    def __init__(self, *, shows_all: bool = False) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s", datefmt="%H:%M:%S")
        self._shows_all = shows_all

    def format(self, record: logging.LogRecord) -> str:
        whole = "\n".join(clean(line.expandtabs()) for line in super().format(record).split("\n"))
        lines = [line.strip() for line in whole.splitlines() if line.strip()]
        if self._shows_all or len(lines) < 2:
            return whole
        return f"{lines[0]}: {lines[-1]}" if any(map(_begins_traceback, lines)) else " ".join(lines)


def _begins_traceback(line: str) -> bool:
    return line.startswith("Traceback (most recent call last)")


class Held(logging.Handler):
    """Keeps records back, for as long as it is not known whether they will matter."""

    def __init__(self, behind: logging.Handler) -> None:
        super().__init__()
        self._behind = behind
        self._records: deque[logging.LogRecord] | None = deque(maxlen=_MOST)

    def emit(self, record: logging.LogRecord) -> None:
        if self._records is None:
            self._behind.handle(record)
        else:
            self._records.append(record)

    def let_out(self) -> None:
        """Let out what was kept, and keep no more."""
        self.acquire()  # as whoever logs does: nothing is told twice, nor lost
        try:
            records, self._records = self._records, None
            for record in records or ():
                self._behind.handle(record)
        finally:
            self.release()


def set_up(level: str) -> None:
    """Send what is logged at `level` and above to stderr. Called again, it replaces what it did before."""
    _install(_to_stderr(level), level)


def hold(level: str) -> Held:
    """Do as `set_up` does, but write nothing before `let_out`.

    A start that fails says why in one sentence; what its processes have logged on the way says it again.
    """
    held = Held(_to_stderr(level))
    _install(held, level)
    return held


def _to_stderr(level: str) -> logging.Handler:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(OneLine(shows_all=level == "debug"))
    return handler


def _install(handler: logging.Handler, level: str) -> None:
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.raiseExceptions = False  # a stderr that nobody reads any more is no reason to say so there
