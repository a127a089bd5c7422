"""Ends a program with all that it has started when whoever started it is gone, however that came: SIGKILL too.

Whoever is killed ends nobody. So a second interpreter stands by, as small as there is one: it reads which group is
meant, and then waits for the word that it is over. Where the pipe ends without that word, its writer has gone.
"""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_OVER = b" over"
_STAND_BY = """
import os, signal, sys
told = sys.stdin.read().split()
if len(told) == 1:
    try:
        os.killpg(int(told[0]), signal.SIGKILL)
    except OSError:
        pass  # it has ended meanwhile
"""


@contextmanager
def leash() -> Iterator[Callable[[int], None]]:
    """Give what is to be told, once, which process group shall not outlive this program, until the block ends.

    Raises:
        OSError: nobody can be made to stand by.
    """
    standing_by = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", _STAND_BY],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # a Ctrl-C in a terminal is not meant for it
    )
    assert standing_by.stdin is not None
    pipe = standing_by.stdin

    def tie(group: int) -> None:
        pipe.write(str(group).encode())
        pipe.flush()

    try:
        yield tie
    finally:
        try:
            standing_by.communicate(_OVER)
        except OSError:  # somebody has ended it
            standing_by.kill()
            standing_by.wait()
