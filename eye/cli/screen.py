"""Results to stdout, news to stderr, and what the terminal can take.

`NO_COLOR`, a terminal called `dumb` and a stdout that is no terminal mean no escape codes at all.
"""

from __future__ import annotations

import errno
import os
import sys
from typing import TYPE_CHECKING, Any

from eye.cli.options import PROGRAM
from eye.errors import EyeError
from eye.monitor.clean import clean

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Protocol

    class Beat(Protocol):
        """What a repetition needs: a clock, and a way to let time pass."""

        def monotonic(self) -> float: ...
        def rest(self, seconds: float) -> None: ...


_HOME, _CLEAR, _END_OF_LINE, _REST = "\x1b[H", "\x1b[H\x1b[2J", "\x1b[K", "\x1b[J"


def write(text: str) -> None:
    """Write a result, at once.

    Raises:
        BrokenPipeError: nobody reads it any more.
        EyeError: it cannot be written.
    """
    if sys.stdout is None:
        return
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        hush()
        raise EyeError(f"cannot write the result: {(error.strerror or str(error)).lower()}") from None


def tell(sentence: str) -> None:
    """Tell a person that something is not as it should be."""
    news(f"{PROGRAM}: {sentence}")


def news(sentence: str) -> None:
    """Tell a person something that is no result. It is one line, whatever is in it."""
    if sys.stderr is not None:
        sys.stderr.write(clean(" ".join(sentence.splitlines())) + "\n")
        sys.stderr.flush()


def hush() -> None:
    """Let nothing more be written to a stream that cannot take it: Python would complain at its exit."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except OSError:
            os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def takes_escape_codes() -> bool:
    """Whether stdout is a terminal, and its user does not mind."""
    return (
        sys.stdout is not None
        and sys.stdout.isatty()
        and not os.environ.get("NO_COLOR")
        and os.environ.get("TERM") != "dumb"
    )


def takes_a_screen() -> bool:
    """Whether there is a terminal that can be painted on, in colour or without: Textual paints on stderr."""
    streams = (sys.stdin, sys.stdout, sys.stderr)
    return os.environ.get("TERM") != "dumb" and all(one is not None and one.isatty() for one in streams)


def size() -> tuple[int, int] | None:
    """How many columns and lines the terminal has; None where stdout is no terminal."""
    if sys.stdout is None or not sys.stdout.isatty():
        return None
    try:
        columns, lines = os.get_terminal_size(sys.stdout.fileno())
    except OSError:
        columns, lines = 0, 0
    given = os.environ.get("COLUMNS", "")
    columns = int(given) if given.isascii() and given.isdigit() else columns
    return columns or 80, lines or 24


class Page:
    """Shows one text after the other: in its place on a terminal, else below it, a blank line between."""

    def __init__(self, *, in_place: bool, between: str = "\n") -> None:
        self._in_place = in_place and takes_escape_codes()
        self._between = between
        self._is_first = True

    def show(self, text: str) -> None:
        """Show the next text."""
        if self._in_place:
            write((_CLEAR if self._is_first else _HOME) + self._fitted(text) + _REST)
        else:
            write(text if self._is_first else self._between + text)
        self._is_first = False

    def _fitted(self, text: str) -> str:
        lines = text.splitlines()
        _, height = size() or (80, 24)
        if len(lines) > height - 1:
            cut = len(lines) - (height - 2)
            lines = [*lines[: height - 2], f"… {cut} more lines; a taller terminal or --node shows them"]
        return "".join(f"{line}{_END_OF_LINE}\n" for line in lines)


def beats(seconds: float | None, beat: Beat) -> Iterator[None]:
    """Give one beat now and, unless `seconds` is None, one more every so many seconds, for ever.

    The beat is kept: what is done at each does not add up. One that was missed is left out.
    """
    began, count = beat.monotonic(), 0
    while True:
        yield
        if seconds is None:
            return
        passed = beat.monotonic() - began
        count = max(count + 1, int(passed / seconds) + (passed % seconds > 0))
        beat.rest(max(began + count * seconds - beat.monotonic(), 0.0))
        if nobody_reads():
            raise BrokenPipeError(errno.EPIPE, "nobody reads stdout any more")


def nobody_reads() -> bool:
    """Tell whether stdout is a pipe whose reader has gone: who has nothing to write would never notice."""
    try:
        import select  # only who goes on for a while needs it

        poll = select.poll()
        poll.register(sys.stdout.fileno(), 0)  # errors are told unasked
        return any(event & select.POLLERR for _, event in poll.poll(0))
    except (AttributeError, OSError, ValueError):  # Windows has no `poll`; a stdout that is no file
        return False


def local_time(at: float) -> str:
    """Write a moment (UTC seconds) as this machine's clock on the wall shows it."""
    from datetime import datetime

    return datetime.fromtimestamp(at).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def as_json(document: Any, *, is_one_line: bool = False) -> str:
    """Write a document as JSON, for a person or (one document a line) for a program that reads a stream."""
    from msgspec import json  # which the wire has brought along already; `json` would be a second one

    encoded = json.encode(document)
    return (encoded if is_one_line else json.format(encoded, indent=2)).decode() + "\n"
